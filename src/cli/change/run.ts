import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Recorder, RunContext } from "../../apply/context.js";
import type { KeyEnd } from "../../apply/journal/events.js";
import { sha256 } from "../../apply/journal/chain.js";
import { Journal, type RunRecord, type RunWriter } from "../../apply/journal/journal.js";
import { pendingOf } from "../../apply/from-journal.js";
import type { PendingTask, RunResult } from "../../apply/run.js";
import { runTasks } from "../../apply/run.js";
import type { TaskList } from "../../apply/tasks.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { onFirstInterrupt } from "../scan/interrupt.js";
import { toolVersion } from "../version.js";
import type { Asker } from "./ask.js";
import { openAsker } from "./ask.js";
import type { OpenCopy } from "./copy.js";
import type { ChangeCloud } from "./cloud.js";
import { openCloud } from "./cloud.js";
import { benchOf } from "./estate.js";
import type { ChangeFlags } from "./flags.js";

/** A run that begins, or one that was stopped and goes on. */
export type RunStart =
  | {
      readonly kind: "new";
      readonly tasks: TaskList;
      /** The plan file, or the run that is rolled back. */
      readonly of: string;
    }
  | { readonly kind: "resume"; readonly run: RunRecord };

/** Runs the tasks of a plan, of a rollback or of a stopped run. Throws KeywardError where it cannot begin. */
export async function change(
  start: RunStart,
  flags: ChangeFlags,
  io: Io,
  onEnd: (end: KeyEnd) => void = () => undefined,
): Promise<ExitCode> {
  const copy = await copyOf(flags, io);
  try {
    return await changeWith(new Journal(flags.journal, copy?.copy), start, flags, io, onEnd);
  } finally {
    copy?.close();
  }
}

/** A dry run writes nothing anywhere. */
async function copyOf(flags: ChangeFlags, io: Io): Promise<OpenCopy | undefined> {
  if (flags.journalCopy === undefined || flags.dryRun) return undefined;
  const { openCopy } = await import("./copy.js");
  return openCopy(flags.journalCopy, "--journal-copy", flags, io);
}

async function changeWith(
  journal: Journal,
  start: RunStart,
  flags: ChangeFlags,
  io: Io,
  onEnd: (end: KeyEnd) => void,
): Promise<ExitCode> {
  const tasks = start.kind === "new" ? start.tasks : await journal.tasks(start.run);
  const pending =
    start.kind === "new"
      ? tasks.tasks.map((task): PendingTask => ({ task, backup: undefined }))
      : await pendingOf(journal, start.run, tasks);
  const say = sayTo(io.stderr);
  if (pending.length === 0) {
    say("There is nothing to change.");
    return EXIT.clear;
  }
  if (flags.maxKeys !== undefined && pending.length > flags.maxKeys) {
    say(
      `Refused: ${pending.length} keys would be changed, and --max-keys permits ${flags.maxKeys}. Nothing was written.`,
    );
    return EXIT.refused;
  }
  const asker = await openAsker(flags, io);
  try {
    const cloud = await openCloud(flags, io, regionOf(pending));
    try {
      const bench = await benchOf(tasks, flags.estate, io.now);
      const surroundings: Surroundings = { asker, cloud, bench, flags, io, say, onEnd };
      if (flags.dryRun) return await runWith(DRY, pending, tasks, surroundings);
      return await journaled(journal, start, pending, tasks, surroundings);
    } finally {
      cloud.close();
    }
  } finally {
    asker.close();
  }
}

interface Surroundings {
  readonly asker: Asker;
  readonly cloud: ChangeCloud;
  readonly bench: RunContext["bench"];
  readonly flags: ChangeFlags;
  readonly io: Io;
  readonly say: (text: string) => void;
  readonly onEnd: (end: KeyEnd) => void;
}

