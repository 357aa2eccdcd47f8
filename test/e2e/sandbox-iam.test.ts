import {
  type GetAccountAuthorizationDetailsCommandOutput,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAccountAliasesCommand,
  ListAttachedRolePoliciesCommand,
  paginateGetAccountAuthorizationDetails,
  paginateListRoles,
} from "@aws-sdk/client-iam";
import { DescribeKeyCommand, KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import { afterEach, describe, expect, test } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import { MEMBER, OWNER, REGION, keyId, keyLine, policy } from "../sandbox/harness.js";

const ADMIN_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess";
const LIMIT = `arn:aws:iam::${OWNER}:policy/team/limit`;
const ALL = policy({ Effect: "Allow", Action: "*", Resource: "*" });
const LIST = policy({ Effect: "Allow", Action: "kms:ListKeys", Resource: "*" });
/** Characters that XML, URLs and JSON treat each in their way. */
const TRUST = policy({
  Sid: "a&b <c> 'd' (e)* 100% + ü",
  Effect: "Allow",
  Principal: { Service: "ec2.amazonaws.com" },
  Action: "sts:AssumeRole",
});
const roles: SnapshotLine[] = Array.from({ length: 130 }, (_, i) => ({
  type: "role",
  arn: `arn:aws:iam::${OWNER}:role/app/role-${String(i).padStart(3, "0")}`,
  id: `AROAEXAMPLE${String(i).padStart(10, "0")}`,
  trustPolicy: { kind: "present", text: TRUST },
  attachedPolicies: i === 0 ? [ADMIN_POLICY] : [],
  inlinePolicies: i === 0 ? [{ name: "list", text: LIST }] : [],
  boundary: i === 0 ? LIMIT : null,
  tags: i === 0 ? { team: "pay" } : {},
}));
const ANN = `arn:aws:iam::${OWNER}:user/ann`;
const lines: readonly SnapshotLine[] = [
  { type: "account", id: OWNER, alias: "pay-prod", iam: { kind: "present" } },
  { type: "managed-policy", arn: ADMIN_POLICY, text: ALL, version: "v1" },
  { type: "managed-policy", arn: "arn:aws:iam::aws:policy/ReadOnlyAccess", text: LIST },
  { type: "managed-policy", arn: LIMIT, text: LIST, version: "v3" },
  { type: "group", arn: `arn:aws:iam::${OWNER}:group/admins`, attachedPolicies: [ADMIN_POLICY] },
  { type: "user", arn: ANN, groups: ["admins"], boundary: LIMIT },
  { type: "role", arn: `arn:aws:iam::${MEMBER}:role/other` },
  ...roles,
  keyLine(1),
];

const running: Sandbox[] = [];
const bugs: unknown[] = [];
async function start(snapshot: readonly SnapshotLine[], options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ snapshot, onBug: (e) => bugs.push(e), ...options });
  running.push(sandbox);
  return sandbox;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((s) => s.close()));
  expect(bugs.splice(0)).toEqual([]);
});
const config = (sandbox: Sandbox, accessKeyId = `AKIA${OWNER}`) => ({
  endpoint: sandbox.url,
  region: REGION,
  credentials: { accessKeyId, secretAccessKey: "any" },
  maxAttempts: 1,
});

