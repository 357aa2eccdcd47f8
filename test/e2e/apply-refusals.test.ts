import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Grant } from "../../src/domain/grant.js";
import type { KeyChange } from "../../src/repair/plan-file.js";
import { planText } from "../../src/repair/plan-text.js";
import { grantsDigest } from "../../src/repair/digest.js";
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
import { holds } from "../guarantees/guarantee.js";

/**
 * Every sentence with which apply and rollback refuse or give up, brought about for real: the built program, the real SDK,
 * a sandbox over HTTP. Each says what, where, what was expected and found where that can be said, and the next step.
 */

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const STRANGER = "444455556666";
const UNASKED = ["--yes", "--max-keys", "9", "--settle", "1"];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-refusals-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function sandboxWith(keys: readonly KeyLine[], faults: readonly string[] = []): Promise<Sandbox> {
  const bugs: unknown[] = [];
  const sandbox = await startSandbox({ snapshot: estate(keys), faults, onBug: (bug) => bugs.push(bug) });
  onTestFinished(async () => {
    await sandbox.close();
    expect(bugs).toEqual([]);
  });
  return sandbox;
}

async function planFile(changes: readonly KeyChange[]): Promise<void> {
  await writeFile(join(folder, "plan.yaml"), planText(planOf(changes), "yaml"));
}

const environment = (account = OWNER): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: `AKIA${account}`,
  AWS_SECRET_ACCESS_KEY: "any",
  AWS_REGION: "us-east-1",
});

function keyward(sandbox: Sandbox, args: readonly string[], account = OWNER): Promise<CliResult> {
  return startCli([...args, "--endpoint-url", sandbox.url], folder, environment(account)).done;
}
const apply = (sandbox: Sandbox, ...more: readonly string[]): Promise<CliResult> =>
  keyward(sandbox, ["apply", "plan.yaml", ...UNASKED, ...more]);
const journal = (): string => join(folder, ".keyward", "journal");
async function lastRun(): Promise<string> {
  return (await readdir(join(journal(), "runs"))).sort().at(-1) ?? "";
}

function puts(sandbox: Sandbox): number {
  return sandbox.stats().operations["kms:PutKeyPolicy"]?.requests ?? 0;
}
function livePolicy(sandbox: Sandbox, key: KeyLine): string {
  const line = [...sandbox.snapshot()].find((l) => l.type === "key" && l.arn === key.arn);
  return line?.type === "key" ? policyOf(line) : "";
}
/** The line that tells what became of a key. */
function lineOf({ stdout }: CliResult, key: KeyLine): string {
  return stdout.split("\n").find((l) => /^[a-z-]+: arn:/.test(l) && l.includes(key.arn)) ?? "";
}
/** No stack trace, whatever went wrong. */
function calm({ stdout, stderr }: CliResult): void {
  expect(stdout + stderr).not.toMatch(/\n\s+at .*\.(js|ts):\d/);
}

const foreign: Grant = {
  GrantId: "f".repeat(64),
  GranteePrincipal: `arn:aws:iam::${STRANGER}:role/Partner`,
  Operations: ["Decrypt"],
};

