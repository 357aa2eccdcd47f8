import { parsePrincipal } from "../semantics/arn.js";
import { lintDrafts } from "./lints.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { name } from "./words.js";

/** A user or role that was deleted still stands in the policy or in a grant, as its unique id. */
export const orphanedPrincipal: Rule = {
  id: "orphaned-principal",
  title: "A deleted principal is still named",
  find: (input) => [
    ...lintDrafts(
      input,
      "orphaned-principal",
      "Remove the id; if its successor needs the key, name the successor by its ARN.",
    ),
    ...grantDrafts(input),
  ],
};

function grantDrafts(input: RuleInput): Draft[] {
  const { grants } = input.record;
  if (grants.kind !== "present") return [];
  return grants.value.flatMap((grant) => {
    const grantee = parsePrincipal(grant.GranteePrincipal ?? "");
    if (grantee?.kind !== "unique-id") return [];
    return [
      {
        ...HYGIENE,
        rule: "orphaned-principal",
        severity: "low",
        who: { kind: "unresolved", id: grantee.id },
        source: { kind: "grant", grantId: grant.GrantId },
        reason: `The grantee of grant ${name(grant.GrantId)} is the id ${name(grantee.id)}: its user or role was deleted.`,
        remedy: "Revoke the grant.",
      } satisfies Draft,
    ];
  });
}
