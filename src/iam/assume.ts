import type { AccountIam, IamPrincipal, IdentityDocument, ServiceControl } from "../domain/iam.js";
import type { Condition, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { baseName } from "../semantics/arn.js";
import { conditionHolds } from "../semantics/condition-match.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { ContextEntry, RequestContext } from "../semantics/derive-context.js";
import { callerKeys, lowerCased } from "../semantics/derive-context.js";
import { policySays } from "../semantics/identity.js";
import { entryNames } from "../semantics/principal-match.js";
import { all, any, atMostDoubtful, doubtful, NO, not, YES, type Tri } from "../semantics/tri.js";
import type { KmsDocument } from "./documents.js";
import { Documents } from "./documents.js";
import { callerOf } from "./caller.js";
import type { OwnedDocument, PrincipalSide } from "./sides.js";
import { isBound, Sides } from "./sides.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { TrustContext } from "./outsider.js";
import type { Trust } from "./trust-policy.js";
import { denied } from "./trust-policy.js";
import { trustOf } from "./trust.js";

/** That a session of one role may assume another role. */
export interface Hop {
  readonly from: IamPrincipal;
  readonly to: IamPrincipal;
  /** False: a condition decides, or something was not read or not understood. */
  readonly certain: boolean;
  /** The statement of the trust policy of `to` that lets it in, from 0. */
  readonly statement: number;
  /** The policies of `from` that allow it; empty where the trust policy alone does. */
  readonly documents: readonly IdentityDocument[];
  /** Conditions that decide, as the policies say them. */
  readonly conditions: readonly Condition[];
}

/** The action by which roles are assumed one from the other. */
export const ASSUME = "sts:AssumeRole";
const OPEN: ContextEntry = { kind: "unknown", present: false, doubt: "request-open" };

/** What decides on the side of the role that assumes, and its documents as they are attached. */
export interface AssumeSide {
  readonly side: PrincipalSide;
  readonly owned: readonly OwnedDocument[];
}

/**
 * Which roles of an account a role of it may assume: the trust policy of the other must name it, or the account or
 * everybody and then its own policies must allow sts:AssumeRole on the other; neither these, its boundary, service control
 * nor resource control policies may deny. Sources: IAM User Guide, "Roles terms and concepts" (role chaining) and "Policy
 * evaluation for requests within a single account"; AWS STS API Reference, AssumeRole: a principal of the same account
 * that the trust policy names by its ARN needs no policy of its own.
 */
export class Hops {
  private readonly sides: Sides;
  private readonly known = new Map<IamPrincipal, AssumeSide>();
  /** Roles by what their trust policies name: one role, one unique id, or (under "") the account or everybody. */
  private readonly byNamed = new Map<string, IamPrincipal[]>();

  constructor(
    iam: AccountIam,
    serviceControl: ServiceControl,
    private readonly context: TrustContext,
  ) {
    this.sides = new Sides(serviceControl, new Documents([ASSUME]));
    for (const role of iam.principals) {
      for (const called of new Set(this.trustOf(role)?.allows.flatMap(namedBy) ?? [])) {
        const roles = this.byNamed.get(called);
        if (roles === undefined) this.byNamed.set(called, [role]);
        else roles.push(role);
      }
    }
  }

  /** Roles that this one may perhaps assume; the others it cannot. */
  *candidates(from: IamPrincipal): Iterable<IamPrincipal> {
    yield* this.byNamed.get(`role ${baseName(from.name)}`) ?? [];
    if (from.uniqueId !== undefined) yield* this.byNamed.get(from.uniqueId) ?? [];
    yield* this.byNamed.get("*") ?? [];
    const { side } = this.sideOf(from);
    const trusting = this.byNamed.get("account") ?? [];
    const only = side.uncertain ? undefined : allowedByName(side.documents);
    if (only === undefined) yield* trusting;
    // Mostly a policy names the few roles that it is about.
    else if (only.size > 0) yield* trusting.filter((to) => only.has(to.arn));
  }

  /** Whether, and by what, a session of a role may assume another one; undefined: it cannot. */
  hop(from: IamPrincipal, to: IamPrincipal): Hop | undefined {
    const trust = this.trustOf(to);
    if (trust === undefined || from === to) return undefined;
    return mayAssume(from, this.sideOf(from), to, trust, this.context);
  }

  /** What decides for a role when it assumes another. */
  sideOf(principal: IamPrincipal): AssumeSide {
    const known = this.known.get(principal);
    if (known !== undefined) return known;
    const made = this.sides.of(principal);
    this.known.set(principal, made);
    return made;
  }

  private trustOf(role: IamPrincipal): Trust | undefined {
    return trustOf(role, this.context);
  }
}

/**
 * Whether a session of one role may assume another one, of the same account or of another: then the trust policy must let
 * it in, whether by its ARN or by its account, and its own policies and its boundary must allow it too. Source: IAM User Guide, "Cross-account
 * policy evaluation logic".
 */
export function mayAssume(
  from: IamPrincipal,
  { side, owned }: AssumeSide,
  to: IamPrincipal,
  trust: Trust,
  { organizationOf }: Pick<TrustContext, "organizationOf">,
): Hop | undefined {
  const context = requestOf(from, to, organizationOf);
  const target = { action: ASSUME, facts: { arn: to.arn }, context };
  const says = side.documents.map((d) => ({ d, ...policySays(d.policy, target) }));
  const boundary = side.boundary === undefined ? undefined : policySays(side.boundary.policy, target);
  const above = isBound(from) ? side.serviceControl.map((d) => policySays(d.policy, target)) : [];
  const stopped = any([
    ...says.map((s) => s.denies),
    boundary?.denies ?? NO,
    ...above.map((s) => s.denies),
    denied(trust, to, ASSUME, context, (s) => means(s, from, "Deny").matches),
  ]);
  const limit = boundary?.allows ?? YES;
  const organization = all(above.map((s) => s.allows));
  const allowed = any(says.map((s) => s.allows));
  // What was not read of its policies may allow.
  const own = side.uncertain ? any([allowed, doubtful("caller-fact-unknown")]) : allowed;
  const abroad = from.account !== to.account;
  let best: Hop | undefined;
  for (const statement of trust.allows) {
    const covered = actionCovered(statement.action, ASSUME);
    if (covered.value === "no") continue;
    const named = means(statement, from, "Allow");
    const needs = abroad ? "policy" : named.needs;
    const holds = statement.conditions.map((c) => conditionHolds(c, trust.version, context));
    const needed = needs === "nothing" ? YES : needs === "policy" ? own : any([own, OPEN_TRI]);
    const within = abroad || named.limited === "surely" ? limit : any([limit, NOT_LIMITED[named.limited]]);
    const lets = all([covered, named.matches, ...holds, needed, within, organization, not(stopped)]);
    if (lets.value === "no") continue;
    const documents = says.filter((s) => s.allows.value !== "no").map((s) => s.d);
    const hop: Hop = {
      from,
      to,
      certain:
        lets.value === "yes" &&
        !side.uncertain &&
        !trust.unclear &&
        !trust.notUnderstood.has(statement.index) &&
        !side.serviceControlUnread,
      statement: statement.index,
      documents:
        needs === "nothing" ? [] : owned.filter((o) => documents.includes(o.kms)).map((o) => o.document),
      conditions: statement.conditions.filter((_, i) => holds[i]?.value === "doubtful"),
    };
    if (hop.certain) return hop;
    best ??= hop;
  }
  return best;
}

/** What a request of the first role to assume the second holds; what it can choose, and what was not read, is open. */
function requestOf(from: IamPrincipal, to: IamPrincipal, organizationOf: OrganizationOf): RequestContext {
  const rows = lowerCased(callerKeys(callerOf(from)));
  const caller = organizationOf.get(from.account);
  const owner = organizationOf.get(to.account);
  return {
    stated: new Map(),
    derived: (key) => {
      switch (key) {
        // The session's name is part of it, and whoever holds the first session has chosen that.
        case "aws:userid":
          return OPEN;
        case "aws:principalorgid":
          return organizationEntry(caller);
        case "aws:resourceorgid":
          return organizationEntry(owner);
        case "aws:principalorgpaths":
          return pathEntry(caller);
        case "aws:resourceorgpaths":
          return pathEntry(owner);
        case "aws:resourceaccount":
          return { kind: "values", values: [to.account] };
        case "aws:sourceaccount":
        case "aws:sourcearn":
        case "aws:sourceorgid":
        case "aws:sourceorgpaths":
          return { kind: "absent" };
        default:
          if (conditionKeyFacts(key)?.origin === "transport") return { kind: "values", values: ["true"] };
          return rows.get(key) ?? OPEN;
      }
    },
    entries: () => new Map(),
    tagsKnown: false,
  };
}

type Membership = ReturnType<OrganizationOf["get"]>;

function organizationEntry(membership: Membership): ContextEntry {
  if (membership === undefined) return OPEN;
  return membership === null ? { kind: "absent" } : { kind: "values", values: [membership.id] };
}

function pathEntry(membership: Membership): ContextEntry {
  if (membership === null) return { kind: "absent" };
  return membership?.path === undefined ? OPEN : { kind: "values", values: [membership.path] };
}

/** The ARNs of what documents allow to be assumed; undefined where they do not name them one by one. */
export function allowedByName(documents: readonly KmsDocument[]): ReadonlySet<string> | undefined {
  const found = new Set<string>();
  for (const { resource, effect } of documents.flatMap((d) => d.policy.statements)) {
    if (effect !== "Allow" || resource.kind === "missing") continue;
    if (resource.kind !== "listed" || resource.patterns.some((p) => /[*?$]/.test(p))) return undefined;
    for (const arn of resource.patterns) found.add(arn);
  }
  return found;
}

const OPEN_TRI = doubtful("request-open");

/** What else a role needs that a statement names. `perhaps`: AWS does not say whether it needs a policy of its own. */
type Needs = "nothing" | "policy" | "perhaps";

/**
 * Whether a permissions boundary that says nothing keeps the role from what a statement allows it. Not where the statement
 * names the session; whether where it names everybody, AWS does not say for trust policies. Source: IAM User Guide,
 * "Policy evaluation for requests within a single account", resource-based policies.
 */
type Limited = "surely" | "perhaps" | "no";
const NOT_LIMITED = { perhaps: doubtful("request-open"), no: YES } as const;

/** Whether, and how, a statement means a session of a role. */
function means(
  { principal }: Statement,
  from: IamPrincipal,
  effect: "Allow" | "Deny",
): { readonly matches: Tri; readonly needs: Needs; readonly limited: Limited } {
  if (principal.kind === "missing") return { matches: NO, needs: "nothing", limited: "surely" };
  const caller = callerOf(from);
  // A session is named by a name that whoever assumes the first role may choose.
  const session = principal.entries.some(
    (e) => e.kind === "session" && e.account === from.account && e.role === baseName(from.name),
  );
  const others = principal.entries.filter((e) => e.kind !== "session");
  const entries = others.map((entry) => entryNames(entry, effect, caller));
  const otherwise = any(entries.map((e) => e.matches));
  const matches = session ? any([otherwise, OPEN_TRI]) : otherwise;
  if (principal.kind === "not-principal") {
    const perhaps = atMostDoubtful(not(matches), "not-principal-allow");
    return { matches: perhaps, needs: "perhaps", limited: "perhaps" };
  }
  if (session && otherwise.value !== "yes") return { matches, needs: "nothing", limited: "no" };
  const ways = new Set(entries.filter((e) => e.matches.value === "yes").map((e) => e.way));
  const perhaps = session || ways.has("everyone");
  return {
    matches,
    needs: ways.has("role") ? "nothing" : perhaps || !ways.has("account") ? "perhaps" : "policy",
    limited: perhaps ? "perhaps" : "surely",
  };
}

/** By what a statement names roles of the account: see {@link Hops.candidates}. */
function namedBy({ principal }: Statement): readonly string[] {
  if (principal.kind === "missing") return [];
  if (principal.kind === "not-principal") return ["*"];
  return principal.entries.map((e) => {
    switch (e.kind) {
      case "role":
        return `role ${baseName(e.name)}`;
      case "session":
        return `role ${e.role}`;
      case "unique-id":
        return e.id;
      case "account":
        return "account";
      case "everyone":
        return "*";
      case "user":
      case "federated-user":
      case "service":
      case "refused":
        return "nobody";
    }
  });
}
