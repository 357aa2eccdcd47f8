import type { Access, AccessMatrix } from "../access/matrix.js";
import { present } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import type { KeyRecord } from "../domain/key.js";
import type { Zone } from "../domain/zone.js";
import { isObject, OPEN, type Reanalyse, type StatementJson, withStatements } from "./changed-key.js";

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

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
