import {
  CreateGrantCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListGrantsCommand,
  ListKeysCommand,
  PutKeyPolicyCommand,
} from "@aws-sdk/client-kms";
import { OrganizationsClient, paginateListAccounts } from "@aws-sdk/client-organizations";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, describe, expect, test } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/index.js";
import {
  MEMBER,
  OWNER,
  REGION,
  allow,
  keyArn,
  keyId,
  keyLine,
  policy,
  rootStatement,
} from "../sandbox/harness.js";

const running: Sandbox[] = [];
const bugs: unknown[] = [];
async function start(options: SandboxOptions): Promise<Sandbox> {
  const sandbox = await startSandbox({ onBug: (e) => bugs.push(e), ...options });
  running.push(sandbox);
  return sandbox;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((s) => s.close()));
  expect(bugs.splice(0)).toEqual([]);
});
function config(sandbox: Sandbox, region = REGION, maxAttempts = 1) {
  const credentials = { accessKeyId: `AKIA${OWNER}`, secretAccessKey: "any" };
  return { endpoint: sandbox.url, region, credentials, maxAttempts };
}
const kms = (sandbox: Sandbox, region?: string, maxAttempts?: number) =>
  new KMSClient(config(sandbox, region, maxAttempts));
const post = (sandbox: Sandbox, page: string, body: unknown, type = "application/json") =>
  fetch(`${sandbox.url}/_sandbox/${page}`, {
    method: "POST",
    headers: { "content-type": type },
    body: JSON.stringify(body),
  });
const changed = policy(rootStatement(), allow({ AWS: `arn:aws:iam::${MEMBER}:root` }, "kms:Decrypt"));
const put = (client: KMSClient, Policy = changed) =>
  client.send(new PutKeyPolicyCommand({ KeyId: keyId(1), Policy }));
const get = async (client: KMSClient) =>
  (await client.send(new GetKeyPolicyCommand({ KeyId: keyId(1) }))).Policy;

describe("faults that come after the work was done", () => {
  test.each([
    ["after-500", { name: "InternalFailure", $metadata: { httpStatusCode: 500 } }],
    ["after-reset", { code: "ECONNRESET" }],
  ])("%s: the policy is changed, the caller does not know", async (what, error) => {
    const sandbox = await start({ snapshot: [keyLine(1)], faults: [`PutKeyPolicy=${what}#1`] });
    const client = kms(sandbox);
    await expect(put(client)).rejects.toMatchObject(error);
    expect(await get(client)).toBe(changed);
    await put(client, policy(rootStatement()));
  });

  test("500 before it: nothing is changed", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)], faults: ["PutKeyPolicy=500#1"] });
    await expect(put(kms(sandbox))).rejects.toMatchObject({ name: "InternalFailure" });
    expect(await get(kms(sandbox))).toBe(policy(rootStatement()));
  });

  test("truncate: half an answer is no answer", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)], faults: ["GetKeyPolicy=truncate#1"] });
    await expect(get(kms(sandbox))).rejects.toThrow();
    expect(sandbox.stats().operations["kms:GetKeyPolicy"]?.errors).toEqual({ truncate: 1 });
    expect(await get(kms(sandbox))).toBe(policy(rootStatement()));
  });
});

test("somebody else changes the policy between two calls", async () => {
  const sandbox = await start({
    snapshot: [keyLine(1), keyLine(2)],
    faults: [`GetKeyPolicy=meddle#1@${keyArn(1)}`],
  });
  const client = kms(sandbox);
  expect(await get(client)).toBe(policy(rootStatement()));
  const after = JSON.parse((await get(client)) ?? "") as { Statement: { Sid?: string }[] };
  expect(after.Statement.map((s) => s.Sid)).toEqual(["root", "SomebodyElse2"]);
  expect(await get(client)).toBe(JSON.stringify(after, undefined, 2));
});

test("reads of one key are stale, of the others not; they catch up", async () => {
  let now = Date.now();
  const sandbox = await start({
    snapshot: [keyLine(1), keyLine(2)],
    now: () => now,
    faults: [`*=stale-5000@${keyArn(1)}`],
  });
  const client = kms(sandbox);
  const grants = async (key: number) =>
    (await client.send(new ListGrantsCommand({ KeyId: keyId(key) }))).Grants?.length;
  for (const key of [1, 2]) {
    await client.send(new PutKeyPolicyCommand({ KeyId: keyId(key), Policy: changed }));
    const GranteePrincipal = `arn:aws:iam::${MEMBER}:role/app`;
    await client.send(
      new CreateGrantCommand({ KeyId: keyId(key), GranteePrincipal, Operations: ["Decrypt"] }),
    );
  }
  now += 4999;
  expect([await get(client), await grants(1), await grants(2)]).toEqual([policy(rootStatement()), 0, 1]);
  now += 1;
  expect([await get(client), await grants(1)]).toEqual([changed, 1]);
});

test("an expired token strikes in the middle of a run", async () => {
  const sandbox = await start({ snapshot: [keyLine(1)], faults: ["ListKeys=ExpiredTokenException#1"] });
  const client = kms(sandbox);
  await expect(client.send(new ListKeysCommand({}))).rejects.toMatchObject({ name: "ExpiredTokenException" });
  expect((await client.send(new ListKeysCommand({}))).Keys).toHaveLength(1);
});

