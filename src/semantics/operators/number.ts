import type { Operator } from "../../policy/ast.js";
import { tri } from "../tri.js";
import { negation, type OperatorRule } from "./rule.js";

/** An exact decimal number: `digits / 10^scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** An integer or decimal number, optionally with a sign and an exponent; undefined for other text. */
export function parseDecimal(text: string): Decimal | undefined {
  const m = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (m === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = m;
  if (whole + fraction === "") return undefined;
  const shift = Number(exponent);
  const digits = BigInt(whole + fraction + "0".repeat(Math.max(0, shift)));
  return { digits: sign === "-" ? -digits : digits, scale: fraction.length + Math.max(0, -shift) };
}

/** Negative, zero or positive, exactly. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const left = a.digits * 10n ** BigInt(b.scale);
  const right = b.digits * 10n ** BigInt(a.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Source: IAM User Guide, "Numeric condition operators" (text of 2026): integers and decimals, no wildcards. */
function numeric(name: Operator, holds: (order: number) => boolean): OperatorRule {
  return {
    name,
    negated: false,
    wildcards: false,
    variables: false,
    compare: (value, operand) => {
      const a = parseDecimal(value);
      const b = parseDecimal(operand.text);
      return a === undefined || b === undefined ? "wrong-type" : tri(holds(compareDecimals(a, b)));
    },
  };
}

const NumericEquals = numeric("NumericEquals", (order) => order === 0);

export const NUMERIC_OPERATORS: readonly OperatorRule[] = [
  NumericEquals,
  negation(NumericEquals, "NumericNotEquals"),
  numeric("NumericLessThan", (order) => order < 0),
  numeric("NumericLessThanEquals", (order) => order <= 0),
  numeric("NumericGreaterThan", (order) => order > 0),
  numeric("NumericGreaterThanEquals", (order) => order >= 0),
];
