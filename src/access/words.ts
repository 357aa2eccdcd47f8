import { type Budget, mayMatchBetween, matches, residue, takesAll } from "./glob.js";
import { fits, holds, type Segment, type View, type WordAnswer, type WordConstraint } from "./views.js";
import { pieces } from "./word-pieces.js";
import { Walk } from "./word-walk.js";

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
  for (const whole of constraints) {
    const divided = pieces(whole, segments);
    if (divided === "never") return IMPOSSIBLE;
    for (const c of divided) {
      const o = reduce(c);
      if (o === "never") return IMPOSSIBLE;
      if (o !== "always") open.push(o);
    }
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
  // What asks for most is likeliest to give a value that meets the others.
  const asking = constraints.filter((c) => c.mode === "oneOf" && c.only !== undefined);
  if (asking.length > 1) asking.sort((a, b) => length(b) - length(a));
  for (const c of asking) {
    const { only } = c;
    if (only === undefined) continue;
    const segment = segments[only];
    if (segment === undefined) continue;
    let literal = true;
    let first: string | undefined;
    // What is asked of this segment alone must hold whatever the others are.
    const alone = constraints.filter((k) => k.only === only && k !== c);
    for (const g of c.globs) {
      if (g.literal === undefined || g.fold) literal = false;
      const filling = { fillers: segment.alphabet.fillers, min: segment.min };
      budget.left -= 1 + (g.tokens.length >> 4);
      for (const text of residue(g, c.prefix, c.suffix, filling)) {
        if (!fits(segment, text)) continue;
        budget.left -= 1;
        if (budget.left < 0) return { kind: "exhausted" };
        // Of its own constraint the glob that it was made from is enough; hundreds of others need not be asked.
        if (!matches(g, c.prefix + text + c.suffix)) continue;
        if (!alone.every((k) => holds(k, replaced(guess, only, text), budget))) continue;
        if (budget.left < 0) return { kind: "exhausted" };
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

const length = ({ globs }: Open): number => globs[0]?.tokens.length ?? 0;

function replaced(values: readonly string[], at: number, text: string): string[] {
  return values.map((v, i) => (i === at ? text : v));
}
