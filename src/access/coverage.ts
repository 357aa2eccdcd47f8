import type { Certainty } from "../domain/verdict.js";
import { EVERYBODY, groupsAround } from "./classes.js";

/** Which groups of caller classes are answered for one way in already, and how surely. */
export class Coverage {
  readonly #groups = new Map<string, Certainty>();

  get everybody(): boolean {
    return this.#groups.get(EVERYBODY) === "certain";
  }

  /** How surely a group is answered, by itself or by one around it; undefined: not yet. */
  of(group: string): Certainty | undefined {
    let best = this.#groups.get(group);
    for (const around of groupsAround(group)) {
      const its = this.#groups.get(around);
      if (its === "certain") return its;
      best ??= its;
    }
    return best;
  }

  add(groups: Iterable<string>, certainty: Certainty): void {
    for (const g of groups) if (this.#groups.get(g) !== "certain") this.#groups.set(g, certainty);
  }
}
