import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import stringWidth from "string-width";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explanationSchema } from "../../src/report/explanation-schema.js";
import { type Sandbox, startSandbox } from "../../src/sandbox/index.js";
import type { RoleLine, SnapshotLine, UserLine } from "../../src/snapshot/lines.js";
import { snapshotHeader } from "../../src/snapshot/write.js";
import { type CliResult, startCli } from "../cli.js";

const OWN = "111122223333";
const STRANGER = "999988887777";
const KEY = `arn:aws:kms:us-east-1:${OWN}:key/11111111-2222-4333-8444-555555555555`;
const SECRET = `arn:aws:kms:us-east-1:${OWN}:key/99999999-2222-4333-8444-555555555555`;
const iam = (kind: string, name: string): string => `arn:aws:iam::${OWN}:${kind}/${name}`;
const policy = (...Statement: readonly unknown[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (Action: unknown, more: object = {}): string =>
  policy({ Effect: "Allow", Action, Resource: "*", ...more });
const trusting = (AWS: string): NonNullable<RoleLine["trustPolicy"]> => ({
  kind: "present",
  text: policy({ Effect: "Allow", Principal: { AWS }, Action: "sts:AssumeRole" }),
});
const role = (name: string, own: readonly string[], more: Partial<RoleLine> = {}): RoleLine => ({
  type: "role",
  arn: iam("role", name),
  trustPolicy: trusting(`arn:aws:iam::${OWN}:root`),
  inlinePolicies: own.map((text, i) => ({ name: `p${i}`, text })),
  attachedPolicies: [],
  boundary: null,
  ...more,
});
const user = (name: string, more: Partial<UserLine> = {}): UserLine => ({
  type: "user",
  arn: iam("user", name),
  groups: [],
  inlinePolicies: [],
  attachedPolicies: [],
  boundary: null,
  ...more,
});
const ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess";
const ROOT = {
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${OWN}:root` },
  Action: "kms:*",
  Resource: "*",
};

/** Service control policies do not bind the management account. */
const MANAGEMENT: SnapshotLine = {
  type: "organization",
  id: "o-own1234567",
  managementAccountId: OWN,
  accounts: [],
};
const LINES: readonly SnapshotLine[] = [
  snapshotHeader(1_800_000_000_000, "test"),
  { type: "managed-policy", arn: ADMINISTRATOR, text: allow("*") },
  { type: "managed-policy", arn: iam("policy", "crypto"), text: allow("kms:Decrypt") },
  {
    type: "group",
    arn: iam("group", "ops"),
    inlinePolicies: [],
    attachedPolicies: [iam("policy", "crypto")],
  },
  user("ann", { groups: ["ops"] }),
  user("auditor", { attachedPolicies: [ADMINISTRATOR] }),
  role("Admin", [], { attachedPolicies: [ADMINISTRATOR] }),
  role("Vendor", [allow("kms:Decrypt")], { trustPolicy: trusting(STRANGER) }),
  role("Writer", [
    allow("kms:Encrypt", { Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } }),
  ]),
  role("Granted", []),
  role("Bounded", [allow("kms:*")], { boundary: iam("policy", "crypto") }),
  role("Nobody", [allow("s3:*")]),
  role("Door", [policy({ Effect: "Allow", Action: "sts:AssumeRole", Resource: iam("role", "Admin") })], {
    trustPolicy: trusting("555566667777"),
  }),
  { type: "account", id: OWN, iam: { kind: "present" } },
  {
    type: "key",
    arn: KEY,
    manager: "CUSTOMER",
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    aliases: ["alias/app"],
    tags: {},
    policy: { kind: "present", text: policy(ROOT) },
    grants: {
      kind: "present",
      items: [{ GrantId: "g-1", GranteePrincipal: iam("role", "Granted"), Operations: ["Decrypt"] }],
    },
  },
  {
    type: "key",
    arn: SECRET,
    manager: "CUSTOMER",
    state: "Enabled",
    policy: {
      kind: "present",
      text: policy({ ...ROOT, Principal: { AWS: iam("role", "Admin") } }),
    },
    grants: { kind: "present", items: [] },
  },
];

let folder: string;
let sandbox: Sandbox;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-users-"));
  const text = (lines: readonly SnapshotLine[]): string =>
    lines.map((l) => `${JSON.stringify(l)}\n`).join("");
  const [header, ...rest] = LINES;
  if (header === undefined) throw new Error("no header");
  await writeFile(join(folder, "alone.ndjson"), text(LINES));
  const none: SnapshotLine = { type: "account", id: OWN, organization: { kind: "absent" } };
  await writeFile(join(folder, "unbound.ndjson"), text([...LINES, none]));
  await writeFile(join(folder, "estate.ndjson"), text([header, MANAGEMENT, ...rest]));
  sandbox = await startSandbox({
    snapshot: LINES,
    callers: {
      AKIAAUDITOR000000001: { arn: iam("user", "auditor") },
      AKIANOIAM00000000001: { arn: iam("user", "auditor"), deny: ["iam:*"] },
    },
  });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true });
});

const explain = (...args: readonly string[]): Promise<CliResult> =>
  startCli(["explain", ...args], folder).done;
const live = (...args: readonly string[]): Promise<CliResult> =>
  startCli(["explain", "--endpoint-url", sandbox.url, ...args], folder, {
    AWS_ACCESS_KEY_ID: "AKIAAUDITOR000000001",
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_REGION: "us-east-1",
  }).done;
const flat = (r: CliResult): string => r.stdout.replace(/\s+/g, " ");

describe("who in the account can use a key", () => {
  it("is listed with the policies and grants that let them, within 80 columns", async () => {
    const r = await explain("app", "estate.ndjson");
    expect(r.stderr).toBe("");
    const text = flat(r);
    expect(text).toContain(
      "WHO IN ACCOUNT 111122223333 CAN USE IT 7 of the 9 users and roles that were read; so can the root user",
    );
    expect(text).toMatch(
      /- role Admin and user auditor can read data .{0,200}? by statement 1 and AWS's policy AdministratorAccess/,
    );
    expect(text).toContain("(kms:Decrypt) by statement 1 and managed policy crypto of group ops");
    for (const line of r.stdout.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(80);
    const all = flat(await explain("app", "estate.ndjson", "--all"));
    expect(all).toContain("- role Granted can read data encrypted under the key (kms:Decrypt) by grant g-1");
    // The boundary leaves Decrypt of kms:*, which is what Vendor may do as well.
    expect(all).toContain(
      '- role Bounded and role Vendor can read data encrypted under the key (kms:Decrypt) by statement 1 and inline policy "p0"',
    );
    expect(all).toMatch(
      /- role Writer can encrypt data .{0,40}\(kms:Encrypt\) by statement 1 and inline policy "p0", if StringEquals kms:ViaService s3/,
    );
    expect(all).not.toContain("role Nobody");
  });

  it("and so is the way of an outsider through a role", async () => {
    const r = await explain("app", "estate.ndjson");
    expect(flat(r)).toContain(
      `OUTSIDERS WHO CAN ASSUME A ROLE THAT CAN USE IT - account ${STRANGER} -> role Vendor, by statement 1 of its trust policy -> the key can read data encrypted under the key (kms:Decrypt) by statement 1 and inline policy "p0"`,
    );
    const chain = `account 555566667777 -> role Door, by statement 1 of its trust policy -> role Admin (by statement 1 of the trust policy of Admin and policy "p0" of Door) -> the key`;
    expect(flat(r)).toContain(chain);
    // As check says of it: not exposed, but weak.
    expect(r.code).toBe(0);
    expect(r.stdout).toMatch(/^WEAK {2}none/);
  });

  it("is nobody but the role that the key policy names, where it hands nothing to IAM", async () => {
    const text = flat(await explain(SECRET, "estate.ndjson"));
    expect(text).toMatch(
      /1 of the 9 users and roles that were read - role Admin can .{0,200}? by statement 1 /,
    );
    expect(text).toContain("account 555566667777 -> role Door");
    expect(text).not.toContain("role Vendor");
    expect(text).not.toContain("root user");
  });

  it("in JSON, as the schema says, with nothing left out", async () => {
    const r = await explain("app", "estate.ndjson", "--format", "json");
    const { inAccount } = explanationSchema.parse(JSON.parse(r.stdout));
    const of = (name: string): unknown =>
      inAccount?.groups.find((g) => g.principals.some((p) => p.endsWith(`/${name}`)))?.uses;
    expect(of("ann")).toMatchObject([
      {
        actions: ["kms:Decrypt"],
        certainty: "certain",
        policies: [{ kind: "managed", name: iam("policy", "crypto"), group: "ops" }],
      },
    ]);
    expect(of("Granted")).toMatchObject([
      { direct: true, sources: [{ kind: "grant", grantId: "g-1" }], policies: [] },
    ]);
    expect(of("Writer")).toMatchObject([
      { certainty: "conditional", conditions: [{ effect: "Allow", condition: { key: "kms:ViaService" } }] },
    ]);
    expect(of("Nobody")).toBeUndefined();
    expect(inAccount?.paths).toMatchObject([
      {
        who: { kind: "account", id: STRANGER },
        role: iam("role", "Vendor"),
        trustStatement: 0,
        certain: true,
        path: [{ role: iam("role", "Vendor"), certain: true, trustStatement: 0 }],
      },
      {
        who: { kind: "account", id: "555566667777" },
        role: iam("role", "Admin"),
        path: [
          { role: iam("role", "Door"), certain: true },
          { role: iam("role", "Admin"), certain: true, trustStatement: 0, policies: ["p0"] },
        ],
      },
    ]);
    expect(inAccount).toMatchObject({ iam: "complete", principals: 9, uncertain: [], unclearTrust: [] });
  });
});

describe("who in other accounts of the organization can use a key", () => {
  const MEMBER = "222233334444";
  const SILENT = "333344445555";
  const of = (name: string, own: readonly string[]): RoleLine => ({
    ...role(name, own),
    arn: `arn:aws:iam::${MEMBER}:role/${name}`,
  });
  const shared: SnapshotLine = {
    type: "key",
    arn: KEY.replace("11111111-2222", "77777777-2222"),
    manager: "CUSTOMER",
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    aliases: ["alias/shared"],
    policy: {
      kind: "present",
      text: policy(ROOT, {
        Effect: "Allow",
        Principal: "*",
        Action: ["kms:Decrypt", "kms:DescribeKey"],
        Resource: "*",
        Condition: { StringEquals: { "aws:PrincipalOrgID": "o-own1234567" } },
      }),
    },
    grants: { kind: "present", items: [] },
  };
  const scp = (target: string, text: string): SnapshotLine => ({
    type: "service-control-policy",
    target,
    text,
  });
  beforeAll(async () => {
    const path = "o-own1234567/r-ab12/";
    const lines: readonly SnapshotLine[] = [
      snapshotHeader(1_800_000_000_000, "test"),
      {
        type: "organization",
        id: "o-own1234567",
        managementAccountId: OWN,
        accounts: [
          { id: MEMBER, path },
          { id: SILENT, path },
        ],
      },
      scp("r-ab12", allow("*")),
      scp(MEMBER, allow("*")),
      of("Reader", [allow("kms:Decrypt")]),
      of("Bystander", [allow("s3:*")]),
      of("Describer", [allow("kms:DescribeKey")]),
      { type: "account", id: MEMBER, iam: { kind: "present" } },
      role("Local", [allow("kms:Encrypt")]),
      { type: "account", id: OWN, iam: { kind: "present" } },
      shared,
    ];
    await writeFile(join(folder, "members.ndjson"), lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
    await writeFile(join(folder, "keyward.yaml"), "trust:\n  organizations: auto\n");
  });

  it("is said account by account, with the policy of theirs that lets them, and whose is not known", async () => {
    const r = await explain("shared", "members.ndjson", "--config", "keyward.yaml");
    expect(r.stderr).toBe("");
    expect(flat(r)).toContain(
      `WHO IN OTHER ACCOUNTS CAN USE IT account ${MEMBER}: 2 of the 3 users and roles that were read; its root user may - role Reader can read data encrypted under the key (kms:Decrypt) by statement 2 and inline policy "p0" - role Describer can read facts about the key (kms:DescribeKey) by statement 2 and inline policy "p0"`,
    );
    expect(flat(r)).toContain(
      `Not known of account ${SILENT}: the key lets them in, and their IAM was not all read.`,
    );
    for (const line of r.stdout.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(80);
    expect(r.code).toBe(0);
  });

  it("in JSON", async () => {
    const r = await explain("shared", "members.ndjson", "--config", "keyward.yaml", "--format", "json");
    const { inOtherAccounts } = explanationSchema.parse(JSON.parse(r.stdout));
    expect(inOtherAccounts?.unread).toEqual([SILENT]);
    expect(inOtherAccounts?.accounts.map((a) => [a?.account, a?.groups.map((g) => g.principals)])).toEqual([
      [
        MEMBER,
        [["Reader"], ["Describer"]].map((names) => names.map((n) => `arn:aws:iam::${MEMBER}:role/${n}`)),
      ],
    ]);
  });
});

describe("where nobody has read the service control policies above the account", () => {
  it("nobody in it can surely use a key, nor its root user", async () => {
    const r = await explain("app", "alone.ndjson", "--format", "json");
    const { inAccount } = explanationSchema.parse(JSON.parse(r.stdout));
    const uses = [...(inAccount?.groups ?? []).flatMap((g) => g.uses), ...(inAccount?.root ?? [])];
    expect(uses.length).toBeGreaterThan(5);
    for (const use of uses) {
      expect(use).toMatchObject({ certainty: "possible" });
      expect(use.doubts.map((d) => d.id)).toContain("service-control-unread");
    }
    expect(inAccount?.paths.map((p) => p.path.map((step) => step.certain))).toEqual([[true], [true, false]]);
    const text = flat(await explain("app", "alone.ndjson"));
    expect(text).toMatch(/- role Admin and user auditor may be able to read data/);
    expect(text).toContain("Service control policies were not all read: one may take this away");
    expect(text).toContain("can assume the role Vendor, and the role may be able to read");
  });
});

describe("read from AWS", () => {
  const users = async (r: Promise<CliResult>): Promise<unknown> =>
    explanationSchema.parse(JSON.parse((await r).stdout)).inAccount;

  it("it is the same as from a snapshot that knows the account to be in no organization", async () => {
    const there = await users(explain("app", "unbound.ndjson", "--format", "json"));
    expect(there).toMatchObject({ serviceControl: "none" });
    for (const name of [[KEY], ["--live", "app"], ["--live", KEY.split("/")[1] ?? ""]]) {
      const r = live(...name, "--format", "json");
      expect(await users(r)).toEqual(there);
      expect((await r).stdout).not.toContain("resource and service control policies");
    }
  });

  it("what could not be read is a note", async () => {
    const r = await startCli(["explain", "--endpoint-url", sandbox.url, KEY], folder, {
      AWS_ACCESS_KEY_ID: "AKIANOIAM00000000001",
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_REGION: "us-east-1",
    }).done;
    expect(flat(r)).toContain("Not known: IAM of the account could not be read.");
    expect(flat(r)).toMatch(/iam:GetAccountAuthorizationDetails failed \(AccessDenied\): who in the account/);
  });

  it("a key that is not there, or of another account, is a message with what to do", async () => {
    const none = await live("--live", "alias/none");
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("there is no such alias");
    const foreign = await live(KEY.replace(OWN, "222233334444"));
    expect(foreign.code).toBe(2);
    expect(foreign.stderr).toMatch(/the key belongs to another account[^]*--role/);
    const file = await explain("alias/app");
    expect(file.stderr).toContain("add --live");
  });
});
