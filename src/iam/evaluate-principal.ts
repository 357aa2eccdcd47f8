import type { Grant } from "../domain/grant.js";
import type { IamPrincipal } from "../domain/iam.js";
import type { AccountId } from "../domain/ids.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { Policy, Statement } from "../policy/ast.js";
import { KMS_KEY_ACTIONS, suitsKey, worksInState, type ActionFacts } from "../semantics/actions.js";
import { baseName, parsePrincipal } from "../semantics/arn.js";
import { conditionHolds } from "../semantics/condition-match.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { deriveContext, withOpenKeys } from "../semantics/derive-context.js";
import { doubt } from "../semantics/doubts.js";
import { evaluate } from "../semantics/evaluate.js";
import { policySays } from "../semantics/identity.js";
import { entryNames } from "../semantics/principal-match.js";
import type {
  AccessRequest,
  Caller,
  Context,
  Decision,
  IdentitySide,
  KeyDocument,
  Source,
} from "../semantics/request.js";
import { statementFits, type StatementTarget } from "../semantics/statement-match.js";
import { callerOf, sessionNames, withSession } from "./caller.js";
import type { KmsDocument } from "./documents.js";
import { coverage, KEY_ACTION_NAMES, keysOf } from "./documents.js";
import type { PrincipalSide } from "./sides.js";
import type { KeyUse, OpenCondition } from "./use.js";

/** The key and its documents, and what of them has to be looked at again and again. */
export interface KeySide {
  readonly document: KeyDocument;
  /** For each statement of the key policy and then of the RCPs: which actions it covers. */
  readonly statements: readonly (readonly boolean[])[];
  /** Condition keys of the key policy and of the RCPs. */
  readonly keys: ReadonlySet<string>;
}

/**
 * What a principal can do with a key, whatever it may choose about its requests. The reference decides; keys that the
 * principal can choose, or that depend on where and when it calls, are left open. Over-approximated: what is left out
 * cannot be done by any request.
 */
export function usesOf(
  principal: IamPrincipal,
  side: PrincipalSide,
  key: KeySide,
  organization?: CallerOrganization,
): readonly KeyUse[] {
  // A role's session name is part of aws:userid, and whoever assumes the role chooses that.
  const chosenUserId = principal.kind === "role" && principal.uniqueId === undefined;
  const identity = { kind: "policies", policies: side.documents.map((d) => d.policy) } as const;
  return usesOfCaller({ caller: callerOf(principal), identity, chosenUserId, organization }, side, key);
}

/** A request, and the reference's answer to it. */
export interface Witness {
  readonly request: AccessRequest;
  readonly decision: Decision;
}

/** The first plain request for one of these actions that the reference allows a principal; see {@link usesOf}. */
export function witnessOf(
  principal: IamPrincipal,
  side: PrincipalSide,
  key: KeySide,
  actions: readonly string[],
  organization?: CallerOrganization,
): Witness | undefined {
  const identity = { kind: "policies", policies: side.documents.map((d) => d.policy) } as const;
  const asker: Asker = { caller: callerOf(principal), identity, chosenUserId: false, organization };
  const grants = key.document.grants.filter((g) => namesCaller(g, asker.caller));
  for (const action of KMS_KEY_ACTIONS.filter((a) => actions.includes(a.name))) {
    for (const request of variants(asker, action, side, key, grants)) {
      const decision = evaluate(request, key.document);
      if (decision.outcome === "allow") return { request, decision };
    }
  }
  return undefined;
}

/** The organization that callers of another account than the key's belong to; null: none; undefined: not known. */
export type CallerOrganization = { readonly id: string; readonly path?: string } | null | undefined;

/**
 * What the root user of an account, by default the key's, can do with a key. No identity policy and no boundary binds it, service control
 * policies do. Source: IAM User Guide, "AWS account root user"; Organizations User Guide, "SCP effects on permissions".
 */
