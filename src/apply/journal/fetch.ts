import { join } from "node:path";
import { KeywardError } from "../../domain/result.js";
import { readChain, sha256 } from "./chain.js";
import type { JournalCopy } from "./copy.js";
import { makeFolder, readIfThere, writeWhole } from "./durable.js";
import { isRunId, type Journal } from "./journal.js";

/** What was brought from a copy. */
export interface Fetched {
  readonly runs: number;
  readonly objects: number;
}

/**
 * Brings everything that a copy has into a journal on this machine, checked: objects by their names, logs by their chain.
 * What is there already stays; a log that is there must begin as the copy's does, or the other way round. Throws
 * KeywardError for what is damaged. The journal must be locked.
 */
export async function fetchCopy(copy: JournalCopy, journal: Journal): Promise<Fetched> {
  const names = await copy.names("");
  // Names are the bucket's: nothing else is taken for a path.
  const digests = names.flatMap((n) => /^objects\/sha256-([0-9a-f]{64})$/.exec(n)?.[1] ?? []);
  const runs = [...new Set(names.flatMap((n) => /^runs\/([^/]+)\/log\/\d{8}\.ndjson$/.exec(n)?.[1] ?? []))];
  for (const digest of digests) {
    const there = await readIfThere(journal.objectPath(digest));
    if (there !== undefined && sha256(there) === digest) continue;
    const content = await copy.read(`objects/sha256-${digest}`);
    const found = content === undefined ? undefined : sha256(content);
    if (content === undefined || found !== digest) {
      throw harmed(copy, `objects/sha256-${digest}`, `its content has the SHA-256 ${found ?? "(none)"}`);
    }
    await journal.store(content.toString("utf8"));
  }
  const mine = runs.filter(isRunId);
  for (const run of mine) await fetchLog(copy, journal, run, names);
  return { runs: mine.length, objects: digests.length };
}

async function fetchLog(
  copy: JournalCopy,
  journal: Journal,
  run: string,
  names: readonly string[],
): Promise<void> {
  const copied = await copy.log(run);
  const { faults, torn } = readChain(copied);
  if (faults.length > 0 || torn) {
    throw harmed(copy, `runs/${run}/log/`, faults[0] ?? "its last line is cut off");
  }
  const path = journal.logPath(run);
  const there = (await readIfThere(path)) ?? Buffer.alloc(0);
  const shorter = Math.min(there.length, copied.length);
  if (!there.subarray(0, shorter).equals(copied.subarray(0, shorter))) {
    throw harmed(copy, `runs/${run}/log/`, `it does not begin as ${path} does`);
  }
  if (copied.length <= there.length) return;
  await makeFolder(join(journal.folder, "runs", run));
  const parts: string[] = [];
  for (const name of names.filter((n) => n.startsWith(`runs/${run}/RESTORE-`))) {
    const text = (await copy.read(name))?.toString("utf8") ?? "";
    // Each part has the same head.
    parts.push(parts.length === 0 ? text : text.slice(Math.max(0, text.indexOf("\n## "))));
  }
  await writeWhole(join(journal.folder, "runs", run, "RESTORE.md"), parts.join(""));
  await writeWhole(path, copied.toString("utf8"));
}

function harmed(copy: JournalCopy, name: string, got: string): KeywardError {
  return new KeywardError({
    what: "the copy of the journal is damaged, or is none of this journal",
    where: `${copy.port.where}${name}`,
    got,
    next: "take a former version of that object, if the bucket keeps versions; or use the journal itself",
  });
}
