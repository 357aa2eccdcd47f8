import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { keyward } from "../../../test/io.js";
import { shippedSchema } from "../../../test/shipped-schema.js";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
const TRAIL = join(EXAMPLES, "cloudtrail");
const folder = (): string => mkdtempSync(join(tmpdir(), "keyward-usage-"));
const key = (n: number): string =>
  `arn:aws:kms:us-east-1:111122223333:key/000${n}a1b2-3c4d-4e5f-8a0${n}-00000000000${n}`;

interface Line {
  readonly type: string;
  readonly key?: string;
  readonly entries?: readonly Readonly<Record<string, unknown>>[];
}

describe("keyward usage", () => {
  it("says of the example trail who used which key how", async () => {
    const { code, stdout } = await keyward(["usage", "--cloudtrail", TRAIL]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `${key(7)}\n  1 x kms:Decrypt allowed by arn:aws:iam::444455556666:role/jobs/Settlement 2026-11-20`,
    );
    expect(stdout).toContain("via secretsmanager.amazonaws.com");
    expect(stdout).toContain("DENIED (implicit, resource policy) by arn:aws:iam::111122223333:role/Reports");
    expect(stdout).toContain("No evidence from account 111122223333 in us-east-1 on 2026-11-21");
    expect(stdout).toContain("1 calls of KMS do not tell on which key they were");
    expect(stdout).not.toContain("secret:db");
  });

  it("writes a file that the shipped schema accepts, and the same lines to stdout", async () => {
    const output = join(folder(), "usage.ndjson");
    const { code, stdout } = await keyward([
      "usage",
      "--cloudtrail",
      TRAIL,
      "--snapshot",
      join(EXAMPLES, "estate.ndjson"),
      "--output",
      output,
      "--format",
      "ndjson",
    ]);
    expect(code).toBe(0);
    expect(readFileSync(output, "utf8")).toBe(stdout);
    const validate = shippedSchema("usage");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((l) => JSON.parse(l) as Line);
    for (const line of lines) {
      validate(line);
      expect(validate.errors ?? [], JSON.stringify(line).slice(0, 80)).toEqual([]);
    }
    expect(lines.filter((l) => l.type === "usage").map((l) => l.key)).toEqual([1, 2, 7, 9].map(key));
    // The alias of a denied request is resolved by the snapshot.
    const first = lines.find((l) => l.key === key(1));
    expect(first?.entries?.filter((e) => e["requestAlias"] === "alias/payments-db")).toMatchObject([
      { action: "kms:Encrypt", outcome: { kind: "denied" } },
    ]);
  });

  it.each([60, 80])("keeps to %i columns on a terminal, and loses nothing", async (columns) => {
    const dir = folder();
    writeFileSync(join(dir, `${"long".repeat(30)}.json`), '{"Records":[{"eventSource":"kms');
    const args = ["usage", "--cloudtrail", TRAIL, "--cloudtrail", dir];
    const [narrow, whole] = await Promise.all([keyward(args, { columns, isTTY: true }), keyward(args)]);
    expect(Math.max(...narrow.stdout.split("\n").map((l) => l.length))).toBeLessThanOrEqual(columns);
    expect(Math.max(...whole.stdout.split("\n").map((l) => l.length))).toBeGreaterThan(columns);
    const letters = (text: string): string => text.replace(/\s+/g, "");
    expect(letters(narrow.stdout)).toBe(letters(whole.stdout));
  });

  it("leaves out what is outside the days", async () => {
    const { stdout } = await keyward(["usage", "--cloudtrail", TRAIL, "--from", "2026-11-22"]);
    expect(stdout).not.toContain("2026-11-20");
    expect(stdout).toContain("kms:DescribeKey allowed");
  });

  it("ends with 3 where some evidence could not be used, and says which", async () => {
    const dir = folder();
    writeFileSync(join(dir, "bad\u001b[31m.json"), '{"Records":[{"eventSource":"kms');
    const { code, stdout } = await keyward(["usage", "--cloudtrail", dir]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/bad\\u\{1b\}\[31m\.json: truncated/);
  });

  it("prints the queries for Athena without asking AWS", async () => {
    const { code, stdout } = await keyward([
      "usage",
      "--print-sql",
      "--database",
      "audit",
      "--table",
      "cloudtrail_logs",
      "--date-partition",
      "timestamp",
      "--from",
      "2026-08-01",
      "--to",
      "2026-10-31",
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('FROM "audit"."cloudtrail_logs"');
    expect(stdout).toContain("eventtime >= '2026-08-01T00:00:00Z'");
    expect(stdout).toContain(`"timestamp" <= '2026/11/01'`);
  });

  it.each([
    [["usage"], /no evidence is named/],
    [["usage", "--cloudtrail", "/nowhere/at/all"], /cannot be read[^]*next:/],
    [["usage", "--cloudtrail", TRAIL, "--from", "2026-02-30"], /Expected a day/],
    [
      ["usage", "--cloudtrail", TRAIL, "--from", "2026-03-02", "--to", "2026-03-01"],
      /first day is after the last/,
    ],
    [["usage", "--athena"], /which table/],
    [["usage", "--print-sql", "--database", 'a"; DROP', "--table", "t"], /Expected a name/],
    [["usage", "--cloudtrail", TRAIL, "--output", "x.gz"], /not compressed/],
  ])("%j is refused with a reason", async (args, message) => {
    const { code, stderr } = await keyward(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
