import type { Grant } from "../domain/grant.js";
import type { AccountId, ActionName } from "../domain/ids.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";
import { baseName } from "../semantics/arn.js";
import { evaluate } from "../semantics/evaluate.js";
import { globMatches, parseGlob } from "../semantics/glob.js";
import type {
  AccessRequest,
  Caller,
  Context,
  Decision,
  IdentitySide,
  KeyDocument,
} from "../semantics/request.js";
import { ServiceError } from "./errors.js";
import type { Identity } from "./identity.js";
import { PolicyCache } from "./policy-cache.js";
import { type SandboxKey, effectivePolicyText } from "./world/key.js";
import type { World } from "./world/world.js";

/** What a request carries beside caller, action and key. */
export interface RequestDetails {
  readonly context?: Context;
  readonly encryptionContext?: Readonly<Record<string, string>>;
  /** RetireGrant: the grant in question. */
  readonly grantId?: string;
}

/** Documents to judge by instead of the key's own. */
export interface Instead {
  readonly policy?: ParsedPolicy;
  readonly grants?: readonly Grant[];
  /** Judge as if the caller's identity policies allowed everything. */
  readonly identityAllows?: true;
}

const EMPTY_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Decides on requests, by the reference of `src/semantics` alone. Policies of organizations come from the snapshot. */
export class Access {
  readonly #world: World;
  readonly #keyPolicies = new PolicyCache({ kind: "key" });
  readonly #resourceControlPolicies = new PolicyCache({ kind: "rcp" });
  readonly #serviceControlPolicies = new PolicyCache({ kind: "scp" });
  readonly #levels = new Map<AccountId, readonly Policy[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The reference's answer. `now`: milliseconds since the epoch. */
  decide(
    identity: Identity,
    action: ActionName,
    key: SandboxKey,
    now: number,
    details: RequestDetails = {},
    instead: Instead = {},
  ): Decision {
    const { request, document } = this.question(identity, action, key, now, details, instead);
    return evaluate(request, document);
  }

  /** The request and the documents as the reference gets them. */
  question(
    identity: Identity,
    action: ActionName,
    key: SandboxKey,
    now: number,
    details: RequestDetails = {},
    instead: Instead = {},
  ): { readonly request: AccessRequest; readonly document: KeyDocument } {
    const request: AccessRequest = {
      caller: identity.caller,
      action,
      context: { ...this.organizationKeys(identity), ...identity.context, ...details.context },
      ...(details.encryptionContext === undefined ? {} : { encryptionContext: details.encryptionContext }),
      ...(details.grantId === undefined ? {} : { grantId: details.grantId }),
      time: now / 1000,
      identity: instead.identityAllows === true ? { kind: "allow" } : identitySide(identity, action),
      boundary: identity.boundary,
      serviceControlPolicies: this.serviceControlPolicies(identity.account),
      sessionPolicy: identity.sessionPolicy,
    };
    const grants = grantsInQuestion(request, instead.grants ?? key.grants.active);
    return { request, document: this.#document(key, instead, grants) };
  }

  /**
   * Lets an allowed request pass.
   * @throws ServiceError as KMS refuses it: AccessDeniedException, or what the kind of key makes impossible.
   */
  require(
    identity: Identity,
    action: ActionName,
    key: SandboxKey,
    now: number,
    details: RequestDetails = {},
    instead: Instead = {},
  ): Decision {
    const decision = this.decide(identity, action, key, now, details, instead);
    if (decision.outcome === "allow") return decision;
    const rule = decision.sources.find((s) => s.kind === "kms-rule");
    if (rule?.rule === "key-type") throw wrongKind(key, action);
    const identityMissing =
      instead.identityAllows !== true &&
      decision.reason === "implicit-deny" &&
      this.decide(identity, action, key, now, details, { ...instead, identityAllows: true }).outcome ===
        "allow";
    throw accessDenied(identity, action, key, decision, identityMissing);
  }

  /**
   * Service control policies that bind an account, one for each level of the organization: what is attached at one
   * level is alternatives, and every level must allow.
   */
  serviceControlPolicies(account: AccountId | undefined): readonly Policy[] {
    if (account === undefined) return [];
    const known = this.#levels.get(account);
    if (known !== undefined) return known;
    const levels = this.#world.serviceControlLevels(account).map((texts): Policy => {
      const policies = texts.flatMap((text) => this.#serviceControlPolicies.parse(text).policy ?? []);
      return {
        version: policies[0]?.version ?? "2012-10-17",
        id: undefined,
        statements: policies.flatMap((p) => p.statements),
      };
    });
    this.#levels.set(account, levels);
    return levels;
  }

