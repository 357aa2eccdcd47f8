import { analyze } from "../access/analyze.js";
import type { Grant } from "../domain/grant.js";
import type { ActionName } from "../domain/ids.js";
import type { KeyRecord } from "../domain/key.js";
import { EMPTY_ZONE } from "../domain/zone.js";
import type { AccountAnalysis } from "../iam/account.js";
import type { Policy, Statement } from "../policy/ast.js";
import { policyDoubts } from "../policy/doubtful.js";
import { parsePolicy } from "../policy/parse.js";
import { actionCovered } from "../semantics/action-match.js";
import { callerArn, parseCaller, principalArn } from "../semantics/arn.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Caller, KeyDocument } from "../semantics/request.js";
import type { OrganizationOf } from "../trust/zone.js";

const PUT_KEY_POLICY = "kms:PutKeyPolicy" as ActionName;

/** Users and roles of the key's account, where a snapshot has them. */
export interface OwnSide {
  readonly analysis: AccountAnalysis;
  /** Whether there is a user or role of this name; undefined where not all of them were read. */
  readonly exists: (kind: "user" | "role", name: string) => boolean | undefined;
}

/** What the search for somebody who can put a key policy goes by. */
export interface ManagerSearch {
  readonly record: KeyRecord;
  readonly organizationOf: OrganizationOf;
  /** Seconds since the epoch. */
  readonly now: number;
  /** What somebody is looked for who may do it; default kms:PutKeyPolicy. */
  readonly action?: ActionName;
  readonly own: OwnSide | undefined;
  /**
   * Whether a user or role exists that a policy names by its ARN. In a policy that was read it does: KMS shows the id of
   * a principal that was deleted.
   */
  readonly exists: (arn: string) => boolean;
}

export const REVOKE_GRANT = "kms:RevokeGrant" as ActionName;
export const CREATE_GRANT = "kms:CreateGrant" as ActionName;

/** Somebody of the key's own account who can put its policy. */
export type Manager =
  /** Without any condition that a plain request does not meet. `whose`: the root user, somebody named, somebody by IAM. */
  | {
      readonly kind: "plain";
      readonly whose: "root" | "named" | "iam";
      readonly who: readonly string[];
      readonly request: AccessRequest;
    }
  /** Only by a request that shows something about the caller: MFA, a tag, an organization. */
  | {
      readonly kind: "conditional";
      readonly who: string;
      readonly request: AccessRequest;
      /** False: only a user or role of a name that a condition asks for, and whether there is one is not known. */
      readonly exists: boolean;
    }
  /** Only from a network, or through a service: whether somebody can call so is not known. */
  | { readonly kind: "elsewhere"; readonly who: string; readonly request: AccessRequest }
  /** As far as AWS documents it, the root user. */
  | { readonly kind: "perhaps"; readonly request: AccessRequest }
  | { readonly kind: "undecided"; readonly reason: string; readonly disagreement: boolean }
  | { readonly kind: "nobody" };

/** On what keyward's two engines disagreed in the search; undefined: on nothing. */
export function disagreementOf(found: Manager): string | undefined {
  return found.kind === "undecided" && found.disagreement ? found.reason : undefined;
}

/** A key with these documents, as the reference takes it. */
export function keyDocument(record: KeyRecord, text: string, grants: readonly Grant[]): KeyDocument {
  const parsed = parsePolicy(text, { kind: "key", partition: record.facts.partition });
  const doubts = policyDoubts(parsed);
  return {
    facts: record.facts,
    policy: parsed.policy ?? NO_POLICY,
    grants,
    resourceControlPolicies: certainRcps(record),
    doubtfulStatements: doubts.notUnderstood,
    refusedStatements: doubts.refused,
  };
}

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Resource control policies of which everything was understood; a denial that may not hold proves nothing. */
export function certainRcps(record: KeyRecord): readonly Policy[] {
  return record.resourceControlPolicies.flatMap((text) => {
    const parsed = parsePolicy(text, { kind: "rcp" });
    const doubts = policyDoubts(parsed);
    if (parsed.policy === undefined || doubts.wholePolicy) return [];
    const statements = parsed.policy.statements.filter(
      (s) => !doubts.notUnderstood.has(s.index) && !doubts.refused.has(s.index),
    );
    return [{ ...parsed.policy, statements }];
  });
}

/**
 * Looks for somebody of the key's own account who can put its policy: the root user, by whose name the account also
 * delegates to its IAM policies; a user or role that the policy names; one to whom IAM policies give it, where they were
 * read; and at last, by the engine, somebody of whom a condition asks something. Grants never let anybody put a policy.
 * Source: KMS API reference, PutKeyPolicy, the lockout safety check; KMS Developer Guide, "Default key policy".
 */
