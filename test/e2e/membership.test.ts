import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import { type CliResult, startCli } from "../cli.js";

const OWN = "111122223333";
const OTHER = "222233334444";
const STRANGER = "999988887777";
const ORG = "o-own1234567";
const policy = (...Statement: readonly unknown[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });

/** A key whose policy hands control to IAM, and a role that a stranger can assume and that may decrypt. */
const LINES: readonly SnapshotLine[] = [
  { type: "account", id: OWN, iam: { kind: "present" } },
  {
    type: "role",
    arn: `arn:aws:iam::${OWN}:role/Vendor`,
    attachedPolicies: [],
    inlinePolicies: [
      { name: "use", text: policy({ Effect: "Allow", Action: "kms:Decrypt", Resource: "*" }) },
    ],
    boundary: null,
    trustPolicy: {
      kind: "present",
      text: policy({ Effect: "Allow", Principal: { AWS: STRANGER }, Action: "sts:AssumeRole" }),
    },
  },
  {
    type: "key",
    arn: `arn:aws:kms:us-east-1:${OWN}:key/00000001-2222-4333-8444-555555555555`,
    manager: "CUSTOMER",
    state: "Enabled",
    policy: {
      kind: "present",
      text: policy({
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${OWN}:root` },
        Action: "kms:*",
        Resource: "*",
      }),
    },
    grants: { kind: "present", items: [] },
  },
];

const organization = (managementAccountId: string): SnapshotLine => ({
  type: "organization",
  id: ORG,
  managementAccountId,
  accounts: [
    { id: OWN, path: `${ORG}/r-ab12/` },
    { id: OTHER, path: `${ORG}/r-ab12/` },
  ],
});

interface Report {
  readonly keys: readonly {
    readonly findings: readonly {
      readonly rule: string;
      readonly certainty: string;
      readonly reason: string;
    }[];
  }[];
  readonly accounts: readonly { readonly serviceControlUnread: unknown }[];
  readonly notes: readonly string[];
  readonly incomplete: readonly unknown[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-membership-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const ACCESS_KEY = "AKIAAUDITOR000000001";
/** Scans the account with a user that may do these actions, and gives the calls of Organizations too. */
async function scan(
  lines: readonly SnapshotLine[],
  denied: readonly string[] = [],
  args: readonly string[] = [],
): Promise<{ readonly result: CliResult; readonly report: Report; readonly asked: number }> {
  const sandbox = await startSandbox({
    snapshot: lines,
    callers: {
      [ACCESS_KEY]: {
        arn: `arn:aws:iam::${OWN}:user/auditor`,
        policies: [
          {
            Version: "2012-10-17",
            Statement: [
              { Effect: "Allow", Action: "*", Resource: "*" },
              ...(denied.length === 0 ? [] : [{ Effect: "Deny", Action: denied, Resource: "*" }]),
            ],
          },
        ],
      },
    },
  });
  onTestFinished(() => sandbox.close());
  const given = ["--region", "us-east-1", "--format", "json", "--snapshot", "out.ndjson", ...args];
  const result = await startCli(["scan", "--endpoint-url", sandbox.url, ...given], folder, {
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_REGION: "us-east-1",
  }).done;
  const report = JSON.parse(result.stdout) as Report;
  return {
    result,
    report,
    asked: sandbox.stats().operations["organizations:DescribeOrganization"]?.requests ?? 0,
  };
}

/** What is said of the stranger who assumes the role, and of the account. */
function said({ report }: { readonly report: Report }): readonly [string | undefined, unknown, string] {
  const found = report.keys[0]?.findings.find((f) => f.rule === "outsider-assumable-role");
  const note = report.notes.filter((n) => n.includes("ervice control policies")).join("\n");
  return [found?.certainty, report.accounts[0]?.serviceControlUnread, `${found?.reason ?? ""}\n${note}`];
}

describe("a scan of one account asks which organization it is in", () => {
  it("none: what its roles can do is certain", async () => {
    const done = await scan(LINES);
    const [certainty, unread, text] = said(done);
    expect([certainty, unread, done.asked]).toEqual(["certain", null, 1]);
    expect(text).not.toContain("ervice control polic");
    expect(await readFile(join(folder, "out.ndjson"), "utf8")).toContain(
      `{"type":"account","id":"${OWN}","organization":{"kind":"absent"}}`,
    );
  });

  it("a member: the policies of that organization were not read, and --organization reads them", async () => {
    const done = await scan([organization(OTHER), ...LINES]);
    const [certainty, unread, text] = said(done);
    expect([certainty, unread, done.asked]).toEqual(["possible", { organization: ORG, code: null }, 1]);
    expect(text).toContain(
      `unless a service control policy of organization ${ORG} that was not read denies it`,
    );
    expect(text).toContain(`Service control policies of organization ${ORG} above account ${OWN} were not`);
    expect(text).toContain("keyward scan --organization reads them");
  });

  it("its management account: they do not bind it", async () => {
    const [certainty, unread] = said(await scan([organization(OWN), ...LINES]));
    expect([certainty, unread]).toEqual(["certain", null]);
  });

  it("a refusal is named, and is no gap: the exit code stays what it is", async () => {
    const allowed = await scan([organization(OTHER), ...LINES]);
    const refused = await scan([organization(OTHER), ...LINES], ["organizations:DescribeOrganization"]);
    const [certainty, unread, text] = said(refused);
    expect([certainty, unread]).toEqual(["possible", { organization: null, code: "AccessDeniedException" }]);
    expect(text).toContain("(organizations:DescribeOrganization: AccessDeniedException)");
    expect(text).toContain("permit the call");
    expect(refused.report.incomplete).toEqual([]);
    expect(refused.result.code).toBe(allowed.result.code);
  });

  it("each account of a list once, and nobody with --no-iam", async () => {
    const accounts = await scan(
      [organization(OWN), ...LINES],
      [],
      ["--accounts", `${OWN},${OTHER}`, "--role", "Audit"],
    );
    expect(accounts.asked).toBe(2);
    expect((await scan(LINES, [], ["--no-iam"])).asked).toBe(0);
  });

  it("not in a scan of the organization, whose tree says more: once for all of them", async () => {
    const whole = await scan([organization(OWN), ...LINES], [], ["--organization", "--role", "Audit"]);
    expect(whole.asked).toBe(1);
    expect(await readFile(join(folder, "out.ndjson"), "utf8")).not.toContain('"organization":{"kind"');
  });

  it("check finds the same in the snapshot, and a resumed scan does not ask again", async () => {
    const done = await scan([organization(OTHER), ...LINES]);
    const { stdout } = await startCli(["check", "out.ndjson", "--format", "json"], folder).done;
    expect(said({ report: JSON.parse(stdout) as Report })).toEqual(said(done));
    const again = await scan([organization(OTHER), ...LINES], [], ["--resume", "out.ndjson"]);
    expect(again.asked).toBe(0);
    expect(said(again)).toEqual(said(done));
  });
});
