import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Sandbox, SandboxOptions } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import type { CliResult } from "../cli.js";
import { setApart } from "../disabled-regions.js";
import { startCli } from "../cli.js";
import type { Report } from "../scan-estate.js";

const OWN = "111122223333";
const APP = "333344445555";
const KEYS = { AWS_ACCESS_KEY_ID: "AKIAAUDITOR000000001", AWS_SECRET_ACCESS_KEY: "any" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-credentials-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A key with the policy that AWS gives it. */
function key(account: string, region: string, partition = "aws"): SnapshotLine {
  const own = { AWS: `arn:${partition}:iam::${account}:root` };
  const Statement = [{ Effect: "Allow", Principal: own, Action: "kms:*", Resource: "*" }];
  return {
    type: "key",
    arn: `arn:${partition}:kms:${region}:${account}:key/00000001-2222-4333-8444-555555555555`,
    manager: "CUSTOMER",
    state: "Enabled",
    aliases: [],
    policy: { kind: "present", text: JSON.stringify({ Version: "2012-10-17", Statement }) },
    grants: { kind: "present", items: [] },
  };
}

async function sandboxWith(
  lines: readonly SnapshotLine[],
  callers: SandboxOptions["callers"],
): Promise<Sandbox> {
  const sandbox = await startSandbox({ snapshot: lines, callers, onlyCallers: true });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** A server on loopback that notes the requests it gets. */
async function server(
  answer: (path: string, headers: Record<string, unknown>) => unknown,
  tunnelStatus = 403,
): Promise<{
  readonly url: string;
  readonly paths: readonly string[];
  readonly tunnels: readonly string[];
}> {
  const paths: string[] = [];
  const tunnels: string[] = [];
  const made = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.setHeader("content-type", "application/json");
    void Promise.resolve(answer(request.url ?? "", request.headers)).then((body) => {
      response.end(JSON.stringify(body));
    });
  });
  made.on("connect", (request, socket) => {
    tunnels.push(request.url ?? "");
    socket.end(`HTTP/1.1 ${tunnelStatus} Refused\r\n\r\n`);
  });
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    made.closeAllConnections();
    made.close();
  });
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, paths, tunnels };
}

const scan = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CliResult> =>
  startCli(["scan", "--format", "json", "--no-iam", ...args], folder, env).done;

function reportOf(result: CliResult): Report {
  if (result.stdout === "") throw new Error(`no report; stderr: ${result.stderr}`);
  return setApart(JSON.parse(result.stdout) as Report);
}
const arns = (result: CliResult): readonly string[] => reportOf(result).keys.map((k) => k.arn);

describe("the partitions beside aws", () => {
  it.each([
    ["aws-cn", "cn-north-1"],
    ["aws-us-gov", "us-gov-west-1"],
  ])("%s: own account and others, through roles of the partition", async (partition, region) => {
    const auditor = `arn:${partition}:iam::${OWN}:user/auditor`;
    const sandbox = await sandboxWith([key(OWN, region, partition), key(APP, region, partition)], {
      [KEYS.AWS_ACCESS_KEY_ID]: { arn: auditor },
      [`arn:${partition}:iam::${APP}:role/Audit`]: { trust: [auditor] },
    });
    const env = { ...KEYS, AWS_REGION: region };
    const at = ["--endpoint-url", sandbox.url, "--region", region];
    const own = await scan(env, ...at);
    expect(arns(own)).toEqual([expect.stringContaining(`arn:${partition}:kms:${region}:${OWN}:key/`)]);
    expect(own.code).toBe(0);
    const other = await scan(env, ...at, "--accounts", APP, "--role", "Audit");
    expect(reportOf(other).incomplete).toEqual([]);
    expect(arns(other)).toEqual([expect.stringContaining(`arn:${partition}:kms:${region}:${APP}:key/`)]);
  });

  it.each([
    ["cn-north-1", "sts.cn-north-1.amazonaws.com.cn:443"],
    ["us-gov-west-1", "sts.us-gov-west-1.amazonaws.com:443"],
    ["eu-central-2", "sts.eu-central-2.amazonaws.com:443"],
  ])("%s: STS is asked in the Region itself, through the proxy", async (region, host) => {
    const proxy = await server(() => ({}));
    const result = await scan({ ...KEYS, AWS_REGION: region, HTTPS_PROXY: proxy.url }, "--region", region);
    expect(proxy.tunnels).toContain(host);
    expect(new Set(proxy.tunnels.map((t) => t.split(".")[1]))).toEqual(new Set([region]));
    expect(result.stderr).toMatch(/cannot be reached[\s\S]*Http403[\s\S]*next: +Something between.*NO_PROXY/);
    expect(result.code).toBe(2);
  });
});

