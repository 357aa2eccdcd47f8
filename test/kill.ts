import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sandbox } from "../src/sandbox/index.js";
import { OWNER, digest, policyOf } from "./apply-estate.js";
import type { KeyLine } from "../src/snapshot/lines.js";

const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** What the program came to; `code` null: it was killed. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs the built program and kills it (SIGKILL, no warning) so many milliseconds after it has
 * locked its journal.
 */
export async function runAndKill(
  args: readonly string[],
  journal: string,
  killAfterMs: number | undefined,
): Promise<Ended> {
  if (!existsSync(MAIN)) throw new Error("There is no dist folder: npm run build");
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env["PATH"] ?? "",
      AWS_ACCESS_KEY_ID: `AKIA${OWNER}`,
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let ended = false;
  const done = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      ended = true;
      resolve({ code, output });
    });
  });
  if (killAfterMs !== undefined) {
    // Loading the program is not what is to be interrupted.
    while (!ended && !(await holds(journal, child.pid))) await sleep(2);
    await sleep(killAfterMs);
    child.kill("SIGKILL");
  }
  return done;
}

/** Whether the journal is locked by this process. */
async function holds(journal: string, pid: number | undefined): Promise<boolean> {
  try {
    return (await readFile(join(journal, "lock"), "utf8")).startsWith(`{"pid":${pid ?? 0},`);
  } catch {
    return false; // not there (yet)
  }
}

/**
 * What is wrong with the state of the keys and the journal after a kill: a key that has neither its old nor its new
 * policy, or a new policy without an unharmed backup of the old one on the disk.
 */
export async function faultsOf(
  sandbox: Sandbox,
  keys: readonly KeyLine[],
  closed: (key: KeyLine) => string,
  journal: string,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const before = new Map(keys.map((k) => [k.arn, k]));
  const logs = await logTexts(journal);
  for (const line of sandbox.snapshot()) {
    if (line.type !== "key") continue;
    const key = before.get(line.arn);
    if (key === undefined) continue;
    const old = policyOf(key);
    const now = policyOf(line);
    if (now === old) continue;
    if (now !== closed(key))
      faults.push(`${line.arn} has a policy that neither the plan nor a backup explains`);
    const backup = join(journal, "objects", `sha256-${digest(old)}`);
    if (!existsSync(backup) || (await readFile(backup, "utf8")) !== old) {
      faults.push(`${line.arn} was written and has no backup`);
    }
    if (!logs.some((log) => log.includes(`"type":"backup","key":"${line.arn}"`))) {
      faults.push(`${line.arn} was written and no log names its backup`);
    }
  }
  return faults;
}

async function logTexts(journal: string): Promise<readonly string[]> {
  const runs = join(journal, "runs");
  if (!existsSync(runs)) return [];
  const texts: string[] = [];
  for (const id of await readdir(runs)) {
    const path = join(runs, id, "log.ndjson");
    if (existsSync(path)) texts.push(await readFile(path, "utf8"));
  }
  return texts;
}

/** Runs whose log has not ended, oldest first. */
export async function unfinished(journal: string): Promise<readonly string[]> {
  return runsThat(journal, (ended) => !ended);
}

/** Runs whose log has ended, oldest first. */
export async function finishedRuns(journal: string): Promise<readonly string[]> {
  return runsThat(journal, (ended) => ended);
}

async function runsThat(journal: string, wanted: (ended: boolean) => boolean): Promise<readonly string[]> {
  const runs = join(journal, "runs");
  if (!existsSync(runs)) return [];
  const found: string[] = [];
  for (const id of (await readdir(runs)).sort()) {
    const path = join(runs, id, "log.ndjson");
    const text = existsSync(path) ? await readFile(path, "utf8") : "";
    // One that was killed before its first line was whole has never begun.
    if (text.includes("\n") && wanted(/"type":"end"[^\n]*\n$/.test(text))) found.push(id);
  }
  return found;
}
