import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import type { Condition, PrincipalElement } from "../policy/ast.js";
import {
  type ActionFacts,
  actionFacts,
  type KeyGroup,
  KMS_KEY_ACTIONS,
  suitsKey,
  worksInState,
} from "../semantics/actions.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { Source } from "../semantics/request.js";
import { isKnownOperation, isOfOtherPartition } from "./grant-forms.js";
import { granteeEntry } from "./mentions.js";
import { ALL_ACTIONS, type Prepared } from "./statements.js";
import type { Truth } from "./truth.js";

/** One way to be allowed: an Allow statement or a grant, in one form. */
export interface Entrance {
  readonly source: Source;
  readonly principal: PrincipalElement;
  readonly conditions: readonly Condition[];
  readonly variables: boolean;
  /** Whether it covers the key, and whether it can be taken at its word. */
  readonly holds: Truth;
  readonly actions: readonly ActionFacts[];
  /**
   * A grant's right to look at the key or to give the grant up. AWS services hold it to manage their own grants; in a
   * service's hands it is not access to the key.
   */
  readonly housekeeping: boolean;
  /** The encryption context that a grant wants, exactly or at least. */
  readonly encryptionContext: Readonly<Record<string, string>> | undefined;
}

/** The Allow statements that can allow anything. */
export function statementEntrances(statements: readonly Prepared[]): Entrance[] {
  const out: Entrance[] = [];
  for (const p of statements) {
    if (p.statement.effect !== "Allow" || p.resource === "no") continue;
    const actions = p.actions === ALL_ACTIONS ? KEY_POLICY_ACTIONS : effective(p.actions);
    if (actions.length === 0) continue;
    out.push({
      source: { kind: "statement", index: p.statement.index, sid: p.statement.sid },
      principal: p.statement.principal,
      conditions: p.conditions,
      variables: p.variables,
      holds: p.doubt === undefined ? p.resource : { doubtful: p.doubt },
      actions,
      housekeeping: false,
      encryptionContext: undefined,
    });
  }
  return out;
}

const KEY_POLICY_ACTIONS = effective(ALL_ACTIONS);

/** The actions of a vector that have an effect in a key policy. */
function effective(covered: readonly boolean[]): readonly ActionFacts[] {
  return KMS_KEY_ACTIONS.filter((a, i) => covered[i] === true && a.keyPolicy);
}

const GRANTABLE = KMS_KEY_ACTIONS.filter((a) => a.grantable).map((a) => a.name.slice("kms:".length));

/** The grants, as far as they can be read. Source: KMS API reference, CreateGrant and GrantListEntry. */
export function grantEntrances(
  grants: readonly Grant[],
  facts: KeyFacts,
  /** Condition keys that occur in the documents, in lower case. */
  keys: ReadonlySet<string>,
): Entrance[] {
  const out: Entrance[] = [];
  for (const g of grants) {
    const entry = granteeEntry(g);
    const operations = g.Operations ?? GRANTABLE;
    const actions = operations.flatMap((o) => {
      const a = isKnownOperation(o) ? actionFacts(`kms:${o}`) : undefined;
      return a !== undefined && suitsKey(a, facts.usage, facts.spec) ? [a] : [];
    });
    const text = g.GranteePrincipal ?? g.GranteeServicePrincipal;
    // Whom it is for is not known: see `undecidedGrants`. Operations that are not listed may be any.
    if (text === undefined || (entry !== undefined && isOfOtherPartition(entry, facts))) continue;
    const holds: Truth = g.Operations === undefined ? { doubtful: "key-fact-unknown" } : "yes";
    const principal: PrincipalElement = {
      kind: "principal",
      entries: [
        entry ?? { kind: "refused", text, why: "not a principal that is known here", reach: "unknown" },
      ],
    };
    const constraints = g.Constraints;
    const pairs = encryptionContextOf(constraints);
    const sourceArn = constraints?.SourceArn;
    // Encryption-context constraints do not bind DescribeKey and RetireGrant; SourceArn does not bind RetireGrant.
    for (const part of ["data", "plain", "create", "describe", "retire"] as const) {
      const some = actions.filter((a) => grantPart(a, facts) === part);
      if (some.length === 0) continue;
      const conditions: Condition[] = [];
      const wanted = (part === "data" || part === "create") && mayBeSymmetric(facts) ? pairs : undefined;
      for (const [k, v] of wanted ?? []) conditions.push(contextCondition(k, v));
      const exact = wanted === undefined ? undefined : constraints?.EncryptionContextEquals;
      if (exact !== undefined) conditions.push(...exactKeys(Object.keys(exact), keys));
      if (part === "create")
        conditions.push(...childGrant(operations, constraints?.EncryptionContextEquals !== undefined));
      if (sourceArn !== undefined && part !== "retire") {
        conditions.push({ ...sourceCondition(sourceArn), ifExists: part === "describe" });
      }
      const entrance = {
        source: { kind: "grant", grantId: g.GrantId },
        principal,
        conditions,
        variables: false,
        holds,
        housekeeping: part === "describe" || part === "retire",
        actions: some,
        encryptionContext: wanted === undefined ? undefined : Object.fromEntries(wanted),
      } satisfies Entrance;
      out.push(entrance);
      // With an asymmetric key the same operations are not bound by the constraint; which kind it is may not be known.
      const either = some.filter((a) => a.material === "any" && a.keyGroups.includes("encryption-algorithm"));
      if (facts.spec === undefined && part === "data" && wanted !== undefined && either.length > 0) {
        const free = conditions.filter((c) => !c.keyLower.startsWith("kms:encryptioncontext"));
        const perhaps = { doubtful: "key-fact-unknown" } as const;
        out.push({
          ...entrance,
          conditions: free,
          actions: either,
          holds: perhaps,
          encryptionContext: undefined,
        });
      }
    }
  }
  return out;
}

