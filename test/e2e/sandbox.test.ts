import { request } from "node:http";
import { AccountClient, ListRegionsCommand } from "@aws-sdk/client-account";
import { DescribeRegionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  CreateGrantCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GetKeyLastUsageCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListGrantsCommand,
  ListKeysCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RevokeGrantCommand,
  TagResourceCommand,
  paginateListAliases,
  paginateListGrants,
  paginateListKeyPolicies,
  paginateListKeys,
  paginateListResourceTags,
  paginateListRetirableGrants,
} from "@aws-sdk/client-kms";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, describe, expect, test } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import { readSnapshot } from "../../src/snapshot/read.js";
import {
  ADMIN,
  MEMBER,
  MEMBER_ADMIN,
  ORGANIZATION,
  OWNER,
  REGION,
  STRANGER,
  STRANGER_ADMIN,
  allow,
  keyArn,
  keyId,
  keyLine,
  policy,
  rootStatement,
} from "../sandbox/harness.js";

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const running: Sandbox[] = [];
const bugs: unknown[] = [];

/** Starts a sandbox that ends with the test; bugs in it fail the test. */
async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ account: OWNER, onBug: (error) => bugs.push(error), ...options });
  running.push(sandbox);
  return sandbox;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
  expect(bugs.splice(0)).toEqual([]);
});

function config(sandbox: Sandbox, who: string | Keys, region = REGION) {
  const credentials = typeof who === "string" ? { accessKeyId: who, secretAccessKey: "any" } : who;
  return { endpoint: sandbox.url, region, credentials, maxAttempts: 1 };
}

function kms(
  sandbox: Sandbox,
  who: string | Keys = ADMIN,
  more: { readonly maxAttempts?: number } = {},
): KMSClient {
  return new KMSClient({ ...config(sandbox, who), ...more });
}

const secret = new TextEncoder().encode("secret");
const APP = `arn:aws:iam::${STRANGER}:role/app`;

async function collect<P, T>(pages: AsyncIterable<P>, items: (page: P) => readonly T[] | undefined) {
  const all: T[] = [];
  let count = 0;
  for await (const page of pages) {
    count += 1;
    all.push(...(items(page) ?? []));
  }
  return { all, count };
}

describe("every list comes in pages, and none is lost between them", () => {
  const many = 130;
  const numbers = Array.from({ length: many }, (_, i) => i + 1);

  test("keys, aliases, policies, tags, grants and retirable grants", async () => {
    const items = numbers.map((n) => ({
      GrantId: `grant-${String(n).padStart(3, "0")}`,
      GranteePrincipal: APP,
      RetiringPrincipal: `arn:aws:iam::${OWNER}:role/retirer`,
      IssuingAccount: `arn:aws:iam::${OWNER}:root`,
      Operations: ["Decrypt"],
    }));
    const snapshot: SnapshotLine[] = numbers.map((n) =>
      keyLine(n, {
        aliases: [`alias/key-${String(n).padStart(3, "0")}`],
        ...(n === 1 ? { grants: { kind: "present", items } } : {}),
      }),
    );
    const sandbox = await start({ snapshot });
    const client = kms(sandbox);
    const key = keyId(1);
    const Tags = numbers.slice(0, 50).map((n) => ({ TagKey: `tag-${n}`, TagValue: String(n) }));
    await client.send(new TagResourceCommand({ KeyId: key, Tags }));

    const keys = await collect(paginateListKeys({ client, pageSize: 40 }, {}), (p) => p.Keys);
    expect(keys.count).toBe(4);
    expect(keys.all.map((k) => k.KeyArn)).toEqual(numbers.map((n) => keyArn(n)));

    const keysByDefault = await collect(paginateListKeys({ client }, {}), (p) => p.Keys);
    expect(keysByDefault.count).toBe(2);

    const aliases = await collect(paginateListAliases({ client }, {}), (p) => p.Aliases);
    expect(aliases.count).toBe(3);
    expect(new Set(aliases.all.map((a) => a.AliasName)).size).toBe(many);

    const grants = await collect(paginateListGrants({ client }, { KeyId: key }), (p) => p.Grants);
    expect(grants.count).toBe(3);
    expect(grants.all.map((g) => g.GrantId)).toEqual(items.map((g) => g.GrantId));

    const RetiringPrincipal = `arn:aws:iam::${OWNER}:role/retirer`;
    const retirable = await collect(
      paginateListRetirableGrants({ client, pageSize: 100 }, { RetiringPrincipal }),
      (p) => p.Grants,
    );
    expect([retirable.count, retirable.all.length]).toEqual([2, many]);

    const tags = await collect(
      paginateListResourceTags({ client, pageSize: 7 }, { KeyId: key }),
      (p) => p.Tags,
    );
    expect(tags.count).toBe(8);
    expect(new Map(tags.all.map((t) => [t.TagKey, t.TagValue]))).toEqual(
      new Map(Tags.map((t) => [t.TagKey, t.TagValue])),
    );

    const policies = await collect(paginateListKeyPolicies({ client }, { KeyId: key }), (p) => p.PolicyNames);
    expect(policies.all).toEqual(["default"]);
  });

  test("limits above the maximum and invented markers are refused", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)] });
    const client = kms(sandbox);
    await expect(client.send(new ListGrantsCommand({ KeyId: keyId(1), Limit: 101 }))).rejects.toMatchObject({
      name: "ValidationException",
    });
    await expect(client.send(new ListKeysCommand({ Marker: "made-up" }))).rejects.toMatchObject({
      name: "InvalidMarkerException",
    });
  });
});

