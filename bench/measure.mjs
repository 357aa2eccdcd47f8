import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** Mean, median, 99th percentile and maximum of some figures. */
export function spread(figures) {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return {
    mean: sorted.reduce((sum, x) => sum + x, 0) / Math.max(1, sorted.length),
    median: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1) ?? 0,
  };
}

/**
 * Runs keyward as a user does. Seconds of wall clock and of processors; the most memory that the process held at any
 * time, in MB, as the operating system counted it.
 */
export async function timeKeyward(args, cwd) {
  const started = process.hrtime.bigint();
  const child = spawn(process.execPath, ["--import", USAGE, MAIN, ...args], {
    cwd,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let usage = "";
  let stderr = "";
  child.stdio[3].setEncoding("utf8").on("data", (text) => (usage += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (code === 2 || code === null || code > 3) throw new Error(`keyward failed (${code}): ${stderr}`);
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(usage);
  return { code, seconds, cpu: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 };
}

/** Tells the parent what the process has used, when it ends. */
const USAGE = `data:text/javascript,${encodeURIComponent(`
  import { isMainThread } from "node:worker_threads";
  import { writeSync } from "node:fs";
  if (isMainThread) process.on("exit", () => writeSync(3, JSON.stringify(process.resourceUsage())));
`)}`;
