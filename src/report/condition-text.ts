import { inert } from "../domain/inert.js";
import type { Condition } from "../policy/ast.js";

/** A condition as a policy says it. */
export function conditionText(c: Condition): string {
  const operator = `${c.qualifier === undefined ? "" : `${c.qualifier}:`}${c.operator}${c.ifExists ? "IfExists" : ""}`;
  return inert(`${operator} ${c.key} ${c.values.join(", ")}`);
}
