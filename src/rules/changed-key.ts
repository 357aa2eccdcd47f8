import type { AccessMatrix } from "../access/matrix.js";
import { present } from "../domain/fetched.js";
import type { KeyRecord } from "../domain/key.js";
import type { Exposure } from "../domain/verdict.js";

/** Analyses a changed key for all callers. */
export type Reanalyse = (record: KeyRecord) => AccessMatrix;

/** The exposures that count as "somebody outside gets in". */
export const OPEN: ReadonlySet<Exposure> = new Set(["public", "external", "service", "network"]);

/** A statement as it stands in the text of its policy. */
export type StatementJson = Readonly<Record<string, unknown>>;

/** The key with other statements; undefined where its policy is no JSON object. */
export function withStatements(
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

/** An object of a JSON text. */
export function isObject(value: unknown): value is StatementJson {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
