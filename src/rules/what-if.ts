import type { Access, AccessMatrix } from "../access/matrix.js";
import { present } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
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
    /** Principals of one statement, as it writes them; others stay in it. */
    | {
        readonly kind: "remove-principals";
        readonly statement: number;
        readonly principals: readonly string[];
      }
    | { readonly kind: "none" };
  /** Ids of the grants that have to be revoked with it. */
  readonly grants: readonly string[];
  /** Trusted callers that lose something: as {@link Access.who}, and what they lose. */
  readonly cutsOff: readonly { readonly who: Access["who"]; readonly actions: readonly string[] }[];
  /** Trusted accounts that keep what they have only if they are members of the organization that the change names. */
  readonly ifMembers: readonly string[];
}

/** A part of the key's policy that keeps outsiders out: without it the exposure would be `without`. */
export interface Guard {
  readonly part:
    | { readonly kind: "condition"; readonly statement: number; readonly condition: Condition }
    | { readonly kind: "deny"; readonly statement: number }
    /** Position among the resource control policies of the key. */
    | { readonly kind: "resource-control-policy"; readonly policy: number; readonly name: string }
    /** No single part does it; all of these together do. */
    | { readonly kind: "together"; readonly statements: readonly number[] };
  /** The part is a condition, and nobody at all gets in through its statement. */
  readonly nobody: boolean;
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
  if (!OPEN.has(matrix.exposure) && matrix.exposure !== "latent") return [];
  const open = matrix.accesses.filter((a) => !a.trusted && a.exposure !== "none");
  const statements = unique(
    open.flatMap((a) => (a.source.kind === "statement" ? [a.source.index] : [])),
  ).sort((x, y) => x - y);
  const grants = unique(open.flatMap((a) => (a.source.kind === "grant" ? [a.source.grantId] : [])));
  const changes = candidates(record, zone, open, statements);
  const working = changes.flatMap((change): Closing[] => {
    const changed = applied(record, change, grants);
    if (changed === undefined) return [];
    const after = again(changed);
    if (after.exposure !== "none" || after.undecided.length > 0) return [];
    return [
      {
        change,
        grants,
        cutsOff: lost(matrix, after, record.facts.account, zone),
        ifMembers: ifMembers(change, matrix, zone),
      },
    ];
  });
  // What takes least from those who are trusted first; else in the order above.
  return [...working].sort((x, y) => x.cutsOff.length - y.cutsOff.length);
}

/** The changes that are tried: the narrowest first. */
function candidates(
  record: KeyRecord,
  zone: Zone,
  open: readonly Access[],
  statements: readonly number[],
): Closing["change"][] {
  if (statements.length === 0) return [{ kind: "none" }];
  const changes: Closing["change"][] = [];
  const [only] = statements;
  if (only !== undefined && statements.length === 1) {
    const principals = principalsToRemove(record, only, open);
    if (principals.length > 0) changes.push({ kind: "remove-principals", statement: only, principals });
  }
  const add = (key: string, values: readonly string[]): void => {
    changes.push({ kind: "add-condition", statements, operator: "StringEquals", key, values });
  };
  const accounts = unique([record.facts.account, ...zone.accounts]);
  const people = open.some((a) => a.who.kind !== "service");
  if (!people) {
    add("aws:SourceAccount", accounts);
    if (zone.organizations.length > 0) add("aws:SourceOrgID", zone.organizations);
  }
  if (!people && !forPeople(record, statements)) {
    changes.push({ kind: "remove-statements", statements });
    return changes;
  }
  add("kms:CallerAccount", accounts);
  if (zone.organizations.length > 0) add("aws:PrincipalOrgID", zone.organizations);
  changes.push({ kind: "remove-statements", statements });
  return changes;
}

/** Whether one of the statements names anybody but services: then a test of the caller may be what was meant. */
function forPeople(record: KeyRecord, statements: readonly number[]): boolean {
  let found = false;
  withStatements(record, (s, i) => {
    const principal = s["Principal"];
    const services = isObject(principal) && Object.keys(principal).every((k) => k === "Service");
    if (statements.includes(i) && !services) found = true;
    return s;
  });
  return found;
}

/** The names of a statement by which outsiders get in, if each outsider has one of its own and others are left. */
function principalsToRemove(record: KeyRecord, index: number, open: readonly Access[]): string[] {
  const named = open.flatMap((a) => {
    switch (a.who.kind) {
      case "account":
        return [a.who.id, `:${a.who.id}:root`];
      case "principal":
        return [a.who.arn];
      case "unresolved":
        return [a.who.id];
      default:
        return ["*"];
    }
  });
  if (named.includes("*")) return [];
  const fits = (text: string): boolean =>
    named.some((n) => (n.startsWith(":") ? text.endsWith(n) : text === n));
  let removed: string[] = [];
  let left = 0;
  withStatements(record, (s, i) => {
    if (i === index) {
      const list = awsPrincipals(s);
      removed = list.filter(fits);
      left = list.length - removed.length;
    }
    return s;
  });
  return left > 0 ? removed : [];
}

