import type { DoubtId } from "./doubts.js";

/** What a request has under one condition key. */
export type ContextEntry =
  | { readonly kind: "absent" }
  | {
      readonly kind: "values";
      /** Never empty. */
      readonly values: readonly string[];
      /**
       * The value is one of this pattern; `values` holds the likeliest. With the doubt `request-open` the caller chooses,
       * and none is likelier than another.
       */
      readonly orLike?: { readonly pattern: string; readonly doubt: DoubtId };
      /** It is not sure that the request has the key at all. */
      readonly orAbsent?: DoubtId;
    }
  /** Neither is known, or only that there is a value. */
  | { readonly kind: "unknown"; readonly present: boolean; readonly doubt: DoubtId };

/** Condition keys by name, as AWS writes them. */
export type Rows = Readonly<Record<string, ContextEntry>>;

/** A key that the request does not have. */
export const ABSENT: ContextEntry = { kind: "absent" };

/** A key with one value. */
export function one(value: string): ContextEntry {
  return { kind: "values", values: [value] };
}

/** A key with some values; with none it is absent. */
export function many(values: readonly string[]): ContextEntry {
  return values.length === 0 ? ABSENT : { kind: "values", values };
}

/** A key whose value is not known, and perhaps not even its presence. */
export function unknownEntry(doubt: DoubtId, present: boolean): ContextEntry {
  return { kind: "unknown", doubt, present };
}
