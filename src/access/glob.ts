/**
 * Patterns with `*` and `?`: matched directly, and as deterministic automata that are stepped one character at a time.
 *
 * A pattern of an ARN operator is the same thing with wildcards that do not cross a colon in the first five parts,
 * because AWS compares ARNs part by part (IAM User Guide, "Amazon Resource Name (ARN) condition operators").
 */
export interface Glob {
  /** Code points of literal characters, and the negative numbers below for wildcards. */
  readonly tokens: readonly number[];
  /** Compare without case: tokens are lower-case, input is lowered. */
  readonly fold: boolean;
  /** No wildcard at all: the only word it matches, else undefined. With `fold`, in lower case. */
  readonly literal: string | undefined;
  /** The text it was made from, for people. */
  readonly text: string;
}

/** Any one character. */
export const ONE = -1;
/** Any characters, or none. */
export const STAR = -2;
/** Any one character but a colon. */
export const ONE_IN_PART = -3;
/** Any characters but colons, or none. */
export const STAR_IN_PART = -4;

/** The wildcards by name. */
export type Wildcard = "one" | "star" | "one-in-part" | "star-in-part";
const WILDCARDS: Readonly<Record<Wildcard, number>> = {
  one: ONE,
  star: STAR,
  "one-in-part": ONE_IN_PART,
  "star-in-part": STAR_IN_PART,
};

const COLON = 58;

/** Collects tokens; patterns with variables are put together from pieces. */
export class GlobBuilder {
  readonly #tokens: number[] = [];
  #literal: string | undefined = "";

  constructor(readonly fold: boolean) {}

  /** Adds text in which no character is special. */
  literal(text: string): this {
    const t = this.fold ? text.toLowerCase() : text;
    pushCodePoints(t, this.#tokens);
    if (this.#literal !== undefined) this.#literal += t;
    return this;
  }

  /** Adds a wildcard; two stars in a row are one. */
  wildcard(kind: Wildcard): this {
    const token = WILDCARDS[kind];
    this.#literal = undefined;
    const last = this.#tokens.at(-1);
    if (token === last && isStar(token)) return this;
    this.#tokens.push(token);
    return this;
  }

  build(text: string): Glob {
    return { tokens: this.#tokens, fold: this.fold, literal: this.#literal, text };
  }
}

function pushCodePoints(text: string, out: number[]): void {
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c >= 0xd800 && c <= 0xdbff) {
      const whole = text.codePointAt(i) ?? c;
      out.push(whole);
      if (whole > 0xffff) i += 1;
    } else out.push(c);
  }
}

/** The characters of a text, as numbers. */
export function codePoints(text: string): number[] {
  const out: number[] = [];
  pushCodePoints(text, out);
  return out;
}

/** A glob that matches one word only. */
export function literalGlob(text: string, fold = false): Glob {
  return new GlobBuilder(fold).literal(text).build(text);
}

/** A glob in which `*` and `?` are wildcards over all characters. */
export function plainGlob(text: string, fold = false): Glob {
  if (!text.includes("*") && !text.includes("?")) return literalGlob(text, fold);
  const b = new GlobBuilder(fold);
  let from = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (c !== "*" && c !== "?") continue;
    if (i > from) b.literal(text.slice(from, i));
    b.wildcard(c === "*" ? "star" : "one");
    from = i + 1;
  }
  if (from < text.length) b.literal(text.slice(from));
  return b.build(text);
}

const isStar = (token: number | undefined): boolean => token === STAR || token === STAR_IN_PART;

/** Whether a token takes a character. */
function takes(token: number, char: number): boolean {
  if (token >= 0) return token === char;
  return token >= STAR || char !== COLON;
}

/**
 * Whether the glob matches the whole word. Takes the shortest run for each star and goes back to the last one only:
 * an earlier star never has to take more, since the stars in one part of an ARN stop at the same colon, and a literal
 * colon in the first five parts can stand in one place only.
 */
