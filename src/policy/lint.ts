import type { Policy } from "./ast.js";
import { report } from "./context.js";
import type { ParseContext } from "./context.js";

/** What a whole statement needs, by kind of policy, and what a text shows to be without effect. */
export function lintPolicy(context: ParseContext, policy: Policy, unknownVersion: boolean): void {
  if (unknownVersion) return;
  for (const statement of policy.statements) {
    if (statement.principal.kind === "missing" && context.kind === "key") {
      report(
        context,
        "no-principal",
        "A statement of a key policy has no Principal.",
        statement.path,
        statement.index,
      );
    }
  }
}