export function findManager(text: string, search: ManagerSearch): Manager {
  const { record, now, own } = search;
  const { account, partition } = record.facts;
  const document = keyDocument(record, text, []);
  const rootRequest = putRequest({ kind: "root", account, partition }, now, search);
  const root = evaluate(rootRequest, document, KEY_STATE).outcome;
  if (root === "allow") {
    return { kind: "plain", whose: "root", who: [callerArn(rootRequest.caller)], request: rootRequest };
  }
  const named = ownPrincipals(document.policy.statements, account).flatMap((arn) => {
    const caller = parseCaller(arn);
    if (!caller.ok || !search.exists(arn) || !inIam(caller.value, own)) return [];
    const request = putRequest(caller.value, now, search);
    return evaluate(request, document, KEY_STATE).outcome === "allow" ? [{ arn, request }] : [];
  });
  const [first] = named;
  if (first !== undefined) {
    return { kind: "plain", whose: "named", who: named.map((m) => m.arn), request: first.request };
  }
  const byIam = iamManagers(document, search);
  if (byIam.certain !== undefined) return byIam.certain;
  const found = bySearch(text, document, search, byIam.conditional);
  if (found.kind !== "nobody") return found;
  return root === "unknown" ? { kind: "perhaps", request: rootRequest } : { kind: "nobody" };
}

const KEY_STATE = { ignoreKeyState: true } as const;

/** The same request at another time; whether it is still allowed then. */
export function putsLater(text: string, request: AccessRequest, record: KeyRecord, time: number): boolean {
  return evaluate({ ...request, time }, keyDocument(record, text, []), KEY_STATE).outcome === "allow";
}

/** Whether some request of this caller to put the policy is surely allowed. */
export function mayPut(text: string, request: AccessRequest, record: KeyRecord): boolean {
  return evaluate(request, keyDocument(record, text, []), KEY_STATE).outcome === "allow";
}

function putRequest(caller: Caller, now: number, { own, action }: ManagerSearch): AccessRequest {
  const root = caller.kind === "root";
  const service = root ? own?.analysis.serviceControl : undefined;
  return {
    caller,
    action: action ?? PUT_KEY_POLICY,
    context: {},
    time: now,
    identity: { kind: "none" },
    boundary: { kind: "absent" },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: service?.kind === "levels" ? service.levels.map(level) : [],
  };
}

/** The policies of one level as one: an action is allowed there if one of them allows it. */
function level(texts: readonly string[]): Policy {
  const statements = texts.flatMap((t) => parsePolicy(t, { kind: "scp" }).policy?.statements ?? []);
  return { version: "2012-10-17", id: undefined, statements };
}

/** False: all users and roles of the account were read, and this one is not among them. */
function inIam(caller: Caller, own: OwnSide | undefined): boolean {
  switch (caller.kind) {
    case "user":
      return own?.exists("user", caller.name) !== false;
    case "session":
      return own?.exists("role", caller.role) !== false;
    default:
      return true;
  }
}

/** Whom IAM policies let put it: surely, or if the request meets conditions. */
interface ByIam {
  readonly certain: Manager | undefined;
  readonly conditional: Caller | undefined;
}

function iamManagers(document: KeyDocument, search: ManagerSearch): ByIam {
  const { own, now, action = PUT_KEY_POLICY } = search;
  // What service control policies do that were not read, they do to the old policy as to the new one.
  const users = (own?.analysis.usersOf(document) ?? []).flatMap(({ principal, uses }) => {
    const caller = parseCaller(principal.arn);
    return uses
      .filter((u) => caller.ok && u.actions.includes(action))
      .map((use) => ({ arn: principal.arn, caller, certainty: use.ifPermitted }));
  });
  const certain = users.filter((u) => u.certainty === "certain");
  const conditional = users.find((u) => u.certainty === "conditional");
  const best = certain[0]?.caller;
  return {
    certain:
      best?.ok === true
        ? {
            kind: "plain",
            whose: "iam",
            who: certain.map((u) => u.arn),
            request: { ...putRequest(best.value, now, search), identity: { kind: "allow" } },
          }
        : undefined,
    conditional: conditional?.caller.ok === true ? conditional.caller.value : undefined,
  };
}

/** What a request may have to show about its caller. Lower case, families by their prefix. */
const ABOUT_THE_CALLER = [
  "aws:multifactorauthpresent",
  "aws:multifactorauthage",
  "aws:tokenissuetime",
  "aws:principaltag/",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:sourceidentity",
  "aws:requestedregion",
  "aws:securetransport",
];

function isAboutCaller(name: string): boolean {
  const lower = name.toLowerCase();
  return ABOUT_THE_CALLER.some((k) => (k.endsWith("/") ? lower.startsWith(k) : lower === k));
}

function isElsewhere({ context }: AccessRequest): boolean {
  return !Object.keys(context).every(isAboutCaller);
}

