import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { constants, type Stats } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { KeywardError } from "../../domain/result.js";

/**
 * Files that are on the disk when a call returns: written beside their place, fsynced, renamed, and the folder fsynced,
 * so that neither a killed program nor a power cut leaves half of one under its name.
 */

/** Policies and grants tell who can use which key: for the owner's eyes. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Makes a folder with those above it, and has their names on the disk. */
export async function makeFolder(path: string): Promise<void> {
  try {
    // Absolute, so that the way up ends: of a relative "j" it would go on at "." for ever.
    const whole = resolve(path);
    const first = await mkdir(whole, { recursive: true, mode: FOLDER_MODE });
    if (first === undefined) return;
    for (let made = whole; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  } catch (error) {
    throw journalFailure(path, error);
  }
}

/** Writes a file whole. A file of the same name is replaced. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", FILE_MODE);
    try {
      await file.writeFile(content, "utf8");
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw journalFailure(path, error);
  }
}

/**
 * Adds text at the end of a file and has it on the disk, under its name: what is written to a file that was deleted or
 * moved away meanwhile is on no disk that anybody could read.
 */
export async function appendDurably(file: FileHandle, path: string, text: string): Promise<void> {
  try {
    await file.appendFile(text, "utf8");
    await file.datasync();
    const [held, named] = await Promise.all([file.stat(), stat(path)]);
    if (held.ino !== named.ino || held.dev !== named.dev) {
      throw new KeywardError({
        what: "the journal was replaced while it was in use, so nothing (more) is sent to AWS",
        where: path,
        next: "see who writes in that folder; begin anew with a new plan",
      });
    }
  } catch (error) {
    throw journalFailure(path, error);
  }
}

/** Opens a file for adding to it; a new one has its name on the disk. */
export async function openForAppending(path: string): Promise<FileHandle> {
  try {
    const { O_APPEND, O_CREAT, O_WRONLY } = constants;
    const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | NO_WAITING, FILE_MODE);
    const kind = otherKind(await file.stat());
    if (kind !== undefined) {
      await file.close();
      throw notAFile(path, kind);
    }
    await syncFolder(dirname(path));
    return file;
  } catch (error) {
    throw journalFailure(path, error);
  }
}

/** Most bytes of a file of a journal that are read: what has more is none that keyward wrote. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** What stands under a name in a journal. */
export type Found =
  | { readonly kind: "file"; readonly content: Buffer }
  | { readonly kind: "missing" }
  /** A device, a pipe, a folder, or too much of a file: not read. `what` says it. */
  | { readonly kind: "other"; readonly what: string };

/**
 * Reads a file of a journal, or says what stands in its place. Somebody who can write there could have put a pipe or a
 * device under the name, which has no end or waits for ever; to open one may do something already.
 */
export async function look(path: string): Promise<Found> {
  try {
    const named = otherKind(await stat(path));
    if (named !== undefined) return { kind: "other", what: named };
    const file = await open(path, constants.O_RDONLY | NO_WAITING);
    try {
      const opened = await file.stat();
      const what = otherKind(opened);
      if (what !== undefined) return { kind: "other", what };
      return { kind: "file", content: await bytesOf(file, opened.size) };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { kind: "missing" };
    throw journalFailure(path, error);
  }
}

/** The bytes of a file; undefined: it is not there. Throws KeywardError for what is no file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  const found = await look(path);
  if (found.kind === "other") throw notAFile(path, found.what);
  return found.kind === "file" ? found.content : undefined;
}

/** To open a pipe does not wait for its other end then. */
const NO_WAITING = constants.O_NONBLOCK;

/** As many bytes as the file had when it was opened: one that grows meanwhile, or never ends, is not followed. */
async function bytesOf(file: FileHandle, size: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(content, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return content.subarray(0, length);
}

/** What something is that is no file to be read; undefined: it is one. */
function otherKind(s: Stats): string | undefined {
  if (s.isFile()) {
    return s.size > MAX_FILE_BYTES ? `a file of ${s.size} bytes, more than keyward writes` : undefined;
  }
  if (s.isDirectory()) return "a folder";
  if (s.isFIFO()) return "a named pipe";
  if (s.isSocket()) return "a socket";
  return "a device";
}

function notAFile(path: string, what: string): KeywardError {
  return new KeywardError({
    what: "something in the journal is no file of it, so nothing (more) is sent to AWS",
    where: path,
    expected: `a regular file of at most ${MAX_FILE_BYTES} bytes`,
    got: what,
    next: "see who writes in that folder; keyward journal verify lists all that is wrong there",
  });
}

/** Has the names in a folder on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What the operating system refused, in words. Other errors stay what they are. */
export function journalFailure(path: string, error: unknown): unknown {
  if (error instanceof KeywardError || !(error instanceof Error) || !("code" in error)) return error;
  return new KeywardError({
    what: "the journal cannot be used, so nothing (more) is sent to AWS",
    where: path,
    got: error.message,
    next: "make room or rights for it, or name another folder with --journal",
  });
}