const bare = { qualifier: undefined, ifExists: false, path: [] } as const;

function contextCondition(key: string, value: string): Condition {
  const name = `kms:EncryptionContext:${key}`;
  return { ...bare, operator: "StringEquals", key: name, keyLower: name.toLowerCase(), values: [value] };
}

/** No pair beside these: neither by the list of keys, nor by any key that a policy asks about. */
function exactKeys(names: readonly string[], keys: ReadonlySet<string>): Condition[] {
  const wanted = new Set(names.map((n) => `kms:encryptioncontext:${n.toLowerCase()}`));
  const others = [...keys].filter((k) => k.startsWith("kms:encryptioncontext:") && !wanted.has(k));
  return [
    {
      ...bare,
      operator: "StringEquals",
      qualifier: "ForAllValues",
      key: "kms:EncryptionContextKeys",
      keyLower: "kms:encryptioncontextkeys",
      values: names,
    },
    ...others.map((k): Condition => ({ ...bare, operator: "Null", key: k, keyLower: k, values: ["true"] })),
  ];
}

/** A grant created by a grantee holds no more operations, and no weaker constraint, than the grantee's own. */
function childGrant(operations: readonly string[], exact: boolean): Condition[] {
  const out: Condition[] = [
    {
      ...bare,
      operator: "StringEquals",
      qualifier: "ForAllValues",
      key: "kms:GrantOperations",
      keyLower: "kms:grantoperations",
      values: operations,
    },
  ];
  if (exact) {
    out.push({
      ...bare,
      operator: "StringEquals",
      ifExists: true,
      key: "kms:GrantConstraintType",
      keyLower: "kms:grantconstrainttype",
      values: ["EncryptionContextEquals"],
    });
  }
  return out;
}

/** Constraints bind the operations of a grant differently. Source: KMS API reference, GrantConstraints. */
function grantPart(a: ActionFacts, facts: KeyFacts): "data" | "plain" | "create" | "describe" | "retire" {
  switch (a.lower) {
    case "kms:creategrant":
      return "create";
    case "kms:describekey":
      return "describe";
    case "kms:retiregrant":
      return "retire";
    default:
      // Only operations with a symmetric key take an encryption context; a constraint on it binds no others.
      return a.keyGroups.includes("encryption-context") && mayBeSymmetric(facts) ? "data" : "plain";
  }
}

function mayBeSymmetric({ spec }: KeyFacts): boolean {
  return spec === undefined || spec === "SYMMETRIC_DEFAULT";
}

