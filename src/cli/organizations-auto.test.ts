import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keyward, type Outcome } from "../../test/io.js";
import { allow, policyText } from "../../test/judging.js";

/** Whom `organizations: auto` trusts is the same for every command that reads a snapshot. */

const OWNER = "111122223333";
const ARN = `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const ORGANIZATION = "o-own1234567";
type Json = Readonly<Record<string, unknown>>;

const folder = mkdtempSync(join(tmpdir(), "keyward-auto-"));
const config = join(folder, "keyward.yaml");
writeFileSync(config, "trust:\n  organizations: auto\n");

function snapshot(name: string, organization: Json, ...statements: readonly Json[]): string {
  const path = join(folder, name);
  const lines = [
    { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-20T10:00:00Z", tool: "test" },
    { type: "organization", id: ORGANIZATION, ...organization },
    {
      type: "key",
      arn: ARN,
      state: "Enabled",
      policy: { kind: "present", text: policyText(...statements) },
      grants: { kind: "present", items: [] },
    },
  ];
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

const members = (value: string): Json =>
  allow("*", "kms:Decrypt", { Condition: { StringEquals: { "aws:PrincipalOrgID": value } } });
const json = async (...args: readonly string[]): Promise<Json> => {
  const outcome: Outcome = await keyward([...args, "--config", config, "--format", "json"]);
  return JSON.parse(outcome.stdout) as Json;
};

interface Verdicts {
  readonly check: unknown;
  readonly explain: unknown;
  readonly plan: unknown;
  /** Whether those who gain when the statement is added are trusted. */
  readonly diff: readonly unknown[];
}

async function verdicts(organization: Json, value: string): Promise<Verdicts> {
  const without = snapshot("without.ndjson", organization);
  const path = snapshot("with.ndjson", organization, members(value));
  const check = (await json("check", path)) as { keys: { verdict: string }[] };
  const explain = (await json("explain", ARN, path)) as { key: { verdict: string } };
  const plan = (await json("plan", path)) as { summary: Json };
  const diff = (await json("diff", without, path)) as {
    keys: { gained: { changes: { trusted: boolean }[] } }[];
  };
  return {
    check: check.keys[0]?.verdict,
    explain: explain.key.verdict,
    plan: plan.summary,
    diff: diff.keys.flatMap((key) => key.gained.changes.map((change) => change.trusted)),
  };
}

describe("organizations: auto", () => {
  test("trusts an organization that the snapshot names without listing an account of it", async () => {
    expect(await verdicts({}, ORGANIZATION)).toEqual({
      check: "clear",
      explain: "clear",
      plan: { changes: 0, unchanged: 1, refused: 0 },
      diff: [true],
    });
  });

  test("takes no account for a member that the organization's list leaves out", async () => {
    const listed = { accounts: [{ id: "222233334444", path: `${ORGANIZATION}/r-ab12/` }] };
    const said = await verdicts(listed, "${aws:ResourceOrgID}");
    // Whose organization the key's is, nobody knows: any other may get in.
    expect(said.explain).toBe(said.check);
    expect(said.check).not.toBe("clear");
    expect(said.diff).toContain(false);
    expect(said.plan).not.toMatchObject({ unchanged: 1 });
  });
});
