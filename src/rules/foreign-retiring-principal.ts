import type { Grant } from "../domain/grant.js";
import { parsePrincipal } from "../semantics/arn.js";
import { grantsOf } from "./grants.js";
import { isTrusted, whoOf } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { name } from "./words.js";

/**
 * An outsider may retire a grant: it cannot use the key, but can take it away from the grantee. Source: KMS Developer
 * Guide, "Retiring and revoking grants".
 */
export const foreignRetiringPrincipal: Rule = {
  id: "foreign-retiring-principal",
  title: "An outsider can retire a grant",
  find: (input) => grantsOf(input).flatMap((g) => draft(input, g)),
};

function draft(input: RuleInput, grant: Grant): Draft[] {
  const retiring = parsePrincipal(grant.RetiringPrincipal ?? "");
  if (retiring === undefined || retiring.kind === "service" || isTrusted(retiring, input)) return [];
  const id = name(grant.GrantId);
  return [
    {
      ...HYGIENE,
      rule: "foreign-retiring-principal",
      severity: "low",
      who: whoOf(retiring) ?? null,
      capabilities: ["destroy"],
      actions: ["kms:RetireGrant"],
      source: { kind: "grant", grantId: grant.GrantId },
      reason: `${name(retiring.text)}, which is outside the zone of trust, may retire grant ${id} and so take the key away from its grantee.`,
      remedy: "Replace the grant by one whose retiring principal is yours.",
    },
  ];
}
