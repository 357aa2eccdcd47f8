import { DescribeKeyCommand, KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import {
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  ListAccountsForParentCommand,
  ListOrganizationalUnitsForParentCommand,
  ListParentsCommand,
  ListPoliciesForTargetCommand,
  ListRootsCommand,
  ListTagsForResourceCommand,
  ListTargetsForPolicyCommand,
  OrganizationsClient,
  paginateListAccounts,
  paginateListPolicies,
} from "@aws-sdk/client-organizations";
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { afterEach, describe, expect, test } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/index.js";
import type { OrganizationLine, SnapshotLine } from "../../src/snapshot/lines.js";
import { MEMBER, ORG, OWNER, REGION, STRANGER, allow, keyId, keyLine, policy } from "../sandbox/harness.js";

const MANAGEMENT = "555566667777";
const ROOT = "r-ab12";
const PROD = "ou-ab12-11111111";
const EMPTY_UNIT = "ou-ab12-22222222";
const FULL = policy({ Effect: "Allow", Action: "*", Resource: "*" });
const FULL_RCP = policy({ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" });

/** 45 further members of the root. */
const crowd = Array.from({ length: 45 }, (_, i) => ({
  id: String(600_000_000_000 + i),
  path: `${ORG}/${ROOT}/`,
}));
const organization: OrganizationLine = {
  type: "organization",
  id: ORG,
  managementAccountId: MANAGEMENT,
  policyTypes: ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
  delegatedAdministrators: [MEMBER],
  accounts: [
    { id: MANAGEMENT, name: "management", path: `${ORG}/${ROOT}/` },
    { id: OWNER, name: "pay", path: `${ORG}/${ROOT}/${PROD}/`, tags: { team: "pay" } },
    { id: MEMBER, name: "audit", path: `${ORG}/${ROOT}/`, status: "ACTIVE" },
    { id: "333344445555", name: "old", path: `${ORG}/${ROOT}/${PROD}/`, status: "SUSPENDED" },
    ...crowd,
  ],
  units: [{ id: EMPTY_UNIT, name: "empty", path: `${ORG}/${ROOT}/${PROD}/${EMPTY_UNIT}/` }],
};
const full = (target: string): SnapshotLine => ({
  type: "service-control-policy",
  target,
  id: "p-FullAWSAccess",
  name: "FullAWSAccess",
  text: FULL,
});

const running: Sandbox[] = [];
const bugs: unknown[] = [];
async function start(lines: readonly SnapshotLine[], options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ snapshot: lines, onBug: (e) => bugs.push(e), ...options });
  running.push(sandbox);
  return sandbox;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((s) => s.close()));
  expect(bugs.splice(0)).toEqual([]);
});

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
const admin = (account: string): Keys => ({ accessKeyId: `AKIA${account}`, secretAccessKey: "any" });
const config = (sandbox: Sandbox, credentials: Keys, region = REGION) => ({
  endpoint: sandbox.url,
  region,
  credentials,
  maxAttempts: 1,
});
const orgs = (sandbox: Sandbox, account = MANAGEMENT) =>
  new OrganizationsClient(config(sandbox, admin(account)));

async function assume(sandbox: Sandbox, who: Keys, RoleArn: string, more: object = {}): Promise<Keys> {
  const sts = new STSClient(config(sandbox, who));
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName: "test", ...more }),
  );
  return {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
}

