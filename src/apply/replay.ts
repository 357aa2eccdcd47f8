import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import { policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import { organizationKeys } from "../repair/seen.js";
import { parseCaller } from "../semantics/arn.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Decision, KeyDocument } from "../semantics/request.js";
import type { EstateContext } from "../snapshot/key-record.js";
import { keyRecord } from "../snapshot/key-record.js";
import type { KeyLine } from "../snapshot/lines.js";
import type { UsageEntry, UsagePrincipal } from "../usage/types.js";

/** What the reference says to an observed request; `untold`: the evidence does not name who called. */
export type Replayed = Decision["outcome"] | "untold";

/**
 * Condition keys that CloudTrail does not show: what rests on them cannot be told from a replay. Lower case. Source:
 * CloudTrail User Guide, "CloudTrail record contents"; docs/usage.md, what is not kept.
 */
const NOT_SHOWN = ["aws:sourceip", "aws:sourcevpc", "aws:vpcsourceip", "aws:sourcearn", "aws:sourceaccount"];

/** Puts an observed request to a key as it is in this line. The caller's IAM policies are taken to allow it. */
export function replay(entry: UsageEntry, line: KeyLine, estate: EstateContext, now: number): Replayed {
  const { facts, grants, policy } = keyRecord(line, estate);
  const request = requestOf(entry, facts, estate, now);
  if (request === undefined || policy.kind !== "present" || grants.kind !== "present") return "untold";
  const key = documentOf(facts, policy.value, grants.value, line, estate);
  if (key === undefined) return "unknown";
  const open = new Set([
    ...NOT_SHOWN,
    ...entry.contextKeys.map((k) => `kms:encryptioncontext:${k.toLowerCase()}`),
  ]);
  if (entry.sourceNetwork.kind === "unknown") open.add("aws:sourcevpce");
  return evaluate(request, key, { openKeys: open }).outcome;
}

function documentOf(
  facts: KeyFacts,
  text: string,
  grants: readonly Grant[],
  line: KeyLine,
  estate: EstateContext,
): KeyDocument | undefined {
  const parsed = parsePolicy(text, { kind: "key", partition: facts.partition });
  if (parsed.policy === undefined) return undefined;
  const doubts = policyDoubts(parsed);
  if (doubts.wholePolicy || doubts.unread.size > 0) return undefined;
  return {
    facts,
    policy: parsed.policy,
    grants,
    resourceControlPolicies: keyRecord(line, estate).resourceControlPolicies.flatMap((rcp) => {
      const { policy } = parsePolicy(rcp, { kind: "rcp" });
      return policy === undefined ? [] : [policy];
    }),
    doubtfulStatements: doubts.notUnderstood,
    refusedStatements: doubts.refused,
  };
}

function requestOf(
  entry: UsageEntry,
  facts: KeyFacts,
  { organizationOf }: EstateContext,
  now: number,
): AccessRequest | undefined {
  const name = callerName(entry.principal, facts.partition);
  const caller = name === undefined ? undefined : parseCaller(name);
  if (caller?.ok !== true) return undefined;
  const { via, sourceNetwork } = entry;
  return {
    caller: caller.value,
    action: entry.action,
    context: {
      ...organizationKeys(caller.value, { organizationOf, facts }),
      ...(via === undefined
        ? {}
        : { "kms:ViaService": viaService(via, facts.region), "aws:ViaAWSService": "true" }),
      ...(sourceNetwork.kind === "vpc-endpoint" ? { "aws:SourceVpce": sourceNetwork.id } : {}),
      ...(entry.requestAlias === undefined ? {} : { "kms:RequestAlias": entry.requestAlias }),
      ...(entry.contextKeys.length === 0 ? {} : { "kms:EncryptionContextKeys": [...entry.contextKeys] }),
    },
    time: now,
    identity: { kind: "allow" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
}

/**
 * The value of kms:ViaService for a service that acted with the caller's rights: its name in the key's Region. Source:
 * KMS Developer Guide, kms:ViaService.
 */
export function viaService(via: string, region: string): string {
  return via.replace(/^([a-z0-9-]+)\.amazonaws\.com$/, `$1.${region}.amazonaws.com`);
}

/** The ARN or service name of a caller. Of foreign callers only the account is known: its root stands for them. */
export function callerName(p: UsagePrincipal, partition: string): string | undefined {
  switch (p.kind) {
    case "role":
    case "user":
    case "federated-user":
      return p.arn;
    case "service":
      return p.name;
    case "root":
    case "foreign":
      return `arn:${partition}:iam::${p.account}:root`;
    case "identity-center-user":
    case "other":
      return undefined;
  }
}
