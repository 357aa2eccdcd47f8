import { itemsRead } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import type { Capability } from "../domain/verdict.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { PrincipalEntry } from "../policy/ast.js";
import { actionFacts } from "../semantics/actions.js";
import { parsePrincipal } from "../semantics/arn.js";
import { isTrusted } from "./principals.js";
import type { RuleInput } from "./rule.js";

/** The grants of a key, as far as they could be read. */
export function grantsOf(input: RuleInput): readonly Grant[] {
  return itemsRead(input.record.grants);
}

/** The grantee; undefined where the grant does not say or says it in a form that AWS does not have. */
export function granteeOf(grant: Grant): PrincipalEntry | undefined {
  return parsePrincipal(grant.GranteePrincipal ?? grant.GranteeServicePrincipal ?? "");
}

/** The operations of a grant as actions: `Decrypt` is `kms:Decrypt`. */
export function grantActions(grant: Grant): readonly string[] {
  return (grant.Operations ?? []).map((operation) => `kms:${operation}`);
}

/** What the operations of a grant let its grantee do, worst first. */
export function grantCapabilities(grant: Grant): readonly Capability[] {
  const found = new Set(grantActions(grant).map((a) => actionFacts(a)?.capability));
  return CAPABILITIES.filter((c) => found.has(c));
}

/** Whether a grant is bound to a source or to an encryption context. */
export function isConstrained(grant: Grant): boolean {
  const c = grant.Constraints;
  if (c === undefined) return false;
  const pairs = { ...c.EncryptionContextSubset, ...c.EncryptionContextEquals };
  return c.SourceArn !== undefined || Object.keys(pairs).length > 0;
}

/**
 * Whether the grantee is an AWS service: a service principal, a service-linked role, or a session that a service runs
 * under a name of its own, such as `assumed-role/aws:ec2-infrastructure/i-…`. AWS writes such grants, and needs them.
 */
export function isServiceGrantee(grantee: PrincipalEntry): boolean {
  switch (grantee.kind) {
    case "service":
      return true;
    case "role":
      return grantee.name.startsWith("aws-service-role/");
    case "session":
      return grantee.role.startsWith("aws:") || grantee.role.startsWith("AWSServiceRoleFor");
    default:
      return false;
  }
}

/** Whether a grantee is of the zone of trust. Grantees outside it are findings about exposure, not about hygiene. */
export function isTrustedGrantee(grantee: PrincipalEntry, input: RuleInput): boolean {
  return grantee.kind === "service" || isTrusted(grantee, input);
}
