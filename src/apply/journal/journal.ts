import type { FileHandle } from "node:fs/promises";
import { readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Grant } from "../../domain/grant.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import type { TaskList } from "../tasks.js";
import { tasksSchema } from "../tasks.js";
import { type JournalCopy, pieceName } from "./copy.js";
import { NO_LINE, type ReadLog, chainLine, jsonOf, readChain, sha256 } from "./chain.js";
import {
  appendDurably,
  journalFailure,
  look,
  makeFolder,
  openForAppending,
  readIfThere,
  writeWhole,
} from "./durable.js";
import type { BackupEvent, JournalEvent, LogEntry } from "./events.js";
import { JOURNAL_SCHEMA } from "./events.js";
import { lockJournal, type Unlock } from "./lock.js";
import {
  RESTORE_HEAD,
  grantInput,
  grantsText,
  policyInput,
  restoredKeys,
  restoreSection,
} from "./restore.js";

/** Names of runs are made by keyward: nothing else is taken for one, least of all a path. */
const RUN_ID = /^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{6}$/;

/** Whether a text is the name of a run, as the journal makes them. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** A run as it stands in the journal. */
export interface RunRecord {
  readonly id: string;
  readonly log: ReadLog;
}

/**
 * A folder of plain files:
 *
 * - `objects/sha256-…`: policies byte for byte, lists of grants, lists of tasks, each named by the SHA-256 of its content;
 * - `runs/RUN/log.ndjson`: what a run did, one event a line, chained by checksums, only ever added to;
 * - `runs/RUN/RESTORE.md`: how to restore each key with the AWS CLI alone;
 * - `lock`: who is writing.
 */
export class Journal {
  /** @param copy where every backup is copied to before the write that it protects; undefined: nowhere */
  constructor(
    readonly folder: string,
    readonly copy?: JournalCopy,
  ) {}

  /** Takes the journal for this process. */
  lock(now: number): Promise<Unlock> {
    return lockJournal(this.folder, now);
  }

  /** Where an object is. */
  objectPath(digest: string): string {
    return join(this.folder, "objects", `sha256-${digest}`);
  }

  /** Stores a text; on the disk when it returns. */
  async store(content: string): Promise<string> {
    const digest = sha256(content);
    const path = this.objectPath(digest);
    const there = await look(path);
    // One that was damaged, or is no file, is mended by the right content.
    if (there.kind !== "file" || sha256(there.content) !== digest) {
      await makeFolder(join(this.folder, "objects"));
      await writeWhole(path, content);
    }
    return digest;
  }

  /** An object's text, checked. Throws {@link KeywardError} where it is missing or damaged. */
  async load(digest: string): Promise<string> {
    const path = this.objectPath(digest);
    const content = await readIfThere(path);
    if (content === undefined) throw damaged(path, "it is missing");
    const found = sha256(content);
    if (found !== digest) throw damaged(path, `its content has the SHA-256 ${found}`);
    return content.toString("utf8");
  }

