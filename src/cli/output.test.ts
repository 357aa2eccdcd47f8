import { execFileSync } from "node:child_process";
import { lstat, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "./command.js";
import { loadConfigFile } from "./config-file.js";
import { wantsColor } from "./options.js";
import { openOutput } from "./output.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-output-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function ioWith(stdout: Writable, more: Partial<Io> = {}): Io {
  return { stdout, stderr: stdout, env: {}, now: () => 0, exit: () => undefined, ...more };
}

describe("a file", () => {
  test("appears whole, for its owner only, and replaces what was there", async () => {
    const path = join(folder, "report.json");
    await writeFile(path, "old");
    const output = await openOutput(path, ioWith(new Writable()));
    await output.write("new ");
    await output.write("x".repeat(300_000));
    expect(await readFile(path, "utf8")).toBe("old");
    await output.finish();
    expect(await readFile(path, "utf8")).toBe(`new ${"x".repeat(300_000)}`);
    expect(await readdir(folder)).toEqual(["report.json"]);
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("that is given up leaves nothing behind", async () => {
    const path = join(folder, "report.json");
    await writeFile(path, "old");
    const output = await openOutput(path, ioWith(new Writable()));
    await output.write("new");
    await output.discard();
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["report.json"]);
  });

  test("in a folder that does not exist is a message", async () => {
    const path = join(folder, "none", "report.json");
    await expect(openOutput(path, ioWith(new Writable()))).rejects.toThrow(
      "the output file cannot be written",
    );
  });

  test("in place of a folder is a message before anything is written, and nothing is left behind", async () => {
    await expect(openOutput(folder, ioWith(new Writable()))).rejects.toThrow(
      "the output file cannot be written",
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test.skipIf(process.platform === "win32")("behind a link is written, and the link stays", async () => {
    const link = join(folder, "latest.json");
    await writeFile(join(folder, "report.json"), "old");
    await symlink("report.json", link);
    const output = await openOutput(link, ioWith(new Writable()));
    await output.write("new");
    await output.finish();
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, "report.json"), "utf8")).toBe("new");
    expect((await readdir(folder)).sort()).toEqual(["latest.json", "report.json"]);
  });

  test.skipIf(process.platform === "win32")("that is a pipe is written in place and stays one", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const reading = readFile(path, "utf8");
    const output = await openOutput(path, ioWith(new Writable()));
    await output.write("all of it");
    await output.finish();
    expect(await reading).toBe("all of it");
    expect((await stat(path)).isFIFO()).toBe(true);
    expect(await readdir(folder)).toEqual(["pipe"]);
  });
});

describe("a stream", () => {
  test("is waited for when it is full", async () => {
    const written: string[] = [];
    const slow = new Writable({
      highWaterMark: 4,
      write: (chunk: Buffer, _encoding, done) => {
        setTimeout(() => {
          written.push(chunk.toString());
          done();
        }, 5);
      },
    });
    const output = await openOutput(undefined, ioWith(slow));
    await output.write("long enough to fill it");
    expect(written).toEqual(["long enough to fill it"]);
    expect(slow.listenerCount("drain") + slow.listenerCount("error")).toBe(0);
  });

  test("that fails is an error", async () => {
    const broken = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(new Error("EPIPE")),
    });
    const output = await openOutput(undefined, ioWith(broken));
    await expect(output.write("text")).rejects.toThrow("EPIPE");
  });
});

describe("colour", () => {
  const on = { color: true, output: undefined };
  const terminal = Object.assign(new Writable(), { isTTY: true });
  test.each([
    ["on a terminal", on, ioWith(terminal), true],
    ["not in a pipe", on, ioWith(new Writable()), false],
    ["not with NO_COLOR", on, ioWith(terminal, { env: { NO_COLOR: "1" } }), false],
    ["an empty NO_COLOR says nothing", on, ioWith(terminal, { env: { NO_COLOR: "" } }), true],
    ["not on a dumb terminal", on, ioWith(terminal, { env: { TERM: "dumb" } }), false],
    ["not with --no-color", { ...on, color: false }, ioWith(terminal), false],
    ["not into a file", { ...on, output: "x" }, ioWith(terminal), false],
  ])("%s", (_name, options, io, expected) => {
    expect(wantsColor(options, io)).toBe(expected);
  });
});

describe("the configuration", () => {
  test("that is named must be there", async () => {
    await expect(loadConfigFile(join(folder, "none.yaml"))).rejects.toThrow(
      "the configuration cannot be read",
    );
  });

  test("with two mistakes tells about both", async () => {
    const path = join(folder, "keyward.yaml");
    await writeFile(path, "trust:\n  acounts: []\n  services: [x]\n");
    await expect(loadConfigFile(path)).rejects.toThrow(
      /unknown field "acounts"[\s\S]*trust.services\[0\] is wrong|trust.services\[0\] is wrong[\s\S]*unknown field "acounts"/,
    );
  });
});
