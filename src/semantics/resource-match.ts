import type { PatternElement, Policy } from "../policy/ast.js";
import type { RequestContext } from "./derive-context.js";
import { globMatches } from "./glob.js";
import { any, doubtful, NO, not, tri, YES, type Tri } from "./tri.js";
import { compareExpansion, expand } from "./variables.js";

/** Whose policy the Resource element stands in. */
export type ResourceHome = "key-policy" | "other";

/**
 * Whether `Resource` or `NotResource` covers the key: `*`, or a pattern that the key's ARN fits. An alias ARN names the
 * alias, never the key behind it. A missing element covers nothing.
 * Source: KMS Developer Guide, "Key policies in AWS KMS", Resource; KMS API reference, PutKeyPolicy: a statement without
 * Resource has no effect; "Controlling access to aliases" (texts of 2023 and 2026).
 */
export function resourceCovered(
  element: PatternElement,
  facts: { readonly arn: string },
  version: Policy["version"],
  context: RequestContext,
  home: ResourceHome,
): Tri {
  if (element.kind === "missing") return NO;
  if (element.kind === "not-listed" && element.patterns.length === 0) return doubtful("not-understood");
  const listed = any(
    element.patterns.map((pattern) => {
      if (pattern === "*") return YES;
      const expansion = expand(pattern, { version, wildcards: true, variables: true }, context);
      const fits = compareExpansion<never>(expansion, ({ glob }) => tri(globMatches(glob, facts.arn)));
      return fits.value === "no" && home === "key-policy" ? otherKey(pattern) : fits;
    }),
  );
  return element.kind === "listed" ? listed : not(listed);
}

/** That the ARN of another key has no effect in a key policy is not spelled out by AWS. */
function otherKey(pattern: string): Tri {
  return /^arn:[^:]*:kms:[^:]*:[^:]*:key\//.test(pattern) ? doubtful("key-arn-resource") : NO;
}