  /** Ids of all runs, oldest first. */
  async runs(): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.folder, "runs"))).filter((name) => RUN_ID.test(name)).sort();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw journalFailure(this.folder, error);
    }
  }

  /** Reads a run's log. Throws {@link KeywardError} where there is no such run. */
  async read(id: string): Promise<RunRecord> {
    const content = RUN_ID.test(id) ? await readIfThere(this.logPath(id)) : undefined;
    if (content === undefined) {
      throw new KeywardError({
        what: "the journal has no such run",
        where: this.folder,
        got: inert(id, { max: 100 }),
        next: "keyward journal list shows the runs; --journal names another folder",
      });
    }
    return { id, log: readChain(content) };
  }

  /**
   * What the end of a run's log lacks, in words; undefined: nothing, as far as can be told. Lines that are gone from its
   * end leave the chain whole; but of each backup RESTORE.md was written before the log. Of one key more it may tell for
   * each time that the run was killed in between.
   */
  async cutOff(run: RunRecord): Promise<string | undefined> {
    const restore = (await readIfThere(this.restorePath(run.id)))?.toString("utf8") ?? "";
    const events = run.log.entries.map((e) => e.event);
    const backedUp = new Set(events.flatMap((e) => (e.type === "backup" ? [e.key] : [])));
    const missing = restoredKeys(restore).filter((key) => !backedUp.has(key)).length;
    const kills = 1 + events.filter((e) => e.type === "resumed").length;
    return missing <= kills
      ? undefined
      : `RESTORE.md has ${missing} keys of which its log says nothing: lines are missing at its end`;
  }

  /** The tasks of a run. Throws {@link KeywardError} where it cannot be told what the run did. */
  async tasks(run: RunRecord): Promise<TaskList> {
    const cut = await this.cutOff(run);
    if (cut !== undefined) throw damaged(this.logPath(run.id), cut);
    const first = run.log.entries[0]?.event;
    if (first === undefined && run.log.faults.length === 0) {
      throw new KeywardError({
        what: "this run was stopped before it began: it has written nothing",
        where: this.logPath(run.id),
        next: "start it anew",
      });
    }
    if (first?.type !== "run") throw damaged(this.logPath(run.id), "its first line is missing");
    const parsed = tasksSchema.safeParse(jsonOf(await this.load(first.tasks)));
    if (!parsed.success) throw damaged(this.objectPath(first.tasks), "it is no list of tasks");
    return parsed.data;
  }

  /** Begins a run. The journal must be locked. */
  async begin(tasks: TaskList, about: About): Promise<RunWriter> {
    const digest = await this.store(`${JSON.stringify(tasks, null, 2)}\n`);
    const id = `${new Date(about.now()).toISOString().replace(/[-:.]/g, "")}-${about.suffix}`;
    await makeFolder(join(this.folder, "runs", id));
    await writeWhole(this.restorePath(id), RESTORE_HEAD);
    const writer = await RunWriter.open(this, id, about.now, { count: 0, sum: NO_LINE, uncopied: "" });
    await writer.add({
      type: "run",
      schema: JOURNAL_SCHEMA,
      run: id,
      kind: tasks.kind,
      tool: about.tool,
      tasks: digest,
      of: about.of,
    });
    return writer;
  }

  /** Goes on with a run. A torn last line is cut away. The journal must be locked. */
  async resume(run: RunRecord, now: () => number): Promise<RunWriter> {
    const { log } = run;
    if (log.faults.length > 0) throw damaged(this.logPath(run.id), log.faults.join("; "));
    if (log.torn) {
      try {
        await truncate(this.logPath(run.id), log.goodBytes);
      } catch (error) {
        throw journalFailure(this.logPath(run.id), error);
      }
    }
    const uncopied = await this.notCopied(run);
    const state = { count: log.entries.length, sum: log.sum, uncopied };
    const writer = await RunWriter.open(this, run.id, now, state);
    await writer.add({ type: "resumed", pid: process.pid });
    return writer;
  }

  /** What the copy does not have yet of a log: it was killed before it was copied, or no copy was kept until now. */
  private async notCopied(run: RunRecord): Promise<string> {
    if (this.copy === undefined) return "";
    const log = (await readIfThere(this.logPath(run.id)))?.subarray(0, run.log.goodBytes) ?? Buffer.alloc(0);
    const copied = await this.copy.log(run.id);
    if (log.subarray(0, copied.length).equals(copied)) return log.subarray(copied.length).toString("utf8");
    throw new KeywardError({
      what: "the copy of the journal tells another story of this run",
      where: `${this.copy.port.where}runs/${run.id}/log/`,
      got: `the log in ${this.folder} does not begin with the ${copied.length} bytes that were copied`,
      next: "look at both with keyward journal verify; --journal s3://… reads the copy into another folder",
    });
  }

  logPath(id: string): string {
    return join(this.folder, "runs", id, "log.ndjson");
  }

  restorePath(id: string): string {
    return join(this.folder, "runs", id, "RESTORE.md");
  }
}

/** What a new run says about itself. */
export interface About {
  readonly tool: string;
  /** The plan file or the run that is rolled back. */
  readonly of: string | null;
  /** Six hexadecimal digits that tell runs of one second apart. */
  readonly suffix: string;
  readonly now: () => number;
}

/** Adds to the log of one run. Every event is on the disk when `add` returns. */
export class RunWriter {
  private constructor(
    private readonly journal: Journal,
    readonly id: string,
    private readonly now: () => number,
    private readonly log: FileHandle,
    private readonly restore: FileHandle,
    private state: { count: number; sum: string; uncopied: string },
  ) {}

  static async open(
    journal: Journal,
    id: string,
    now: () => number,
    state: RunWriter["state"],
  ): Promise<RunWriter> {
    const log = await openForAppending(journal.logPath(id));
    const restore = await openForAppending(journal.restorePath(id));
    return new RunWriter(journal, id, now, log, restore, { ...state });
  }

