import type { Who } from "../access/matrix.js";
import { parseAccountId } from "../domain/ids.js";
import type { PrincipalEntry, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { actionFacts, suitsKey } from "../semantics/actions.js";
import { inZone } from "../trust/zone.js";
import type { RuleInput } from "./rule.js";

/** The principals that an Allow names in `Principal`; none for NotPrincipal and for a Deny. */
export function allowedEntries(statement: Statement): readonly PrincipalEntry[] {
  return statement.effect === "Allow" && statement.principal.kind === "principal"
    ? statement.principal.entries
    : [];
}

/** Statements of the key policy; none if it could not be read. */
export function statements(input: RuleInput): readonly Statement[] {
  return input.parsed.policy?.statements ?? [];
}

/** A named principal as the class of callers that it is. */
export function whoOf(entry: PrincipalEntry): Who | undefined {
  switch (entry.kind) {
    case "account":
      return { kind: "account", id: entry.account };
    case "user":
    case "role":
    case "session":
    case "federated-user":
      return { kind: "principal", arn: entry.text, account: entry.account };
    case "unique-id":
      return { kind: "unresolved", id: entry.id };
    case "service":
      return { kind: "service", name: entry.name, source: { kind: "any" } };
    case "everyone":
      return { kind: "anyone" };
    case "refused":
      return undefined;
  }
}

/** The account of a user, role, session, federated user or account principal. */
export function accountOf(entry: PrincipalEntry): string | undefined {
  return "account" in entry ? entry.account : undefined;
}

/** Whether a principal is meant to be able to use the key: its account is in the zone, or it is trusted by name. */
export function isTrusted(entry: PrincipalEntry, input: RuleInput): boolean {
  if (entry.kind === "service") return input.zone.services.includes(entry.name);
  const account = parseAccountId(accountOf(entry) ?? "");
  if (account === undefined) return false;
  if (inZone(account, input.zone, input.record.facts, input.organizationOf)) return true;
  return input.zone.principals.includes(entry.text);
}

/** Whether an Allow names one of these actions, before any Deny is looked at. Cheap. */
export function mentions(statement: Statement, actions: readonly string[]): boolean {
  return (
    statement.effect === "Allow" && actions.some((a) => actionCovered(statement.action, a).value !== "no")
  );
}

/** Whether the engine found that somebody trusted can do one of these actions through a statement. */
export function allowsThrough(input: RuleInput, statement: Statement, actions: readonly string[]): boolean {
  if (!mentions(statement, actions)) return false;
  if (isPlain(statement, input)) return actions.some((a) => suits(a, statement, input));
  return input
    .everybody({ statement: statement.index, trusted: true })
    .accesses.some(
      (a) =>
        a.trusted &&
        a.source.kind === "statement" &&
        a.source.index === statement.index &&
        a.actions.some((action) => actions.includes(action)),
    );
}

/** The case of most statements, told without a search: no condition, nothing denied, and trusted principals by name. */
function isPlain(statement: Statement, input: RuleInput): boolean {
  const { parsed, record } = input;
  return (
    statement.conditions.length === 0 &&
    statement.resource.kind === "listed" &&
    statement.resource.patterns.includes("*") &&
    parsed.diagnostics.length === 0 &&
    record.resourceControlPolicies.length === 0 &&
    statements(input).every((s) => s.effect === "Allow") &&
    statement.principal.kind === "principal" &&
    statement.principal.entries.every((e) => "account" in e && isTrusted(e, input))
  );
}

function suits(action: string, statement: Statement, { record }: RuleInput): boolean {
  const a = actionFacts(action);
  if (a === undefined || !a.keyPolicy) return false;
  return (
    suitsKey(a, record.facts.usage, record.facts.spec) &&
    actionCovered(statement.action, action).value === "yes"
  );
}
