import type { Operator } from "../../policy/ast.js";
import type { Glob } from "../glob.js";
import type { Tri } from "../tri.js";

/** The answer of one comparison: a truth value, or: one side is not of the operator's type. */
export type Comparison = Tri | "wrong-type";

/** A value of a condition after its variables were filled in. */
export interface Operand {
  /** As text, for operators without wildcards. */
  readonly text: string;
  /** With `*` and `?` as wildcards where they are, for operators with wildcards. */
  readonly glob: Glob;
}

/** One condition operator: what it compares and how. Qualifiers, `IfExists` and lists are not its business. */
export interface OperatorRule {
  readonly name: Operator;
  /** True: the operator holds where {@link compare} does not. */
  readonly negated: boolean;
  readonly wildcards: boolean;
  /** Policy variables are filled in (under Version 2012-10-17). */
  readonly variables: boolean;
  /** The positive comparison of one request value with one policy value. */
  readonly compare: (value: string, operand: Operand) => Comparison;
}

/** The operator that holds where this one does not, for values of the right type. */
export function negation(rule: OperatorRule, name: Operator): OperatorRule {
  return { ...rule, name, negated: true };
}
