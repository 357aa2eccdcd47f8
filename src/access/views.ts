import { type Budget, type Glob, matches, matchingCost } from "./glob.js";

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

/** Whether a text can be the value of a segment. */
export function fits(segment: Segment, text: string): boolean {
  let count = 0;
  for (const c of text) {
    if (!segment.alphabet.has(c)) return false;
    count += 1;
  }
  return count >= segment.min && count <= segment.max;
}

export type WordAnswer =
  | { readonly kind: "found"; readonly values: readonly string[] }
  | { readonly kind: "impossible" }
  | { readonly kind: "exhausted" };
