import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KMSClient, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Grant } from "../../src/domain/grant.js";
import type { KeyChange } from "../../src/repair/plan-file.js";
import { planText } from "../../src/repair/plan-text.js";
import type { Sandbox, SandboxOptions } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { KeyLine } from "../../src/snapshot/lines.js";
import {
  OWNER,
  changeOf,
  closedPolicy,
  digest,
  estate,
  keyLine,
  openPolicy,
  planOf,
  policyOf,
} from "../apply-estate.js";
import { holds } from "../guarantees/guarantee.js";
import type { Outcome } from "../io.js";
import type { Surroundings } from "../io.js";
import { keyward as keywardIn } from "../io.js";

/** apply, rollback and journal in this process, against a sandbox over HTTP with the real SDK. */

/** With the real time: names of runs are in its order. */
function keyward(args: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  return keywardIn(args, { now: Date.now(), ...around });
}

const saved = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: `AKIA${OWNER}`,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
  });
});
afterAll(() => {
  process.env = saved;
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-apply-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function sandboxWith(keys: readonly KeyLine[], options: SandboxOptions = {}): Promise<Sandbox> {
  const bugs: unknown[] = [];
  const sandbox = await startSandbox({ snapshot: estate(keys), onBug: (bug) => bugs.push(bug), ...options });
  onTestFinished(async () => {
    await sandbox.close();
    expect(bugs).toEqual([]);
  });
  return sandbox;
}

async function planFile(changes: readonly KeyChange[]): Promise<string> {
  const path = join(folder, "plan.yaml");
  await writeFile(path, planText(planOf(changes), "yaml"));
  return path;
}

const journalOf = (): string => join(folder, "journal");

function run(sandbox: Sandbox, args: readonly string[]): Promise<Outcome> {
  return keyward([...args, "--journal", journalOf(), "--endpoint-url", sandbox.url, "--settle", "10"]);
}

function apply(sandbox: Sandbox, plan: string, more: readonly string[] = []): Promise<Outcome> {
  return run(sandbox, ["apply", plan, "--yes", "--max-keys", "100", ...more]);
}

function rollback(sandbox: Sandbox, runId: string, more: readonly string[] = []): Promise<Outcome> {
  return run(sandbox, ["rollback", runId, "--yes", "--max-keys", "100", ...more]);
}

/** The newest run. */
async function lastRun(): Promise<string> {
  const runs = await readdir(join(journalOf(), "runs"));
  return runs.sort().at(-1) ?? "";
}

function live(sandbox: Sandbox, arn: string): { policy: string; grants: readonly Grant[] } {
  for (const line of sandbox.snapshot()) {
    if (line.type === "key" && line.arn === arn) {
      return {
        policy: policyOf(line),
        grants: line.grants?.kind === "present" ? line.grants.items : [],
      };
    }
  }
  throw new Error("no such key");
}

function calls(sandbox: Sandbox, operation: string): number {
  return sandbox.stats().operations[operation]?.requests ?? 0;
}

async function verified(): Promise<string> {
  const result = await keyward(["journal", "verify", "--journal", journalOf()]);
  expect(result.code).toBe(0);
  return result.stdout;
}

const foreign: Grant = {
  GrantId: "f".repeat(64),
  Name: "partner",
  GranteePrincipal: "arn:aws:iam::444455556666:role/Partner",
  IssuingAccount: `arn:aws:iam::${OWNER}:root`,
  Operations: ["Decrypt", "GenerateDataKey"],
  Constraints: { EncryptionContextSubset: { app: "settlement" } },
};

describe("apply and rollback", () => {
  it(holds(["rollback-is-exact"], "keys with grants are closed and brought back, twice over"), async () => {
    const keys = [
      keyLine(openPolicy("é one")),
      keyLine(openPolicy("two"), [foreign]),
      keyLine(openPolicy("three"), [], "eu-west-1"),
    ];
    const [, second] = keys as [KeyLine, KeyLine, KeyLine];
    const sandbox = await sandboxWith(keys);
    const plan = await planFile(
      keys.map((k, i) => changeOf(k, closedPolicy(`closed ${i}`), k === second ? [foreign.GrantId] : [])),
    );
    const applied = await apply(sandbox, plan);
    expect(applied.stderr).not.toContain("unexpected failure");
    expect(applied.code).toBe(0);
    expect(applied.stdout).toContain("3 changed");
    keys.forEach((k, i) => expect(live(sandbox, k.arn).policy).toBe(closedPolicy(`closed ${i}`)));
    expect(live(sandbox, second.arn).grants).toEqual([]);
    // What cannot be restored is said before anything is sent.
    expect(applied.stdout).toContain("but not with its id, its token or its issuing account");
    await verified();

    const first = await lastRun();
    const back = await rollback(sandbox, first);
    expect(back.code).toBe(0);
    for (const k of keys) expect(live(sandbox, k.arn).policy).toBe(policyOf(k));
    const [again] = live(sandbox, second.arn).grants;
    expect(again).toMatchObject({
      Name: "partner",
      GranteePrincipal: foreign.GranteePrincipal,
      Operations: foreign.Operations,
      Constraints: foreign.Constraints,
    });
    expect(again?.GrantId).not.toBe(foreign.GrantId);
    expect(back.stdout).toContain("after: public (exposed)");
    await verified();

    // A rollback is a run like any other, and can be rolled back.
    const second1 = await lastRun();
    expect(second1).not.toBe(first);
    expect((await rollback(sandbox, second1)).code).toBe(0);
    keys.forEach((k, i) => expect(live(sandbox, k.arn).policy).toBe(closedPolicy(`closed ${i}`)));
    expect(live(sandbox, second.arn).grants).toEqual([]);
    await verified();
  });

  it("bring back the bytes, even where both texts mean the same", async () => {
    const key = keyLine(closedPolicy("one spelling"));
    const sandbox = await sandboxWith([key], { faults: ["PutKeyPolicy=500#1"] });
    expect((await apply(sandbox, await planFile([changeOf(key, closedPolicy("another"))]))).code).toBe(0);
    expect(live(sandbox, key.arn).policy).toBe(closedPolicy("another"));
    expect((await rollback(sandbox, await lastRun())).code).toBe(0);
    expect(live(sandbox, key.arn).policy).toBe(closedPolicy("one spelling"));
  });

  it("keep backups that the AWS CLI alone can restore from", async () => {
    const key = keyLine(openPolicy("cli"), [foreign]);
    const sandbox = await sandboxWith([key]);
    // The grant stays, so the key is exposed still, and that is told.
    const result = await apply(sandbox, await planFile([changeOf(key, closedPolicy("cli"))]));
    expect([result.code, result.stdout]).toEqual([1, expect.stringContaining("1 exposed after it")]);
    const text = await readFile(join(journalOf(), "runs", await lastRun(), "RESTORE.md"), "utf8");
    expect(text).toContain("aws kms put-key-policy --region us-east-1 --cli-input-json file://");
    const [, file = ""] = /put-key-policy .*--cli-input-json file:\/\/(\S+)/.exec(text) ?? [];
    const input = await readFile(join(journalOf(), "runs", await lastRun(), file), "utf8");
    expect(JSON.parse(input)).toEqual({ KeyId: key.arn, PolicyName: "default", Policy: policyOf(key) });
    const [, plain = ""] = /The policy, to read: (\S+)/.exec(text) ?? [];
    const restored = await readFile(join(journalOf(), "runs", await lastRun(), plain), "utf8");
    expect(restored).toBe(policyOf(key));
  });

  it("send nothing in a dry run, and say what they would do", async () => {
    const key = keyLine(openPolicy("dry"), [foreign]);
    const sandbox = await sandboxWith([key]);
    const plan = await planFile([changeOf(key, closedPolicy("dry"), [foreign.GrantId])]);
    const result = await keyward([
      "apply",
      plan,
      "--dry-run",
      "--journal",
      journalOf(),
      "--endpoint-url",
      sandbox.url,
    ]);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(`would change: ${key.arn}`);
    expect(result.stdout).toMatch(/^ {2}-.*"World"/m);
    expect(calls(sandbox, "kms:PutKeyPolicy") + calls(sandbox, "kms:RevokeGrant")).toBe(0);
    expect(calls(sandbox, "kms:GetKeyPolicy")).toBe(1);
    expect(existsSync(journalOf())).toBe(false);
    expect(live(sandbox, key.arn).policy).toBe(policyOf(key));
  });

  it(holds(["drift-is-left"], "policy or grants changed since the plan was made"), async () => {
    const [changed, regranted, same] = [1, 2, 3].map((i) => keyLine(openPolicy(`k${i}`), [foreign])) as [
      KeyLine,
      KeyLine,
      KeyLine,
    ];
    const plan = await planFile([changed, regranted, same].map((k) => changeOf(k, closedPolicy("new"))));
    const sandbox = await sandboxWith([
      { ...changed, policy: { kind: "present", text: `${policyOf(changed)} ` } },
      { ...regranted, grants: { kind: "present", items: [{ ...foreign, Operations: ["Decrypt"] }] } },
      same,
    ]);
    const result = await apply(sandbox, plan);
    expect(result.code).toBe(4);
    expect(result.stdout).toContain(`drift: ${changed.arn}: Its policy is neither`);
    expect(result.stdout).toContain(`drift: ${regranted.arn}: Its grants are not`);
    expect(live(sandbox, changed.arn).policy).toBe(`${policyOf(changed)} `);
    expect(live(sandbox, regranted.arn).policy).toBe(policyOf(regranted));
    expect(live(sandbox, same.arn).policy).toBe(closedPolicy("new"));
    expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(1);
  });

  it("find nothing to do where a plan was carried out before, grants included", async () => {
    const own: Grant = {
      ...foreign,
      GrantId: "0".repeat(64),
      GranteePrincipal: `arn:aws:iam::${OWNER}:role/App`,
    };
    const keys = [keyLine(openPolicy("a"), [foreign, own]), keyLine(openPolicy("b"))];
    const [granted, plain] = keys as [KeyLine, KeyLine];
    const sandbox = await sandboxWith(keys);
    const plan = await planFile([
      changeOf(granted, closedPolicy("a"), [foreign.GrantId]),
      changeOf(plain, closedPolicy("b")),
    ]);
    expect((await apply(sandbox, plan)).code).toBe(0);
    const writes = (): number => calls(sandbox, "kms:PutKeyPolicy") + calls(sandbox, "kms:RevokeGrant");
    const before = writes();
    const again = await apply(sandbox, plan);
    expect(again.stdout).toContain(`nothing-to-do: ${granted.arn}: It is so already.`);
    expect(again.stdout).toContain("0 changed, 2 had nothing to do.");
    expect(again.code).toBe(0);
    expect(writes()).toBe(before);
  });

  it("do not call a key done that was opened in another way since", async () => {
    const key = keyLine(openPolicy("a"), [foreign]);
    const plan = await planFile([changeOf(key, closedPolicy("a"), [foreign.GrantId])]);
    const other = { ...foreign, GrantId: "e".repeat(64) };
    const sandbox = await sandboxWith([
      {
        ...key,
        policy: { kind: "present", text: closedPolicy("a") },
        grants: { kind: "present", items: [other] },
      },
    ]);
    const result = await apply(sandbox, plan);
    expect(result.code).toBe(1);
    expect(result.stdout).toContain("the key is external (exposed) all the same");
    expect(live(sandbox, key.arn).grants).toHaveLength(1);
  });

  it("never open a key further, whatever a plan says that was edited by hand", async () => {
    const closed = keyLine(closedPolicy("a"));
    const sandbox = await sandboxWith([closed]);
    const result = await apply(sandbox, await planFile([changeOf(closed, openPolicy("a"))]));
    expect(result.code).toBe(4);
    expect(result.stdout).toContain("would make the key public; it is none now");
    expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(0);
  });

  const allow = (principal: unknown, action: string): string =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: principal, Action: action, Resource: "*" }],
    });
  const root = { AWS: `arn:aws:iam::${OWNER}:root` };
  it.each<[string, string]>([
    ["nobody may change the policy", allow(root, "kms:Decrypt")],
    ["only another account may", allow({ AWS: "arn:aws:iam::444455556666:root" }, "kms:*")],
    ["only a service may", allow({ Service: "ec2.amazonaws.com" }, "kms:*")],
    [
      "everybody is denied",
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: root, Action: "kms:*", Resource: "*" },
          { Effect: "Deny", Principal: "*", Action: "kms:Put*", Resource: "*" },
        ],
      }),
    ],
    [
      "the statement is for another key",
      allow(root, "kms:*").replace(
        '"Resource":"*"',
        '"Resource":"arn:aws:kms:us-east-1:111122223333:key/other"',
      ),
    ],
  ])(
    `${holds(["repair-keeps-manager"], "plans that leave nobody are refused by apply")}: %s`,
    async (_what, policy) => {
      const key = keyLine(openPolicy("manager"));
      const sandbox = await sandboxWith([key]);
      const result = await apply(sandbox, await planFile([changeOf(key, policy)]), ["--keep-going"]);
      expect(result.code).toBe(4);
      expect(result.stdout).toContain("No flag permits this.");
      expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(0);
    },
  );

  it("need a person or --yes with a bound, and keep the bound", async () => {
    const keys = [keyLine(openPolicy("a")), keyLine(openPolicy("b"))];
    const sandbox = await sandboxWith(keys);
    const plan = await planFile(keys.map((k) => changeOf(k, closedPolicy("x"))));
    const nobody = await run(sandbox, ["apply", plan]);
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining("nobody is there to be asked")]);
    const unbound = await run(sandbox, ["apply", plan, "--yes"]);
    expect([unbound.code, unbound.stderr]).toEqual([2, expect.stringContaining("--max-keys")]);
    const tooMany = await run(sandbox, ["apply", plan, "--yes", "--max-keys", "1"]);
    expect([tooMany.code, tooMany.stderr]).toEqual([4, expect.stringContaining("2 keys would be changed")]);
    expect(sandbox.stats().requests).toBe(0);
  });
});

