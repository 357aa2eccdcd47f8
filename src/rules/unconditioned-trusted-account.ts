import { CAPABILITIES } from "../domain/verdict.js";
import type { PrincipalEntry, Statement } from "../policy/ast.js";
import { allowedEntries, isTrusted, statements, whoOf } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, sourceText } from "./words.js";

/** A whole trusted account is let in without any condition: everybody whom its administrators choose. */
export const unconditionedTrustedAccount: Rule = {
  id: "unconditioned-trusted-account",
  title: "A whole trusted account is let in",
  find: (input) => statements(input).flatMap((s) => allowedEntries(s).flatMap((e) => draft(input, s, e))),
};

function draft(input: RuleInput, statement: Statement, entry: PrincipalEntry): Draft[] {
  if (entry.kind !== "account" || entry.account === input.record.facts.account) return [];
  if (statement.conditions.length > 0 || !isTrusted(entry, input)) return [];
  const accesses = input
    .everybody({ statement: statement.index, trusted: true })
    .accesses.filter(
      (a) =>
        a.trusted &&
        a.source.kind === "statement" &&
        a.source.index === statement.index &&
        a.reach.kind === "now" &&
        ((a.who.kind === "account" && a.who.id === entry.account) ||
          (a.who.kind === "principal" && a.who.account === entry.account)),
    );
  const actions = [...new Set(accesses.flatMap((a) => a.actions))];
  if (actions.length === 0) return [];
  const capabilities = CAPABILITIES.filter((c) => accesses.some((a) => a.capabilities.includes(c)));
  const where = sourceText({ kind: "statement", index: statement.index }, statements(input));
  return [
    {
      ...HYGIENE,
      rule: "unconditioned-trusted-account",
      severity: severityOf("none", capabilities),
      who: whoOf(entry) ?? null,
      capabilities,
      actions,
      source: { kind: "statement", index: statement.index },
      witness: accesses[0]?.witness,
      reason: `Whoever the administrators of trusted account ${entry.account} choose can use ${actionsText(actions)} through ${where}, without any condition.`,
      remedy: `In ${where}, name the roles of account ${entry.account} that need the key instead of the account.`,
    },
  ];
}
