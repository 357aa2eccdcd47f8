import { CAPABILITIES, EXPOSURES } from "../domain/verdict.js";
import type { Access } from "./matrix.js";

/** Puts together what one class of callers can do through one source, where nothing else tells the parts apart. */
export class Merger {
  readonly #map = new Map<string, Access>();

  add(a: Access): void {
    const key = this.#keyOf(a);
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

  /** What must be the same for two accesses to be one. Hostile names cannot make two keys one: they are quoted. */
  #keyOf(a: Access): string {
    const doubts = a.doubts.length === 0 ? "" : a.doubts.map((d) => d.id).join(",");
    const reach = a.reach.kind === "now" ? "now" : JSON.stringify(a.reach);
    const { source } = a;
    const from =
      source.kind === "statement" ? `statement ${source.index}` : this.#numberOf(JSON.stringify(source));
    const who = a.who.kind === "anyone" ? "anyone" : this.#numberOf(JSON.stringify(a.who));
    return `${who}|${from}|${a.certainty}|${doubts}|${reach}|${a.networkBound ? 1 : 0}|${a.exposure}`;
  }

  /** Long texts by number. */
  #numberOf(text: string): string {
    let n = this.#numbers.get(text);
    if (n === undefined) {
      n = this.#numbers.size;
      this.#numbers.set(text, n);
    }
    return `#${n}`;
  }

  readonly #numbers = new Map<string, number>();

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
