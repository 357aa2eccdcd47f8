import { analyze } from "../access/analyze.js";
import type { Access } from "../access/matrix.js";
import type { KeyDescription } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import type { Certainty, Exposure, Verdict } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import { parsePolicy } from "../policy/parse.js";
import { judgeKey } from "../rules/judge.js";
import { callerArn } from "../semantics/arn.js";
import type { EstateContext } from "../snapshot/key-record.js";
import { keyRecord } from "../snapshot/key-record.js";
import type { KeyLine } from "../snapshot/lines.js";
import { ExceptionBook } from "../trust/exceptions.js";
import { assumeOwnOrganization } from "../trust/zone.js";
import type { TaskList } from "./tasks.js";

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

/** Whether somebody can still change the policy. */
export type Manager =
  /** A principal of the key's own account can: `who` is the proof's caller. */
  | { readonly kind: "proved"; readonly who: string; readonly certainty: Certainty }
  | { readonly kind: "nobody" }
  | { readonly kind: "unknown"; readonly reason: string };

const PUT = "kms:PutKeyPolicy";

/**
 * Looks for a principal of the key's own account that may put the next policy. AWS Support alone helps a key without
 * one. Source: KMS Developer Guide, "Default key policy"; KMS API reference, PutKeyPolicy, lockout safety check. Proved
 * by the engine, each proof replayed by the reference.
 */
export function managerOf(documents: Documents, bench: Bench): Manager {
  const { facts, resourceControlPolicies } = recordOf(documents, bench);
  const options = { kind: "key", partition: facts.partition } as const;
  const policy = parsePolicy(documents.policy, options);
  if (policy.policy === undefined) return { kind: "nobody" };
  const matrix = analyze({
    facts,
    policy,
    // No grant gives it. Source: KMS API reference, CreateGrant, grant operations.
    grants: [],
    resourceControlPolicies: resourceControlPolicies.flatMap((text) => {
      const parsed = parsePolicy(text, { kind: "rcp" }).policy;
      return parsed === undefined ? [] : [parsed];
    }),
    zone: bench.zone,
    organizationOf: bench.estate.organizationOf,
    now: bench.now,
    scope: "all",
  });
  const [disagreement] = matrix.disagreements;
  if (disagreement !== undefined) return { kind: "unknown", reason: disagreement };
  const managers = matrix.accesses.filter((a) => manages(a, facts.account));
  const best = managers.find((a) => a.certainty === "certain") ?? managers[0];
  if (best !== undefined) {
    return { kind: "proved", who: callerArn(best.witness.request.caller), certainty: best.certainty };
  }
  const [undecided] = matrix.undecided;
  return undecided === undefined ? { kind: "nobody" } : { kind: "unknown", reason: undecided.reason };
}

function manages(access: Access, account: string): boolean {
  if (!access.actions.some((action) => action === PUT)) return false;
  const { who } = access;
  switch (who.kind) {
    case "account":
      return who.id === account && access.reach.kind === "now";
    case "principal":
      return who.account === account && access.reach.kind === "now";
    // Where anyone is let in, so is everybody of the own account.
    case "anyone":
      return true;
    case "pattern":
    case "organization":
    case "service":
    case "unresolved":
      return false;
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
