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
  return new Map(
    Object.entries(context).map(([name, value]) => {
      const lower = name.toLowerCase();
      const values = typeof value === "string" ? [value] : value;
      return [lower, { name, lower, values, facts: conditionKeyFacts(name) }] as const;
    }),
  );
}

/** The only value of a stated key; undefined where it is not stated, absent, or has several. */
export function soleValue(keys: ExplicitKeys, name: string): string | undefined {
  const values = keys.get(name.toLowerCase())?.values;
  return values?.length === 1 ? values[0] : undefined;
}

/** The values of a stated key; empty where it is not stated. */
export function statedValues(keys: ExplicitKeys, name: string): readonly string[] {
  return keys.get(name.toLowerCase())?.values ?? [];
}

/** A value as it stands in a sentence. */
export function quoted(value: string): string {
  return JSON.stringify(value);
}
