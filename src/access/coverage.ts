import type { Certainty } from "../domain/verdict.js";
import { INPUT_DOUBTS, REFUSED_DOUBTS } from "../semantics/doubts.js";
import { EVERYBODY } from "./known-ids.js";
import { groupsAround } from "./service-classes.js";
import type { Access } from "./matrix.js";

/** How surely a group is answered. `unclear`: possible, as far as the document is understood and could be stored. */
export type Answered = Certainty | "unclear";

/** How surely an access answers for its class. */
export function surenessOf({ certainty, doubts }: Access): Answered {
  if (certainty === "certain") return certainty;
  return doubts.some((d) => INPUT_DOUBTS.has(d.id) || REFUSED_DOUBTS.has(d.id)) ? "unclear" : "possible";
}

const RANKS: Readonly<Record<Answered, number>> = { unclear: 0, possible: 1, certain: 2 };

/** Whether the one is surer than the other, or there is no other. */
export function surer(one: Answered, other: Answered | undefined): boolean {
  return other === undefined || RANKS[one] > RANKS[other];
}

/** Which groups of caller classes are answered for one way in already, and how surely. */
export class Coverage {
  readonly #groups = new Map<string, Answered>();

  get everybody(): boolean {
    return this.#groups.get(EVERYBODY) === "certain";
  }

  /** How surely a group is answered, by itself or by one around it; undefined: not yet. */
  of(group: string): Answered | undefined {
    let best = this.#groups.get(group);
    for (const around of groupsAround(group)) {
      const its = this.#groups.get(around);
      if (its === "certain") return its;
      if (its !== undefined && surer(its, best)) best = its;
    }
    return best;
  }

  add(groups: Iterable<string>, sureness: Answered): void {
    for (const g of groups) if (surer(sureness, this.#groups.get(g))) this.#groups.set(g, sureness);
  }
}
