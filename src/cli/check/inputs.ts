import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Problem } from "../../domain/result.js";

/** One file that is to be checked. */
export interface Input {
  /** Where its bytes are. */
  readonly path: string;
  /** How messages call it. */
  readonly name: string;
  readonly kind: "policy" | "snapshot";
  /** The user named this file; it was not met in a folder. */
  readonly named: boolean;
}

/** What the paths of a command line stand for. */
export interface Inputs {
  readonly files: readonly Input[];
  /** Paths that cannot be read. The others are checked all the same. */
  readonly problems: readonly Problem[];
  /** Removes the copy of stdin. */
  readonly dispose: () => Promise<void>;
}

const SNAPSHOT_NAME = /\.(ndjson|jsonl)(\.gz)?$/i;
const POLICY_NAME = /\.json$/i;
/** Folders that hold other people's files. */
const SKIPPED = new Set(["node_modules", ".git"]);

/** Resolves files, folders and `-`. Never throws for a path that cannot be read. */
export async function findInputs(paths: readonly string[], stdin: NodeJS.ReadableStream): Promise<Inputs> {
  const files: Input[] = [];
  const problems: Problem[] = [];
  let copy: string | undefined;
  for (const path of new Set(paths)) {
    if (path === "-") {
      copy = await copyStdin(stdin);
      files.push({ path: copy, name: "<stdin>", kind: await sniff(copy, ""), named: true });
      continue;
    }
    await attempt(path, problems, async () => {
      const info = await stat(path);
      if (info.isDirectory()) files.push(...(await folder(path, problems)));
      else files.push({ path, name: path, kind: await sniff(path, path), named: true });
    });
  }
  const dispose = async (): Promise<void> => {
    if (copy !== undefined) await rm(join(copy, ".."), { recursive: true, force: true });
  };
  return { files, problems, dispose };
}

async function folder(path: string, problems: Problem[]): Promise<Input[]> {
  const files: Input[] = [];
  await attempt(path, problems, async () => {
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const inner = join(path, entry.name);
      // Links to folders are not followed: they can lead round in a circle.
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) files.push(...(await folder(inner, problems)));
      } else if (POLICY_NAME.test(entry.name) || SNAPSHOT_NAME.test(entry.name)) {
        await attempt(inner, problems, async () => {
          files.push({ path: inner, name: inner, kind: await sniff(inner, inner), named: false });
        });
      }
    }
  });
  return files;
}

async function attempt(path: string, problems: Problem[], action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    problems.push({
      what: error.code === "ENOENT" ? "there is no such file or folder" : "cannot be read",
      where: path,
      got: error.message,
      next: "check the path and its permissions",
    });
  }
}

const HEAD = 64 * 1024;

/**
 * A snapshot begins with its header line, or like gzip, whatever the file is called. A name that says snapshot is
 * believed too, so that a damaged one is not mistaken for a policy.
 */
async function sniff(path: string, name: string): Promise<Input["kind"]> {
  const head = await readHead(path);
  if (head[0] === 0x1f && head[1] === 0x8b) return "snapshot";
  if (SNAPSHOT_NAME.test(name)) return "snapshot";
  const [first = ""] = head.toString("utf8").trimStart().split("\n");
  try {
    const json: unknown = JSON.parse(first);
    return typeof json === "object" && json !== null && "type" in json && json.type === "snapshot"
      ? "snapshot"
      : "policy";
  } catch {
    // Not one JSON value on one line, so not a header.
    return "policy";
  }
}

async function readHead(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file?.close();
  }
}

/** Stdin is read twice (see snapshot-file.ts), so it is copied to a file that only this user can read. */
async function copyStdin(stdin: NodeJS.ReadableStream): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "keyward-")), randomBytes(4).toString("hex"));
  await pipeline(stdin, createWriteStream(path, { mode: 0o600 }));
  return path;
}