describe("access across accounts", () => {
  test("Decrypt is open to the account that the policy names, and to nobody else", async () => {
    const named = allow({ AWS: `arn:aws:iam::${STRANGER}:root` }, ["kms:Decrypt"]);
    const sandbox = await start({
      snapshot: [
        ORGANIZATION,
        keyLine(1, { policy: { kind: "present", text: policy(rootStatement(), named) } }),
      ],
    });
    const { CiphertextBlob } = await kms(sandbox).send(
      new EncryptCommand({ KeyId: keyId(1), Plaintext: secret, EncryptionContext: { app: "x" } }),
    );
    const decrypt = new DecryptCommand({ CiphertextBlob, EncryptionContext: { app: "x" } });
    const opened = await kms(sandbox, STRANGER_ADMIN).send(decrypt);
    expect(new TextDecoder().decode(opened.Plaintext)).toBe("secret");
    expect(opened.KeyId).toBe(keyArn(1));
    const member = kms(sandbox, MEMBER_ADMIN);
    await expect(member.send(decrypt)).rejects.toMatchObject({ name: "AccessDeniedException" });
    await expect(member.send(decrypt)).rejects.toThrow(
      `arn:aws:iam::${MEMBER}:user/admin is not authorized to perform: kms:Decrypt`,
    );
  });

  test("a grant opens and its revocation closes", async () => {
    const sandbox = await start({ snapshot: [ORGANIZATION, keyLine(1)] });
    const owner = kms(sandbox);
    const stranger = kms(sandbox, STRANGER_ADMIN);
    const GranteePrincipal = `arn:aws:iam::${STRANGER}:user/admin`;
    const describeKey = new DescribeKeyCommand({ KeyId: keyArn(1) });
    await expect(stranger.send(describeKey)).rejects.toMatchObject({ name: "AccessDeniedException" });
    const { GrantId, GrantToken } = await owner.send(
      new CreateGrantCommand({ KeyId: keyId(1), GranteePrincipal, Operations: ["DescribeKey", "Encrypt"] }),
    );
    expect((await stranger.send(describeKey)).KeyMetadata?.Arn).toBe(keyArn(1));
    await stranger.send(
      new EncryptCommand({ KeyId: keyArn(1), Plaintext: secret, GrantTokens: [GrantToken ?? ""] }),
    );
    const listed = await owner.send(new ListGrantsCommand({ KeyId: keyId(1), GranteePrincipal }));
    expect(listed.Grants).toMatchObject([
      { GrantId, Operations: ["DescribeKey", "Encrypt"], KeyId: keyArn(1) },
    ]);
    expect(listed.Grants?.[0]?.CreationDate).toBeInstanceOf(Date);
    await owner.send(new RevokeGrantCommand({ KeyId: keyId(1), GrantId }));
    await expect(stranger.send(describeKey)).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  test("ReEncrypt moves ciphertext to a key of another account", async () => {
    const mine = keyArn(2, STRANGER);
    const from = allow({ AWS: `arn:aws:iam::${STRANGER}:root` }, "kms:ReEncryptFrom");
    const sandbox = await start({
      snapshot: [
        keyLine(1, { policy: { kind: "present", text: policy(rootStatement(), from) } }),
        { ...keyLine(2), arn: mine, policy: { kind: "present", text: policy(rootStatement(STRANGER)) } },
      ],
    });
    const { CiphertextBlob } = await kms(sandbox).send(
      new EncryptCommand({ KeyId: keyId(1), Plaintext: secret }),
    );
    const stranger = kms(sandbox, STRANGER_ADMIN);
    await expect(stranger.send(new DecryptCommand({ CiphertextBlob }))).rejects.toThrow("kms:Decrypt");
    const moved = await stranger.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: mine }));
    const read = await stranger.send(new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob }));
    expect(new TextDecoder().decode(read.Plaintext)).toBe("secret");
  });

  test("AssumeRole in one account, and from there in the next", async () => {
    const sandbox = await start({
      snapshot: [
        ORGANIZATION,
        {
          ...keyLine(1),
          arn: keyArn(1, MEMBER),
          policy: { kind: "present", text: policy(rootStatement(MEMBER)) },
        },
      ],
      callers: { [`arn:aws:iam::${MEMBER}:role/audit`]: { trust: [`arn:aws:iam::${OWNER}:role/hub`] } },
    });
    const assume = async (role: string, who: string | Keys): Promise<Keys> => {
      const sts = new STSClient(config(sandbox, who));
      const { Credentials } = await sts.send(
        new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "audit" }),
      );
      expect(Credentials?.Expiration?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
      return {
        accessKeyId: Credentials?.AccessKeyId ?? "",
        secretAccessKey: Credentials?.SecretAccessKey ?? "",
        sessionToken: Credentials?.SessionToken ?? "",
      };
    };
    const audit = `arn:aws:iam::${MEMBER}:role/audit`;
    await expect(assume(audit, ADMIN)).rejects.toMatchObject({ name: "AccessDenied" });
    const hub = await assume(`arn:aws:iam::${OWNER}:role/hub`, ADMIN);
    const spoke = await assume(audit, hub);
    const me = await new STSClient(config(sandbox, spoke)).send(new GetCallerIdentityCommand({}));
    expect(me).toMatchObject({ Account: MEMBER, Arn: `arn:aws:sts::${MEMBER}:assumed-role/audit/audit` });
    const listed = await kms(sandbox, spoke).send(new ListKeysCommand({}));
    expect(listed.Keys).toEqual([{ KeyId: keyId(1), KeyArn: keyArn(1, MEMBER) }]);
    const stolen = { accessKeyId: spoke.accessKeyId, secretAccessKey: spoke.secretAccessKey };
    await expect(kms(sandbox, stolen).send(new ListKeysCommand({}))).rejects.toMatchObject({
      name: "UnrecognizedClientException",
    });
  });
});

