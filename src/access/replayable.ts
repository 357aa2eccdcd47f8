/** The values of a generator, kept as far as they were asked for. */
export class Replayable<T> implements Iterable<T> {
  readonly #kept: T[] = [];

  constructor(readonly source: Iterator<T>) {}

  /** The value at a place, or undefined after the last one: for loops that run often. */
  at(place: number): T | undefined {
    while (this.#kept.length <= place) {
      const next = this.source.next();
      if (next.done === true) return undefined;
      this.#kept.push(next.value);
    }
    return this.#kept[place];
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; ; i += 1) {
      const value = this.at(i);
      if (value === undefined) return;
      yield value;
    }
  }
}
