import { quote } from "../policy/context.js";
import type { Statement } from "../policy/ast.js";
import { ACCOUNT_LEVEL_ACTIONS, KMS_KEY_ACTIONS } from "../semantics/actions.js";
import { globMatches, parseGlob } from "../semantics/glob.js";
import { isTrusted, statements } from "./principals.js";
import type { Draft, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";

/** Lower case. `kms:reencrypt`: an operation with two permissions of other names; the parser says so. */
const KNOWN: readonly string[] = [
  ...KMS_KEY_ACTIONS.map((a) => a.lower),
  ...ACCOUNT_LEVEL_ACTIONS.map((name) => name.toLowerCase()),
  "kms:reencrypt",
];
const NAMES: ReadonlySet<string> = new Set(KNOWN);

/**
 * Actions of KMS that keyward does not know: misspelt, or newer than this version, and then nothing here has looked at
 * who may call them. An unknown is never "safe": where somebody untrusted is allowed one, or a Deny relies on one, the
 * key is not called clear.
 */
export function unknownActionDrafts(input: RuleInput): readonly Draft[] {
  return statements(input).flatMap((statement) => {
    const { action } = statement;
    if (action.kind !== "listed") return [];
    return action.patterns.filter(isUnknown).map((pattern) => draft(input, statement, pattern));
  });
}

function isUnknown(pattern: string): boolean {
  const lower = pattern.toLowerCase();
  // What has characters that no action has, or belongs to another service, is a warning of the parser's.
  if (!/^kms:[a-z*?]+$/.test(lower) || NAMES.has(lower)) return false;
  if (!/[*?]/.test(lower)) return true;
  const glob = parseGlob(lower);
  return !KNOWN.some((name) => globMatches(glob, name));
}

function draft(input: RuleInput, statement: Statement, pattern: string): Draft {
  const allows = statement.effect === "Allow";
  return {
    ...HYGIENE,
    rule: "ineffective-statement",
    severity: allows && onlyTrusted(input, statement) ? "info" : "low",
    source: { kind: "statement", index: statement.index },
    path: [...statement.path, "Action"],
    reason: `keyward knows no action of KMS that ${quote(pattern)} matches. If there is one, whom the statement ${allows ? "lets use it" : "keeps from it"} is not in this answer.`,
    remedy: allows
      ? "Correct the name, or remove it. If it is right, it is newer than this version of keyward: update keyward."
      : "Correct the name, so that the Deny denies what it should. If it is right, update keyward.",
    part: JSON.stringify(["unknown-action", pattern.toLowerCase()]),
  };
}

function onlyTrusted(input: RuleInput, { principal }: Statement): boolean {
  return principal.kind === "principal" && principal.entries.every((entry) => isTrusted(entry, input));
}
