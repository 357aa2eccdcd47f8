/**
 * A seeded source of choices (xorshift128 over a mixed seed). Fast, because ten million requests are drawn from it, and
 * the same seed gives the same world on every machine. Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number, stream = 0) {
    let mix = (seed ^ Math.imul(stream + 1, 0x9e3779b1)) >>> 0;
    const next = (): number => {
      mix = (mix + 0x6d2b79f5) >>> 0;
      let t = Math.imul(mix ^ (mix >>> 15), mix | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return (t ^ (t >>> 14)) >>> 0;
    };
    this.#a = next() | 1;
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  /** An integer from 0 (included) to `n` (excluded). */
  int(n: number): number {
    let t = this.#d;
    const s = this.#a;
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.#a = (t ^ s ^ (s >>> 19)) >>> 0;
    return this.#a % n;
  }

  /** True with a probability of `percent`. */
  chance(percent: number): boolean {
    return this.int(1000) < percent * 10;
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.int(items.length)];
    if (item === undefined && items.length === 0) throw new Error("nothing to pick from");
    return item as T;
  }

  /** One of the makers, by weight. */
  weighted<T>(...options: readonly (readonly [number, () => T])[]): T {
    const total = options.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.int(total);
    for (const [weight, make] of options) {
      if (at < weight) return make();
      at -= weight;
    }
    throw new Error("weights must be positive");
  }

  /** A list of `min` to `max` things, short ones more often. */
  list<T>(min: number, max: number, make: () => T): T[] {
    const out: T[] = [];
    while (out.length < max && (out.length < min || this.chance(38))) out.push(make());
    return out;
  }

  /** Each item with a probability of `percent`, in order. */
  some<T>(items: readonly T[], percent: number): T[] {
    return items.filter(() => this.chance(percent));
  }

  /** `length` characters of an alphabet. */
  text(alphabet: string, length: number): string {
    let out = "";
    for (let i = 0; i < length; i += 1) out += alphabet[this.int(alphabet.length)] ?? "";
    return out;
  }
}
