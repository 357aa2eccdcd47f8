import type { PatternElement } from "../policy/ast.js";
import { globMatches, parseGlob } from "./glob.js";
import { any, doubtful, NO, not, tri, YES, type Tri } from "./tri.js";

/**
 * Whether `Action` or `NotAction` covers an action, without case. A missing or empty element covers
 * nothing; what an empty NotAction covers is not documented.
 * Source: IAM User Guide, "IAM JSON policy elements: Action"; KMS API reference, PutKeyPolicy: a key policy statement
 * without Action has no effect (texts of 2026).
 */
export function actionCovered(element: PatternElement, action: string): Tri {
  if (element.kind === "missing") return NO;
  if (element.kind === "not-listed" && element.patterns.length === 0) return doubtful("not-understood");
  const listed = any(element.patterns.map((pattern) => actionFits(pattern, action)));
  return element.kind === "listed" ? listed : not(listed);
}

/** `*`, or `kms:` and a pattern. Wildcards in the service prefix are not of the grammar: doubtful where they fit. */
function actionFits(pattern: string, action: string): Tri {
  if (pattern === "*") return YES;
  const wanted = pattern.toLowerCase();
  if (!/[*?]/.test(wanted)) return tri(wanted === action.toLowerCase());
  const fits = tri(globMatches(parseGlob(wanted), action.toLowerCase()));
  const prefix = pattern.split(":", 1)[0] ?? "";
  return fits.value === "yes" && /[*?]/.test(prefix) ? doubtful("not-understood") : fits;
}
