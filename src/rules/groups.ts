import type { Access, AccessMatrix, Reach, Today, Witness, Who } from "../access/matrix.js";
import type { Capability, Certainty, Doubt, Exposure } from "../domain/verdict.js";
import { CAPABILITIES, EXPOSURES } from "../domain/verdict.js";
import type { Condition } from "../policy/ast.js";
import { INPUT_DOUBTS, REFUSED_DOUBTS } from "../semantics/doubts.js";
import type { Source } from "../semantics/request.js";
import type { FindingCondition } from "./finding.js";

/** What one class of outsiders can do through one statement or grant, as one finding shows it. */
export interface AccessGroup {
  /** See {@link provedExposure}. */
  readonly exposure: Exposure;
  readonly who: Who;
  readonly source: Source;
  readonly certainty: Certainty;
  readonly reach: Reach;
  readonly actions: readonly string[];
  /** Worst first. */
  readonly capabilities: readonly Capability[];
  readonly doubts: readonly Doubt[];
  readonly conditions: readonly FindingCondition[];
  /** Of the worst action. */
  readonly witness: Witness;
  readonly today?: Today;
}

/**
 * The exposure that an access proves. One that rests on input that keyward does not understand proves nothing
 * (`unknown`), nor does one that rests on what KMS would refuse to store (`invalid`).
 */
export function provedExposure(access: Access): Exposure {
  if (access.exposure === "none") return "none";
  if (access.doubts.some((d) => INPUT_DOUBTS.has(d.id))) return "unknown";
  return access.doubts.some((d) => REFUSED_DOUBTS.has(d.id)) ? "invalid" : access.exposure;
}

/**
 * Puts accesses together that one finding can show (same exposure, who, source, certainty and reach), and leaves out
 * what another one already says: an account that comes in where anybody comes in, through the same statement, with no
 * more actions.
 */
export function groupAccesses(matrix: AccessMatrix): readonly AccessGroup[] {
  const byKey = new Map<string, Access[]>();
  for (const access of matrix.accesses) {
    const exposure = provedExposure(access);
    if (exposure === "none") continue;
    const key = JSON.stringify([
      exposure,
      access.who,
      access.source,
      access.certainty,
      access.reach,
      access.today,
    ]);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [access]);
    else same.push(access);
  }
  const groups = [...byKey.values()].flatMap(merge);
  // Only groups of one source are compared: a key can have thousands of grants.
  const bySource = new Map<string, AccessGroup[]>();
  for (const g of groups) {
    const source = JSON.stringify(g.source);
    const same = bySource.get(source);
    if (same === undefined) bySource.set(source, [g]);
    else same.push(g);
  }
  const superfluous = new Set<AccessGroup>();
  for (const same of bySource.values()) {
    for (const g of same) if (same.some((other) => other !== g && says(other, g))) superfluous.add(g);
  }
  return groups.filter((g) => !superfluous.has(g));
}

function merge(accesses: readonly Access[]): AccessGroup[] {
  const [first] = accesses;
  if (first === undefined) return [];
  const capabilities = CAPABILITIES.filter((c) => accesses.some((a) => a.capabilities.includes(c)));
  const worst = accesses.find((a) => a.capabilities[0] === capabilities[0]) ?? first;
  return [
    {
      exposure: provedExposure(first),
      who: first.who,
      source: first.source,
      certainty: first.certainty,
      reach: first.reach,
      actions: [...new Set(accesses.flatMap((a) => a.actions))],
      capabilities,
      doubts: uniqueBy(
        accesses.flatMap((a) => a.doubts),
        (d) => d.id,
      ),
      conditions: uniqueBy(
        accesses.flatMap((a) => a.conditions.map((c) => findingCondition(c.condition, c.kind))),
        (c) => JSON.stringify(c),
      ),
      witness: worst.witness,
      ...(first.today === undefined ? {} : { today: first.today }),
    },
  ];
}

/** Whether `a` makes `b` of the same source redundant: at least as bad, for at least the same people and actions. */
function says(a: AccessGroup, b: AccessGroup): boolean {
  const rank = EXPOSURES.indexOf(a.exposure) - EXPOSURES.indexOf(b.exposure);
  if (rank > 0 || !proves(a) || !proves(b)) return false;
  if (a.certainty === "possible" && b.certainty === "certain") return false;
  // What an outsider could do once the key is enabled again, beside what the same people can do today.
  if (b.exposure === "latent" && rank < 0 && includes(a.who, b.who)) return true;
  if (rank === 0 && sameWho(a.who, b.who)) return false;
  return includes(a.who, b.who) && b.actions.every((action) => a.actions.includes(action));
}

function proves(g: AccessGroup): boolean {
  return g.exposure !== "unknown" && g.exposure !== "invalid";
}

/** Whether everybody of `b` is of `a`. */
function includes(a: Who, b: Who): boolean {
  if (a.kind === "anyone") return true;
  if (a.kind === "account" && b.kind === "principal") return a.id === b.account;
  return sameWho(a, b);
}

function sameWho(a: Who, b: Who): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A condition as a finding shows it. */
export function findingCondition(condition: Condition, kind: FindingCondition["kind"]): FindingCondition {
  const prefix = condition.qualifier === undefined ? "" : `${condition.qualifier}:`;
  return {
    operator: `${prefix}${condition.operator}${condition.ifExists ? "IfExists" : ""}`,
    key: condition.key,
    values: condition.values,
    kind,
  };
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item] as const)).values()];
}
