/**
 * What is known of a piece of data that lives in AWS. Present, absent and unreadable are three values, from the SDK
 * call to the report; a field that a snapshot does not have is `unknown`, never a default.
 */
export type Fetched<T> =
  | { readonly kind: "present"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly code: string; readonly message?: string }
  | { readonly kind: "unknown" };

/** Something that was read. */
export function present<T>(value: T): Fetched<T> {
  return { kind: "present", value };
}

/** Nothing was asked, or a snapshot does not say. */
export const unknown: Fetched<never> = { kind: "unknown" };
