import type { AccountId } from "../domain/ids.js";
import type { Policy } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { principalArn } from "../semantics/arn.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { ContextEntry, RequestContext } from "../semantics/derive-context.js";
import { callerKeys, lowerCased } from "../semantics/derive-context.js";
import { resourceCovered } from "../semantics/resource-match.js";
import { all } from "../semantics/tri.js";
import type { Context } from "../semantics/request.js";
import { type Access, deniedByList } from "./access.js";
import { ServiceError } from "./errors.js";
import type { Identity } from "./identity.js";

/** A permission that no key decides about. */
export interface AccountAction {
  /** e.g. `kms:ListKeys`, `sts:AssumeRole`. */
  readonly action: string;
  /** An ARN, or `*` where the action knows no resource. */
  readonly resource: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** What aws:RequestedRegion is. Undefined: the request carries none. */
  readonly region?: string;
}

/**
 * Decides on actions that only the caller's identity policies decide: listing keys, creating them, aliases as such,
 * other services.
 * @throws ServiceError AccessDeniedException.
 */
export function requireAccountLevel(access: Access, identity: Identity, wanted: AccountAction): AccountId {
  const { account } = identity;
  const answer = account === undefined ? "none" : accountSays(access, identity, wanted);
  if (account !== undefined && answer === "allow") return account;
  throw new ServiceError(
    "AccessDeniedException",
    `User: ${identity.arn} is not authorized to perform: ${wanted.action} on resource: ${wanted.resource} ${
      answer === "deny"
        ? "with an explicit deny in an identity-based policy"
        : `because no identity-based policy allows the ${wanted.action} action`
    }`,
  );
}

/** How a resource policy names the caller. */
export type Named = "no" | "role" | "named";

/** What the caller's side says to an action. */
export type Answer = "allow" | "none" | "deny";

/**
 * Identity policies, permissions boundary, session policy and every level of service control policies: a Deny anywhere
 * denies, and each must allow.
 * @param named a resource policy names the caller itself: then its identity policies and limits need not allow; or the
 *   role of its session: then its identity policies need not.
 */
export function accountSays(
  access: Access,
  identity: Identity,
  wanted: AccountAction,
  named: Named = "no",
): Answer {
  if (deniedByList(identity, wanted.action)) return "deny";
  const context = contextOf(access, identity, wanted);
  const side = identity.policies;
  const own = side.kind === "policies" ? strongest(side.policies, wanted, context) : side.kind;
  const limits = [identity.boundary, identity.sessionPolicy].map((limit) =>
    limit.kind === "policy" ? strongest([limit.policy], wanted, context) : "allow",
  );
  const organization = access
    .serviceControlPolicies(identity.account)
    .map((policy) => strongest([policy], wanted, context));
  if ([own, ...limits, ...organization].includes("deny")) return "deny";
  const needed = {
    no: [own, ...limits, ...organization],
    role: [...limits, ...organization],
    named: organization,
  }[named];
  return needed.every((answer) => answer === "allow") ? "allow" : "none";
}

/** A doubtful Deny counts, a doubtful Allow does not: the sandbox lets through only what is certain. */
function strongest(
  policies: readonly Policy[],
  wanted: AccountAction,
  context: RequestContext,
): "allow" | "none" | "deny" {
  const statements = policies.flatMap((policy) =>
    policy.statements.map((s) => ({ s, version: policy.version })),
  );
  const fits = (effect: "Allow" | "Deny"): readonly string[] =>
    statements
      .filter(({ s }) => s.effect === effect)
      .map(
        ({ s, version }) =>
          all([
            actionCovered(s.action, wanted.action),
            resourceCovered(s.resource, { arn: wanted.resource }, version, context, "other"),
            ...s.conditions.map((c) => conditionHolds(c, version, context)),
          ]).value,
      );
  if (fits("Deny").some((f) => f !== "no")) return "deny";
  return fits("Allow").includes("yes") ? "allow" : "none";
}

/** The condition keys that such requests carry: who calls, when, and what the callers file says. */
export function contextOf(
  access: Access,
  identity: Identity,
  wanted: Pick<AccountAction, "now" | "region">,
  more: Context = {},
): RequestContext {
  const caller = new Map(lowerCased(callerKeys(identity.caller)));
  // Only KMS sets it, and such requests are not about a key.
  caller.delete("kms:calleraccount");
  return contextFrom(
    {
      "aws:PrincipalArn": principalArn(identity.caller) ?? identity.arn,
      "aws:userid": identity.userId,
      "aws:CurrentTime": new Date(wanted.now).toISOString(),
      "aws:EpochTime": String(Math.floor(wanted.now / 1000)),
      "aws:SecureTransport": "true",
      "aws:PrincipalIsAWSService": "false",
      "aws:ViaAWSService": "false",
      ...(identity.account === undefined ? {} : { "aws:PrincipalAccount": identity.account }),
      ...(wanted.region === undefined ? {} : { "aws:RequestedRegion": wanted.region }),
      ...access.organizationKeys(identity),
      ...identity.context,
      ...more,
    },
    caller,
  );
}

/** A request that carries these condition keys, those of `others` where they are not among them, and no more. */
export function contextFrom(
  keys: Context,
  others: ReadonlyMap<string, ContextEntry> = new Map(),
): RequestContext {
  const rows = Object.entries(keys).map(([name, value]) => {
    const values = typeof value === "string" ? [value] : value;
    return [
      name.toLowerCase(),
      values.length === 0 ? ({ kind: "absent" } as const) : ({ kind: "values", values } as const),
    ] as const;
  });
  const stated = new Map<string, ContextEntry>([...others, ...rows]);
  return { stated, derived: () => undefined, entries: () => stated, tagsKnown: true };
}
