import type { Grant } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import { policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import { requestOf } from "../repair/observed.js";
import { evaluate } from "../semantics/evaluate.js";
import type { Decision, KeyDocument } from "../semantics/request.js";
import type { EstateContext } from "../snapshot/key-record.js";
import { keyRecord } from "../snapshot/key-record.js";
import type { KeyLine } from "../snapshot/lines.js";
import type { UsageEntry } from "../usage/types.js";

/** What the reference says to an observed request; `untold`: the evidence does not name who called. */
export type Replayed = Decision["outcome"] | "untold";

/**
 * Condition keys that CloudTrail does not show: what rests on them cannot be told from a replay. Lower case. Source:
 * CloudTrail User Guide, "CloudTrail record contents"; docs/usage.md, what is not kept.
 */
const NOT_SHOWN = ["aws:sourceip", "aws:sourcevpc", "aws:vpcsourceip", "aws:sourcearn", "aws:sourceaccount"];

/** Puts an observed request to a key as it is in this line. The caller's IAM policies are taken to allow it. */
export function replay(entry: UsageEntry, line: KeyLine, estate: EstateContext, now: number): Replayed {
  const record = keyRecord(line, estate);
  const { facts, grants, policy } = record;
  const request = requestOf(entry, { facts, organizationOf: estate.organizationOf }, now, true);
  if (request === undefined || policy.kind !== "present" || grants.kind !== "present") return "untold";
  const key = documentOf(record, policy.value, grants.value);
  if (key === undefined) return "unknown";
  const open = new Set([
    ...NOT_SHOWN,
    ...entry.contextKeys.map((k) => `kms:encryptioncontext:${k.toLowerCase()}`),
  ]);
  if (entry.sourceNetwork.kind === "unknown") open.add("aws:sourcevpce");
  if (entry.via === "unknown") open.add("kms:viaservice");
  return evaluate(request, key, { openKeys: open }).outcome;
}

function documentOf(
  { facts, resourceControlPolicies }: KeyRecord,
  text: string,
  grants: readonly Grant[],
): KeyDocument | undefined {
  const parsed = parsePolicy(text, { kind: "key", partition: facts.partition });
  if (parsed.policy === undefined) return undefined;
  const doubts = policyDoubts(parsed);
  if (doubts.wholePolicy || doubts.unread.size > 0) return undefined;
  return {
    facts,
    policy: parsed.policy,
    grants,
    resourceControlPolicies: resourceControlPolicies.flatMap((rcp) => {
      const { policy } = parsePolicy(rcp, { kind: "rcp" });
      return policy === undefined ? [] : [policy];
    }),
    doubtfulStatements: doubts.notUnderstood,
    refusedStatements: doubts.refused,
  };
}
