import type { Severity } from "../domain/verdict.js";
import type { PrincipalEntry, Statement } from "../policy/ast.js";
import { allowedEntries, allowsThrough, isTrusted, statements, whoOf } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { sourceText, whoText } from "./words.js";

const POLICY = "kms:PutKeyPolicy";
const SHARE = "kms:CreateGrant";
/** Using the key's material for what matters most. */
const USE = ["kms:Decrypt", "kms:Sign", "kms:GenerateMac", "kms:DeriveSharedSecret"];

/**
 * Somebody trusted, but not the root of the key's own account, holds the key completely. An administrator who cannot
 * use the key (the console's "key administrators") is reported as info: AWS's default has one.
 */
export const fullControlNonRoot: Rule = {
  id: "full-control-non-root",
  title: "Full control for more than the account root",
  find: (input) => statements(input).flatMap((s) => allowedEntries(s).flatMap((e) => draft(input, s, e))),
};

interface Control {
  readonly severity: Severity;
  readonly actions: readonly string[];
  readonly what: string;
}

function draft(input: RuleInput, statement: Statement, entry: PrincipalEntry): Draft[] {
  const who = whoOf(entry);
  if (who === undefined || entry.kind === "everyone" || !isTrusted(entry, input)) return [];
  const own = "account" in entry && entry.account === input.record.facts.account;
  if (own && entry.kind === "account") return [];
  const control = controlOf(input, statement, own);
  if (control === undefined) return [];
  const where = sourceText({ kind: "statement", index: statement.index }, statements(input));
  return [
    {
      ...HYGIENE,
      rule: "full-control-non-root",
      severity: control.severity,
      who,
      capabilities: capabilities(control.actions),
      actions: control.actions,
      source: { kind: "statement", index: statement.index },
      reason: `${whoText(who)} ${control.what} through ${where}.`,
      remedy: own
        ? `Leave the key's administration to one principal and its use to others: split ${where} into the actions that each needs.`
        : `List in ${where} only the actions that are needed; creating grants passes access on to anybody.`,
    },
  ];
}

function controlOf(input: RuleInput, statement: Statement, own: boolean): Control | undefined {
  const can = (actions: readonly string[]): boolean => allowsThrough(input, statement, actions);
  if (!own) {
    // Across accounts KMS offers no policy changes; grants are how another account passes a key on.
    if (!can([SHARE]) || !can(USE) || isForResources(statement)) return undefined;
    return { severity: "medium", actions: [SHARE], what: "can use the key and pass access to it on" };
  }
  if (!can([POLICY])) return undefined;
  return can(USE)
    ? { severity: "low", actions: [POLICY], what: "can both use the key and change its policy" }
    : {
        severity: "info",
        actions: [POLICY],
        what: "can change the key's policy, and so give itself the use of the key",
      };
}

function capabilities(actions: readonly string[]): Draft["capabilities"] {
  return actions.includes(POLICY) ? ["manage"] : ["share"];
}

/** Grants for AWS services only, as the console writes it: kms:GrantIsForAWSResource. */
function isForResources(statement: Statement): boolean {
  return statement.conditions.some(
    (c) => c.operator === "Bool" && c.keyLower === "kms:grantisforawsresource" && !c.ifExists,
  );
}
