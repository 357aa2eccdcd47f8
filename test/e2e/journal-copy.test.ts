import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Grant } from "../../src/domain/grant.js";
import { planText } from "../../src/repair/plan-text.js";
import type { Sandbox } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { KeyLine } from "../../src/snapshot/lines.js";
import {
  changeOf,
  closedPolicy,
  digest,
  estate,
  keyLine,
  openPolicy,
  OWNER,
  planOf,
  policyOf,
} from "../apply-estate.js";
import { type CliResult, startCli } from "../cli.js";
import { type LoopbackAws, startLoopbackAws } from "../loopback-aws.js";

/** The copy of the journal in S3, and former policies from AWS Config, with the built program and the real SDK. */

const BUCKET = "keyward-journals";
const COPY = `s3://${BUCKET}/team/`;
const grant: Grant = {
  GrantId: "a".repeat(64),
  GranteePrincipal: "arn:aws:iam::444455556666:role/Partner",
  Operations: ["Decrypt"],
};

let folder: string;
let keys: readonly KeyLine[];
let sandbox: Sandbox;
let aws: LoopbackAws;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-copy-"));
  keys = [keyLine(openPolicy("é one"), [grant]), keyLine(openPolicy("two"), [], "eu-west-1")];
  sandbox = await startSandbox({ snapshot: estate(keys) });
  aws = await startLoopbackAws(sandbox.url);
  await writeFile(
    join(folder, "plan.yaml"),
    planText(
      planOf(keys.map((k, i) => changeOf(k, closedPolicy(`new ${i}`), i === 0 ? [grant.GrantId] : []))),
      "yaml",
    ),
  );
  onTestFinished(async () => {
    await aws.close();
    await sandbox.close();
    await rm(folder, { recursive: true });
  });
});

const keyward = (...args: readonly string[]): Promise<CliResult> =>
  startCli([...args, "--endpoint-url", aws.url], folder, {
    AWS_ACCESS_KEY_ID: `AKIA${OWNER}`,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_REGION: "us-east-1",
  }).done;
const unasked = ["--yes", "--max-keys", "9"];
const policies = (): readonly string[] => {
  const lines = new Map(
    [...sandbox.snapshot()].flatMap((l) => (l.type === "key" ? [[l.arn, l] as const] : [])),
  );
  return keys.map((k) => policyOf(lines.get(k.arn) ?? k));
};
const at = (name: string): string => `${BUCKET}/team/${name}`;

