import { tri } from "../tri.js";
import type { OperatorRule } from "./rule.js";

/** `true` or `false` in any case; undefined for other text. */
export function parseBool(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : undefined;
}

/** Source: IAM User Guide, "Boolean condition operators" (text of 2026). There is no negated form. */
const Bool: OperatorRule = {
  name: "Bool",
  negated: false,
  wildcards: false,
  variables: true,
  compare: (value, operand) => {
    const a = parseBool(value);
    const b = parseBool(operand.text);
    return a === undefined || b === undefined ? "wrong-type" : tri(a === b);
  },
};

export const BOOL_OPERATORS: readonly OperatorRule[] = [Bool];