describe("faults while writing", () => {
  it.each<[string, readonly string[], number]>([
    ["an error after the policy was put", ["PutKeyPolicy=after-500#1"], 1],
    ["a connection cut after the policy was put", ["PutKeyPolicy=after-reset#1"], 1],
    ["half an answer", ["PutKeyPolicy=truncate#1"], 1],
    ["an error before the policy was put", ["PutKeyPolicy=500#1"], 2],
    ["a connection cut before", ["PutKeyPolicy=reset#1"], 2],
    ["throttling", ["PutKeyPolicy=throttle#3"], 4],
  ])("%s: found out by reading, and completed", async (_what, faults, puts) => {
    const key = keyLine(openPolicy("fault"));
    const sandbox = await sandboxWith([key], { faults });
    const result = await apply(sandbox, await planFile([changeOf(key, closedPolicy("fault"))]));
    expect(result.code).toBe(0);
    expect(live(sandbox, key.arn).policy).toBe(closedPolicy("fault"));
    expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(puts);
    await verified();
  });

  it("the same for grants", async () => {
    const key = keyLine(openPolicy("grant"), [foreign]);
    const sandbox = await sandboxWith([key], {
      faults: ["RevokeGrant=after-500#1", "CreateGrant=after-reset#1"],
    });
    const plan = await planFile([changeOf(key, closedPolicy("grant"), [foreign.GrantId])]);
    expect((await apply(sandbox, plan)).code).toBe(0);
    expect(live(sandbox, key.arn).grants).toEqual([]);
    expect((await rollback(sandbox, await lastRun())).code).toBe(0);
    expect(live(sandbox, key.arn).grants).toHaveLength(1);
    await verified();
  });

  it("a grant whose making was not answered is not made twice, although reads do not show it at once", async () => {
    const key = keyLine(openPolicy("grant"), [foreign]);
    const sandbox = await sandboxWith([key], { staleMs: 2500 });
    const plan = await planFile([changeOf(key, closedPolicy("grant"), [foreign.GrantId])]);
    expect((await apply(sandbox, plan)).code).toBe(0);
    sandbox.setFaults(["CreateGrant=after-reset#1"]);
    expect((await rollback(sandbox, await lastRun())).code).toBe(0);
    expect(calls(sandbox, "kms:CreateGrant")).toBe(1);
    expect(live(sandbox, key.arn).grants).toHaveLength(1);
  });

  it("stale reads are waited for", async () => {
    const key = keyLine(openPolicy("stale"));
    const sandbox = await sandboxWith([key], { staleMs: 1500 });
    const result = await apply(sandbox, await planFile([changeOf(key, closedPolicy("stale"))]));
    expect(result.code).toBe(0);
    expect(calls(sandbox, "kms:GetKeyPolicy")).toBeGreaterThan(2);
    expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(1);
  });

  it("a change that never becomes visible is a failure, and --resume ends it", async () => {
    const keys = [keyLine(openPolicy("slow")), keyLine(openPolicy("after"))] as const;
    const sandbox = await sandboxWith(keys, { faults: ["stale-600000"] });
    const plan = await planFile(keys.map((k) => changeOf(k, closedPolicy("x"))));
    const result = await keyward([
      "apply",
      plan,
      "--yes",
      "--max-keys",
      "9",
      "--journal",
      journalOf(),
      "--endpoint-url",
      sandbox.url,
      "--settle",
      "1",
    ]);
    expect(result.code).toBe(2);
    expect(result.stdout).toContain("reads still show the former state");
    // The second key was not begun.
    expect(live(sandbox, keys[1].arn).policy).toBe(policyOf(keys[1]));
    sandbox.setFaults([]);
    const resumed = await run(sandbox, ["apply", "--resume", await lastRun(), "--yes", "--max-keys", "9"]);
    expect(resumed.code).toBe(0);
    for (const k of keys) expect(live(sandbox, k.arn).policy).toBe(closedPolicy("x"));
    await verified();
  });

  it(holds(["drift-is-left"], "a policy changed right after the write, then a rollback"), async () => {
    const key = keyLine(openPolicy("meddle"));
    const sandbox = await sandboxWith([key], { faults: ["PutKeyPolicy=meddle#1"] });
    const result = await apply(sandbox, await planFile([changeOf(key, closedPolicy("meddle"))]));
    expect(result.code).toBe(2);
    expect(result.stdout).toContain("somebody else has changed the policy right after");
    expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(1);
    const after = live(sandbox, key.arn).policy;
    // And a rollback does not write over it either, unless told to.
    const back = await rollback(sandbox, await lastRun());
    expect(back.code).toBe(4);
    expect(live(sandbox, key.arn).policy).toBe(after);
    expect(
      (
        await rollback(sandbox, (await readdir(join(journalOf(), "runs"))).sort()[0] ?? "", [
          "--over-later-changes",
        ])
      ).code,
    ).toBe(0);
    expect(live(sandbox, key.arn).policy).toBe(policyOf(key));
  });

  it("a refusal stops the run before the next key, unless it is to go on", async () => {
    const keys = [keyLine(openPolicy("a")), keyLine(openPolicy("b"))] as const;
    const sandbox = await sandboxWith(keys, {
      faults: [`PutKeyPolicy=AccessDeniedException@${keys[0].arn}`],
    });
    const plan = await planFile(keys.map((k) => changeOf(k, closedPolicy("x"))));
    const stopped = await apply(sandbox, plan);
    expect(stopped.code).toBe(2);
    expect(stopped.stdout).toContain("AWS refused kms:PutKeyPolicy: AccessDeniedException");
    expect(stopped.stdout).toContain("1 not reached");
    expect(live(sandbox, keys[1].arn).policy).toBe(policyOf(keys[1]));
    const going = await apply(sandbox, plan, ["--keep-going"]);
    expect(going.code).toBe(2);
    expect(live(sandbox, keys[1].arn).policy).toBe(closedPolicy("x"));
  });

  it("a principal that was deleted before the rollback is named, and can be left out", async () => {
    const gone = `arn:aws:iam::${OWNER}:role/Gone`;
    const old = openPolicy("gone").replace('"Principal":"*"', `"Principal":{"AWS":["${gone}","*"]}`);
    const key = keyLine(old);
    const sandbox = await sandboxWith([key]);
    expect((await apply(sandbox, await planFile([changeOf(key, closedPolicy("gone"))]))).code).toBe(0);
    const first = await lastRun();
    sandbox.deletePrincipal(gone);
    const refused = await rollback(sandbox, first);
    expect(refused.code).toBe(2);
    expect(refused.stdout).toContain("MalformedPolicyDocumentException");
    expect(refused.stderr).toContain("--without ARN");
    const back = await rollback(sandbox, first, ["--without", gone]);
    expect(back.code).toBe(0);
    expect(live(sandbox, key.arn).policy).toBe(old.replace(`"${gone}",`, ""));
  });
});

