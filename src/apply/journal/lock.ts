import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import { journalFailure, makeFolder, readIfThere } from "./durable.js";

/** Lets others use the journal again. */
export type Unlock = () => Promise<void>;

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process where the system tells it: an id alone is used again by later processes. */
  readonly started: string | null;
  readonly since: string;
}

/**
 * Takes the journal for this process alone. A lock whose process is gone (killed) is taken over; one of another machine
 * cannot be checked, and is refused with its name. Throws {@link KeywardError} where somebody else holds it.
 */
export async function lockJournal(folder: string, now: number): Promise<Unlock> {
  await makeFolder(folder);
  const path = join(folder, "lock");
  const own = join(folder, `.lock.${randomBytes(6).toString("hex")}.tmp`);
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    started: await startOf(process.pid),
    since: new Date(now).toISOString(),
  };
  const mine = `${JSON.stringify(holder)}\n`;
  try {
    await writeFile(own, mine, { flag: "wx", mode: 0o600 });
    for (let attempt = 0; attempt < 20; attempt++) {
      // A link is made whole or not at all, and fails where the name exists.
      if (await linked(own, path)) return () => release(path, mine);
      const content = await readIfThere(path);
      if (content === undefined) continue;
      const other = parseHolder(content.toString("utf8"));
      if (other === undefined || !(await isGone(other))) throw held(path, other);
      await removeIfSame(path, content);
    }
    throw held(path, undefined);
  } catch (error) {
    throw journalFailure(path, error);
  } finally {
    await rm(own, { force: true });
  }
}

/** Somebody may have deleted the journal meanwhile, and somebody else have locked what came in its place. */
async function release(path: string, mine: string): Promise<void> {
  const there = await readIfThere(path);
  if (there?.toString("utf8") === mine) await rm(path, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Takes a dead lock away by moving it: of two that try, one moves it and the other finds nothing. Who has moved a lock
 * that somebody took in the meantime puts it back.
 */
async function removeIfSame(path: string, content: Buffer): Promise<void> {
  const moved = `${path}.${randomBytes(6).toString("hex")}.stale`;
  try {
    await rename(path, moved);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  const taken = await readIfThere(moved);
  if (taken?.equals(content) !== true) await linked(moved, path);
  await rm(moved, { force: true });
}

async function isGone(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
  const started = await startOf(holder.pid);
  return started !== null && holder.started !== null && started !== holder.started;
}

/** Field 22 of /proc/PID/stat: start in clock ticks since boot. Null where there is no such file. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A dead process that nobody has waited for holds nothing any more.
    return fields[0] === "Z" ? "dead" : (fields[19] ?? null);
  } catch (error) {
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null) return undefined;
    const { pid, host, started, since } = json as Readonly<Record<string, unknown>>;
    return typeof pid === "number" && typeof host === "string" && typeof since === "string"
      ? { pid, host, since, started: typeof started === "string" ? started : null }
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function held(path: string, holder: Holder | undefined): KeywardError {
  return new KeywardError({
    what: "another run of keyward is using this journal",
    where: path,
    ...(holder === undefined
      ? {}
      : {
          got: inert(`process ${holder.pid} on ${holder.host}, since ${holder.since}`, { max: 200 }),
        }),
    next: "wait until it has ended; if that machine is gone for good, delete the lock file",
  });
}
