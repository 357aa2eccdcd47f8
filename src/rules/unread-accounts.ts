import type { IamPrincipal } from "../domain/iam.js";
import { somebodyOf } from "../iam/somebody.js";
import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { AssumeSide } from "../iam/assume.js";
import { mayAssume } from "../iam/assume.js";
import { ESTATE_LIMITS } from "../iam/estate-chains.js";
import { Documents } from "../iam/documents.js";
import type { TrustContext } from "../iam/outsider.js";
import { Sides } from "../iam/sides.js";
import { isInside, trustOf } from "../iam/trust.js";
import type { Trust } from "../iam/trust-policy.js";
import type { KeyDocument } from "../semantics/request.js";
import { letInBy } from "./estate-reach.js";
import type { IamView } from "./iam-view.js";
import { letsInOf, mayMeanAnotherName } from "./other-users.js";

/** Roles that are asked about accounts that they do not name. */
const MOST_QUESTIONS = 20_000;

/**
 * Accounts of the zone of trust of which not all of IAM was read, and that keys or roles here let in. Outsiders may be able
 * to assume a role there, and go on from it: nobody can tell, and that must be said.
 */
export class UnreadAccounts {
  private readonly unread: ReadonlySet<AccountId>;
  /** Those that some role of another account lets in. */
  readonly accounts = new Set<AccountId>();
  /** Roles that let in one of them. */
  roles = 0;

  constructor(
    views: readonly IamView[],
    private readonly trust: TrustContext,
  ) {
    const complete = new Set(views.filter((v) => v.iam.state.kind === "complete").map((v) => v.account));
    const { zone, organizationOf } = trust;
    const members = [...organizationOf].flatMap(([account, of]) =>
      of !== null && zone.organizations.includes(of.id) ? [account] : [],
    );
    // Where nobody has asked for IAM at all, nothing is said of roles.
    this.unread = new Set(
      views.length === 0 ? [] : [...zone.accounts, ...members].filter((a) => !complete.has(a)),
    );
    if (this.unread.size === 0) return;
    let questions = 0;
    for (const role of views.flatMap((v) => v.iam.principals)) {
      const read = trustOf(role, trust);
      if (read === undefined) continue;
      const { named, wide } = this.namedBy(read, role);
      const others = wide ? [...this.unread].filter((a) => !named.has(a)) : [];
      for (const account of others) {
        if (questions++ > MOST_QUESTIONS || this.lets(account, role, read)) named.add(account);
      }
      for (const account of named) this.accounts.add(account);
      if (named.size > 0) this.roles += 1;
    }
  }

  /** All of them, let in or not. */
  get all(): ReadonlySet<AccountId> {
    return this.unread;
  }

  /** Those that a key lets in. */
  ofKey(key: KeyDocument): readonly AccountId[] {
    const { accounts, wide } = letInBy(key);
    const lets = letsInOf(key, this.trust.organizationOf);
    const candidates = wide
      ? [...this.unread]
      : [...accounts].flatMap((a) => {
          const id = parseAccountId(a);
          return id !== undefined && this.unread.has(id) ? [id] : [];
        });
    return candidates.filter((a) => a !== key.facts.account && lets(a));
  }

  private namedBy(
    { allows }: Trust,
    role: IamPrincipal,
  ): { readonly named: Set<AccountId>; readonly wide: boolean } {
    const named = new Set<AccountId>();
    let wide = false;
    for (const { principal } of allows) {
      if (principal.kind === "missing") continue;
      wide ||= principal.kind === "not-principal";
      for (const entry of principal.entries) {
        if (entry.kind === "everyone") wide = true;
        const account = "account" in entry ? parseAccountId(entry.account) : undefined;
        if (account !== undefined && account !== role.account && this.unread.has(account)) named.add(account);
      }
    }
    return { named, wide };
  }

  /** Whether a trust policy lets in somebody of an account who may do everything. */
  private lets(account: AccountId, role: IamPrincipal, trust: Trust): boolean {
    if (account === role.account || !isInside(account, role.account, this.trust)) return false;
    const somebody = somebodyOf(account, role.partition);
    this.side ??= new Sides({ kind: "none" }, new Documents(["sts:AssumeRole"])).of(somebody);
    if (mayAssume(somebody, this.side, role, trust, this.trust) !== undefined) return true;
    return trust.allows.some((statement) => mayMeanAnotherName(statement, account));
  }

  private side: AssumeSide | undefined;
}

/** What is told of them: who they are, and how many keys and roles let in somebody of them. */
export function unreadNotes(ids: Iterable<string>, keys: number, roles: number): readonly string[] {
  const accounts = [...new Set(ids)].sort();
  if (accounts.length === 0) return [];
  const shown = accounts.slice(0, 5).join(", ");
  const whom =
    accounts.length === 1
      ? `account ${shown}`
      : `${accounts.length} accounts (${shown}${accounts.length > 5 ? ", …" : ""})`;
  const what = [
    ...(keys === 0 ? [] : [keys === 1 ? "1 key" : `${keys} keys`]),
    ...(roles === 0 ? [] : [roles === 1 ? "1 role" : `${roles} roles`]),
  ].join(" and ");
  return [
    `IAM of ${whom} was not all read, and policies of ${what} let in users and roles of it: whether outsiders can assume a role there, and get to keys through it, is not known.`,
  ];
}

/** That the search for ways through several accounts ended. `cut`: at so many roles. */
export function cutNotes(cut: number): readonly string[] {
  if (cut === 0) return [];
  const where = cut === 1 ? "1 role" : `${cut} roles`;
  return [
    `The search for outsiders who assume one role from another through several accounts ended at ${where}: chains of more than ${ESTATE_LIMITS.roles} roles, or in very large estates some shorter ones, were not followed.`,
  ];
}
