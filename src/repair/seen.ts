import { actionCovered } from "../semantics/action-match.js";
import { KMS_KEY_ACTIONS } from "../semantics/actions.js";
import { parseCaller } from "../semantics/arn.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Caller, KeyDocument } from "../semantics/request.js";
import type { ObservedKeyUsage, UsageEntry, UsagePrincipal } from "../usage/types.js";
import type { OwnSide } from "./managers.js";
import type { PlannedEvidence, PlannedUse } from "./plan-file.js";
import { FOR_RESOURCES, neededTogether } from "./services.js";
import { isTrustedAccount, type TrustContext } from "./trust.js";

/** A principal of the zone that was seen, and what it needs. */
export interface SeenPrincipal {
  readonly arn: string;
  readonly actions: readonly string[];
  /** Grants that a service made in its name: kms:GrantIsForAWSResource holds for them. */
  readonly forResources: readonly string[];
}

/** The principals of the zone that were allowed to use the key, each with the operations that it needs. */
export function seenPrincipals(usage: ObservedKeyUsage, x: TrustContext): readonly SeenPrincipal[] {
  const found = new Map<string, { actions: Set<string>; forResources: Set<string> }>();
  for (const entry of usage.entries) {
    if (entry.outcome.kind !== "allowed" || !isTrustedUse(entry, x)) continue;
    const arn = principalName(entry.principal, x);
    if (arn === undefined) continue;
    const its = found.get(arn) ?? { actions: new Set(), forResources: new Set() };
    found.set(arn, its);
    const needed = entry.via === undefined ? [entry.action] : neededTogether(entry.action, entry.via);
    for (const action of needed) {
      if (entry.via === undefined || !FOR_RESOURCES.includes(action)) its.actions.add(action);
      else for (const a of FOR_RESOURCES) its.forResources.add(a);
    }
  }
  return [...found].map(([arn, { actions, forResources }]) => ({
    arn,
    actions: [...actions].sort(),
    forResources: [...forResources].sort(),
  }));
}

/** The text that names a seen principal in a policy; undefined where nothing does. */
export function principalName(p: UsagePrincipal, x: TrustContext): string | undefined {
  switch (p.kind) {
    case "role":
    case "user":
    case "federated-user":
      return p.arn;
    case "root":
    case "foreign":
      return `arn:${x.facts.partition}:iam::${p.account}:root`;
    case "service":
    case "identity-center-user":
    case "other":
      return undefined;
  }
}

/** How a use is told to people. */
function principalText(p: UsagePrincipal, x: TrustContext): string {
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
      return principalName(p, x) ?? "";
  }
}

/** Whether the caller of an observed use belongs to the zone. A service acts on behalf of whoever; it counts as own. */
export function isTrustedUse(entry: UsageEntry, x: TrustContext): boolean {
  const { principal } = entry;
  if (principal.kind === "service") return true;
  if ("arn" in principal && x.zone.principals.includes(principal.arn)) return true;
  const account = "account" in principal ? principal.account : entry.account;
  return account !== undefined && isTrustedAccount(account, x);
}

/** What came of the observed uses under new documents. */
export interface UseCheck {
  /** Uses of the zone that were allowed and surely still are, as often as they were seen. */
  readonly kept: number;
  /** Everything else, those of outsiders included. */
  readonly broken: readonly PlannedUse[];
}

/** By what observed uses are judged. */
export interface UseBench {
  readonly trust: TrustContext;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Users and roles of the key's account; undefined: nobody read them. */
  readonly own?: OwnSide | undefined;
}

/**
 * Asks the reference about every observed use, under the old and the new documents. What cannot be told for sure is
 * counted as broken: CloudTrail does not show addresses, tags, values of an encryption context; IAM policies count where they were read.
 */
export function checkUses(
  usage: ObservedKeyUsage,
  older: KeyDocument,
  newer: KeyDocument,
  bench: UseBench,
): UseCheck {
  const { trust: x, now } = bench;
  let kept = 0;
  const broken: PlannedUse[] = [];
  for (const entry of usage.entries) {
    if (entry.outcome.kind !== "allowed") continue;
    const trusted = isTrustedUse(entry, x);
    const why = trusted ? whyBroken(entry, older, newer, bench) : whyOutsider(entry, newer, x, now);
    if (why === undefined) kept += trusted ? 1 : 0;
    else {
      broken.push({
        principal: principalText(entry.principal, x),
        account: entry.account ?? null,
        via: entry.via ?? null,
        action: entry.action,
        contextKeys: [...entry.contextKeys],
        count: entry.count,
        firstSeen: entry.firstSeen,
        lastSeen: entry.lastSeen,
        trusted,
        why,
      });
    }
  }
  return { kept, broken };
}

function whyOutsider(
  entry: UsageEntry,
  newer: KeyDocument,
  x: TrustContext,
  now: number,
): string | undefined {
  const request = requestOf(entry, x, now, true);
  if (request !== undefined && evaluate(request, newer).outcome === "allow") return undefined;
  return "outside the zone of trust: shut out on purpose";
}

function whyBroken(
  entry: UsageEntry,
  older: KeyDocument,
  newer: KeyDocument,
  { trust: x, now, own }: UseBench,
): string | undefined {
  const bare = requestOf(entry, x, now, false);
  const helped = requestOf(entry, x, now, true);
  if (bare === undefined || helped === undefined)
    return "who called cannot be told, so whether the call still works cannot either";
  if (evaluate(bare, newer).outcome === "allow") return undefined;
  const before = evaluate(helped, older);
  const after = evaluate(helped, newer);
  if (after.outcome === "allow") {
    // By the root of its account, or by the policies of another one: as before, if it was so before.
    if (evaluate(bare, older).outcome !== "allow") return undefined;
    return whyIam(entry, newer, own);
  }
  if (entry.principal.kind === "service") {
    return "allowed only if the service sends a source that the new conditions name, which CloudTrail does not show";
  }
  if (before.outcome === "allow") return "nothing in the new policy allows it";
  // Under the old documents, too, the request lacks something that CloudTrail does not show.
  return sameSources(before.sources, after.sources) && before.outcome === after.outcome
    ? touched(entry, older, newer)
    : "whether it is still allowed depends on what CloudTrail does not show";
}

