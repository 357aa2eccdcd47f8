import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeFolder } from "./durable.js";

/** Runs with this folder as the present one. */
async function inFolder(run: () => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "keyward-durable-"));
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(async () => {
    process.chdir(before);
    await rm(folder, { recursive: true });
  });
  await run();
}

describe("makeFolder", () => {
  test.each(["j", "a/b/c", "./x/y", ".keyward/journal"])(
    "makes %s and ends, however short its name is",
    async (path) => {
      await inFolder(async () => {
        await makeFolder(path);
        const made = await stat(path);
        expect(made.isDirectory()).toBe(true);
        expect(made.mode & 0o777).toBe(0o700);
        await makeFolder(path);
      });
    },
  );
});
