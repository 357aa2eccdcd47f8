import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { keyward, type Outcome } from "../../../test/io.js";
import { allow, FRIEND, OWNER, policyText } from "../../../test/judging.js";
import * as reading from "../../snapshot/byte-lines.js";

/** Where lines about more than one key stand in a snapshot, and whether its header says so. */

vi.mock("../../snapshot/byte-lines.js", { spy: true });

const folder = mkdtempSync(join(tmpdir(), "keyward-order-"));
const config = join(folder, "keyward.yaml");
writeFileSync(config, "trust:\n  organizations: auto\n");

const header = {
  type: "snapshot",
  schema: "keyward.snapshot/1",
  createdAt: "2026-11-20T10:00:00Z",
  tool: "t",
};
const promising = { ...header, order: "context-first" };
const organization = { type: "organization", id: "o-own1234567", accounts: [{ id: OWNER }, { id: FRIEND }] };
const closing = {
  type: "resource-control-policy",
  target: OWNER,
  text: JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        ...allow("*", "kms:*", { Condition: { StringNotEquals: { "aws:PrincipalOrgID": "o-own1234567" } } }),
        Effect: "Deny",
      },
    ],
  }),
};
const key = (id: string): object => ({
  type: "key",
  arn: `arn:aws:kms:us-east-1:${OWNER}:key/${id}`,
  state: "Enabled",
  policy: { kind: "present", text: policyText(allow("*", "kms:Decrypt")) },
  grants: { kind: "present", items: [] },
});

async function check(...lines: readonly object[]): Promise<Outcome> {
  const path = join(folder, "s.ndjson.gz");
  writeFileSync(path, gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
  return keyward(["check", path, "--config", config, "--format", "json"]);
}
const exposures = ({ stdout }: Outcome): unknown =>
  (JSON.parse(stdout) as { keys: { exposure: string }[] }).keys.map((k) => k.exposure);

/** Lines of files that were looked at. */
async function looked(...lines: readonly object[]): Promise<number> {
  let count = 0;
  const real = await vi.importActual<typeof reading>("../../snapshot/byte-lines.js");
  vi.mocked(reading.byteLines).mockImplementation(async function* (...args) {
    for await (const line of real.byteLines(...args)) {
      count++;
      yield line;
    }
  });
  await check(...lines);
  vi.mocked(reading.byteLines).mockReset().mockImplementation(real.byteLines);
  return count;
}

describe("organizations and resource control policies in a snapshot", () => {
  test.each([
    ["before the keys, as promised", [promising, organization, closing, key("a"), key("b")]],
    ["before the keys", [header, organization, closing, key("a"), key("b")]],
    ["between the keys", [header, organization, key("a"), closing, key("b")]],
    ["behind the keys", [header, key("a"), key("b"), closing, organization]],
  ])("count for every key: %s", async (_where, lines) => {
    const outcome = await check(...lines);
    expect([outcome.code, exposures(outcome)]).toEqual([0, ["none", "none"]]);
  });

  test("are looked for in the whole file only where the header promises nothing", async () => {
    const keys = ["a", "b", "c", "d", "e", "f"].map(key);
    // The second reading has every line; the first stops at the first key.
    expect(await looked(header, organization, ...keys)).toBe(16);
    expect(await looked(promising, organization, ...keys)).toBe(8 + 3);
  });

  test.each([
    ["organization o-own1234567", organization],
    [`resource-control-policy ${OWNER}`, closing],
  ])("that break the promise are told, and nothing is clear then: %s", async (named, line) => {
    for (const lines of [
      [promising, key("a"), line, key("b")],
      [promising, key("a"), key("b"), line],
    ]) {
      const { code, stderr, stdout } = await check(...lines);
      expect(code).not.toBe(0);
      expect(stderr).toContain("stands behind a key, and the header promises that there is none");
      expect(stderr).toContain(named);
      expect((JSON.parse(stdout) as { incomplete: unknown[] }).incomplete).toHaveLength(1);
    }
    const path = join(folder, "plan.ndjson");
    writeFileSync(path, [promising, key("a"), line].map((l) => `${JSON.stringify(l)}\n`).join(""));
    expect((await keyward(["plan", path, "--config", config])).code).toBe(2);
  });
});
