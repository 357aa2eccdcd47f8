import { createReadStream } from "node:fs";
import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CoverageLine, SnapshotLine } from "./lines.js";
import { readSnapshot } from "./read.js";
import { SnapshotWriter, snapshotHeader } from "./write.js";

const KEY: SnapshotLine = {
  type: "key",
  arn: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  policy: { kind: "present", text: '{"Statement":[]} \u00e4' },
};
const COVERAGE: CoverageLine = {
  type: "coverage",
  partition: "aws",
  startedAt: "2026-11-23T10:00:00Z",
  finishedAt: "2026-11-23T10:00:00Z",
  interrupted: false,
  regionsFrom: "built-in",
  regions: [],
  missingDetails: [],
  calls: 0,
};
const HEADER = snapshotHeader(1_800_000_000_000, "keyward test");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-write-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function lines(path: string): Promise<SnapshotLine[]> {
  const result: SnapshotLine[] = [];
  for await (const line of readSnapshot(createReadStream(path), path)) result.push(line);
  return result;
}

async function writeAll(path: string, all: readonly SnapshotLine[]): Promise<SnapshotWriter> {
  const writer = await SnapshotWriter.create(path);
  for (const line of all) await writer.write(line);
  return writer;
}

describe("SnapshotWriter", () => {
  it.each(["keys.ndjson", "keys.ndjson.gz"])(
    "writes %s so that the reader gets the same lines",
    async (name) => {
      const path = join(folder, name);
      const all = [HEADER, ...Array.from({ length: 3000 }, () => KEY), COVERAGE];
      await (await writeAll(path, all)).finish();
      expect(await lines(path)).toEqual(all);
      expect((await readFile(path))[0]).toBe(name.endsWith(".gz") ? 0x1f : 0x7b);
      expect(await readdir(folder)).toEqual([name]);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    },
  );

  it.each(["keys.ndjson", "keys.ndjson.gz"])(
    "leaves %s as it was until the end, and a killed one recognisable beside it",
    async (name) => {
      const path = join(folder, name);
      await writeFile(path, "the older one");
      const writer = await writeAll(path, [HEADER, ...Array.from({ length: 3000 }, () => KEY)]);
      expect(await readFile(path, "utf8")).toBe("the older one");
      // What the disk holds now is what a killed scan leaves.
      const partial = join(folder, `${name}.${process.pid}.partial`);
      expect(await readdir(folder)).toContain(`${name}.${process.pid}.partial`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const left = await lines(partial);
      expect(left.length).toBeGreaterThan(10);
      expect(left.at(-1)).toMatchObject({ type: "incomplete", code: "SnapshotCutOff" });
      await writer.abandon();
      expect(await readdir(folder)).toEqual([name]);
      expect(await readFile(path, "utf8")).toBe("the older one");
    },
  );

  it("follows a link, and leaves it one", async () => {
    await writeFile(join(folder, "real.ndjson"), "older");
    await symlink("real.ndjson", join(folder, "link.ndjson"));
    await (await writeAll(join(folder, "link.ndjson"), [HEADER, COVERAGE])).finish();
    expect(await lines(join(folder, "real.ndjson"))).toEqual([HEADER, COVERAGE]);
  });

  it("writes to a device in place", async () => {
    await (await writeAll("/dev/null", [HEADER, COVERAGE])).finish();
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
  });

  it.each([
    [
      "a folder that is not there",
      "nowhere/keys.ndjson",
      /nowhere\/keys\.ndjson: the snapshot cannot be written[^]*create the directory first/,
    ],
    ["a folder", ".", /this is a directory/],
  ])("says before the scan that it cannot write to %s", async (_what, name, message) => {
    await expect(SnapshotWriter.create(join(folder, name))).rejects.toThrow(message);
  });

  it("says that the disk is full", async () => {
    // Linux's device that is always full.
    const writing = async (): Promise<void> => {
      const writer = await writeAll("/dev/full", [HEADER, ...Array.from({ length: 3000 }, () => KEY)]);
      await writer.finish();
    };
    if (process.platform === "linux") await expect(writing()).rejects.toThrow(/cannot be written[^]*ENOSPC/);
  });
});
