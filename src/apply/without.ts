import { rawStatements } from "../repair/candidate.js";
import { editPolicy, isRecord, type StatementEdits } from "../repair/edit.js";
import { uneditable } from "../repair/editable.js";
import { entryEdits } from "../repair/orphans.js";

/** A policy without some principals. */
export interface Without {
  /** The text, formatted as the old one. The same text where nothing was left out. */
  readonly text: string;
  /** What was left out, as it stood. */
  readonly left: readonly string[];
  /** Statements that named nobody else and were left out whole; positions in the old policy, from 0. */
  readonly statements: readonly number[];
}

/** What is left of a deleted user, role, … in a policy. Source: IAM User Guide, "IAM identifiers", unique ids. */
const UNIQUE_ID = /^(AROA|AIDA|AGPA|ANPA|AIPA|ASCA|APKA)[A-Z0-9]{8,}$/;

/** Whether a principal is the unique id of one that is gone. */
export function isUniqueId(text: string): boolean {
  return UNIQUE_ID.test(text);
}

/**
 * The policy without the principals that KMS would refuse. It allows nothing more: an Allow loses principals, and a Deny
 * only such as do not exist. A sentence where that cannot be said (NotPrincipal), or where nothing would remain.
 *
 * @param gone whether a principal, as it stands in the text, is to be left out
 */
export function withoutPrincipals(text: string, gone: (principal: string) => boolean): Without | string {
  // Of the partition depends what ARNs look like, not what can be edited.
  const problem = uneditable(text, "aws");
  if (problem !== undefined) return `The old policy cannot be understood: ${problem}`;
  const all = rawStatements(text);
  const left: string[] = [];
  const statements: number[] = [];
  const edits: StatementEdits[] = [];
  for (const [index, statement] of all.entries()) {
    if (namedIn(statement, "NotPrincipal").some(gone)) {
      return `Statement ${index + 1} names a deleted principal under NotPrincipal: leaving it out could allow more.`;
    }
    const there = namedIn(statement, "Principal");
    const leaving = there.filter(gone);
    if (leaving.length === 0) continue;
    left.push(...leaving);
    if (leaving.length === there.length && kindsOf(statement) <= 1) {
      statements.push(index);
      edits.push({ index, parts: [] });
    } else edits.push({ index, parts: [entryEdits(statement, "Principal", new Set(leaving))] });
  }
  if (statements.length > 0 && statements.length === all.length)
    return "Nothing but deleted principals is in the old policy.";
  return { text: editPolicy(text, edits), left, statements };
}

function element(statement: unknown, name: "Principal" | "NotPrincipal"): unknown {
  return isRecord(statement) ? statement[name] : undefined;
}

/** The texts under `AWS`. */
function namedIn(statement: unknown, name: "Principal" | "NotPrincipal"): readonly string[] {
  const principal = element(statement, name);
  const aws = isRecord(principal) ? principal["AWS"] : undefined;
  const list: readonly unknown[] = Array.isArray(aws) ? aws : [aws];
  return list.filter((p) => typeof p === "string");
}

/** How many kinds of principals a statement has: AWS, Service, … */
function kindsOf(statement: unknown): number {
  const principal = element(statement, "Principal");
  return isRecord(principal) ? Object.keys(principal).length : 0;
}