async function journaled(
  journal: Journal,
  start: RunStart,
  pending: readonly PendingTask[],
  tasks: TaskList,
  around: Surroundings,
): Promise<ExitCode> {
  const { io, say } = around;
  const unlock = await journal.lock(io.now());
  try {
    const writer = await openRun(journal, start, tasks, io);
    const { copy } = journal;
    say(
      `Journal: ${journal.folder}, run ${writer.id}${copy === undefined ? "" : `, copied to ${copy.port.where}`}`,
    );
    try {
      const code = await runWith(writer, pending, tasks, around);
      if (code !== EXIT.clear) {
        say(`Go on with: keyward apply --resume ${writer.id}`);
        say(`Undo with: keyward rollback ${writer.id}`);
      }
      return code;
    } finally {
      await writer.close();
    }
  } finally {
    await unlock();
  }
}

function openRun(journal: Journal, start: RunStart, tasks: TaskList, io: Io): Promise<RunWriter> {
  if (start.kind === "resume") return journal.resume(start.run, io.now);
  return journal.begin(tasks, {
    tool: `keyward ${toolVersion()}`,
    of: start.of,
    suffix: randomBytes(3).toString("hex"),
    now: io.now,
  });
}

async function runWith(
  recorder: Recorder,
  pending: readonly PendingTask[],
  tasks: TaskList,
  { asker, cloud, bench, flags, io, say, onEnd }: Surroundings,
): Promise<ExitCode> {
  const tell = sayTo(io.stdout);
  let stopping = false;
  const release = onFirstInterrupt(() => {
    stopping = true;
    say("Stopping after this key. Ctrl-C again quits at once; --resume then finds out what was done.");
  });
  try {
    const result = await runTasks(pending, {
      kind: tasks.kind,
      portsOf: cloud.portsOf,
      recorder,
      confirm: asker.confirm,
      tell: (end) => {
        const { outcome, key, reason } = end;
        onEnd(end);
        tell(`${flags.dryRun && outcome === "done" ? "would change" : outcome}: ${key}: ${reason}`);
      },
      bench,
      dryRun: flags.dryRun,
      keepGoing: flags.keepGoing,
      settleMs: flags.settleMs,
      now: () => performance.now(),
      sleep: (ms) => sleep(ms),
      signal: new AbortController().signal,
      stopping: () => stopping,
    });
    tell(summary(result, flags.dryRun));
    return codeOf(result, tasks.kind);
  } finally {
    release();
  }
}

function summary({ counts, left, exposed }: RunResult, dryRun: boolean): string {
  const parts = [
    `${counts.done} ${dryRun ? "would be changed" : "changed"}`,
    `${counts["nothing-to-do"]} had nothing to do`,
    `${counts.skipped} skipped`,
    `${counts.drift} changed by others since`,
    `${counts.refused} refused`,
    `${counts.failed} failed`,
    `${left} not reached`,
  ].filter((part, i) => i === 0 || !part.startsWith("0 "));
  return `${parts.join(", ")}${exposed > 0 ? `; ${exposed} exposed after it` : ""}.`;
}

/** The worst that happened. */
function codeOf({ counts, left, exposed, disagreements }: RunResult, kind: TaskList["kind"]): ExitCode {
  if (disagreements > 0) return EXIT.disagreement;
  if (counts.failed > 0) return EXIT.failure;
  if (counts.refused > 0 || counts.drift > 0) return EXIT.refused;
  if (exposed > 0 && kind === "apply") return EXIT.exposed;
  return left > 0 || counts.skipped > 0 ? EXIT.incomplete : EXIT.clear;
}

/** A dry run writes nothing, here neither. */
const DRY: Recorder = {
  add: () => Promise.resolve(),
  backUp: () => Promise.resolve(),
  keep: (policy) => Promise.resolve(sha256(policy)),
};

/** Surely a Region of the keys' partition. */
function regionOf(pending: readonly PendingTask[]): string | undefined {
  const arn = parseKeyArn(pending[0]?.task.key ?? "");
  return arn === undefined ? undefined : keyArnParts(arn).region;
}
