import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { actionsFor } from "../../src/aws/least-privilege.js";
import type { PERMISSIONS } from "../../src/aws/permissions.js";
import type { Sandbox } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import { type CliResult, startCli } from "../cli.js";
import { setApart } from "../disabled-regions.js";
import type { Report } from "../scan-estate.js";

const MANAGEMENT = "111122223333";
const LOGS = "222233334444";
const APP = "333344445555";
const AUDITOR = `arn:aws:iam::${MANAGEMENT}:user/auditor`;
const ACCESS_KEY = "AKIAAUDITOR000000001";
const ORG = "o-own1234567";
const policy = (...Statement: readonly unknown[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });
const FULL = { Effect: "Allow", Action: "*", Resource: "*" };

/** A key with the default policy of AWS, which is clear, or one that is open to everybody as well. */
function key(account: string, region: string, number: number, open = false): SnapshotLine {
  const own = {
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: "kms:*",
    Resource: "*",
  };
  const everybody = { Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:Decrypt", Resource: "*" };
  return {
    type: "key",
    arn: `arn:aws:kms:${region}:${account}:key/0000000${number}-2222-4333-8444-555555555555`,
    manager: "CUSTOMER",
    state: "Enabled",
    aliases: [`alias/k${number}`],
    tags: {},
    policy: { kind: "present", text: open ? policy(own, everybody) : policy(own) },
    grants: { kind: "present", items: [] },
  };
}

const ESTATE: readonly SnapshotLine[] = [
  {
    type: "organization",
    id: ORG,
    managementAccountId: MANAGEMENT,
    policyTypes: ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"],
    accounts: [
      { id: MANAGEMENT, path: `${ORG}/r-ab12/`, status: "ACTIVE", tags: { stage: "prod" } },
      { id: LOGS, path: `${ORG}/r-ab12/`, status: "ACTIVE", tags: { stage: "prod" } },
      { id: APP, path: `${ORG}/r-ab12/ou-ab12-11111111/`, status: "ACTIVE", tags: { stage: "prod" } },
    ],
  },
  ...["r-ab12", "ou-ab12-11111111", MANAGEMENT, LOGS, APP].flatMap((target): SnapshotLine[] => [
    {
      type: "service-control-policy",
      target,
      id: "p-FullAWSAccess",
      name: "FullAWSAccess",
      text: policy(FULL),
    },
    {
      type: "resource-control-policy",
      target,
      id: "p-RCPFullAWSAccess",
      name: "RCPFullAWSAccess",
      text: policy({ ...FULL, Principal: "*" }),
    },
  ]),
  key(MANAGEMENT, "us-east-1", 1),
  key(LOGS, "us-east-1", 2),
  key(APP, "us-east-1", 3),
  key(APP, "eu-west-1", 4),
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-permissions-"));
  await writeFile(join(folder, "keyward.yaml"), "trust:\n  organizations: auto\n");
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Whose identity policies say what. Nobody else can get in. */
interface Holders {
  readonly user: readonly unknown[];
  /** Of the role Audit in each account. */
  readonly roles: Readonly<Record<string, readonly unknown[]>>;
}

const reads = (actions: readonly string[]): unknown => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
});
/** What `keyward doctor --for` prints, less some of it. */
function least(without: readonly string[] = [], account: "caller" | "app" = "app"): Holders {
  const kept = (purpose: "scan" | "organization", where: "caller" | "app"): readonly unknown[] => [
    reads(actionsFor(purpose).filter((a) => where !== account || !without.includes(a))),
  ];
  return {
    user: kept("organization", "caller"),
    roles: {
      [MANAGEMENT]: [reads(actionsFor("scan"))],
      [LOGS]: [reads(actionsFor("scan"))],
      [APP]: kept("scan", "app"),
    },
  };
}

