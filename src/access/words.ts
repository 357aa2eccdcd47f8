import {
  type Budget,
  codePoints,
  DEAD,
  type Glob,
  GlobDfa,
  mayMatchBetween,
  matches,
  matchingCost,
  ONE,
  ONE_IN_PART,
  residue,
  STAR,
  STAR_IN_PART,
  takesAll,
} from "./glob.js";

/**
 * Strings that share parts: `aws:PrincipalAccount`, `aws:PrincipalArn` and `aws:userid` all hold the caller's account.
 * A request fixes *segments* (account, role name, …); each condition key is a *view*, a row of literals and segments.
 * The constraints on views are decided together, exactly, by one walk over the segments in order, in which the
 * automata of all patterns are stepped side by side.
 */
export interface Segment {
  readonly name: string;
  readonly alphabet: Alphabet;
  readonly min: number;
  readonly max: number;
  /** A pleasant value to try before searching. */
  readonly guess: string;
}

/** The characters a segment may hold. */
export interface Alphabet {
  readonly has: (char: string) => boolean;
  /** Characters to take where no pattern asks for a particular one, best first. */
  readonly fillers: readonly string[];
}

/** A row of literal texts and segment numbers; the numbers rise. */
export type View = readonly (string | number)[];

/** `oneOf`: some glob matches the view. `noneOf`: none does. */
export interface WordConstraint {
  readonly view: View;
  readonly mode: "oneOf" | "noneOf";
  readonly globs: readonly Glob[];
}

/** The value of a view under an assignment of the segments. */
export function viewText(view: View, values: readonly string[]): string {
  let out = "";
  for (const p of view) out += typeof p === "string" ? p : (values[p] ?? "");
  return out;
}

/** Whether an assignment meets a constraint. */
export function holds(c: WordConstraint, values: readonly string[], budget?: Budget): boolean {
  const text = viewText(c.view, values);
  if (budget !== undefined) {
    budget.left -= c.globs.length >> 5;
    for (const g of c.globs) budget.left -= matchingCost(g, text.length);
  }
  return c.globs.some((g) => matches(g, text)) === (c.mode === "oneOf");
}

export type { Budget } from "./glob.js";

export type WordAnswer =
  | { readonly kind: "found"; readonly values: readonly string[] }
  | { readonly kind: "impossible" }
  | { readonly kind: "exhausted" };

const IMPOSSIBLE: WordAnswer = { kind: "impossible" };

/** Decides whether the segments can be given values that meet every constraint. */
export function solveWords(
  segments: readonly Segment[],
  constraints: readonly WordConstraint[],
  budget: Budget,
): WordAnswer {
  const guess = segments.map((s) => s.guess);
  budget.left -= 1;
  if (constraints.every((c) => holds(c, guess, budget))) return { kind: "found", values: guess };
  if (budget.left < 0) return { kind: "exhausted" };
  const open: Open[] = [];
  for (const c of constraints) {
    const o = reduce(c);
    if (o === "never") return IMPOSSIBLE;
    if (o !== "always") open.push(o);
  }
  const values = [...guess];
  // Small ones first: where one of them cannot be met, nothing else matters.
  const parts = independent(segments, open).sort((a, b) => a.numbers.length - b.numbers.length);
  for (const part of parts) {
    const answer = solvePart(part, parts.length > 1, budget);
    if (answer.kind !== "found") return answer;
    part.numbers.forEach((n, i) => {
      values[n] = answer.values[i] ?? "";
    });
  }
  return { kind: "found", values };
}

/** Segments that constraints tie to each other, and what is asked of them. */
interface Part {
  /** Which segments they are. */
  readonly numbers: readonly number[];
  readonly segments: readonly Segment[];
  readonly constraints: readonly Open[];
}