describe("the journal", () => {
  it("refuses a second run while one is going on, and takes over from a dead one", async () => {
    const keys = [keyLine(openPolicy("a")), keyLine(openPolicy("b"))] as const;
    const sandbox = await sandboxWith(keys, { faults: ["PutKeyPolicy=slow-1500"] });
    const plan = await planFile(keys.map((k) => changeOf(k, closedPolicy("x"))));
    const first = apply(sandbox, plan);
    await expect.poll(() => existsSync(join(journalOf(), "lock")), { timeout: 10_000 }).toBe(true);
    const second = await apply(sandbox, plan);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain("another run of keyward is using this journal");
    expect((await first).code).toBe(0);
    expect(existsSync(join(journalOf(), "lock"))).toBe(false);
    // Process ids are below 2^22 on Linux: nobody has this one.
    const { hostname } = await import("node:os");
    await writeFile(
      join(journalOf(), "lock"),
      JSON.stringify({ pid: 2 ** 30, host: hostname(), started: "1", since: "2026-11-23T10:00:00Z" }),
    );
    expect((await rollback(sandbox, await lastRun())).code).toBe(0);
  });

  it("shows damage: a changed backup, a changed line, a missing line, and a torn one", async () => {
    const key = keyLine(openPolicy("damage"));
    const sandbox = await sandboxWith([key]);
    expect((await apply(sandbox, await planFile([changeOf(key, closedPolicy("damage"))]))).code).toBe(0);
    const id = await lastRun();
    const log = join(journalOf(), "runs", id, "log.ndjson");
    const backup = join(journalOf(), "objects", `sha256-${digest(policyOf(key))}`);
    const good = { log: await readFile(log), backup: await readFile(backup) };
    const verify = (): Promise<Outcome> => keyward(["journal", "verify", "--journal", journalOf()]);

    await writeFile(backup, `${policyOf(key)} `);
    expect(await verify()).toMatchObject({
      code: 2,
      stdout: expect.stringContaining("is not what its name says") as string,
    });
    // A damaged backup is not put on a key.
    expect((await rollback(sandbox, id)).code).toBe(2);
    expect(live(sandbox, key.arn).policy).toBe(closedPolicy("damage"));
    await rm(backup);
    expect((await verify()).stdout).toContain("is missing");
    await writeFile(backup, good.backup);

    await writeFile(log, good.log.toString().replace('"how":"answered"', '"how":"already"'));
    expect((await verify()).stdout).toContain("its checksum is wrong");
    const lines = good.log.toString().split("\n");
    await writeFile(log, [...lines.slice(0, 2), ...lines.slice(3)].join("\n"));
    expect((await verify()).stdout).toContain("it does not follow the line before");
    await writeFile(log, good.log.subarray(0, good.log.length - 20));
    const torn = await verify();
    expect(torn.code).toBe(0);
    expect(torn.stdout).toContain("the last line was cut off");
    await writeFile(log, good.log);
    expect((await verify()).stdout).toContain("all unharmed");
    expect((await rollback(sandbox, id)).code).toBe(0);
  });

  it("says of a run that was stopped that it was, and no more so when it has been gone on with", async () => {
    const keys = [keyLine(openPolicy("one")), keyLine(openPolicy("two"))] as const;
    const sandbox = await sandboxWith(keys, { faults: ["PutKeyPolicy=KMSInvalidStateException#1"] });
    const plan = await planFile(keys.map((k) => changeOf(k, closedPolicy("x"))));
    expect((await apply(sandbox, plan)).code).toBe(2);
    const list = ["journal", "list", "--journal", journalOf()];
    const verify = ["journal", "verify", "--journal", journalOf()];
    expect((await keyward(list)).stdout).toContain("(stopped before its end)");
    const id = await lastRun();
    expect((await keyward(verify)).stdout).toContain(
      `it was stopped before its end: keyward apply --resume ${id}`,
    );
    const resumed = await run(sandbox, ["apply", "--resume", id, "--yes", "--max-keys", "2"]);
    expect(resumed.code).toBe(0);
    expect((await keyward(list)).stdout).not.toContain("(");
    expect((await keyward(verify)).stdout).not.toContain("note:");
  });

  it("that is deleted while it is in use stops the run before anything more is sent", async () => {
    const keys = [keyLine(openPolicy("a")), keyLine(openPolicy("b"))];
    const sandbox = await sandboxWith(keys, { faults: ["PutKeyPolicy=slow-1000"] });
    const going = apply(sandbox, await planFile(keys.map((k) => changeOf(k, closedPolicy("x")))));
    await expect.poll(() => calls(sandbox, "kms:PutKeyPolicy"), { timeout: 10_000 }).toBe(1);
    await rm(journalOf(), { recursive: true });
    const result = await going;
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("the journal cannot be used, so nothing (more) is sent to AWS");
    expect(calls(sandbox, "kms:PutKeyPolicy")).toBe(1);
  });

  it("shows a log whose end is missing, and neither rolls back nor goes on by it", async () => {
    const keys = ["a", "b", "c"].map((n) => keyLine(openPolicy(n)));
    const sandbox = await sandboxWith(keys);
    const plan = await planFile(keys.map((k, i) => changeOf(k, closedPolicy(`x${i}`))));
    expect((await apply(sandbox, plan)).code).toBe(0);
    const id = await lastRun();
    const log = join(journalOf(), "runs", id, "log.ndjson");
    const good = await readFile(log, "utf8");
    const [begin = ""] = good.split("\n");
    for (const cut of ["", `${begin}\n`]) {
      await writeFile(log, cut);
      const check = await keyward(["journal", "verify", "--journal", journalOf()]);
      expect(check.code).toBe(2);
      expect(check.stdout).toContain("RESTORE.md has 3 keys of which its log says nothing");
      for (const args of [
        ["rollback", id],
        ["apply", "--resume", id],
      ]) {
        const refused = await run(sandbox, [...args, "--yes", "--max-keys", "9"]);
        expect([refused.code, refused.stderr]).toEqual([
          2,
          expect.stringContaining("the journal is damaged"),
        ]);
      }
    }
    await writeFile(log, good);
    expect((await rollback(sandbox, id)).code).toBe(0);
    for (const k of keys) expect(live(sandbox, k.arn).policy).toBe(policyOf(k));
  });

  it("lists runs with their backups", async () => {
    const key = keyLine(openPolicy("list"));
    const sandbox = await sandboxWith([key]);
    await apply(sandbox, await planFile([changeOf(key, closedPolicy("list"))]));
    const result = await keyward(["journal", "list", "--journal", journalOf()]);
    expect(result.stdout).toContain(`done  ${key.arn}`);
    expect(result.stdout).toContain(digest(policyOf(key)));
  });
});

