import {
  CreateRoleCommand,
  GetAccountAuthorizationDetailsCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import {
  AttachPolicyCommand,
  CreateOrganizationCommand,
  CreateOrganizationalUnitCommand,
  CreatePolicyCommand,
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  EnablePolicyTypeCommand,
  ListAccountsCommand,
  ListOrganizationalUnitsForParentCommand,
  ListParentsCommand,
  ListPoliciesForTargetCommand,
  ListRootsCommand,
  ListTargetsForPolicyCommand,
  OrganizationsClient,
} from "@aws-sdk/client-organizations";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";

/** The account that moto gives to every access key. */
const ACCOUNT = "123456789012";
const endpoint = process.env["KEYWARD_TEST_MOTO"] ?? "";
const config = (url: string) => ({
  endpoint: url,
  region: "us-east-1",
  credentials: { accessKeyId: `AKIA${ACCOUNT}`, secretAccessKey: "any" },
});
const DENY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "s3:*", Resource: "*" }],
});
const TRUST = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "sts:AssumeRole" },
  ],
});
const SCP = "SERVICE_CONTROL_POLICY";

let sandbox: Sandbox;
afterAll(() => sandbox.close());
const made = { root: "", unit: "", policy: "" };

/** Makes the same small organization and role in moto and, as a snapshot, in the sandbox. */
beforeAll(async () => {
  const org = new OrganizationsClient(config(endpoint));
  const { Organization } = await org.send(new CreateOrganizationCommand({ FeatureSet: "ALL" }));
  made.root = (await org.send(new ListRootsCommand({}))).Roots?.[0]?.Id ?? "";
  const unit = await org.send(new CreateOrganizationalUnitCommand({ ParentId: made.root, Name: "prod" }));
  made.unit = unit.OrganizationalUnit?.Id ?? "";
  await org.send(new EnablePolicyTypeCommand({ RootId: made.root, PolicyType: SCP }));
  const policy = await org.send(
    new CreatePolicyCommand({ Name: "no-s3", Description: "", Type: SCP, Content: DENY }),
  );
  made.policy = policy.Policy?.PolicySummary?.Id ?? "";
  await org.send(new AttachPolicyCommand({ PolicyId: made.policy, TargetId: made.unit }));
  const iam = new IAMClient(config(endpoint));
  await iam.send(new CreateRoleCommand({ RoleName: "app", AssumeRolePolicyDocument: TRUST }));
  await iam.send(new PutRolePolicyCommand({ RoleName: "app", PolicyName: "p", PolicyDocument: DENY }));

  const id = Organization?.Id ?? "";
  const path = `${id}/${made.root}/`;
  const snapshot: SnapshotLine[] = [
    {
      type: "organization",
      id,
      managementAccountId: ACCOUNT,
      accounts: [{ id: ACCOUNT, name: "master", path }],
      units: [{ id: made.unit, name: "prod", path: `${path}${made.unit}/` }],
    },
    { type: "service-control-policy", target: made.unit, id: made.policy, name: "no-s3", text: DENY },
    {
      type: "role",
      arn: `arn:aws:iam::${ACCOUNT}:role/app`,
      trustPolicy: { kind: "present", text: TRUST },
      inlinePolicies: [{ name: "p", text: DENY }],
    },
  ];
  sandbox = await startSandbox({ snapshot });
});

/** The members of an answer with the types of their values: what a client can rely on finding. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (value instanceof Date) return "date";
  if (typeof value !== "object" || value === null) return typeof value;
  const members = Object.entries(value).filter(([name, v]) => name !== "$metadata" && v !== undefined);
  return Object.fromEntries(members.map(([name, v]) => [name, shape(v)]));
}

/** Paths of members that `a` has and `b` lacks, or has with another type. */
function lacking(a: unknown, b: unknown, path = ""): string[] {
  if (Array.isArray(a))
    return a.length === 0 ? [] : lacking(a[0], Array.isArray(b) ? b[0] : undefined, `${path}[]`);
  if (typeof a !== "object" || a === null) return a === b ? [] : [path];
  if (typeof b !== "object" || b === null) return [path];
  const other = b as Readonly<Record<string, unknown>>;
  return Object.entries(a).flatMap(([name, v]) => lacking(v, other[name], `${path}.${name}`));
}

const organizations: readonly [string, (client: OrganizationsClient) => Promise<unknown>][] = [
  ["DescribeOrganization", (c) => c.send(new DescribeOrganizationCommand({}))],
  ["ListRoots", (c) => c.send(new ListRootsCommand({}))],
  ["ListAccounts", (c) => c.send(new ListAccountsCommand({}))],
  [
    "ListOrganizationalUnitsForParent",
    (c) => c.send(new ListOrganizationalUnitsForParentCommand({ ParentId: made.root })),
  ],
  ["ListParents", (c) => c.send(new ListParentsCommand({ ChildId: made.unit }))],
  [
    "ListPoliciesForTarget",
    (c) => c.send(new ListPoliciesForTargetCommand({ TargetId: made.unit, Filter: SCP })),
  ],
  ["ListTargetsForPolicy", (c) => c.send(new ListTargetsForPolicyCommand({ PolicyId: made.policy }))],
  ["DescribePolicy", (c) => c.send(new DescribePolicyCommand({ PolicyId: made.policy }))],
];
it.each(organizations)("the sandbox answers %s with whatever moto answers it with", async (_name, ask) => {
  const moto = shape(await ask(new OrganizationsClient(config(endpoint))));
  const own = shape(await ask(new OrganizationsClient(config(sandbox.url))));
  expect(lacking(moto, own)).toEqual([]);
});

it("so it does with the roles of an account and with AssumeRole", async () => {
  const details = async (url: string) => {
    const client = new IAMClient(config(url));
    const answer = await client.send(new GetAccountAuthorizationDetailsCommand({ Filter: ["Role"] }));
    return answer.RoleDetailList?.find((r) => r.RoleName === "app");
  };
  const [moto, own] = [await details(endpoint), await details(sandbox.url)];
  expect(lacking(shape(moto), shape(own))).toEqual([]);
  const text = (encoded: string | undefined): unknown => JSON.parse(decodeURIComponent(encoded ?? "null"));
  expect(text(own?.AssumeRolePolicyDocument)).toEqual(text(moto?.AssumeRolePolicyDocument));
  expect(text(own?.RolePolicyList?.[0]?.PolicyDocument)).toEqual(
    text(moto?.RolePolicyList?.[0]?.PolicyDocument),
  );
  const assume = async (url: string) => {
    const RoleArn = `arn:aws:iam::${ACCOUNT}:role/app`;
    const sts = new STSClient(config(url));
    return sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "test", Policy: DENY }));
  };
  expect(lacking(shape(await assume(endpoint)), shape(await assume(sandbox.url)))).toEqual([]);
});
