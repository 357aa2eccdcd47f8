import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "./chain.js";
import { journalFailure, look } from "./durable.js";
import { endOf, type Journal, objectsOf } from "./journal.js";

/** What a look at a whole journal found. */
export interface JournalCheck {
  readonly runs: number;
  readonly objects: number;
  readonly events: number;
  /** Damage: what is written there may not be relied on. */
  readonly faults: readonly string[];
  /** What is no damage, such as a last line that was cut off when the program was killed. */
  readonly notes: readonly string[];
}

/**
 * Reads every file of a journal: checksums of objects, the chain of every log, and whether every write has its backup
 * before it, with both objects unharmed.
 */
export async function checkJournal(journal: Journal): Promise<JournalCheck> {
  const faults: string[] = [];
  const notes: string[] = [];
  const objects = await objectNames(journal);
  for (const name of objects) {
    const digest = name.slice("sha256-".length);
    const found = await look(join(journal.folder, "objects", name));
    if (found.kind === "other") faults.push(`objects/${name}: ${noFile(found.what)}`);
    else if (found.kind === "missing" || sha256(found.content) !== digest) {
      faults.push(`objects/${name}: its content is not what its name says`);
    }
  }
  const good = new Set(objects.map((name) => name.slice("sha256-".length)));
  const runs = await journal.runs();
  let events = 0;
  for (const id of runs) {
    const found = await look(journal.logPath(id));
    if (found.kind === "other") {
      faults.push(`runs/${id}/log.ndjson: ${noFile(found.what)}`);
      continue;
    }
    if (found.kind === "missing") {
      notes.push(`runs/${id}: it has no log: the program was killed before it began`);
      continue;
    }
    const run = await journal.read(id);
    const { log } = run;
    events += log.entries.length;
    for (const fault of log.faults) faults.push(`runs/${id}/log.ndjson, ${fault}`);
    const restore = await look(journal.restorePath(id));
    if (restore.kind === "other") faults.push(`runs/${id}/RESTORE.md: ${noFile(restore.what)}`);
    else {
      const cut = await journal.cutOff(run);
      if (cut !== undefined) faults.push(`runs/${id}/log.ndjson: ${cut}`);
    }
    if (log.torn) {
      notes.push(
        `runs/${id}/log.ndjson: the last line was cut off while it was written; nothing rests on it`,
      );
    }
    const backedUp = new Set<string>();
    for (const [index, { event }] of log.entries.entries()) {
      const where = `runs/${id}/log.ndjson, line ${index + 1}`;
      if (index === 0 && event.type !== "run") faults.push(`${where}: the first line does not begin a run`);
      for (const digest of objectsOf(event)) {
        if (!good.has(digest)) faults.push(`${where}: its object sha256-${digest} is missing`);
      }
      if (event.type === "backup") backedUp.add(event.key);
      if (event.type === "intent" && !backedUp.has(event.key)) {
        faults.push(`${where}: ${event.key} was written without a backup before`);
      }
    }
    const end = endOf(log);
    if (end !== "complete" && log.faults.length === 0) {
      const how = end === "killed" ? "it did not end" : "it was stopped before its end";
      notes.push(`runs/${id}: ${how}: keyward apply --resume ${id}, or keyward rollback ${id}`);
    }
  }
  return { runs: runs.length, objects: objects.length, events, faults, notes };
}

const noFile = (what: string): string => `it is ${what}, and was not read`;

/** The objects of a journal, sorted. */
export async function objectNames(journal: Journal): Promise<readonly string[]> {
  try {
    const names = await readdir(join(journal.folder, "objects"));
    return names.filter((name) => /^sha256-[0-9a-f]{64}$/.test(name)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw journalFailure(journal.folder, error);
  }
}