async function sandboxWith(holders: Holders, lines = ESTATE): Promise<Sandbox> {
  const roles = Object.entries(holders.roles).map(([account, policies]) => [
    `arn:aws:iam::${account}:role/Audit`,
    { policies, trust: [AUDITOR] },
  ]);
  const sandbox = await startSandbox({
    snapshot: lines,
    callers: { [ACCESS_KEY]: { arn: AUDITOR, policies: holders.user }, ...Object.fromEntries(roles) },
    onlyCallers: true,
  });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

const EVERYTHING = ["--tags", "--rotation", "--last-usage"];
const scan = (sandbox: Sandbox, ...args: readonly string[]): Promise<CliResult> =>
  startCli(["scan", "--endpoint-url", sandbox.url, "--format", "json", ...EVERYTHING, ...args], folder, {
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_REGION: "us-east-1",
  }).done;
const organization = (sandbox: Sandbox): Promise<CliResult> =>
  scan(sandbox, "--organization", "--role", "Audit", "--account-tag", "stage=prod");

function reportOf(result: CliResult): Report {
  if (result.stdout === "") throw new Error(`no report; stderr: ${result.stderr}`);
  return setApart(JSON.parse(result.stdout) as Report);
}

interface Row {
  /** Who lacks it: the scanning user, or the role in APP. */
  readonly of: "caller" | "app";
  /** Where the gap is told. */
  readonly where: RegExp;
  /** Keys of APP that may be called clear without it: none that was not seen. */
  readonly clear: 0 | 2;
}
const DETAIL: Row = { of: "app", where: new RegExp(`^${APP}/[a-z0-9-]+$`), clear: 2 };
const KEY: Row = { of: "app", where: new RegExp(`:${APP}:key/`), clear: 0 };
const TREE: Row = { of: "caller", where: new RegExp(`^${ORG}$`), clear: 2 };
const POLICY: Row = { of: "caller", where: /^p-/, clear: 2 };

/** Every action of a scan, and what its absence means. */
const ROWS: Readonly<Partial<Record<keyof typeof PERMISSIONS, Row>>> = {
  "kms:ListKeys": { of: "app", where: new RegExp(`^${APP}/`), clear: 0 },
  "kms:GetKeyPolicy": KEY,
  "kms:ListGrants": KEY,
  "kms:DescribeKey": DETAIL,
  "kms:ListAliases": DETAIL,
  "kms:ListResourceTags": DETAIL,
  "kms:GetKeyRotationStatus": DETAIL,
  "kms:GetKeyLastUsage": DETAIL,
  "iam:GetAccountAuthorizationDetails": { of: "app", where: new RegExp(`^${APP}$`), clear: 2 },
  "sts:AssumeRole": { of: "caller", where: /^\d{12}$/, clear: 0 },
  "organizations:DescribeOrganization": TREE,
  "organizations:ListAccounts": TREE,
  "organizations:ListRoots": TREE,
  "organizations:ListOrganizationalUnitsForParent": TREE,
  "organizations:ListAccountsForParent": TREE,
  "organizations:ListPolicies": TREE,
  "organizations:DescribePolicy": POLICY,
  "organizations:ListTargetsForPolicy": POLICY,
  "organizations:ListTagsForResource": { of: "caller", where: /^\d{12}$/, clear: 2 },
};
/** Either of the two lists Regions, and AWS lets everybody ask who they are; see below. */
const APART = ["ec2:DescribeRegions", "account:ListRegions", "sts:GetCallerIdentity"];

describe("the least-privilege policies that doctor prints", () => {
  it("suffice for a scan of the organization with every option: nothing is incomplete", async () => {
    const sandbox = await sandboxWith(least());
    const result = await organization(sandbox);
    const report = reportOf(result);
    expect(report.incomplete).toEqual([]);
    expect(report.keys.map((k) => k.verdict)).toEqual(["clear", "clear", "clear", "clear"]);
    expect(result.code).toBe(0);
    // They hold no action that the scan did not use: each was asked for at least once.
    const used = new Set(Object.keys(sandbox.stats().operations));
    const unused = [...actionsFor("scan"), ...actionsFor("organization")].filter((a) => !used.has(a));
    expect(unused).toEqual(["account:ListRegions"]);
  });

  it("are what doctor prints", async () => {
    for (const purpose of ["scan", "organization"] as const) {
      const { stdout } = await startCli(["doctor", "--for", purpose], folder).done;
      expect(JSON.parse(stdout)).toMatchObject({
        Statement: [{ Effect: "Allow", Action: actionsFor(purpose), Resource: "*" }],
      });
    }
  });
});

describe("without one permission", () => {
  it("there is a row for every action of a scan", () => {
    const all = [...actionsFor("scan"), ...actionsFor("organization")];
    expect([...Object.keys(ROWS), ...APART].sort()).toEqual([...new Set(all)].sort());
  });

  it.each(Object.entries(ROWS))(
    "%s: told, with the next step, and no key clear that was not seen",
    async (action, row) => {
      const result = await organization(await sandboxWith(least([action], row.of)));
      const report = reportOf(result);
      const gaps = report.incomplete.filter((i) => i.call === action);
      expect(gaps.length).toBeGreaterThan(0);
      for (const gap of gaps) {
        expect(gap.where).toMatch(row.where);
        expect(gap.code).toMatch(/^AccessDenied/);
        expect(gap.help).toMatch(/permit/i);
        expect(gap.help).toContain(action);
      }
      // Nothing else is said to be missing, but in the account into which the scan then goes with its own credentials.
      const others = report.incomplete.filter((i) => i.where.split("/")[0] !== MANAGEMENT);
      expect([...new Set(others.map((i) => i.call))]).toEqual([action]);
      expect(result.code).toBe(3);
      const clear = report.keys.filter((k) => k.verdict === "clear" && k.arn.includes(APP));
      expect(clear).toHaveLength(row.clear);
    },
  );

  it.each(["kms:ListKeys", "kms:GetKeyPolicy", "kms:ListGrants"])(
    "%s in one Region: told for that Region alone, and the key of the other is clear",
    async (action) => {
      const holders = least();
      const closed = {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Deny",
            Action: action,
            Resource: "*",
            Condition: { StringEquals: { "aws:RequestedRegion": "eu-west-1" } },
          },
        ],
      };
      const app = [...(holders.roles[APP] ?? []), closed];
      const result = await organization(
        await sandboxWith({ ...holders, roles: { ...holders.roles, [APP]: app } }),
      );
      const report = reportOf(result);
      expect(report.incomplete.length).toBeGreaterThan(0);
      for (const gap of report.incomplete) {
        expect(gap).toMatchObject({ call: action, code: "AccessDeniedException" });
        expect(gap.where).toContain("eu-west-1");
      }
      const clear = report.keys.filter((k) => k.verdict === "clear" && k.arn.includes(APP));
      expect(clear.map((k) => k.arn.split(":")[3])).toEqual(["us-east-1"]);
      expect(result.code).toBe(3);
    },
  );

  it("an exposed key is exposed all the same, and the exit code is 1", async () => {
    const lines = [...ESTATE, key(APP, "us-east-1", 5, true)];
    const result = await organization(await sandboxWith(least(["kms:ListGrants"]), lines));
    const report = reportOf(result);
    expect(report.keys.find((k) => k.arn.includes("key/00000005"))?.verdict).toBe("exposed");
    expect(report.incomplete.map((i) => i.call)).toContain("kms:ListGrants");
    expect(result.code).toBe(1);
  });
});

