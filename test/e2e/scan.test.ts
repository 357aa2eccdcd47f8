import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Sandbox, SandboxOptions } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { KeyLine, SnapshotLine } from "../../src/snapshot/lines.js";
import { readSnapshot } from "../../src/snapshot/read.js";
import { snapshotHeader } from "../../src/snapshot/write.js";
import type { CliResult, RunningCli } from "../cli.js";
import { setApart } from "../disabled-regions.js";
import { startCli } from "../cli.js";
import type { PlannedKey, Report } from "../scan-estate.js";
import { CONFIG, plannedKeys, verdictsFor } from "../scan-estate.js";

const ACCOUNT = "111122223333";
const AUDITOR = `arn:aws:iam::${ACCOUNT}:user/auditor`;
const ACCESS_KEY = "AKIAAUDITOR000000001";
const HEADER = snapshotHeader(1_800_000_000_000, "test");

interface Made extends PlannedKey {
  readonly arn: string;
  readonly line: KeyLine;
}

function make(planned: PlannedKey, more: Partial<KeyLine> = {}): Made {
  const id = randomUUID();
  const arn = `arn:aws:kms:${planned.region}:${ACCOUNT}:key/${id}`;
  const line: KeyLine = {
    type: "key",
    arn,
    manager: "CUSTOMER",
    state: planned.state ?? "Enabled",
    aliases: [`alias/${planned.kind}-${id}`],
    policy: { kind: "present", text: planned.policy },
    grants: { kind: "present", items: planned.grants.map((g) => ({ ...g, GrantId: randomUUID() })) },
    ...more,
  };
  return { ...planned, arn, line };
}

/** The key with a statement that denies the auditor one call, and what can be said of it then. */
function denying(planned: PlannedKey, action: string, intent: PlannedKey["intent"]): Made {
  const policy = JSON.parse(planned.policy) as { Statement: unknown[] };
  policy.Statement.push({ Effect: "Deny", Principal: { AWS: AUDITOR }, Action: action, Resource: "*" });
  return make({ ...planned, policy: JSON.stringify(policy), intent });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-scan-"));
  await writeFile(join(folder, "keyward.yaml"), CONFIG);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function sandboxWith(keys: readonly Made[], options: SandboxOptions = {}): Promise<Sandbox> {
  const bugs: unknown[] = [];
  const sandbox = await startSandbox({
    snapshot: [HEADER, ...keys.map((k) => k.line)],
    callers: { [ACCESS_KEY]: { arn: AUDITOR } },
    onBug: (bug) => bugs.push(bug),
    ...options,
  });
  onTestFinished(async () => {
    await sandbox.close();
    expect(bugs).toEqual([]);
  });
  return sandbox;
}

function startScan(sandbox: Sandbox, ...args: readonly string[]): RunningCli {
  return startCli(["scan", "--endpoint-url", sandbox.url, "--format", "json", ...args], folder, {
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_REGION: "us-east-1",
  });
}

function reportOf(result: CliResult): Report & { readonly disabled: Report["incomplete"] } {
  if (result.stdout === "") throw new Error(`no report; stderr: ${result.stderr}`);
  return setApart(JSON.parse(result.stdout) as Report);
}

function withoutTime(name: string, value: unknown): unknown {
  return name === "aws:CurrentTime" || name === "aws:EpochTime" ? undefined : value;
}

async function linesOf(name: string): Promise<SnapshotLine[]> {
  const lines: SnapshotLine[] = [];
  for await (const line of readSnapshot(createReadStream(join(folder, name)), name)) lines.push(line);
  return lines;
}

/** Every key once, and each as it was meant. */
function expectIntent(report: Report, keys: readonly Made[]): void {
  const meant = new Map(keys.map((k) => [k.arn, k]));
  expect(report.keys.map((k) => k.arn).sort()).toEqual([...meant.keys()].sort());
  const wrong = report.keys.flatMap(({ arn, exposure, verdict }) => {
    const key = meant.get(arn);
    const right = key !== undefined && exposure === key.intent && verdictsFor(key.intent).includes(verdict);
    return right ? [] : [{ kind: key?.kind, intent: key?.intent, exposure, verdict }];
  });
  expect(wrong).toEqual([]);
}

/** The policy of `aws/ebs` as AWS writes it. */
const EBS = JSON.stringify(
  {
    Version: "2012-10-17",
    Id: "auto-ebs-2",
    Statement: [
      {
        Sid: "Allow access through EBS for all principals in the account that are authorized to use EBS",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncrypt*",
          "kms:GenerateDataKey*",
          "kms:CreateGrant",
          "kms:DescribeKey",
        ],
        Resource: "*",
        Condition: {
          StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": "ec2.us-east-1.amazonaws.com" },
        },
      },
      {
        Sid: "Allow direct access to key metadata to the account",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Action: ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        Resource: "*",
      },
    ],
  },
  undefined,
  2,
);

