import type { IamPrincipal } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { Condition, PrincipalEntry, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { RequestContext } from "../semantics/derive-context.js";
import { all, any, doubtful, NO, not, YES, type Tri } from "../semantics/tri.js";
import type { Outsider, TrustAnswer, TrustContext } from "./outsider.js";
import { requestsOf } from "./outsider-requests.js";
import {
  ANY_PROVIDER,
  asksForPrincipal,
  CERTIFICATES,
  COGNITO,
  isBoundCertificate,
  isBoundIdentity,
  isForeignProvider,
  isUnclearFederation,
  letsGuestsIn,
  providerOf,
} from "./providers.js";
import type { Trust } from "./trust-policy.js";
import { denied, readTrust, valuesOf } from "./trust-policy.js";

/**
 * Who outside the zone of trust can assume a role. Services are left out, but for IAM Roles Anywhere, which acts for
 * whoever holds a certificate: what they do for others is their own confused-deputy question. Resource control policies
 * count. Source: IAM User Guide, "IAM role trust policies" and "Policy evaluation logic": for a caller of another account
 * the trust policy must allow, and that account's own policies are taken to.
 */
export function outsidersOf(role: IamPrincipal, context: TrustContext): TrustAnswer {
  if (role.kind !== "role" || role.trust.kind === "absent") return { outsiders: [], unclear: false };
  if (role.trust.kind !== "present") return { outsiders: [], unclear: true };
  const trust = trustOf(role, context);
  if (trust === undefined) return { outsiders: [], unclear: true };
  const seen = new Map<string, Outsider>();
  for (const statement of trust.allows) {
    for (const who of candidates(statement, trust, role, context)) {
      const answer = lets(who, statement, trust, role, context);
      if (answer === undefined) continue;
      const certain = answer.certain && !trust.notUnderstood.has(statement.index);
      const id = JSON.stringify([who, statement.index]);
      const before = seen.get(id);
      if (before === undefined || (certain && !before.certain)) {
        seen.set(id, { who, ...answer, certain, statement: statement.index });
      }
    }
  }
  const unclear = trust.unclear || trust.allows.some((s) => isUnclearFederation(s, role.account));
  return { outsiders: generalize([...seen.values()]), unclear };
}

/** What the trust policy of a role says; undefined where it was not read, or is no policy. */
export function trustOf(role: IamPrincipal, context: TrustContext): Trust | undefined {
  if (role.kind !== "role" || role.trust.kind !== "present") return undefined;
  const above = context.resourceControlOf?.(role.account) ?? [];
  const { value } = role.trust;
  return context.trusts === undefined ? readTrust(value, above) : context.trusts.read(value, above);
}

/** Whom "anyone", or any identity of a provider, includes is not told again through the same statement. */
function generalize(outsiders: readonly Outsider[]): readonly Outsider[] {
  return outsiders.filter((o) => {
    const wider = o.who.kind === "guests" ? "identities" : "anyone";
    const includes = (a: Outsider): boolean =>
      a.who.kind === wider && a.statement === o.statement && (a.certain || !o.certain);
    return !INCLUDED.has(o.who.kind) || !outsiders.some(includes);
  });
}

const INCLUDED: ReadonlySet<Who["kind"]> = new Set([
  "account",
  "organization",
  "principal",
  "unresolved",
  "guests",
]);

type Who = Outsider["who"];

/** Those outside the zone whom a statement may mean. */
function candidates(
  statement: Statement,
  trust: Trust,
  role: IamPrincipal,
  context: TrustContext,
): readonly Who[] {
  const { principal } = statement;
  if (principal.kind === "missing") return [];
  const entries: readonly PrincipalEntry[] =
    principal.kind === "principal" ? principal.entries : [{ kind: "everyone", text: "*" }];
  return entries.flatMap((e): readonly Who[] => {
    switch (e.kind) {
      case "everyone":
        return [
          { kind: "anyone" },
          ...mentioned(trust, role, context),
          { kind: "identities", provider: ANY_PROVIDER },
        ];
      case "account":
        return isInside(e.account, role.account, context) ? [] : [{ kind: "account", id: e.account }];
      case "user":
      case "role":
      case "session":
      case "federated-user":
        return named(e.text, e.account, role, context);
      case "refused":
        return federated(e.text, role);
      case "unique-id": {
        const known = context.principalOf?.(e.id);
        return known === undefined
          ? [{ kind: "unresolved", id: e.id }]
          : named(known.arn, known.account, role, context);
      }
      case "service":
        return e.name === CERTIFICATES ? [{ kind: "certificates", service: e.name }] : [];
    }
  });
}

function named(arn: string, account: string, role: IamPrincipal, context: TrustContext): readonly Who[] {
  return isInside(account, role.account, context) || context.zone.principals.includes(arn)
    ? []
    : [{ kind: "principal", arn, account }];
}

function federated(text: string, role: IamPrincipal): readonly Who[] {
  if (isForeignProvider(text, role.account)) return [{ kind: "identities", provider: text }];
  const provider = providerOf(text);
  if (provider === undefined) return [];
  const any: Who = { kind: "identities", provider };
  return provider === COGNITO ? [any, { kind: "guests", provider }] : [any];
}

/**
 * Accounts and organizations that conditions name: a statement for everybody may let in only them, and a Deny, here or in
 * a resource control policy, may spare only them.
 */
function mentioned(trust: Trust, role: IamPrincipal, context: TrustContext): readonly Who[] {
  const text = valuesOf(trust);
  const accounts = new Set([...text.matchAll(/(?<![0-9])[0-9]{12}(?![0-9])/g)].map((m) => m[0]));
  const organizations = new Set([...text.matchAll(/o-[a-z0-9]{10,32}/g)].map((m) => m[0]));
  return [
    ...[...accounts]
      .filter((a) => !isInside(a, role.account, context))
      .map((id) => ({ kind: "account", id }) as const),
    ...[...organizations]
      .filter((o) => !context.zone.organizations.some((own) => own === o))
      .map((id) => ({ kind: "organization", id }) as const),
  ];
}

/** Whether an account is `own` or in the zone of trust. */
export function isInside(
  account: string,
  own: AccountId,
  { zone, organizationOf }: Pick<TrustContext, "zone" | "organizationOf">,
): boolean {
  const id = parseAccountId(account);
  if (id === undefined) return false;
  if (id === own || zone.accounts.includes(id)) return true;
  const organization = organizationOf.get(id);
  return organization !== undefined && organization !== null && zone.organizations.includes(organization.id);
}

interface Answer {
  readonly certain: boolean;
  readonly externalId: boolean;
  readonly conditions: readonly Condition[];
}

/** By which call a kind of outsider assumes a role. */
function actionsOf(who: Who): readonly string[] {
  if (who.kind === "guests") return ["sts:AssumeRoleWithWebIdentity"];
  if (who.kind !== "identities") return ["sts:AssumeRole"];
  const known = providerOf(who.provider) !== undefined || who.provider.includes(":oidc-provider/");
  return known
    ? ["sts:AssumeRoleWithWebIdentity"]
    : ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"];
}

/** Whether the statement means its owner's own people where it speaks of identities. */
function isBound(who: Who, statement: Statement, role: IamPrincipal): boolean {
  switch (who.kind) {
    case "identities":
      return asksForPrincipal(statement) || isBoundIdentity(statement, who.provider);
    case "guests":
      return !letsGuestsIn(statement, who.provider);
    case "certificates":
      return isBoundCertificate(statement, role.account);
    default:
      return false;
  }
}

/** Of these the trust policy does not tell whether anybody of them is there. */
const NEVER_CERTAIN: ReadonlySet<Who["kind"]> = new Set(["guests", "certificates", "unresolved"]);

/** Whether the statement lets an outsider in whom no Deny surely stops; undefined if not. */
function lets(
  who: Who,
  statement: Statement,
  trust: Trust,
  role: IamPrincipal,
  context: TrustContext,
): Answer | undefined {
  if (isBound(who, statement, role)) return undefined;
  const open =
    NEVER_CERTAIN.has(who.kind) || (who.kind === "identities" && providerOf(who.provider) === undefined);
  let best: Answer | undefined;
  for (const action of actionsOf(who)) {
    const covered = actionCovered(statement.action, action);
    if (covered.value === "no") continue;
    const answerTo = (request: RequestContext): Answer | undefined => {
      const holds = statement.conditions.map((c) => conditionHolds(c, trust.version, request));
      const stops = denied(trust, role, action, request, (s) => denies(s, who));
      if (all([covered, ...holds, not(stops)]).value === "no") return undefined;
      const undecided = statement.conditions.filter((_, i) => holds[i]?.value === "doubtful");
      const isExternalId = (c: Condition): boolean => c.keyLower === "sts:externalid";
      return {
        // An external id is no secret: who is trusted has been told it.
        certain: !open && stops.value === "no" && covered.value === "yes" && undecided.every(isExternalId),
        externalId: undecided.some(isExternalId),
        conditions: undecided,
      };
    };
    const answers = requestsOf(who, statement, trust, role, context).map((list) => bestOf(list, answerTo));
    const found = answers.find((a) => a?.certain === false) ?? answers.find((a) => a !== undefined);
    if (found === undefined) continue;
    const certain = answers.every((a) => a?.certain === true);
    if (certain) return found;
    best ??= { ...found, certain };
  }
  return best;
}

/** The answer to the first request that is surely let in, else to the first that may be. */
function bestOf(
  requests: readonly RequestContext[],
  answerTo: (request: RequestContext) => Answer | undefined,
): Answer | undefined {
  let best: Answer | undefined;
  for (const request of requests) {
    const answer = answerTo(request);
    if (answer?.certain === true) return answer;
    best ??= answer;
  }
  return best;
}

/** Whether a Deny names an outsider: for sure only if it names everybody, the account or the very principal. */
function denies(statement: Statement, who: Who): Tri {
  const { principal } = statement;
  if (principal.kind !== "principal") return doubtful("not-principal-deny-account");
  const account = who.kind === "account" ? who.id : who.kind === "principal" ? who.account : undefined;
  return any(
    principal.entries.map((e): Tri => {
      if (e.kind === "everyone") return YES;
      if (who.kind === "unresolved") return e.kind === "account" ? doubtful("unique-id-account") : NO;
      if (e.kind === "account" && e.account === account) return YES;
      if (who.kind === "identities" && e.text.endsWith(`oidc-provider/${who.provider}`)) return YES;
      // A role of the account may be denied while the rest of it is let in.
      return who.kind === "principal" && e.text === who.arn ? YES : NO;
    }),
  );
}