export function rootUses(
  serviceControl: readonly KmsDocument[],
  key: KeySide,
  {
    uncertain = false,
    serviceControlUnread = false,
    account = key.document.facts.account,
    organization,
  }: {
    readonly uncertain?: boolean;
    readonly serviceControlUnread?: boolean;
    readonly account?: AccountId;
    readonly organization?: CallerOrganization;
  } = {},
): readonly KeyUse[] {
  const { partition } = key.document.facts;
  const side: PrincipalSide = {
    documents: [],
    boundary: undefined,
    serviceControl,
    uncertain,
    serviceControlUnread,
  };
  const caller: Caller = { kind: "root", account, partition };
  return usesOfCaller({ caller, identity: { kind: "allow" }, chosenUserId: false, organization }, side, key);
}

/** Who asks, and what it may choose about itself. */
interface Asker {
  readonly caller: Caller;
  readonly identity: IdentitySide;
  /** The caller may give aws:userid any value. */
  readonly chosenUserId: boolean;
  /** Of a caller of another account than the key's; that of the key's own follows from the key. */
  readonly organization: CallerOrganization;
}

/** What a request holds of its caller's organization, where the caller is of another account than the key. */
function organizationContext({ caller, organization }: Asker, key: KeySide): Context {
  if (caller.kind === "service" || caller.account === key.document.facts.account) return {};
  if (organization === undefined || organization === null) return {};
  const { id, path } = organization;
  return {
    "aws:PrincipalOrgID": id,
    ...(path === undefined ? {} : { "aws:PrincipalOrgPaths": [path] }),
  };
}

/** Of these it is not known what a request of the caller holds. */
function unknownOrganization({ caller, organization }: Asker, key: KeySide): readonly string[] {
  if (caller.kind === "service" || caller.account === key.document.facts.account) return [];
  if (organization === undefined) return ["aws:principalorgid", "aws:principalorgpaths"];
  return organization !== null && organization.path === undefined ? ["aws:principalorgpaths"] : [];
}

function usesOfCaller(asker: Asker, side: PrincipalSide, key: KeySide): readonly KeyUse[] {
  const { caller } = asker;
  const open = openKeys(asker, side, key);
  const grants = key.document.grants.filter((g) => namesCaller(g, caller));
  const found = new Map<string, KeyUse & { readonly actions: ActionFacts["name"][] }>();
  for (const group of actionGroups(side, key, grants)) {
    const [first] = group;
    if (first === undefined) continue;
    const best = bestAnswer(variants(asker, first, side, key, grants), key, open);
    if (best === undefined) continue;
    const use = describe(best, side, key, open);
    const id = JSON.stringify([
      use.certainty,
      use.doubts,
      use.sources,
      use.documents.map((d) => side.documents.indexOf(d)),
      use.conditions,
    ]);
    const same = found.get(id);
    const names = group.map((a) => a.name);
    if (same === undefined) found.set(id, { ...use, actions: names, capabilities: [] });
    else same.actions.push(...names);
  }
  return [...found.values()].map((use) => {
    const reached = new Set(
      KMS_KEY_ACTIONS.filter((a) => use.actions.includes(a.name)).map((a) => a.capability),
    );
    return { ...use, capabilities: CAPABILITIES.filter((c) => reached.has(c)) };
  });
}

