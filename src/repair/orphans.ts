import type { Policy } from "../policy/ast.js";
import { type Edit, isRecord, type StatementEdits } from "./edit.js";

/** Ids of deleted principals in a policy, and the edits that take them out. */
export interface Orphans {
  readonly ids: ReadonlySet<string>;
  readonly edits: readonly StatementEdits[];
}

/**
 * Finds what is left in a policy of users and roles that were deleted: `AIDA…`, `AROA…`. KMS shows them, and refuses a
 * new policy that holds one. Source: IAM User Guide, "Unique identifiers"; KMS API reference, PutKeyPolicy.
 *
 * @param raw the statements as they stand in the JSON text
 */
export function orphansOf(policy: Policy, raw: readonly unknown[]): Orphans {
  const ids = new Set<string>();
  const edits: StatementEdits[] = [];
  for (const { index, principal } of policy.statements) {
    if (principal.kind === "missing") continue;
    const its = principal.entries.filter((e) => e.kind === "unique-id").map((e) => e.text);
    if (its.length === 0) continue;
    for (const id of its) ids.add(id);
    const element = principal.kind === "principal" ? "Principal" : "NotPrincipal";
    const rest = principal.entries.length - its.length;
    edits.push({ index, parts: rest === 0 ? [] : [entryEdits(raw[index], element, new Set(its))] });
  }
  return { ids, edits };
}

/** The edits that take some of the principals under `AWS` out of a statement; the whole member where none is left. */
export function entryEdits(raw: unknown, element: string, gone: ReadonlySet<string>): readonly Edit[] {
  const value = isRecord(raw) ? raw[element] : undefined;
  const aws = isRecord(value) ? value["AWS"] : undefined;
  if (typeof aws === "string") return [{ path: [element, "AWS"], value: undefined }];
  if (!Array.isArray(aws)) return [];
  const items: readonly unknown[] = aws;
  if (items.every((v) => gone.has(String(v)))) return [{ path: [element, "AWS"], value: undefined }];
  return items
    .map((v, i) => ({ v, i }))
    .filter(({ v }) => gone.has(String(v)))
    .reverse()
    .map(({ i }) => ({ path: [element, "AWS", i], value: undefined }));
}
