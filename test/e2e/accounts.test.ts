import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Sandbox, SandboxOptions } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { KeyLine, OrganizationLine, SnapshotLine } from "../../src/snapshot/lines.js";
import { readSnapshot } from "../../src/snapshot/read.js";
import { snapshotHeader } from "../../src/snapshot/write.js";
import type { CliResult, RunningCli } from "../cli.js";
import { setApart } from "../disabled-regions.js";
import { startCli } from "../cli.js";
import type { PlannedKey, Report } from "../scan-estate.js";
import { CONFIG, plannedKeys, verdictsFor } from "../scan-estate.js";

const MANAGEMENT = "111122223333";
const LOGS = "222233334444";
const APP = "333344445555";
const CLOSED = "444455556666";
const AUDITOR = `arn:aws:iam::${MANAGEMENT}:user/auditor`;
const ACCESS_KEY = "AKIAAUDITOR000000001";
const HEADER = snapshotHeader(1_800_000_000_000, "test");
const ORGANIZATION: OrganizationLine = {
  type: "organization",
  id: "o-own1234567",
  managementAccountId: MANAGEMENT,
  accounts: [
    { id: MANAGEMENT, name: "management", path: "o-own1234567/r-ab12/", status: "ACTIVE" },
    { id: LOGS, name: "logs", path: "o-own1234567/r-ab12/ou-ab12-11111111/", status: "ACTIVE" },
    {
      id: APP,
      name: "app",
      path: "o-own1234567/r-ab12/ou-ab12-22222222/ou-ab12-33333333/",
      status: "ACTIVE",
      tags: { stage: "prod" },
    },
    { id: CLOSED, name: "old", path: "o-own1234567/r-ab12/", status: "SUSPENDED" },
  ],
};

interface Made extends PlannedKey {
  readonly account: string;
  readonly line: KeyLine;
}

function make(account: string, count: number): Made[] {
  return plannedKeys(account, count).map((planned) => ({
    ...planned,
    account,
    line: {
      type: "key",
      arn: `arn:aws:kms:${planned.region}:${account}:key/${randomUUID()}`,
      manager: "CUSTOMER",
      state: planned.state ?? "Enabled",
      aliases: [`alias/${planned.kind}-${randomUUID()}`],
      policy: { kind: "present", text: planned.policy },
      grants: { kind: "present", items: planned.grants.map((g) => ({ ...g, GrantId: randomUUID() })) },
    },
  }));
}

