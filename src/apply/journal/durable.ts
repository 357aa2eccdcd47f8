import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
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
    const file = await open(path, "a", FILE_MODE);
    await syncFolder(dirname(path));
    return file;
  } catch (error) {
    throw journalFailure(path, error);
  }
}

/** The bytes of a file; undefined: it is not there. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw journalFailure(path, error);
  }
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
