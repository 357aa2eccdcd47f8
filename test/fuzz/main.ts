import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { measure, required } from "../differential/coverage.js";
import { add, emptyTally, type Tally } from "../differential/run.js";
import type { Finding } from "../differential/shrink.js";
import type { Report, Task } from "./worker.js";

const HELP = `Puts random requests to both of keyward's engines and looks for a difference.

  npm run fuzz -- [--minutes N] [--comparisons N] [--seed N] [--workers N] [--requests N] [--out DIR] [--world N]

  --minutes N      how long to run (default 1)
  --comparisons N  stop when so many requests were decided by both engines (default: no limit)
  --seed N         the same seed makes the same worlds (default 1)
  --workers N      threads (default: one for each core)
  --requests N     requests for each world (default 60)
  --world N        only world number N of the seed
  --coverage N     instead: put the requests of N worlds to every rule of the reference by itself, print how often each
                   gave which answer, and fail where an answer that a rule can give was not reached
  --out DIR        where shrunk disagreements and summary.json go (default reports/fuzz)

Exit code 0: no disagreement; 1: disagreements, written to --out as cases; 2: wrong usage.
`;

interface Options {
  readonly minutes: number;
  readonly comparisons: number;
  readonly seed: number;
  readonly workers: number;
  readonly requests: number;
  readonly world: number | undefined;
  readonly out: string;
  readonly coverage: number | undefined;
}

function readOptions(): Options | string {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      comparisons: { type: "string", default: "Infinity" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: String(availableParallelism()) },
      requests: { type: "string", default: "60" },
      world: { type: "string" },
      coverage: { type: "string" },
      out: { type: "string", default: "reports/fuzz" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return HELP;
  const number = (name: "minutes" | "comparisons" | "seed" | "workers" | "requests"): number => {
    const n = Number(values[name]);
    if (!(n >= 0)) throw new TypeError(`--${name} wants a number, not ${JSON.stringify(values[name])}`);
    return n;
  };
  return {
    minutes: number("minutes"),
    comparisons: number("comparisons"),
    seed: number("seed"),
    workers: Math.max(1, number("workers")),
    requests: Math.max(1, number("requests")),
    world: values.world === undefined ? undefined : Number(values.world),
    out: values.out,
    coverage: values.coverage === undefined ? undefined : Number(values.coverage),
  };
}

interface Numbered {
  readonly finding: Finding;
  readonly index: number;
}

async function run(o: Options): Promise<number> {
  const started = Date.now();
  const until = started + o.minutes * 60_000;
  const total = emptyTally();
  const findings: Numbered[] = [];
  const workers = Array.from({ length: o.world === undefined ? o.workers : 1 }, (_, i) => {
    const task: Task = {
      seed: o.seed,
      first: o.world ?? i,
      stride: o.workers,
      requests: o.requests,
      until,
      worlds: o.world === undefined ? Number.MAX_SAFE_INTEGER : o.world + 1,
      shrinkFor: 20_000,
    };
    return new Worker(new URL("worker.mjs", import.meta.url), { workerData: task });
  });
  const finished = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.on("message", (report: Report) => {
          if (report.kind === "tally") add(total, report.tally);
          else if (report.kind === "finding") findings.push(report);
          if (total.comparisons >= o.comparisons) for (const w of workers) void w.terminate();
        });
        worker.on("error", reject);
        worker.on("exit", () => resolve());
      }),
  );
  await Promise.all(finished);
  const seconds = (Date.now() - started) / 1000;
  write(o, total, findings, seconds);
  return total.disagreements > 0 ? 1 : 0;
}

function showCoverage(seed: number, worlds: number): number {
  const coverage = measure(seed, worlds, 12);
  for (const [rule, answers] of coverage.table()) process.stdout.write(`${rule.padEnd(56)}${answers}\n`);
  const missing = required().filter(([rule, answer]) => coverage.of(rule, answer) === 0);
  for (const [rule, answer] of missing) process.stdout.write(`not reached: ${rule}: ${answer}\n`);
  process.stdout.write(`${required().length - missing.length} of ${required().length} reached\n`);
  return missing.length > 0 ? 1 : 0;
}

function write(o: Options, total: Tally, findings: readonly Numbered[], seconds: number): void {
  mkdirSync(o.out, { recursive: true });
  for (const { finding, index } of findings) {
    const { text, what, world, request } = finding;
    const file = join(o.out, `${what}-${o.seed}-${index}.json`);
    writeFileSync(file, `${JSON.stringify({ seed: o.seed, index, what, world, request, text }, null, 2)}\n`);
    process.stdout.write(`${what}: ${file}\n`);
  }
  const perSecond = Math.round(total.comparisons / seconds);
  const summary = { seed: o.seed, workers: o.workers, seconds, perSecond, ...total };
  writeFileSync(join(o.out, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  const rows: readonly (readonly [string, string | number])[] = [
    ["seed", o.seed],
    ["worlds", total.worlds],
    ["witnesses held against the reference", total.witnesses],
    ["comparisons", total.comparisons],
    ["  the reference allowed", total.allowed],
    ["  the reference denied", total.denied],
    ["  the reference doubted", total.doubtful],
    ["undecided, as the engine had said", total.undecided],
    ["discarded: AWS would not send it", total.inconsistent],
    ["discarded: made by an insider", total.inside],
    ["disagreements", total.disagreements],
    ["seconds", seconds.toFixed(1)],
    ["comparisons per second", perSecond],
  ];
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(40)}${String(value).padStart(14)}\n`);
}

try {
  const options = readOptions();
  if (typeof options === "string") process.stdout.write(options);
  else if (options.coverage !== undefined) process.exitCode = showCoverage(options.seed, options.coverage);
  else process.exitCode = await run(options);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
