import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, rename, rm } from "node:fs/promises";
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

/** Stdout, or a file that is written beside its place and moved there when it is whole. */
export async function openOutput(path: string | undefined, io: Io): Promise<Output> {
  return path === undefined ? streamOutput(io.stdout) : fileOutput(path);
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

async function fileOutput(path: string): Promise<Output> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  let file: FileHandle;
  try {
    // Reports name keys, accounts and principals: for the owner's eyes.
    file = await open(temporary, "wx", 0o600);
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
        await file.sync();
        await file.close();
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw unwritable(path, error);
      }
    },
    discard: async () => {
      await file.close();
      await rm(temporary, { force: true });
    },
  };
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
