import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import type { PrincipalEntry } from "../policy/ast.js";
import type { ActionFacts } from "./actions.js";
import { parsePrincipal } from "./arn.js";
import { contextEntry, encryptionContextOf, type RequestContext } from "./derive-context.js";
import { globMatches, parseGlob } from "./glob.js";
import { entryNames } from "./principal-match.js";
import type { AccessRequest, Caller } from "./request.js";
import { all, any, doubtful, NO, tri, YES, type Tri } from "./tri.js";
import type { CallerSide } from "./way-in.js";

/** Whether a grant lets a request through, and the first thing that stands in the way. */
export interface GrantAnswer {
  readonly allows: Tri;
  /** Plain words. */
  readonly why: string;
}

/** What a grant is held against. */
export interface GrantTarget {
  readonly request: AccessRequest;
  readonly action: ActionFacts;
  readonly facts: KeyFacts;
  readonly context: RequestContext;
  readonly side: CallerSide;
}

/**
 * A grant allows what it lists to its grantee within its constraints; no key policy and no IAM policy is needed.
 * Source: KMS Developer Guide, "Grants in AWS KMS"; KMS API reference, CreateGrant (text of 2026).
 */
export function grantAllows(grant: Grant, target: GrantTarget): GrantAnswer {
  const { request, action, facts, side } = target;
  // Most grants of a key with many stop at the first two, and each is heard for each request.
  const listed = operationListed(grant, action);
  if (listed.value === "no")
    return { allows: NO, why: `its operations do not include ${operationName(action)}` };
  const named = granteeIs(grant, request.caller, facts, side);
  if (named.value === "no") return { allows: NO, why: "its grantee is not the caller" };
  const checks: readonly (readonly [Tri, string])[] = [
    [listed, `its operations do not include ${operationName(action)}`],
    [named, "its grantee is not the caller"],
    [encryptionContextFits(grant, target), "its encryption context constraint is not met"],
    [sourceArnFits(grant, target), "its SourceArn constraint is not met"],
    [childGrantFits(grant, target), "the new grant would allow more than this one"],
  ];
  return firstObstacle(checks, "its grantee, operations and constraints fit");
}

/**
 * RetireGrant is decided by the grant itself: for its retiring principal, for a grantee whose operations include it,
 * and for the account that issued it, which can delegate it by IAM policies.
 * Source: KMS Developer Guide, "Retiring and revoking grants"; KMS API reference, RetireGrant (text of 2026).
 */
export function grantLetsRetire(grant: Grant, target: GrantTarget): GrantAnswer {
  const { request, action, facts, side } = target;
  if (request.grantId !== undefined && request.grantId !== grant.GrantId) {
    return { allows: NO, why: "another grant is to be retired" };
  }
  const asGrantee = all([operationListed(grant, action), granteeIs(grant, request.caller, facts, side)]);
  const asRetirer = anyPrincipalIs(
    [grant.RetiringPrincipal, grant.RetiringServicePrincipal],
    request.caller,
    facts,
    side,
  );
  const allows = any([asGrantee, asRetirer, asIssuer(grant, request.caller, side)]);
  const who = "its retiring principal, a grantee with RetireGrant, or of the account that issued it";
  if (allows.value === "doubtful") return { allows, why: `it is not certain that the caller is ${who}` };
  return { allows, why: `the caller is ${allows.value === "no" ? "neither " : ""}${who}` };
}

function firstObstacle(checks: readonly (readonly [Tri, string])[], otherwise: string): GrantAnswer {
  const allows = all(checks.map(([check]) => check));
  const first = checks.find(([check]) => check.value === allows.value);
  if (allows.value === "yes" || first === undefined) return { allows, why: otherwise };
  return { allows, why: allows.value === "no" ? first[1] : `it may be that ${first[1]}` };
}

/** `kms:Decrypt` is the operation `Decrypt`. */
function operationName(action: ActionFacts): string {
  return action.name.slice("kms:".length);
}

function operationListed(grant: Grant, action: ActionFacts): Tri {
  if (!action.grantable) return NO;
  if (grant.Operations === undefined) return doubtful("key-fact-unknown");
  return tri(grant.Operations.includes(operationName(action)));
}

/** Old service grants hold a service name where others hold an ARN. */
function granteeIs(grant: Grant, caller: Caller, facts: KeyFacts, side: CallerSide): Tri {
  let entries = granteesRead.get(grant);
  if (entries === undefined) {
    const names = [grant.GranteePrincipal, grant.GranteeServicePrincipal].filter((n) => n !== undefined);
    entries = names.map(parsePrincipal);
    granteesRead.set(grant, entries);
  }
  if (entries.length === 0) return doubtful("key-fact-unknown");
  return any(entries.map((entry) => entryIs(entry, caller, facts, side)));
}

/** Grantees, read once: each grant of a key is heard for each request. */
const granteesRead = new WeakMap<Grant, readonly (PrincipalEntry | undefined)[]>();

function anyPrincipalIs(
  names: readonly (string | undefined)[],
  caller: Caller,
  facts: KeyFacts,
  side: CallerSide,
): Tri {
  return any(names.map((name) => (name === undefined ? NO : principalIs(name, caller, facts, side))));
}

/** Whether a principal named by a grant is the caller, and the caller's own side lets it use the grant. */
function principalIs(name: string, caller: Caller, facts: KeyFacts, side: CallerSide): Tri {
  return entryIs(parsePrincipal(name), caller, facts, side);
}

