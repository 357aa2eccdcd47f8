import type { Doubt } from "../domain/verdict.js";
import { doubt, type DoubtId } from "./doubts.js";

/**
 * Kleene's three values. A doubtful value names the doubts that it rests on, and only those: what is decided on one
 * side alone (`no` in a conjunction, `yes` in a disjunction) drops the doubts of the other side.
 */
export type Tri =
  | { readonly value: "yes" }
  | { readonly value: "no" }
  | { readonly value: "doubtful"; readonly doubts: readonly DoubtId[] };

export const YES: Tri = { value: "yes" };
export const NO: Tri = { value: "no" };

/** Depends on these doubts. */
export function doubtful(...ids: readonly DoubtId[]): Tri {
  return { value: "doubtful", doubts: [...new Set(ids)] };
}

/** A plain truth value. */
export function tri(value: boolean): Tri {
  return value ? YES : NO;
}

/** Yes iff all are; no iff one is. */
export function all(items: readonly Tri[]): Tri {
  let doubts = false;
  for (const t of items) {
    if (t.value === "no") return NO;
    if (t.value === "doubtful") doubts = true;
  }
  return doubts ? doubtful(...doubtsOf(items)) : YES;
}

/** Yes iff one is; no iff all are. */
export function any(items: readonly Tri[]): Tri {
  let doubts = false;
  for (const t of items) {
    if (t.value === "yes") return YES;
    if (t.value === "doubtful") doubts = true;
  }
  return doubts ? doubtful(...doubtsOf(items)) : NO;
}

/** The complement; a doubt stays a doubt. */
export function not(item: Tri): Tri {
  if (item.value === "doubtful") return item;
  return item.value === "yes" ? NO : YES;
}

/** Yes becomes doubtful for this reason; the rest stays. */
export function atMostDoubtful(item: Tri, id: DoubtId): Tri {
  return all([item, doubtful(id)]);
}

const NO_DOUBTS: readonly DoubtId[] = [];

/** The doubts that doubtful values rest on, each once. */
export function doubtsOf(items: readonly Tri[]): readonly DoubtId[] {
  if (!items.some((t) => t.value === "doubtful")) return NO_DOUBTS;
  return [...new Set(items.flatMap((t) => (t.value === "doubtful" ? t.doubts : [])))];
}

/** The doubts in the form in which answers carry them. */
export function namedDoubts(items: readonly Tri[]): readonly Doubt[] {
  return doubtsOf(items).map(doubt);
}
