import type { Policy } from "../policy/ast.js";
import { principalArn } from "../semantics/arn.js";
import type { Caller, Context, Limit } from "../semantics/request.js";
import { type Identity, makeIdentity } from "./identity.js";
import { PolicyCache } from "./policy-cache.js";
import type { World } from "./world/world.js";

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Gives callers the policies, boundary, tags and unique id that the snapshot has for them. */
export class CallerPolicies {
  readonly #world: World;
  readonly #parsed = new PolicyCache({ kind: "identity" });

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether the user or role behind a caller exists, as far as the sandbox knows. */
  exists(identity: Identity): boolean {
    const arn = principalArn(identity.caller);
    return arn === undefined || this.#world.iam.mayExist(arn);
  }

  /** The identity with what the snapshot knows of it. What the callers file states stands. */
  complete(identity: Identity): Identity {
    const arn = principalArn(identity.caller);
    if (identity.stated || arn === undefined) return identity;
    const { iam } = this.#world;
    const entity = iam.user(arn) ?? iam.role(arn);
    const known = iam.policiesOf(arn);
    if (entity === undefined || known === undefined) return identity;
    const boundary: Limit =
      known.boundary === undefined
        ? { kind: "absent" }
        : { kind: "policy", policy: this.#policy(known.boundary) };
    const made = makeIdentity(withUniqueId(identity.caller, entity.id), {
      policies: { kind: "policies", policies: known.texts.map((text) => this.#policy(text)) },
      deny: identity.deny,
      context: { ...tagKeys(entity.tags), ...identity.context },
      sessionPolicy: identity.sessionPolicy,
    });
    return { ...made, boundary };
  }

  #policy(text: string): Policy {
    return this.#parsed.parse(text).policy ?? NO_POLICY;
  }
}

function withUniqueId(caller: Caller, id: string | undefined): Caller {
  return id === undefined || (caller.kind !== "user" && caller.kind !== "session")
    ? caller
    : { ...caller, uniqueId: id };
}

function tagKeys(tags: Readonly<Record<string, string>> | undefined): Context {
  return Object.fromEntries(Object.entries(tags ?? {}).map(([k, v]) => [`aws:PrincipalTag/${k}`, v]));
}
