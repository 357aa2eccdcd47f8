import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Details } from "../../collect/key.js";
import { Known } from "../../collect/known.js";
import { KeywardError } from "../../domain/result.js";
import type { SnapshotLine } from "../../snapshot/lines.js";
import { readSnapshot } from "../../snapshot/read.js";

/** The snapshot that a scan goes on from. */
export interface Resumed {
  readonly path: string;
  readonly known: Known;
  /** The lines that stand in the new snapshot as they are. */
  lines(): AsyncIterable<SnapshotLine>;
}

/**
 * Reads what an earlier scan left: a snapshot, whole or cut off anywhere, gzipped or not. Where there is none of that
 * name but exactly one `NAME.PID.partial`, which is what a killed scan leaves, that is taken. Throws KeywardError where
 * neither is there, or where it is no snapshot.
 * @param iam whether this scan wants IAM
 */
export async function openResumed(name: string, details: Details, iam: boolean): Promise<Resumed> {
  const path = await find(name);
  const known = new Known(details, iam);
  for await (const line of read(path)) known.add(line);
  return { path, known, lines: () => kept(path, details, known) };
}

async function* kept(path: string, details: Details, all: Known): AsyncGenerator<SnapshotLine> {
  // The same decisions again: whole keys are too many to keep in memory.
  const known = new Known(details);
  for await (const line of read(path)) if (known.add(line) || all.keepsIam(line)) yield line;
}

function read(path: string): AsyncGenerator<SnapshotLine> {
  return readSnapshot(createReadStream(path), path);
}

async function find(name: string): Promise<string> {
  if (await exists(name)) return name;
  const folder = dirname(name);
  const prefix = `${basename(name)}.`;
  const left = (await entries(folder)).filter(
    (entry) => entry.startsWith(prefix) && /^[0-9]+\.partial$/.test(entry.slice(prefix.length)),
  );
  const [only] = left;
  if (only !== undefined && left.length === 1) return join(folder, only);
  throw new KeywardError({
    what: left.length === 0 ? "there is no such snapshot" : "several scans have left something",
    where: name,
    ...(left.length === 0 ? {} : { got: left.map((entry) => join(folder, entry)).join(", ") }),
    next: "name the file that the stopped scan left, FILE or FILE.PID.partial",
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