  async add(event: JournalEvent): Promise<void> {
    const at = new Date(this.now()).toISOString();
    const line = chainLine(this.state.count, at, this.state.sum, event);
    await appendDurably(this.log, this.journal.logPath(this.id), line.text);
    const uncopied = this.journal.copy === undefined ? "" : this.state.uncopied + line.text;
    this.state = { count: this.state.count + 1, sum: line.sum, uncopied };
    // A backup goes with the intent that follows it: before that nothing is sent.
    if (event.type !== "backup" && event.type !== "done" && event.type !== "evaluated") await this.copyLog();
  }

  /** Copies what was added since the last time, with the objects that it names. */
  private async copyLog(): Promise<void> {
    const { copy } = this.journal;
    const { uncopied, count } = this.state;
    if (copy === undefined || uncopied === "") return;
    const { entries } = readLines(uncopied);
    for (const digest of new Set(entries.flatMap(objectsOf))) {
      await copy.store(`objects/sha256-${digest}`, await this.journal.load(digest));
    }
    const first = count - entries.length;
    const restore = entries.flatMap((event) => (event.type === "backup" ? [event] : []));
    if (restore.length > 0) {
      const sections = await Promise.all(
        restore.map(async (backup) => restoreSection(backup, await this.journal.load(backup.grants))),
      );
      const name = `runs/${this.id}/RESTORE-${String(first).padStart(8, "0")}.md`;
      await copy.store(name, [RESTORE_HEAD, ...sections].join(""));
    }
    await copy.store(pieceName(this.id, first), uncopied);
    this.state = { ...this.state, uncopied: "" };
  }

  /**
   * Puts what a key has on the disk, with how to restore it. Only after this may anything be sent.
   * @param revoke those of its grants that are about to be revoked
   */
  async backUp(
    key: string,
    policy: string,
    grants: readonly Grant[],
    revoke: readonly Grant[],
  ): Promise<void> {
    const text = grantsText(grants);
    const backup: BackupEvent = {
      type: "backup",
      key,
      policy: await this.journal.store(policy),
      grants: await this.journal.store(text),
      policyInput: await this.journal.store(policyInput(key, policy)),
    };
    const grantInputs: string[] = [];
    for (const grant of revoke) grantInputs.push(await this.journal.store(grantInput(key, grant)));
    const event = grantInputs.length === 0 ? backup : { ...backup, grantInputs };
    await appendDurably(this.restore, this.journal.restorePath(this.id), restoreSection(event, text));
    await this.add(event);
  }

  /** Keeps a policy that is about to be put, so that the journal alone explains what a key has. */
  keep(policy: string): Promise<string> {
    return this.journal.store(policy);
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.restore.close();
  }
}

/** Events of lines that this program has written or checked. */
function readLines(lines: string): { readonly entries: readonly JournalEvent[] } {
  const parse = (line: string): JournalEvent => (JSON.parse(line) as { event: JournalEvent }).event;
  return { entries: lines.split("\n").filter(Boolean).map(parse) };
}

/** The objects that an event names. */
export function objectsOf(event: JournalEvent): readonly string[] {
  switch (event.type) {
    case "backup":
      return [
        event.policy,
        event.grants,
        ...(event.policyInput === undefined ? [] : [event.policyInput]),
        ...(event.grantInputs ?? []),
      ];
    case "run":
      return [event.tasks];
    case "intent":
      return event.action === "put-policy" ? [event.from, event.to] : [];
    default:
      return [];
  }
}

/** How a run ended: with all keys; before that, on a failure or because somebody wanted it; or not at all (killed). */
export type RunEnd = "complete" | "stopped" | "killed";

/** How a run ended the last time that somebody was at it. */
export function endOf({ entries }: Pick<ReadLog, "entries">): RunEnd {
  const last = entries.findLast(({ event }) => event.type === "end" || event.type === "resumed")?.event;
  if (last?.type !== "end") return "killed";
  return last.complete ? "complete" : "stopped";
}

/** The events of one key, oldest first. */
export function eventsOf(log: ReadLog, key: string): readonly JournalEvent[] {
  return log.entries.map((e: LogEntry) => e.event).filter((e) => "key" in e && e.key === key);
}

function damaged(path: string, got: string): KeywardError {
  return new KeywardError({
    what: "the journal is damaged",
    where: path,
    got,
    next: "take the file from a copy of the journal; keyward journal verify lists everything that is wrong",
  });
}
