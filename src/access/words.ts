import { DEAD, type Glob, GlobDfa, matches } from "./glob.js";

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
export function holds(c: WordConstraint, values: readonly string[]): boolean {
  const text = viewText(c.view, values);
  return c.globs.some((g) => matches(g, text)) === (c.mode === "oneOf");
}

/** Counts search steps; when they are used up, the answer is "not decided". */
export interface Budget {
  left: number;
}

export type WordAnswer =
  | { readonly kind: "found"; readonly values: readonly string[] }
  | { readonly kind: "impossible" }
  | { readonly kind: "exhausted" };

const IMPOSSIBLE: WordAnswer = { kind: "impossible" };

/** Decides whether the segments can be given values that meet every constraint, and gives the shortest. */
export function solveWords(
  segments: readonly Segment[],
  constraints: readonly WordConstraint[],
  budget: Budget,
): WordAnswer {
  const guess = segments.map((s) => s.guess);
  budget.left -= 1;
  if (constraints.every((c) => holds(c, guess))) return { kind: "found", values: guess };
  for (const c of constraints) {
    // A view without segments is a constant: nothing that is chosen can change it.
    if (!c.view.some((p) => typeof p === "number") && !holds(c, guess)) return IMPOSSIBLE;
  }
  const pinned = pinByLiterals(segments, constraints, guess);
  if (pinned !== undefined) return pinned;
  return new Walk(segments, constraints, budget).run();
}

/**
 * The common case without an automaton: one segment alone, and a constraint that lists literal values for it. Then
 * only those values can be right.
 */
function pinByLiterals(
  segments: readonly Segment[],
  constraints: readonly WordConstraint[],
  guess: readonly string[],
): WordAnswer | undefined {
  for (const c of constraints) {
    const [only] = c.view;
    if (c.mode !== "oneOf" || c.view.length !== 1 || typeof only !== "number") continue;
    if (!c.globs.every((g) => g.literal !== undefined && !g.fold)) continue;
    const segment = segments[only];
    if (segment === undefined) continue;
    let best: WordAnswer | undefined = IMPOSSIBLE;
    for (const g of c.globs) {
      const text = g.literal ?? "";
      if (!fits(segment, text)) continue;
      const values = guess.map((v, i) => (i === only ? text : v));
      if (constraints.every((k) => holds(k, values))) return { kind: "found", values };
      // Another segment may have to change as well: that is for the walk to decide.
      if (segments.length > 1) best = undefined;
    }
    return best;
  }
  return undefined;
}

/** Whether a text can be the value of a segment. */
export function fits(segment: Segment, text: string): boolean {
  const chars = Array.from(text);
  return chars.length >= segment.min && chars.length <= segment.max && chars.every(segment.alphabet.has);
}

interface Node {
  readonly segment: number;
  readonly count: number;
  readonly states: readonly number[];
  readonly char: string;
  readonly parent: Node | undefined;
}

class Walk {
  readonly #dfas: readonly GlobDfa[];
  /** For each constraint, the range of its automata in the state vector. */
  readonly #ranges: readonly (readonly [number, number])[];
  /** For each constraint and boundary, the literal text before that segment (or at the end). */
  readonly #gaps: readonly (readonly string[])[];
  readonly #inside: readonly (readonly boolean[])[];
  readonly #letters: readonly (readonly string[])[];

  constructor(
    readonly segments: readonly Segment[],
    readonly constraints: readonly WordConstraint[],
    readonly budget: Budget,
  ) {
    const dfas: GlobDfa[] = [];
    this.#ranges = constraints.map((c) => {
      const from = dfas.length;
      for (const g of c.globs) dfas.push(new GlobDfa(g));
      return [from, dfas.length] as const;
    });
    this.#dfas = dfas;
    const n = segments.length;
    this.#gaps = constraints.map((c) => {
      const gaps = Array.from({ length: n + 1 }, () => "");
      // A literal belongs to the boundary right after the segment before it.
      let boundary = 0;
      for (const p of c.view) {
        if (typeof p === "number") boundary = p + 1;
        else gaps[boundary] = (gaps[boundary] ?? "") + p;
      }
      return gaps;
    });
    this.#inside = constraints.map((c) => segments.map((_, i) => c.view.includes(i)));
    this.#letters = segments.map((s, i) => this.#lettersOf(s, i));
  }

  #lettersOf(segment: Segment, index: number): string[] {
    const wanted = new Set<string>();
    this.constraints.forEach((c, k) => {
      if (this.#inside[k]?.[index] !== true) return;
      for (const g of c.globs) {
        g.kinds.forEach((kind, i) => {
          if (kind !== "char") {
            if (kind !== "one" && kind !== "star") wanted.add(":");
            return;
          }
          const ch = g.chars[i] ?? "";
          wanted.add(ch);
          if (g.fold) wanted.add(ch.toUpperCase());
        });
      }
    });
    const filler = segment.alphabet.fillers.find((f) => !wanted.has(f));
    const letters = [...wanted].filter((ch) => Array.from(ch).length === 1 && segment.alphabet.has(ch));
    return filler === undefined ? letters : [filler, ...letters];
  }

  /** Steps all constraints over the literals at a boundary; undefined when one can no longer be met. */
  #cross(states: readonly number[], boundary: number): readonly number[] | undefined {
    let out = states;
    for (let k = 0; k < this.constraints.length; k += 1) {
      const gap = this.#gaps[k]?.[boundary] ?? "";
      for (const ch of gap) {
        const next = this.#stepOne(out, k, ch);
        if (next === undefined) return undefined;
        out = next;
      }
    }
    return out;
  }

  #stepOne(states: readonly number[], k: number, char: string): readonly number[] | undefined {
    const [from, to] = this.#ranges[k] ?? [0, 0];
    const next = [...states];
    let alive = false;
    for (let i = from; i < to; i += 1) {
      const s = this.#dfas[i]?.step(states[i] ?? DEAD, char) ?? DEAD;
      next[i] = s;
      if (s !== DEAD) alive = true;
    }
    return alive || this.constraints[k]?.mode === "noneOf" ? next : undefined;
  }

  #accepted(states: readonly number[]): boolean {
    return this.constraints.every((c, k) => {
      const [from, to] = this.#ranges[k] ?? [0, 0];
      let hit = false;
      for (let i = from; i < to && !hit; i += 1) hit = this.#dfas[i]?.accepting(states[i] ?? DEAD) === true;
      return hit === (c.mode === "oneOf");
    });
  }

  run(): WordAnswer {
    const first = this.#cross(
      this.#dfas.map((d) => d.start),
      0,
    );
    if (first === undefined) return IMPOSSIBLE;
    let frontier: Node[] = [{ segment: 0, count: 0, states: first, char: "", parent: undefined }];
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
        for (const ch of this.#letters[node.segment] ?? []) {
          let states: readonly number[] | undefined = node.states;
          for (let k = 0; k < this.constraints.length && states !== undefined; k += 1) {
            if (this.#inside[k]?.[node.segment] === true) states = this.#stepOne(states, k, ch);
          }
          if (states === undefined) continue;
          const counted = Math.min(node.count + 1, Math.max(cap, 1));
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
      stack.push({ segment: node.segment + 1, count: 0, states, char: "", parent: node });
    }
  }

  #read(end: Node): WordAnswer {
    const values = this.segments.map(() => "");
    for (let n: Node | undefined = end; n !== undefined; n = n.parent) {
      if (n.segment < values.length) values[n.segment] = n.char + (values[n.segment] ?? "");
    }
    return { kind: "found", values };
  }
}
