import type { ParsedPolicy } from "./ast.js";
import { DIAGNOSTIC_CODES } from "./codes.js";
import type { CodeFacts } from "./codes.js";

/** What the diagnostics of a policy mean for an answer that is built on its AST. */
export interface PolicyDoubts {
  /** Indexes of statements of which something was not understood. */
  readonly notUnderstood: ReadonlySet<number>;
  /** Indexes of statements that KMS would refuse to store. */
  readonly refused: ReadonlySet<number>;
  /** Indexes of statements that are not in the AST at all, because none could be built. They may allow or deny anything. */
  readonly unread: ReadonlySet<number>;
  /** There is no AST, or something that concerns all of it was not understood: any answer is unknown. */
  readonly wholePolicy: boolean;
  /** KMS would not store the policy as it stands. */
  readonly refusedByKms: boolean;
}

const FACTS: Readonly<Record<string, CodeFacts>> = DIAGNOSTIC_CODES;

/** Sums up the diagnostics of a parsed policy by statement. */
export function policyDoubts(parsed: ParsedPolicy): PolicyDoubts {
  const notUnderstood = new Set<number>();
  const refused = new Set<number>();
  const unread = new Set<number>();
  let wholePolicy = parsed.policy === undefined;
  let refusedByKms = wholePolicy;
  if (parsed.diagnostics.length > 0) {
    const built = new Set(parsed.policy?.statements.map((statement) => statement.index));
    for (const { level, code, statement } of parsed.diagnostics) {
      if (level === "warning") continue;
      if (level === "refused") refusedByKms = true;
      if (statement === undefined) {
        if (level === "not-understood") wholePolicy = true;
        continue;
      }
      if (!built.has(statement)) unread.add(statement);
      if (level === "not-understood") notUnderstood.add(statement);
      else if (FACTS[code]?.storedBefore !== true) refused.add(statement);
    }
  }
  return { notUnderstood, refused, unread, wholePolicy, refusedByKms };
}
