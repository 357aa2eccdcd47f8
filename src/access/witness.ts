import type { ActionFacts } from "../semantics/actions.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { AccessRequest } from "../semantics/request.js";
import type { Solution } from "./finish.js";
import type { Shape } from "./shape.js";
import { viewText } from "./views.js";

/** Keys that follow from the caller, and are filled in by the reference. */
const DERIVED = new Set([
  "kms:calleraccount",
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principaltype",
  "aws:userid",
  "aws:username",
  "aws:principalisawsservice",
  "aws:principalservicename",
  "aws:principalservicenameslist",
]);

/** Writes a solution of the search down as a request. */
export function buildRequest(
  shape: Shape,
  solution: Solution,
  action: ActionFacts,
  grantContext: Readonly<Record<string, string>> | undefined,
): AccessRequest {
  // Maps, as names come from policies and grants: one of them may be __proto__.
  const context = new Map<string, string | readonly string[]>();
  const encryptionContext = new Map<string, string>();
  for (const [name, view, list] of shape.standing) {
    const text = viewText(view, solution.values);
    context.set(name, list ? [text] : text);
  }
  for (const [lower, { name, value }] of solution.keys) {
    if (value === undefined || DERIVED.has(lower)) continue;
    if (lower.startsWith(PAIR) && lower.length > PAIR.length) {
      const tail = name.slice(PAIR.length);
      if (typeof value === "string") encryptionContext.set(contextName(tail, grantContext), value);
    } else if (lower === "kms:encryptioncontextkeys") {
      // The list is worked out last, and its spelling of a name is the one that conditions want.
      for (const k of typeof value === "string" ? [value] : value) {
        const same = [...encryptionContext.keys()].find((e) => e.toLowerCase() === k.toLowerCase());
        const before = same === undefined ? "x" : (encryptionContext.get(same) ?? "x");
        if (same !== undefined && same !== k) encryptionContext.delete(same);
        encryptionContext.set(k, before);
      }
    } else {
      context.set(canonical(lower, name), value);
    }
  }
  addCompanions(shape, action, context);
  const request: AccessRequest = {
    caller: shape.caller(solution.values),
    action: action.name,
    context: Object.fromEntries(context),
    time: solution.time,
    identity: ALLOWED,
    boundary: NO_POLICY,
    sessionPolicy: NO_POLICY,
    serviceControlPolicies: [],
  };
  return encryptionContext.size === 0
    ? request
    : { ...request, encryptionContext: Object.fromEntries(encryptionContext) };
}

const ALLOWED: AccessRequest["identity"] = { kind: "allow" };
const NO_POLICY = { kind: "absent" } as const;
const PAIR = "kms:encryptioncontext:";

/** A key as AWS writes it; of a family, as the policy does. */
function canonical(lower: string, written: string): string {
  const f = conditionKeyFacts(lower);
  return f === undefined || f.name.endsWith(":") || f.name.endsWith("/") ? written : f.name;
}

/** A grant's own spelling of a context key wins: whether the comparison minds the case is not documented. */
function contextName(tail: string, grant: Readonly<Record<string, string>> | undefined): string {
  if (grant === undefined) return tail;
  return Object.keys(grant).find((k) => k.toLowerCase() === tail.toLowerCase()) ?? tail;
}

/** Keys that come together: a request through a service or an endpoint shows it in all of them. */
function addCompanions(
  shape: Shape,
  action: ActionFacts,
  context: Map<string, string | readonly string[]>,
): void {
  if (shape.route === "via-service") {
    context.set("aws:ViaAWSService", "true");
    if (!context.has("kms:ViaService")) {
      const via = shape.model("kms:viaservice");
      if (via.kind === "scalar") context.set("kms:ViaService", via.domain.guess);
    }
  }
  if (action.keyGroups.includes("grant-for-aws-resource")) {
    const grant = shape.model("kms:grantisforawsresource");
    if (grant.kind === "const" && typeof grant.value === "string") {
      context.set("kms:GrantIsForAWSResource", grant.value);
    }
  }
}