describe("a key that is not as the plan expects", () => {
  it("drift of the policy: both digests", async () => {
    const key = keyLine(openPolicy("a"));
    const now = `${policyOf(key)} `;
    const sandbox = await sandboxWith([{ ...key, policy: { kind: "present", text: now } }]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const result = await apply(sandbox);
    expect(result.code).toBe(4);
    const line = lineOf(result, key);
    expect(line).toContain(
      `drift: ${key.arn}: Its policy is neither the one that was looked at nor the new one`,
    );
    expect(line).toContain(`expected SHA-256 ${digest(policyOf(key))}, got ${digest(now)}`);
    expect(line).toContain("make a new plan");
    expect(puts(sandbox)).toBe(0);
  });

  it("drift of the grants: both digests", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([{ ...key, grants: { kind: "present", items: [foreign] } }]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const result = await apply(sandbox);
    expect(result.code).toBe(4);
    const line = lineOf(result, key);
    expect(line).toContain("Its grants are not those that were looked at");
    expect(line).toContain(`expected digest ${grantsDigest([])}, got ${grantsDigest([foreign])}`);
    expect(line).toContain("make a new plan");
    expect(puts(sandbox)).toBe(0);
  });

  it("one that was deleted", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([keyLine(openPolicy("another"))]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const result = await apply(sandbox);
    expect(result.code).toBe(2);
    expect(lineOf(result, key)).toMatch(
      /^failed: \S+: Nothing was written\. kms:\w+: NotFoundException: .*Next: the key \(or the grant\) is not there: it was deleted, or it is in another Region\. Scan again/,
    );
  });

  it("one of another account than the credentials'", async () => {
    const key = keyLine(closedPolicy("a"));
    const sandbox = await sandboxWith([key]);
    await planFile([changeOf(key, closedPolicy("b"))]);
    const result = await keyward(sandbox, ["apply", "plan.yaml", ...UNASKED], STRANGER);
    expect(result.code).toBe(2);
    const line = lineOf(result, key);
    expect(line).toMatch(/^failed: \S+: Nothing was written\. kms:\w+: AccessDeniedException: /);
    expect(line).toMatch(
      /Next: permit kms:\w+ on this key to the caller .*credentials of that account \(--profile, --role\)/,
    );
    expect(livePolicy(sandbox, key)).toBe(closedPolicy("a"));
  });

  it("one in an account where the role cannot be assumed", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["sts:AssumeRole=AccessDenied"]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const result = await apply(sandbox, "--role", "Keeper");
    expect(result.code).toBe(2);
    expect(lineOf(result, key)).toMatch(
      new RegExp(
        `The role Keeper cannot be assumed in account ${OWNER}: AccessDenied: .*Next: Create the role`,
      ),
    );
  });

  it("one without a manager afterwards", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    const nobody = closedPolicy("a").replace('"kms:*"', '"kms:Decrypt"');
    await planFile([changeOf(key, nobody)]);
    const result = await apply(sandbox);
    expect(result.code).toBe(4);
    const line = lineOf(result, key);
    expect(line).toContain("refused:");
    expect(line).toContain("No flag permits this.");
    expect(line).toContain("Next: keep a statement for the account's root user or an administrator");
    expect(puts(sandbox)).toBe(0);
  });
});

