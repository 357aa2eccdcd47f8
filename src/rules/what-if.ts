import type { Access, AccessMatrix } from "../access/matrix.js";
import { present } from "../domain/fetched.js";
import type { KeyRecord } from "../domain/key.js";
import type { Exposure } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import type { Condition, Policy, Statement } from "../policy/ast.js";

/** Analyses a changed key for all callers. */
export type Reanalyse = (record: KeyRecord) => AccessMatrix;

/** A change that was tried on the key: with it nobody outside the zone of trust gets in any more. */
export interface Closing {
  readonly change:
    | { readonly kind: "remove-statements"; readonly statements: readonly number[] }
    | {
        readonly kind: "add-condition";
        readonly statements: readonly number[];
        readonly operator: "StringEquals";
        readonly key: string;
        readonly values: readonly string[];
      }
    | { readonly kind: "none" };
  /** Ids of the grants that have to be revoked with it. */
  readonly grants: readonly string[];
  /** Trusted callers that lose something: as {@link Access.who}, and what they lose. */
  readonly cutsOff: readonly { readonly who: Access["who"]; readonly actions: readonly string[] }[];
}

/** A part of the key's policy that keeps outsiders out: without it the exposure would be `without`. */
export interface Guard {
  readonly part:
    | { readonly kind: "condition"; readonly statement: number; readonly condition: Condition }
    | { readonly kind: "deny"; readonly statement: number }
    /** No single part does it; all of these together do. */
    | { readonly kind: "together"; readonly statements: readonly number[] };
  readonly without: Exposure;
  /** Deny statements that would still keep outsiders out: `without` is the exposure without them, too. */
  readonly also: readonly number[];
}

type StatementJson = Readonly<Record<string, unknown>>;

/** The exposures that count as "somebody outside gets in". */
const OPEN: ReadonlySet<Exposure> = new Set(["public", "external", "service", "network"]);

/** How many analyses an explanation may ask for. */
const MOST_TRIES = 24;

/**
 * What would close an exposed key. Each candidate is applied to everything that lets outsiders in, the changed key is
 * analysed again, and only what leaves no exposure at all is given.
 */
export function closings(record: KeyRecord, matrix: AccessMatrix, zone: Zone, again: Reanalyse): Closing[] {
  if (!OPEN.has(matrix.exposure)) return [];
  const open = matrix.accesses.filter((a) => !a.trusted && a.exposure !== "none");
  const statements = unique(open.flatMap((a) => (a.source.kind === "statement" ? [a.source.index] : [])));
  const grants = unique(open.flatMap((a) => (a.source.kind === "grant" ? [a.source.grantId] : [])));
  const changes: Closing["change"][] = [];
  if (statements.length === 0) changes.push({ kind: "none" });
  else {
    const services = open.some((a) => a.who.kind === "service");
    const people = open.some((a) => a.who.kind !== "service");
    const add = (key: string, values: readonly string[]): void => {
      changes.push({ kind: "add-condition", statements, operator: "StringEquals", key, values });
    };
    if (people) {
      add("kms:CallerAccount", unique([record.facts.account, ...zone.accounts]));
      if (zone.organizations.length > 0) add("aws:PrincipalOrgID", zone.organizations);
    }
    if (services) {
      add("aws:SourceAccount", unique([record.facts.account, ...zone.accounts]));
      if (zone.organizations.length > 0) add("aws:SourceOrgID", zone.organizations);
    }
    changes.push({ kind: "remove-statements", statements });
  }
  return changes.flatMap((change): Closing[] => {
    const changed = applied(record, change, grants);
    if (changed === undefined) return [];
    const after = again(changed);
    if (after.exposure !== "none" || after.undecided.length > 0) return [];
    return [{ change, grants, cutsOff: lost(matrix, after) }];
  });
}

function applied(
  record: KeyRecord,
  change: Closing["change"],
  grants: readonly string[],
): KeyRecord | undefined {
  const kept =
    record.grants.kind === "present"
      ? present(record.grants.value.filter((g) => g.GrantId === undefined || !grants.includes(g.GrantId)))
      : record.grants;
  if (change.kind === "none") return { ...record, grants: kept };
  const changed = withStatements(record, (s, i) => {
    if (!change.statements.includes(i)) return s;
    return change.kind === "remove-statements" ? undefined : withCondition(s, change);
  });
  return changed === undefined ? undefined : { ...changed, grants: kept };
}

function withCondition(
  s: StatementJson,
  c: { readonly operator: string; readonly key: string; readonly values: readonly string[] },
): StatementJson {
  const blocks = isObject(s["Condition"]) ? s["Condition"] : {};
  const operator = isObject(blocks[c.operator]) ? (blocks[c.operator] as StatementJson) : {};
  // A test of the same key is replaced: under one operator a key stands once.
  const others = Object.entries(operator).filter(([k]) => k.toLowerCase() !== c.key.toLowerCase());
  return {
    ...s,
    Condition: { ...blocks, [c.operator]: { ...Object.fromEntries(others), [c.key]: c.values } },
  };
}

