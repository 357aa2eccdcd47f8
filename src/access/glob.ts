/**
 * Patterns with `*` and `?`, and their deterministic automata, stepped one character at a time.
 *
 * A pattern of an ARN operator is the same thing with wildcards that do not cross a colon in the first five parts,
 * because AWS compares ARNs part by part (IAM User Guide, "Amazon Resource Name (ARN) condition operators").
 */
export interface Glob {
  readonly kinds: readonly TokenKind[];
  /** The character of each literal token; empty for wildcards. */
  readonly chars: readonly string[];
  /** Compare without case: tokens are lower-case, input is lowered. */
  readonly fold: boolean;
  /** No wildcard at all: the only word it matches, else undefined. With `fold`, in lower case. */
  readonly literal: string | undefined;
  /** The text it was made from, for people. */
  readonly text: string;
}

/** `one`/`star` match any character; `one-in-part`/`star-in-part` any but a colon. */
export type TokenKind = "char" | "one" | "star" | "one-in-part" | "star-in-part";

/** Collects tokens; patterns with variables are put together from pieces. */
export class GlobBuilder {
  readonly #kinds: TokenKind[] = [];
  readonly #chars: string[] = [];

  constructor(readonly fold: boolean) {}

  /** Adds text in which no character is special. */
  literal(text: string): this {
    for (const c of this.fold ? text.toLowerCase() : text) {
      this.#kinds.push("char");
      this.#chars.push(c);
    }
    return this;
  }

  /** Adds a wildcard; two stars in a row are one. */
  wildcard(kind: Exclude<TokenKind, "char">): this {
    const last = this.#kinds.at(-1);
    if (kind === last && (kind === "star" || kind === "star-in-part")) return this;
    this.#kinds.push(kind);
    this.#chars.push("");
    return this;
  }

  build(text: string): Glob {
    const literal = this.#kinds.every((k) => k === "char") ? this.#chars.join("") : undefined;
    return { kinds: this.#kinds, chars: this.#chars, fold: this.fold, literal, text };
  }
}

/** A glob that matches one word only. */
export function literalGlob(text: string, fold = false): Glob {
  return new GlobBuilder(fold).literal(text).build(text);
}

/** A glob in which `*` and `?` are wildcards over all characters. */
export function plainGlob(text: string, fold = false): Glob {
  const b = new GlobBuilder(fold);
  for (const c of text) {
    if (c === "*") b.wildcard("star");
    else if (c === "?") b.wildcard("one");
    else b.literal(c);
  }
  return b.build(text);
}

function accepts(kind: TokenKind, char: string, input: string): boolean {
  switch (kind) {
    case "char":
      return char === input;
    case "one":
    case "star":
      return true;
    case "one-in-part":
    case "star-in-part":
      return input !== ":";
  }
}

const isStar = (k: TokenKind | undefined): boolean => k === "star" || k === "star-in-part";

/** Whether the glob matches the whole word. */
export function matches(glob: Glob, word: string): boolean {
  const input = glob.fold ? word.toLowerCase() : word;
  if (glob.literal !== undefined) return glob.literal === input;
  const d = new GlobDfa(glob);
  let s = d.start;
  for (const c of input) {
    s = d.step(s, c);
    if (s === DEAD) return false;
  }
  return d.accepting(s);
}

/** The state from which nothing is accepted any more. */
export const DEAD = 0;

/** The automaton of a glob by the subset construction, made as far as it is walked. */
export class GlobDfa {
  readonly #sets: (readonly number[])[] = [[]];
  readonly #ids = new Map<string, number>([["", DEAD]]);
  readonly #next: Map<string, number>[] = [new Map<string, number>()];
  readonly start: number;

  constructor(readonly glob: Glob) {
    this.start = this.#intern(this.#close([0]));
  }

  #close(positions: readonly number[]): number[] {
    const seen = new Set<number>();
    for (const p of positions) {
      let q = p;
      seen.add(q);
      while (isStar(this.glob.kinds[q])) {
        q += 1;
        seen.add(q);
      }
    }
    return [...seen].sort((a, b) => a - b);
  }

  #intern(set: readonly number[]): number {
    const key = set.join(",");
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#sets.length;
    this.#sets.push(set);
    this.#next.push(new Map());
    this.#ids.set(key, id);
    return id;
  }

  /** The state after one more character. */
  step(state: number, char: string): number {
    const c = this.glob.fold ? char.toLowerCase() : char;
    const row = this.#next[state];
    const known = row?.get(c);
    if (known !== undefined) return known;
    const out: number[] = [];
    for (const p of this.#sets[state] ?? []) {
      const kind = this.glob.kinds[p];
      if (kind === undefined || !accepts(kind, this.glob.chars[p] ?? "", c)) continue;
      out.push(isStar(kind) ? p : p + 1);
    }
    const id = this.#intern(this.#close(out));
    row?.set(c, id);
    return id;
  }

  /** Whether the word read so far is matched. */
  accepting(state: number): boolean {
    return this.#sets[state]?.at(-1) === this.glob.kinds.length;
  }
}

/** Words that the glob matches, simple ones first: cheap guesses before a search. */
export function samples(glob: Glob): string[] {
  if (glob.literal !== undefined) return [glob.literal];
  const fill = (star: string): string =>
    glob.kinds.map((k, i) => (k === "char" ? (glob.chars[i] ?? "") : isStar(k) ? star : "x")).join("");
  return [fill("x"), fill(""), fill("0")];
}