  /** Resource control policies that bind the roles of an account. */
  resourceControlOf(account: AccountId): readonly Policy[] {
    return this.#world
      .resourceControlOf(account)
      .flatMap((text) => this.#resourceControlPolicies.parse(text).policy ?? []);
  }

  #document(key: SandboxKey, instead: Instead, grants: readonly Grant[]): KeyDocument {
    const parsed = instead.policy ?? this.#keyPolicies.parse(effectivePolicyText(key));
    return {
      facts: this.#world.facts(key),
      policy: parsed.policy ?? EMPTY_POLICY,
      grants,
      resourceControlPolicies: this.#world
        .resourceControlPolicies(key)
        .flatMap((text) => this.#resourceControlPolicies.parse(text).policy ?? []),
      doubtfulStatements: statementsOfLevel(parsed, "not-understood"),
      refusedStatements: statementsOfLevel(parsed, "refused"),
    };
  }

  /** AWS knows the organization of every caller; the reference derives it only within the key's account. */
  organizationKeys(identity: Identity): Context {
    return identity.account === undefined ? {} : this.#membershipKeys(identity.account, "Principal");
  }

  /** What a request holds about the account and the organization of its resource. */
  resourceKeys(account: AccountId): Context {
    return { "aws:ResourceAccount": account, ...this.#membershipKeys(account, "Resource") };
  }

  #membershipKeys(account: AccountId, of: "Principal" | "Resource"): Context {
    const membership = this.#world.membership(account);
    if (membership === undefined) return {};
    return {
      [`aws:${of}OrgID`]: membership.id,
      ...(membership.path === undefined ? {} : { [`aws:${of}OrgPaths`]: [membership.path] }),
    };
  }
}

/**
 * A key can have 50,000 grants. Those that cannot say anything about a request are not put before the reference: they
 * do not list the operation, or their grantee has another name than the caller.
 */
function grantsInQuestion(request: AccessRequest, grants: readonly Grant[]): readonly Grant[] {
  const operation = request.action.slice("kms:".length);
  if (operation === "RetireGrant") {
    return request.grantId === undefined ? grants : grants.filter((g) => g.GrantId === request.grantId);
  }
  return grants.filter(
    (g) => (g.Operations?.includes(operation) ?? true) && mayName(g.GranteePrincipal, request.caller),
  );
}

const ORDINARY_GRANTEE = /^arn:[^:]+:(?:iam|sts)::([0-9]{12}):(?:user|role|assumed-role)\/[\w+=,.@/-]+$/;

/** False only for the ARN of a user, role or session that is certainly not the caller. */
function mayName(grantee: string | undefined, caller: Caller): boolean {
  if (grantee === undefined || (caller.kind !== "user" && caller.kind !== "session")) return true;
  const account = ORDINARY_GRANTEE.exec(grantee)?.[1];
  if (account === undefined) return true;
  return (
    account === caller.account &&
    grantee.includes(baseName(caller.kind === "user" ? caller.name : caller.role))
  );
}

function statementsOfLevel(parsed: ParsedPolicy, level: "not-understood" | "refused"): ReadonlySet<number> {
  return new Set(parsed.diagnostics.flatMap((d) => (d.level === level ? (d.statement ?? []) : [])));
}

function identitySide(identity: Identity, action: string): IdentitySide {
  return deniedByList(identity, action) ? { kind: "deny" } : identity.policies;
}

/** Whether the caller's `deny` list covers an action. */
export function deniedByList(identity: Identity, action: string): boolean {
  return identity.deny.some((p) => globMatches(parseGlob(p.toLowerCase()), action.toLowerCase()));
}

function wrongKind(key: SandboxKey, action: ActionName): ServiceError {
  return new ServiceError(
    "InvalidKeyUsageException",
    `${key.arn} key usage is ${key.usage} with key spec ${key.spec}, which is not valid for ${action.slice(action.indexOf(":") + 1)}.`,
  );
}

/**
 * The refusal in the wording of AWS. Across accounts KMS does not say whether the key exists.
 * Source: IAM User Guide, "Troubleshoot access denied error messages".
 */
function accessDenied(
  identity: Identity,
  action: ActionName,
  key: SandboxKey,
  decision: Decision,
  identityMissing: boolean,
): ServiceError {
  const explicit = decision.reason === "explicit-deny";
  const source = explicit ? decision.sources[0]?.kind : undefined;
  const foreign = identity.account !== key.account;
  const who = `User: ${identity.arn} is not authorized to perform: ${action}`;
  const because = (): string => {
    if (identityMissing) return `because no identity-based policy allows the ${action} action`;
    if (source !== undefined && source !== "statement")
      return `with an explicit deny in ${POLICY_NAMES[source]}`;
    if (foreign) return FOREIGN;
    return explicit
      ? `with an explicit deny in ${POLICY_NAMES.statement}`
      : `because no resource-based policy allows the ${action} action`;
  };
  const reason = because();
  const resource = reason === FOREIGN ? "on this resource" : `on resource: ${key.arn}`;
  return new ServiceError("AccessDeniedException", `${who} ${resource} ${reason}`, 400, hintOf(decision));
}

const FOREIGN =
  "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access";

const POLICY_NAMES = {
  statement: "a resource-based policy",
  grant: "a resource-based policy",
  "kms-rule": "a resource-based policy",
  "resource-control-policy": "a resource control policy",
  identity: "an identity-based policy",
  boundary: "a permissions boundary",
  "session-policy": "a session policy",
  "service-control-policy": "a service control policy",
} as const;

function hintOf(decision: Decision): string {
  const doubts = decision.doubts.map((d) => d.id).join(",");
  return `${decision.outcome}; ${decision.reason}${doubts === "" ? "" : `; doubts: ${doubts}`}`;
}

/** A key of another account that is not there: the same answer as for one that is closed. */
export function foreignKeyMissing(identity: Identity, action: string): ServiceError {
  return new ServiceError(
    "AccessDeniedException",
    `User: ${identity.arn} is not authorized to perform: ${action} on this resource ${FOREIGN}`,
  );
}