export function matches(glob: Glob, word: string): boolean {
  const input = glob.fold ? word.toLowerCase() : word;
  if (glob.literal !== undefined) return glob.literal === input;
  const { tokens } = glob;
  const size = tokens.length;
  const end = input.length;
  let t = 0;
  let i = 0;
  let star = -1;
  let resume = 0;
  while (i < end) {
    const token = tokens[t];
    let c = input.charCodeAt(i);
    let width = 1;
    if (c >= 0xd800 && c <= 0xdbff) {
      c = input.codePointAt(i) ?? c;
      if (c > 0xffff) width = 2;
    }
    if (token === STAR || token === STAR_IN_PART) {
      star = t;
      resume = i;
      t += 1;
    } else if (token !== undefined && takes(token, c)) {
      t += 1;
      i += width;
    } else {
      if (star < 0) return false;
      // The last star takes one character more.
      const at = input.codePointAt(resume) ?? 0;
      if (tokens[star] === STAR_IN_PART && at === COLON) return false;
      resume += at > 0xffff ? 2 : 1;
      i = resume;
      t = star + 1;
    }
  }
  while (t < size && isStar(tokens[t])) t += 1;
  return t === size;
}

/** Counts search steps; when they are used up, the answer is "not decided". A step is less than a microsecond. */
export interface Budget {
  left: number;
}

/** What it takes to match a word of some length, in steps. */
export function matchingCost(glob: Glob, length: number): number {
  if (glob.literal !== undefined) return 0;
  const size = glob.tokens.length;
  // A star in front of a long text may go through the word again and again.
  return 1 + ((size + length) >> 5) + ((size * length) >> 12);
}

/** The state from which nothing is accepted any more. */
export const DEAD = 0;

/** The automaton of a glob by the subset construction, made as far as it is walked. */
export class GlobDfa {
  readonly #sets: (readonly number[])[] = [[]];
  readonly #ids = new Map<string, number>([["", DEAD]]);
  readonly #next: Map<number, number>[] = [new Map<number, number>()];
  readonly start: number;

  constructor(
    readonly glob: Glob,
    /** Charged for every state that is made: a hostile glob has as many as it has characters. */
    readonly budget?: Budget,
  ) {
    this.start = this.#intern(this.#close([0]));
  }

  #close(positions: readonly number[]): number[] {
    const { tokens } = this.glob;
    const [only] = positions;
    // Between stars a state is one position.
    if (positions.length === 1 && only !== undefined && !isStar(tokens[only])) return [only];
    // The positions rise, so what is already there lies at the end.
    const seen: number[] = [];
    let last = -1;
    for (const p of positions) {
      for (let q = p; ; q += 1) {
        if (q > last) {
          seen.push(q);
          last = q;
        }
        if (!isStar(tokens[q])) break;
      }
    }
    return seen;
  }

  #intern(set: readonly number[]): number {
    const key = set.length === 1 ? String(set[0]) : set.join(",");
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#sets.length;
    this.#sets.push(set);
    this.#next.push(new Map());
    this.#ids.set(key, id);
    return id;
  }

  /** The state after one more character, given as a code point (in lower case for a glob that folds). */
  step(state: number, char: number): number {
    const row = this.#next[state];
    const known = row?.get(char);
    if (known !== undefined) return known;
    const { tokens } = this.glob;
    // A set rises, and so does what follows it: a star stays at p, anything else goes to p + 1.
    const out: number[] = [];
    for (const p of this.#sets[state] ?? []) {
      const token = tokens[p];
      if (token === undefined || !takes(token, char)) continue;
      const next = isStar(token) ? p : p + 1;
      if (out.at(-1) !== next) out.push(next);
    }
    const id = out.length === 0 ? DEAD : this.#intern(this.#close(out));
    if (this.budget !== undefined) this.budget.left -= 1 + (out.length >> 2);
    row?.set(char, id);
    return id;
  }

  /** The places in the glob that a state stands for, rising. */
  positions(state: number): readonly number[] {
    return this.#sets[state] ?? [];
  }

  /**
   * The characters that keep a state alive; undefined where a wildcard takes any, or where case is ignored and a
   * character stands for two.
   */
  letters(state: number): readonly number[] | undefined {
    if (this.glob.fold) return undefined;
    const out: number[] = [];
    for (const p of this.#sets[state] ?? []) {
      const token = this.glob.tokens[p];
      if (token === undefined) continue;
      if (token < 0) return undefined;
      out.push(token);
    }
    return out;
  }

  /**
   * The characters that a state tells from all others (in lower case for a glob that folds): it goes on from any other
   * two alike.
   */
  told(state: number): readonly number[] {
    const known = this.#told[state];
    if (known !== undefined) return known;
    const out: number[] = [];
    for (const p of this.#sets[state] ?? []) {
      const token = this.glob.tokens[p];
      if (token === undefined || token === ONE || token === STAR) continue;
      out.push(token < 0 ? COLON : token);
    }
    this.#told[state] = out;
    return out;
  }

  readonly #told: (readonly number[])[] = [];

  /** Whether the word read so far is matched. */
  accepting(state: number): boolean {
    return this.#sets[state]?.at(-1) === this.glob.tokens.length;
  }
}

