import type { Grant } from "../domain/grant.js";
import { parsePrincipal } from "../semantics/arn.js";
import { grantActions, grantCapabilities, grantsOf } from "./grants.js";
import { isTrusted } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { name } from "./words.js";

/** A grant that an account outside the zone created: an outsider has passed the key on, or could. */
export const outsiderIssuedGrant: Rule = {
  id: "outsider-issued-grant",
  title: "A grant was issued by an outsider",
  find: (input) => grantsOf(input).flatMap((g) => draft(input, g)),
};

function draft(input: RuleInput, grant: Grant): Draft[] {
  // ListGrants gives the account as its root ARN; older answers have the bare id.
  const issuer = parsePrincipal(grant.IssuingAccount ?? "");
  if (issuer === undefined || !("account" in issuer) || isTrusted(issuer, input)) return [];
  const id = name(grant.GrantId);
  return [
    {
      ...HYGIENE,
      rule: "outsider-issued-grant",
      severity: "medium",
      who: { kind: "account", id: issuer.account },
      capabilities: grantCapabilities(grant),
      actions: grantActions(grant),
      source: { kind: "grant", grantId: grant.GrantId },
      reason: `Grant ${id} was created by account ${issuer.account}, which is outside the zone of trust.`,
      remedy: `Find out how account ${issuer.account} could create grants, close that way, and revoke grant ${id}.`,
    },
  ];
}