describe("the questions", () => {
  it("do not let a change be overwritten that came while one was open", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    const plan = await planFile([changeOf(key, closedPolicy("a"))]);
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const going = keyward(["apply", plan, "--journal", journalOf(), "--endpoint-url", sandbox.url], {
      terminal: stdin,
    });
    await expect.poll(() => calls(sandbox, "kms:GetKeyPolicy"), { timeout: 10_000 }).toBe(1);
    await sleep(1_500);
    const theirs = `${openPolicy("a")} `;
    const kms = new KMSClient({ endpoint: sandbox.url, region: "us-east-1" });
    await kms.send(new PutKeyPolicyCommand({ KeyId: key.arn, Policy: theirs }));
    stdin.write("y\n");
    const result = await going;
    expect(result.stdout).toContain("Somebody has changed it while the question was open.");
    expect(result.code).toBe(4);
    expect(live(sandbox, key.arn).policy).toBe(theirs);
  });

  it("are asked key by key, and hostile text is inert", async () => {
    const keys = ["a", "b", "c"].map((n) => keyLine(openPolicy(n))) as [KeyLine, KeyLine, KeyLine];
    const hostile = closedPolicy("x\\u001b[2J").replace("x\\u001b", "x\u009b");
    const sandbox = await sandboxWith(keys);
    const plan = await planFile(keys.map((k) => changeOf(k, hostile)));
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    stdin.write("n\nperhaps\ny\nq\n");
    const result = await keyward(["apply", plan, "--journal", journalOf(), "--endpoint-url", sandbox.url], {
      terminal: stdin,
    });
    expect(result.code).toBe(3);
    expect(result.stdout).not.toContain("\u009b");
    expect(result.stdout).toContain("\\u{9b}");
    expect(live(sandbox, keys[0].arn).policy).toBe(policyOf(keys[0]));
    expect(live(sandbox, keys[1].arn).policy).toBe(hostile);
    expect(live(sandbox, keys[2].arn).policy).toBe(policyOf(keys[2]));
  });
});
