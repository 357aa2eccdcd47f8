import type { RunContext } from "./context.js";
import type { KeyEnd } from "./journal/events.js";
import type { Backup, KeyResult } from "./key.js";
import { runKey } from "./key.js";
import type { KeyTask } from "./tasks.js";
import { inTurns } from "./turns.js";

/** What a run came to. */
export interface RunResult {
  /** Keys by how the run got on with them. */
  readonly counts: Readonly<Record<KeyEnd["outcome"], number>>;
  /** Keys that the run did not come to: it was stopped before. */
  readonly left: number;
  /** Keys that are exposed after the change. */
  readonly exposed: number;
  /** Keys about which keyward's two engines disagree: nothing that is said of them may be relied on. */
  readonly disagreements: number;
}

/** A key that is to be worked on. */
export interface PendingTask {
  readonly task: KeyTask;
  /** Undefined: this run has not written to it. */
  readonly backup: Backup | undefined;
}

/**
 * Works on the keys one after the other, so that at any instant one key at most is between two states, and stops at
 * the first thing that was not to be expected.
 */
export async function runTasks(pending: readonly PendingTask[], context: RunContext): Promise<RunResult> {
  const counts: Record<KeyEnd["outcome"], number> = {
    done: 0,
    "nothing-to-do": 0,
    skipped: 0,
    drift: 0,
    refused: 0,
    failed: 0,
  };
  let exposed = 0;
  let disagreements = 0;
  let done = 0;
  for (const [index, { task, backup }] of inTurns(pending, (p) => p.task.key).entries()) {
    if (context.stopping()) break;
    const place = { index: index + 1, of: pending.length };
    const result: KeyResult = await runKey(task, backup, context, place);
    if (result.outcome === "quit") break;
    const end: KeyEnd = { type: "key-end", key: task.key, outcome: result.outcome, reason: result.reason };
    await context.recorder.add(end);
    context.tell(end);
    counts[result.outcome]++;
    done++;
    if (result.exposed === true) exposed++;
    if (result.disagreement === true) disagreements++;
    if (result.unexpected && !context.keepGoing) break;
  }
  const left = pending.length - done;
  await context.recorder.add({ type: "end", complete: left === 0 && counts.failed === 0 });
  return { counts, left, exposed, disagreements };
}