/** Actions that no document can tell apart, and that need the same of the key, are decided together. */
function actionGroups(
  side: PrincipalSide,
  key: KeySide,
  grants: readonly Grant[],
): readonly (readonly ActionFacts[])[] {
  const vectors = [
    ...key.statements,
    ...side.documents.flatMap((d) => d.actions),
    ...(side.boundary?.actions ?? []),
    ...side.serviceControl.flatMap((d) => d.actions),
  ];
  const { facts } = key.document;
  const groups = new Map<string, ActionFacts[]>();
  KMS_KEY_ACTIONS.forEach((action, index) => {
    if (!suitsKey(action, facts.usage, facts.spec) || !worksInState(action, facts.state)) return;
    const granted = grants.map((g) =>
      Number(g.Operations?.includes(action.name.slice("kms:".length)) ?? true),
    );
    const id = [
      vectors.map((v) => Number(v[index] === true)).join(""),
      granted.join(""),
      String(action.keyPolicy),
      String(action.grantable),
      String(action.crossAccount),
      action.keyGroups.includes("encryption-algorithm"),
      action.keyGroups.includes("encryption-context"),
    ].join("|");
    const same = groups.get(id);
    if (same === undefined) groups.set(id, [action]);
    else same.push(action);
  });
  return [...groups.values()];
}

/** The requests that are tried: plain, as each session that the key names, and as each grant asks for. */
function variants(
  asker: Asker,
  action: ActionFacts,
  side: PrincipalSide,
  key: KeySide,
  grants: readonly Grant[],
): readonly AccessRequest[] {
  const { caller, identity } = asker;
  const context = organizationContext(asker, key);
  const base: AccessRequest = {
    caller,
    action: action.name,
    context,
    time: 0,
    identity,
    boundary:
      side.boundary === undefined ? { kind: "absent" } : { kind: "policy", policy: side.boundary.policy },
    sessionPolicy: { kind: "absent" },
    serviceControlPolicies: side.serviceControl.map((d) => d.policy),
  };
  const sessions = sessionNames(caller, key.document).map((session) => ({
    ...base,
    caller: withSession(caller, session),
  }));
  const granted = grants.flatMap((g): AccessRequest[] => {
    const {
      EncryptionContextEquals: equals,
      EncryptionContextSubset: subset,
      SourceArn: source,
    } = g.Constraints ?? {};
    const pairs = { ...subset, ...equals };
    if (Object.keys(pairs).length === 0 && source === undefined) return [];
    return [
      {
        ...base,
        encryptionContext: pairs,
        context: source === undefined ? context : { ...context, "aws:SourceArn": source },
      },
    ];
  });
  return [base, ...sessions, ...granted];
}

interface Answer {
  readonly request: AccessRequest;
  readonly decision: Decision;
}

function bestAnswer(
  requests: readonly AccessRequest[],
  key: KeySide,
  open: ReadonlySet<string>,
): Answer | undefined {
  let best: Answer | undefined;
  for (const request of requests) {
    const decision = evaluate(request, key.document, { openKeys: open });
    if (decision.outcome === "allow") return { request, decision };
    if (decision.outcome === "unknown") best ??= { request, decision };
  }
  return best;
}

function describe(answer: Answer, side: PrincipalSide, key: KeySide, open: ReadonlySet<string>): KeyUse {
  const { request, decision } = answer;
  const context = withOpenKeys(deriveContext(request, key.document), open);
  const target: StatementTarget = { action: request.action, facts: key.document.facts, context };
  const documents = side.documents.filter((d) => policySays(d.policy, target).allows.value !== "no");
  const sources = decision.sources.filter((s) => s.kind === "statement" || s.kind === "grant");
  const others = decision.doubts.filter((d) => d.id !== "request-open");
  const own = side.uncertain ? [...others, doubt("caller-fact-unknown")] : others;
  const doubts = side.serviceControlUnread ? [...own, doubt("service-control-unread")] : own;
  const asAllowed = decision.outcome === "allow" ? "certain" : "conditional";
  const conditions =
    decision.outcome === "allow" ? [] : openConditions(documents, side, key, sources, target);
  return {
    actions: [],
    capabilities: [],
    certainty: doubts.length > 0 ? "possible" : asAllowed,
    ifPermitted: own.length > 0 ? "possible" : asAllowed,
    doubts,
    sources,
    direct: sources.some((s) => isDirect(s, request, key.document)),
    documents,
    conditions,
  };
}