/** Asks the engine for any request by a caller of the own account; each is put to the reference. */
function bySearch(
  text: string,
  document: KeyDocument,
  search: ManagerSearch,
  byIam: Caller | undefined,
): Manager {
  const { record, now, organizationOf, action = PUT_KEY_POLICY } = search;
  const { facts } = record;
  const matrix = analyze({
    facts,
    policy: parsePolicy(text, { kind: "key", partition: facts.partition }),
    grants: [],
    resourceControlPolicies: document.resourceControlPolicies,
    zone: EMPTY_ZONE,
    organizationOf,
    now,
    scope: "all",
    only: { actions: [action] },
  });
  const [disagreement] = matrix.disagreements;
  if (disagreement !== undefined) return { kind: "undecided", reason: disagreement, disagreement: true };
  const named = new Set(ownPrincipals(document.policy.statements, facts.account));
  const found: { readonly request: AccessRequest; readonly exists: boolean }[] = [];
  for (const { actions, reach, witness } of matrix.accesses) {
    if (!actions.includes(action) || reach.kind === "not-before") continue;
    for (const { request, general } of ownRequests(witness.request, search, byIam)) {
      const arn = principalArn(request.caller);
      const isNamed = arn !== undefined && named.has(arn);
      if (isNamed && !search.exists(arn)) continue;
      if (evaluate(request, document, KEY_STATE).outcome !== "allow") continue;
      found.push({ request, exists: general || isNamed });
    }
  }
  // Who is surely there and has to show least stands for all.
  const rank = ({ request, exists }: (typeof found)[number]): number =>
    (isElsewhere(request) ? 1e6 : 0) + (exists ? 0 : 1e3) + Object.keys(request.context).length;
  const [best] = [...found].sort((x, y) => rank(x) - rank(y));
  if (best !== undefined) {
    const { request, exists } = best;
    const who = callerArn(request.caller);
    return isElsewhere(request)
      ? { kind: "elsewhere", who, request }
      : { kind: "conditional", who, request, exists };
  }
  const [undecided] = matrix.undecided;
  return undecided === undefined
    ? { kind: "nobody" }
    : { kind: "undecided", reason: undecided.reason, disagreement: false };
}

/**
 * The request of a witness as somebody of the own account makes it who exists, as far as that is known. A made-up role
 * of the account stands for all that IAM lets in, which counts where IAM was not read. Where anyone is let in, so is
 * somebody of the own account, unless that is denied: the reference is asked.
 */
function ownRequests(
  witness: AccessRequest,
  { record, now, own, action = PUT_KEY_POLICY }: ManagerSearch,
  byIam: Caller | undefined,
): readonly { readonly request: AccessRequest; readonly general: boolean }[] {
  const { account, partition } = record.facts;
  const { caller } = witness;
  if (caller.kind === "service") return [];
  const mine = caller.account === account;
  // Of the organization counts what is known; only at last, and only of the account itself, what a witness makes up.
  const known = Object.fromEntries(
    Object.entries(witness.context).filter(([name]) => !/^aws:principalorg(id|paths)$/i.test(name)),
  );
  const contexts = mine ? [known, witness.context] : [known];
  const role: Caller = { kind: "session", account, partition, role: "some-role", session: "session" };
  const user: Caller = { kind: "user", account, partition, name: "some-user" };
  const callers: { readonly caller: Caller; readonly general: boolean }[] = [
    { caller: { kind: "root", account, partition }, general: true },
    ...[role, user].filter((c) => inIam(c, own)).map((c) => ({ caller: c, general: true })),
    ...(byIam === undefined ? [] : [{ caller: byIam, general: true }]),
    // A condition on a unique id is met by one principal alone, of which nobody knows whether it still exists.
    ...(mine && inIam(caller, own) ? [{ caller: withoutId(caller), general: false }] : []),
  ];
  return callers.flatMap(({ caller: c, general }) =>
    contexts.map((context) => ({
      request: { ...witness, caller: c, context, action, time: now },
      general,
    })),
  );
}

function withoutId(caller: Caller): Caller {
  switch (caller.kind) {
    case "user":
      return { kind: "user", account: caller.account, partition: caller.partition, name: caller.name };
    case "session": {
      const { account, partition, role, rolePathUnknown, session } = caller;
      const path = rolePathUnknown === undefined ? {} : { rolePathUnknown };
      return { kind: "session", account, partition, role, ...path, session };
    }
    default:
      return caller;
  }
}

/** Users and roles of an account that Allow statements name. */
export function ownPrincipals(statements: readonly Statement[], account: string): readonly string[] {
  const found = new Set<string>();
  for (const s of statements) {
    if (s.effect !== "Allow" || s.principal.kind !== "principal") continue;
    for (const e of s.principal.entries) {
      if ((e.kind === "user" || e.kind === "role") && e.account === account) found.add(e.text);
    }
  }
  return [...found];
}

/** Whether the same statements decide about putting a policy, word for word. */
export function sameForPut(before: Policy, after: Policy): boolean {
  return sameStatements(before, after, PUT_KEY_POLICY);
}

/** Whether the same statements, word for word, decide about an action: wherever they stand, and nothing else does. */
export function sameStatements(before: Policy, after: Policy, action: ActionName): boolean {
  const text = (p: Policy): string =>
    JSON.stringify(
      p.statements
        .filter((s) => actionCovered(s.action, action).value !== "no")
        .map((s) => ({
          ...s,
          index: 0,
          path: [],
          conditions: s.conditions.map((c) => ({ ...c, path: [] })),
        })),
    );
  return text(before) === text(after);
}
