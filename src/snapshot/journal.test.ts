import { createReadStream } from "node:fs";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal } from "./journal.js";
import type { CoverageLine, SnapshotLine } from "./lines.js";
import { readSnapshot } from "./read.js";
import { sortedLines } from "./sorted.js";
import { snapshotHeader } from "./write.js";

const HEADER = snapshotHeader(0, "test");
const LAST: CoverageLine = {
  type: "coverage",
  partition: "aws",
  startedAt: "",
  finishedAt: "",
  interrupted: false,
  regionsFrom: "built-in",
  regions: [],
  missingDetails: [],
  calls: 0,
};
const key = (i: number): SnapshotLine => ({
  type: "key",
  arn: `arn:aws:kms:us-east-1:111122223333:key/${String((i * 7919) % 1000).padStart(4, "0")}`,
  policy: { kind: "present", text: `policy ü ${i}` },
});
const gap = (where: string): SnapshotLine => ({ type: "incomplete", where, call: "kms:ListKeys", code: "X" });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-journal-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function all(lines: AsyncIterable<SnapshotLine>): Promise<SnapshotLine[]> {
  const read: SnapshotLine[] = [];
  for await (const line of lines) read.push(line);
  return read;
}

describe("the journal of a scan", () => {
  it("gives the lines in an order that does not depend on the order of writing, each once", async () => {
    const lines = [
      HEADER,
      ...Array.from({ length: 50 }, (_, i) => key(i)),
      gap("b"),
      gap("a"),
      gap("a"),
      LAST,
    ];
    const sort = async (order: readonly SnapshotLine[]): Promise<SnapshotLine[]> => {
      const journal = await Journal.create(undefined);
      for (const line of order) await journal.write(line);
      const sorted = await all(journal.sorted());
      await journal.close(false);
      return sorted;
    };
    const sorted = await sort(lines);
    expect(sorted).toEqual(await sort([...lines].reverse()));
    expect(sorted).toHaveLength(54);
    expect(sorted[0]).toEqual(HEADER);
    expect(sorted.at(-1)).toEqual(LAST);
    expect(sorted.slice(-3, -1)).toEqual([gap("a"), gap("b")]);
    const arns = sorted.flatMap((l) => (l.type === "key" ? [l.arn] : []));
    expect(arns).toEqual([...arns].sort());
    expect(arns).toHaveLength(50);
  });

  it("can be read while it grows, and is gone when it is closed", async () => {
    const path = join(folder, "s.ndjson");
    const journal = await Journal.create(path);
    await journal.write(HEADER);
    await new Promise((resolve) => setTimeout(resolve, 550));
    await journal.write(key(1));
    const [name] = await readdir(folder);
    expect(name).toBe(`s.ndjson.${process.pid}.partial`);
    const torn = await all(readSnapshot(createReadStream(join(folder, name ?? "")), "x"));
    expect(torn.map((l) => l.type)).toEqual(["snapshot", "key", "incomplete"]);
    await journal.close(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it("stays if it is to be kept", async () => {
    const journal = await Journal.create(join(folder, "s.ndjson"));
    await journal.write(HEADER);
    await journal.close(true);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it("says so at once where it cannot be written", async () => {
    await expect(Journal.create(join(folder, "no", "s"))).rejects.toThrow(/create the directory first/);
    await expect(Journal.create(folder)).rejects.toThrow(/this is a directory/);
  });
});

describe("more lines than fit into memory", () => {
  it("are merged from sorted runs", async () => {
    const lines = [LAST, ...Array.from({ length: 500 }, (_, i) => key(i)), HEADER];
    const write = async (name: string, text: string): Promise<Awaited<ReturnType<typeof open>>> => {
      const file = await open(join(folder, name), "w+");
      await file.appendFile(text);
      return file;
    };
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on("warning", warned);
    const file = await write("lines", lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
    let spills = 0;
    const opened = [file];
    const spill = async (): ReturnType<typeof write> => {
      const spilled = await write(`spill${++spills}`, "");
      opened.push(spilled);
      return spilled;
    };
    const merged = await all(sortedLines(file, spill, 4_000));
    expect(spills).toBe(1);
    expect(merged).toEqual(await all(sortedLines(file, spill)));
    expect(spills).toBe(1);
    expect(merged).toHaveLength(502);
    await Promise.all(opened.map((f) => f.close()));
    // More runs than listeners that Node takes for a leak.
    process.off("warning", warned);
    expect(warnings).toEqual([]);
  });
});
