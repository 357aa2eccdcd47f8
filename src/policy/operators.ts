import { OPERATORS } from "./ast.js";
import type { Condition, Operator } from "./ast.js";
import { asciiLower } from "./case.js";

/** A condition operator as written, taken apart. */
export interface OperatorForm {
  readonly operator: Operator;
  readonly qualifier: Condition["qualifier"];
  readonly ifExists: boolean;
  /** The spelling that AWS documents. */
  readonly spelling: string;
}

const QUALIFIERS = ["ForAllValues", "ForAnyValue"] as const;

/**
 * Every form that the condition language has: operator, `op` + `IfExists`, either with a set qualifier. `NullIfExists`
 * is in the table so that it can be named; the parser refuses it.
 * Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
 */
const FORMS: readonly OperatorForm[] = OPERATORS.flatMap((operator) =>
  [undefined, ...QUALIFIERS].flatMap((qualifier) =>
    [false, true].map((ifExists) => ({
      operator,
      qualifier,
      ifExists,
      spelling: `${qualifier === undefined ? "" : `${qualifier}:`}${operator}${ifExists ? "IfExists" : ""}`,
    })),
  ),
);

const EXACT: ReadonlyMap<string, OperatorForm> = new Map(FORMS.map((form) => [form.spelling, form]));
const LOWER: ReadonlyMap<string, OperatorForm> = new Map(
  FORMS.map((form) => [form.spelling.toLowerCase(), form]),
);

/** The operator of this name, read without case as AWS is assumed to; undefined where there is no such operator. */
export function operatorForm(name: string): OperatorForm | undefined {
  return EXACT.get(name) ?? LOWER.get(asciiLower(name));
}

const NEGATED: ReadonlySet<Operator> = new Set<Operator>([
  "StringNotEquals",
  "StringNotEqualsIgnoreCase",
  "StringNotLike",
  "NumericNotEquals",
  "DateNotEquals",
  "NotIpAddress",
  "ArnNotEquals",
  "ArnNotLike",
]);

/** Whether the operator excludes its values; without qualifier it then holds where the key is absent. */
export function isNegated(operator: Operator): boolean {
  return NEGATED.has(operator);
}

/** The documented operator that is nearest in spelling, if one is near enough to have been meant. */
export function nearestOperator(name: string): string | undefined {
  return nearest(
    name,
    FORMS.map((form) => form.spelling),
  );
}

/** The nearest of some names, at most a third of the letters away; undefined where none is, or the name is long. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.floor(wanted.length / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein's distance: insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
