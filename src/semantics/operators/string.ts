import { globMatches } from "../glob.js";
import { tri } from "../tri.js";
import { negation, type OperatorRule } from "./rule.js";

// Source of all: IAM User Guide, "String condition operators" (text of 2026).

/** Exact, case counts; `*` and `?` stand for themselves. */
const StringEquals: OperatorRule = {
  name: "StringEquals",
  negated: false,
  wildcards: false,
  variables: true,
  compare: (value, operand) => tri(value === operand.text),
};

/** Exact but for case. */
const StringEqualsIgnoreCase: OperatorRule = {
  ...StringEquals,
  name: "StringEqualsIgnoreCase",
  compare: (value, operand) => tri(value.toLowerCase() === operand.text.toLowerCase()),
};

/** A pattern over the whole value, case counts; `*` also covers `/` and `:`. */
const StringLike: OperatorRule = {
  ...StringEquals,
  name: "StringLike",
  wildcards: true,
  compare: (value, operand) => tri(globMatches(operand.glob, value)),
};

export const STRING_OPERATORS: readonly OperatorRule[] = [
  StringEquals,
  negation(StringEquals, "StringNotEquals"),
  StringEqualsIgnoreCase,
  negation(StringEqualsIgnoreCase, "StringNotEqualsIgnoreCase"),
  StringLike,
  negation(StringLike, "StringNotLike"),
];
