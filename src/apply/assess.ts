import type { KeyDescription } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import { type AccountId, parseAccountId, parseOrganizationId } from "../domain/ids.js";
import { inert } from "../domain/inert.js";
import type { KeyRecord } from "../domain/key.js";
import { type Exposure, EXPOSURES, type Verdict } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import { proveManageable } from "../repair/manageable.js";
import { findManager, type OwnSide } from "../repair/managers.js";
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
  /** Users and roles of an account, where a snapshot told them. */
  readonly own: (account: AccountId) => OwnSide | undefined;
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

/** The zone of trust of a task: its own, or that of its list. What is no id any more counts for nobody. */
export function zoneOfTask(task: KeyTask, tasks: TaskList): Zone {
  const zone = task.zone ?? tasks.zone;
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

/** Judges a key. One about which the two engines disagree is not assessed, whatever either says, unless it is exposed. */
export function assess(documents: Documents, bench: Bench): Assessment {
  const judged = judgeKey(recordOf(documents, bench), {
    zone: bench.zone,
    organizationOf: bench.estate.organizationOf,
    exceptions: new ExceptionBook([], bench.now),
    now: bench.now,
  });
  const { exposure, verdict } = judged.report;
  const { disagreements } = judged;
  return disagreements.length === 0 || verdict === "exposed"
    ? { exposure, verdict, disagreements }
    : { exposure: "unknown", verdict: "not-assessed", disagreements };
}

/** What is said where the two engines disagree about a key; undefined where they do not. */
export function disagreementText(...assessments: readonly Assessment[]): string | undefined {
  const [first] = assessments.flatMap((a) => a.disagreements);
  return first === undefined
    ? undefined
    : `keyward's two engines disagree about this key (${inert(first, { max: 200 })}): a bug, and nothing that keyward says of the key may be relied on. Please report it.`;
}

/** Whether the plan has said that the key will be so bad after its change, because exceptions let somebody stay. */
export function isAsPlanned(task: Pick<KeyTask, "after">, exposure: Exposure): boolean {
  return task.after !== undefined && EXPOSURES.indexOf(exposure) >= EXPOSURES.indexOf(task.after);
}

/** Why a change is not made. */
export interface Unsafe {
  readonly why: string;
  /** The two engines disagree about the key: a bug in keyward. */
  readonly disagreement: boolean;
}

/** Whether the key has somebody who can change its policy after a change; undefined: it has, for sure. */
export function unmanageable(
  now: Documents,
  next: string,
  kind: "apply" | "rollback",
  bench: Bench,
): Unsafe | undefined {
  const record = recordOf(now, bench);
  const { organizationOf } = bench.estate;
  const search = { record, organizationOf, now: bench.now, own: bench.own(record.facts.account) };
  if (kind === "apply") {
    const { obligation, disagreements } = proveManageable({
      ...search,
      older: { text: now.policy, grants: [] },
      newer: { text: next, grants: [] },
    });
    const { result, statement, details } = obligation;
    const [bug] = disagreements;
    if (bug !== undefined) return { why: bug, disagreement: true };
    if (result !== "failed") return undefined;
    return { why: [statement, ...details.slice(0, 1)].join(" "), disagreement: false };
  }
  // KMS takes no policy that names somebody who does not exist, so whom it names does; and a policy that was there
  // before must stay possible, whatever it rests on, unless nobody at all could change it again.
  const manager = findManager(next, { ...search, exists: () => true });
  switch (manager.kind) {
    case "plain":
    case "conditional":
    case "elsewhere":
    case "perhaps":
      return undefined;
    case "undecided":
      return {
        why: `Whether somebody could change the old policy again was not decided. ${manager.reason}`,
        disagreement: manager.disagreement,
      };
    case "nobody":
      return {
        why: "Nobody of the key's own account could change the old policy again.",
        disagreement: false,
      };
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
  const { facts } = assumeOwnOrganization(record.facts, bench.zone, bench.estate.listed);
  return { ...record, facts };
}