/** Words that the glob matches, simple ones first: cheap guesses before a search. */
export function samples(glob: Glob): string[] {
  if (glob.literal !== undefined) return [glob.literal];
  const fill = (star: string): string =>
    glob.tokens.map((k) => (k >= 0 ? String.fromCodePoint(k) : isStar(k) ? star : "x")).join("");
  return [fill("x"), fill(""), fill("0")];
}

/** Whether the glob is one star, which takes every word. */
export function takesAll({ tokens }: Glob): boolean {
  return tokens.length === 1 && tokens[0] === STAR;
}

/** Whether a word that begins and ends like this (and may hold anything between) can match: a quick, safe "perhaps". */
export function mayMatchBetween(glob: Glob, prefix: string, suffix: string): boolean {
  const { tokens } = glob;
  const head = codePoints(glob.fold ? prefix.toLowerCase() : prefix);
  for (let i = 0; i < head.length; i += 1) {
    const token = tokens[i];
    if (isStar(token)) break;
    if (token === undefined || !takes(token, head[i] ?? 0)) return false;
  }
  const tail = codePoints(glob.fold ? suffix.toLowerCase() : suffix);
  for (let i = 1; i <= tail.length; i += 1) {
    const token = tokens[tokens.length - i];
    if (isStar(token)) break;
    if (token === undefined || !takes(token, tail[tail.length - i] ?? 0)) return false;
  }
  return true;
}

/** The places in a glob that can be reached over a beginning, the furthest first. */
function placesAfter(glob: Glob, beginning: string): number[] {
  const dfa = new GlobDfa(glob);
  let state = dfa.start;
  for (const c of codePoints(glob.fold ? beginning.toLowerCase() : beginning)) {
    state = dfa.step(state, c);
    if (state === DEAD) return [];
  }
  return [...dfa.positions(state)].reverse();
}

/** What a text of some length can be filled up with. */
export interface Filling {
  /** Characters to stand for wildcards. */
  readonly fillers: readonly string[];
  /** Stars are stretched until the text has this length. */
  readonly min: number;
}

/**
 * Texts worth trying between a beginning and an end, so that the whole may match; whether it does is tested afterwards.
 * For a glob without wildcards, the one text there is.
 */
export function residue(glob: Glob, prefix: string, suffix: string, filling: Filling): string[] {
  if (glob.literal !== undefined) {
    const text = glob.literal;
    if (text.length < prefix.length + suffix.length) return [];
    return [text.slice(prefix.length, text.length - suffix.length)];
  }
  const { tokens } = glob;
  const ending = codePoints(suffix).length;
  const out = new Set<string>();
  for (const from of placesAfter(glob, prefix).slice(0, 3)) {
    let to = tokens.length;
    while (to > tokens.length - ending && to > from && !isStar(tokens[to - 1])) to -= 1;
    const middle = tokens.slice(from, to);
    const missing = filling.min - middle.filter((t) => !isStar(t)).length;
    for (const filler of filling.fillers.slice(0, 2)) {
      for (const more of missing > 0 ? [missing] : [0, 1]) out.add(filled(middle, filler, more));
    }
  }
  return [...out];
}

/** Tokens as a text: each wildcard a filler, the first star as many as are missing. */
function filled(tokens: readonly number[], filler: string, missing: number): string {
  let out = "";
  let left = missing;
  for (const t of tokens) {
    if (t >= 0) out += String.fromCodePoint(t);
    else if (!isStar(t)) out += filler;
    else if (left > 0) {
      out += filler.repeat(left);
      left = 0;
    }
  }
  return out;
}