/** A use that will rest on the caller's IAM policies: what they say to it, where they were read. */
function whyIam(entry: UsageEntry, newer: KeyDocument, own: OwnSide | undefined): string | undefined {
  const unread = "allowed only if its own IAM policies allow it, which were not read";
  const { principal } = entry;
  if (own === undefined || (principal.kind !== "role" && principal.kind !== "user")) return unread;
  const found = own.analysis.iam.principals.find((p) => p.arn === principal.arn);
  if (found === undefined) {
    return own.analysis.iam.state.kind === "complete"
      ? "its own IAM policies would have to allow it from then on, and it is not among the users and roles that were read"
      : unread;
  }
  const uses = own.analysis.usesOf(found, newer).filter((u) => u.actions.includes(entry.action));
  if (uses.some((u) => u.certainty === "certain")) return undefined;
  return uses.length > 0
    ? "its own IAM policies would have to allow it from then on, and they do so only under conditions"
    : "its own IAM policies would have to allow it from then on, and they do not";
}

function sameSources(a: readonly unknown[], b: readonly unknown[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A use that cannot be replayed is safe only where nothing that covers its action was changed. */
function touched(entry: UsageEntry, older: KeyDocument, newer: KeyDocument): string | undefined {
  const text = (d: KeyDocument): string =>
    JSON.stringify([
      d.policy.statements
        .filter((s) => actionCovered(s.action, entry.action).value !== "no")
        .map((s) => ({
          ...s,
          index: 0,
          path: [],
          conditions: s.conditions.map((c) => ({ ...c, path: [] })),
        })),
      d.grants,
    ]);
  return text(older) === text(newer)
    ? undefined
    : "whether it is still allowed depends on what CloudTrail does not show";
}

const KNOWN_ACTIONS: ReadonlySet<string> = new Set(KMS_KEY_ACTIONS.map((a) => a.name));

/** The observed use as a request to the reference; undefined where CloudTrail does not tell who called. */
export function requestOf(
  entry: UsageEntry,
  x: TrustContext,
  now: number,
  identityAllows: boolean,
): AccessRequest | undefined {
  if (!KNOWN_ACTIONS.has(entry.action)) return undefined;
  const caller = callerOf(entry, x);
  if (caller === undefined) return undefined;
  const foreign = caller.kind !== "service" && caller.account !== x.facts.account;
  const context: Record<string, string | readonly string[]> = organizationKeys(caller, x);
  if (entry.via !== undefined) {
    context["aws:ViaAWSService"] = "true";
    if (entry.via !== "unknown") {
      context["kms:ViaService"] = entry.via.replace(
        /^([a-z0-9-]+)\.amazonaws\.com$/,
        `$1.${x.facts.region}.amazonaws.com`,
      );
    }
    if (FOR_RESOURCES.includes(entry.action)) context["kms:GrantIsForAWSResource"] = "true";
  }
  if (entry.requestAlias !== undefined) context["kms:RequestAlias"] = entry.requestAlias;
  if (entry.sourceNetwork.kind === "vpc-endpoint") context["aws:SourceVpce"] = entry.sourceNetwork.id;
  if (entry.contextKeys.length > 0) context["kms:EncryptionContextKeys"] = entry.contextKeys;
  return {
    caller,
    action: entry.action,
    context,
    time: now,
    identity: { kind: identityAllows || foreign ? "allow" : "none" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: [],
  };
}

/** What requests carry about the organization of their caller, where it is known. The own account's follows from the key. */
export function organizationKeys(
  caller: Caller,
  { organizationOf, facts }: Pick<TrustContext, "organizationOf" | "facts">,
): Record<string, string | readonly string[]> {
  if (caller.kind === "service" || caller.account === facts.account) return {};
  const of = organizationOf.get(caller.account);
  if (of === undefined || of === null) return {};
  return {
    "aws:PrincipalOrgID": of.id,
    ...(of.path === undefined ? {} : { "aws:PrincipalOrgPaths": [of.path] }),
  };
}

function callerOf(entry: UsageEntry, x: TrustContext): Caller | undefined {
  const { principal } = entry;
  switch (principal.kind) {
    case "role":
    case "user":
    case "federated-user": {
      const caller = parseCaller(principal.arn);
      return caller.ok ? caller.value : undefined;
    }
    case "root":
      return { kind: "root", account: principal.account, partition: x.facts.partition };
    case "service":
      return principal.name === "unknown" ? undefined : { kind: "service", name: principal.name };
    case "foreign":
      // Some role of that account: what lets in the whole account lets it in.
      return {
        kind: "session",
        account: principal.account,
        partition: x.facts.partition,
        role: "role-that-is-not-known",
        session: "session",
        ...(principal.id?.startsWith("AROA") === true ? { uniqueId: principal.id } : {}),
      };
    case "identity-center-user":
    case "other":
      return undefined;
  }
}

/** What the evidence of a key covers, for the plan. */
export function evidenceOf(usage: ObservedKeyUsage): PlannedEvidence {
  const { coverage } = usage;
  return {
    from: coverage.span?.from ?? null,
    to: coverage.span?.to ?? null,
    complete: coverage.complete,
    caveats: [...coverage.caveats],
    entries: usage.entries.length,
  };
}