describe("credentials", () => {
  const ROLE = `arn:aws:iam::${OWN}:role/Pipeline`;
  const roleLine = (trust: unknown): SnapshotLine => ({
    type: "role",
    arn: ROLE,
    id: "AROAPIPELINE000000001",
    trustPolicy: { kind: "present", text: JSON.stringify({ Version: "2012-10-17", Statement: trust }) },
    inlinePolicies: [
      {
        name: "reads",
        text: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Action: ["kms:*", "ec2:*"], Resource: "*" }],
        }),
      },
    ],
    attachedPolicies: [],
  });

  it("of a token of web identity, in a file", async () => {
    const provider = "token.actions.githubusercontent.com";
    const sandbox = await sandboxWith(
      [
        key(OWN, "us-east-1"),
        roleLine([
          {
            Effect: "Allow",
            Principal: { Federated: `arn:aws:iam::${OWN}:oidc-provider/${provider}` },
            Action: "sts:AssumeRoleWithWebIdentity",
            Condition: { StringEquals: { [`${provider}:sub`]: "repo:own/app" } },
          },
        ]),
      ],
      {},
    );
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = (sub: string): string =>
      [
        part({ alg: "RS256" }),
        part({ iss: `https://${provider}`, aud: "sts.amazonaws.com", sub, exp: 4_000_000_000 }),
        "c2ln",
      ].join(".");
    const file = join(folder, "token");
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: ROLE,
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: sandbox.url,
    };
    await writeFile(file, token("repo:own/app"));
    const result = await scan(env, "--region", "us-east-1");
    expect(arns(result)).toHaveLength(1);
    expect(result.code).toBe(0);
    await writeFile(file, token("repo:stranger/app"));
    const refused = await scan(env, "--region", "us-east-1");
    expect(refused.stderr).toMatch(
      /no usable AWS credentials[\s\S]*Not authorized[\s\S]*next: .*trust policy/,
    );
    expect(refused.stdout).toBe("");
    expect(refused.code).toBe(2);
  });

  it("of a profile whose role is assumed from another profile's, each with its external id", async () => {
    const second = `arn:aws:iam::${APP}:role/Second`;
    const sandbox = await sandboxWith([key(APP, "us-east-1")], {
      [KEYS.AWS_ACCESS_KEY_ID]: { arn: `arn:aws:iam::${OWN}:user/auditor` },
      [ROLE]: { trust: [`arn:aws:iam::${OWN}:user/auditor`], externalId: "first-1" },
      [second]: { trust: [ROLE], externalId: "second-2" },
    });
    const config = join(folder, "config");
    const profiles = (externalId: string): string =>
      `[profile base]
aws_access_key_id = ${KEYS.AWS_ACCESS_KEY_ID}
aws_secret_access_key = any
[profile first]
role_arn = ${ROLE}
source_profile = base
external_id = first-1
[profile second]
role_arn = ${second}
source_profile = first
external_id = ${externalId}
region = us-east-1
`;
    const env = { AWS_CONFIG_FILE: config, AWS_ENDPOINT_URL: sandbox.url };
    await writeFile(config, profiles("second-2"));
    const result = await scan(env, "--profile", "second", "--region", "us-east-1");
    expect(arns(result)).toEqual([expect.stringContaining(`:${APP}:key/`)]);
    expect(result.code).toBe(0);
    await writeFile(config, profiles("wrong"));
    const refused = await scan(env, "--profile", "second", "--region", "us-east-1");
    expect(refused.stderr).toMatch(/^profile second: no usable AWS credentials[\s\S]*next: .*external id/);
    expect(refused.code).toBe(2);
  });

  describe("of IAM Identity Center", () => {
    const START = "https://own.awsapps.example/start";
    /** Writes the profile and the token that `aws sso login` leaves. */
    async function signedIn(home: string, form: "session" | "legacy", expiresAt: string): Promise<void> {
      const cache = join(home, ".aws", "sso", "cache");
      await mkdir(cache, { recursive: true });
      const account = `sso_account_id = ${OWN}\nsso_role_name = Audit\n`;
      const portal = `sso_start_url = ${START}\nsso_region = us-east-1\n`;
      await writeFile(
        join(home, ".aws", "config"),
        form === "legacy"
          ? `[profile sso]\nregion = us-east-1\n${account}${portal}`
          : `[profile sso]\nregion = us-east-1\nsso_session = own\n${account}[sso-session own]\n${portal}`,
      );
      const name = createHash("sha1")
        .update(form === "legacy" ? START : "own")
        .digest("hex");
      const token = { startUrl: START, region: "us-east-1", accessToken: "portal-token", expiresAt };
      await writeFile(join(cache, `${name}.json`), JSON.stringify(token));
    }

    it.each(["session", "legacy"] as const)("(%s): the portal gives them for the token", async (form) => {
      const sandbox = await sandboxWith([key(OWN, "us-east-1")], {
        [KEYS.AWS_ACCESS_KEY_ID]: { arn: `arn:aws:iam::${OWN}:user/portal` },
        [ROLE]: { trust: [`arn:aws:iam::${OWN}:user/portal`] },
      });
      // As the portal does: a session of the role, from STS.
      const sts = new STSClient({
        region: "us-east-1",
        endpoint: sandbox.url,
        credentials: { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: "any" },
      });
      onTestFinished(() => sts.destroy());
      const tokens: unknown[] = [];
      const portal = await server(async (_path, headers) => {
        tokens.push(headers["x-amz-sso_bearer_token"]);
        const made = await sts.send(new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: "someone" }));
        const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = made.Credentials ?? {};
        return {
          roleCredentials: {
            accessKeyId: AccessKeyId,
            secretAccessKey: SecretAccessKey,
            sessionToken: SessionToken,
            expiration: Expiration?.getTime(),
          },
        };
      });
      const home = await mkdtemp(join(folder, "home-"));
      await signedIn(home, form, "2099-01-01T00:00:00Z");
      const env = {
        HOME: home,
        AWS_CONFIG_FILE: join(home, ".aws", "config"),
        AWS_ENDPOINT_URL_SSO: portal.url,
      };
      const args = ["--profile", "sso", "--endpoint-url", sandbox.url, "--region", "us-east-1"];
      const result = await scan(env, ...args);
      expect(tokens).toEqual(["portal-token"]);
      expect(portal.paths[0]).toMatch(new RegExp(`account_id=${OWN}`));
      expect(arns(result)).toHaveLength(1);
      await signedIn(home, form, "2001-01-01T00:00:00Z");
      const expired = await scan(env, ...args);
      expect(tokens).toHaveLength(1);
      expect(expired.stderr).toContain("aws sso login --profile sso");
      expect(expired.code).toBe(2);
    });
  });
});

