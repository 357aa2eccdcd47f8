import type { IamPrincipal } from "../domain/iam.js";
import { itemsRead } from "../domain/fetched.js";
import type { AccountId } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import type { ChainLimits } from "../iam/chains.js";
import type { Entry, Way } from "../iam/estate-chains.js";
import { ESTATE_LIMITS, waysFrom } from "../iam/estate-chains.js";
import { EstateHops } from "../iam/estate-hops.js";
import type { TrustContext } from "../iam/outsider.js";
import { parsePrincipal } from "../semantics/arn.js";
import type { KeyDocument } from "../semantics/request.js";
import type { IamView } from "./iam-view.js";

/** The roles of one account that one outsider gets to. */
export interface WaysInto {
  /** Of roles that are alike the first is to be asked: one that is surely reached, by the shortest way. */
  readonly roles: readonly IamPrincipal[];
  readonly byRole: ReadonlyMap<IamPrincipal, Way>;
}

/**
 * Which roles outsiders get to through the roles of all accounts of an estate. Worked out when it is first asked for; of
 * every account all that the data has must be known by then.
 */
export class EstateReach {
  private ids: ReadonlySet<AccountId> | undefined;
  private made: ReadonlyMap<AccountId, readonly WaysInto[]> | undefined;
  private readonly views = new Map<AccountId, IamView>();
  private readonly ended = new Set<IamPrincipal>();

  constructor(
    private readonly all: () => readonly IamView[],
    private readonly trust: TrustContext,
    private readonly limits: ChainLimits = ESTATE_LIMITS,
  ) {}

  /** Accounts in which there are such roles. */
  get accounts(): ReadonlySet<AccountId> {
    return (this.ids ??= new Set(this.reached().keys()));
  }

  /** Roles at which the search ended because of its bounds. */
  get cut(): readonly IamPrincipal[] {
    this.reached();
    // Of one account alone its own search tells the same.
    return this.views.size < 2 ? [] : [...this.ended];
  }

  /** The ways to roles of an account, for each outsider. */
  waysInto(account: AccountId): readonly WaysInto[] {
    return this.reached().get(account) ?? [];
  }

  viewOf(account: AccountId): IamView | undefined {
    this.reached();
    return this.views.get(account);
  }

  /** Those of {@link accounts}, other than the key's own, that the documents of a key may let in. */
  abroad(key: Pick<KeyDocument, "policy" | "grants" | "facts">): readonly AccountId[] {
    const reached = this.reached();
    if (reached.size === 0) return [];
    const { accounts, wide } = letInBy(key);
    return [...reached.keys()].filter((a) => a !== key.facts.account && (wide || accounts.has(a)));
  }

  private reached(): ReadonlyMap<AccountId, readonly WaysInto[]> {
    return (this.made ??= this.search());
  }

  private search(): ReadonlyMap<AccountId, readonly WaysInto[]> {
    const views = this.all();
    for (const view of views) this.views.set(view.account, view);
    const byOutsider = new Map<string, Entry[]>();
    for (const { role, outsiders } of views.flatMap((view) => view.openRoles)) {
      for (const outsider of outsiders) {
        const who = JSON.stringify(outsider.who);
        const entries = byOutsider.get(who);
        if (entries === undefined) byOutsider.set(who, [{ role, outsider }]);
        else entries.push({ role, outsider });
      }
    }
    const into = new Map<AccountId, WaysInto[]>();
    if (byOutsider.size === 0) return into;
    const hops = new EstateHops(this.views, this.trust, this.limits.pairs);
    for (const entries of byOutsider.values()) {
      const { ways, cut } = waysFrom(entries, hops, this.limits.roles);
      for (const role of cut) this.ended.add(role);
      for (const [account, of] of byAccount(ways)) {
        of.sort((a, b) => Number(b.certain) - Number(a.certain) || a.hops.length - b.hops.length);
        const made: WaysInto = {
          roles: of.map((way) => way.last),
          byRole: new Map(of.map((way) => [way.last, way])),
        };
        const known = into.get(account);
        if (known === undefined) into.set(account, [made]);
        else known.push(made);
      }
    }
    return into;
  }
}

function byAccount(ways: readonly Way[]): ReadonlyMap<AccountId, Way[]> {
  const out = new Map<AccountId, Way[]>();
  for (const way of ways) {
    const known = out.get(way.last.account);
    if (known === undefined) out.set(way.last.account, [way]);
    else known.push(way);
  }
  return out;
}

/**
 * Whether the documents of a key may let in somebody of these accounts: quick, and rather yes than no. What they really
 * say, {@link letInBy} tells.
 */
export function mayLetIn(
  record: Pick<KeyRecord, "policy" | "grants" | "facts">,
  accounts: ReadonlySet<string>,
): boolean {
  const texts = [
    record.policy.kind === "present" ? record.policy.value : "",
    ...itemsRead(record.grants).map((g) => `"Principal":"${g.GranteePrincipal ?? ""}"`),
  ];
  return texts.some(
    (text) =>
      WIDE.test(text) ||
      [...text.matchAll(/[0-9]{12}/g)].some(([id]) => id !== record.facts.account && accounts.has(id)),
  );
}

/** Everybody, a unique id, somebody who is left out, or an escape that may hide one of them. */
const WIDE = /\\u|notprincipal|principal"\s*:\s*(?:"(?:\*|A[A-Z]{3})|\{[^{}]*"(?:\*|A[A-Z]{3}))/i;

/** The accounts that a key policy or a grant names, and whether they may mean others too. */
export function letInBy({ policy, grants }: Pick<KeyDocument, "policy" | "grants">): {
  readonly accounts: ReadonlySet<string>;
  readonly wide: boolean;
} {
  const accounts = new Set<string>();
  let wide = false;
  const entries = [
    ...policy.statements.flatMap((s) => {
      if (s.effect !== "Allow" || s.principal.kind === "missing") return [];
      wide ||= s.principal.kind === "not-principal";
      return s.principal.entries;
    }),
    ...grants.flatMap((g) => parsePrincipal(g.GranteePrincipal ?? "") ?? []),
  ];
  for (const entry of entries) {
    // Whose an id is cannot be seen.
    if (entry.kind === "everyone" || entry.kind === "unique-id") wide = true;
    else if ("account" in entry) accounts.add(entry.account);
  }
  return { accounts, wide };
}
