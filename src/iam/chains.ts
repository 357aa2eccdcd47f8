import type { IamPrincipal } from "../domain/iam.js";
import type { Hop, Hops } from "./assume.js";

/** A way from a role to another one of its account: each is assumed from the one before. */
export interface Chain {
  /** Not empty; in order. */
  readonly hops: readonly Hop[];
  /** Every hop is. */
  readonly certain: boolean;
}

/** Roles that can be reached from a role, nearest first, and where the search ended before it was through. */
export interface Reached {
  readonly chains: readonly Chain[];
  /** Roles from which more roles may be reached than were looked at. */
  readonly cut: readonly IamPrincipal[];
}

/** Bounds of the search. */
export interface ChainLimits {
  /** Roles in a chain, the first included. */
  readonly roles: number;
  /** Pairs of roles that are looked at, for all searches in an account together. */
  readonly pairs: number;
}

/**
 * Sessions that were chained end after an hour, however many there are of them, so length is no obstacle to an attacker;
 * beyond a handful a chain says little that its parts do not say. 300,000 pairs take about three seconds.
 */
export const CHAIN_LIMITS: ChainLimits = { roles: 5, pairs: 300_000 };

/** Follows chains of roles in one account. */
export class ChainSearch {
  private pairs = 0;

  constructor(
    private readonly hops: Hops,
    private readonly limits: ChainLimits = CHAIN_LIMITS,
  ) {}

  /**
   * Every role that can be reached from one, each by its shortest chain, and again by a longer one that is certain where
   * the shortest is not.
   */
  from(start: IamPrincipal): Reached {
    const found = new Map<IamPrincipal, boolean>([[start, true]]);
    const chains: Chain[] = [];
    const cut = new Set<IamPrincipal>();
    let level: Chain[] = [{ hops: [], certain: true }];
    for (let roles = 1; level.length > 0; roles++) {
      const next: Chain[] = [];
      for (const chain of level) {
        const last = chain.hops.at(-1)?.to ?? start;
        for (const to of this.hops.candidates(last)) {
          const known = found.get(to);
          if (known === true || (known === false && !chain.certain)) continue;
          if (this.pairs >= this.limits.pairs) {
            cut.add(last);
            break;
          }
          this.pairs += 1;
          const hop = this.hops.hop(last, to);
          if (hop === undefined) continue;
          const certain = chain.certain && hop.certain;
          if (known === false && !certain) continue;
          if (roles >= this.limits.roles) {
            cut.add(last);
            break;
          }
          found.set(to, certain);
          next.push({ hops: [...chain.hops, hop], certain });
        }
      }
      chains.push(...next);
      level = next;
    }
    return { chains, cut: [...cut] };
  }
}
