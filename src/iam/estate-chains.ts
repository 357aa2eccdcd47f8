import type { IamPrincipal } from "../domain/iam.js";
import type { Hop } from "./assume.js";
import type { ChainLimits } from "./chains.js";
import type { EstateHops } from "./estate-hops.js";
import type { Outsider } from "./outsider.js";

/** A role that an outsider can assume first. */
export interface Entry {
  readonly role: IamPrincipal;
  readonly outsider: Outsider;
}

/** How one outsider gets to one role: the shortest way, or the shortest of those that are certain where there are some. */
export interface Way extends Entry {
  /** The role that it ends at; `role` is the first. */
  readonly last: IamPrincipal;
  /** From the first to the last; empty where they are the same. */
  readonly hops: readonly Hop[];
  /** The outsider surely assumes the first role, and each role the next. */
  readonly certain: boolean;
}

/** As in one account, but for all accounts together; 600,000 pairs take about six seconds. */
export const ESTATE_LIMITS: ChainLimits = { roles: 5, pairs: 600_000 };

interface Step {
  readonly role: IamPrincipal;
  readonly certain: boolean;
  readonly entry: Entry;
  readonly hop: Hop | undefined;
  readonly before: Step | undefined;
}

/**
 * All roles that somebody gets to who can assume these first. Breadth first from all of them together, so that it takes as
 * long as there are roles, however many of them are open. `cut`: roles from which more may be reached than were looked at.
 */
export function waysFrom(
  entries: readonly Entry[],
  hops: Pick<EstateHops, "from">,
  mostRoles: number,
): { readonly ways: readonly Way[]; readonly cut: ReadonlySet<IamPrincipal> } {
  const found = new Map<IamPrincipal, Step>();
  const cut = new Set<IamPrincipal>();
  let level: Step[] = [];
  const reach = (step: Step, next: Step[]): void => {
    const known = found.get(step.role);
    if (known !== undefined && (known.certain || !step.certain)) return;
    found.set(step.role, step);
    next.push(step);
  };
  for (const entry of entries) {
    const { role, outsider } = entry;
    reach({ role, certain: outsider.certain, entry, hop: undefined, before: undefined }, level);
  }
  for (let roles = 1; level.length > 0; roles++) {
    const next: Step[] = [];
    for (const step of level) {
      // A better way to the same role was met in the same round.
      if (found.get(step.role) !== step) continue;
      const edges = hops.from(step.role);
      if (edges.cut) cut.add(step.role);
      for (const hop of edges.hops) {
        const certain = step.certain && hop.certain;
        const known = found.get(hop.to);
        if (known !== undefined && (known.certain || !certain)) continue;
        if (roles >= mostRoles) {
          cut.add(step.role);
          break;
        }
        reach({ role: hop.to, certain, entry: step.entry, hop, before: step }, next);
      }
    }
    level = next;
  }
  return { ways: [...found.values()].map(wayOf), cut };
}

function wayOf(step: Step): Way {
  const hops: Hop[] = [];
  for (let at: Step | undefined = step; at?.hop !== undefined; at = at.before) hops.push(at.hop);
  return { ...step.entry, last: step.role, hops: hops.reverse(), certain: step.certain };
}
