import type { Policy } from "../policy/ast.js";
import type { AccessRequest, Caller, IdentitySide, Limit } from "./request.js";
import { statementFits, type StatementTarget } from "./statement-match.js";
import { all, any, NO, YES, type Tri } from "./tri.js";

/** What a document on the caller's side says to a request. */
export interface Says {
  readonly allows: Tri;
  readonly denies: Tri;
}

const NOTHING: Says = { allows: NO, denies: NO };
const ALLOWS: Says = { allows: YES, denies: NO };

/** A policy without principals: some statement of an effect that fits. */
export function policySays(policy: Policy, target: StatementTarget): Says {
  const fit = (effect: "Allow" | "Deny"): Tri =>
    any(
      policy.statements
        .filter((statement) => statement.effect === effect)
        .map((statement) => statementFits(statement, policy.version, target, "other").fits),
    );
  return { allows: fit("Allow"), denies: fit("Deny") };
}

/** The caller's identity policies: one of them must allow, none may deny. A service has none. */
export function identitySays(side: IdentitySide, caller: Caller, target: StatementTarget): Says {
  if (caller.kind === "service") return NOTHING;
  switch (side.kind) {
    case "allow":
      return ALLOWS;
    case "none":
      return NOTHING;
    case "deny":
      return { allows: NO, denies: YES };
    case "policies": {
      const each = side.policies.map((policy) => policySays(policy, target));
      return { allows: any(each.map((s) => s.allows)), denies: any(each.map((s) => s.denies)) };
    }
  }
}

/** A permissions boundary or session policy: without one nothing is limited. */
export function limitSays(limit: Limit, target: StatementTarget): Says {
  switch (limit.kind) {
    case "absent":
    case "allow":
      return ALLOWS;
    case "implicit-deny":
      return NOTHING;
    case "policy":
      return policySays(limit.policy, target);
  }
}

/** Root users have no permissions boundary, services neither that nor a session policy. */
export function boundarySays(request: AccessRequest, target: StatementTarget): Says {
  const bound = request.caller.kind !== "service" && request.caller.kind !== "root";
  return bound ? limitSays(request.boundary, target) : ALLOWS;
}

/** Only sessions have a session policy. */
export function sessionPolicySays(request: AccessRequest, target: StatementTarget): Says {
  const session = request.caller.kind === "session" || request.caller.kind === "federated-user";
  return session ? limitSays(request.sessionPolicy, target) : ALLOWS;
}

/**
 * Service control policies of the caller's account: all must allow, none may deny. They do not bind service principals
 * and service-linked roles.
 * Source: Organizations User Guide, "Service control policies", tasks not restricted by SCPs (no dated
 * copy was at hand).
 */
export function serviceControlSays(request: AccessRequest, target: StatementTarget): Says {
  if (request.caller.kind === "service" || serviceLinkedRole(request.caller) === "yes") return ALLOWS;
  const each = request.serviceControlPolicies.map((policy) => policySays(policy, target));
  return { allows: all(each.map((s) => s.allows)), denies: any(each.map((s) => s.denies)) };
}

/**
 * Whether the caller is a session of a service-linked role: their path is reserved. By a bare name that begins like
 * theirs it cannot be told.
 * Source: IAM User Guide, "Service-linked roles": path `/aws-service-role/` (text of 2023).
 */
export function serviceLinkedRole(caller: Caller): "yes" | "no" | "perhaps" {
  if (caller.kind !== "session") return "no";
  if (caller.role.startsWith("aws-service-role/")) return "yes";
  return caller.rolePathUnknown === true && caller.role.startsWith("AWSServiceRoleFor") ? "perhaps" : "no";
}