const plain = (count: number): PlannedKey[] =>
  plannedKeys(ACCOUNT, count).map((k) => ({
    ...k,
    kind: "default",
    state: undefined,
    grants: [],
    intent: "none",
    policy: plannedKeys(ACCOUNT, 1)[0]?.policy ?? "",
  }));

const [first] = plain(1);
if (first === undefined) throw new Error("no key");
const managed = make({ ...first, policy: EBS }, { manager: "AWS", aliases: ["alias/aws/ebs"] });

describe("300 keys over three Regions", () => {
  const readable = plannedKeys(ACCOUNT, 294).map((p) => make(p));
  const stranger = plannedKeys(ACCOUNT, 294).find((k) => k.kind === "account-of-a-stranger");
  if (stranger === undefined) throw new Error("no such kind");
  const denied = [
    denying(first, "kms:GetKeyPolicy", "unknown"),
    denying(first, "kms:ListGrants", "unknown"),
    denying(first, "kms:DescribeKey", "none"),
    // What was read proves it, whatever stands in the rest.
    denying(stranger, "kms:ListGrants", "external"),
    denying(stranger, "kms:GetKeyPolicy", "unknown"),
    denying(stranger, "kms:DescribeKey", "external"),
  ];
  const keys = [...readable, ...denied];

  it("are judged as they were meant; what was denied is told; check says the same of the snapshot", async () => {
    const sandbox = await sandboxWith([...keys, managed]);
    const result = await startScan(sandbox, "--snapshot", "all.ndjson.gz", "--tags").done;
    const report = reportOf(result);
    expect(keys).toHaveLength(300);
    expectIntent(report, keys);
    expect(result.code).toBe(1);

    const gaps = report.incomplete.filter((i) => i.call !== "kms:DescribeKey");
    expect(gaps.map((i) => [i.where, i.call, i.code]).sort()).toEqual(
      denied
        .flatMap((k, i) => {
          const call = [
            "kms:GetKeyPolicy",
            "kms:ListGrants",
            undefined,
            "kms:ListGrants",
            "kms:GetKeyPolicy",
            undefined,
          ][i];
          return call === undefined ? [] : [[k.arn, call, "AccessDeniedException"]];
        })
        .sort(),
    );
    for (const gap of report.incomplete) expect(gap.help).toContain(`Permit ${gap.call}`);
    const described = report.incomplete.filter((i) => i.call === "kms:DescribeKey");
    const failed = described.map((i) => Number(/^Failed ([0-9]+) times?\./.exec(i.help)?.[1]));
    expect(failed.reduce((sum, n) => sum + n, 0)).toBe(2);
    expect(report.notes).toEqual(
      expect.arrayContaining([
        "Left out 1 key that AWS manages: nobody can change who uses them.",
        "Not enabled in the account, so not read: af-south-1. Keys that were made there before stay: enable the Region and scan again if there are any.",
      ]),
    );
    expect(report.disabled).toMatchObject([
      { where: "111122223333/af-south-1", call: "ec2:DescribeRegions", code: "RegionNotEnabled" },
    ]);
    expect(report.disabled[0]?.help).toContain("enable the Region and scan again");
    expect(result.stderr).toMatch(
      /^Scanned 300 keys in 4 Regions of account 111122223333: [\d,]+ calls, [\d.]+ s\.\nSnapshot: all\.ndjson\.gz\n$/,
    );
    // No more than was needed: for each key one call of each kind, and a page more for the long lists of grants.
    const calls = sandbox.stats().operations;
    expect(calls["kms:GetKeyPolicy"]?.requests).toBe(300);
    expect(calls["kms:DescribeKey"]?.requests).toBe(301);
    const long = readable.filter((k) => k.kind === "stranger-among-many-grants").length;
    expect(calls["kms:ListGrants"]?.requests).toBe(300 + long);

    const lines = await linesOf("all.ndjson.gz");
    const written = new Map(lines.flatMap((l) => (l.type === "key" ? [[l.arn, l] as const] : [])));
    for (const { arn, line } of readable) {
      expect(written.get(arn)?.policy).toEqual(line.policy);
      expect(written.get(arn)).toMatchObject({ state: line.state, aliases: line.aliases, tags: {} });
    }
    const checked = await startCli(["check", "all.ndjson.gz", "--format", "json"], folder).done;
    expect(checked.code).toBe(1);
    // But for the order of the keys, and the time at which the witnesses would call.
    const comparable = (r: Report): unknown =>
      JSON.parse(
        JSON.stringify(
          [...r.keys].sort((a, b) => (a.arn < b.arn ? -1 : 1)),
          withoutTime,
        ),
      );
    expect(comparable(reportOf(checked))).toEqual(comparable(report));
    expect(reportOf(checked).incomplete).toEqual(report.incomplete);
  });

  it("are judged the same by an auditor who has nothing but the three calls", async () => {
    const least = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: ["kms:ListKeys", "kms:GetKeyPolicy", "kms:ListGrants"], Resource: "*" },
      ],
    };
    const sandbox = await sandboxWith([...readable, managed], {
      callers: { [ACCESS_KEY]: { arn: AUDITOR, policies: [least] } },
      disabledRegions: ["af-south-1", "me-south-1"],
    });
    const result = await startScan(sandbox).done;
    const report = reportOf(result);
    // No verdict needs the others, but what was not read is told.
    expect(report.incomplete).toContainEqual({
      where: "111122223333",
      call: "iam:GetAccountAuthorizationDetails",
      code: "AccessDenied",
      help: "Permit iam:GetAccountAuthorizationDetails to the scanning principal, or leave IAM out with --no-iam.",
    });
    expect([...new Set(report.incomplete.map((i) => i.call))].sort()).toEqual([
      "ec2:DescribeRegions",
      "iam:GetAccountAuthorizationDetails",
      "kms:DescribeKey",
      "kms:ListAliases",
    ]);
    const failed = (call: string): number =>
      report.incomplete
        .filter((i) => i.call === call)
        .reduce((sum, i) => sum + Number(/^Failed ([0-9]+) times?\./.exec(i.help)?.[1]), 0);
    // Without its state a disabled key counts as if it could be used, which is what its policy says.
    expectIntent(
      report,
      readable.map((k) => (k.kind === "disabled-with-a-stranger" ? { ...k, intent: "external" } : k)),
    );
    expect(result.code).toBe(1);
    // Their policies let everybody, and so the auditor, describe them.
    const open = readable.filter((k) => k.kind === "public-in-text").length;
    expect(result.stderr).toContain("scanning the 34 Regions of aws that this version of keyward knows");
    expect(report.notes).toEqual(
      expect.arrayContaining([
        "Not enabled in the account, so not read: af-south-1, me-south-1. Keys that were made there before stay: enable the Region and scan again if there are any.",
        "Left out 1 key that AWS manages: nobody can change who uses them.",
      ]),
    );
    expect(failed("kms:DescribeKey")).toBe(294 - open);
    expect(failed("kms:ListAliases")).toBe(3);
  });

  it("are all read although AWS throttles, breaks connections and fails for a while", async () => {
    const sandbox = await sandboxWith(readable, {
      faults: ["ListGrants=throttle:0.03", "GetKeyPolicy=503:0.05", "*=reset:0.01"],
    });
    const result = await startScan(sandbox).done;
    const report = reportOf(result);
    expect(report.incomplete).toEqual([]);
    expect(result.stderr).toMatch(/^Scanned 294 keys [^\n]*\n$/);
    expectIntent(report, readable);
  });
});

