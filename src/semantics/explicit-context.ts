import { conditionKeyFacts, type ConditionKeyFacts } from "./condition-keys.js";
import type { Context } from "./request.js";

/** One condition key that a request states. */
export interface ExplicitKey {
  /** As stated. */
  readonly name: string;
  readonly lower: string;
  /** Empty: stated to be absent. */
  readonly values: readonly string[];
  /** Undefined: a key that is not in the table. */
  readonly facts: ConditionKeyFacts | undefined;
}

/** The condition keys that a request states, by name in lower case. */
export type ExplicitKeys = ReadonlyMap<string, ExplicitKey>;

/** Reads the stated keys of a request; a scalar is a list of one. */
export function explicitKeys(context: Context): ExplicitKeys {
  const keys = new Map<string, ExplicitKey>();
  for (const [name, value] of Object.entries(context)) {
    const lower = name.toLowerCase();
    const values = typeof value === "string" ? [value] : value;
    keys.set(lower, { name, lower, values, facts: conditionKeyFacts(lower) });
  }
  return keys;
}

/** The only value of a stated key (in lower case); undefined where it is not stated, absent, or has several. */
export function soleValue(keys: ExplicitKeys, lower: string): string | undefined {
  const values = keys.get(lower)?.values;
  return values?.length === 1 ? values[0] : undefined;
}

/** The values of a stated key (in lower case); empty where it is not stated. */
export function statedValues(keys: ExplicitKeys, lower: string): readonly string[] {
  return keys.get(lower)?.values ?? NONE;
}

const NONE: readonly string[] = [];

/** Whether a key (in lower case) is stated with a value. */
export function isStated(keys: ExplicitKeys, lower: string): boolean {
  return statedValues(keys, lower).length > 0;
}

/** A value as it stands in a sentence. */
export function quoted(value: string): string {
  return JSON.stringify(value);
}