describe("IAM", () => {
  test("shows the whole account in pages, documents as IAM encodes them", async () => {
    const client = new IAMClient(config(await start(lines)));
    const pages: GetAccountAuthorizationDetailsCommandOutput[] = [];
    for await (const page of paginateGetAccountAuthorizationDetails({ client, pageSize: 50 }, {}))
      pages.push(page);
    expect(pages).toHaveLength(3);
    const all = <T>(
      pick: (p: GetAccountAuthorizationDetailsCommandOutput) => readonly T[] | undefined,
    ): T[] => pages.flatMap((p) => pick(p) ?? []);
    expect(all((p) => p.UserDetailList).map((u) => [u.Arn, u.GroupList, u.PermissionsBoundary])).toEqual([
      [ANN, ["admins"], { PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: LIMIT }],
    ]);
    expect(all((p) => p.GroupDetailList).map((g) => g.GroupName)).toEqual(["admins"]);
    const found = all((p) => p.RoleDetailList);
    expect(found).toHaveLength(130);
    const first = found[0];
    expect(first).toMatchObject({
      Path: "/app/",
      RoleName: "role-000",
      RoleId: "AROAEXAMPLE0000000000",
      AttachedManagedPolicies: [{ PolicyName: "AdministratorAccess", PolicyArn: ADMIN_POLICY }],
      Tags: [{ Key: "team", Value: "pay" }],
    });
    expect(first?.AssumeRolePolicyDocument).not.toMatch(/[ "{&<'(*]/);
    expect(decodeURIComponent(first?.AssumeRolePolicyDocument ?? "")).toBe(TRUST);
    expect(decodeURIComponent(first?.RolePolicyList?.[0]?.PolicyDocument ?? "")).toBe(LIST);
    const policies = all((p) => p.Policies).map((p) => [
      p.Arn,
      p.DefaultVersionId,
      p.AttachmentCount,
      decodeURIComponent(p.PolicyVersionList?.[0]?.Document ?? ""),
    ]);
    expect(policies).toEqual([
      [LIMIT, "v3", 0, LIST],
      [ADMIN_POLICY, "v1", 2, ALL],
    ]);
  });

  test("filters by kind", async () => {
    const client = new IAMClient(config(await start(lines)));
    const seen: string[] = [];
    const pages = paginateGetAccountAuthorizationDetails(
      { client, pageSize: 1000 },
      { Filter: ["Group", "User"] },
    );
    for await (const p of pages) {
      seen.push(
        ...(p.UserDetailList ?? []).map((u) => u.Arn ?? ""),
        ...(p.GroupDetailList ?? []).map((g) => g.Arn ?? ""),
      );
      expect([p.RoleDetailList, p.Policies]).toEqual([[], []]);
    }
    expect(seen).toEqual([ANN, `arn:aws:iam::${OWNER}:group/admins`]);
  });

  test("shows roles, their policies, policy versions and the account's alias", async () => {
    const client = new IAMClient(config(await start(lines)));
    const names: string[] = [];
    for await (const p of paginateListRoles({ client }, { PathPrefix: "/app/" })) {
      names.push(...(p.Roles ?? []).map((r) => r.RoleName ?? ""));
    }
    expect(names).toHaveLength(130);
    const RoleName = "role-000";
    const { Role } = await client.send(new GetRoleCommand({ RoleName }));
    expect([Role?.MaxSessionDuration, Role?.PermissionsBoundary?.PermissionsBoundaryArn]).toEqual([
      3600,
      LIMIT,
    ]);
    const inline = await client.send(new GetRolePolicyCommand({ RoleName, PolicyName: "list" }));
    expect(decodeURIComponent(inline.PolicyDocument ?? "")).toBe(LIST);
    const attached = await client.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    expect(attached.AttachedPolicies?.map((p) => p.PolicyArn)).toEqual([ADMIN_POLICY]);
    const version = await client.send(new GetPolicyVersionCommand({ PolicyArn: LIMIT, VersionId: "v3" }));
    expect(decodeURIComponent(version.PolicyVersion?.Document ?? "")).toBe(LIST);
    expect((await client.send(new ListAccountAliasesCommand({}))).AccountAliases).toEqual(["pay-prod"]);
    await expect(client.send(new GetRoleCommand({ RoleName: "ghost" }))).rejects.toMatchObject({
      name: "NoSuchEntityException",
    });
  });

  test("answers the error that the snapshot met", async () => {
    const sandbox = await start([
      { type: "account", id: OWNER, iam: { kind: "unreadable", code: "AccessDenied" } },
    ]);
    const client = new IAMClient(config(sandbox));
    await expect(client.send(new ListAccountAliasesCommand({}))).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });
});

test("identity policies, groups and boundaries of the snapshot decide what a caller may do", async () => {
  const sandbox = await start(lines, { callers: { AKIAANNANNANNANN1234: { arn: ANN } } });
  const kms = new KMSClient(config(sandbox, "AKIAANNANNANNANN1234"));
  expect((await kms.send(new ListKeysCommand({}))).Keys).toHaveLength(1);
  // Her group allows it, her boundary does not.
  await expect(kms.send(new DescribeKeyCommand({ KeyId: keyId(1) }))).rejects.toMatchObject({
    name: "AccessDeniedException",
  });
});