describe("a scan that cannot see everything", () => {
  const keys = plain(60).map((p) => make(p));

  it("is clear where everything is, and incomplete where a Region cannot be listed", async () => {
    const whole = await startScan(await sandboxWith(keys)).done;
    expectIntent(reportOf(whole), keys);
    expect(whole.code).toBe(0);

    const sandbox = await sandboxWith(keys, {
      faults: [`ListKeys=AccessDeniedException@${ACCOUNT}/eu-west-1`],
    });
    const result = await startScan(sandbox).done;
    const report = reportOf(result);
    expectIntent(
      report,
      keys.filter((k) => k.region !== "eu-west-1"),
    );
    expect(report.incomplete).toMatchObject([
      { where: `${ACCOUNT}/eu-west-1`, call: "kms:ListKeys", code: "AccessDeniedException" },
    ]);
    expect(result.code).toBe(3);
  });

  it("scans only the Regions that are named", async () => {
    const sandbox = await sandboxWith(keys);
    const result = await startScan(sandbox, "--region", "eu-west-1", "--region", "us-east-1").done;
    const report = reportOf(result);
    expectIntent(
      report,
      keys.filter((k) => k.region !== "ap-southeast-2"),
    );
    expect(report.notes).toContain("Only these Regions were scanned: eu-west-1, us-east-1.");
    expect(sandbox.stats().operations["ec2:DescribeRegions"]).toBeUndefined();
  });

  it("stops at Ctrl-C, and accounts for every key that it did not see", async () => {
    let policies = 0;
    const scan: { running: RunningCli | undefined } = { running: undefined };
    const sandbox = await sandboxWith(keys, {
      latencyMs: 40,
      onRequest: ({ operation }) => {
        if (operation === "kms:GetKeyPolicy" && ++policies === 10) scan.running?.kill("SIGINT");
      },
    });
    scan.running = startScan(sandbox, "--concurrency", "1", "--snapshot", "part.ndjson");
    const result = await scan.running.done;
    const report = reportOf(result);
    expect(result.signal).toBeNull();
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/^Stopping\./);
    expect(report.notes).toContain("The scan was stopped before its end.");
    const clear = report.keys.filter((k) => k.verdict === "clear");
    expect(clear.length).toBeGreaterThanOrEqual(5);
    expect(clear.length).toBeLessThan(40);

    // Each key: judged, or named as not assessed, or in a Region that is named as not fully listed.
    const openRegions = new Set(
      report.incomplete.filter((i) => i.call === "kms:ListKeys").map((i) => i.where.split("/")[1]),
    );
    const inReport = new Map(report.keys.map((k) => [k.arn, k]));
    const gaps = new Set(report.incomplete.map((i) => i.where));
    for (const { arn, region } of keys) {
      const judged = inReport.get(arn);
      if (judged === undefined) expect(openRegions).toContain(region);
      else if (judged.verdict !== "clear") {
        expect(judged.verdict).toBe("not-assessed");
        expect(gaps).toContain(arn);
      }
    }
    expect(new Set(report.incomplete.map((i) => i.code))).toEqual(new Set(["Interrupted"]));
    expect((await linesOf("part.ndjson")).at(-1)).toMatchObject({ type: "coverage", interrupted: true });
  });

  it("stops between two pages of a key's grants, and tells what the first page shows", async () => {
    const grants = Array.from({ length: 150 }, (_, i) => ({
      GrantId: `${i}`.padStart(64, "0"),
      GranteePrincipal: `arn:aws:iam::${i < 3 ? "999988887777" : ACCOUNT}:role/R${i}`,
      Operations: ["Decrypt"],
    }));
    const [planned] = plannedKeys(ACCOUNT, 1);
    if (planned === undefined) throw new Error("no such kind");
    const key = make(planned, { grants: { kind: "present", items: grants } });
    let pages = 0;
    const scan: { running: RunningCli | undefined } = { running: undefined };
    const sandbox = await sandboxWith([key], {
      latencyMs: 1000,
      onRequest: ({ operation }) => {
        if (operation === "kms:ListGrants" && ++pages === 1) {
          // When the answer to the first page has arrived and the second is asked for.
          setTimeout(() => scan.running?.kill("SIGINT"), 1500);
        }
      },
    });
    scan.running = startScan(sandbox, "--region", "us-east-1", "--no-iam", "--snapshot", "grants.ndjson");
    const result = await scan.running.done;
    const report = reportOf(result);
    expect(result.code).toBe(1);
    expect(report.keys).toMatchObject([{ arn: key.arn, verdict: "exposed", exposure: "external" }]);
    expect(report.incomplete).toMatchObject([
      { where: key.arn, call: "kms:ListGrants", code: "Interrupted" },
    ]);
    const line = (await linesOf("grants.ndjson")).find((l) => l.type === "key");
    const read = line?.type === "key" && line.grants?.kind === "unreadable" ? line.grants.items : undefined;
    expect(read).toHaveLength(100);
  });

  it("that is killed leaves no file that looks whole", async () => {
    const sandbox = await sandboxWith(keys, { faults: ["GetKeyPolicy=hang"] });
    const running = startScan(sandbox, "--snapshot", "killed.ndjson");
    await expect
      .poll(() => sandbox.stats().operations["kms:GetKeyPolicy"]?.requests ?? 0, { timeout: 20_000 })
      .toBeGreaterThan(3);
    running.kill("SIGKILL");
    expect((await running.done).signal).toBe("SIGKILL");
    const left = (await readdir(folder)).filter((name) => name.startsWith("killed"));
    expect(left).not.toContain("killed.ndjson");
    expect(left).toHaveLength(1);
    expect(left[0]).toMatch(/^killed\.ndjson\.\d+\.partial$/);
  });
});

