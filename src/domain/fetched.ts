/**
 * What is known of a piece of data that lives in AWS. Present, absent and unreadable are three values, from the SDK
 * call to the report; a field that a snapshot does not have is `unknown`, never a default.
 */
export type Fetched<T> =
  | { readonly kind: "present"; readonly value: T }
  | { readonly kind: "absent" }
  | {
      readonly kind: "unreadable";
      readonly code: string;
      readonly message?: string;
      /** Of a list: what was read before reading failed. It is there, and it is not all. */
      readonly part?: T;
    }
  | { readonly kind: "unknown" };

/** Something that was read. */
export function present<T>(value: T): Fetched<T> {
  return { kind: "present", value };
}

/** The items of a list as far as they were read; only of one that is present or absent are they all. */
export function itemsRead<T>(fetched: Fetched<readonly T[]>): readonly T[] {
  if (fetched.kind === "present") return fetched.value;
  return fetched.kind === "unreadable" ? (fetched.part ?? []) : [];
}

/** Nothing was asked, or a snapshot does not say. */
export const unknown: Fetched<never> = { kind: "unknown" };
