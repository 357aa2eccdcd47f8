import { z } from "zod";
import type { Grant } from "../domain/grant.js";
import { KeywardError } from "../domain/result.js";
import type { Backup } from "./key.js";
import type { JournalEvent } from "./journal/events.js";
import { eventsOf, type Journal, type RunRecord } from "./journal/journal.js";
import { jsonOf } from "./journal/chain.js";
import { grantTerms } from "./read.js";
import type { PendingTask } from "./run.js";
import type { KeyTask, TaskList } from "./tasks.js";
import { TASKS_SCHEMA, grantSchema } from "./tasks.js";

const grantsFile = z.strictObject({ Grants: z.array(grantSchema) });

/** What a run has backed up of a key; undefined: it has not come to it. */
export async function backupOf(journal: Journal, run: RunRecord, key: string): Promise<Backup | undefined> {
  const event = eventsOf(run.log, key).find((e) => e.type === "backup");
  if (event === undefined) return undefined;
  const grants = grantsFile.safeParse(jsonOf(await journal.load(event.grants)));
  if (!grants.success) {
    throw new KeywardError({
      what: "the journal is damaged",
      where: journal.objectPath(event.grants),
      got: "it is no list of grants",
      next: "keyward journal verify lists everything that is wrong",
    });
  }
  return { policy: await journal.load(event.policy), grants: grants.data.Grants };
}

/** What a stopped run has left to do: keys that it has not ended with, and those that failed. */
export async function pendingOf(
  journal: Journal,
  run: RunRecord,
  tasks: TaskList,
): Promise<readonly PendingTask[]> {
  const pending: PendingTask[] = [];
  for (const task of tasks.tasks) {
    const ended = eventsOf(run.log, task.key).filter((e) => e.type === "key-end");
    const last = ended[ended.length - 1];
    if (last !== undefined && last.outcome !== "failed") continue;
    pending.push({ task, backup: await backupOf(journal, run, task.key) });
  }
  return pending;
}

/** How a run is to be rolled back. */
export interface RollbackOptions {
  /** Key ARNs; undefined: all that the run wrote to. */
  readonly keys: ReadonlySet<string> | undefined;
  /** Put the old policy even over changes that others have made since. */
  readonly overLaterChanges: boolean;
}

/** The tasks that bring the keys of a run back to what they had before it. Keys that it did not write to are left. */
export async function rollbackTasks(
  journal: Journal,
  run: RunRecord,
  options: RollbackOptions,
): Promise<TaskList> {
  const done = await journal.tasks(run);
  const tasks: KeyTask[] = [];
  for (const task of done.tasks) {
    if (options.keys !== undefined && !options.keys.has(task.key)) continue;
    const events = eventsOf(run.log, task.key);
    if (!events.some((e) => e.type === "intent")) continue;
    const backup = await backupOf(journal, run, task.key);
    if (backup === undefined) continue;
    tasks.push(rollbackTask(task, events, backup, options.overLaterChanges));
  }
  return { schema: TASKS_SCHEMA, kind: "rollback", zone: done.zone, tasks };
}

function rollbackTask(
  task: KeyTask,
  events: readonly JournalEvent[],
  backup: Backup,
  overLaterChanges: boolean,
): KeyTask {
  const put = events.find((e) => e.type === "intent" && e.action === "put-policy");
  const evaluated = events.findLast((e) => e.type === "evaluated");
  const to = put?.type === "intent" && put.action === "put-policy" ? put.to : undefined;
  // AWS may show what was put in another spelling; what was read back is what the key has.
  const now = evaluated?.type === "evaluated" ? evaluated.policy : to;
  const revoked = new Set(
    events.flatMap((e) => (e.type === "intent" && e.action === "revoke-grant" ? [e.grantId] : [])),
  );
  const made = events.flatMap((e) =>
    e.type === "done" && e.action === "create-grant" && e.grantId !== null ? [e.grantId] : [],
  );
  const create = withAlike(backup.grants, revoked);
  return {
    key: task.key,
    expect: { policy: put === undefined || overLaterChanges ? null : (now ?? null), grants: null },
    ...(task.zone === undefined ? {} : { zone: task.zone }),
    policy: put === undefined ? null : backup.policy,
    revoke: made,
    create,
    foreseen: [...revoked].map(
      (id) =>
        `The grant ${id} was revoked: a new one with the same terms gets another id, token and issuing account.`,
    ),
  };
}

/** Grants that were revoked, with all others of the same terms: as many as there were have to be there again. */
function withAlike(before: readonly Grant[], revoked: ReadonlySet<string>): readonly Grant[] {
  const terms = new Set(before.filter((g) => revoked.has(g.GrantId)).map(grantTerms));
  return before.filter((g) => terms.has(grantTerms(g)));
}

/** The newest run that wrote to a key. */
export async function lastRunOf(journal: Journal, key: string): Promise<RunRecord | undefined> {
  for (const id of [...(await journal.runs())].reverse()) {
    const run = await journal.read(id);
    if (eventsOf(run.log, key).some((e) => e.type === "intent")) return run;
  }
  return undefined;
}
