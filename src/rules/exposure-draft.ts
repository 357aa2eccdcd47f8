import type { RuleId } from "../domain/rule-id.js";
import type { Today } from "../access/matrix.js";
import type { Exposure } from "../domain/verdict.js";
import type { Statement } from "../policy/ast.js";
import type { Source } from "../semantics/request.js";
import type { FindingCondition } from "./finding.js";
import type { AccessGroup } from "./groups.js";
import type { Draft, DraftSource, RuleInput } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, canDo, enumerate, name, sourceText, whoText } from "./words.js";

/** The accesses of one exposure as findings of one rule. */
export function exposureDrafts(
  input: RuleInput,
  exposure: Exposure,
  rule: RuleId,
  remedy: (group: AccessGroup, input: RuleInput) => string,
): readonly Draft[] {
  return input.groups
    .filter((g) => g.exposure === exposure)
    .map((g) => ({
      rule,
      severity: severityOf(exposure, g.capabilities),
      exposure,
      certainty: g.certainty,
      who: g.who,
      capabilities: g.capabilities,
      actions: g.actions,
      source: draftSource(g.source),
      conditions: g.conditions,
      witness: g.witness,
      reason: reason(g, input),
      remedy: remedy(g, input),
      doubts: g.doubts,
      part: JSON.stringify([g.certainty, g.reach]),
    }));
}

/** A source of the engine as findings name it. Access comes through statements and grants only. */
export function draftSource(source: Source): DraftSource {
  if (source.kind === "statement") return { kind: "statement", index: source.index };
  if (source.kind === "grant") return { kind: "grant", grantId: source.grantId };
  return { kind: "policy" };
}

/** The statement that a group comes through, if it is one. */
export function statementOf(group: AccessGroup, input: RuleInput): Statement | undefined {
  const { source } = group;
  return source.kind === "statement"
    ? input.parsed.policy?.statements.find((s) => s.index === source.index)
    : undefined;
}

function reason(g: AccessGroup, input: RuleInput): string {
  const through = sourceText(draftSource(g.source), input.parsed.policy?.statements ?? []);
  const said = `${whoText(g.who)} ${canDo(g.capabilities, g.certainty)} (${actionsText(g.actions)}) through ${through}`;
  return `${said}${reachText(g)}${todayText(g.today)}${conditionsText(g.conditions)}.`;
}

function reachText(g: AccessGroup): string {
  switch (g.reach.kind) {
    case "now":
      return "";
    case "not-across-accounts":
      return ", but KMS does not offer that across accounts today";
    case "key-state":
      return `, once the key is no longer ${name(g.reach.state)}`;
    case "not-before":
      return `, from ${new Date(g.reach.time * 1000).toISOString()} on`;
  }
}

/** Accounts that a sentence lists. */
const LISTED = 5;

/** What the real organization says of it. */
export function todayText(today: Today | undefined): string {
  switch (today?.kind) {
    case undefined:
      return "";
    case "denied-by-scp":
      return `, but service control policies above account ${name(today.account)} deny it today`;
    case "no-such-account":
      return `, but no account outside the zone of trust stands at that place of ${name(today.organization)} today`;
    case "accounts": {
      const { accounts } = today;
      const more = accounts.length - LISTED;
      const shown = accounts.slice(0, LISTED).map((a) => name(a));
      return ` (today: ${more > 0 ? `${shown.join(", ")} and ${more} more` : enumerate(shown)})`;
    }
  }
}

/** Why the conditions of the statement do not help: the ones that a reader might take for a protection. */
function conditionsText(conditions: readonly FindingCondition[]): string {
  const keys = (kind: FindingCondition["kind"]): string[] => [
    ...new Set(conditions.filter((c) => c.kind === kind).map((c) => name(c.key))),
  ];
  const network = keys("fixed-network");
  if (network.length > 0) return `, but only from where ${enumerate(network)} says`;
  const free = keys("free");
  const path = keys("path");
  const said: string[] = [];
  if (free.length > 0) said.push(`${enumerate(free)}, which the caller chooses`);
  if (path.length > 0) said.push(`${enumerate(path)}, which the caller meets by going through that service`);
  return said.length === 0 ? "" : `; it tests ${said.join(", and ")}`;
}
