import type { Grant } from "../domain/grant.js";
import { grantsOf, granteeOf, isServiceGrantee, isTrustedGrantee } from "./grants.js";
import { whoOf } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { name } from "./words.js";

/**
 * The grantee may create grants, and so pass on to anybody what it may do itself. Source: KMS Developer Guide, "Grants
 * in AWS KMS", granting CreateGrant permission.
 */
export const reshareableGrant: Rule = {
  id: "reshareable-grant",
  title: "A grant can be passed on",
  find: (input) => grantsOf(input).flatMap((g) => draft(input, g)),
};

function draft(input: RuleInput, grant: Grant): Draft[] {
  const grantee = granteeOf(grant);
  if (grantee === undefined || !isTrustedGrantee(grantee, input)) return [];
  if (!(grant.Operations ?? []).includes("CreateGrant")) return [];
  const id = name(grant.GrantId);
  return [
    {
      ...HYGIENE,
      rule: "reshareable-grant",
      severity: isServiceGrantee(grantee) ? "info" : "low",
      who: whoOf(grantee) ?? null,
      capabilities: ["share"],
      actions: ["kms:CreateGrant"],
      source: { kind: "grant", grantId: grant.GrantId },
      reason: `The grantee of grant ${id}, ${name(grantee.text)}, may create further grants to anybody, of any account.`,
      remedy: isServiceGrantee(grantee)
        ? "Nothing, if the service is in use: integrated services need it; retire the grant when the resource is gone."
        : "Replace the grant by one without the operation CreateGrant.",
    },
  ];
}
