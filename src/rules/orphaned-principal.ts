import type { Grant } from "../domain/grant.js";
import type { AccountId } from "../domain/ids.js";
import type { PrincipalEntry } from "../policy/ast.js";
import { parsePrincipal } from "../semantics/arn.js";
import type { IamView } from "./iam-view.js";
import { lintDrafts } from "./lints.js";
import { whoOf } from "./principals.js";
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
  const { grants, facts } = input.record;
  const { account } = facts;
  if (grants.kind !== "present") return [];
  return grants.value.flatMap((grant) => {
    const grantee = parsePrincipal(grant.GranteePrincipal ?? "");
    if (grantee !== undefined && isGone(grantee, account, input.iam)) return [goneDraft(grant, grantee)];
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

/** Whether the grantee of a grant is a user or role of the key's account that is not among all that IAM has. */
export function isGranteeGone(grant: Grant, account: AccountId, iam: IamView | undefined): boolean {
  const grantee = parsePrincipal(grant.GranteePrincipal ?? "");
  return grantee !== undefined && isGone(grantee, account, iam);
}

function isGone(grantee: PrincipalEntry, account: AccountId, iam: IamView | undefined): boolean {
  if (!("account" in grantee) || grantee.account !== account) return false;
  switch (grantee.kind) {
    case "user":
    case "role":
      return iam?.exists(grantee.kind, grantee.name) === false;
    case "session":
      // Services run under role names of their own (`aws:ec2-infrastructure`), which IAM does not list.
      return !grantee.role.startsWith("aws:") && iam?.exists("role", grantee.role) === false;
    default:
      return false;
  }
}

function goneDraft(grant: Grant, grantee: PrincipalEntry): Draft {
  return {
    ...HYGIENE,
    rule: "orphaned-principal",
    severity: "low",
    who: whoOf(grantee) ?? null,
    source: { kind: "grant", grantId: grant.GrantId },
    reason: `The grantee of grant ${name(grant.GrantId)}, ${name(grantee.text)}, is not in IAM: it was deleted.`,
    remedy: "Revoke the grant; a user or role that is made under the same name would be another one.",
    part: "not-in-iam",
  };
}