describe("changing a key", () => {
  test("a policy that would lock the caller out is refused", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)] });
    const client = kms(sandbox);
    const Policy = policy(allow({ AWS: `arn:aws:iam::${OWNER}:role/other` }, "kms:*"));
    const put = (bypass: boolean) =>
      client.send(
        new PutKeyPolicyCommand({ KeyId: keyId(1), Policy, BypassPolicyLockoutSafetyCheck: bypass }),
      );
    await expect(put(false)).rejects.toMatchObject({
      name: "MalformedPolicyDocumentException",
      message: "The new key policy will not allow you to update the key policy in the future.",
    });
    await put(true);
    await expect(client.send(new GetKeyPolicyCommand({ KeyId: keyId(1) }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });

  test("a disabled key says so", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)] });
    const client = kms(sandbox);
    await client.send(new DisableKeyCommand({ KeyId: keyId(1) }));
    await expect(
      client.send(new EncryptCommand({ KeyId: keyId(1), Plaintext: secret })),
    ).rejects.toMatchObject({
      name: "DisabledException",
    });
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: keyId(1) }));
    expect(KeyMetadata).toMatchObject({ Enabled: false, KeyState: "Disabled" });
  });

  test("reads are stale for as long as was asked for", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)], staleMs: 400 });
    const client = kms(sandbox);
    const read = async () => (await client.send(new GetKeyPolicyCommand({ KeyId: keyId(1) }))).Policy;
    const before = await read();
    const Policy = policy(rootStatement(), allow("*", "kms:DescribeKey"));
    await client.send(new PutKeyPolicyCommand({ KeyId: keyId(1), Policy }));
    expect(await read()).toBe(before);
    await expect.poll(read, { timeout: 3000, interval: 50 }).toBe(Policy);
  });

  test("dates and usage come through", async () => {
    const sandbox = await start({
      snapshot: [
        keyLine(1, {
          createdAt: "2024-05-01T00:00:00Z",
          lastUsedAt: "2026-11-01T12:00:00Z",
          rotationEnabled: true,
        }),
      ],
    });
    const client = kms(sandbox);
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: keyId(1) }));
    expect(KeyMetadata?.CreationDate?.toISOString()).toBe("2024-05-01T00:00:00.000Z");
    const usage = await client.send(new GetKeyLastUsageCommand({ KeyId: keyId(1) }));
    expect(usage.KeyLastUsage?.Timestamp?.toISOString()).toBe("2026-11-01T12:00:00.000Z");
    expect(await client.send(new GetKeyRotationStatusCommand({ KeyId: keyId(1) }))).toMatchObject({
      KeyRotationEnabled: true,
    });
  });
});

