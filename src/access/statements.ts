import type { KeyFacts } from "../domain/key.js";
import type { Condition, PatternElement, Policy, Statement } from "../policy/ast.js";
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
  /** Those of the statement, and what variables in its resources come to. */
  readonly conditions: readonly Condition[];
  /** It was not understood, or KMS would refuse it: it may say something else than its syntax tree. */
  readonly doubt: DoubtId | undefined;
}

/** Prepares the statements of a policy for one key. */
export function prepare(
  policy: Policy,
  facts: KeyFacts,
  doubts: ReadonlyMap<number, DoubtId>,
  home: "key-policy" | "other",
): Prepared[] {
  const variables = policy.version === "2012-10-17";
  return policy.statements.map((statement) => {
    const open = variables ? resourceCondition(statement.resource, home) : undefined;
    return {
      statement,
      variables,
      actions: actionVector(statement.action),
      resource: open === undefined ? resourceTruth(statement.resource, facts, home) : "yes",
      conditions: open === undefined ? statement.conditions : [...statement.conditions, open],
      doubt: doubts.get(statement.index),
    };
  });
}

/** The key's own ARN as a condition key, for resources with variables. No policy can hold this name. */
export const RESOURCE_KEY = "\u0000resource";

/**
 * Resources with variables as a condition on the key's ARN: a variable without a value matches nothing there as it does
 * in a condition. Undefined where no resource has one.
 */
function resourceCondition(e: PatternElement, home: "key-policy" | "other"): Condition | undefined {
  if (e.kind === "missing" || !e.patterns.some((p) => p.includes("${"))) return undefined;
  return {
    operator: e.kind === "listed" ? "StringLike" : "StringNotLike",
    qualifier: undefined,
    ifExists: false,
    key: RESOURCE_KEY,
    keyLower: RESOURCE_KEY,
    // An ARN of some key may name this one: see `onePattern`.
    values: [
      ...e.patterns,
      ...(home === "key-policy" ? e.patterns.filter((p) => SOME_KEY.test(p)).map(perhaps) : []),
    ],
    path: [],
  };
}

/** A value that may match, whatever the key's ARN. */
function perhaps(pattern: string): string {
  return OTHER_KEY_MARK + pattern;
}

/** Before a resource that names some key, as a value of a condition on {@link RESOURCE_KEY}. */
export const OTHER_KEY_MARK = "\u0000";

/** The statements that may say something else than their syntax tree, and why. */
export function doubtfulStatements(doubts: PolicyDoubts): ReadonlyMap<number, DoubtId> {
  const out = new Map<number, DoubtId>();
  for (const i of doubts.refused) out.set(i, "refused-statement");
  for (const i of doubts.notUnderstood) out.set(i, "not-understood");
  return out;
}

const ACTION_INDEX: ReadonlyMap<string, number> = new Map(KMS_KEY_ACTIONS.map((a, i) => [a.lower, i]));

/** The vectors of an element that covers everything or nothing: most do, and every reader only reads. */
export const ALL_ACTIONS: readonly boolean[] = KMS_KEY_ACTIONS.map(() => true);
const NO_ACTIONS: readonly boolean[] = KMS_KEY_ACTIONS.map(() => false);

function actionVector(e: PatternElement): readonly boolean[] {
  if (e.kind === "missing") return NO_ACTIONS;
  const listed = e.kind === "listed";
  const hit = [...(listed ? NO_ACTIONS : ALL_ACTIONS)];
  for (const p of e.patterns) {
    const lower = p.toLowerCase();
    if (lower === "*" || lower === "kms:*") return listed ? ALL_ACTIONS : NO_ACTIONS;
    if (lower.includes("*") || lower.includes("?")) {
      // What a wildcard in the service prefix does is not known: it may cover in an Action, and not in a NotAction.
      if (!listed && /[*?]/.test(lower.split(":", 1)[0] ?? "")) continue;
      const glob = plainGlob(lower);
      KMS_KEY_ACTIONS.forEach((a, i) => {
        if (matches(glob, a.lower)) hit[i] = listed;
      });
    } else {
      const i = ACTION_INDEX.get(lower);
      if (i !== undefined) hit[i] = listed;
    }
  }
  return hit;
}

/**
 * Whether a Resource element covers the key. In a key policy `*` is this key; an alias ARN is never a key; that another
 * key's ARN has no effect is not spelled out. Source: KMS Developer Guide, "Key policies", Resource.
 */
function resourceTruth(e: PatternElement, facts: KeyFacts, home: "key-policy" | "other"): Truth {
  if (e.kind === "missing") return "no";
  const listed = anyOf(e.patterns.map((p) => onePattern(p, facts, home)));
  return e.kind === "listed" ? listed : negate(listed);
}

const SOME_KEY = /^arn:[^:]*:kms:[^:]*:[^:]*:key\//;

function onePattern(pattern: string, facts: KeyFacts, home: "key-policy" | "other"): Truth {
  if (pattern === "*" || matches(plainGlob(pattern), facts.arn)) return "yes";
  // The id of the key is not known: a pattern that names one key of this account may name this one.
  if (facts.keyId === UNKNOWN_KEY_ID && pattern.includes(":key/")) return { doubtful: "key-fact-unknown" };
  if (home === "key-policy" && SOME_KEY.test(pattern)) return { doubtful: "key-arn-resource" };
  return "no";
}

/** The key id that stands for "not known", for a policy file that does not say whose policy it is. */
export const UNKNOWN_KEY_ID = "unknown";
