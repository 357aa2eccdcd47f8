import type { IamPrincipal } from "../domain/iam.js";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { Statement } from "../policy/ast.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { ContextEntry, RequestContext } from "../semantics/derive-context.js";
import { strangerClaims } from "./providers.js";
import type { Outsider, TrustContext } from "./outsider.js";
import type { Trust } from "./trust-policy.js";
import { valuesOf } from "./trust-policy.js";

type Who = Outsider["who"];

const STRANGE_ORGANIZATION = "o-zzkeyward0";
const OPEN: ContextEntry = { kind: "unknown", present: false, doubt: "request-open" };

/**
 * Requests to assume a role that an outsider can make: what it cannot choose is set, all else is left open. Each list is
 * what it can choose from, and which of the lists it has is not known: of the organization of a named account.
 */
export function requestsOf(
  who: Who,
  statement: Statement,
  trust: Trust,
  role: IamPrincipal,
  context: TrustContext,
): readonly (readonly RequestContext[])[] {
  switch (who.kind) {
    case "identities": {
      const claims = strangerClaims(who.provider, statement);
      // First what a stranger's token holds, then any: a name that a pattern leaves open can be taken.
      return [claims === undefined ? [opened({})] : [opened(claims), opened({})]];
    }
    case "guests":
      return [[opened({ [`${who.provider}:amr`]: { kind: "values", values: ["unauthenticated"] } })]];
    case "certificates":
      return [[opened({ "aws:principalisawsservice": { kind: "values", values: ["true"] } })]];
    default:
      return people(who, trust, role, context);
  }
}

/** All is open but for what is said; names in lower case. */
function opened(said: Readonly<Record<string, ContextEntry>>): RequestContext {
  const stated = new Map(Object.entries(said));
  return { stated, derived: () => OPEN, entries: () => stated, tagsKnown: false };
}

/** Of users and roles of another account. */
function people(
  who: Who,
  trust: Trust,
  role: IamPrincipal,
  context: TrustContext,
): readonly (readonly RequestContext[])[] {
  const account =
    who.kind === "account" ? who.id : who.kind === "principal" ? who.account : stranger(trust, context);
  const known = parseAccountId(account);
  const organization = known === undefined ? undefined : context.organizationOf.get(known);
  const organizations: readonly (string | null)[] =
    who.kind === "organization"
      ? [who.id]
      : organization === undefined
        ? [null, STRANGE_ORGANIZATION, ...foreignOrganizations(trust, context, who)]
        : [organization === null ? null : organization.id];
  const lists = organizations.map((org) =>
    principals(who, account, role.partition).map((principal) => ({
      stated: new Map(),
      derived: (key: string): ContextEntry | undefined => entryOf(key, { account, principal }, org, role),
      entries: () => new Map(),
      tagsKnown: false,
    })),
  );
  // Somebody or other is in each of them.
  return who.kind === "anyone" ? [lists.flat()] : lists;
}

/**
 * What aws:PrincipalArn can hold: whoever may be any principal of an account is tried as a role and as a user, which may
 * be let in for certain, and then as anybody.
 */
function principals(who: Who, account: string, partition: string): readonly ContextEntry[] {
  if (who.kind === "principal") return [{ kind: "values", values: [roleArn(who.arn)] }];
  const named = (kind: "role" | "user"): string =>
    `arn:${partition}:iam::${account}:${kind}/keyward-stranger`;
  const orLike = { pattern: `arn:${partition}:iam::${account}:*`, doubt: "request-open" } as const;
  return [
    { kind: "values", values: [named("role")] },
    { kind: "values", values: [named("user")] },
    { kind: "values", values: [named("role")], orLike },
  ];
}

/** An account that neither the policy nor the zone names, so that nothing which is about a certain account is about it. */
function stranger(trust: Trust, { zone, organizationOf }: TrustContext): string {
  const text = JSON.stringify(trust.allows) + JSON.stringify(trust.denials);
  for (let id = 999_988_887_777; ; id--) {
    const account = parseAccountId(String(id));
    if (account === undefined) throw new Error("no account id is left");
    if (!text.includes(account) && !zone.accounts.includes(account) && !organizationOf.has(account))
      return account;
  }
}

/** The account of an outsider whose organization is not known may be in any organization outside the zone. */
function foreignOrganizations(trust: Trust, { zone }: TrustContext, who: Who): readonly string[] {
  if (who.kind === "anyone" || who.kind === "unresolved") return [];
  const ids = new Set([...valuesOf(trust).matchAll(/o-[a-z0-9]{10,32}/g)].map((m) => m[0]));
  return [...ids].filter((id) => {
    const parsed = parseOrganizationId(id);
    return parsed !== undefined && !zone.organizations.includes(parsed);
  });
}

function entryOf(
  key: string,
  { account, principal }: { readonly account: string; readonly principal: ContextEntry },
  organization: string | null,
  role: IamPrincipal,
): ContextEntry | undefined {
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
      return principal;
    case "aws:principalisawsservice":
      return { kind: "values", values: ["false"] };
    case "aws:resourceaccount":
      return { kind: "values", values: [role.account] };
    case "aws:sourceaccount":
    case "aws:sourcearn":
    case "aws:sourceorgid":
    case "aws:sourceorgpaths":
      return { kind: "absent" };
    default:
      return conditionKeyFacts(key)?.origin === "transport" ? { kind: "values", values: ["true"] } : OPEN;
  }
}

/** aws:PrincipalArn of a session is the ARN of its role. */
function roleArn(arn: string): string {
  return arn.replace(/^(arn:[^:]+):sts::([0-9]{12}):assumed-role\/([^/]+)\/.*$/, "$1:iam::$2:role/$3");
}