describe("trouble", () => {
  test("above the quota, KMS throttles, and the SDK's retries get through", async () => {
    const sandbox = await start({ snapshot: [keyLine(1)], quotas: true });
    const hasty = kms(sandbox);
    const enough = 15;
    const asked = Array.from({ length: enough }, () =>
      hasty.send(new GetKeyLastUsageCommand({ KeyId: keyId(1) })).then(
        () => "ok",
        (error: unknown) => (error instanceof Error ? error.name : ""),
      ),
    );
    const results = await Promise.all(asked);
    expect(results.filter((r) => r === "ok").length).toBeGreaterThanOrEqual(5);
    expect(results).toContain("ThrottlingException");
    const patient = kms(sandbox, ADMIN, { maxAttempts: 10 });
    await patient.send(new GetKeyLastUsageCommand({ KeyId: keyId(1) }));
  });

  test("faults: a denied key, a broken server, cut connections", async () => {
    const sandbox = await start({
      snapshot: [keyLine(1), keyLine(2)],
      faults: [`GetKeyPolicy=AccessDeniedException@${keyArn(1)}`, "ListGrants=500:0.5", "ListKeys=reset:0.5"],
      seed: 3,
    });
    const once = kms(sandbox);
    await expect(once.send(new GetKeyPolicyCommand({ KeyId: keyId(1) }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    await once.send(new GetKeyPolicyCommand({ KeyId: keyId(2) }));
    const patient = kms(sandbox, ADMIN, { maxAttempts: 12 });
    for (let i = 0; i < 8; i++) {
      await patient.send(new ListGrantsCommand({ KeyId: keyId(1) }));
      await patient.send(new ListKeysCommand({}));
    }
    const { operations } = sandbox.stats();
    expect(operations["kms:ListGrants"]?.errors["InternalFailure"]).toBeGreaterThan(0);
    expect(operations["kms:ListKeys"]?.errors["reset"]).toBeGreaterThan(0);
    expect(operations["kms:ListKeys"]?.succeeded).toBe(8);
  });

  test("latency delays, a hanging call ends with the sandbox", async () => {
    const sandbox = await start({ latencyMs: 120, faults: ["ListAliases=hang"] });
    const before = performance.now();
    await kms(sandbox).send(new ListKeysCommand({}));
    expect(performance.now() - before).toBeGreaterThanOrEqual(118);
    const hanging = collect(paginateListAliases({ client: kms(sandbox) }, {}), (p) => p.Aliases);
    const failed = expect(hanging).rejects.toThrow();
    await expect
      .poll(() => sandbox.stats().operations["kms:ListAliases"]?.errors["hang"], { timeout: 3000 })
      .toBe(1);
    await sandbox.close();
    await failed;
  });
});

describe("Regions", () => {
  test("EC2 and Account Management tell the same ones", async () => {
    const sandbox = await start({ snapshot: [{ ...keyLine(1), arn: keyArn(1, OWNER, "eu-south-2") }] });
    const ec2 = await new EC2Client(config(sandbox, ADMIN)).send(
      new DescribeRegionsCommand({ AllRegions: true }),
    );
    const account = await new AccountClient(config(sandbox, ADMIN)).send(new ListRegionsCommand({}));
    expect(ec2.Regions?.map((r) => [r.RegionName, r.OptInStatus])).toEqual([
      ["af-south-1", "not-opted-in"],
      ["eu-south-2", "opted-in"],
      ["eu-west-1", "opt-in-not-required"],
      ["us-east-1", "opt-in-not-required"],
      ["us-west-2", "opt-in-not-required"],
    ]);
    expect(account.Regions?.map((r) => r.RegionName)).toEqual(ec2.Regions?.map((r) => r.RegionName));
    const away = new KMSClient(config(sandbox, ADMIN, "af-south-1"));
    await expect(away.send(new ListKeysCommand({}))).rejects.toMatchObject({
      name: "UnrecognizedClientException",
    });
  });
});

/** One plain HTTP request. */
function http(
  sandbox: Sandbox,
  path: string,
  options: { readonly method?: string; readonly host?: string; readonly body?: string } = {},
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: sandbox.port,
        path,
        method: options.method ?? "GET",
        headers: options.host === undefined ? {} : { host: options.host },
      },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (body += chunk));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      },
    );
    sent.on("error", reject);
    sent.end(options.body);
  });
}

