import { type Glob, matches, ONE, STAR, STAR_IN_PART, takesAll } from "./glob.js";
import type { Segment, View, WordConstraint } from "./views.js";

/**
 * Divides a constraint at colons. Where neither the view nor a glob can put a colon anywhere but where both write one,
 * the first colon of one is the first of the other, and so on: the pieces between them are decided each by itself,
 * mostly about one segment, without an automaton. "never" where some piece cannot be met.
 *
 * Exact: the pieces together allow what the whole allows. What cannot be divided stays whole.
 */
export function pieces(c: WordConstraint, segments: readonly Segment[]): readonly WordConstraint[] | "never" {
  if (c.view.length < 2) return [c];
  const view = viewPieces(c.view, segments);
  if (view.closed.length === 0) return [c];
  return c.mode === "oneOf" ? some(c, view) : none(c, view);
}

/** A piece of a view, and the globs that it is compared with. */
interface Piece {
  /** Which of the pieces before a colon; or the rest from this one on. */
  readonly at: number;
  readonly rest: boolean;
  readonly glob: Glob;
}

/** Some glob matches: in pieces if there is one glob only, or if all of them ask about the same piece. */
function some(c: WordConstraint, view: ViewPieces): readonly WordConstraint[] | "never" {
  const left: Glob[] = [];
  const asked: (readonly Piece[])[] = [];
  for (const g of c.globs) {
    const open = compare(g, view);
    if (open === "never") continue;
    if (open.length === 0) return [];
    left.push(g);
    asked.push(open);
  }
  const [first] = asked;
  if (first === undefined) return "never";
  if (left.length === 1) {
    return first.map((p) => ({ view: viewOf(p, view), mode: "oneOf", globs: [p.glob] }));
  }
  const same = asked.every(
    (open) => open.length === 1 && open[0]?.at === first[0]?.at && open[0]?.rest === first[0]?.rest,
  );
  if (same && first[0] !== undefined) {
    return [
      { view: viewOf(first[0], view), mode: "oneOf", globs: asked.flatMap((o) => o.map((p) => p.glob)) },
    ];
  }
  return [{ ...c, globs: left }];
}

/** No glob matches: each by itself, in pieces if it asks about one of them only. */
function none(c: WordConstraint, view: ViewPieces): readonly WordConstraint[] | "never" {
  const whole: Glob[] = [];
  const parts = new Map<string, { view: View; mode: "noneOf"; globs: Glob[] }>();
  for (const g of c.globs) {
    const open = compare(g, view);
    if (open === "never") continue;
    const [only, ...more] = open;
    if (only === undefined) return "never";
    if (more.length > 0) {
      whole.push(g);
      continue;
    }
    const key = `${only.rest ? "from" : "at"} ${only.at}`;
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { view: viewOf(only, view), mode: "noneOf", globs: [only.glob] });
    else part.globs.push(only.glob);
  }
  return whole.length === 0 ? [...parts.values()] : [...parts.values(), { ...c, globs: whole }];
}

/** What a glob asks of the pieces of a view, those left out that it matches anyway; "never" if one cannot match. */
function compare(glob: Glob, view: ViewPieces): readonly Piece[] | "never" {
  const starts = pieceStarts(glob);
  const common = Math.min(starts.length - 1, view.closed.length);
  const out: Piece[] = [];
  for (let at = 0; at < common; at += 1) {
    const from = starts[at] ?? 0;
    const piece = part(glob, from, (starts[at + 1] ?? 0) - 1);
    const [fixed, ...more] = view.closed[at] ?? [];
    if (more.length === 0 && typeof fixed !== "number") {
      if (!matches(piece, fixed ?? "")) return "never";
      continue;
    }
    // Segments of such a piece hold no colon.
    if (piece.tokens.length !== 1 || piece.tokens[0] !== STAR_IN_PART)
      out.push({ at, rest: false, glob: piece });
  }
  const rest = part(glob, starts[common] ?? 0, glob.tokens.length);
  const [fixed, ...more] = view.from[common] ?? [];
  if (more.length === 0 && typeof fixed !== "number") {
    if (!matches(rest, fixed ?? "")) return "never";
  } else if (!takesAll(rest)) out.push({ at: common, rest: true, glob: rest });
  return out;
}

function part(glob: Glob, from: number, to: number): Glob {
  if (from === 0 && to === glob.tokens.length) return glob;
  const tokens = glob.tokens.slice(from, to);
  const literal = tokens.every((t) => t >= 0) ? String.fromCodePoint(...tokens) : undefined;
  return { tokens, fold: glob.fold, literal, text: glob.text };
}

const COLON = 58;
const known = new WeakMap<Glob, readonly number[]>();

/** Where pieces of a glob begin: at its start and after each colon before which no wildcard takes colons. */
function pieceStarts(glob: Glob): readonly number[] {
  let starts = known.get(glob);
  if (starts === undefined) {
    const found = [0];
    for (let i = 0; i < glob.tokens.length; i += 1) {
      const token = glob.tokens[i];
      if (token === STAR || token === ONE) break;
      if (token === COLON) found.push(i + 1);
    }
    starts = found;
    known.set(glob, starts);
  }
  return starts;
}

interface ViewPieces {
  /** The pieces before colons, none of which can hold a colon. */
  readonly closed: readonly View[];
  /** For each closed piece and for what follows them, the view from there on. */
  readonly from: readonly View[];
}

function viewOf(p: Piece, view: ViewPieces): View {
  return (p.rest ? view.from[p.at] : view.closed[p.at]) ?? [];
}

function viewPieces(view: View, segments: readonly Segment[]): ViewPieces {
  const closed: View[] = [];
  const from: View[] = [view];
  let piece: (string | number)[] = [];
  for (let i = 0; i < view.length; i += 1) {
    const p = view[i];
    if (p === undefined) break;
    if (typeof p === "number") {
      // What follows a segment that may hold a colon cannot be told apart from it.
      if (segments[p]?.alphabet.has(":") !== false) break;
      piece.push(p);
      continue;
    }
    let start = 0;
    for (let colon = p.indexOf(":"); colon >= 0; colon = p.indexOf(":", start)) {
      if (colon > start) piece.push(p.slice(start, colon));
      closed.push(piece);
      piece = [];
      start = colon + 1;
      const after = p.slice(start);
      from.push(after === "" ? view.slice(i + 1) : [after, ...view.slice(i + 1)]);
    }
    if (start < p.length) piece.push(start === 0 ? p : p.slice(start));
  }
  return { closed, from };
}
