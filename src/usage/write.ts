import type { KeyUsageData } from "./aggregate.js";
import type { UsageFileLine } from "./schema.js";
import { USAGE_SCHEMA } from "./schema.js";
import type { UsageCoverage } from "./types.js";

/** The lines of a usage file, each ended by a line feed. `createdAt` in milliseconds since the epoch. */
export function* usageFile(
  coverage: UsageCoverage,
  keys: Iterable<KeyUsageData>,
  createdAt: number,
  tool: string,
): Generator<string, void, undefined> {
  yield line({
    type: "usage-file",
    schema: USAGE_SCHEMA,
    createdAt: new Date(createdAt).toISOString(),
    tool,
  });
  yield line({ type: "usage-coverage", coverage });
  let count = 0;
  for (const { key, entries, omitted } of keys) {
    count++;
    yield line({ type: "usage", key, entries, omitted });
  }
  yield line({ type: "usage-end", keys: count });
}

function line(value: UsageFileLine): string {
  return `${JSON.stringify(value)}\n`;
}
