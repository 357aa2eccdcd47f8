import { arnParts, globsIntersect, literalGlob } from "../glob.js";
import { doubtful, tri } from "../tri.js";
import { negation, type OperatorRule } from "./rule.js";

/**
 * Six parts, each a pattern of its own, so a wildcard never crosses a colon of the first five; the sixth part is the
 * rest. What is not an ARN on either side has no documented result.
 * Source: IAM User Guide, "Amazon Resource Name (ARN) condition operators" (text of 2026): ArnEquals and ArnLike
 * behave identically.
 */
const ArnLike: OperatorRule = {
  name: "ArnLike",
  negated: false,
  wildcards: true,
  variables: true,
  compare: (value, operand) => {
    const parts = arnParts(literalGlob(value));
    const patterns = arnParts(operand.glob);
    if (parts === undefined || patterns === undefined) return doubtful("arn-operator-non-arn");
    return tri(patterns.every((pattern, i) => globsIntersect(pattern, parts[i] ?? [])));
  },
};

export const ARN_OPERATORS: readonly OperatorRule[] = [
  ArnLike,
  negation(ArnLike, "ArnNotLike"),
  { ...ArnLike, name: "ArnEquals" },
  negation(ArnLike, "ArnNotEquals"),
];