/** The key with other statements; undefined where its policy is no JSON object. */
function withStatements(
  record: KeyRecord,
  change: (s: StatementJson, index: number) => StatementJson | undefined,
): KeyRecord | undefined {
  if (record.policy.kind !== "present") return undefined;
  let policy: unknown;
  try {
    policy = JSON.parse(record.policy.value);
  } catch {
    return undefined;
  }
  if (!isObject(policy)) return undefined;
  const list: unknown[] = Array.isArray(policy["Statement"]) ? policy["Statement"] : [policy["Statement"]];
  const statements = list.flatMap((s, i) => (isObject(s) ? (change(s, i) ?? []) : [s]));
  return { ...record, policy: present(JSON.stringify({ ...policy, Statement: statements })) };
}

function isObject(value: unknown): value is StatementJson {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What trusted callers could do before, and cannot do after. */
function lost(before: AccessMatrix, after: AccessMatrix): Closing["cutsOff"] {
  const can = (m: AccessMatrix): Map<string, { who: Access["who"]; actions: Set<string> }> => {
    const out = new Map<string, { who: Access["who"]; actions: Set<string> }>();
    for (const a of m.accesses.filter((x) => x.trusted)) {
      const key = JSON.stringify(a.who);
      const entry = out.get(key) ?? { who: a.who, actions: new Set<string>() };
      for (const action of a.actions) entry.actions.add(action);
      out.set(key, entry);
    }
    return out;
  };
  const left = can(after);
  return [...can(before)].flatMap(([key, { who, actions }]) => {
    const gone = [...actions].filter((a) => left.get(key)?.actions.has(a) !== true);
    return gone.length === 0 ? [] : [{ who, actions: gone }];
  });
}

/**
 * Why a closed key is closed: each condition of an Allow and each Deny without which outsiders would get in, found by
 * analysing the key again without it.
 */
export function guards(
  record: KeyRecord,
  matrix: AccessMatrix,
  policy: Policy | undefined,
  again: Reanalyse,
): Guard[] {
  if (OPEN.has(matrix.exposure) || policy === undefined) return [];
  const out: Guard[] = [];
  let tries = MOST_TRIES;
  const without = (change: Parameters<typeof withStatements>[1]): AccessMatrix | undefined => {
    if (tries-- <= 0) return undefined;
    const changed = withStatements(record, change);
    return changed === undefined ? undefined : again(changed);
  };
  const put = (
    part: Guard["part"],
    exposure: Exposure | undefined,
    also: readonly number[] = [],
  ): boolean => {
    if (exposure === undefined || !OPEN.has(exposure)) return false;
    out.push({ part, without: exposure, also });
    return true;
  };
  const denies = policy.statements.filter((s) => s.effect === "Deny").map((s) => s.index);
  for (const d of denies)
    put({ kind: "deny", statement: d }, without((x, i) => (i === d ? undefined : x))?.exposure);
  // Positions must stay, so a Deny becomes a statement that does nothing.
  const undenied = denies.length === 0 ? undefined : without((x, i) => (denies.includes(i) ? NOTHING : x));
  for (const s of policy.statements.filter((x) => x.effect === "Allow")) {
    for (const condition of s.conditions) {
      const part = { kind: "condition", statement: s.index, condition } as const;
      const drop = (x: StatementJson, i: number): StatementJson =>
        i === s.index ? withoutCondition(x, condition) : x;
      if (put(part, without(drop)?.exposure) || undenied === undefined) continue;
      // A Deny may close what the condition closes as well.
      if (through(undenied, s) !== undefined) continue;
      const both = without((x, i) => (denies.includes(i) ? NOTHING : drop(x, i)));
      if (both !== undefined) put(part, through(both, s), denies);
    }
  }
  if (out.length === 0) {
    const indexes = policy.statements
      .filter((s) => s.effect === "Deny" || s.conditions.length > 0)
      .map((s) => s.index);
    const bare = without((x, i) => {
      if (denies.includes(i)) return undefined;
      return indexes.includes(i)
        ? Object.fromEntries(Object.entries(x).filter(([k]) => k !== "Condition"))
        : x;
    });
    put({ kind: "together", statements: indexes }, bare?.exposure);
  }
  return out;
}

/** A statement that allows and denies nothing. */
const NOTHING: StatementJson = { Effect: "Deny", Principal: "*", Action: "kms:CreateKey", Resource: "*" };

/** The worst exposure through one statement. */
function through(matrix: AccessMatrix, s: Statement): Exposure | undefined {
  return matrix.accesses.find(
    (a) => a.source.kind === "statement" && a.source.index === s.index && OPEN.has(a.exposure),
  )?.exposure;
}

function withoutCondition(s: StatementJson, c: Condition): StatementJson {
  const operator = c.path.at(-2);
  const blocks = isObject(s["Condition"]) ? s["Condition"] : {};
  return {
    ...s,
    Condition: Object.fromEntries(
      Object.entries(blocks).flatMap(([name, keys]) => {
        if (name !== operator || !isObject(keys)) return [[name, keys]];
        const rest = Object.entries(keys).filter(([k]) => k !== c.key);
        return rest.length === 0 ? [] : [[name, Object.fromEntries(rest)]];
      }),
    ),
  };
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