describe("Organizations, for the management account", () => {
  const lines = [
    organization,
    full(ROOT),
    full(PROD),
    {
      type: "resource-control-policy",
      target: PROD,
      id: "p-rcp0000001",
      name: "own-keys",
      text: FULL_RCP,
    },
  ] as const;

  test("lists every account in pages, with its status", async () => {
    const sandbox = await start(lines);
    const accounts: { Id?: string | undefined; Status?: string | undefined }[] = [];
    let pages = 0;
    for await (const page of paginateListAccounts({ client: orgs(sandbox) }, {})) {
      accounts.push(...(page.Accounts ?? []));
      pages += 1;
    }
    expect(pages).toBe(3);
    expect(accounts.map((a) => a.Id)).toEqual(
      [MANAGEMENT, OWNER, MEMBER, "333344445555", ...crowd.map((c) => c.id)].sort(),
    );
    expect(accounts.find((a) => a.Id === "333344445555")?.Status).toBe("SUSPENDED");
  });

  test("shows the tree", async () => {
    const client = orgs(await start(lines));
    const about = await client.send(new DescribeOrganizationCommand({}));
    expect(about.Organization).toMatchObject({ Id: ORG, MasterAccountId: MANAGEMENT });
    const roots = await client.send(new ListRootsCommand({}));
    expect(roots.Roots?.map((r) => [r.Id, r.PolicyTypes?.map((t) => t.Type)])).toEqual([
      [ROOT, ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]],
    ]);
    const units = async (ParentId: string) =>
      (await client.send(new ListOrganizationalUnitsForParentCommand({ ParentId }))).OrganizationalUnits?.map(
        (u) => u.Id,
      );
    expect(await units(ROOT)).toEqual([PROD]);
    expect(await units(PROD)).toEqual([EMPTY_UNIT]);
    const inProd = await client.send(new ListAccountsForParentCommand({ ParentId: PROD }));
    expect(inProd.Accounts?.map((a) => a.Id)).toEqual([OWNER, "333344445555"]);
    const parents = await client.send(new ListParentsCommand({ ChildId: OWNER }));
    expect(parents.Parents).toEqual([{ Id: PROD, Type: "ORGANIZATIONAL_UNIT" }]);
    const tags = await client.send(new ListTagsForResourceCommand({ ResourceId: OWNER }));
    expect(tags.Tags).toEqual([{ Key: "team", Value: "pay" }]);
  });

  test("shows policies and where they are attached", async () => {
    const client = orgs(await start(lines));
    const filter = { Filter: "RESOURCE_CONTROL_POLICY" } as const;
    const names: (string | undefined)[] = [];
    for await (const page of paginateListPolicies({ client }, filter)) {
      names.push(...(page.Policies ?? []).map((p) => p.Name));
    }
    expect(names).toEqual(["own-keys"]);
    const at = await client.send(new ListPoliciesForTargetCommand({ ...filter, TargetId: PROD }));
    expect(at.Policies?.map((p) => [p.Id, p.AwsManaged])).toEqual([["p-rcp0000001", false]]);
    const none = await client.send(new ListPoliciesForTargetCommand({ ...filter, TargetId: OWNER }));
    expect(none.Policies).toEqual([]);
    const text = await client.send(new DescribePolicyCommand({ PolicyId: "p-rcp0000001" }));
    expect(text.Policy?.Content).toBe(FULL_RCP);
    const targets = await client.send(new ListTargetsForPolicyCommand({ PolicyId: "p-FullAWSAccess" }));
    expect(targets.Targets?.map((t) => [t.TargetId, t.Type])).toEqual([
      [PROD, "ORGANIZATIONAL_UNIT"],
      [ROOT, "ROOT"],
    ]);
  });

  test("is closed to other members, open to delegated administrators, and absent elsewhere", async () => {
    const sandbox = await start(lines);
    await expect(orgs(sandbox, OWNER).send(new ListRootsCommand({}))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    await orgs(sandbox, OWNER).send(new DescribeOrganizationCommand({}));
    await orgs(sandbox, MEMBER).send(new ListRootsCommand({}));
    await expect(orgs(sandbox, STRANGER).send(new DescribeOrganizationCommand({}))).rejects.toMatchObject({
      name: "AWSOrganizationsNotInUseException",
    });
  });

  test("throttles in its own words", async () => {
    const sandbox = await start(lines, { faults: ["organizations:ListRoots=throttle"] });
    await expect(orgs(sandbox).send(new ListRootsCommand({}))).rejects.toMatchObject({
      name: "TooManyRequestsException",
    });
  });
});

