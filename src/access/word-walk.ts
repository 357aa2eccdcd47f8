import {
  codePoints,
  DEAD,
  type Glob,
  GlobDfa,
  ONE,
  ONE_IN_PART,
  STAR,
  STAR_IN_PART,
  type Budget,
} from "./glob.js";
import type { Segment, WordAnswer, WordConstraint } from "./views.js";

const IMPOSSIBLE: WordAnswer = { kind: "impossible" };

interface Node {
  readonly segment: number;
  readonly count: number;
  readonly states: readonly number[];
  readonly char: number;
  readonly parent: Node | undefined;
}

const COLON = 58;
const NO_CHAR = -1;

const DFAS = new WeakMap<Budget, Map<Glob, GlobDfa>>();

/** The automaton of a pattern, made once for all walks of an analysis: a budget is what those have in common. */
function dfaOf(glob: Glob, budget: Budget): GlobDfa {
  let ofBudget = DFAS.get(budget);
  if (ofBudget === undefined) DFAS.set(budget, (ofBudget = new Map<Glob, GlobDfa>()));
  let dfa = ofBudget.get(glob);
  if (dfa === undefined) ofBudget.set(glob, (dfa = new GlobDfa(glob, budget)));
  return dfa;
}

/** The walk over segments that constraints tie to each other, character by character: exact, and the last resort. */
export class Walk {
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
      for (const g of c.globs) dfas.push(dfaOf(g, budget));
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

  /**
   * The characters of a segment that are worth a step: those that keep every constraint alive, as far as that is seen at
   * a glance, and of those that no automaton tells from each other where it stands, the first.
   */
  #worth(states: readonly number[], segment: number): readonly number[] {
    const all = this.#letters[segment] ?? [];
    if (all.length < 2) return all;
    const told = new Set<number>();
    const folded = new Set<number>();
    for (const k of this.#inside[segment] ?? []) {
      const live: number[] = [];
      let any = this.constraints[k]?.mode !== "oneOf";
      const to = this.#from[k + 1] ?? 0;
      for (let i = this.#from[k] ?? 0; i < to; i += 1) {
        const state = states[i] ?? DEAD;
        const dfa = this.#dfas[i];
        if (state === DEAD || dfa === undefined) continue;
        const here = dfa.glob.fold ? folded : told;
        for (const ch of dfa.told(state)) here.add(ch);
        if (any) continue;
        const letters = dfa.letters(state);
        if (letters === undefined) any = true;
        else live.push(...letters);
      }
      if (!any) return all.filter((ch) => live.includes(ch));
    }
    const out: number[] = [];
    let other = false;
    for (const ch of all) {
      if (!told.has(ch) && !(folded.size > 0 && folded.has(lower(ch)))) {
        if (other) continue;
        other = true;
      }
      out.push(ch);
    }
    return out;
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
        for (const ch of this.#worth(node.states, node.segment)) {
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
