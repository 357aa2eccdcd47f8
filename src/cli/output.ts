import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { KeywardError } from "../domain/result.js";
import type { Io } from "./command.js";

/** Where a result goes, piece by piece. */
export interface Output {
  /** Resolves when more may be written. Bytes are UTF-8. */
  readonly write: (text: string | Uint8Array) => Promise<void>;
  /** The result is whole: a file appears under its name only now. */
  readonly finish: () => Promise<void>;
  /** The result will not be whole: nothing of it is left behind in a file. */
  readonly discard: () => Promise<void>;
}

/**
 * Stdout, or a file that is written beside its place and moved there when it is whole. What is no regular file (a pipe,
 * `/dev/stdout`, `/dev/null`) is written in place: moving a file there would take its name away from it.
 */
export async function openOutput(path: string | undefined, io: Io): Promise<Output> {
  return path === undefined ? streamOutput(io.stdout) : fileOutput(path);
}

/** Writes a result whole, as {@link openOutput} says; a result that breaks off leaves nothing behind. */
export async function writeOutput(pieces: Iterable<string>, path: string | undefined, io: Io): Promise<void> {
  const output = await openOutput(path, io);
  try {
    for (const piece of pieces) await output.write(piece);
    await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
}

function streamOutput(stream: NodeJS.WritableStream): Output {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        let settled = false;
        const settle = (error?: Error | null): void => {
          if (settled) return;
          settled = true;
          stream.removeListener("error", settle);
          stream.removeListener("drain", settle);
          if (error === undefined || error === null) resolve();
          else reject(error);
        };
        stream.once("error", settle);
        if (stream.write(text)) settle();
        else stream.once("drain", () => settle());
      }),
    finish: nothing,
    discard: nothing,
  };
}

/** Small writes are collected: a report has one for each key. */
const BUFFER = 256 * 1024;

/** The regular file that is to be there in the end, links followed; undefined: the path names something else. */
async function regularFile(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw isFolder(path);
    return found.isFile() ? await realpath(path) : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return path;
    throw unwritable(path, error);
  }
}

async function fileOutput(path: string): Promise<Output> {
  const target = await regularFile(path);
  const temporary =
    target === undefined
      ? undefined
      : join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  let file: FileHandle;
  try {
    // Reports name keys, accounts and principals: for the owner's eyes.
    file = await (temporary === undefined ? open(path, "w") : open(temporary, "wx", 0o600));
  } catch (error) {
    throw unwritable(path, error);
  }
  let pending = "";
  const append = async (text: string | Uint8Array): Promise<void> => {
    try {
      await file.appendFile(text, "utf8");
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  const flush = async (): Promise<void> => {
    const text = pending;
    pending = "";
    if (text !== "") await append(text);
  };
  return {
    write: async (text) => {
      if (typeof text === "string") {
        pending += text;
        if (pending.length >= BUFFER) await flush();
        return;
      }
      await flush();
      await append(text);
    },
    finish: async () => {
      try {
        await flush();
        if (temporary !== undefined) await file.sync();
        await file.close();
        if (temporary !== undefined && target !== undefined) await rename(temporary, target);
      } catch (error) {
        if (temporary !== undefined) await rm(temporary, { force: true });
        throw unwritable(path, error);
      }
    },
    discard: async () => {
      await file.close();
      if (temporary !== undefined) await rm(temporary, { force: true });
    },
  };
}

function isFolder(path: string): KeywardError {
  return new KeywardError({
    what: "the output file cannot be written: this is a directory",
    where: path,
    next: "name a file with --output",
  });
}

function unwritable(path: string, error: unknown): unknown {
  if (error instanceof KeywardError || !(error instanceof Error) || !("code" in error)) return error;
  return new KeywardError({
    what: "the output file cannot be written",
    where: path,
    got: error.message,
    next: "name another file with --output",
  });
}
