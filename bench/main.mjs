/**
 * `npm run bench` runs every benchmark, `npm run bench -- NAME [ARGUMENTS]` one. Each prints a table and writes
 * bench/results/NAME.json. What they measure, and figures: docs/performance.md.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

const BENCHMARKS = ["policies", "hostile", "startup", "estate"];

const [wanted, ...rest] = process.argv.slice(2);
if (wanted !== undefined && !BENCHMARKS.includes(wanted)) {
  console.error(`There is no benchmark ${wanted}; there are: ${BENCHMARKS.join(", ")}`);
  process.exit(2);
}
const folder = new URL("results/", import.meta.url);
mkdirSync(folder, { recursive: true });
const machine = { node: process.version, processors: availableParallelism(), model: cpus()[0]?.model ?? "" };
console.log(`Node ${machine.node}, ${machine.processors} processors, ${machine.model}\n`);
for (const name of wanted === undefined ? BENCHMARKS : [wanted]) {
  const { run } = await import(`./${name}.mjs`);
  const rows = await run(rest);
  console.log(`${name}\n`);
  console.log(table(rows));
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify({ ...machine, rows }, null, 2)}\n`);
}

/** Rows of the same fields as text. */
function table(rows) {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((n) => shown(row[n])))];
  const widths = names.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells
    .map(
      (row) =>
        `  ${row
          .map((c, i) => c.padEnd(widths[i]))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function shown(value) {
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? value.toLocaleString("en-US") : value.toFixed(1);
}