describe("what AWS refuses", () => {
  it.each([
    ["AccessDeniedException", "Next: permit kms:PutKeyPolicy on this key to the caller"],
    ["MalformedPolicyDocumentException", "Next: somebody whom the policy names does not exist (any more)"],
    ["LimitExceededException", "Next: a quota of KMS is reached"],
    ["KMSInvalidStateException", "Next: the state of the key does not permit this"],
    ["NotFoundException", "Next: the key (or the grant) is not there"],
    ["ExpiredTokenException", "Next: Sign in again"],
    ["UnsupportedOperationException", "Next: look the code up in the KMS API reference"],
  ])("PutKeyPolicy: %s", async (code, next) => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], [`PutKeyPolicy=${code}`]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const result = await apply(sandbox);
    calm(result);
    expect(result.code).toBe(2);
    const line = lineOf(result, key);
    expect(line).toContain(`AWS refused kms:PutKeyPolicy: ${code}: `);
    expect(line).toContain(next);
    expect(result.stderr).toMatch(/Go on with: keyward apply --resume \S+\nUndo with: keyward rollback \S+/);
    // Credentials that have expired are loaded anew, once.
    expect(puts(sandbox)).toBe(code === "ExpiredTokenException" ? 2 : 1);
    expect(livePolicy(sandbox, key)).toBe(policyOf(key));
  });

  it("a policy that names somebody who is gone, as the sandbox's KMS refuses it", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    const gone = `arn:aws:iam::${OWNER}:role/Gone`;
    sandbox.deletePrincipal(gone);
    const named = closedPolicy("a").replace(
      `"arn:aws:iam::${OWNER}:root"`,
      `["arn:aws:iam::${OWNER}:root","${gone}"]`,
    );
    await planFile([changeOf(key, named)]);
    const result = await apply(sandbox);
    expect(result.code).toBe(2);
    expect(lineOf(result, key)).toMatch(
      /MalformedPolicyDocumentException: .*Next: somebody whom the policy names/,
    );
  });

  it("RevokeGrant, and CreateGrant on the way back", async () => {
    const key = keyLine(openPolicy("a"), [foreign]);
    const sandbox = await sandboxWith([key], ["RevokeGrant=KMSInvalidStateException#1"]);
    await planFile([changeOf(key, null, [foreign.GrantId])]);
    const refused = await apply(sandbox);
    expect(lineOf(refused, key)).toContain("AWS refused kms:RevokeGrant: KMSInvalidStateException: ");
    expect((await keyward(sandbox, ["apply", "--resume", await lastRun(), ...UNASKED])).code).toBe(1);
    sandbox.setFaults(["CreateGrant=LimitExceededException"]);
    const back = await keyward(sandbox, ["rollback", await lastRun(), ...UNASKED]);
    expect(back.code).toBe(2);
    expect(lineOf(back, key)).toMatch(
      /AWS refused kms:CreateGrant: LimitExceededException: .*Next: the key has as many grants as KMS permits/,
    );
  });
});

describe("what got no clear answer", () => {
  it("four times over", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["PutKeyPolicy=500"]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const result = await apply(sandbox);
    expect(result.code).toBe(2);
    expect(lineOf(result, key)).toMatch(
      /kms:PutKeyPolicy got no clear answer 4 times \(\w+\), and the key still reads as before; a late change is possible\. Next: keyward apply --resume RUN/,
    );
  }, 30_000);

  it("and the key cannot be read", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["PutKeyPolicy=after-reset#1", "PutKeyPolicy=slow-500"]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const running = apply(sandbox);
    await expect.poll(() => puts(sandbox), { timeout: 10_000, interval: 5 }).toBe(1);
    // The connection is cut by these, where the machine is slow and those before did not come to it.
    sandbox.setFaults(["GetKeyPolicy=AccessDeniedException", "PutKeyPolicy=after-reset"]);
    const result = await running;
    expect(result.code).toBe(2);
    expect(lineOf(result, key)).toMatch(
      /got no clear answer \(\w+\), and the key cannot be read: it is not known whether it was done\. kms:GetKeyPolicy: AccessDeniedException: .*Next: permit kms:GetKeyPolicy/,
    );
    // --resume finds it out.
    sandbox.setFaults([]);
    const resumed = await keyward(sandbox, ["apply", "--resume", await lastRun(), ...UNASKED]);
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect(livePolicy(sandbox, key)).toBe(closedPolicy("a"));
  }, 30_000);

  it("written, and not to be read back", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["PutKeyPolicy=slow-500"]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const running = apply(sandbox);
    await expect.poll(() => puts(sandbox), { timeout: 10_000, interval: 5 }).toBe(1);
    sandbox.setFaults(["ListGrants=AccessDeniedException"]);
    expect(lineOf(await running, key)).toMatch(
      /The change was written, and cannot be read back\. kms:ListGrants: AccessDeniedException: .*Next: permit kms:ListGrants/,
    );
  });

  it("written, and never visible", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["stale-600000"]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const line = lineOf(await apply(sandbox), key);
    expect(line).toContain("AWS took the change, but reads still show the former state after 1 s.");
    expect(line).toContain("Next: keyward apply --resume RUN later, with a longer --settle.");
  });

  it("written, and overwritten by somebody else right after", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["PutKeyPolicy=meddle#1"]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    const line = lineOf(await apply(sandbox), key);
    expect(line).toContain(
      "somebody else has changed the policy right after: it is neither the old one nor the new one",
    );
    expect(line).toContain("Next: look at it (aws kms get-key-policy)");
  });
});

