import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, startCli } from "../cli.js";

const OWN = "111122223333";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-explain-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const ROOT = {
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${OWN}:root` },
  Action: "kms:*",
  Resource: "*",
};

async function explain(statements: readonly unknown[]): Promise<CliResult> {
  await writeFile(
    join(folder, "policy.json"),
    JSON.stringify({ Version: "2012-10-17", Statement: [ROOT, ...statements] }),
  );
  return startCli(["explain", "policy.json"], folder).done;
}

const open = (condition?: unknown, sid = "S"): unknown => ({
  Sid: sid,
  Effect: "Allow",
  Principal: "*",
  Action: "kms:Decrypt",
  Resource: "*",
  ...(condition === undefined ? {} : { Condition: condition }),
});

describe("keyward explain", () => {
  it("says who gets in, proves it, and says what ForAllValues fails to do", async () => {
    const r = await explain([
      open({ "ForAllValues:StringEquals": { "aws:PrincipalOrgID": "o-own1234567" } }),
    ]);
    expect(r.code).toBe(1);
    expect(r.stdout).toContain("EXPOSED  public");
    expect(r.stdout).toContain("WHY IT IS EXPOSED: a request that is allowed");
    expect(r.stdout).toMatch(/action\s+kms:Decrypt/);
    expect(r.stdout.replace(/\s+/g, " ")).toContain("ForAllValues holds where there is no value");
  });

  it("says that a Deny with ForAnyValue misses callers without the key", async () => {
    const r = await explain([
      open(),
      {
        Effect: "Deny",
        Principal: "*",
        Action: "kms:*",
        Resource: "*",
        Condition: { "ForAnyValue:StringNotLike": { "aws:PrincipalOrgPaths": "o-own1234567/*" } },
      },
    ]);
    expect(r.code).toBe(1);
    expect(r.stdout.replace(/\s+/g, " ")).toContain("ForAnyValue never holds where the key is absent");
  });

  it("has no proof to show for a closed key", async () => {
    const r = await explain([open({ StringEquals: { "kms:CallerAccount": OWN } })]);
    expect(r.code).toBe(0);
    expect(r.stdout).not.toContain("WHY IT IS EXPOSED");
    expect(r.stdout.replace(/\s+/g, " ")).toContain(
      'statement 2 ("S") is closed to outsiders by StringEquals kms:CallerAccount 111122223333: without it the key would be open to anybody',
    );
    expect(r.stdout).toContain(`account ${OWN}`);
  });

  it("keeps hostile text inert, and lines within 80 columns", async () => {
    const r = await explain([open(undefined, "\u001b[2Jgone\u202e")]);
    expect(r.code).toBe(1);
    expect(r.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    const long = r.stdout.split("\n").filter((l) => l.length > 80 && l.trim().includes(" "));
    expect(long).toEqual([]);
  });

  it("tells which keys there are when it does not find one", async () => {
    const line = { type: "key", arn: `arn:aws:kms:us-east-1:${OWN}:key/k-1`, policy: { kind: "absent" } };
    const header = {
      type: "snapshot",
      schema: "keyward.snapshot/1",
      createdAt: "2026-11-23T00:00:00Z",
      tool: "test",
    };
    await writeFile(join(folder, "s.ndjson"), `${JSON.stringify(header)}\n${JSON.stringify(line)}\n`);
    const missed = await startCli(["explain", "nothing", "s.ndjson"], folder).done;
    expect(missed.code).toBe(2);
    expect(missed.stderr).toContain("there is no such key in the snapshot");
    expect(missed.stderr).toContain(line.arn);
    const found = await startCli(["explain", "k-1", "s.ndjson"], folder).done;
    expect(found.code).toBe(3);
    expect(found.stdout).toContain("NOT-ASSESSED");
  });

  it("prints names and gaps of a hostile snapshot inert", async () => {
    const evil = `x${String.fromCharCode(0x1b)}]0;t${String.fromCharCode(7)}\u202e\nFAKE`;
    const lines = [
      { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T00:00:00Z", tool: "test" },
      {
        type: "key",
        arn: `arn:aws:kms:us-east-1:${OWN}:key/k-1`,
        aliases: [`alias/${evil}`],
        policy: { kind: "absent" },
      },
      { type: "incomplete", where: evil, call: evil, code: evil },
    ];
    await writeFile(join(folder, "evil.ndjson"), lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
    const missed = await startCli(["explain", "nothing", "evil.ndjson"], folder).done;
    const compared = await startCli(["diff", "evil.ndjson", "evil.ndjson"], folder).done;
    for (const text of [missed.stderr, compared.stdout]) {
      expect(text).toContain("\\u{202e}");
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]|^FAKE/m);
    }
  });
});
