import type { WriteStream } from "node:fs";
import { createWriteStream } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { KeywardError } from "../domain/result.js";
import type { SnapshotHeader, SnapshotLine } from "./lines.js";
import { SNAPSHOT_SCHEMA } from "./lines.js";

/** Characters that are collected before they go to the stream; a line is small, a write is not free. */
const BATCH = 64 * 1024;

/** The header of a snapshot that will end with a coverage line. `createdAt` in milliseconds since the epoch. */
export function snapshotHeader(
  createdAt: number,
  tool: string,
  details: readonly string[] = [],
): SnapshotHeader {
  return {
    type: "snapshot",
    schema: SNAPSHOT_SCHEMA,
    createdAt: new Date(createdAt).toISOString(),
    tool,
    ends: "coverage",
    ...(details.length === 0 ? {} : { details }),
  };
}

/**
 * Writes a snapshot, gzipped if the file's name ends in `.gz`, readable by the owner alone because it tells who can use
 * which key.
 *
 * The lines go to `FILE.PID.partial` beside the file; {@link finish} makes it FILE in one step. So FILE is always whole:
 * a scan that is killed leaves an older FILE as it was, and its own lines under the other name. Those can be read: the
 * header promises a last line, so a reader says that the rest is missing. What is no regular file (a pipe,
 * `/dev/stdout`) is written in place.
 *
 * Failures of the file system are {@link KeywardError}.
 */
export class SnapshotWriter {
  private batch = "";
  private failure: unknown;

  private constructor(
    /** What the user named. */
    readonly path: string,
    private readonly target: string,
    private readonly partial: string | undefined,
    private readonly sink: Writable,
    private readonly file: WriteStream,
    private readonly done: Promise<void>,
  ) {
    done.catch((error: unknown) => (this.failure = error));
  }

  /**
   * Opens the file; fails at once if it cannot be written.
   * @param suffix of the name that it has until it is whole
   */
  static async create(path: string, suffix = "partial"): Promise<SnapshotWriter> {
    const existing = await kindOf(path);
    const target = existing === "none" ? path : await realpath(path);
    const partial = existing === "other" ? undefined : `${target}.${process.pid}.${suffix}`;
    const file = createWriteStream(partial ?? target, { mode: 0o600, flush: partial !== undefined });
    try {
      await new Promise<void>((resolve, reject) => {
        file.once("ready", () => {
          resolve();
        });
        file.once("error", reject);
      });
    } catch (error) {
      throw writeFailure(path, error);
    }
    if (!path.endsWith(".gz")) {
      return new SnapshotWriter(path, target, partial, file, file, finished(file));
    }
    // Each batch reaches the disk, so that what a killed scan leaves can be read up to its last batch.
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
    return new SnapshotWriter(path, target, partial, gzip, file, pipeline(gzip, file));
  }

  /** Adds a line. Waits while the disk is behind. */
  async write(line: SnapshotLine): Promise<void> {
    this.batch += `${JSON.stringify(line)}\n`;
    if (this.batch.length >= BATCH) await this.flush();
  }

  /** Writes what is left, and gives the file its name. */
  async finish(): Promise<void> {
    await this.flush();
    this.sink.end();
    try {
      await this.done;
      if (this.partial !== undefined) await rename(this.partial, this.target);
    } catch (error) {
      throw writeFailure(this.path, error);
    }
  }

  /** Gives up: the file that the user named stays as it was. For failures of keyward, not for interrupted scans. */
  async abandon(): Promise<void> {
    this.sink.destroy();
    this.file.destroy();
    await this.done.catch(() => undefined);
    if (this.partial !== undefined) await rm(this.partial, { force: true });
  }

  private async flush(): Promise<void> {
    const text = this.batch;
    this.batch = "";
    if (text === "") return;
    const error = await new Promise<Error | null | undefined>((resolve) => {
      this.sink.write(text, resolve);
    });
    // The stream's own failure (no space left) says more than that of a write after it.
    if (error !== null && error !== undefined) throw writeFailure(this.path, this.failure ?? error);
  }
}

/** What a path names; a directory is a KeywardError. */
export async function kindOf(path: string): Promise<"none" | "file" | "other"> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new KeywardError({
        what: "the snapshot cannot be written: this is a directory",
        where: path,
        next: "name a file, such as keys.ndjson.gz",
      });
    }
    return found.isFile() ? "file" : "other";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "none";
    throw writeFailure(path, error);
  }
}

/** A failure of the file system as a KeywardError; anything else as it is. */
export function writeFailure(path: string, error: unknown): unknown {
  if (error instanceof KeywardError || !(error instanceof Error) || !("code" in error)) return error;
  return new KeywardError({
    what: "the snapshot cannot be written",
    where: path,
    got: error.message,
    next:
      error.code === "ENOENT"
        ? "create the directory first"
        : "name a file in a directory that you may write to and that has space left",
  });
}
