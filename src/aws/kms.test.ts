import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { asker } from "./ask.js";
import { identity } from "./identity.js";
import { kmsPort } from "./kms.js";
import { describeRegions, listRegions } from "./regions.js";
import type { ClientConfig } from "./session.js";

/** What AWS answers, and what it was asked. */
interface Wire {
  readonly session: { readonly homeRegion: string; readonly clientConfig: (region: string) => ClientConfig };
  readonly asked: { readonly target: string; readonly body: string; readonly userAgent: string }[];
}

interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly body?: string | Uint8Array;
}

/** A session whose connection gives these answers, one after the other. */
function wire(
  ...answers: readonly (readonly [status: number, body: unknown, headers?: Record<string, string>])[]
): Wire {
  const asked: Wire["asked"] = [];
  const waiting = [...answers];
  const handle = (request: Request): Promise<{ response: unknown }> => {
    const [statusCode, body, headers] = waiting.shift() ?? [500, {}];
    asked.push({
      target: request.headers["x-amz-target"] ?? request.path,
      body: typeof request.body === "string" ? request.body : new TextDecoder().decode(request.body),
      userAgent: request.headers["user-agent"] ?? "",
    });
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return Promise.resolve({
      response: {
        statusCode,
        headers: headers ?? { "content-type": "application/x-amz-json-1.1" },
        body: Readable.from([text]),
      },
    });
  };
  const never = (): Promise<never> => Promise.reject(new Error("no more attempts"));
  const config = {
    region: "us-east-1",
    credentials: () => Promise.resolve({ accessKeyId: "AKIA", secretAccessKey: "x" }),
    requestHandler: { handle, metadata: { handlerProtocol: "http/1.1" }, destroy: () => undefined },
    retryStrategy: {
      acquireInitialRetryToken: () => Promise.resolve({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
      refreshRetryTokenForRetry: never,
      recordSuccess: () => undefined,
    },
    customUserAgent: [["keyward", "1.2.3"]],
  };
  return {
    asked,
    session: { homeRegion: "us-east-1", clientConfig: () => config as unknown as ClientConfig },
  };
}

const SIGNAL = new AbortController().signal;
const ask = asker(undefined);

describe("KMS in one Region", () => {
  it("asks for the largest pages, follows markers, and says who asks", async () => {
    const w = wire(
      [200, { Keys: [{ KeyId: "a", KeyArn: "arn-a" }], NextMarker: "m", Truncated: true }],
      [200, { Keys: [{ KeyId: "b", KeyArn: "arn-b" }], Truncated: false }],
    );
    const kms = kmsPort(w.session, "us-east-1", ask);
    expect(await kms.listKeys(undefined, SIGNAL)).toEqual({
      ok: true,
      value: { items: [{ id: "a", arn: "arn-a" }], next: "m" },
    });
    expect(await kms.listKeys("m", SIGNAL)).toEqual({
      ok: true,
      value: { items: [{ id: "b", arn: "arn-b" }], next: undefined },
    });
    expect(w.asked.map((a) => [a.target, JSON.parse(a.body) as unknown])).toEqual([
      ["TrentService.ListKeys", { Limit: 1000 }],
      ["TrentService.ListKeys", { Limit: 1000, Marker: "m" }],
    ]);
    expect(w.asked[0]?.userAgent).toMatch(/\bkeyward\/1\.2\.3\b/);
  });

  it("keeps every member of a grant, and makes none up", async () => {
    const full = {
      GrantId: "g1",
      KeyId: "arn:aws:kms:us-east-1:111122223333:key/k",
      Name: "n",
      GranteePrincipal: "arn:aws:iam::999988887777:role/R",
      GranteeServicePrincipal: "a.amazonaws.com",
      RetiringPrincipal: "arn:aws:iam::999988887777:root",
      RetiringServicePrincipal: "b.amazonaws.com",
      IssuingAccount: "arn:aws:iam::111122223333:root",
      Operations: ["Decrypt", "CreateGrant"],
      Constraints: {
        EncryptionContextSubset: { a: "b" },
        EncryptionContextEquals: { c: "d" },
        SourceArn: "arn:aws:s3:::x",
      },
    };
    const w = wire([
      200,
      { Grants: [{ ...full, CreationDate: 1_800_000_000 }, { GrantId: "g2" }], Truncated: false },
    ]);
    const kms = kmsPort(w.session, "us-east-1", ask);
    expect(await kms.listGrants("k", undefined, SIGNAL)).toEqual({
      ok: true,
      value: {
        items: [{ ...full, CreationDate: "2027-01-15T08:00:00.000Z" }, { GrantId: "g2" }],
        next: undefined,
      },
    });
  });

  it("reads the pairs of a grant's encryption context and tags by whatever names they have", async () => {
    const pairs = '{"__proto__":"a","constructor":"b","toString":"c"}';
    const w = wire(
      [
        200,
        `{"Grants":[{"GrantId":"g","Constraints":{"EncryptionContextEquals":${pairs}}}],"Truncated":false}`,
      ],
      [200, '{"Tags":[{"TagKey":"__proto__","TagValue":"t"}],"Truncated":false}'],
    );
    const kms = kmsPort(w.session, "us-east-1", ask);
    const grants = await kms.listGrants("k", undefined, SIGNAL);
    expect(JSON.stringify(grants)).toBe(
      `{"ok":true,"value":{"items":[{"GrantId":"g","Constraints":{"EncryptionContextEquals":${pairs}}}]}}`,
    );
    const tags = await kms.listResourceTags("k", undefined, SIGNAL);
    expect(tags).toMatchObject({ value: { items: [["__proto__", "t"]] } });
  });

  it("gives the policy byte for byte, or says that the answer held none", async () => {
    const text = '{ "Version":"2012-10-17" ,\n"Statement":[]}\u00e4';
    const w = wire([200, { Policy: text, PolicyName: "default" }], [200, {}]);
    const kms = kmsPort(w.session, "us-east-1", ask);
    expect(await kms.getKeyPolicy("k", SIGNAL)).toEqual({ ok: true, value: text });
    expect(await kms.getKeyPolicy("k", SIGNAL)).toEqual({ ok: true, value: undefined });
  });

  const mrk = (region: string): string =>
    `arn:aws:kms:${region}:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab`;

  it("describes a key, with what AWS did not say left open", async () => {
    const w = wire(
      [
        200,
        {
          KeyMetadata: {
            KeyId: "k",
            KeyManager: "CUSTOMER",
            KeyState: "PendingDeletion",
            KeySpec: "RSA_2048",
            KeyUsage: "SIGN_VERIFY",
            Origin: "EXTERNAL",
            MultiRegion: true,
            Arn: mrk("us-east-1"),
            MultiRegionConfiguration: {
              MultiRegionKeyType: "REPLICA",
              PrimaryKey: { Arn: mrk("us-west-2"), Region: "us-west-2" },
              ReplicaKeys: ["us-east-1", "eu-west-1"].map((r) => ({ Arn: mrk(r), Region: r })),
            },
            Description: "",
            CreationDate: 1_800_000_000,
            DeletionDate: 1_800_000_060,
          },
        },
      ],
      [200, { KeyMetadata: { KeyId: "k", KeyManager: "SOMEBODY" } }],
    );
    const kms = kmsPort(w.session, "us-east-1", ask);
    expect(await kms.describeKey("k", SIGNAL)).toEqual({
      ok: true,
      value: {
        manager: "CUSTOMER",
        state: "PendingDeletion",
        spec: "RSA_2048",
        usage: "SIGN_VERIFY",
        origin: "EXTERNAL",
        multiRegion: true,
        multiRegionKeyType: "REPLICA",
        relatedKeys: [mrk("eu-west-1"), mrk("us-west-2")],
        description: "",
        createdAt: "2027-01-15T08:00:00.000Z",
        deletionDate: "2027-01-15T08:01:00.000Z",
      },
    });
    const open = await kms.describeKey("k", SIGNAL);
    expect(open.ok && Object.values(open.value).every((v) => v === undefined)).toBe(true);
  });

  it("gives aliases and tags", async () => {
    const w = wire(
      [
        200,
        {
          Aliases: [{ AliasName: "alias/a", TargetKeyId: "k" }, { AliasName: "alias/aws/x" }],
          Truncated: false,
        },
      ],
      [200, { Tags: [{ TagKey: "a", TagValue: "" }], Truncated: false }],
    );
    const kms = kmsPort(w.session, "us-east-1", ask);
    expect(await kms.listAliases(undefined, SIGNAL)).toMatchObject({
      value: {
        items: [
          { name: "alias/a", keyId: "k" },
          { name: "alias/aws/x", keyId: undefined },
        ],
      },
    });
    expect(await kms.listResourceTags("k", undefined, SIGNAL)).toMatchObject({
      value: { items: [["a", ""]] },
    });
  });

  it.each<[string, number, unknown, object]>([
    [
      "a refusal",
      400,
      { __type: "AccessDeniedException", message: "no" },
      { kind: "denied", code: "AccessDeniedException", message: "no" },
    ],
    [
      "a refusal in the long form",
      400,
      { __type: "com.amazonaws.kms#NotFoundException", message: "no" },
      { kind: "not-found" },
    ],
    [
      "a disabled Region",
      400,
      { __type: "UnrecognizedClientException", message: "no" },
      { kind: "region-refused" },
    ],
    ["throttling", 400, { __type: "ThrottlingException", message: "no" }, { kind: "throttled" }],
    ["an answer that is no JSON", 200, "<html>", { kind: "other" }],
    ["an empty answer", 200, "", { kind: "other", code: "UnexpectedAnswer" }],
    ["an answer without the list", 200, {}, { kind: "other", code: "UnexpectedAnswer" }],
    ["a list that is none", 200, { Keys: { KeyId: "k" } }, { kind: "other", code: "UnexpectedAnswer" }],
    ["a key without a name", 200, { Keys: [{ KeyId: "k" }] }, { kind: "other", code: "UnexpectedAnswer" }],
    [
      "a list that goes on nowhere",
      200,
      { Keys: [], Truncated: true },
      { kind: "other", code: "UnexpectedAnswer" },
    ],
  ])("makes a value of %s", async (_what, status, body, expected) => {
    const answer = await kmsPort(wire([status, body]).session, "us-east-1", ask).listKeys(undefined, SIGNAL);
    expect(answer).toMatchObject({ ok: false, error: { call: "kms:ListKeys", ...expected } });
  });
});

describe("an answer that says nothing about the key, or is about another", () => {
  const other = "arn:aws:kms:us-east-1:111122223333:key/other";
  const ports = {
    describeKey: (w: Wire) => kmsPort(w.session, "us-east-1", ask).describeKey("k", SIGNAL),
    getKeyPolicy: (w: Wire) => kmsPort(w.session, "us-east-1", ask).getKeyPolicy("k", SIGNAL),
    listGrants: (w: Wire) => kmsPort(w.session, "us-east-1", ask).listGrants("k", undefined, SIGNAL),
    listAliases: (w: Wire) => kmsPort(w.session, "us-east-1", ask).listAliases(undefined, SIGNAL),
  };
  it.each<[keyof typeof ports, unknown]>([
    ["describeKey", {}],
    ["describeKey", { KeyMetadata: { KeyManager: "AWS" } }],
    ["describeKey", { KeyMetadata: { KeyId: "other", Arn: other, KeyManager: "AWS" } }],
    ["getKeyPolicy", { Policy: { Version: "2012-10-17" } }],
    ["listGrants", ""],
    ["listGrants", {}],
    ["listGrants", { Grants: [{ GrantId: "g", Operations: "Decrypt" }], Truncated: false }],
    ["listGrants", { Grants: [{ GrantId: "g", KeyId: other }], Truncated: false }],
    ["listAliases", {}],
    ["listAliases", { Aliases: [{ AliasName: "alias/a", TargetKeyId: 1 }], Truncated: false }],
  ])("fails: %s %j", async (call, body) => {
    expect(await ports[call](wire([200, body]))).toMatchObject({
      ok: false,
      error: { kind: "other", code: "UnexpectedAnswer" },
    });
  });

  it("a marker without a word about whether the list goes on is followed", async () => {
    const w = wire([200, { Keys: [{ KeyId: "a", KeyArn: "arn-a" }], NextMarker: "m" }]);
    expect(await kmsPort(w.session, "us-east-1", ask).listKeys(undefined, SIGNAL)).toMatchObject({
      value: { next: "m" },
    });
  });
});

describe("the account", () => {
  const xml = { "content-type": "text/xml" };

  it("is named by STS, with its partition", async () => {
    const body = (arn: string): string =>
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>U</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
    const named = wire([200, body("arn:aws-us-gov:sts::111122223333:assumed-role/R/S"), xml]);
    expect(await identity(named.session, ask, SIGNAL)).toEqual({
      ok: true,
      value: { account: "111122223333", partition: "aws-us-gov" },
    });
    const odd = wire([200, body("nobody"), xml]);
    expect(await identity(odd.session, ask, SIGNAL)).toMatchObject({
      ok: false,
      error: { code: "UnexpectedAnswer" },
    });
  });

  it("has Regions, as EC2 and as Account Management see them", async () => {
    const region = (name: string, status: string): string =>
      `<item><regionName>${name}</regionName><optInStatus>${status}</optInStatus></item>`;
    const ec2 = wire([
      200,
      `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>${region("us-east-1", "opt-in-not-required")}${region("af-south-1", "opted-in")}${region("ap-east-1", "not-opted-in")}</regionInfo></DescribeRegionsResponse>`,
      xml,
    ]);
    expect(await describeRegions(ec2.session, ask, SIGNAL)).toEqual({
      ok: true,
      value: [
        { name: "us-east-1", enabled: true },
        { name: "af-south-1", enabled: true },
        { name: "ap-east-1", enabled: false },
      ],
    });
    expect(ec2.asked[0]?.body).toContain("AllRegions=true");

    const json = { "content-type": "application/json" };
    const account = wire(
      [
        200,
        { Regions: [{ RegionName: "us-east-1", RegionOptStatus: "ENABLED_BY_DEFAULT" }], NextToken: "t" },
        json,
      ],
      [
        200,
        {
          Regions: [
            { RegionName: "af-south-1", RegionOptStatus: "DISABLING" },
            { RegionName: "ap-east-1", RegionOptStatus: "DISABLED" },
          ],
        },
        json,
      ],
    );
    expect(await listRegions(account.session, ask, SIGNAL)).toEqual({
      ok: true,
      value: [
        { name: "us-east-1", enabled: true },
        { name: "af-south-1", enabled: true },
        { name: "ap-east-1", enabled: false },
      ],
    });
    expect(account.asked.map((a) => (JSON.parse(a.body) as { NextToken?: string }).NextToken)).toEqual([
      undefined,
      "t",
    ]);
  });
});
