import type { IamPrincipal } from "../domain/iam.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { Condition, Policy, PrincipalEntry, Statement } from "../policy/ast.js";
import { policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import { actionCovered } from "../semantics/action-match.js";
import { conditionHolds } from "../semantics/condition-match.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { ContextEntry, RequestContext } from "../semantics/derive-context.js";
import { all, any, not, type Tri } from "../semantics/tri.js";
import type { Zone } from "../domain/zone.js";
import type { OrganizationOf } from "../trust/zone.js";
import { keysOf } from "./documents.js";
import { isBoundIdentity, isUnclearFederation, providerOf } from "./providers.js";

/** Somebody outside the zone of trust whom the trust policy of a role lets assume it. */
export interface Outsider {
  readonly who:
    | { readonly kind: "anyone" }
    | { readonly kind: "account" | "organization"; readonly id: string }
    | { readonly kind: "principal"; readonly arn: string; readonly account: string }
    /** Any identity of a provider that serves more than this account, such as GitHub Actions. */
    | { readonly kind: "identities"; readonly provider: string };
  /** False: a condition decides that the outsider may or may not meet, or something was not understood. */
  readonly certain: boolean;
  /** The trust policy asks for an external id. That stops a confused deputy, not the outsider. */
  readonly externalId: boolean;
  /** Conditions that decide, as the policy says them. */
  readonly conditions: readonly Condition[];
  /** Position of the statement in the trust policy, from 0. */
  readonly statement: number;
}

/** What a trust policy says about outsiders. `unclear`: it was not read, or not all of it was understood. */
export interface TrustAnswer {
  readonly outsiders: readonly Outsider[];
  readonly unclear: boolean;
}

/** What decides who is an outsider. */
export interface TrustContext {
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
}

const ASSUME = { aws: "sts:AssumeRole", web: "sts:AssumeRoleWithWebIdentity" } as const;
const STRANGE_ORGANIZATION = "o-zzkeyward0";

/**
 * Who outside the zone of trust can assume a role. Services are left out: what they do for others is their own
 * confused-deputy question. Source: IAM User Guide, "IAM role trust policies" and "Policy evaluation logic": for a caller
 * of another account the trust policy must allow, and that account's own policies are taken to.
 */
export function outsidersOf(role: IamPrincipal, context: TrustContext): TrustAnswer {
  if (role.kind !== "role" || role.trust.kind === "absent") return { outsiders: [], unclear: false };
  if (role.trust.kind !== "present") return { outsiders: [], unclear: true };
  // Trust policies have principals and no Resource. The parser knows no kind for them; what it says of the Resource and
  // of identity providers is left aside, and what it did not understand is not.
  const parsed = parsePolicy(role.trust.value, { kind: "key" });
  if (parsed.policy === undefined) return { outsiders: [], unclear: true };
  const doubts = policyDoubts(parsed);
  const policy: Policy = {
    ...parsed.policy,
    statements: parsed.policy.statements.filter(
      (s) => s.effect === "Allow" || !doubts.notUnderstood.has(s.index),
    ),
  };
  const seen = new Map<string, Outsider>();
  for (const statement of policy.statements) {
    if (statement.effect !== "Allow") continue;
    for (const who of candidates(statement, role, context)) {
      const answer = lets(who, statement, policy, role, context);
      if (answer === undefined) continue;
      const certain = answer.certain && !doubts.notUnderstood.has(statement.index);
      const id = JSON.stringify([who, statement.index]);
      const before = seen.get(id);
      if (before === undefined || (certain && !before.certain)) {
        seen.set(id, { who, ...answer, certain, statement: statement.index });
      }
    }
  }
  const unclear =
    doubts.wholePolicy ||
    doubts.unread.size > 0 ||
    policy.statements.some((s) => isUnclearFederation(s, role.account));
  return { outsiders: generalize([...seen.values()]), unclear };
}

/** Whom "anyone" includes is not told again through the same statement. */
function generalize(outsiders: readonly Outsider[]): readonly Outsider[] {
  return outsiders.filter(
    (o) =>
      o.who.kind === "anyone" ||
      !outsiders.some(
        (a) => a.who.kind === "anyone" && a.statement === o.statement && (a.certain || !o.certain),
      ),
  );
}

type Who = Outsider["who"];

/** Those outside the zone whom a statement may mean. */
function candidates(statement: Statement, role: IamPrincipal, context: TrustContext): readonly Who[] {
  const { principal } = statement;
  if (principal.kind === "missing") return [];
  const entries: readonly PrincipalEntry[] =
    principal.kind === "principal" ? principal.entries : [{ kind: "everyone", text: "*" }];
  return entries.flatMap((e): readonly Who[] => {
    switch (e.kind) {
      case "everyone":
        return [{ kind: "anyone" }, ...mentioned(statement, role, context)];
      case "account":
        return isInside(e.account, role, context) ? [] : [{ kind: "account", id: e.account }];
      case "user":
      case "role":
      case "session":
      case "federated-user":
        return isInside(e.account, role, context) || context.zone.principals.includes(e.text)
          ? []
          : [{ kind: "principal", arn: e.text, account: e.account }];
      case "refused": {
        const provider = providerOf(e.text);
        return provider === undefined ? [] : [{ kind: "identities", provider }];
      }
      case "unique-id":
      case "service":
        return [];
    }
  });
}

/** Accounts and organizations that the conditions of a statement for everybody name. */
function mentioned(statement: Statement, role: IamPrincipal, context: TrustContext): readonly Who[] {
  const text = statement.conditions.flatMap((c) => c.values).join("\n");
  const accounts = new Set([...text.matchAll(/(?<![0-9])[0-9]{12}(?![0-9])/g)].map((m) => m[0]));
  const organizations = new Set([...text.matchAll(/o-[a-z0-9]{10,32}/g)].map((m) => m[0]));
  return [
    ...[...accounts]
      .filter((a) => !isInside(a, role, context))
      .map((id) => ({ kind: "account", id }) as const),
    ...[...organizations]
      .filter((o) => !context.zone.organizations.some((own) => own === o))
      .map((id) => ({ kind: "organization", id }) as const),
  ];
}

function isInside(account: string, role: IamPrincipal, { zone, organizationOf }: TrustContext): boolean {
  const id = parseAccountId(account);
  if (id === undefined) return false;
  if (id === role.account || zone.accounts.includes(id)) return true;
  const organization = organizationOf.get(id);
  return organization !== undefined && organization !== null && zone.organizations.includes(organization.id);
}

interface Answer {
  readonly certain: boolean;
  readonly externalId: boolean;
  readonly conditions: readonly Condition[];
}

/** Whether the statement lets an outsider in whom no Deny surely stops; undefined if not. */
function lets(
  who: Who,
  statement: Statement,
  policy: Policy,
  role: IamPrincipal,
  context: TrustContext,
): Answer | undefined {
  const action = who.kind === "identities" ? ASSUME.web : ASSUME.aws;
  const covered = actionCovered(statement.action, action);
  if (covered.value === "no") return undefined;
  if (who.kind === "identities" && isBoundIdentity(statement, who.provider)) return undefined;
  let best: Answer | undefined;
  for (const request of contextsOf(who, policy, role, context)) {
    const holds = statement.conditions.map((c) => conditionHolds(c, policy.version, request));
    const denied = any(
      policy.statements
        .filter((s) => s.effect === "Deny" && actionCovered(s.action, action).value !== "no")
        .map((s) =>
          all([denies(s, who), ...s.conditions.map((c) => conditionHolds(c, policy.version, request))]),
        ),
    );
    const allowed = all([covered, ...holds, not(denied)]);
    if (allowed.value === "no") continue;
    const open = statement.conditions.filter((_, i) => holds[i]?.value === "doubtful");
    const answer: Answer = {
      // An external id is no secret: who is trusted has been told it.
      certain:
        denied.value === "no" &&
        covered.value === "yes" &&
        open.every((c) => c.keyLower === "sts:externalid"),
      externalId: open.some((c) => c.keyLower === "sts:externalid"),
      conditions: open,
    };
    if (answer.certain) return answer;
    best ??= answer;
  }
  return best;
}

/** Whether a Deny names an outsider: for sure only if it names everybody, the account or the very principal. */
function denies(statement: Statement, who: Who): Tri {
  const { principal } = statement;
  if (principal.kind !== "principal") return { value: "doubtful", doubts: ["not-principal-deny-account"] };
  const account = who.kind === "account" ? who.id : who.kind === "principal" ? who.account : undefined;
  const hit = principal.entries.some(
    (e) =>
      e.kind === "everyone" ||
      (e.kind === "account" && e.account === account) ||
      (who.kind === "principal" && e.text === who.arn),
  );
  if (hit) return { value: "yes" };
  // A role of the account may be denied while the rest of it is let in.
  return { value: "no" };
}

/** Requests that the outsider can make: what it cannot choose is set, all else is left open. */
function contextsOf(
  who: Who,
  policy: Policy,
  role: IamPrincipal,
  context: TrustContext,
): readonly RequestContext[] {
  const keys = keysOf(policy.statements);
  const account =
    who.kind === "account" ? who.id : who.kind === "principal" ? who.account : stranger(policy, context);
  const known = parseAccountId(account);
  const organization = known === undefined ? undefined : context.organizationOf.get(known);
  const organizations: readonly (string | null)[] =
    who.kind === "organization"
      ? [who.id]
      : organization === undefined
        ? [null, STRANGE_ORGANIZATION, ...foreignOrganizations(policy, context, who)]
        : [organization === null ? null : organization.id];
  return organizations.map((org) => {
    const stated = new Map([...keys].map((key) => [key, entryOf(key, who, account, org, role)] as const));
    return { stated, derived: () => undefined, entries: () => stated, tagsKnown: false };
  });
}

/** An account that neither the policy nor the zone names, so that nothing which is about a certain account is about it. */
function stranger(policy: Policy, { zone, organizationOf }: TrustContext): string {
  const text = JSON.stringify(policy);
  for (let id = 999_988_887_777; ; id--) {
    const account = parseAccountId(String(id));
    if (account === undefined) throw new Error("no account id is left");
    if (!text.includes(account) && !zone.accounts.includes(account) && !organizationOf.has(account))
      return account;
  }
}

/** The account of an outsider whose organization is not known may be in any organization outside the zone. */
function foreignOrganizations(policy: Policy, { zone }: TrustContext, who: Who): readonly string[] {
  if (who.kind === "anyone") return [];
  const text = policy.statements.flatMap((s) => s.conditions.flatMap((c) => c.values)).join("\n");
  const ids = new Set([...text.matchAll(/o-[a-z0-9]{10,32}/g)].map((m) => m[0]));
  return [...ids].filter((id) => {
    const parsed = parseOrganizationId(id);
    return parsed !== undefined && !zone.organizations.includes(parsed);
  });
}

function entryOf(
  key: string,
  who: Who,
  account: string,
  organization: string | null,
  role: IamPrincipal,
): ContextEntry {
  const open: ContextEntry = { kind: "unknown", present: false, doubt: "request-open" };
  if (who.kind === "identities") return open;
  switch (key) {
    case "aws:principalaccount":
      return { kind: "values", values: [account] };
    case "aws:principalorgid":
      return organization === null ? { kind: "absent" } : { kind: "values", values: [organization] };
    case "aws:principalorgpaths":
      return organization === null
        ? { kind: "absent" }
        : { kind: "values", values: [`${organization}/r-zzzz/`] };
    case "aws:principalarn":
      return {
        kind: "values",
        values: [principalArn(who, account, role.partition)],
        ...(who.kind === "principal"
          ? {}
          : {
              orLike: { pattern: `arn:${role.partition}:iam::${account}:*`, doubt: "request-open" } as const,
            }),
      };
    case "aws:principalisawsservice":
      return { kind: "values", values: ["false"] };
    case "aws:principaltype":
      return open;
    case "aws:sourceaccount":
    case "aws:sourcearn":
    case "aws:sourceorgid":
    case "aws:sourceorgpaths":
      return { kind: "absent" };
    default:
      return conditionKeyFacts(key)?.origin === "transport" ? { kind: "values", values: ["true"] } : open;
  }
}

/** aws:PrincipalArn of a session is the ARN of its role. */
function principalArn(who: Who, account: string, partition: string): string {
  if (who.kind !== "principal") return `arn:${partition}:iam::${account}:role/keyward-stranger`;
  return who.arn.replace(/^(arn:[^:]+):sts::([0-9]{12}):assumed-role\/([^/]+)\/.*$/, "$1:iam::$2:role/$3");
}