describe("the server", () => {
  test("counts requests, and gives its state as a snapshot that loads again", async () => {
    const sandbox = await start({
      snapshot: new URL("../../examples/estate.ndjson", import.meta.url).pathname,
    });
    const client = kms(sandbox);
    const { Keys } = await client.send(new ListKeysCommand({}));
    expect(Keys?.length).toBeGreaterThan(10);
    await client.send(new DisableKeyCommand({ KeyId: "0001a1b2-3c4d-4e5f-8a01-000000000001" }));
    const stats = JSON.parse((await http(sandbox, "/_sandbox/stats")).body) as object;
    expect(stats).toMatchObject({
      requests: 2,
      operations: { "kms:ListKeys": { requests: 1, succeeded: 1, errors: {} } },
    });
    const text = (await http(sandbox, "/_sandbox/snapshot")).body;
    const { Readable } = await import("node:stream");
    const lines = await collect(readSnapshot(Readable.from([Buffer.from(text)]), "copy"), (line) => [line]);
    const disabled = lines.all.find((l) => l.type === "key" && l.arn.includes("0001a1b2"));
    expect(disabled).toMatchObject({ state: "Disabled" });
    expect(lines.all.filter((l) => l.type === "key")).toHaveLength(sandbox.keys);
  });

  test("answers loopback names only", async () => {
    const sandbox = await start();
    for (const host of [`127.0.0.1:${sandbox.port}`, "localhost", "LOCALHOST:80", "[::1]:1"]) {
      expect([host, (await http(sandbox, "/_sandbox/stats", { host })).status]).toEqual([host, 200]);
    }
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example:80",
      "169.254.169.254",
    ]) {
      for (const path of ["/_sandbox/stats", "/_sandbox/snapshot", "/"]) {
        expect([host, path, (await http(sandbox, path, { host })).status]).toEqual([host, path, 403]);
      }
    }
  });

  test("refuses bodies without end, and lives on", async () => {
    const sandbox = await start();
    const sent = http(sandbox, "/", { method: "POST", body: "x".repeat(3 * 1024 * 1024) }).then(
      (answer) => answer.status,
      // The server may cut the connection before the client has sent everything.
      () => 413,
    );
    expect(await sent).toBe(413);
    expect((await http(sandbox, "/nothing")).status).toBe(404);
    expect((await http(sandbox, "/_sandbox/stats", { method: "POST" })).status).toBe(405);
    expect((await http(sandbox, "/_sandbox/other")).status).toBe(404);
    await kms(sandbox).send(new ListKeysCommand({}));
  });

  test("a port that is taken is a message", async () => {
    const sandbox = await start();
    await expect(startSandbox({ port: sandbox.port })).rejects.toThrow(
      /the sandbox cannot listen[\s\S]*EADDRINUSE/,
    );
  });
});
