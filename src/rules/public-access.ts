import { exposureDrafts, statementOf } from "./exposure-draft.js";
import type { AccessGroup } from "./groups.js";
import type { Rule, RuleInput } from "./rule.js";
import { quote, sourceText } from "./words.js";

/** Somebody whom nobody named can use the key. */
export const publicAccess: Rule = {
  id: "public-access",
  title: "Public access",
  find: (input) => exposureDrafts(input, "public", "public-access", remedy),
};

function remedy(group: AccessGroup, input: RuleInput): string {
  const statement = statementOf(group, input);
  if (statement === undefined) return "Revoke the grant and create one for the principal that needs it.";
  const where = sourceText(
    { kind: "statement", index: statement.index },
    input.parsed.policy?.statements ?? [],
  );
  if (group.who.kind === "pattern") {
    return `In ${where}, write out the accounts or organizations that the pattern ${quote(group.who.pattern)} is meant for.`;
  }
  if (statement.principal.kind === "not-principal") {
    return `In ${where}, replace NotPrincipal by the principals that need the key.`;
  }
  if (statement.conditions.length === 0) {
    return `In ${where}, name the principals that need the key, or require aws:PrincipalOrgID or aws:PrincipalAccount with StringEquals.`;
  }
  return `In ${where}, name the principals that need the key, or add StringEquals on aws:PrincipalOrgID or aws:PrincipalAccount (without IfExists or ForAllValues).`;
}