describe("a journal that cannot be used", () => {
  it(holds(["backup-first"], "no room for a backup: nothing is sent"), async () => {
    const big = openPolicy("a").replace('"Id": "a"', `"Id": "${"x".repeat(20_000)}"`);
    const key = keyLine(big);
    const sandbox = await sandboxWith([key]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    // A limit on the size of files: what goes beyond it fails as on a full disk.
    const args = [MAIN, "apply", "plan.yaml", ...UNASKED, "--endpoint-url", sandbox.url];
    const child = spawn("bash", ["-c", 'ulimit -f 8; exec "$0" "$@"', process.execPath, ...args], {
      cwd: folder,
      env: { PATH: process.env["PATH"], ...environment(), AWS_EC2_METADATA_DISABLED: "true" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(
      /objects\/sha256-\w+: the journal cannot be used, so nothing \(more\) is sent to AWS\n {2}got: {6}.*(EFBIG|ENOSPC)/,
    );
    expect(stderr).toContain("next:     make room or rights for it, or name another folder with --journal");
    expect(puts(sandbox)).toBe(0);
    const resumed = await keyward(sandbox, ["apply", "--resume", await lastRun(), ...UNASKED]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(livePolicy(sandbox, key)).toBe(closedPolicy("a"));
  });

  it("a file where its folder should be", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    await writeFile(join(folder, "taken"), "");
    const result = await apply(sandbox, "--journal", "taken/journal");
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /taken\/journal.*: the journal cannot be used, so nothing \(more\) is sent to AWS\n {2}got: {6}ENOTDIR/,
    );
    expect(result.stderr).toContain("name another folder with --journal");
    expect(puts(sandbox)).toBe(0);
  });

  it.skipIf(process.getuid?.() === 0)("no rights", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    await chmod(folder, 0o500);
    onTestFinished(() => chmod(folder, 0o700));
    const result = await apply(sandbox);
    expect([result.code, result.stderr]).toEqual([2, expect.stringMatching(/EACCES/)]);
    expect(puts(sandbox)).toBe(0);
  });

  it("held by another run: whose, since when, and what to do", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    await planFile([changeOf(key, closedPolicy("a"))]);
    expect((await apply(sandbox)).code).toBe(0);
    const holder = { pid: process.pid, host: hostname(), started: null, since: "2026-11-25T10:00:00.000Z" };
    await writeFile(join(journal(), "lock"), JSON.stringify(holder));
    const second = await keyward(sandbox, ["rollback", await lastRun(), ...UNASKED]);
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/lock: another run of keyward is using this journal/);
    expect(second.stderr).toContain(
      `got:      process ${process.pid} on ${hostname()}, since 2026-11-25T10:00:00.000Z`,
    );
    expect(second.stderr).toContain("next:     wait until it has ended");
    await writeFile(join(journal(), "lock"), JSON.stringify({ ...holder, pid: 1, host: "elsewhere" }));
    const remote = await keyward(sandbox, ["rollback", await lastRun(), ...UNASKED]);
    expect(remote.stderr).toContain("on elsewhere");
    expect(remote.stderr).toContain("delete the lock file");
    expect(puts(sandbox)).toBe(1);
  });

  describe("that was harmed", () => {
    let key: KeyLine;
    let sandbox: Sandbox;
    let log: string;
    let run: string;
    beforeEach(async () => {
      key = keyLine(openPolicy("a"));
      sandbox = await sandboxWith([key]);
      await planFile([changeOf(key, closedPolicy("a"))]);
      expect((await apply(sandbox)).code).toBe(0);
      run = await lastRun();
      log = join(journal(), "runs", run, "log.ndjson");
    });
    const backup = (): string => join(journal(), "objects", `sha256-${digest(policyOf(key))}`);
    const back = (): Promise<CliResult> => keyward(sandbox, ["rollback", run, ...UNASKED]);

    it.each<[string, () => Promise<unknown>, RegExp]>([
      [
        "an edited backup",
        () => appendFile(backup(), "{}"),
        /sha256-\w+: the journal is damaged\n {2}got: {6}its content has the SHA-256 \w{64}/,
      ],
      [
        "a missing backup",
        () => rm(backup()),
        /sha256-\w+: the journal is damaged\n {2}got: {6}it is missing/,
      ],
      [
        "a log without its first line",
        async () => writeFile(log, (await readFile(log, "utf8")).replace(/^.*\n/, "")),
        /log\.ndjson: the journal is damaged/,
      ],
    ])("%s is not used", async (_what, harm, words) => {
      await harm();
      const result = await back();
      calm(result);
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(words);
      expect(result.stderr).toContain(
        "next:     take the file from a copy of the journal; keyward journal verify lists everything",
      );
      expect(livePolicy(sandbox, key)).toBe(closedPolicy("a"));
    });

    it("an edited log is not gone on with", async () => {
      await writeFile(log, (await readFile(log, "utf8")).replace('"outcome":"done"', '"outcome":"failed"'));
      const result = await keyward(sandbox, ["apply", "--resume", run, ...UNASKED]);
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/log\.ndjson: the journal is damaged\n {2}got: .*checksum/);
    });

    it("a log without a whole line: the run had not begun", async () => {
      await writeFile(log, (await readFile(log, "utf8")).slice(0, 40));
      const result = await keyward(sandbox, ["apply", "--resume", run, ...UNASKED]);
      expect(result.code).toBe(2);
      expect(result.stderr).toContain("this run was stopped before it began: it has written nothing");
      expect(result.stderr).toContain("next:     start it anew");
    });

    it.each<[readonly string[], RegExp]>([
      [
        ["rollback", "20260101T000000000Z-abcdef"],
        /the journal has no such run\n {2}got: {6}20260101T000000000Z-abcdef\n {2}next: {5}keyward journal list/,
      ],
      [["rollback", "../../etc"], /the journal has no such run\n {2}got: {6}\.\.\/\.\.\/etc/],
      [
        ["rollback"],
        /keyward rollback: something to undo is needed\n {2}expected: keyward rollback RUN, or --key ARN\n {2}next: /,
      ],
      [
        ["rollback", "--key", `arn:aws:kms:us-east-1:${OWNER}:key/never`],
        /the journal knows of no change to undo\n {2}next: {5}keyward journal list/,
      ],
      [["apply"], /keyward apply: one thing to carry out is needed\n {2}expected: .*\n {2}next: /],
      [
        ["apply", "plan.yaml", "--key", `arn:aws:kms:us-east-1:${OWNER}:key/never`],
        /plan\.yaml: the plan changes no such key\n {2}got: .*key\/never\n {2}next: /,
      ],
      [
        ["apply", "missing.yaml"],
        /missing\.yaml: the plan cannot be read\n {2}got: .*ENOENT.*\n {2}next: {5}write one with keyward plan/,
      ],
      [
        ["rollback", "--from", "config", "--yes", "--max-keys", "1"],
        /--key: it has to be said which keys\n {2}expected: .*\n {2}got: {6}no --key\n {2}next: /,
      ],
      [
        [
          "rollback",
          "20260101T000000000Z-abcdef",
          "--from",
          "config",
          "--key",
          `arn:aws:kms:us-east-1:${OWNER}:key/k`,
        ],
        /two answers to where the former policy is\n {2}expected: .*\n {2}next: /,
      ],
      [
        ["rollback", "--policy", "nowhere.json", "--key", `arn:aws:kms:us-east-1:${OWNER}:key/k`],
        /nowhere\.json: the policy cannot be read\n {2}got: .*\n {2}next: /,
      ],
    ])("%j says what is wrong, and what to do", async (args, words) => {
      const result = await keyward(sandbox, [...args, ...UNASKED]);
      calm(result);
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(words);
      expect(puts(sandbox)).toBe(1);
    });
  });
});