describe("service control policies", () => {
  const noKms = policy({ Effect: "Deny", Action: "kms:DescribeKey", Resource: "*" });
  const onlyLists = policy({ Effect: "Allow", Action: ["kms:List*", "sts:*"], Resource: "*" });

  test.each([
    ["a Deny on the unit", { target: PROD, id: "p-deny000001", text: noKms }, [full(PROD)]],
    ["a level without an Allow", { target: PROD, id: "p-list000001", text: onlyLists }, []],
  ])("bind the members below them: %s", async (_name, extra, more) => {
    const sandbox = await start([
      organization,
      full(ROOT),
      ...more,
      { type: "service-control-policy", ...extra },
      keyLine(1),
    ]);
    const kms = new KMSClient(config(sandbox, admin(OWNER)));
    await expect(kms.send(new DescribeKeyCommand({ KeyId: keyId(1) }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    expect((await kms.send(new ListKeysCommand({}))).Keys).toHaveLength(1);
  });

  test("do not bind the management account", async () => {
    const key = keyLine(1, {
      arn: `arn:aws:kms:${REGION}:${MANAGEMENT}:key/${keyId(1)}`,
      policy: { kind: "present", text: policy(allow({ AWS: `arn:aws:iam::${MANAGEMENT}:root` }, "kms:*")) },
    });
    const sandbox = await start([
      organization,
      full(ROOT),
      { type: "service-control-policy", target: ROOT, id: "p-deny000001", text: noKms },
      key,
    ]);
    const kms = new KMSClient(config(sandbox, admin(MANAGEMENT)));
    expect((await kms.send(new DescribeKeyCommand({ KeyId: keyId(1) }))).KeyMetadata?.Arn).toBe(key.arn);
  });
});

describe("AssumeRole by the trust policies of the snapshot", () => {
  const role = `arn:aws:iam::${OWNER}:role/audit`;
  const trust = (...statements: readonly Readonly<Record<string, unknown>>[]): SnapshotLine => ({
    type: "role",
    arn: role,
    id: "AROAEXAMPLEROLEID0001",
    trustPolicy: { kind: "present", text: policy(...statements) },
    maxSessionDuration: 7200,
    inlinePolicies: [
      { name: "list", text: policy({ Effect: "Allow", Action: "kms:ListKeys", Resource: "*" }) },
    ],
    boundary: null,
  });
  const trusts = (account: string, condition?: Readonly<Record<string, unknown>>) => ({
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: "sts:AssumeRole",
    ...(condition === undefined ? {} : { Condition: condition }),
  });

  test("lets in whom it trusts, with what the role may do, under the role's unique id", async () => {
    const sandbox = await start([trust(trusts(MEMBER)), keyLine(1)]);
    const keys = await assume(sandbox, admin(MEMBER), role);
    const me = await new STSClient(config(sandbox, keys)).send(new GetCallerIdentityCommand({}));
    expect([me.Arn, me.UserId]).toEqual([
      `arn:aws:sts::${OWNER}:assumed-role/audit/test`,
      "AROAEXAMPLEROLEID0001:test",
    ]);
    const kms = new KMSClient(config(sandbox, keys));
    expect((await kms.send(new ListKeysCommand({}))).Keys).toHaveLength(1);
    await expect(kms.send(new DescribeKeyCommand({ KeyId: keyId(1) }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    await expect(assume(sandbox, admin(STRANGER), role)).rejects.toMatchObject({ name: "AccessDenied" });
  });

  test("asks for the external id", async () => {
    const line = trust(trusts(MEMBER, { StringEquals: { "sts:ExternalId": "contract-17" } }));
    const sandbox = await start([line, keyLine(1)]);
    await assume(sandbox, admin(MEMBER), role, { ExternalId: "contract-17" });
    for (const more of [{}, { ExternalId: "contract-18" }]) {
      await expect(assume(sandbox, admin(MEMBER), role, more)).rejects.toMatchObject({
        name: "AccessDenied",
      });
    }
  });

  test("limits the session to what the role and a chain of roles allow", async () => {
    const sandbox = await start([trust(trusts(MEMBER)), keyLine(1)]);
    const limit = (seconds: number, who = admin(MEMBER)) =>
      assume(sandbox, who, role, { DurationSeconds: seconds });
    await limit(7200);
    await expect(limit(7201)).rejects.toMatchObject({ name: "ValidationError" });
    const hop = await assume(sandbox, admin(OWNER), `arn:aws:iam::${OWNER}:role/hop`);
    await expect(
      assume(sandbox, hop, `arn:aws:iam::${OWNER}:role/next`, { DurationSeconds: 3601 }),
    ).rejects.toMatchObject({ name: "ValidationError" });
  });

  test("lets in by web identity whom the provider vouches for", async () => {
    const issuer = "token.actions.example.com/org";
    const line = trust({
      Effect: "Allow",
      Principal: { Federated: `arn:aws:iam::${OWNER}:oidc-provider/${issuer}` },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com" },
        StringLike: { [`${issuer}:sub`]: "repo:own/*" },
      },
    });
    const sandbox = await start([line, keyLine(1)]);
    const sts = new STSClient(config(sandbox, admin(STRANGER)));
    const ask = (claims: Readonly<Record<string, unknown>>) => {
      const body = { iss: `https://${issuer}`, aud: "sts.amazonaws.com", exp: 4_102_444_800, ...claims };
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const WebIdentityToken = `${part({ alg: "RS256" })}.${part(body)}.c2ln`;
      return sts.send(
        new AssumeRoleWithWebIdentityCommand({ RoleArn: role, RoleSessionName: "test", WebIdentityToken }),
      );
    };
    const { Credentials, SubjectFromWebIdentityToken } = await ask({ sub: "repo:own/app" });
    expect(SubjectFromWebIdentityToken).toBe("repo:own/app");
    const kms = new KMSClient(
      config(sandbox, {
        accessKeyId: Credentials?.AccessKeyId ?? "",
        secretAccessKey: Credentials?.SecretAccessKey ?? "",
        sessionToken: Credentials?.SessionToken ?? "",
      }),
    );
    expect((await kms.send(new ListKeysCommand({}))).Keys).toHaveLength(1);
    await expect(ask({ sub: "repo:other/app" })).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(ask({ sub: "repo:own/app", aud: "x" })).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(ask({ sub: "repo:own/app", iss: "https://evil.example" })).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await expect(ask({ sub: "repo:own/app", exp: 1 })).rejects.toMatchObject({
      name: "ExpiredTokenException",
    });
    await expect(ask({})).rejects.toMatchObject({ name: "InvalidIdentityTokenException" });
  });

  test("keeps out whom a resource control policy above the role's account denies", async () => {
    const everybody = { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" };
    const closed = (resource: string): SnapshotLine => ({
      type: "resource-control-policy",
      target: PROD,
      id: "p-perimeter01",
      text: policy({
        Effect: "Deny",
        Principal: "*",
        Action: "sts:AssumeRole",
        Resource: resource,
        Condition: { StringNotEqualsIfExists: { "aws:PrincipalOrgID": "${aws:ResourceOrgID}" } },
      }),
    });
    const sandbox = await start([organization, full(ROOT), full(PROD), closed("*"), trust(everybody)]);
    await assume(sandbox, admin(MEMBER), role);
    await expect(assume(sandbox, admin(STRANGER), role)).rejects.toMatchObject({ name: "AccessDenied" });
    const other = await start([
      organization,
      full(ROOT),
      full(PROD),
      closed(`arn:aws:iam::*:role/other`),
      trust(everybody),
    ]);
    await assume(other, admin(STRANGER), role);
  });

  test("a permissions boundary limits a role that the next one names, and not a session that it names", async () => {
    const hub = `arn:aws:iam::${OWNER}:role/hub`;
    const limit = `arn:aws:iam::${OWNER}:policy/limit`;
    const names = (principal: string): Promise<Sandbox> =>
      start([
        {
          type: "managed-policy",
          arn: limit,
          text: policy({ Effect: "Allow", Action: "kms:*", Resource: "*" }),
        },
        {
          type: "role",
          arn: hub,
          boundary: limit,
          trustPolicy: { kind: "present", text: policy(trusts(OWNER)) },
        },
        trust({ Effect: "Allow", Principal: { AWS: principal }, Action: "sts:AssumeRole" }),
        keyLine(1),
      ]);
    for (const [principal, lets] of [
      [hub, false],
      [`arn:aws:sts::${OWNER}:assumed-role/hub/test`, true],
    ] as const) {
      const sandbox = await names(principal);
      const asked = assume(sandbox, await assume(sandbox, admin(OWNER), hub), role);
      if (lets) expect(await asked).toBeDefined();
      else await expect(asked).rejects.toMatchObject({ name: "AccessDenied" });
    }
  });

  test("lets nobody into a suspended account", async () => {
    const old = "arn:aws:iam::333344445555:role/audit";
    const sandbox = await start([organization, full(ROOT)]);
    await assume(sandbox, admin(MANAGEMENT), `arn:aws:iam::${OWNER}:role/audit`);
    await expect(assume(sandbox, admin(MANAGEMENT), old)).rejects.toMatchObject({ name: "AccessDenied" });
  });

  test("knows no other roles where the account's IAM is known as a whole", async () => {
    const sandbox = await start([
      { type: "account", id: OWNER, iam: { kind: "present" } },
      trust(trusts(MEMBER)),
    ]);
    await expect(assume(sandbox, admin(OWNER), `arn:aws:iam::${OWNER}:role/ghost`)).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });

  test("gives credentials that expire when the sandbox says so", async () => {
    let now = Date.now();
    const sandbox = await start([trust(trusts(MEMBER)), keyLine(1)], { sessionSeconds: 5, now: () => now });
    const keys = await assume(sandbox, admin(MEMBER), role);
    const kms = new KMSClient(config(sandbox, keys));
    await kms.send(new ListKeysCommand({}));
    now += 5001;
    await expect(kms.send(new ListKeysCommand({}))).rejects.toMatchObject({ name: "ExpiredTokenException" });
    const fresh = new KMSClient(config(sandbox, await assume(sandbox, admin(MEMBER), role)));
    expect((await fresh.send(new ListKeysCommand({}))).Keys).toHaveLength(1);
  });
});

test("an opt-in Region is closed to the accounts that have not enabled it", async () => {
  const region = "eu-south-1";
  const key = (account: string) => keyLine(1, { arn: `arn:aws:kms:${region}:${account}:key/${keyId(1)}` });
  const sandbox = await start([
    { type: "account", id: OWNER, regions: [{ region, status: "opted-in" }] },
    { type: "account", id: MEMBER, regions: [{ region, status: "not-opted-in" }] },
    key(OWNER),
    key(MEMBER),
  ]);
  const list = (account: string) =>
    new KMSClient(config(sandbox, admin(account), region)).send(new ListKeysCommand({}));
  expect((await list(OWNER)).Keys).toHaveLength(1);
  await expect(list(MEMBER)).rejects.toMatchObject({ name: "UnrecognizedClientException" });
});