/** What no constraint ties together is decided apart: a walk over both would try every pair. */
function independent(segments: readonly Segment[], constraints: readonly Open[]): Part[] {
  const tiedTo = segments.map((_, i) => i);
  const root = (i: number): number => {
    let r = i;
    while (tiedTo[r] !== undefined && tiedTo[r] !== r) r = tiedTo[r] ?? r;
    return r;
  };
  for (const c of constraints) {
    const [first, ...rest] = segmentsOf(c.view);
    if (first !== undefined) for (const n of rest) tiedTo[root(n)] = root(first);
  }
  const parts = new Map<number, { numbers: number[]; constraints: Open[] }>();
  segments.forEach((_, i) => {
    const r = root(i);
    const part = parts.get(r);
    if (part === undefined) parts.set(r, { numbers: [i], constraints: [] });
    else part.numbers.push(i);
  });
  for (const c of constraints) {
    const [first] = segmentsOf(c.view);
    if (first !== undefined) parts.get(root(first))?.constraints.push(c);
  }
  return [...parts.values()].flatMap(({ numbers, constraints: own }): Part[] => {
    if (own.length === 0) return [];
    if (numbers.length === segments.length) return [{ numbers, segments, constraints: own }];
    const place = new Map(numbers.map((n, i) => [n, i]));
    const moved = own.map((c) => ({
      ...c,
      view: c.view.map((p) => (typeof p === "number" ? (place.get(p) ?? 0) : p)),
      only: c.only === undefined ? undefined : place.get(c.only),
    }));
    return [{ numbers, segments: numbers.flatMap((n) => segments[n] ?? []), constraints: moved }];
  });
}

function segmentsOf(view: View): number[] {
  return view.filter((p) => typeof p === "number");
}

/** `anew`: that the guess does not meet everything says nothing about this part. */
function solvePart({ segments, constraints }: Part, anew: boolean, budget: Budget): WordAnswer {
  const guess = segments.map((s) => s.guess);
  if (anew && constraints.every((c) => holds(c, guess, budget))) return { kind: "found", values: guess };
  if (budget.left < 0) return { kind: "exhausted" };
  const tried = trySamples(segments, constraints, guess, budget);
  if (tried !== undefined) return tried;
  // Making the automata is work, too.
  for (const c of constraints) for (const g of c.globs) budget.left -= 4 + (g.tokens.length >> 3);
  if (budget.left < 0) return { kind: "exhausted" };
  return new Walk(segments, constraints, budget).run();
}

/** A constraint whose view holds a segment, with the globs that its literal beginning and end leave. */
interface Open extends WordConstraint {
  readonly prefix: string;
  readonly suffix: string;
  /** The segment of a view with one segment only. */
  readonly only: number | undefined;
}

/** Leaves out the globs that the literal beginning and end of the view rule out, whatever the segments hold. */
function reduce(c: WordConstraint): Open | "always" | "never" {
  let prefix = "";
  let suffix = "";
  let only: number | undefined;
  let count = 0;
  for (const p of c.view) {
    if (typeof p === "number") {
      count += 1;
      only = p;
      suffix = "";
    } else if (count === 0) prefix += p;
    else suffix += p;
  }
  if (count === 0) {
    return c.globs.some((g) => matches(g, prefix)) === (c.mode === "oneOf") ? "always" : "never";
  }
  const globs = c.globs.filter((g) => mayMatchBetween(g, prefix, suffix));
  if (globs.length === 0) return c.mode === "oneOf" ? "never" : "always";
  if (globs.some(takesAll)) return c.mode === "oneOf" ? "always" : "never";
  return { view: c.view, mode: c.mode, globs, prefix, suffix, only: count === 1 ? only : undefined };
}

/**
 * The common case without an automaton: a constraint that asks something of one segment alone. Its globs give values
 * to try; and where they are literals, only those can be right.
 */
function trySamples(
  segments: readonly Segment[],
  constraints: readonly Open[],
  guess: readonly string[],
  budget: Budget,
): WordAnswer | undefined {
  let values = guess;
  for (const c of constraints) {
    const { only } = c;
    if (c.mode !== "oneOf" || only === undefined) continue;
    const segment = segments[only];
    if (segment === undefined) continue;
    let literal = true;
    let first: string | undefined;
    // What is asked of this segment alone must hold whatever the others are.
    const alone = constraints.filter((k) => k.only === only);
    for (const g of c.globs) {
      if (g.literal === undefined || g.fold) literal = false;
      const filling = { fillers: segment.alphabet.fillers, min: segment.min };
      budget.left -= 1 + (g.tokens.length >> 4);
      for (const text of residue(g, c.prefix, c.suffix, filling)) {
        if (!fits(segment, text)) continue;
        budget.left -= 1;
        if (budget.left < 0) return { kind: "exhausted" };
        if (!alone.every((k) => holds(k, replaced(guess, only, text)))) continue;
        first ??= text;
        const tried = replaced(values, only, text);
        if (constraints.every((k) => holds(k, tried, budget))) return { kind: "found", values: tried };
        if (budget.left < 0) return { kind: "exhausted" };
      }
    }
    if (first === undefined) {
      if (literal) return IMPOSSIBLE;
      continue;
    }
    if (literal && segments.length === 1) return IMPOSSIBLE;
    // Another segment may have to change as well: go on from what this one asks for.
    values = replaced(values, only, first);
  }
  return undefined;
}

