import { CAPABILITIES, EXPOSURES } from "../domain/verdict.js";
import type { Access } from "./matrix.js";

/** Puts together what one class of callers can do through one source, where nothing else tells the parts apart. */
export class Merger {
  readonly #map = new Map<string, Access>();

  add(a: Access): void {
    const key = JSON.stringify([
      a.who,
      a.source,
      a.certainty,
      a.doubts.map((d) => d.id),
      a.reach,
      a.networkBound,
      a.exposure,
    ]);
    const old = this.#map.get(key);
    if (old === undefined) {
      this.#map.set(key, a);
      return;
    }
    const actions = [...new Set([...old.actions, ...a.actions])];
    const capabilities = CAPABILITIES.filter(
      (c) => old.capabilities.includes(c) || a.capabilities.includes(c),
    );
    const worse = rank(a) < rank(old);
    this.#map.set(key, { ...(worse ? a : old), actions, capabilities });
  }

  /** Worst first; equal ones in the order of the documents. */
  accesses(): Access[] {
    return [...this.#map.values()].sort(
      (a, b) =>
        EXPOSURES.indexOf(a.exposure) - EXPOSURES.indexOf(b.exposure) ||
        (a.certainty === b.certainty ? 0 : a.certainty === "certain" ? -1 : 1) ||
        rank(a) - rank(b),
    );
  }
}

function rank(a: Access): number {
  const [worst] = a.capabilities;
  return worst === undefined ? CAPABILITIES.length : CAPABILITIES.indexOf(worst);
}
