import type { AccountId } from "../../src/domain/ids.js";
import type { KeyFacts } from "../../src/domain/key.js";
import type { Policy } from "../../src/policy/ast.js";
import { parsePolicyValue } from "../../src/policy/parse.js";
import type { AccessRequest, IdentitySide, Limit } from "../../src/semantics/request.js";
import type { Random } from "./random.js";
import { ROLE_ID, USER_ID } from "./vocabulary.js";

function policy(effect: "Allow" | "Deny", kind: "identity" | "scp"): Policy {
  const parsed = parsePolicyValue(
    { Version: "2012-10-17", Statement: [{ Effect: effect, Action: "kms:*", Resource: "*" }] },
    { kind },
  );
  if (parsed.policy === undefined) throw new Error("the generator's own policy is wrong");
  return parsed.policy;
}

const ALLOW = policy("Allow", "identity");
const DENY = policy("Deny", "identity");
const SCP_ALLOW = policy("Allow", "scp");
const SCP_DENY = policy("Deny", "scp");

/**
 * The request of somebody whose own policies say something: what only the reference judges. Some of the callers are of
 * the key's own account, or have a unique id that a policy names.
 */
export function withOwnSide(r: Random, request: AccessRequest, facts: KeyFacts): AccessRequest {
  const { caller } = request;
  const identity = r.pick<IdentitySide>([
    { kind: "allow" },
    { kind: "allow" },
    { kind: "none" },
    { kind: "deny" },
    { kind: "policies", policies: [ALLOW] },
    { kind: "policies", policies: [ALLOW, DENY] },
  ]);
  const limit = (): Limit =>
    r.pick<Limit>([
      { kind: "absent" },
      { kind: "absent" },
      { kind: "allow" },
      { kind: "implicit-deny" },
      { kind: "policy", policy: ALLOW },
    ]);
  const account: AccountId = caller.kind !== "service" && r.chance(25) ? facts.account : ("" as AccountId);
  const moved = caller.kind === "service" || account === "" ? caller : { ...caller, account };
  const known =
    r.chance(8) && moved.kind === "user"
      ? { ...moved, uniqueId: USER_ID }
      : r.chance(8) && moved.kind === "session"
        ? { ...moved, uniqueId: ROLE_ID }
        : moved;
  return {
    ...request,
    caller: known,
    identity,
    boundary: limit(),
    sessionPolicy: limit(),
    serviceControlPolicies: r.pick([[], [], [SCP_ALLOW], [SCP_ALLOW, SCP_DENY]]),
  };
}