describe("a proxy", () => {
  const env = { ...KEYS, AWS_REGION: "us-east-1" };

  it("is used for HTTP, and not for what NO_PROXY names", async () => {
    const sandbox = await sandboxWith([key(OWN, "us-east-1")], {
      [KEYS.AWS_ACCESS_KEY_ID]: { arn: `arn:aws:iam::${OWN}:user/auditor` },
    });
    const proxy = await server(() => ({ Keys: [], Truncated: false }));
    const args = ["--endpoint-url", sandbox.url, "--region", "us-east-1"];
    const around = await scan({ ...env, HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.1" }, ...args);
    expect(arns(around)).toHaveLength(1);
    expect(proxy.paths).toEqual([]);
    await scan({ ...env, HTTP_PROXY: proxy.url }, ...args);
    expect(proxy.paths.length).toBeGreaterThan(0);
    expect(proxy.paths.every((path) => path.startsWith(sandbox.url))).toBe(true);
    // Nothing went past it: the sandbox has seen only the calls of the first scan.
    expect(sandbox.stats().operations["kms:ListKeys"]?.requests).toBe(1);
  });

  it("that refuses is told as what it is, with the next step", async () => {
    const proxy = await server(() => ({}), 407);
    const result = await scan({ ...env, HTTPS_PROXY: proxy.url }, "--region", "us-east-1");
    expect(result.stderr).toMatch(/Http407[\s\S]*next: +Give the proxy a user and password/);
    expect(result.code).toBe(2);
  });

  it("where nothing listens is told, with the next step", async () => {
    const result = await scan({ ...env, HTTPS_PROXY: "http://127.0.0.1:9" }, "--region", "us-east-1");
    expect(result.stderr).toMatch(/ECONNREFUSED[\s\S]*next: +Check the network, the proxy/);
    expect(result.code).toBe(2);
  });

  it.each([
    ["HTTPS_PROXY", "not a proxy"],
    ["https_proxy", "http://user:secret@127.0.0.1:999999"],
    ["ALL_PROXY", "gopher://user:secret@127.0.0.1:9"],
  ])("%s=%s is refused before any call, without its password", async (name, value) => {
    const result = await scan({ ...env, [name]: value }, "--region", "us-east-1");
    expect(result.stderr).toContain(
      `${name}: the proxy is no URL of an HTTP proxy\n  expected: http://HOST:PORT`,
    );
    expect(result.stderr).toMatch(/next: +set/);
    expect(result.stderr).not.toContain("secret");
    expect(result.stdout).toBe("");
    expect(result.code).toBe(2);
  });
});