function entryIs(entry: PrincipalEntry | undefined, caller: Caller, facts: KeyFacts, side: CallerSide): Tri {
  if (entry === undefined) return doubtful("not-understood");
  const { way, matches } = entryNames(entry, "Allow", caller);
  return all([matches, ownSideLets(way === "account", caller, facts, side)]);
}

/**
 * A grant needs no IAM policy beside it ("IAM policies or grants"). Across accounts, under a boundary or session policy
 * that is silent, and for the principals of an account that is the grantee, AWS does not spell that out.
 */
function ownSideLets(byAccount: boolean, caller: Caller, facts: KeyFacts, side: CallerSide): Tri {
  if (caller.kind === "service" || caller.kind === "root") return YES;
  const limits = all([side.boundary.allows, side.session.allows]);
  const chain = all([side.identity.allows, limits]);
  if (byAccount) return any([chain, doubtful("grant-root-grantee")]);
  if (caller.account !== facts.account) return any([chain, doubtful("grant-without-identity")]);
  return any([limits, doubtful("grant-limits")]);
}

/** The account that issued the grant: its root user, and whom its IAM policies allow kms:RetireGrant. */
function asIssuer(grant: Grant, caller: Caller, side: CallerSide): Tri {
  if (caller.kind === "service") return NO;
  const issuer = grant.IssuingAccount === undefined ? undefined : parsePrincipal(grant.IssuingAccount);
  const same =
    issuer?.kind === "account" ? tri(issuer.account === caller.account) : doubtful("key-fact-unknown");
  const chain = all([side.identity.allows, side.boundary.allows, side.session.allows]);
  return all([same, caller.kind === "root" ? YES : chain]);
}

/**
 * EncryptionContextEquals wants the same pairs, EncryptionContextSubset at least these. They bind the operations that
 * take an encryption context: not DescribeKey, not RetireGrant, and nothing on an asymmetric or HMAC key.
 * Source: KMS API reference, GrantConstraints (text of 2026).
 */
function encryptionContextFits(grant: Grant, { request, action, facts }: GrantTarget): Tri {
  const bound = action.keyGroups.includes("encryption-context") && action.lower !== "kms:retiregrant";
  if (!bound || (facts.spec !== undefined && facts.spec !== "SYMMETRIC_DEFAULT")) return YES;
  const given = encryptionContextOf(request);
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = grant.Constraints ?? {};
  const fits = all([
    equals === undefined ? YES : all([includesPairs(given, equals), includesPairs(equals, given)]),
    subset === undefined ? YES : includesPairs(given, subset),
  ]);
  // Encrypt, Decrypt and ReEncrypt also work with asymmetric keys, which the constraint does not bind.
  const mayBeAsymmetric =
    facts.spec === undefined &&
    action.material === "any" &&
    action.keyGroups.includes("encryption-algorithm");
  return mayBeAsymmetric ? any([fits, doubtful("key-fact-unknown")]) : fits;
}

type Pairs = Readonly<Record<string, string>>;

/**
 * Every wanted pair is there. Values are compared with case; about keys the KMS Developer Guide ("exact, case-sensitive
 * match") and the API reference ("not case sensitive") disagree.
 */
function includesPairs(given: Pairs, wanted: Pairs): Tri {
  return all(
    Object.entries(wanted).map(([name, value]) => {
      if (Object.hasOwn(given, name) && given[name] === value) return YES;
      const folded = Object.entries(given).some(
        ([n, v]) => n.toLowerCase() === name.toLowerCase() && v === value,
      );
      return folded ? doubtful("grant-context-key-case") : NO;
    }),
  );
}

/**
 * The request must be made on behalf of this resource: the same as aws:SourceArn. DescribeKey is only bound where the
 * request names a source, RetireGrant never.
 * Source: KMS API reference, GrantConstraints (text of 2026).
 */
function sourceArnFits(grant: Grant, { action, context }: GrantTarget): Tri {
  const wanted = grant.Constraints?.SourceArn;
  if (wanted === undefined || action.lower === "kms:retiregrant") return YES;
  const entry = contextEntry(context, "aws:SourceArn");
  if (entry.kind === "absent") return tri(action.lower === "kms:describekey");
  if (entry.kind === "unknown") return doubtful(entry.doubt);
  return any(entry.values.map((value) => sameSource(wanted, value)));
}

/** The constraint names one resource; AWS does not say what a `*` in it would do. */
function sameSource(wanted: string, value: string): Tri {
  if (wanted === value) return YES;
  return globMatches(parseGlob(wanted), value) ? doubtful("not-understood") : NO;
}

/**
 * Who may create grants by a grant can only pass on some of its operations, under constraints that are equal or
 * stricter. A request that does not say what the new grant holds is taken to keep to that.
 * Source: KMS Developer Guide, "Creating grants", granting CreateGrant permission (text of 2026).
 */
function childGrantFits(grant: Grant, { action, context }: GrantTarget): Tri {
  if (action.lower !== "kms:creategrant") return YES;
  const operations = contextEntry(context, "kms:GrantOperations");
  const listed =
    operations.kind !== "values" ||
    operations.values.every((operation) => grant.Operations?.includes(operation) ?? true);
  const type = contextEntry(context, "kms:GrantConstraintType");
  const stricter =
    grant.Constraints?.EncryptionContextEquals === undefined ||
    type.kind !== "values" ||
    type.values.includes("EncryptionContextEquals");
  return tri(listed && stricter);
}
