import type { Policy } from "../policy/ast.js";
import { parsePolicy } from "../policy/parse.js";
import { escaped } from "./characters.js";
import { editPolicy, isRecord, type StatementEdits } from "./edit.js";
import { type Closed, type Documents, proveClosed, type Subject } from "./obligations.js";
import { type Orphans, orphansOf } from "./orphans.js";
import type { PlannedStatement, Strategy } from "./plan-file.js";
import type { SeenPrincipal } from "./seen.js";
import { repairStatement, type StatementRepair } from "./statement.js";

/** New documents that one strategy comes to, before anything but their exposure was looked at. */
export interface Candidate {
  readonly strategy: Strategy;
  readonly documents: Documents;
  readonly closed: Closed;
  /** Of each look at the key on the way. Not empty: a bug in keyward. */
  readonly disagreements: readonly string[];
  readonly statements: readonly PlannedStatement[];
  readonly revoked: ReadonlySet<string>;
  /** Ids of deleted principals that went with it. */
  readonly orphans: ReadonlySet<string>;
}

/** The statements of a policy as they stand in its JSON. */
export function rawStatements(text: string): readonly unknown[] {
  const root = JSON.parse(text) as unknown;
  const whole = isRecord(root) ? root["Statement"] : undefined;
  return Array.isArray(whole) ? (whole as readonly unknown[]) : [whole];
}

/** Repairs that need more than this many looks at the key go round in circles. */
const MAX_ROUNDS = 8;

/**
 * Works one strategy out: closes the statements and grants through which outsiders get in, looks again, and goes on
 * with what is left. `last` says what to try where the strategy's own way does not close a statement; undefined: nothing.
 */
export function workOut(
  subject: Subject,
  before: Closed,
  strategy: Strategy,
  last: Strategy | undefined,
  seen: readonly SeenPrincipal[] | undefined,
): Candidate {
  const { older, record, trust } = subject;
  const text = older.text;
  const partition = record.facts.partition;
  const policy = parsePolicy(text, { kind: "key", partition }).policy;
  const orphans =
    policy === undefined || before.statements.size === 0 ? NONE : orphansOf(policy, rawStatements(text));
  // Escaped even where nothing else of the text changes: KMS would not take it as it stands.
  const cleaned = escaped(editPolicy(text, orphans.edits));
  const cleanedPolicy = parsePolicy(cleaned, { kind: "key", partition }).policy;
  const raw = rawStatements(cleaned);
  const sids = new Set((cleanedPolicy?.statements ?? []).flatMap((s) => s.sid ?? []));
  const repairs = new Map<number, StatementRepair>();
  const escalated = new Set<number>();
  const revoked = new Set<string>();
  const disagreements: string[] = [];
  let documents: Documents = { text: cleaned, grants: older.grants };
  let closed = before;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    closed = proveClosed({ ...subject, newer: documents }, documents);
    disagreements.push(...closed.disagreements);
    let progress = false;
    for (const grant of closed.grants) {
      if (!revoked.has(grant)) progress = true;
      revoked.add(grant);
    }
    const origin = originOf(raw.length, repairs);
    for (const index of new Set([...closed.statements].map((i) => origin[i]))) {
      const statement = cleanedPolicy?.statements.find((s) => s.index === index);
      if (index === undefined || statement?.effect !== "Allow") continue;
      const again = repairs.has(index);
      const chosen = again ? last : strategy;
      if (chosen === undefined || escalated.has(index)) continue;
      if (again) escalated.add(index);
      const input = { statement, raw: raw[index], sids, trust, seen };
      const repair = repairStatement(input, chosen);
      // What names outsiders was dropped already, and it was not enough.
      repairs.set(index, again && repair.parts !== undefined && repair.parts.length > 0 ? REMOVED : repair);
      progress = true;
    }
    if (!progress) break;
    const edits: StatementEdits[] = [...repairs].flatMap(([index, r]) =>
      r.parts === undefined ? [] : [{ index, parts: r.parts }],
    );
    documents = {
      text: editPolicy(cleaned, edits),
      grants: older.grants.filter((g) => !revoked.has(g.GrantId)),
    };
  }
  return {
    strategy,
    documents,
    closed,
    disagreements,
    statements: policy === undefined ? [] : tell(policy, orphans, repairs),
    revoked,
    orphans: orphans.ids,
  };
}

const NONE: Orphans = { ids: new Set(), edits: [] };

const REMOVED: StatementRepair = {
  change: "remove",
  reason: "no smaller change keeps outsiders out of it",
  warnings: [],
  parts: [],
};

/** For each statement of the new policy, the one that it comes from. */
function originOf(count: number, repairs: ReadonlyMap<number, StatementRepair>): readonly number[] {
  const origin: number[] = [];
  for (let i = 0; i < count; i++) {
    const parts = repairs.get(i)?.parts;
    for (let n = 0; n < (parts?.length ?? 1); n++) origin.push(i);
  }
  return origin;
}

/** What is done to each statement of the old policy, in its order. */
function tell(
  policy: Policy,
  orphans: Orphans,
  repairs: ReadonlyMap<number, StatementRepair>,
): readonly PlannedStatement[] {
  const cleaning = new Map(orphans.edits.map((e) => [e.index, e.parts.length === 0]));
  let next = 0;
  return policy.statements.map(({ index, sid }): PlannedStatement => {
    const emptied = cleaning.get(index);
    const base = { index, sid: sid ?? null };
    if (emptied === true) {
      return { ...base, change: "remove", reason: "all that it names were deleted", warnings: [] };
    }
    const repair = repairs.get(next++);
    if (repair !== undefined) {
      const { change, reason, warnings } = repair;
      return { ...base, change, reason, warnings: [...warnings] };
    }
    if (emptied === false) {
      const reason = "ids of deleted principals are taken out; KMS would refuse them";
      return { ...base, change: "drop-principals", reason, warnings: [] };
    }
    return {
      ...base,
      change: "keep",
      reason: "it lets nobody in from outside the zone of trust",
      warnings: [],
    };
  });
}