describe("the Regions of an account", () => {
  it.each(["ec2:DescribeRegions", "account:ListRegions"])(
    "are known without %s from the other call",
    async (action) => {
      const result = await organization(await sandboxWith(least([action])));
      expect(reportOf(result).incomplete).toEqual([]);
      expect(result.code).toBe(0);
    },
  );

  it("are not without both: keyward's own list is used, and that is told", async () => {
    const sandbox = await sandboxWith(least(["ec2:DescribeRegions", "account:ListRegions"]));
    const result = await organization(sandbox);
    expect(reportOf(result).incomplete).toMatchObject([
      { where: APP, call: "ec2:DescribeRegions", code: "RegionsNotListed" },
    ]);
    expect(reportOf(result).incomplete[0]?.help).toMatch(/Permit ec2:DescribeRegions or account:ListRegions/);
    expect(result.code).toBe(3);
  });
});

it("where STS does not say whose account it is, IAM is not asked, and that is told", async () => {
  const sandbox = await startSandbox({
    snapshot: ESTATE,
    callers: { [ACCESS_KEY]: { arn: AUDITOR } },
    faults: ["sts:GetCallerIdentity=AccessDenied"],
  });
  onTestFinished(() => sandbox.close());
  const result = await scan(sandbox);
  expect(reportOf(result).incomplete).toMatchObject([
    { call: "iam:GetAccountAuthorizationDetails", code: "AccountUnknown" },
  ]);
  expect(reportOf(result).incomplete[0]?.help).toContain("sts:GetCallerIdentity");
  expect(result.code).toBe(3);
});

describe("keyward doctor", () => {
  const doctor = (sandbox: Sandbox, ...args: readonly string[]): Promise<CliResult> =>
    startCli(["doctor", "--endpoint-url", sandbox.url, ...args], folder, {
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_REGION: "us-east-1",
    }).done;
  const ALL = ["--organization", "--role", "Audit"];

  it("finds nothing missing where the policies are those that it prints", async () => {
    const sandbox = await sandboxWith(least());
    const result = await doctor(sandbox, ...ALL);
    expect(result.stderr).toBe("");
    expect(result.stdout).not.toMatch(/^no /m);
    expect(result.code).toBe(0);
    const seen = new Set([...result.stdout.matchAll(/^ok {2}(\S+)/gm)].map((m) => m[1]));
    const all = [...actionsFor("scan"), ...actionsFor("organization")];
    expect([...seen].sort()).toEqual([...new Set(all)].sort());
  });

  it.each(Object.entries(ROWS))("names %s where it is missing", async (action, row) => {
    const result = await doctor(await sandboxWith(least([action], row.of)), ...ALL);
    const missing = [...result.stdout.matchAll(/^no {2}(\S+) {2}(.*)$/gm)].map((m) => [m[1], m[2]]);
    const names = missing.map(([name]) => name);
    // Where it may assume no role it looks at its own account with its own credentials, which may read no keys.
    if (action === "sts:AssumeRole") expect(names).toContain(action);
    else expect(names).toEqual([action]);
    if (row.of === "app") expect(missing[0]?.[1]).toContain(APP);
    expect(result.stdout).toMatch(
      /not known without it: .+\n {4}next: keyward doctor --for (scan|organization)/,
    );
    expect(result.code).toBe(3);
  });

  it("needs only one of the two calls that list Regions", async () => {
    const result = await doctor(await sandboxWith(least(["ec2:DescribeRegions"])), ...ALL);
    expect(result.stdout).toMatch(
      /^no {2}ec2:DescribeRegions {2}333344445555: .*\n {4}the other call that lists Regions does$/m,
    );
    expect(result.code).toBe(0);
  });
});
