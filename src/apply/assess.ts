import type { KeyDescription } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import { type Exposure, EXPOSURES, type Verdict } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import { proveManageable } from "../repair/manageable.js";
import { findManager } from "../repair/managers.js";
import { judgeKey } from "../rules/judge.js";
import type { EstateContext } from "../snapshot/key-record.js";
import { keyRecord } from "../snapshot/key-record.js";
import type { KeyLine } from "../snapshot/lines.js";
import { ExceptionBook } from "../trust/exceptions.js";
import { assumeOwnOrganization } from "../trust/zone.js";
import type { KeyTask, TaskList } from "./tasks.js";

/** By what keys are judged. */
export interface Bench {
  readonly zone: Zone;
  /** Organizations and resource control policies, where a snapshot told them. */
  readonly estate: EstateContext;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** A key's documents, as they are or would be. */
export interface Documents {
  readonly arn: string;
  readonly description: KeyDescription | undefined;
  readonly policy: string;
  readonly grants: readonly Grant[];
}

/** The zone of trust of a task list. What is no id any more counts for nobody. */
export function zoneOfTasks(tasks: TaskList): Zone {
  const { zone } = tasks;
  return {
    organizations: zone.organizations.map(parseOrganizationId).filter((id) => id !== undefined),
    accounts: zone.accounts.map(parseAccountId).filter((id) => id !== undefined),
    principals: zone.principals,
    services: zone.services,
  };
}

/** What a key with these documents is, as a scan would say. Waivers do not count. */
export interface Assessment {
  readonly exposure: Exposure;
  readonly verdict: Verdict;
  /** Not empty: a bug in keyward; nothing here may be relied on. */
  readonly disagreements: readonly string[];
}

export function assess(documents: Documents, bench: Bench): Assessment {
  const judged = judgeKey(recordOf(documents, bench), {
    zone: bench.zone,
    organizationOf: bench.estate.organizationOf,
    exceptions: new ExceptionBook([], bench.now),
    now: bench.now,
  });
  const { exposure, verdict } = judged.report;
  return { exposure, verdict, disagreements: judged.disagreements };
}

/** Whether the plan has said that the key will be so bad after its change, because exceptions let somebody stay. */
export function isAsPlanned(task: Pick<KeyTask, "after">, exposure: Exposure): boolean {
  return task.after !== undefined && EXPOSURES.indexOf(exposure) >= EXPOSURES.indexOf(task.after);
}

/** Whether the key has somebody who can change its policy after a change. A sentence: not for sure. */
export function unmanageable(
  now: Documents,
  next: string,
  kind: "apply" | "rollback",
  bench: Bench,
): string | undefined {
  const record = recordOf(now, bench);
  const { organizationOf } = bench.estate;
  if (kind === "apply") {
    const { result, statement, details } = proveManageable({
      record,
      organizationOf,
      older: { text: now.policy, grants: [] },
      newer: { text: next, grants: [] },
      now: bench.now,
      own: undefined,
    });
    return result === "failed" ? [statement, ...details.slice(0, 1)].join(" ") : undefined;
  }
  // KMS takes no policy that names somebody who does not exist, so whom it names does; and a policy that was there
  // before must stay possible, whatever it rests on, unless nobody at all could change it again.
  const exists = (): boolean => true;
  const manager = findManager(next, { record, organizationOf, now: bench.now, own: undefined, exists });
  switch (manager.kind) {
    case "plain":
    case "conditional":
    case "elsewhere":
    case "perhaps":
      return undefined;
    case "undecided":
      return `Whether somebody could change the old policy again was not decided. ${manager.reason}`;
    case "nobody":
      return "Nobody of the key's own account could change the old policy again.";
  }
}

function recordOf({ arn, description, policy, grants }: Documents, bench: Bench): KeyRecord {
  const d = description;
  const line: KeyLine = {
    type: "key",
    arn,
    ...(d?.manager === undefined ? {} : { manager: d.manager }),
    ...(d?.state === undefined ? {} : { state: d.state }),
    ...(d?.spec === undefined ? {} : { spec: d.spec }),
    ...(d?.usage === undefined ? {} : { usage: d.usage }),
    ...(d?.origin === undefined ? {} : { origin: d.origin }),
    ...(d?.multiRegion === undefined ? {} : { multiRegion: d.multiRegion }),
    ...(d?.multiRegionKeyType === undefined ? {} : { multiRegionKeyType: d.multiRegionKeyType }),
    policy: { kind: "present", text: policy },
    grants: { kind: "present", items: grants },
  };
  const record = keyRecord(line, bench.estate);
  return { ...record, facts: assumeOwnOrganization(record.facts, bench.zone).facts };
}
