import type { Grant } from "../domain/grant.js";
import { grantActions, grantCapabilities, granteeOf, grantsOf, isConstrained } from "./grants.js";
import { isServiceGrantee, isTrustedGrantee } from "./grants.js";
import { whoOf } from "./principals.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, name } from "./words.js";

/** A grant to somebody trusted that gives more than one principal needs: to a whole account, or every use of the key. */
export const broadGrant: Rule = {
  id: "broad-grant",
  title: "A grant gives more than is needed",
  find: (input) => grantsOf(input).flatMap((g) => draft(input, g)),
};

function draft(input: RuleInput, grant: Grant): Draft[] {
  const grantee = granteeOf(grant);
  if (grantee === undefined || isServiceGrantee(grantee) || !isTrustedGrantee(grantee, input)) return [];
  const capabilities = grantCapabilities(grant);
  const account = grantee.kind === "account";
  const everything =
    !isConstrained(grant) &&
    capabilities.includes("share") &&
    (capabilities.includes("sign") || (capabilities.includes("decrypt") && capabilities.includes("encrypt")));
  if (!account && !everything) return [];
  const id = name(grant.GrantId);
  return [
    {
      ...HYGIENE,
      rule: "broad-grant",
      severity: severityOf("none", capabilities),
      who: whoOf(grantee) ?? null,
      capabilities,
      actions: grantActions(grant),
      source: { kind: "grant", grantId: grant.GrantId },
      reason: account
        ? `Grant ${id} gives ${actionsText(grantActions(grant))} to the whole account ${grantee.account}.`
        : `Grant ${id} gives ${name(grantee.text)} every use of the key (${actionsText(grantActions(grant))}), without constraints.`,
      remedy: account
        ? "Replace it by a grant to the role that needs the key."
        : "Replace it by a grant with only the operations that are needed, bound by an encryption context where the data has one.",
    },
  ];
}
