import { createReadStream } from "node:fs";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "../../policy/parse.js";
import type { KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import { readSnapshot } from "../../snapshot/read.js";
import { loadSnapshotFile, loadWorld } from "./load.js";
import { saveWorld } from "./save.js";

const ESTATE = new URL("../../../examples/estate.ndjson", import.meta.url).pathname;
const OPTIONS = { staleMs: 0, now: Date.parse("2026-11-23T10:00:00Z") };

async function lines(): Promise<SnapshotLine[]> {
  const found: SnapshotLine[] = [];
  for await (const line of readSnapshot(createReadStream(ESTATE), ESTATE)) found.push(line);
  return found;
}

/** Times are written in more than one way. */
function comparable(line: SnapshotLine): unknown {
  if (line.type !== "key") return line;
  const iso = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : new Date(text).toISOString();
  const { createdAt, lastUsedAt, deletionDate, rotationEnabled, tags, ...rest } = line;
  return {
    ...rest,
    createdAt: iso(createdAt),
    lastUsedAt: iso(lastUsedAt),
    deletionDate: iso(deletionDate),
    rotationEnabled: rotationEnabled ?? false,
    tags: tags ?? {},
  };
}

describe("the sample estate", () => {
  test("loads, and saves to the same estate", async () => {
    const before = await lines();
    const world = await loadSnapshotFile(ESTATE, OPTIONS);
    const after = [...saveWorld(world, OPTIONS.now)];
    const body = (all: readonly SnapshotLine[]): unknown[] =>
      all.filter((l) => l.type !== "snapshot").map(comparable);
    const order = (items: readonly unknown[]): string[] => items.map((i) => JSON.stringify(i, sorted)).sort();
    expect(order(body(after))).toEqual(order(body(before)));
  });

  test("has policies that KMS would store, but for the one that names a deleted role", async () => {
    const keys = (await lines()).filter((l): l is KeyLine => l.type === "key");
    expect(keys.length).toBeGreaterThanOrEqual(25);
    const bad = keys.flatMap((line) => {
      if (line.policy.kind !== "present") return [];
      const { diagnostics } = parsePolicy(line.policy.text, { kind: "key", partition: "aws" });
      return diagnostics.filter((d) => d.level !== "warning").map((d) => `${line.arn}: ${d.message}`);
    });
    expect(bad).toEqual([]);
  });
});

describe("loadWorld", () => {
  test("refuses a key state that KMS does not have", async () => {
    const line: KeyLine = {
      type: "key",
      arn: "arn:aws:kms:us-east-1:111122223333:key/1",
      state: "Sleeping",
      policy: { kind: "absent" },
    };
    await expect(loadWorld([line], OPTIONS)).rejects.toThrow(
      /no such key state[\s\S]*expected: Enabled, Disabled/,
    );
  });

  test("a missing file is a message", async () => {
    await expect(loadSnapshotFile("/nowhere/estate.ndjson", OPTIONS)).rejects.toThrow(
      "/nowhere/estate.ndjson: cannot be read",
    );
  });
});

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
