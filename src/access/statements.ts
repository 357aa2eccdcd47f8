import type { KeyFacts } from "../domain/key.js";
import type { PatternElement, Policy, Statement } from "../policy/ast.js";
import type { PolicyDoubts } from "../policy/doubtful.js";
import { KMS_KEY_ACTIONS } from "../semantics/actions.js";
import type { DoubtId } from "../semantics/doubts.js";
import { matches, plainGlob } from "./glob.js";
import { anyOf, negate, type Truth } from "./truth.js";

/** A statement made ready: what it covers that does not depend on the caller. */
export interface Prepared {
  readonly statement: Statement;
  readonly variables: boolean;
  /** One entry for each of KMS_KEY_ACTIONS. */
  readonly actions: readonly boolean[];
  readonly resource: Truth;
  /** It was not understood, or KMS would refuse it: it may say something else than its syntax tree. */
  readonly doubt: DoubtId | undefined;
}

/** Prepares the statements of a policy for one key. */
export function prepare(policy: Policy, facts: KeyFacts, doubts: ReadonlyMap<number, DoubtId>): Prepared[] {
  const variables = policy.version === "2012-10-17";
  return policy.statements.map((statement) => ({
    statement,
    variables,
    actions: actionVector(statement.action),
    resource: resourceTruth(statement.resource, facts, variables),
    doubt: doubts.get(statement.index),
  }));
}

/** The statements that may say something else than their syntax tree, and why. */
export function doubtfulStatements(doubts: PolicyDoubts): ReadonlyMap<number, DoubtId> {
  const out = new Map<number, DoubtId>();
  for (const i of doubts.refused) out.set(i, "refused-statement");
  for (const i of doubts.notUnderstood) out.set(i, "not-understood");
  return out;
}

const ACTION_INDEX: ReadonlyMap<string, number> = new Map(KMS_KEY_ACTIONS.map((a, i) => [a.lower, i]));

function actionVector(e: PatternElement): boolean[] {
  if (e.kind === "missing") return KMS_KEY_ACTIONS.map(() => false);
  const hit = KMS_KEY_ACTIONS.map(() => false);
  for (const p of e.patterns) {
    const lower = p.toLowerCase();
    if (lower === "*" || lower === "kms:*") hit.fill(true);
    else if (/[*?]/.test(lower)) {
      const glob = plainGlob(lower);
      KMS_KEY_ACTIONS.forEach((a, i) => {
        if (matches(glob, a.lower)) hit[i] = true;
      });
    } else {
      const i = ACTION_INDEX.get(lower);
      if (i !== undefined) hit[i] = true;
    }
  }
  return e.kind === "listed" ? hit : hit.map((h) => !h);
}

/**
 * Whether a Resource element covers the key. In a key policy `*` is this key; an alias ARN is never a key; another
 * key's ARN has no effect. Source: KMS Developer Guide, "Key policies", Resource.
 */
function resourceTruth(e: PatternElement, facts: KeyFacts, variables: boolean): Truth {
  if (e.kind === "missing") return "no";
  const listed = anyOf(e.patterns.map((p) => onePattern(p, facts, variables)));
  return e.kind === "listed" ? listed : negate(listed);
}

function onePattern(pattern: string, facts: KeyFacts, variables: boolean): Truth {
  if (variables && pattern.includes("${")) return { doubtful: "not-understood" };
  if (pattern === "*" || matches(plainGlob(pattern), facts.arn)) return "yes";
  // The id of the key is not known: a pattern that names one key of this account may name this one.
  if (facts.keyId === UNKNOWN_KEY_ID && pattern.includes(":key/")) return { doubtful: "key-fact-unknown" };
  return "no";
}

/** The key id that stands for "not known", for a policy file that does not say whose policy it is. */
export const UNKNOWN_KEY_ID = "unknown";
