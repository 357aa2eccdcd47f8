import type { AccessMatrix } from "../access/matrix.js";
import type { KeyRecord } from "../domain/key.js";
import type { Exposure } from "../domain/verdict.js";
import type { Condition, Policy, Statement } from "../policy/ast.js";
import { isObject, OPEN, type Reanalyse, type StatementJson, withStatements } from "./changed-key.js";

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

/** How many analyses an explanation may ask for. */
const MOST_TRIES = 24;

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
