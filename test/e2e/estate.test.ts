import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { estateLines } from "../../bench/estate-lines.mjs";
import type { CliResult } from "../cli.js";
import { startCli } from "../cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-e2e-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Report {
  readonly keys: readonly { readonly arn: string; readonly verdict: string }[];
  readonly summary: { readonly keys: number; readonly gaps: number };
  readonly incomplete: readonly { readonly where: string; readonly code: string; readonly help: string }[];
}

async function check(
  name: string,
  content: Buffer,
  ...args: string[]
): Promise<CliResult & { report: Report }> {
  await writeFile(join(folder, name), content);
  const output = join(folder, "report.json");
  const result = await startCli(["check", name, "--format", "json", "--output", output, ...args], folder)
    .done;
  return { ...result, report: JSON.parse(await readFile(output, "utf8")) as Report };
}

/** Lines of an estate, made so long that threads take part: descriptions that no compression shortens. */
function longLines(keys: number): string[] {
  return [...estateLines({ keys, seed: 9, distinct: 0.05 })].map((line, i) => {
    if (!line.startsWith('{"type":"key"')) return line;
    const noise = Array.from({ length: 24 }, (_, n) =>
      createHash("sha512").update(`${i} ${n}`).digest("base64"),
    );
    return `${line.slice(0, -1)},"description":${JSON.stringify(noise.join(""))}}`;
  });
}

const LINES = longLines(1000);
const text = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

/** A report without what differs from run to run. */
async function timeless(): Promise<string> {
  const written = await readFile(join(folder, "report.json"), "utf8");
  return written
    .replaceAll(/"(generatedAt": |aws:CurrentTime":)"[^"]*"/g, "")
    .replaceAll(/"aws:EpochTime":"[0-9]*"/g, "");
}

describe("a large snapshot", () => {
  test("gives the same report with one thread and with three", async () => {
    const gz = gzipSync(text(LINES), { level: 1 });
    // Else no thread would take part.
    expect(gz.length).toBeGreaterThan(1024 * 1024);
    const one = await check("a.ndjson.gz", gz, "--threads", "1");
    expect(one.report.summary.keys).toBe(1000);
    const alone = await timeless();
    const three = await check("a.ndjson.gz", gz, "--threads", "3");
    expect(three.code).toBe(one.code);
    expect(await timeless()).toBe(alone);
  });

  test("that was cut off keeps the keys before the cut and says so", async () => {
    const gz = gzipSync(text(LINES), { level: 1 });
    const { report, stderr, code } = await check(
      "cut.ndjson.gz",
      gz.subarray(0, gz.length * 0.8),
      "--threads",
      "2",
    );
    expect(code).toBe(1);
    expect(report.keys.length).toBeGreaterThan(600);
    expect(report.keys.length).toBeLessThan(1000);
    expect(report.incomplete.map((i) => i.code)).toEqual(["UnreadableSnapshot"]);
    expect(stderr).toContain("the data ends too early");
  });

  test("with a wrong line in it keeps the keys before the line and names it", async () => {
    for (const [wrong, what] of [
      [LINES[800]?.replace('"type":"key"', '"type":"key","more":1') ?? "", "more"],
      ['{"type":"key",', "not JSON"],
    ] as const) {
      const lines = [...LINES.slice(0, 800), wrong, ...LINES.slice(801)];
      const { report, stderr } = await check("wrong.ndjson", Buffer.from(text(lines)), "--threads", "2");
      // Three lines come before the keys.
      expect(report.keys.length).toBe(797);
      expect(report.incomplete.map((i) => i.where)).toEqual(["wrong.ndjson:801"]);
      expect(stderr).toContain(what);
    }
  });

  test("that is not UTF-8 at some line keeps the keys before it and names it", async () => {
    const bytes = Buffer.from(text(LINES));
    const at = bytes.indexOf("alias/", Buffer.byteLength(text(LINES.slice(0, 500))));
    bytes[at + 6] = 0xff;
    const { report, stderr } = await check("bytes.ndjson", bytes, "--threads", "2");
    expect(report.incomplete).toHaveLength(1);
    expect(stderr).toMatch(/bytes\.ndjson:50[0-9]: not UTF-8 text/);
    expect(report.keys.length).toBeGreaterThan(490);
  });

  test("with a line of 200 MB keeps the keys before it and names it", async () => {
    const head = Buffer.from(text(LINES.slice(0, 10)));
    const long = Buffer.alloc(200 * 1024 * 1024, 0x61);
    const gz = gzipSync(Buffer.concat([head, Buffer.from('{"type":"key","arn":"'), long]), { level: 1 });
    const { report, stderr, code } = await check("long.ndjson.gz", gz);
    expect([1, 3]).toContain(code);
    expect(report.keys.length).toBe(7);
    expect(report.incomplete.map((i) => i.where)).toEqual(["long.ndjson.gz:11"]);
    expect(stderr).toContain("a line is too long to be read");
  });
});
