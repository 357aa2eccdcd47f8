/** The values of a generator, kept as far as they were asked for. */
export class Replayable<T> implements Iterable<T> {
  readonly #kept: T[] = [];

  constructor(readonly source: Iterator<T>) {}

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; ; i += 1) {
      if (i === this.#kept.length) {
        const next = this.source.next();
        if (next.done === true) return;
        this.#kept.push(next.value);
      }
      const value = this.#kept[i];
      if (value === undefined) return;
      yield value;
    }
  }
}
