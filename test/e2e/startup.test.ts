import { spawn } from "node:child_process";
import { existsSync, openSync, closeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { policyText } from "../judging.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** Writes the address of every module that is loaded to stderr. */
const LOADED = `data:text/javascript,${encodeURIComponent(`
  import { register } from "node:module";
  register("data:text/javascript," + encodeURIComponent(\`
    import { writeSync } from "node:fs";
    export async function load(url, context, next) {
      writeSync(2, "loaded " + url + "\\\\n");
      return next(url, context);
    }
  \`));
`)}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-e2e-"));
  await writeFile(join(folder, "policy.json"), policyText());
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function loaded(args: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, ["--import", LOADED, MAIN, ...args], { cwd: folder });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.resume();
  await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return stderr.split("\n").filter((line) => line.startsWith("loaded "));
}

const HEAVY = /node_modules\/(@aws-sdk|@smithy|zod|yaml|cli-progress|cli-table3)\//;

test.each([
  ["check", "policy.json"],
  ["explain", "policy.json"],
])("keyward %s loads neither the AWS SDK nor what only other commands need", async (...args) => {
  const modules = await loaded(args);
  // Else the test says nothing: the analysis was loaded.
  expect(modules.some((m) => m.endsWith("/dist/access/analyze.js"))).toBe(true);
  expect(modules.filter((m) => HEAVY.test(m))).toEqual([]);
});

test.skipIf(!existsSync("/dev/full"))(
  "a disk without space is a failure in one line, and not the exit code of a verdict",
  async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [MAIN, "check", "policy.json"], {
      cwd: folder,
      stdio: ["ignore", full, "pipe"],
    });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const code = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    closeSync(full);
    expect(stderr).toMatch(/^keyward: the result cannot be written: ENOSPC[^\n]*\n$/);
    expect(code).toBe(2);
  },
);