function replaced(values: readonly string[], at: number, text: string): string[] {
  return values.map((v, i) => (i === at ? text : v));
}

/** Whether a text can be the value of a segment. */
export function fits(segment: Segment, text: string): boolean {
  let count = 0;
  for (const c of text) {
    if (!segment.alphabet.has(c)) return false;
    count += 1;
  }
  return count >= segment.min && count <= segment.max;
}

interface Node {
  readonly segment: number;
  readonly count: number;
  readonly states: readonly number[];
  readonly char: number;
  readonly parent: Node | undefined;
}

const COLON = 58;
const NO_CHAR = -1;

class Walk {
  readonly #dfas: readonly GlobDfa[];
  /** For each constraint, where its automata begin in the state vector; and where the last one's end. */
  readonly #from: readonly number[];
  /** For each boundary, the constraints with literal text there, and its characters. */
  readonly #gaps: readonly (readonly { readonly k: number; readonly chars: readonly number[] }[])[];
  /** For each segment, the constraints that look at it. */
  readonly #inside: readonly (readonly number[])[];
  readonly #letters: readonly (readonly number[])[];

  constructor(
    readonly segments: readonly Segment[],
    readonly constraints: readonly WordConstraint[],
    readonly budget: Budget,
  ) {
    const dfas: GlobDfa[] = [];
    const from: number[] = [];
    const gaps = Array.from({ length: segments.length + 1 }, (): { k: number; chars: number[] }[] => []);
    constraints.forEach((c, k) => {
      from.push(dfas.length);
      for (const g of c.globs) dfas.push(new GlobDfa(g, budget));
      // A literal belongs to the boundary right after the segment before it.
      let boundary = 0;
      for (const p of c.view) {
        if (typeof p === "number") boundary = p + 1;
        else gaps[boundary]?.push({ k, chars: codePoints(p) });
      }
    });
    from.push(dfas.length);
    this.#dfas = dfas;
    this.#from = from;
    this.#gaps = gaps;
    this.#inside = segments.map((_, i) => constraints.flatMap((c, k) => (c.view.includes(i) ? [k] : [])));
    this.#letters = segments.map((s, i) => this.#lettersOf(s, i));
  }

