import type { FileHandle } from "node:fs/promises";
import { mkdtemp, open, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SnapshotLine } from "./lines.js";
import { sortedLines } from "./sorted.js";
import { kindOf, writeFailure } from "./write.js";

/** Characters that are collected before they go to the disk, and milliseconds after which they go in any case. */
const BATCH = 64 * 1024;
const LONGEST_WAIT = 500;

/**
 * What a scan has read so far, in the order in which it came. With a name it is `FILE.PID.partial` beside the snapshot
 * FILE: a scan that is killed leaves it, readable up to the last half second or so, and a scan with `--resume` goes on
 * from it. Without a name nothing is left, however the program ends.
 */
export class Journal {
  private batch = "";
  private flushedAt = performance.now();
  private readonly spills: FileHandle[] = [];

  private constructor(
    /** Undefined: it has no name. */
    readonly path: string | undefined,
    private readonly shown: string,
    private readonly file: FileHandle,
  ) {}

  /**
   * Opens a journal for a snapshot; fails at once, before a long scan, if the snapshot could not be written.
   * @param snapshot undefined: nobody wants a file
   */
  static async create(snapshot: string | undefined): Promise<Journal> {
    const kind = snapshot === undefined ? "other" : await kindOf(snapshot);
    if (snapshot === undefined || kind === "other") {
      return new Journal(undefined, "the temporary directory", await nameless());
    }
    const target = kind === "none" ? snapshot : await realpath(snapshot);
    const path = `${target}.${process.pid}.partial`;
    try {
      return new Journal(path, snapshot, await open(path, "w+", 0o600));
    } catch (error) {
      throw writeFailure(snapshot, error);
    }
  }

  /** Adds a line. */
  async write(line: SnapshotLine): Promise<void> {
    this.batch += `${JSON.stringify(line)}\n`;
    if (this.batch.length >= BATCH || performance.now() - this.flushedAt >= LONGEST_WAIT) await this.flush();
  }

  /** All lines in the order of a finished snapshot, each once. */
  async *sorted(): AsyncGenerator<SnapshotLine, void, undefined> {
    await this.flush();
    yield* sortedLines(this.file, async () => {
      const spill = await nameless();
      this.spills.push(spill);
      return spill;
    });
  }

  /** Closes the file, and removes it unless it is to be kept for a scan that goes on from it. */
  async close(keep: boolean): Promise<void> {
    if (keep) await this.flush();
    await Promise.all([this.file, ...this.spills].map((file) => file.close()));
    if (!keep && this.path !== undefined) await rm(this.path, { force: true });
  }

  private async flush(): Promise<void> {
    const text = this.batch;
    this.batch = "";
    this.flushedAt = performance.now();
    try {
      if (text !== "") await this.file.appendFile(text, "utf8");
    } catch (error) {
      throw writeFailure(this.shown, error);
    }
  }
}

/** A file that has lost its name already, so that it ends with the program. It tells who can use which key. */
async function nameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "keyward-"));
  const path = join(folder, "lines");
  try {
    const file = await open(path, "w+", 0o600);
    await rm(path, { force: true });
    return file;
  } finally {
    await rm(dirname(path), { recursive: true, force: true });
  }
}
