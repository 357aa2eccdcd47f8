import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Grant } from "../../src/domain/grant.js";
import type { KeyLine } from "../../src/snapshot/lines.js";
import { startSandbox } from "../../src/sandbox/sandbox.js";
import { closedPolicy, estate, keyLine, OWNER } from "../apply-estate.js";
import { keyward } from "../io.js";

/** A grant whose context has a pair named `__proto__`: scanned, planned for, revoked and brought back. */
it("a pair named __proto__ stays in a grant all the way", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keyward-names-"));
  const saved = { ...process.env };
  onTestFinished(async () => {
    process.env = saved;
    await rm(folder, { recursive: true });
  });
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: `AKIA${OWNER}`,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
  });
  const constraints = '{"EncryptionContextEquals":{"__proto__":"a","constructor":"b"}}';
  const foreign: Grant = {
    GrantId: "f".repeat(64),
    GranteePrincipal: "arn:aws:iam::444455556666:root",
    Operations: ["Decrypt"],
    Constraints: JSON.parse(constraints) as NonNullable<Grant["Constraints"]>,
  };
  const key = keyLine(closedPolicy("names"), [foreign]);
  const sandbox = await startSandbox({ snapshot: estate([key]) });
  onTestFinished(() => sandbox.close());
  const at = (name: string): string => join(folder, name);
  const run = async (...args: readonly string[]): Promise<readonly [unknown, string]> => {
    const { code, stdout, stderr } = await keyward(args, { now: Date.now() });
    return [code, `${stdout}\n${stderr}`];
  };
  const aws = ["--endpoint-url", sandbox.url];
  const unasked = ["--journal", at("journal"), "--yes", "--max-keys", "9", ...aws];
  const grants = (line: unknown): string => {
    const items = (line as KeyLine | undefined)?.grants;
    return JSON.stringify(items?.kind === "present" ? items.items.map((g) => g.Constraints) : items);
  };
  const live = (): string => grants([...sandbox.snapshot()].find((line) => line.type === "key"));

  await writeFile(at("keyward.yaml"), "trust: {}\n");
  const config = ["--config", at("keyward.yaml")];
  const scan = ["scan", "--region", "us-east-1", "--snapshot", at("estate.ndjson"), ...config, ...aws];
  expect(await run(...scan)).toEqual([1, expect.stringContaining("444455556666")]);
  const lines = (await readFile(at("estate.ndjson"), "utf8")).trim().split("\n");
  expect(grants(lines.map((l) => JSON.parse(l) as { type: string }).find((l) => l.type === "key"))).toBe(
    `[${constraints}]`,
  );
  const plan = ["plan", at("estate.ndjson"), "--output", at("plan.yaml"), ...config];
  expect(await run(...plan)).toEqual([0, expect.stringContaining("revoking grants closes the key")]);
  expect(await run("apply", at("plan.yaml"), ...unasked)).toEqual([0, expect.stringContaining("1 changed")]);
  expect(live()).toBe("[]");
  const [last] = await readdir(join(at("journal"), "runs"));
  expect(await run("rollback", last ?? "no run", ...unasked)).toEqual([0, expect.any(String)]);
  expect(live()).toBe(`[${constraints}]`);
});
