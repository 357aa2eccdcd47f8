import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import type { Condition, PrincipalElement } from "../policy/ast.js";
import {
  type ActionFacts,
  actionFacts,
  KMS_KEY_ACTIONS,
  suitsKey,
  worksInState,
} from "../semantics/actions.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import type { Source } from "../semantics/request.js";
import { granteeEntry } from "./mentions.js";
import type { Prepared } from "./statements.js";
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
    const actions = KMS_KEY_ACTIONS.filter((a, i) => p.actions[i] === true && a.keyPolicy);
    if (actions.length === 0) continue;
    out.push({
      source: { kind: "statement", index: p.statement.index, sid: p.statement.sid },
      principal: p.statement.principal,
      conditions: p.statement.conditions,
      variables: p.variables,
      holds: p.doubt === undefined ? p.resource : { doubtful: p.doubt },
      actions,
      housekeeping: false,
      encryptionContext: undefined,
    });
  }
  return out;
}

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
    const actions = (g.Operations ?? []).flatMap((o) => {
      const a = actionFacts(`kms:${o}`);
      return a?.grantable === true && suitsKey(a, facts.usage, facts.spec) ? [a] : [];
    });
    const text = g.GranteePrincipal ?? g.GranteeServicePrincipal ?? "";
    const principal: PrincipalElement = {
      kind: "principal",
      entries: [
        entry ?? { kind: "refused", text, why: "not a principal that is known here", reach: "unknown" },
      ],
    };
    const constraints = g.Constraints;
    const pairs = constraints?.EncryptionContextEquals ?? constraints?.EncryptionContextSubset;
    const sourceArn = constraints?.SourceArn;
    // Encryption-context constraints do not bind DescribeKey and RetireGrant; SourceArn does not bind RetireGrant.
    for (const part of ["data", "create", "describe", "retire"] as const) {
      const some = actions.filter((a) => grantPart(a) === part);
      if (some.length === 0) continue;
      const conditions: Condition[] = [];
      const wanted = part === "data" || part === "create" ? pairs : undefined;
      for (const [k, v] of Object.entries(wanted ?? {})) conditions.push(contextCondition(k, v));
      const exact = wanted === undefined ? undefined : constraints?.EncryptionContextEquals;
      if (exact !== undefined) conditions.push(...exactKeys(Object.keys(exact), keys));
      if (part === "create") conditions.push(...childGrant(g.Operations ?? [], exact !== undefined));
      if (sourceArn !== undefined && part !== "retire") {
        conditions.push({ ...sourceCondition(sourceArn), ifExists: part === "describe" });
      }
      out.push({
        source: { kind: "grant", grantId: g.GrantId },
        principal,
        conditions,
        variables: false,
        holds: "yes",
        housekeeping: part === "describe" || part === "retire",
        actions: some,
        encryptionContext: wanted,
      });
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
function grantPart(a: ActionFacts): "data" | "create" | "describe" | "retire" {
  switch (a.lower) {
    case "kms:creategrant":
      return "create";
    case "kms:describekey":
      return "describe";
    case "kms:retiregrant":
      return "retire";
    default:
      return "data";
  }
}

function sourceCondition(arn: string): Condition {
  return { ...bare, operator: "ArnLike", key: "aws:SourceArn", keyLower: "aws:sourcearn", values: [arn] };
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
export function actionGroups(e: Entrance, signatures: ActionSignatures): ActionGroup[] {
  const groups: ActionFacts[][] = signatures.groups.map(() => []);
  for (const a of e.actions) {
    const number = signatures.groupOf.get(a);
    if (number !== undefined) groups[number]?.push(a);
  }
  const out: ActionGroup[] = [];
  signatures.groups.forEach((g, i) => {
    const actions = groups[i] ?? [];
    if (actions.length > 0) out.push({ ...g, actions });
  });
  return out;
}

/** What tells the actions of a key apart: made once for an analysis. */
export interface ActionSignatures {
  /** The number of an action's group; missing for actions that do not suit the key. */
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
  const asked = new Set<string>();
  for (const k of keys) {
    const group = conditionKeyFacts(k)?.group;
    if (group !== undefined) asked.add(group);
  }
  const denies = [statements, ...rcps].flat().filter((p) => p.statement.effect === "Deny");
  const suitable = suitableActions(facts);
  if (denies.length === 0 && asked.size === 0) return suitable.untold;
  return grouped(
    suitable.actions.map((a) => {
      let told = a.plain;
      if (asked.size > 0) for (const g of a.action.keyGroups) if (asked.has(g)) told += `${g},`;
      let signature = a.signature;
      for (const p of denies) signature += p.actions[a.index] === true ? "1" : "0";
      return { ...a, told, signature };
    }),
  );
}

/** Actions with the same signature and the same parameters that are asked about (`told`) are one group. */
function grouped(actions: readonly (SuitableAction & { readonly told: string })[]): ActionSignatures {
  const numbers = new Map<string, number>();
  const groupOf = new Map<ActionFacts, number>();
  const groups: Omit<ActionGroup, "actions">[] = [];
  for (const { action, index, usable, told, signature } of actions) {
    const whole = `${signature}|${told}`;
    let number = numbers.get(whole);
    if (number === undefined) {
      number = groups.length;
      numbers.set(whole, number);
      groups.push({ parameters: told, crossAccount: action.crossAccount, usable, index });
    }
    groupOf.set(action, number);
  }
  return { groupOf, groups };
}

interface Suitable {
  readonly actions: readonly SuitableAction[];
  /** Where no document tells actions apart but by what KMS itself does. */
  readonly untold: ActionSignatures;
}

interface SuitableAction {
  readonly action: ActionFacts;
  /** In KMS_KEY_ACTIONS. */
  readonly index: number;
  readonly usable: boolean;
  /** What is special about its parameters, whatever the documents ask about. */
  readonly plain: string;
  readonly signature: string;
}

/** There are few kinds of keys: what suits them is looked up once. Bounded, since a snapshot may say anything. */
const SUITABLE = new Map<string, Suitable>();
const SUITABLE_LIMIT = 256;

function suitableActions(facts: KeyFacts): Suitable {
  const kind = `${facts.usage ?? ""}|${facts.state ?? ""}|${facts.spec ?? ""}`;
  const known = SUITABLE.get(kind);
  if (known !== undefined) return known;
  const actions = KMS_KEY_ACTIONS.flatMap((action, index): SuitableAction[] => {
    if (!suitsKey(action, facts.usage, facts.spec)) return [];
    const plain = action.keyGroups.includes("grant-for-aws-resource") ? "resource," : "";
    const usable = worksInState(action, facts.state);
    const kind = [action.crossAccount, usable, action.name === "kms:RetireGrant"].map(Number).join("");
    return [{ action, index, usable, plain, signature: `${kind}|` }];
  });
  const made = { actions, untold: grouped(actions.map((a) => ({ ...a, told: a.plain }))) };
  if (SUITABLE.size >= SUITABLE_LIMIT) SUITABLE.clear();
  SUITABLE.set(kind, made);
  return made;
}
