import type { Condition } from "../policy/ast.js";
import type { Compiled } from "./condition.js";
import { type Glob, literalGlob, plainGlob } from "./glob.js";
import { floorOf, isWhole, lacksZone, parseDate, parseNumber } from "./typed.js";

/**
 * Account ids compared as numbers. AWS compares what a request holds as a number if the operator is numeric, whatever
 * the key (IAM User Guide, "Numeric condition operators"), and an account id is twelve digits: `NumericLessThan
 * kms:CallerAccount 200000000000` lets in every account whose id begins with 0 or 1. The same holds for dates, because
 * digits are seconds since the epoch. Such a comparison selects a range of ids, and a range of ids is a few patterns
 * of digits, which the search decides together with all others.
 */

/** The ids from `first` to `last`; none where `first` is greater. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** A condition on an account id: it has to lie in a range, or (not) to be one of some ids. */
export type IdTest =
  | { readonly kind: "range"; readonly range: IdRange }
  | { readonly kind: "one-of" | "none-of"; readonly ids: readonly Glob[] };

const DIGITS = 12;
const LAST = 10 ** DIGITS - 1;
/** Every account id. */
export const ALL_IDS: IdRange = { first: 0, last: LAST };
const NO_ID: IdRange = { first: 0, last: -1 };

/** Whether a condition compares as numbers. */
export function comparesNumbers(c: Condition): boolean {
  return c.operator.startsWith("Numeric") || c.operator.startsWith("Date");
}

const comparesEqual = (c: Condition): boolean => /^(Numeric|Date)(Not)?Equals$/.test(c.operator);

/**
 * The numbers that an operator compares with; undefined where that is in doubt. What is no number never matches, but
 * for a negated operator that is not documented.
 */
function boundsOf(c: Condition): readonly number[] | undefined {
  const out: number[] = [];
  for (const v of c.values) {
    const date = c.operator.startsWith("Date");
    const bound = date ? parseDate(v) : asBound(v);
    if (bound !== undefined && !(date && lacksZone(v))) out.push(bound);
    else if (bound !== undefined || c.operator.endsWith("NotEquals")) return undefined;
  }
  return out;
}

/**
 * A number as far as account ids can tell it from others: itself where it is whole, else any between the same two whole
 * numbers; what is far from every id stays so.
 */
function asBound(text: string): number | undefined {
  const n = parseNumber(text);
  if (n === undefined) return undefined;
  const floor = floorOf(n);
  if (floor < -1n) return -1;
  if (floor > LAST) return LAST + 1;
  return isWhole(n) ? Number(floor) : Number(floor) + 0.5;
}

function rangeOf(operator: string, bound: number): IdRange {
  if (operator.endsWith("LessThan")) return { first: 0, last: Math.ceil(bound) - 1 };
  if (operator.endsWith("LessThanEquals")) return { first: 0, last: Math.floor(bound) };
  if (operator.endsWith("GreaterThan")) return { first: Math.floor(bound) + 1, last: LAST };
  return { first: Math.ceil(bound), last: LAST };
}

/** Several values: any one suffices, so the widest counts. */
function widest(c: Condition, bounds: readonly number[]): IdRange {
  const [some, ...more] = bounds;
  if (some === undefined) return NO_ID;
  const less = /LessThan/.test(c.operator);
  return rangeOf(
    c.operator,
    more.reduce((a, b) => (less ? Math.max(a, b) : Math.min(a, b)), some),
  );
}

/** What lies beyond a range that begins or ends where the ids do. */
function beyond({ first, last }: IdRange): IdRange {
  if (first > last) return ALL_IDS;
  return first > 0 ? { first: 0, last: first - 1 } : { first: last + 1, last: LAST };
}

/** What both ranges hold. */
export function inBoth(a: IdRange, b: IdRange): IdRange {
  return { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
}

const idText = (id: number): string => String(id).padStart(DIGITS, "0");
const isId = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= LAST;

/** A range as patterns: where all ids with one beginning lie within it, that beginning and a `?` for each other digit. */
export function rangePatterns(range: IdRange): readonly string[] {
  const out: string[] = [];
  const last = Math.min(range.last, LAST);
  for (let at = Math.max(range.first, 0); at <= last; ) {
    let free = 0;
    while (free < DIGITS && at % 10 ** (free + 1) === 0 && at + 10 ** (free + 1) - 1 <= last) free += 1;
    out.push(idText(at).slice(0, DIGITS - free) + "?".repeat(free));
    at += 10 ** free;
  }
  return out;
}

/** The same, ready for the search. */
export function rangeGlobs(range: IdRange): readonly Glob[] {
  return rangePatterns(range).map((p) => plainGlob(p));
}

/** What a condition names: single ids, or patterns of them. */
export function namedIds(c: Condition): {
  readonly ids: readonly string[];
  readonly patterns: readonly string[];
} {
  if (!comparesNumbers(c)) return { ids: [], patterns: [] };
  const bounds = boundsOf(c);
  if (comparesEqual(c)) return { ids: (bounds ?? []).filter(isId).map(idText), patterns: [] };
  return { ids: [], patterns: bounds === undefined ? ["*"] : rangePatterns(widest(c, bounds)) };
}

/** What has to hold of an account id for a comparison to be met (`want`) or missed; undefined if it is none, or in doubt. */
export function idTest(c: Compiled, want: boolean): IdTest | undefined {
  const { source } = c;
  if (!comparesNumbers(source) || source.values.length === 0) return undefined;
  const bounds = boundsOf(source);
  if (bounds === undefined) return undefined;
  if (comparesEqual(source)) {
    const ids = bounds.filter(isId).map((b) => literalGlob(idText(b)));
    return { kind: want === c.negated ? "none-of" : "one-of", ids };
  }
  const range = widest(source, bounds);
  return { kind: "range", range: want ? range : beyond(range) };
}