/** The pairs of both kinds of constraint. */
function encryptionContextOf(
  constraints: Grant["Constraints"],
): readonly (readonly [string, string])[] | undefined {
  if (constraints === undefined) return undefined;
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = constraints;
  if (equals === undefined && subset === undefined) return undefined;
  return [...Object.entries(equals ?? {}), ...Object.entries(subset ?? {})];
}

function sourceCondition(arn: string): Condition {
  // The constraint names one resource; what a wildcard in it does is not documented.
  const operator = /[*?]/.test(arn) ? "StringLike" : "StringEquals";
  return { ...bare, operator, key: "aws:SourceArn", keyLower: "aws:sourcearn", values: [arn] };
}

/** Actions that no document of the key can tell apart: decided once, for all of them. */
export interface ActionGroup {
  /** Groups with the same parameters carry the same condition keys, as far as the documents ask about them. */
  readonly parameters: string;
  /** Worst capability first. */
  readonly actions: readonly ActionFacts[];
  readonly crossAccount: boolean;
  /** Whether the key's state lets them through. */
  readonly usable: boolean;
  /** Which statements of the policy, and of each resource control policy, cover them. */
  readonly index: number;
}

/** Groups the actions of an entrance. */
export function actionGroups({ actions }: Entrance, signatures: ActionSignatures): readonly ActionGroup[] {
  if (actions !== KEY_POLICY_ACTIONS) return grouped(actions, signatures);
  let all = OF_ALL_ACTIONS.get(signatures);
  if (all === undefined) {
    all = grouped(actions, signatures);
    OF_ALL_ACTIONS.set(signatures, all);
  }
  return all;
}

/** Groups of all actions, by signatures: of most policies the same, since nothing in them tells actions apart. */
const OF_ALL_ACTIONS = new WeakMap<ActionSignatures, readonly ActionGroup[]>();

function grouped(actions: readonly ActionFacts[], signatures: ActionSignatures): readonly ActionGroup[] {
  const groups: ActionFacts[][] = signatures.groups.map(() => []);
  for (const a of actions) {
    const number = signatures.groupOf.get(a);
    if (number !== undefined) groups[number]?.push(a);
  }
  const out: ActionGroup[] = [];
  groups.forEach((own, i) => {
    const group = signatures.groups[i];
    if (own.length === 0 || group === undefined) return;
    const { parameters, crossAccount, usable, index } = group;
    out.push({ parameters, crossAccount, usable, index, actions: own });
  });
  return out;
}

/** What tells the actions of a key apart: made once for an analysis. */
export interface ActionSignatures {
  /** The number of the group of each action; missing for actions that do not suit the key. */
  readonly groupOf: ReadonlyMap<ActionFacts, number>;
  readonly groups: readonly Omit<ActionGroup, "actions">[];
}

/** Describes every action that suits the key by what the documents can tell of it. */
export function actionSignatures(
  statements: readonly Prepared[],
  rcps: readonly (readonly Prepared[])[],
  keys: ReadonlySet<string>,
  facts: KeyFacts,
): ActionSignatures {
  const partition = new ActionPartition(suitableActions(facts));
  for (const policy of [statements, ...rcps]) {
    for (const p of policy) {
      if (p.statement.effect === "Deny") partition.split((a) => (p.actions[a.index] === true ? 1 : 0));
    }
  }
  const asked = new Set<KeyGroup>();
  for (const k of keys) {
    const group = conditionKeyFacts(k)?.group;
    if (group !== undefined) asked.add(group);
  }
  for (const group of asked) {
    partition.split((a) => (a.action.keyGroups.includes(group) ? 1 : 0), group);
  }
  return partition.signatures();
}

interface SuitableAction {
  readonly action: ActionFacts;
  /** In KMS_KEY_ACTIONS. */
  readonly index: number;
  readonly usable: boolean;
}

/** Actions in groups that are split further and further. */
class ActionPartition {
  #numbers: readonly number[];
  #count: number;
  readonly #parameters: string[] = [];

  constructor(readonly suitable: Suitable) {
    this.#numbers = suitable.numbers;
    this.#count = suitable.count;
  }