/** The `AWS` principals of a statement that has no others. */
function awsPrincipals(s: StatementJson): string[] {
  const principal = s["Principal"];
  if (!isObject(principal) || Object.keys(principal).length !== 1) return [];
  const list: unknown = principal["AWS"];
  return Array.isArray(list) ? list.filter((x) => typeof x === "string") : [];
}

/** Trusted accounts that the changed statements let in today, where the change asks for an organization. */
function ifMembers(change: Closing["change"], matrix: AccessMatrix, zone: Zone): string[] {
  if (change.kind !== "add-condition" || !change.key.endsWith("OrgID")) return [];
  const through = matrix.accesses.filter(
    (a) => a.source.kind === "statement" && change.statements.includes(a.source.index),
  );
  return zone.accounts.filter((id) =>
    through.some((a) => accountOf(a.who) === id || a.who.kind === "anyone"),
  );
}

function accountOf(who: Access["who"]): string | undefined {
  switch (who.kind) {
    case "account":
      return who.id;
    case "principal":
      return who.account;
    case "service":
      return who.source.kind === "account" ? who.source.id : undefined;
    case "anyone":
    case "pattern":
    case "organization":
    case "unresolved":
      return undefined;
  }
}

function applied(
  record: KeyRecord,
  change: Closing["change"],
  grants: readonly string[],
): KeyRecord | undefined {
  const keep = (g: Grant): boolean => g.GrantId === undefined || !grants.includes(g.GrantId);
  const before = record.grants;
  const kept: KeyRecord["grants"] =
    before.kind === "present"
      ? present(before.value.filter(keep))
      : before.kind === "unreadable" && before.part !== undefined
        ? { ...before, part: before.part.filter(keep) }
        : before;
  if (change.kind === "none") return { ...record, grants: kept };
  const changed = withStatements(record, (s, i) => {
    switch (change.kind) {
      case "remove-principals":
        return i === change.statement
          ? { ...s, Principal: { AWS: awsPrincipals(s).filter((p) => !change.principals.includes(p)) } }
          : s;
      case "remove-statements":
        return change.statements.includes(i) ? undefined : s;
      case "add-condition":
        return change.statements.includes(i) ? withCondition(s, change) : s;
    }
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

/**
 * What trusted callers could do before, and cannot do after. Where everybody gets in, the matrix names no trusted
 * caller beside them, so the accounts and organizations of the zone are put in for them.
 */
function lost(before: AccessMatrix, after: AccessMatrix, own: string, zone: Zone): Closing["cutsOff"] {
  const could = new Map<string, { who: Access["who"]; actions: Set<string> }>();
  for (const a of before.accesses) {
    if (a.reach.kind !== "now") continue;
    for (const who of a.trusted ? [a.who] : trustedAmong(a.who, own, zone)) {
      const key = JSON.stringify(who);
      const entry = could.get(key) ?? { who, actions: new Set<string>() };
      for (const action of a.actions) entry.actions.add(action);
      could.set(key, entry);
    }
  }
  const left = new Map<string, Set<string>>();
  for (const a of after.accesses) {
    const key = JSON.stringify(a.who);
    left.set(key, new Set([...(left.get(key) ?? []), ...a.actions]));
  }
  return [...could].flatMap(([key, { who, actions }]) => {
    const gone = [...actions].filter((a) => left.get(key)?.has(a) !== true);
    return gone.length === 0 ? [] : [{ who, actions: gone }];
  });
}

/** Who of the zone a class of outsiders holds without saying so. */
function trustedAmong(who: Access["who"], own: string, zone: Zone): Access["who"][] {
  if (who.kind === "anyone") {
    return [
      ...unique([own, ...zone.accounts]).map((id) => ({ kind: "account", id }) as const),
      ...zone.organizations.map((id) => ({ kind: "organization", id }) as const),
    ];
  }
  if (who.kind !== "service" || who.source.kind !== "any") return [];
  const name = who.name === undefined ? {} : { name: who.name };
  return unique([own, ...zone.accounts]).map(
    (id) => ({ kind: "service", ...name, source: { kind: "account", id } }) as const,
  );
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
    const nobody =
      part.kind === "condition" &&
      !matrix.accesses.some((a) => a.source.kind === "statement" && a.source.index === part.statement);
    out.push({ part, nobody, without: exposure, also });
    return true;
  };
  for (const [i, text] of record.resourceControlPolicies.entries()) {
    if (tries-- <= 0) break;
    const others = record.resourceControlPolicies.filter((_t, k) => k !== i);
    const place = record.resourceControlPlaces?.find((p) => p.text === text);
    put(
      {
        kind: "resource-control-policy",
        policy: i,
        name: place?.name ?? place?.id ?? String(i + 1),
      },
      again({ ...record, resourceControlPolicies: others }).exposure,
    );
  }
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
