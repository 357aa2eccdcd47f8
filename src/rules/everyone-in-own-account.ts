import type { Severity } from "../domain/verdict.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { Statement } from "../policy/ast.js";
import { statements } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, sourceText } from "./words.js";

/**
 * `Principal: *`, narrowed to the own account by a condition: everybody in the account can use the key without any IAM
 * policy. Source: KMS Developer Guide, "AWS KMS condition keys", kms:CallerAccount.
 *
 * Only info where the statement lets an organization or trusted accounts in (there is hardly another way to write
 * that), or goes through an AWS service (AWS writes its own policies so).
 */
export const everyoneInOwnAccount: Rule = {
  id: "everyone-in-own-account",
  title: "Everybody in the account, without IAM policies",
  find: (input) => statements(input).flatMap((s) => draft(input, s)),
};

function draft(input: RuleInput, statement: Statement): Draft[] {
  const { account } = input.record.facts;
  if (statement.effect !== "Allow" || !namesEveryone(statement)) return [];
  // Where strangers come in as well, that is the finding.
  if (
    input.groups.some((g) => g.source.kind === "statement" && g.source.index === statement.index && isOpen(g))
  ) {
    return [];
  }
  const trusted = input
    .everybody({ statement: statement.index, trusted: true })
    .accesses.filter((a) => a.trusted && a.source.kind === "statement" && a.source.index === statement.index);
  const accesses = trusted.filter((a) => a.who.kind === "account" && a.who.id === account);
  if (accesses.length === 0) return [];
  const capabilities = CAPABILITIES.filter((c) => accesses.some((a) => a.capabilities.includes(c)));
  const actions = [...new Set(accesses.flatMap((a) => a.actions))];
  const where = sourceText({ kind: "statement", index: statement.index }, statements(input));
  const service = viaService(statement);
  const others = trusted.some(
    (a) => a.who.kind === "organization" || (a.who.kind === "account" && a.who.id !== account),
  );
  const severity: Severity = service || others ? "info" : severityOf("none", capabilities);
  return [
    {
      ...HYGIENE,
      rule: "everyone-in-own-account",
      severity,
      who: { kind: "account", id: account },
      capabilities,
      actions,
      source: { kind: "statement", index: statement.index },
      witness: accesses[0]?.witness,
      reason: `Everybody in account ${account} can use ${actionsText(actions)} through ${where} without any IAM policy${service ? ", by going through a service" : ""}.`,
      remedy: `In ${where}, name the account root instead of *, so that IAM policies decide, or name the principals that need the key.`,
    },
  ];
}

function isOpen(group: RuleInput["groups"][number]): boolean {
  return group.exposure === "public" || group.exposure === "network";
}

function namesEveryone(statement: Statement): boolean {
  const { principal } = statement;
  return (
    principal.kind === "not-principal" ||
    (principal.kind === "principal" && principal.entries.some((e) => e.kind === "everyone"))
  );
}

/** AWS's own pattern for integrated services; the service checks who asks. */
function viaService(statement: Statement): boolean {
  return statement.conditions.some(
    (c) =>
      c.keyLower === "kms:viaservice" &&
      !c.ifExists &&
      c.qualifier !== "ForAllValues" &&
      (c.operator === "StringEquals" || c.operator === "StringLike"),
  );
}