  /** The characters of a segment that some pattern tells apart, and one that stands for all others. */
  #lettersOf(segment: Segment, index: number): number[] {
    const wanted = new Set<number>();
    for (const k of this.#inside[index] ?? []) {
      for (const g of this.constraints[k]?.globs ?? []) {
        for (const token of g.tokens) {
          if (token === ONE || token === STAR) continue;
          if (token === ONE_IN_PART || token === STAR_IN_PART) {
            wanted.add(COLON);
            continue;
          }
          wanted.add(token);
          if (g.fold) {
            const upper = codePoints(String.fromCodePoint(token).toUpperCase());
            if (upper.length === 1 && upper[0] !== undefined) wanted.add(upper[0]);
          }
        }
      }
    }
    const filler = segment.alphabet.fillers.find((f) => !wanted.has(f.codePointAt(0) ?? NO_CHAR));
    const letters = [...wanted].filter((ch) => segment.alphabet.has(String.fromCodePoint(ch)));
    const other = filler?.codePointAt(0);
    return other === undefined ? letters : [other, ...letters];
  }

  /** The characters of a segment that keep every constraint alive, as far as that is seen at a glance. */
  #live(states: readonly number[], segment: number): readonly number[] {
    const all = this.#letters[segment] ?? [];
    for (const k of this.#inside[segment] ?? []) {
      if (this.constraints[k]?.mode !== "oneOf") continue;
      const live: number[] = [];
      let any = false;
      const to = this.#from[k + 1] ?? 0;
      for (let i = this.#from[k] ?? 0; i < to && !any; i += 1) {
        const state = states[i] ?? DEAD;
        if (state === DEAD) continue;
        const letters = this.#dfas[i]?.letters(state);
        if (letters === undefined) any = true;
        else live.push(...letters);
      }
      if (!any) return all.filter((ch) => live.includes(ch));
    }
    return all;
  }

  /** Steps all constraints over the literals at a boundary; undefined when one can no longer be met. */
  #cross(states: readonly number[], boundary: number): readonly number[] | undefined {
    const here = this.#gaps[boundary] ?? [];
    if (here.length === 0) return states;
    const out = [...states];
    for (const { k, chars } of here) {
      for (const ch of chars) {
        if (!this.#step(out, k, ch)) return undefined;
        // Whoever asked looks at the budget before anything else, and gives up.
        if (this.budget.left < 0) return out;
      }
    }
    return out;
  }

  /** Steps the automata of one constraint in place; false when it can no longer be met. */
  #step(states: number[], k: number, char: number): boolean {
    let alive = false;
    const to = this.#from[k + 1] ?? 0;
    for (let i = this.#from[k] ?? 0; i < to; i += 1) {
      const old = states[i] ?? DEAD;
      if (old === DEAD) continue;
      const dfa = this.#dfas[i];
      if (dfa === undefined) continue;
      const s = dfa.step(old, dfa.glob.fold ? lower(char) : char);
      states[i] = s;
      if (s !== DEAD) alive = true;
    }
    return alive || this.constraints[k]?.mode === "noneOf";
  }

  #accepted(states: readonly number[]): boolean {
    return this.constraints.every((c, k) => {
      const to = this.#from[k + 1] ?? 0;
      let hit = false;
      for (let i = this.#from[k] ?? 0; i < to && !hit; i += 1) {
        hit = this.#dfas[i]?.accepting(states[i] ?? DEAD) === true;
      }
      return hit === (c.mode === "oneOf");
    });
  }

  run(): WordAnswer {
    const first = this.#cross(
      this.#dfas.map((d) => d.start),
      0,
    );
    if (first === undefined) return IMPOSSIBLE;
    if (this.budget.left < 0) return { kind: "exhausted" };
    let frontier: Node[] = [{ segment: 0, count: 0, states: first, char: NO_CHAR, parent: undefined }];
    const seen = new Set<string>();
    while (frontier.length > 0) {
      const next: Node[] = [];
      for (const node of this.#advance(frontier)) {
        this.budget.left -= 1;
        if (this.budget.left < 0) return { kind: "exhausted" };
        const segment = this.segments[node.segment];
        if (segment === undefined) {
          if (this.#accepted(node.states)) return this.#read(node);
          continue;
        }
        // Beyond `min` the length no longer matters, unless the segment has one exact length.
        const cap = segment.max === segment.min ? segment.max : segment.min;
        if (node.count >= segment.max) continue;
        const counted = Math.min(node.count + 1, Math.max(cap, 1));
        const inside = this.#inside[node.segment] ?? [];
        const each = 1 + (node.states.length >> 2);
        for (const ch of this.#live(node.states, node.segment)) {
          this.budget.left -= each;
          if (this.budget.left < 0) return { kind: "exhausted" };
          const states = [...node.states];
          if (!inside.every((k) => this.#step(states, k, ch))) continue;
          const key = `${node.segment}|${counted}|${states.join(",")}`;
          if (seen.has(key)) continue;
          seen.add(key);
          // The true count is kept beside the capped one only as far as the maximum needs it.
          next.push({ segment: node.segment, count: node.count + 1, states, char: ch, parent: node });
        }
      }
      frontier = next;
    }
    return IMPOSSIBLE;
  }

  /** The nodes and all that can be reached from them by ending segments, which takes no character. */
  *#advance(nodes: readonly Node[]): Generator<Node> {
    const stack = [...nodes].reverse();
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      yield node;
      const segment = this.segments[node.segment];
      if (segment === undefined || node.count < segment.min) continue;
      const states = this.#cross(node.states, node.segment + 1);
      if (states === undefined) continue;
      stack.push({ segment: node.segment + 1, count: 0, states, char: NO_CHAR, parent: node });
    }
  }

  #read(end: Node): WordAnswer {
    const values = this.segments.map(() => "");
    for (let n: Node | undefined = end; n !== undefined; n = n.parent) {
      if (n.segment < values.length && n.char !== NO_CHAR) {
        values[n.segment] = String.fromCodePoint(n.char) + (values[n.segment] ?? "");
      }
    }
    return { kind: "found", values };
  }
}

function lower(char: number): number {
  if (char < 128) return char >= 65 && char <= 90 ? char + 32 : char;
  const [only, ...more] = codePoints(String.fromCodePoint(char).toLowerCase());
  return more.length > 0 ? char : (only ?? char);
}
