import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { keyward } from "../../../test/io.js";
import { chainLine, NO_LINE, sha256 } from "./chain.js";
import { checkJournal } from "./check.js";
import { look, MAX_FILE_BYTES, openForAppending, readIfThere } from "./durable.js";
import { JOURNAL_SCHEMA } from "./events.js";
import { Journal } from "./journal.js";

/** What somebody who can write into a journal may have put under the names of its files. */
const ODD: readonly (readonly [string, string, (path: string) => unknown])[] = [
  ["a pipe", "a named pipe", (path) => execFileSync("mkfifo", [path])],
  ["a link to a device that has no end", "a device", (path) => symlink("/dev/zero", path)],
  ["a folder", "a folder", (path) => mkdir(path)],
  [
    "a file without a reasonable end",
    `a file of ${MAX_FILE_BYTES + 1} bytes, more than keyward writes`,
    async (path) => {
      await writeFile(path, "");
      // Takes no room on the disk.
      await truncate(path, MAX_FILE_BYTES + 1);
    },
  ],
];

const RUN = "20261123T100000000Z-abcdef";
const GOOD = "a text";
let folder: string;
let journal: Journal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-odd-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  journal = new Journal(folder);
  await journal.store(GOOD);
  await mkdir(join(folder, "runs", RUN), { recursive: true });
});

describe.each(ODD)("%s", (_what, named, put) => {
  test("in the place of an object is told, and nothing waits for it", async () => {
    await put(journal.objectPath(sha256("x")));
    const { faults, objects } = await checkJournal(journal);
    expect(faults).toEqual([`objects/sha256-${sha256("x")}: it is ${named}, and was not read`]);
    expect(objects).toBe(2);
    await expect(journal.load(sha256("x"))).rejects.toThrow(/no file of it/);
    const { code, stdout } = await keyward(["journal", "verify", "--journal", folder]);
    expect([code, stdout]).toEqual([2, expect.stringContaining(`it is ${named}`)]);
  });

  test("in the place of a run's log or of its instructions is told", async () => {
    await put(journal.logPath(RUN));
    expect((await checkJournal(journal)).faults).toEqual([
      `runs/${RUN}/log.ndjson: it is ${named}, and was not read`,
    ]);
    await rm(journal.logPath(RUN), { recursive: true });
    const begun = chainLine(0, "2026-11-23T10:00:00Z", NO_LINE, {
      type: "run",
      schema: JOURNAL_SCHEMA,
      run: RUN,
      kind: "apply",
      tool: "test",
      tasks: sha256(GOOD),
      of: null,
    });
    await writeFile(journal.logPath(RUN), begun.text);
    await put(journal.restorePath(RUN));
    expect((await checkJournal(journal)).faults).toEqual([
      `runs/${RUN}/RESTORE.md: it is ${named}, and was not read`,
    ]);
  });

  test("is neither read nor added to", async () => {
    const path = join(folder, "odd");
    await put(path);
    expect(await look(path)).toEqual({ kind: "other", what: named });
    await expect(readIfThere(path)).rejects.toThrow(named);
    await expect(openForAppending(path)).rejects.toThrow();
  });
});

test("a pipe or a device in the place of an object is mended by the right content", async () => {
  for (const [, , put] of ODD.slice(0, 2)) {
    await put(journal.objectPath(sha256("right")));
    expect(await journal.store("right")).toBe(sha256("right"));
    expect(await journal.load(sha256("right"))).toBe("right");
    await rm(journal.objectPath(sha256("right")));
  }
});

test("a link to a file with the right content counts: its checksum says what it is", async () => {
  await writeFile(join(folder, "elsewhere"), "linked");
  await symlink(join(folder, "elsewhere"), journal.objectPath(sha256("linked")));
  expect(await journal.load(sha256("linked"))).toBe("linked");
  expect((await checkJournal(journal)).faults).toEqual([]);
});