/** Whether a way in needs no IAM policy: see the reference's wayIn. */
function isDirect(source: Source, request: AccessRequest, document: KeyDocument): boolean {
  if (source.kind === "grant") return true;
  if (source.kind !== "statement") return false;
  const { caller } = request;
  if (caller.kind !== "service" && caller.account !== document.facts.account) return false;
  const statement = document.policy.statements.find((s) => s.index === source.index);
  if (statement?.effect !== "Allow") return false;
  if (statement.principal.kind !== "principal") return true;
  return statement.principal.entries.some(
    (e) => e.kind !== "account" && entryNames(e, "Allow", request.caller).matches.value !== "no",
  );
}

/** The conditions that the answer hangs on: of the statements that let in, and of every Deny that may fit. */
function openConditions(
  documents: readonly KmsDocument[],
  side: PrincipalSide,
  key: KeySide,
  sources: readonly Source[],
  target: StatementTarget,
): readonly OpenCondition[] {
  const out = new Map<string, OpenCondition>();
  const look = (policy: Policy, wanted: (s: Statement) => boolean): void => {
    for (const s of policy.statements) {
      if (!wanted(s) || statementFits(s, policy.version, target, "other").fits.value === "no") continue;
      for (const condition of s.conditions) {
        if (conditionHolds(condition, policy.version, target.context).value !== "doubtful") continue;
        out.set(
          JSON.stringify([
            s.effect,
            condition.operator,
            condition.qualifier,
            condition.keyLower,
            condition.values,
          ]),
          {
            effect: s.effect,
            condition,
          },
        );
      }
    }
  };
  const used = new Set(sources.flatMap((s) => (s.kind === "statement" ? [s.index] : [])));
  look(key.document.policy, (s) => used.has(s.index));
  for (const p of key.document.resourceControlPolicies) look(p, (s) => s.effect === "Deny");
  for (const d of documents) look(d.policy, (s) => s.effect === "Allow");
  const limits = [...side.serviceControl, ...(side.boundary === undefined ? [] : [side.boundary])];
  for (const d of limits) look(d.policy, () => true);
  for (const d of side.documents) look(d.policy, (s) => s.effect === "Deny");
  return [...out.values()];
}

function namesCaller(grant: Grant, caller: Caller): boolean {
  const entry = parsePrincipal(grant.GranteePrincipal ?? "");
  if (entry === undefined) return false;
  if (entry.kind === "session") {
    return (
      caller.kind === "session" && entry.account === caller.account && entry.role === baseName(caller.role)
    );
  }
  return entryNames(entry, "Allow", caller).matches.value !== "no";
}

/** Condition keys that a request of this principal may carry or not, as it likes or as it happens. */
function openKeys(asker: Asker, side: PrincipalSide, key: KeySide): ReadonlySet<string> {
  const open = new Set<string>();
  const documents = [
    ...side.documents,
    ...side.serviceControl,
    ...(side.boundary === undefined ? [] : [side.boundary]),
  ];
  const unknown = unknownOrganization(asker, key);
  for (const keys of [key.keys, ...documents.map((d) => d.keys)]) {
    for (const name of keys) if (isOpen(name, asker) || unknown.includes(name)) open.add(name);
  }
  return open;
}

function isOpen(name: string, { chosenUserId }: Asker): boolean {
  switch (conditionKeyFacts(name)?.origin) {
    case "request":
    case "free":
    case "network":
    case "time":
    case "path":
    case "caller-account":
      return true;
    case "caller":
      return name === "aws:userid" && chosenUserId;
    case "service-source":
    case "key":
    case "transport":
    case "never":
    case undefined:
      return false;
  }
}

/** Makes the key's side ready. */
export function keySide(document: KeyDocument): KeySide {
  const statements = [document.policy, ...document.resourceControlPolicies].flatMap((p) => p.statements);
  return {
    document,
    statements: statements.map((s) => coverage(s, KEY_ACTION_NAMES)),
    keys: keysOf(statements),
  };
}
