import { lastRunOf, rollbackTasks } from "../../apply/from-journal.js";
import { Journal, type RunRecord } from "../../apply/journal/journal.js";
import type { KeyTask, TaskList } from "../../apply/tasks.js";
import { isUniqueId, withoutPrincipals } from "../../apply/without.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import type { ExitCode } from "../exit.js";
import { journalFolder } from "./copy.js";
import type { ChangeFlags } from "./flags.js";
import { type FormerSource, formerTasks } from "./former.js";
import { change } from "./run.js";

/** The flags of `keyward rollback` alone. */
export interface RollbackFlags {
  readonly overLaterChanges: boolean;
  /** Principals to leave out. */
  readonly without: readonly string[];
  readonly withoutMissing: boolean;
  /** Undefined: the journal. */
  readonly former: FormerSource | undefined;
}

/** Undoes a run, or what was last done to the named keys. */
export async function rollBack(
  run: string | undefined,
  own: RollbackFlags,
  given: ChangeFlags,
  io: Io,
): Promise<ExitCode> {
  const flags = { ...given, journal: await journalFolder(given.journal, given, io) };
  if (own.former !== undefined) {
    if (run !== undefined) {
      throw new KeywardError({
        what: "two answers to where the former policy is",
        where: inert(run, { max: 100 }),
        expected: "a run, or --from, or --policy",
        next: "leave the run out, or --from and --policy",
      });
    }
    const tasks = await formerTasks(own.former, flags, io);
    const of =
      own.former.policyFile ??
      (own.former.config.length > 0 || own.former.askConfig ? "config" : "cloudtrail");
    return putBack({ ...tasks, tasks: tasks.tasks.map((t) => leaving(t, own)) }, of, own, flags, io);
  }
  const journal = new Journal(flags.journal);
  const lists: TaskList[] = [];
  const names: string[] = [];
  for (const [record, keys] of await runsToUndo(journal, run, flags)) {
    lists.push(await rollbackTasks(journal, record, { keys, overLaterChanges: own.overLaterChanges }));
    names.push(record.id);
  }
  const [first] = lists;
  if (first === undefined) throw nothing(flags.journal);
  const all = lists.flatMap((l) => l.tasks.map((t): KeyTask => ({ ...t, zone: t.zone ?? l.zone })));
  const tasks: TaskList = { ...first, tasks: all.map((t) => leaving(t, own)) };
  const unknown = [...(flags.keys ?? [])].find((key) => !tasks.tasks.some((t) => t.key === key));
  if (unknown !== undefined) {
    throw new KeywardError({
      what: "that run wrote nothing to this key",
      where: names.join(", "),
      got: inert(unknown, { max: 200 }),
      next: "keyward journal list shows what was written",
    });
  }
  return putBack(tasks, names.join(" "), own, flags, io);
}

async function putBack(
  tasks: TaskList,
  of: string,
  own: RollbackFlags,
  flags: ChangeFlags,
  io: Io,
): Promise<ExitCode> {
  let refused = false;
  const code = await change({ kind: "new", tasks, of }, flags, io, (end) => {
    refused ||= end.outcome === "failed" && end.reason.includes("MalformedPolicyDocumentException");
  });
  if (refused) hint(tasks, own, io);
  return code;
}

/** Runs with the keys of each that are wanted; undefined: all. */
async function runsToUndo(
  journal: Journal,
  run: string | undefined,
  flags: ChangeFlags,
): Promise<readonly (readonly [RunRecord, ReadonlySet<string> | undefined])[]> {
  if (run !== undefined) return [[await journal.read(run), flags.keys]];
  if (flags.keys === undefined) {
    throw new KeywardError({
      what: "something to undo is needed",
      where: "keyward rollback",
      expected: "keyward rollback RUN, or --key ARN",
      next: "keyward journal list shows the runs",
    });
  }
  const found = new Map<string, { readonly record: RunRecord; readonly keys: Set<string> }>();
  for (const key of flags.keys) {
    const record = await lastRunOf(journal, key);
    if (record === undefined) throw nothing(flags.journal);
    const entry = found.get(record.id) ?? { record, keys: new Set() };
    entry.keys.add(key);
    found.set(record.id, entry);
  }
  return [...found.values()].map(({ record, keys }) => [record, keys]);
}

/** The task without the principals that the user wants left out. */
function leaving(task: KeyTask, own: RollbackFlags): KeyTask {
  if (task.policy === null || (own.without.length === 0 && !own.withoutMissing)) return task;
  const named = new Set(own.without);
  const result = withoutPrincipals(task.policy, (p) => named.has(p) || (own.withoutMissing && isUniqueId(p)));
  if (typeof result === "string") {
    throw new KeywardError({
      what: "the old policy cannot be put back without the deleted principals",
      where: task.key,
      got: result,
      next: "write the policy by hand, from the backup that keyward journal list names",
    });
  }
  if (result.left.length === 0) return task;
  return {
    ...task,
    policy: result.text,
    foreseen: [
      ...task.foreseen,
      `Left out of the old policy, because they do not exist any more: ${result.left.join(", ")}.`,
    ],
  };
}

/** KMS says that principals are invalid and not which. */
function hint(tasks: TaskList, own: RollbackFlags, io: Io): void {
  if (own.withoutMissing) return;
  const ids = tasks.tasks.some(
    (t) =>
      t.policy !== null && [...t.policy.matchAll(/"([A-Z0-9]+)"/g)].some(([, id = ""]) => isUniqueId(id)),
  );
  sayTo(io.stderr)(
    ids
      ? "The old policies name deleted principals by their unique ids, which KMS refuses: --without-missing leaves them out."
      : "Where KMS refused the policy for invalid principals, users or roles in it were deleted since: --without ARN leaves one out.",
  );
}

function nothing(folder: string): KeywardError {
  return new KeywardError({
    what: "the journal knows of no change to undo",
    where: folder,
    next: "keyward journal list shows the runs; --journal names another folder",
  });
}