describe("a copy of the journal", () => {
  it("has every backup, confirmed, before the write that it protects, and is enough to roll back", async () => {
    // What goes up is on this machine's disk already.
    const early: string[] = [];
    aws.refuse = (name) => {
      const object = /objects\/sha256-[0-9a-f]{64}$/.exec(name)?.[0];
      if (object !== undefined && !existsSync(join(folder, ".keyward", "journal", object))) early.push(name);
      return false;
    };
    const applied = await keyward("apply", "plan.yaml", ...unasked, "--journal-copy", COPY);
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    expect(early).toEqual([]);
    expect(applied.stderr).toContain(`copied to ${COPY}`);
    expect(applied.stderr).toContain("has no default retention");
    expect(applied.stderr).not.toContain("keeps no versions");
    for (const [i, key] of keys.entries()) {
      const backup = aws.log.indexOf(`PUT ${at(`objects/sha256-${digest(policyOf(key))}`)}`);
      const written = aws.log.flatMap((entry, n) => (entry === "kms:PutKeyPolicy" ? [n] : []))[i] ?? -1;
      expect(backup).toBeGreaterThan(-1);
      expect(backup).toBeLessThan(written);
      // The piece of the log that says so went up in between.
      expect(aws.log.slice(backup, written).join()).toMatch(/runs\/[^/]+\/log\/\d{8}\.ndjson/);
    }
    // Nothing was ever put twice: a bucket that locks its objects takes it.
    const puts = aws.log.filter((entry) => entry.startsWith("PUT "));
    expect(puts.length).toBeGreaterThan(8);

    const checked = await keyward("journal", "verify", "--journal", COPY);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining("1 runs")]);

    // The laptop is lost.
    await rm(join(folder, ".keyward"), { recursive: true });
    const [, run = ""] = /run (\S+?),/.exec(applied.stderr) ?? [];
    const back = await keyward("rollback", run, ...unasked, "--journal", COPY);
    expect(back.code, back.stdout + back.stderr).toBe(0);
    expect(policies()).toEqual(keys.map(policyOf));
    const restore = await readFile(join(folder, ".keyward", "journal", "runs", run, "RESTORE.md"), "utf8");
    for (const key of keys) expect(restore).toContain(`## ${key.arn}`);
    expect(restore.match(/^# /gm)).toHaveLength(1);
    expect((await keyward("journal", "verify")).code).toBe(0);
  });

  it("that cannot be written stops everything: nothing is sent to a key", async () => {
    aws.refuse = (name) => name.includes("objects/");
    const refused = await keyward("apply", "plan.yaml", ...unasked, "--journal-copy", COPY);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(
      "the copy of the journal cannot be used, so nothing (more) is sent to AWS KMS",
    );
    expect(refused.stderr).toContain("s3:PutObject: AccessDenied");
    expect(aws.log).not.toContain("kms:PutKeyPolicy");
    expect(policies()).toEqual(keys.map(policyOf));
  });

  it("that fails at the second key leaves that key alone, and --resume brings the copy up to date", async () => {
    const second = digest(policyOf(keys[1] ?? keys[0] ?? keyLine("")));
    aws.refuse = (name) => name.endsWith(second);
    const stopped = await keyward("apply", "plan.yaml", ...unasked, "--journal-copy", COPY);
    expect(stopped.code).toBe(2);
    expect(policies()).toEqual([closedPolicy("new 0"), policyOf(keys[1] ?? keyLine(""))]);
    aws.refuse = () => false;
    const [, run = ""] = /run (\S+?),/.exec(stopped.stderr) ?? [];
    const resumed = await keyward("apply", "--resume", run, ...unasked, "--journal-copy", COPY);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(policies()).toEqual([closedPolicy("new 0"), closedPolicy("new 1")]);
    const checked = await keyward("journal", "verify", "--journal", COPY);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining("all unharmed")]);
    const log = await readFile(join(folder, ".keyward", "journal", "runs", run, "log.ndjson"), "utf8");
    const pieces = [...aws.objects].filter(([name]) => name.startsWith(at(`runs/${run}/log/`))).sort();
    expect(Buffer.concat(pieces.map(([, content]) => content)).toString("utf8")).toBe(log);
  });

  it("that was meddled with is not used", async () => {
    expect((await keyward("apply", "plan.yaml", ...unasked, "--journal-copy", COPY)).code).toBe(0);
    const name = at(`objects/sha256-${digest(policyOf(keys[0] ?? keyLine("")))}`);
    aws.objects.set(name, Buffer.from(openPolicy("another")));
    await rm(join(folder, ".keyward"), { recursive: true });
    const harmed = await keyward("rollback", "--key", keys[0]?.arn ?? "", ...unasked, "--journal", COPY);
    expect(harmed.code).toBe(2);
    expect(harmed.stderr).toContain("the copy of the journal is damaged");
    expect(harmed.stderr).toContain(`s3://${name}`);
  });

  it("that holds something else under the name of a backup is left alone, and so is the key", async () => {
    const name = at(`objects/sha256-${digest(policyOf(keys[0] ?? keyLine("")))}`);
    aws.objects.set(name, Buffer.from(openPolicy("another")));
    const refused = await keyward("apply", "plan.yaml", ...unasked, "--journal-copy", COPY);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("the copy of the journal holds something else");
    expect(refused.stderr).toContain(`s3://${name}`);
    expect(aws.objects.get(name)?.toString()).toBe(openPolicy("another"));
    expect(aws.log).not.toContain("kms:PutKeyPolicy");
    expect(policies()).toEqual(keys.map(policyOf));
  });

  it.each([
    [["apply", "plan.yaml", "--journal", COPY], "a journal is a folder on this machine"],
    [["apply", "plan.yaml", "--journal-copy", "bucket/x"], "no address of a bucket"],
    [
      ["rollback", "--key", `arn:aws:kms:us-east-1:${OWNER}:key/k`, "--journal", "s3://empty-bucket/x"],
      "there is no copy of a journal",
    ],
  ])("%j: says what is wrong, and what to do", async (args, words) => {
    const wrong = await keyward(...args, ...unasked);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(wrong.stderr).not.toMatch(/\n\s+at /);
  });
});

describe("former policies from AWS Config", () => {
  const item = (key: KeyLine, time: number, policy: string): unknown => ({
    resourceType: "AWS::KMS::Key",
    arn: key.arn,
    resourceId: key.arn.split("/")[1],
    configurationItemCaptureTime: time,
    configuration: JSON.stringify({ keyId: key.arn.split("/")[1] }),
    supplementaryConfiguration: { Policy: JSON.stringify(policy) },
  });

  it("are asked for, page by page, and put back", async () => {
    const [key] = keys;
    if (key === undefined) throw new Error("no key");
    const day = Date.UTC(2026, 10, 20) / 1000;
    aws.recorded.set(key.arn.split("/")[1] ?? "", [
      [item(key, day + 200, policyOf(key))],
      // Pages can be empty and still go on.
      [],
      [item(key, day + 100, closedPolicy("before")), item(key, day, closedPolicy("long ago"))],
    ]);
    const back = await keyward("rollback", "--key", key.arn, "--from", "config", ...unasked);
    expect(back.code, back.stdout + back.stderr).toBe(0);
    expect(policies()[0]).toBe(closedPolicy("before"));
    expect(aws.log.filter((e) => e === "config:GetResourceConfigHistory")).toHaveLength(3);
  });

  it("are told to be missing where AWS Config does not record the key", async () => {
    const none = await keyward("rollback", "--key", keys[0]?.arn ?? "", "--from", "config", ...unasked);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("AWS Config has not recorded this key");
    expect(none.stderr).toContain("config:GetResourceConfigHistory: ResourceNotDiscoveredException");
    expect(aws.log).not.toContain("kms:PutKeyPolicy");
  });
});