  /** Splits every group by a property; a property of the request's parameters is noted by its name. */
  split(property: (a: SuitableAction) => 0 | 1, parameter?: string): void {
    const { actions } = this.suitable;
    const renumbered: number[] = Array.from({ length: this.#count * 2 }, () => -1);
    let count = 0;
    const numbers = actions.map((a, i) => {
      const slot = (this.#numbers[i] ?? 0) * 2 + property(a);
      const known = renumbered[slot] ?? -1;
      if (known >= 0) return known;
      renumbered[slot] = count;
      count += 1;
      return count - 1;
    });
    if (parameter !== undefined) this.#parameters.push(parameter);
    if (count === this.#count) return;
    this.#numbers = numbers;
    this.#count = count;
  }

  signatures(): ActionSignatures {
    const { actions, untold } = this.suitable;
    if (this.#numbers === this.suitable.numbers && this.#parameters.length === 0) return untold;
    const groupOf = new Map<ActionFacts, number>();
    const groups: Omit<ActionGroup, "actions">[] = [];
    actions.forEach(({ action, index, usable }, i) => {
      const number = this.#numbers[i] ?? 0;
      groupOf.set(action, number);
      if (groups[number] !== undefined) return;
      const carried = this.#parameters.filter((p) => action.keyGroups.some((g) => g === p));
      const own = action.keyGroups.includes("grant-for-aws-resource") ? "resource" : "";
      const parameters = [own, ...carried].join(",");
      groups[number] = { parameters, crossAccount: action.crossAccount, usable, index };
    });
    return { groupOf, groups };
  }
}

/** The actions that suit one kind of key, in groups that differ in what KMS itself makes of them. */
interface Suitable {
  readonly actions: readonly SuitableAction[];
  readonly numbers: readonly number[];
  readonly count: number;
  /** The groups where no document tells more apart. */
  readonly untold: ActionSignatures;
}

/** There are few kinds of keys: what suits them is looked up once. Bounded, since a snapshot may say anything. */
const SUITABLE = new Map<string, Suitable>();
const SUITABLE_LIMIT = 256;

function suitableActions(facts: KeyFacts): Suitable {
  const { usage, state, spec } = facts;
  if (last !== undefined && last.usage === usage && last.state === state && last.spec === spec) {
    return last.suitable;
  }
  const suitable = suitableOf(facts);
  last = { usage, state, spec, suitable };
  return suitable;
}

/** Most keys are of the same kind as the key before them. */
let last:
  | {
      readonly usage: KeyFacts["usage"];
      readonly state: KeyFacts["state"];
      readonly spec: KeyFacts["spec"];
      readonly suitable: Suitable;
    }
  | undefined;

function suitableOf(facts: KeyFacts): Suitable {
  const kind = `${facts.usage ?? ""}|${facts.state ?? ""}|${facts.spec ?? ""}`;
  const known = SUITABLE.get(kind);
  if (known !== undefined) return known;
  const actions = KMS_KEY_ACTIONS.flatMap((action, index): SuitableAction[] =>
    suitsKey(action, facts.usage, facts.spec)
      ? [{ action, index, usable: worksInState(action, facts.state) }]
      : [],
  );
  const kinds = actions.map((a) =>
    [
      a.action.crossAccount,
      a.usable,
      a.action.name === "kms:RetireGrant",
      a.action.keyGroups.includes("grant-for-aws-resource"),
    ].join(),
  );
  const names = [...new Set(kinds)];
  const numbers = kinds.map((k) => names.indexOf(k));
  const groups = names.map((_, n): Omit<ActionGroup, "actions"> => {
    const first = actions[numbers.indexOf(n)];
    if (first === undefined) throw new Error("a group of actions is never empty");
    const { action, index, usable } = first;
    const parameters = action.keyGroups.includes("grant-for-aws-resource") ? "resource" : "";
    return { parameters, crossAccount: action.crossAccount, usable, index };
  });
  const groupOf = new Map(actions.map((a, i) => [a.action, numbers[i] ?? 0]));
  const made = { actions, numbers, count: names.length, untold: { groupOf, groups } };
  if (SUITABLE.size >= SUITABLE_LIMIT) SUITABLE.clear();
  SUITABLE.set(kind, made);
  return made;
}
