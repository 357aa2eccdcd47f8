import type { Operator } from "../../policy/ast.js";
import { ARN_OPERATORS } from "./arn.js";
import { BINARY_OPERATORS } from "./binary.js";
import { BOOL_OPERATORS } from "./bool.js";
import { DATE_OPERATORS } from "./date.js";
import { IP_OPERATORS } from "./ip.js";
import { NUMERIC_OPERATORS } from "./number.js";
import type { OperatorRule } from "./rule.js";
import { STRING_OPERATORS } from "./string.js";

/** Every operator that compares a value. `Null` compares none: condition-match.ts has it. */
export const OPERATOR_RULES: readonly OperatorRule[] = [
  ...STRING_OPERATORS,
  ...NUMERIC_OPERATORS,
  ...DATE_OPERATORS,
  ...BOOL_OPERATORS,
  ...BINARY_OPERATORS,
  ...IP_OPERATORS,
  ...ARN_OPERATORS,
];

const BY_NAME: ReadonlyMap<Operator, OperatorRule> = new Map(OPERATOR_RULES.map((rule) => [rule.name, rule]));

/** The rule of an operator that compares values. */
export function operatorRule(name: Exclude<Operator, "Null">): OperatorRule {
  const rule = BY_NAME.get(name);
  if (rule === undefined) throw new Error(`no rule for the operator ${name}`);
  return rule;
}
