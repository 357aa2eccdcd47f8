/**
 * A value that readers may see with a delay, as an eventually consistent service shows it. A reader asks for the value
 * as it was at some moment; former values are forgotten once nobody can ask for them any more.
 */
export class Delayed<T> {
  /** Oldest first; never empty. */
  #versions: { readonly since: number; readonly value: T }[];
  readonly #keepMs: number;

  /** `keepMs`: how far back readers look, in milliseconds. */
  constructor(value: T, keepMs: number) {
    this.#versions = [{ since: Number.NEGATIVE_INFINITY, value }];
    this.#keepMs = keepMs;
  }

  /** Replaces the value at a moment (milliseconds since the epoch). */
  set(value: T, now: number): void {
    this.#versions.push({ since: now, value });
    const horizon = now - this.#keepMs;
    const first = this.#versions.findLastIndex((v) => v.since <= horizon);
    if (first > 0) this.#versions = this.#versions.slice(first);
  }

  /** The newest value: what decides access. */
  get current(): T {
    return this.#last().value;
  }

  /** The value as it was at a moment. */
  at(moment: number): T {
    return (this.#versions.findLast((v) => v.since <= moment) ?? this.#versions[0] ?? this.#last()).value;
  }

  #last(): { readonly since: number; readonly value: T } {
    const last = this.#versions.at(-1);
    if (last === undefined) throw new Error("a delayed value has at least one version");
    return last;
  }
}
