import { somebodyOf } from "../iam/somebody.js";
import type { AccountId } from "../domain/ids.js";
import { AccountAnalysis } from "../iam/account.js";
import { Documents, keysOf } from "../iam/documents.js";
import type { Statement } from "../policy/ast.js";
import { parsePrincipal } from "../semantics/arn.js";
import type { KeyDocument } from "../semantics/request.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { EstateReach } from "./estate-reach.js";
import type { IamView } from "./iam-view.js";
import type { KeyUsers } from "./key-users.js";
import { keyUsers } from "./key-users.js";

/** Who in other accounts than the key's can use it, as far as their IAM is known. */
export interface OtherUsers {
  /** Accounts in which somebody can, with the ways of outsiders to them. */
  readonly accounts: readonly KeyUsers[];
  /** Accounts that the key lets in, of which nothing or not everything of IAM was read; in order of their ids. */
  readonly unread: readonly AccountId[];
}

/**
 * Looks in every account that the key policy or a grant may let in: there the users' and roles' own policies must allow it
 * as well, and service control policies above that account decide. Source: KMS Developer Guide, "Allowing users in other
 * accounts to use a KMS key".
 * @param views accounts of which the data has IAM
 * @param known accounts that are looked for beside them: members of organizations, and trusted ones
 */
export function otherUsers(
  key: KeyDocument,
  views: readonly IamView[],
  known: Iterable<AccountId>,
  organizationOf: OrganizationOf,
  reach?: EstateReach,
): OtherUsers {
  const own = key.facts.account;
  const byAccount = new Map(views.map((view) => [view.account, view]));
  const accounts: KeyUsers[] = [];
  const unread: AccountId[] = [];
  const lets = letsInOf(key, organizationOf);
  for (const account of [...new Set([...byAccount.keys(), ...known])].sort()) {
    if (account === own || !lets(account)) continue;
    const view = byAccount.get(account);
    if (view?.iam.state.kind !== "complete") unread.push(account);
    if (view === undefined || view.iam.state.kind === "unreadable") continue;
    const users = keyUsers(key, view, reach);
    if (users.groups.length > 0 || users.root.length > 0) accounts.push(users);
  }
  // Where users or roles can, before those of which at most the root user may.
  accounts.sort((a, b) => Number(b.groups.length > 0) - Number(a.groups.length > 0));
  return { accounts, unread };
}

/** Asks {@link letsIn}, of accounts that nothing but their place in the organization tells apart only once. */
export function letsInOf(key: KeyDocument, organizationOf: OrganizationOf): (account: AccountId) => boolean {
  const policies = [key.policy, ...key.resourceControlPolicies];
  const text = JSON.stringify([policies, key.grants]);
  const asksForAccount = [...keysOf(policies.flatMap((p) => p.statements))].some((name) =>
    /^(aws:principalaccount|kms:calleraccount|aws:principalarn|aws:userid)$/.test(name),
  );
  const answers = new Map<string, boolean>();
  return (account) => {
    const alone = asksForAccount || text.includes(account);
    const id = alone ? account : JSON.stringify(organizationOf.get(account) ?? "");
    const known = answers.get(id) ?? letsIn(key, account, organizationOf);
    answers.set(id, known);
    return known;
  };
}

/** Whether the key lets in some user or role of an account whose own policies allow everything. */
function letsIn(key: KeyDocument, account: AccountId, organizationOf: OrganizationOf): boolean {
  const entries = [
    ...key.policy.statements.flatMap((s) => (s.principal.kind === "principal" ? s.principal.entries : [])),
    ...key.grants.flatMap((g) => parsePrincipal(g.GranteePrincipal ?? "") ?? []),
  ];
  // One that is named stands for itself: no other one shows whether it gets in. Whose an id is, cannot be seen.
  if (entries.some((e) => e.kind === "unique-id" || ("account" in e && e.account === account))) return true;
  const somebody = somebodyOf(account, key.facts.partition);
  const analysis = new AccountAnalysis(
    { state: { kind: "complete" }, principals: [somebody] },
    { kind: "none" },
    new Documents(),
    organizationOf.get(account),
  );
  if (analysis.usesOf(somebody, key).length > 0) return true;
  return key.policy.statements.some((s) => s.effect === "Allow" && mayMeanAnotherName(s, account));
}

/** A condition on the caller's ARN or id may fit a name of the account other than that of {@link somebodyOf}. */
export function mayMeanAnotherName({ conditions }: Statement, account: AccountId): boolean {
  return conditions.some(
    (c) => /^aws:(principalarn|userid|username)$/.test(c.keyLower) && mentions(c.values, account),
  );
}

/** A pattern may stand for any account. */
function mentions(values: readonly string[], account: string): boolean {
  return values.some((v) => v.includes(account) || /[*?$]/.test(v));
}