describe("a scan that cannot begin", () => {
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
    startCli(["scan", ...args], folder, env).done;
  const credentials = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: "any" };

  it("says where credentials come from", async () => {
    const result = await run([]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(
      /^no usable AWS credentials were found\n {2}got: .*\n {2}next: .*AWS_ACCESS_KEY_ID/,
    );
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect((await run(["--profile", "nope"])).stderr).toMatch(/^profile nope: no usable AWS credentials/);
  });

  it("says that AWS does not accept the credentials", async () => {
    const sandbox = await sandboxWith([], { onlyCallers: true });
    const result = await run(["--endpoint-url", sandbox.url], {
      ...credentials,
      AWS_ACCESS_KEY_ID: "AKIASOMEBODYELSE0001",
    });
    expect(result).toMatchObject({ code: 2 });
    expect(result.stderr).toMatch(/AWS does not accept the credentials\n {2}got: +InvalidClientTokenId/);
  });

  it("says that nothing answers", async () => {
    const result = await run(["--endpoint-url", "http://127.0.0.1:1", "--region", "eu-west-1"], credentials);
    expect(result).toMatchObject({ code: 2 });
    expect(result.stderr).toMatch(/AWS cannot be reached\n {2}got: +ECONNREFUSED[^]*next: .*--endpoint-url/);
  });

  it("says which flag is wrong, before any call", async () => {
    expect((await run(["--endpoint-url", "localhost:99"], credentials)).stderr).toMatch(
      /^--endpoint-url: the endpoint is no URL/,
    );
    expect((await run(["--region", "Europe"], credentials)).stderr).toMatch(/a Region such as eu-west-1/);
    expect((await run(["--snapshot", "no/such/file"], credentials)).stderr).toMatch(
      /create the directory first/,
    );
    expect((await run(["--config", "nope.yaml"], credentials)).stderr).toMatch(
      /^nope\.yaml: the configuration cannot be read/,
    );
  });
});
