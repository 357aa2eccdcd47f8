#!/usr/bin/env node
// Times `keyward usage` on generated CloudTrail logs: node bench/usage/bench.mjs [--bytes 5e9] [--file-bytes 5e6] [--seed 1]
// [--folder DIR] [--json FILE]. The logs are made once and kept in the folder. Needs a build. The last run's numbers stand in docs/usage.md.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "./generate.mjs";

const { values } = parseArgs({
  options: {
    bytes: { type: "string", default: "1e8" },
    "file-bytes": { type: "string", default: "5e6" },
    seed: { type: "string", default: "1" },
    folder: { type: "string" },
    json: { type: "string" },
  },
});
const bytes = Number(values.bytes);
const fileBytes = Number(values["file-bytes"]);
const seed = Number(values.seed);
const folder = values.folder ?? join(tmpdir(), `keyward-bench-usage-${bytes}-${fileBytes}-${seed}`);
const about = join(folder, "generated.txt");

if (!existsSync(about)) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(about, JSON.stringify(generate({ folder, bytes, seed, fileBytes })));
}
const made = JSON.parse(readFileSync(about, "utf8"));

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const MEASURE = fileURLToPath(new URL("measure.mjs", import.meta.url));
const output = join(folder, "usage.ndjson");
const start = process.hrtime.bigint();
const child = spawn(
  process.execPath,
  ["--import", MEASURE, MAIN, "usage", "--cloudtrail", folder, "--output", output, "--no-progress"],
  { stdio: ["ignore", "ignore", "pipe"] },
);
let stderr = "";
child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
const code = await new Promise((resolve) => child.on("close", resolve));
const wall = Number(process.hrtime.bigint() - start) / 1e9;
if (code !== 0) throw new Error(`keyward ended with ${code}: ${stderr}`);
const measured = JSON.parse(/^measured (.*)$/m.exec(stderr)?.[1] ?? "null");
const coverage = JSON.parse(readFileSync(output, "utf8").split("\n")[1] ?? "").coverage;
if (coverage.records !== made.records || coverage.kmsEvents !== made.kmsRecords || coverage.gapCount !== 0) {
  throw new Error(
    `not all was read: ${JSON.stringify({ made, coverage: { ...coverage, trails: undefined } })}`,
  );
}

const mb = made.bytes / 1e6;
const result = {
  ...made,
  processors: availableParallelism(),
  wallSeconds: wall,
  cpuSeconds: measured.cpuSeconds,
  mbPerSecond: mb / wall,
  mbPerCoreSecond: mb / measured.cpuSeconds,
  maxRssMb: measured.maxRssMb,
};
console.table({
  "uncompressed MB": mb.toFixed(0),
  files: made.files,
  records: made.records,
  "of KMS": made.kmsRecords,
  "wall s": wall.toFixed(1),
  "processor s": measured.cpuSeconds.toFixed(1),
  "MB/s": result.mbPerSecond.toFixed(0),
  "MB/s per core": result.mbPerCoreSecond.toFixed(0),
  "largest memory MB": result.maxRssMb.toFixed(0),
});
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