test("a slow Region is slow, and only it", async () => {
  const other = keyLine(1, { arn: keyArn(1, OWNER, "eu-west-1") });
  const sandbox = await start({ snapshot: [keyLine(1), other], faults: [`slow-60000@${OWNER}/eu-west-1`] });
  const slow = kms(sandbox, "eu-west-1")
    .send(new ListKeysCommand({}))
    .catch(() => "ended");
  expect((await kms(sandbox).send(new ListKeysCommand({}))).Keys).toHaveLength(1);
  await sandbox.close();
  expect(await slow).toBe("ended");
});

describe("pages that change the sandbox", () => {
  test("faults can be replaced while it runs", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)] });
    expect((await post(sandbox, "faults", ["ListKeys=AccessDeniedException"])).status).toBe(200);
    await expect(kms(sandbox).send(new ListKeysCommand({}))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    sandbox.setFaults([]);
    await kms(sandbox).send(new ListKeysCommand({}));
  });

  test.each<[string, unknown, string, number]>([
    ["faults", ["nonsense"], "application/json", 400],
    ["faults", ["stale-1"], "application/json", 400],
    ["faults", { a: 1 }, "application/json", 400],
    ["faults", [], "text/plain", 415],
    ["deleted-principals", ["arn:aws:iam::aws:policy/x"], "application/json", 400],
  ])("%s refuses %j as %s", async (page, body, type, status) => {
    const sandbox = await start({});
    expect((await post(sandbox, page, body, type)).status).toBe(status);
  });
});

test("a deleted role: policies show its id, PutKeyPolicy refuses its name, its sessions end", async () => {
  const role = `arn:aws:iam::${MEMBER}:role/app`;
  const text = `{ "Version": "2012-10-17",  "Statement": [
    ${JSON.stringify(rootStatement())},
    {"Sid": "${role}", "Effect": "Allow", "Principal": {"AWS": ["${role}", "arn:aws:iam::${MEMBER}:role/app2"]},
     "Action": "kms:Decrypt", "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "${role}"}}}]}`;
  const sandbox = await start({
    snapshot: [
      keyLine(1, { policy: { kind: "present", text } }),
      { type: "role", arn: role, id: "AROAAPP00000000000001" },
    ],
  });
  const client = kms(sandbox);
  const { Credentials } = await new STSClient({
    ...config(sandbox),
    credentials: { accessKeyId: `AKIA${MEMBER}`, secretAccessKey: "any" },
  }).send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "test" }));
  const session = new STSClient({
    ...config(sandbox),
    credentials: {
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    },
  });
  await session.send(new GetCallerIdentityCommand({}));

  const answer = await post(sandbox, "deleted-principals", [role]);
  expect(await answer.json()).toEqual({ [role]: "AROAAPP00000000000001" });
  expect(await get(client)).toBe(text.replace(`["${role}"`, '["AROAAPP00000000000001"'));
  for (const refused of [text, await get(client)]) {
    await expect(put(client, refused)).rejects.toMatchObject({ name: "MalformedPolicyDocumentException" });
  }
  await expect(session.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: "InvalidClientTokenId",
  });
});

test("quotas: each account and Region for itself, Organizations with its own; the statistics tell", async () => {
  let now = 1_800_000_000_000;
  const other = keyLine(1, { arn: keyArn(1, OWNER, "eu-west-1") });
  const sandbox = await start({
    snapshot: [{ type: "organization", id: "o-own1234567", managementAccountId: OWNER }, keyLine(1), other],
    quotas: { "kms:DescribeKey": 3 },
    now: () => now,
  });
  const describeKey = (region: string) =>
    kms(sandbox, region)
      .send(new DescribeKeyCommand({ KeyId: keyId(1) }))
      .then(
        () => "ok",
        (error: unknown) => (error instanceof Error ? error.name : ""),
      );
  const many = async (region: string) => {
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) seen.push(await describeKey(region));
    return seen;
  };
  const limited = ["ok", "ok", "ok", "ThrottlingException", "ThrottlingException"];
  expect(await many(REGION)).toEqual(limited);
  expect(await many("eu-west-1")).toEqual(limited);
  now += 1000;
  expect(await many(REGION)).toEqual(limited);
  const client = new OrganizationsClient(config(sandbox));
  const list = async () => {
    for await (const page of paginateListAccounts({ client }, {})) expect(page.Accounts).toHaveLength(1);
  };
  for (let i = 0; i < 12; i++) await list();
  await expect(list()).rejects.toMatchObject({ name: "TooManyRequestsException" });
  const { throttled, places } = sandbox.stats();
  expect(throttled).toBe(7);
  expect(places[`${OWNER}/eu-west-1`]).toEqual({
    requests: 5,
    throttled: 2,
    operations: { "kms:DescribeKey": 5 },
  });
  expect(places[`${OWNER}/${REGION}`]?.operations).toEqual({
    "kms:DescribeKey": 10,
    "organizations:ListAccounts": 13,
  });
});