const open = [MANAGEMENT, LOGS, APP].flatMap((account) => make(account, 42));
const keys = [...open, ...make(CLOSED, 3)];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-accounts-"));
  await writeFile(join(folder, "keyward.yaml"), CONFIG);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function sandboxWith(options: SandboxOptions = {}): Promise<Sandbox> {
  const bugs: unknown[] = [];
  const sandbox = await startSandbox({
    snapshot: [HEADER, ORGANIZATION, ...keys.map((k) => k.line)],
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

const ALL = ["--organization", "--role", "Audit"];

function reportOf(result: CliResult): Report {
  if (result.stdout === "") throw new Error(`no report; stderr: ${result.stderr}`);
  return setApart(JSON.parse(result.stdout) as Report);
}

/** The report's text, byte for byte, with the times in it made the same. */
function withoutTimes(result: CliResult): string {
  return reportOf(result) === undefined
    ? ""
    : result.stdout
        .replace(/"generatedAt": "[^"]*"/, '"generatedAt": ""')
        .replace(/"(aws:CurrentTime|aws:EpochTime)":("[^"]*"|\["[^"]*"\]|[0-9]+)/g, '"$1":""');
}

function expectIntent(report: Report, meant: readonly Made[]): void {
  expect(report.keys.map((k) => k.arn)).toEqual(meant.map((k) => k.line.arn).sort());
  const intents = new Map(meant.map((k) => [k.line.arn, k]));
  const wrong = report.keys.flatMap(({ arn, exposure, verdict }) => {
    const key = intents.get(arn);
    const right = key !== undefined && exposure === key.intent && verdictsFor(key.intent).includes(verdict);
    return right ? [] : [{ arn, kind: key?.kind, intent: key?.intent, exposure, verdict }];
  });
  expect(wrong).toEqual([]);
}

const requests = (sandbox: Sandbox, operation: string): number =>
  sandbox.stats().operations[operation]?.requests ?? 0;

describe("an organization", () => {
  it("is scanned whole; what cannot be entered is told, with what to do", async () => {
    const sandbox = await sandboxWith();
    const result = await startScan(sandbox, ...ALL, "--snapshot", "org.ndjson").done;
    const report = reportOf(result);
    expectIntent(report, open);
    expect(report.incomplete).toMatchObject([
      { where: CLOSED, call: "sts:AssumeRole", code: "AccountSuspended" },
    ]);
    expect(result.code).toBe(1);
    expect(report.notes).toContain("Scanned 3 of 4 accounts.");
    expect(result.stderr).toMatch(/^Scanned 126 keys in 4 Regions of 3 accounts: /);
    const lines: SnapshotLine[] = [];
    for await (const line of readSnapshot(createReadStream(join(folder, "org.ndjson")), "org"))
      lines.push(line);
    expect(lines[1]).toMatchObject({
      type: "organization",
      id: "o-own1234567",
      accounts: [{ id: MANAGEMENT }, { id: LOGS }, { id: APP, path: ORGANIZATION.accounts?.[2]?.path }, {}],
    });
    const arns = lines.flatMap((l) => (l.type === "key" ? [l.arn] : []));
    expect(arns).toEqual([...arns].sort());
    expect(requests(sandbox, "sts:AssumeRole")).toBe(3);
  });

  it("is trusted as what it is, with trust: organizations: auto", async () => {
    await writeFile(join(folder, "auto.yaml"), "trust:\n  organizations: auto\n");
    const result = await startScan(await sandboxWith(), ...ALL, "--config", "auto.yaml").done;
    expectIntent(reportOf(result), open);
  });

  it("can be narrowed to units and tags", async () => {
    const sandbox = await sandboxWith();
    const byUnit = await startScan(sandbox, ...ALL, "--ou", "ou-ab12-22222222").done;
    expectIntent(
      reportOf(byUnit),
      open.filter((k) => k.account === APP),
    );
    expect((JSON.parse(byUnit.stdout) as { notes: readonly string[] }).notes).toContainEqual(
      expect.stringMatching(
        /^Only accounts of the units and tags that were named: the organization has 4 accounts\.$/,
      ),
    );
    const byTag = await startScan(sandbox, ...ALL, "--account-tag", "stage=prod", "--region", "us-east-1")
      .done;
    expectIntent(
      reportOf(byTag),
      open.filter((k) => k.account === APP && k.region === "us-east-1"),
    );
    const mistyped = await startScan(sandbox, ...ALL, "--ou", "ou-ab12-99999999").done;
    expect([mistyped.code, mistyped.stdout]).toEqual([2, ""]);
    expect(mistyped.stderr).toMatch(/^--ou: o-[a-z0-9]+ has no such unit\n/);
  });

  it("says where the role is missing; the own account is then scanned with the credentials themselves", async () => {
    const trust = { trust: ["999999999999"] };
    const sandbox = await sandboxWith({
      callers: {
        [ACCESS_KEY]: { arn: AUDITOR },
        [`arn:aws:iam::${MANAGEMENT}:role/Audit`]: trust,
        [`arn:aws:iam::${LOGS}:role/Audit`]: trust,
      },
    });
    const result = await startScan(sandbox, ...ALL).done;
    const report = reportOf(result);
    expectIntent(
      report,
      open.filter((k) => k.account !== LOGS),
    );
    const denied = report.incomplete.find((i) => i.where === LOGS);
    expect(denied?.call).toBe("sts:AssumeRole");
    expect(denied?.code).toMatch(/^AccessDenied/);
    expect(denied?.help).toMatch(/Create the role in that account/);
    expect(result.stderr).toContain(`could not be assumed in ${MANAGEMENT}`);
    expect(report.notes).toContain(
      `Scanned with the credentials themselves, not through the role: ${MANAGEMENT}.`,
    );
  });
});

describe("a slow account", () => {
  it("holds up no other: all their keys are read before half of its own", async () => {
    const order: string[] = [];
    const sandbox = await sandboxWith({
      faults: [`kms:*=slow-600@arn:aws:kms:*:${LOGS}:key/*`],
      onRequest: ({ operation, target }) => {
        if (operation === "kms:ListGrants") order.push(target?.split(":")[4] ?? "");
      },
    });
    const result = await startScan(sandbox, ...ALL, "--concurrency", "1").done;
    expectIntent(reportOf(result), open);
    const slow = order.filter((account) => account === LOGS).length;
    expect(slow).toBeGreaterThanOrEqual(42);
    const before = order.slice(
      0,
      order.findLastIndex((account) => account !== LOGS),
    );
    expect(before.filter((account) => account === LOGS).length).toBeLessThan(slow / 2);
  });
});

describe("a list of accounts", () => {
  it("is scanned through roles, with an external id, by way of another role", async () => {
    const hop = `arn:aws:iam::${LOGS}:role/Hop`;
    const sandbox = await sandboxWith({
      callers: {
        [ACCESS_KEY]: { arn: AUDITOR },
        [`arn:aws:iam::${APP}:role/Audit`]: { trust: [hop], externalId: "e-1" },
      },
    });
    const args = ["--accounts", APP, "--role", "Audit", "--via", hop];
    const result = await startScan(sandbox, ...args, "--external-id", "e-1").done;
    expectIntent(
      reportOf(result),
      open.filter((k) => k.account === APP),
    );
    expect(reportOf(result).incomplete).toEqual([]);
    const refused = await startScan(sandbox, ...args).done;
    expect(reportOf(refused).incomplete).toMatchObject([{ where: APP, call: "sts:AssumeRole" }]);
    expect(refused.code).toBe(3);
  });

  it("without a role is the own account, and the others are told", async () => {
    await writeFile(join(folder, "accounts.txt"), `# ours\n${MANAGEMENT}\n${APP} # app\n`);
    const result = await startScan(await sandboxWith(), "--accounts", "accounts.txt").done;
    expectIntent(
      reportOf(result),
      open.filter((k) => k.account === MANAGEMENT),
    );
    expect(reportOf(result).incomplete).toMatchObject([{ where: APP, code: "NoRole" }]);
  });
});

/** Throttled, failing, cut off, and with credentials that run out in the middle. */
const EVERYTHING = ["kms:*=ExpiredTokenException:0.03#9", "kms:*=throttle:0.2", "*=500:0.02", "*=reset:0.01"];

describe("with everything going wrong", () => {
  it("the report is the same, byte for byte but for times", async () => {
    const clean = await startScan(await sandboxWith(), ...ALL).done;
    const faulty = await sandboxWith({ faults: EVERYTHING });
    const result = await startScan(faulty, ...ALL).done;
    const failed = (code: string): number =>
      Object.values(faulty.stats().operations).reduce((n, o) => n + (o.errors[code] ?? 0), 0);
    expect(failed("ThrottlingException")).toBeGreaterThan(40);
    for (const code of ["InternalFailure", "reset", "ExpiredTokenException"]) {
      expect(failed(code), code).toBeGreaterThan(0);
    }
    expect(requests(faulty, "sts:AssumeRole")).toBeGreaterThan(3);
    expect(withoutTimes(result)).toBe(withoutTimes(clean));
    expect(result.code).toBe(clean.code);
  });

  it("and killed at any time, it goes on from what it left, without asking again for what is there", async () => {
    const clean = await startScan(await sandboxWith(), ...ALL).done;
    let grants = 0;
    const scan: { running: RunningCli | undefined } = { running: undefined };
    const sandbox = await sandboxWith({
      latencyMs: 60,
      onRequest: ({ operation }) => {
        if (operation === "kms:ListGrants" && ++grants === 90) scan.running?.kill("SIGKILL");
      },
    });
    scan.running = startScan(sandbox, ...ALL, "--snapshot", "killed.ndjson.gz", "--concurrency", "2");
    expect((await scan.running.done).signal).toBe("SIGKILL");
    const [left] = (await readdir(folder)).filter((name) => name.startsWith("killed"));
    if (left === undefined) throw new Error("nothing is left");
    const path = join(folder, left);
    const text = await readFile(path, "utf8");
    const read = text.split("\n").filter((line) => line.startsWith('{"type":"key"')).length;
    expect(read).toBeGreaterThan(5);

    // As it was left; cut within its last line; gzipped and cut.
    await writeFile(join(folder, "cut.ndjson"), text);
    await truncate(join(folder, "cut.ndjson"), Buffer.byteLength(text) - 40);
    const zipped = gzipSync(text);
    await writeFile(join(folder, "cut.gz"), zipped.subarray(0, zipped.length - 30));
    for (const [name, most] of [
      ["killed.ndjson.gz", keys.length - read],
      ["cut.ndjson", keys.length - read + 1],
      ["cut.gz", keys.length],
    ] as const) {
      const again = await sandboxWith();
      const result = await startScan(again, ...ALL, "--resume", name).done;
      expect(withoutTimes(result)).toBe(withoutTimes(clean));
      expect(requests(again, "kms:GetKeyPolicy")).toBeLessThanOrEqual(most);
    }
    // A whole snapshot leaves nothing to ask.
    const whole = await startScan(await sandboxWith(), ...ALL, "--snapshot", "whole.ndjson.gz").done;
    expect(whole.code).toBe(1);
    const third = await sandboxWith();
    const result = await startScan(third, ...ALL, "--resume", "whole.ndjson.gz").done;
    expect(withoutTimes(result)).toBe(withoutTimes(clean));
    expect(Object.keys(third.stats().operations).filter((name) => name.startsWith("kms:"))).toEqual([]);
  });
});

describe("with everything going wrong, a kill included", () => {
  it("a scan that goes on into the same trouble gives the report of one that met none", async () => {
    const clean = await startScan(await sandboxWith(), ...ALL).done;
    let grants = 0;
    const scan: { running: RunningCli | undefined } = { running: undefined };
    const first = await sandboxWith({
      faults: EVERYTHING,
      seed: 3,
      onRequest: ({ operation }) => {
        if (operation === "kms:ListGrants" && ++grants === 120) scan.running?.kill("SIGKILL");
      },
    });
    scan.running = startScan(first, ...ALL, "--snapshot", "troubled.ndjson", "--concurrency", "2");
    expect((await scan.running.done).signal).toBe("SIGKILL");
    const [left = ""] = (await readdir(folder)).filter((name) => name.startsWith("troubled"));
    const kept = await readFile(join(folder, left), "utf8");
    const read = kept.split("\n").filter((line) => line.startsWith('{"type":"key"')).length;
    expect(read).toBeGreaterThan(5);
    expect(read).toBeLessThan(keys.length);
    const second = await sandboxWith({ faults: EVERYTHING, seed: 4 });
    const resuming = [...ALL, "--resume", "troubled.ndjson", "--snapshot", "resumed.ndjson"];
    const result = await startScan(second, ...resuming).done;
    expect(withoutTimes(result)).toBe(withoutTimes(clean));
    expect(result.code).toBe(clean.code);
    // Part of it is as old as the first scan, so the snapshot does not claim to be younger.
    const created = (text: string): unknown =>
      (JSON.parse(text.slice(0, text.indexOf("\n"))) as Record<string, unknown>)["createdAt"];
    expect(created(await readFile(join(folder, "resumed.ndjson"), "utf8"))).toBe(created(kept));
    const failed = (sandbox: Sandbox, code: string): number =>
      Object.values(sandbox.stats().operations).reduce((n, o) => n + (o.errors[code] ?? 0), 0);
    for (const code of ["ThrottlingException", "InternalFailure", "reset", "ExpiredTokenException"]) {
      expect(failed(first, code) + failed(second, code), code).toBeGreaterThan(0);
    }
    expect(failed(second, "ThrottlingException")).toBeGreaterThan(10);
    // What the first had read is not asked for again, but for repeats after a failure.
    const read2 = second.stats().operations["kms:GetKeyPolicy"];
    const failures = Object.values(read2?.errors ?? {}).reduce((n, e) => n + e, 0);
    expect((read2?.requests ?? 0) - failures).toBeLessThanOrEqual(keys.length - read);
  });
});

describe("with the IAM of each account", () => {
  const everything = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  const trusting = (account: string): string =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account}:root` },
          Action: "sts:AssumeRole",
        },
      ],
    });
  /** The scan's role, and one that a stranger can assume to decrypt with every key of the account. */
  const iam: readonly SnapshotLine[] = [MANAGEMENT, LOGS, APP].flatMap((account): SnapshotLine[] => [
    { type: "account", id: account, iam: { kind: "present" } },
    ...[
      { name: "Audit", trusted: MANAGEMENT },
      { name: "Partner", trusted: "999988887777" },
    ].map(
      ({ name, trusted }): SnapshotLine => ({
        type: "role",
        arn: `arn:aws:iam::${account}:role/${name}`,
        id: `AROA${name.toUpperCase().padEnd(8, "X")}${account.slice(4)}`,
        trustPolicy: { kind: "present", text: trusting(trusted) },
        inlinePolicies: [{ name: "all", text: everything }],
        attachedPolicies: [],
        boundary: null,
      }),
    ),
  ]);
  const auditor: SnapshotLine = {
    type: "user",
    arn: AUDITOR,
    id: "AIDAAUDITORXXXXXXXXX",
    inlinePolicies: [{ name: "all", text: everything }],
    attachedPolicies: [],
    groups: [],
    boundary: null,
  };
  const withIam = (options: SandboxOptions = {}): Promise<Sandbox> =>
    sandboxWith({
      snapshot: [HEADER, ORGANIZATION, auditor, ...iam, ...keys.map((k) => k.line)],
      ...options,
    });
  const CALL = "iam:GetAccountAuthorizationDetails";

  it("a killed scan goes on to the same report, and asks IAM of no account for the second time", async () => {
    const clean = await startScan(await withIam(), ...ALL, "--snapshot", "iam.ndjson").done;
    expect(clean.stdout).toContain("role/Partner");
    // All but what tells when it was read, and keys: the sandboxes have made them at different times.
    const read = async (name: string): Promise<readonly string[]> =>
      (await readFile(join(folder, name), "utf8"))
        .split("\n")
        .filter((l) => !/^.{9}(snapshot|coverage|key)"/.test(l));
    let grants = 0;
    const scan: { running: RunningCli | undefined } = { running: undefined };
    const sandbox = await withIam({
      latencyMs: 60,
      onRequest: ({ operation }) => {
        if (operation === "kms:ListGrants" && ++grants === 90) scan.running?.kill("SIGKILL");
      },
    });
    scan.running = startScan(sandbox, ...ALL, "--snapshot", "killed-iam.ndjson", "--concurrency", "2");
    expect((await scan.running.done).signal).toBe("SIGKILL");
    expect(requests(sandbox, CALL)).toBe(3);
    for (const name of ["killed-iam.ndjson", "iam.ndjson"]) {
      const again = await withIam();
      const resuming = [...ALL, "--resume", name, "--snapshot", "again.ndjson"];
      const result = await startScan(again, ...resuming).done;
      expect(withoutTimes(result)).toBe(withoutTimes(clean));
      expect(requests(again, CALL)).toBe(0);
      expect(await read("again.ndjson")).toEqual(await read("iam.ndjson"));
    }
  });

  it("a resumed scan of fewer accounts has nothing of the others", async () => {
    await startScan(await withIam(), ...ALL, "--snapshot", "three.ndjson").done;
    const again = await withIam();
    const args = [
      "--accounts",
      APP,
      "--role",
      "Audit",
      "--resume",
      "three.ndjson",
      "--snapshot",
      "one.ndjson",
    ];
    await startScan(again, ...args).done;
    expect(requests(again, CALL)).toBe(0);
    const roles: string[] = [];
    for await (const line of readSnapshot(createReadStream(join(folder, "one.ndjson")), "one")) {
      if (line.type === "role") roles.push(line.arn);
    }
    expect(roles).toEqual(["Audit", "Partner"].map((name) => `arn:aws:iam::${APP}:role/${name}`));
  });
});

describe("each kind of missing permission, one at a time", () => {
  const denyFor = (account: string, action: string): SandboxOptions => ({
    callers: {
      [ACCESS_KEY]: { arn: AUDITOR, ...(account === "caller" ? { deny: [action] } : {}) },
      ...(account === "caller" ? {} : { [`arn:aws:iam::${account}:role/Audit`]: { deny: [action] } }),
    },
  });

  it.each<[string, string, { readonly where: RegExp; readonly unseen: readonly string[] }]>([
    ["caller", "sts:AssumeRole", { where: /^\d{12}$/, unseen: [LOGS, APP] }],
    [APP, "kms:ListKeys", { where: new RegExp(`^${APP}/`), unseen: [APP] }],
    [APP, "kms:GetKeyPolicy", { where: /:333344445555:key\//, unseen: [] }],
    [APP, "kms:ListGrants", { where: /:333344445555:key\//, unseen: [] }],
  ])("%s without %s", async (account, action, { where, unseen }) => {
    const result = await startScan(await sandboxWith(denyFor(account, action)), ...ALL).done;
    const report = reportOf(result);
    const gaps = report.incomplete.filter((i) => i.call === action && i.code !== "AccountSuspended");
    expect(gaps.length).toBeGreaterThan(0);
    for (const gap of gaps) {
      expect(gap.where).toMatch(where);
      expect(gap.help).toMatch(/Permit|permit/);
    }
    expect([1, 3]).toContain(result.code);
    const accounts = new Set(report.keys.map((k) => k.arn.split(":")[4]));
    for (const id of unseen) expect(accounts).not.toContain(id);
    const meant = new Map(open.map((k) => [k.line.arn, k]));
    for (const key of report.keys.filter((k) => k.verdict === "clear")) {
      expect(verdictsFor(meant.get(key.arn)?.intent ?? "unknown")).toContain("clear");
      if (action === "kms:GetKeyPolicy" || action === "kms:ListGrants") expect(key.arn).not.toContain(APP);
    }
  });

  it("without organizations:DescribeOrganization and ListRoots the scan cannot begin, and says so", async () => {
    const actions = ["organizations:DescribeOrganization", "organizations:ListRoots"];
    const sandbox = await sandboxWith({ callers: { [ACCESS_KEY]: { arn: AUDITOR, deny: actions } } });
    const result = await startScan(sandbox, ...ALL).done;
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("the organization cannot be read (organizations:DescribeOrganization)");
    expect(result.stderr).toContain("Permit organizations:DescribeOrganization");
  });

  it.each(["organizations:ListRoots", "organizations:ListAccountsForParent"])(
    "without %s the place of accounts is not known, and the scan is incomplete",
    async (action) => {
      const result = await startScan(await sandboxWith(denyFor("caller", action)), ...ALL).done;
      const report = reportOf(result);
      expect(report.keys).toHaveLength(open.length);
      expect(report.incomplete.map((i) => i.call)).toContain(action);
    },
  );
});
