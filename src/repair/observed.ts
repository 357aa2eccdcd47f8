import { KMS_KEY_ACTIONS } from "../semantics/actions.js";
import { parseCaller } from "../semantics/arn.js";
import type { AccessRequest, Caller } from "../semantics/request.js";
import type { UsageEntry, UsagePrincipal } from "../usage/types.js";
import type { PlannedUse } from "./plan-file.js";
import { FOR_RESOURCES } from "./services.js";
import type { TrustContext } from "./trust.js";

/** What an observed use is read by: whose key it is on, and to which organizations accounts belong. */
export type Surroundings = Pick<TrustContext, "facts" | "organizationOf">;

/** The text that names a seen principal in a policy; undefined where nothing does. */
export function principalName(p: UsagePrincipal, partition: string): string | undefined {
  switch (p.kind) {
    case "role":
    case "user":
    case "federated-user":
      return p.arn;
    case "root":
    case "foreign":
      return `arn:${partition}:iam::${p.account}:root`;
    case "service":
    case "identity-center-user":
    case "other":
      return undefined;
  }
}

/** How a plan tells people who used a key. */
export function principalText(p: UsagePrincipal, partition: string): string {
  switch (p.kind) {
    case "service":
      return p.name;
    case "foreign":
      return `account ${p.account}${p.id === undefined ? "" : ` (${p.id})`}`;
    case "identity-center-user":
      return `user of IAM Identity Center in account ${p.account}`;
    case "other":
      return `caller of type ${p.type}`;
    default:
      return principalName(p, partition) ?? "";
  }
}

/** By what a use that a plan foresaw is told again. */
export type ForeseenUse = Pick<PlannedUse, "principal" | "account" | "via" | "action">;

/**
 * Whether a plan has said that this use will break. Of a caller from another account the trail of the key's owner tells
 * the account, and at best a unique id; a denial stands in the caller's own trail, which names the role. So a plan that
 * knew no more than the account (or the id) speaks of that role, too.
 */
export function foretold(foreseen: readonly ForeseenUse[], entry: UsageEntry, partition: string): boolean {
  const { principal, account } = entry;
  const names = new Set([principalText(principal, partition)]);
  if (account !== undefined) {
    names.add(principalText({ kind: "foreign", account }, partition));
    const id = "id" in principal ? principal.id : undefined;
    if (id !== undefined) names.add(principalText({ kind: "foreign", account, id }, partition));
  }
  return foreseen.some(
    (use) => use.action === entry.action && use.via === (entry.via ?? null) && names.has(use.principal),
  );
}

/**
 * The value of kms:ViaService for a service that acted with the caller's rights, as CloudTrail names it: the same with
 * the key's Region. Source: KMS Developer Guide, kms:ViaService.
 */
export function viaService(via: string, region: string): string {
  return via.replace(/^([a-z0-9-]+)\.amazonaws\.com$/, `$1.${region}.amazonaws.com`);
}

/** What a request carries that came through a service; nothing for a direct one. */
export function serviceKeys(
  { via, action }: Pick<UsageEntry, "via" | "action">,
  region: string,
): Readonly<Record<string, string>> {
  if (via === undefined) return {};
  return {
    "aws:ViaAWSService": "true",
    ...(via === "unknown" ? {} : { "kms:ViaService": viaService(via, region) }),
    ...(FOR_RESOURCES.includes(action) ? { "kms:GrantIsForAWSResource": "true" } : {}),
  };
}

const KNOWN_ACTIONS: ReadonlySet<string> = new Set(KMS_KEY_ACTIONS.map((a) => a.name));

/** The observed use as a request to the reference; undefined where CloudTrail does not tell who called. */
export function requestOf(
  entry: UsageEntry,
  x: Surroundings,
  now: number,
  identityAllows: boolean,
): AccessRequest | undefined {
  if (!KNOWN_ACTIONS.has(entry.action)) return undefined;
  const caller = callerOf(entry, x.facts.partition);
  if (caller === undefined) return undefined;
  const foreign = caller.kind !== "service" && caller.account !== x.facts.account;
  return {
    caller,
    action: entry.action,
    context: {
      ...organizationKeys(caller, x),
      ...serviceKeys(entry, x.facts.region),
      ...(entry.requestAlias === undefined ? {} : { "kms:RequestAlias": entry.requestAlias }),
      ...(entry.sourceNetwork.kind === "vpc-endpoint" ? { "aws:SourceVpce": entry.sourceNetwork.id } : {}),
      ...(entry.contextKeys.length === 0 ? {} : { "kms:EncryptionContextKeys": entry.contextKeys }),
    },
    time: now,
    identity: { kind: identityAllows || foreign ? "allow" : "none" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
}

/** What requests carry about the organization of their caller, where it is known. The own account's follows from the key. */
function organizationKeys(
  caller: Caller,
  { organizationOf, facts }: Surroundings,
): Record<string, string | readonly string[]> {
  if (caller.kind === "service" || caller.account === facts.account) return {};
  const of = organizationOf.get(caller.account);
  if (of === undefined || of === null) return {};
  return {
    "aws:PrincipalOrgID": of.id,
    ...(of.path === undefined ? {} : { "aws:PrincipalOrgPaths": [of.path] }),
  };
}

/** Who called; undefined where CloudTrail does not tell. */
export function callerOf({ principal }: UsageEntry, partition: string): Caller | undefined {
  switch (principal.kind) {
    case "role":
    case "user":
    case "federated-user": {
      const caller = parseCaller(principal.arn);
      return caller.ok ? caller.value : undefined;
    }
    case "root":
      return { kind: "root", account: principal.account, partition };
    case "service":
      return principal.name === "unknown" ? undefined : { kind: "service", name: principal.name };
    case "foreign":
      // Some role of that account: what lets in the whole account lets it in.
      return {
        kind: "session",
        account: principal.account,
        partition,
        role: "role-that-is-not-known",
        session: "session",
        ...(principal.id?.startsWith("AROA") === true ? { uniqueId: principal.id } : {}),
      };
    case "identity-center-user":
    case "other":
      return undefined;
  }
}
