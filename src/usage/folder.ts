import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { KeywardError } from "../domain/result.js";
import { isLogFile } from "./log-name.js";
import type { Listed } from "./logs.js";
import type { LogFile } from "./read-log.js";

/** Bytes that are read at once: compressed logs are small, and most fit. */
const READ = 256 * 1024;

/**
 * The log files of a folder and of all folders in it, in the order of their names; or the one file that is named.
 * Links to folders are not followed, as they could go round. Throws KeywardError where the path itself cannot be read.
 */
export async function* logFiles(path: string): AsyncGenerator<Listed, void, undefined> {
  let found;
  try {
    found = await stat(path);
  } catch (error) {
    throw new KeywardError({
      what: "the CloudTrail logs cannot be read",
      where: path,
      got: error instanceof Error ? error.message : String(error),
      next: "name a folder with CloudTrail log files (.json.gz), or s3://BUCKET/PREFIX",
    });
  }
  if (found.isDirectory()) yield* walk(path);
  else yield logFile(path);
}

async function* walk(folder: string): AsyncGenerator<Listed, void, undefined> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    yield {
      where: folder,
      problem: "unreadable",
      detail: error instanceof Error ? error.message : String(error),
    };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isSymbolicLink()) yield* link(path);
    else if (entry.isFile() && isLogFile(path)) yield logFile(path);
  }
}

async function* link(path: string): AsyncGenerator<Listed, void, undefined> {
  try {
    const target = await stat(path);
    if (target.isFile()) {
      if (isLogFile(path)) yield logFile(path);
    } else if (target.isDirectory()) {
      yield { where: path, problem: "unreadable", detail: "links to folders are not followed" };
    }
  } catch (error) {
    yield {
      where: path,
      problem: "unreadable",
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}

function logFile(path: string): LogFile {
  return { path, open: () => Promise.resolve(createReadStream(path, { highWaterMark: READ })) };
}