describe("a way back that is not known", () => {
  const back = (sandbox: Sandbox, key: string, ...more: readonly string[]): Promise<CliResult> =>
    keyward(sandbox, ["rollback", "--key", key, ...more, ...UNASKED]);

  it("the event history may not be read", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key], ["cloudtrail:LookupEvents=AccessDeniedException"]);
    const result = await back(sandbox, key.arn, "--from", "cloudtrail");
    calm(result);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /us-east-1: the event history cannot be read\n {2}got: .*AccessDenied.*\n {2}next: {5}permit cloudtrail:LookupEvents, or name log files/,
    );
  });

  it("the evidence has no policy of the key", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    await writeFile(join(folder, "log.json"), '{"Records":[]}');
    const args = ["--from", "cloudtrail", "--cloudtrail", "log.json", "--at", "2026-11-01T00:00:00Z"];
    const result = await back(sandbox, key.arn, ...args);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(`${key.arn}: the evidence holds no former policy of this key`);
    expect(result.stderr).toMatch(
      /expected: a PutKeyPolicy, a CreateKey .* up to 2026-11-01T00:00:00Z\n {2}next: {5}name files that reach further back/,
    );
  });

  it("the key cannot be read", async () => {
    const sandbox = await sandboxWith([keyLine(openPolicy("another"))]);
    await writeFile(join(folder, "policy.json"), closedPolicy("a"));
    const key = `arn:aws:kms:us-east-1:${OWNER}:key/gone`;
    const result = await back(sandbox, key, "--policy", "policy.json");
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /key\/gone: the key cannot be read\n {2}got: {6}kms:\w+: NotFoundException: .*\n {2}next: {5}permit kms:GetKeyPolicy/,
    );
  });

  it("a deleted principal cannot be left out", async () => {
    const gone = `arn:aws:iam::${OWNER}:role/Gone`;
    const old = openPolicy("a").replace('"Principal":"*"', `"NotPrincipal":{"AWS":["${gone}"]}`);
    const key = keyLine(closedPolicy("a"));
    const sandbox = await sandboxWith([key]);
    await writeFile(join(folder, "policy.json"), old);
    const result = await back(sandbox, key.arn, "--policy", "policy.json", "--without", gone);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /the old policy cannot be put back without the deleted principals\n {2}got: .*NotPrincipal.*\n {2}next: {5}write the policy by hand/,
    );
    expect(puts(sandbox)).toBe(0);
  });

  it("a run did nothing to the key", async () => {
    const keys = [keyLine(openPolicy("a")), keyLine(openPolicy("b"))] as const;
    const sandbox = await sandboxWith(keys);
    await planFile([changeOf(keys[0], closedPolicy("a"))]);
    expect((await apply(sandbox)).code).toBe(0);
    const result = await keyward(sandbox, ["rollback", await lastRun(), "--key", keys[1].arn, ...UNASKED]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /that run wrote nothing to this key\n {2}got: .*\n {2}next: {5}keyward journal list/,
    );
  });
});

it("a plan that was edited by hand is refused", async () => {
  const key = keyLine(openPolicy("a"));
  const sandbox = await sandboxWith([key]);
  await planFile([changeOf(key, closedPolicy("a"))]);
  const path = join(folder, "plan.yaml");
  await writeFile(path, (await readFile(path, "utf8")).replace("kms:*", "kms:D*"));
  const result = await apply(sandbox);
  expect(result.code).toBe(2);
  expect(result.stderr).toMatch(/plan\.yaml[^\n]*: /);
  expect(result.stderr).toMatch(/expected: .*\n {2}got: /);
  expect(result.stderr).toContain("next:     do not edit plans by hand");
  expect(puts(sandbox)).toBe(0);
});
