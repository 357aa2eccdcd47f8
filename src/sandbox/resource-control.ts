import type { AccountId } from "../domain/ids.js";
import type { Policy } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { RequestContext } from "../semantics/derive-context.js";
import { entryNames } from "../semantics/principal-match.js";
import { resourceCovered } from "../semantics/resource-match.js";
import { all, any } from "../semantics/tri.js";
import type { Access } from "./access.js";
import type { Caller } from "../semantics/request.js";

/** An action on a role, by whomever. */
export interface RoleAction {
  /** e.g. `sts:AssumeRole`. */
  readonly action: string;
  /** ARN of the role. */
  readonly role: string;
  readonly account: AccountId;
  /** Undefined: whoever an identity provider vouches for. */
  readonly caller: Caller | undefined;
  readonly context: RequestContext;
}

/**
 * Whether a resource control policy above a role's account denies to assume it. A statement that may or may not fit
 * denies: the sandbox lets through only what is certain. Service-linked roles are not bound. Source: AWS Organizations User
 * Guide, "Resource control policies (RCPs)": AWS STS is among the services that support them.
 */
export function resourceControlDenies(access: Access, wanted: RoleAction): boolean {
  const { caller } = wanted;
  if (caller?.kind === "session" && caller.role.startsWith("aws-service-role/")) return false;
  return access.resourceControlOf(wanted.account).some((policy) => denies(policy, wanted));
}

function denies({ statements, version }: Policy, { action, role, caller, context }: RoleAction): boolean {
  return statements.some((s) => {
    if (s.effect !== "Deny" || s.principal.kind !== "principal") return false;
    const named = s.principal.entries.map((e) =>
      caller === undefined
        ? ({ value: e.kind === "everyone" ? "yes" : "no" } as const)
        : entryNames(e, "Deny", caller).matches,
    );
    const fits = all([
      any(named),
      actionCovered(s.action, action),
      resourceCovered(s.resource, { arn: role }, version, context, "other"),
      ...s.conditions.map((c) => conditionHolds(c, version, context)),
    ]);
    return fits.value !== "no";
  });
}
