import { describe, expect, it } from "vitest";
import type { Call } from "./calls.js";
import { readRecord } from "./calls.js";

const KEY = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";
const ALICE = {
  type: "IAMUser",
  principalId: "EX_PRINCIPAL_ID",
  arn: "arn:aws:iam::111122223333:user/Alice",
  accountId: "111122223333",
  userName: "Alice",
};

/** A record in the form of KMS's documented log entries. */
function record(more: object): object {
  return {
    eventVersion: "1.11",
    userIdentity: ALICE,
    eventTime: "2025-05-20T20:45:00Z",
    eventSource: "kms.amazonaws.com",
    eventName: "Decrypt",
    awsRegion: "us-west-2",
    sourceIPAddress: "192.0.2.0",
    userAgent: "AWS Internal",
    requestParameters: { encryptionAlgorithm: "SYMMETRIC_DEFAULT", keyId: KEY },
    responseElements: null,
    eventID: "abcde202-ba1a-467c-b4ba-f729d45ae521",
    resources: [{ accountId: "111122223333", type: "AWS::KMS::Key", ARN: KEY }],
    eventType: "AwsApiCall",
    recipientAccountId: "111122223333",
    ...more,
  };
}

function calls(more: object): readonly Call[] {
  const reading = readRecord(record(more));
  if (reading.kind !== "calls") throw new Error(`not calls: ${JSON.stringify(reading)}`);
  return reading.calls;
}
const call = (more: object): Call => calls(more)[0]!;
const resource = (arn: string): object => ({ ARN: arn, accountId: "111122223333" });

describe("the caller", () => {
  const session = (type: string, more: object): object => ({
    userIdentity: { type, accountId: "111122223333", ...more },
  });

  it.each<[string, object, object]>([
    ["a user", {}, { kind: "user", arn: ALICE.arn, id: "EX_PRINCIPAL_ID" }],
    [
      "a role and not its session, with its path",
      session("AssumedRole", {
        principalId: "AROAEXAMPLE:me",
        arn: "arn:aws:sts::111122223333:assumed-role/App/me",
        sessionContext: {
          sessionIssuer: {
            type: "Role",
            principalId: "AROAEXAMPLE",
            arn: "arn:aws:iam::111122223333:role/deep/path/App",
            accountId: "111122223333",
          },
        },
      }),
      { kind: "role", arn: "arn:aws:iam::111122223333:role/deep/path/App", id: "AROAEXAMPLE" },
    ],
    [
      "a session whose role is not told, without the name of the session",
      session("AssumedRole", {
        principalId: "AROAEXAMPLE:me",
        arn: "arn:aws:sts::111122223333:assumed-role/App/me",
      }),
      { kind: "other", type: "AssumedRole", id: "arn:aws:sts::111122223333:assumed-role/App" },
    ],
    [
      "the root user",
      session("Root", { arn: "arn:aws:iam::111122223333:root" }),
      { kind: "root", account: "111122223333" },
    ],
    [
      "a federated user, with who federated it",
      session("FederatedUser", {
        arn: "arn:aws:sts::111122223333:federated-user/bob",
        sessionContext: { sessionIssuer: { type: "IAMUser", arn: ALICE.arn } },
      }),
      { kind: "federated-user", arn: "arn:aws:sts::111122223333:federated-user/bob", issuer: ALICE.arn },
    ],
    [
      "a service",
      { userIdentity: { type: "AWSService", invokedBy: "dynamodb.amazonaws.com" } },
      { kind: "service", name: "dynamodb.amazonaws.com" },
    ],
    [
      "a service that is hidden",
      { userIdentity: { type: "AWSService", invokedBy: "AWS Internal" } },
      { kind: "service", name: "unknown" },
    ],
    [
      "a caller of another account, without the name of the session",
      { userIdentity: { type: "AWSAccount", principalId: "AROAEXAMPLE:me", accountId: "444455556666" } },
      { kind: "foreign", account: "444455556666", id: "AROAEXAMPLE" },
    ],
    [
      "a user of IAM Identity Center",
      session("IdentityCenterUser", {
        onBehalfOf: {
          userId: "u-1",
          identityStoreArn: "arn:aws:identitystore::111122223333:identitystore/d-1",
        },
      }),
      {
        kind: "identity-center-user",
        account: "111122223333",
        userId: "u-1",
        store: "arn:aws:identitystore::111122223333:identitystore/d-1",
      },
    ],
    [
      "something newer",
      session("QuantumUser", { principalId: "Q" }),
      { kind: "other", type: "QuantumUser", id: "Q" },
    ],
    ["nobody", { userIdentity: null }, { kind: "other", type: "Unknown" }],
  ])("is %s", (_, more, principal) => {
    expect(call(more).entry.principal).toEqual(principal);
  });

  it("has an account, and the service that acted for it", () => {
    const { entry } = call({
      userIdentity: { ...ALICE, invokedBy: "s3.amazonaws.com" },
      sourceIPAddress: "s3.amazonaws.com",
    });
    expect(entry).toMatchObject({
      account: "111122223333",
      via: "s3.amazonaws.com",
      sourceNetwork: { kind: "aws" },
    });
    expect(call({ sourceIPAddress: "AWS Internal" }).entry.via).toBe("unknown");
    // The console shows itself as user agent; that is no service acting for the user.
    expect(call({ userAgent: "AWS Internal" }).entry.via).toBeUndefined();
  });

  it("can act for a product provider", () => {
    expect(
      call({ userIdentity: { ...ALICE, invokedByDelegate: { accountId: "999999999999" } } }).entry.delegate,
    ).toBe("999999999999");
  });
});

describe("the key", () => {
  it.each<[string, object, string]>([
    ["the resource", { requestParameters: { keyId: "1234abcd-12ab-34cd-56ef-1234567890ab" } }, KEY],
    ["the resource, whatever alias the request named", { requestParameters: { keyId: "alias/app" } }, KEY],
    ["the request's ARN without resources", { resources: undefined }, KEY],
    [
      "the request's id in the caller's account and the event's Region",
      { resources: undefined, requestParameters: { keyId: "mrk-1234" } },
      "arn:aws:kms:us-west-2:111122223333:key/mrk-1234",
    ],
    [
      "an alias that is still to be resolved",
      { resources: [], requestParameters: { keyId: "alias/app" } },
      "arn:aws:kms:us-west-2:111122223333:alias/app",
    ],
    [
      "an alias of another account",
      { resources: [], requestParameters: { keyId: "arn:aws:kms:us-west-2:444455556666:alias/app" } },
      "arn:aws:kms:us-west-2:444455556666:alias/app",
    ],
    [
      "the answer's ARN",
      {
        eventName: "DisableKey",
        resources: undefined,
        requestParameters: {},
        responseElements: { keyId: KEY },
      },
      KEY,
    ],
    [
      "the ARN in the message of a denial",
      {
        resources: undefined,
        requestParameters: { keyId: "alias/app" },
        errorCode: "AccessDenied",
        errorMessage: `User: ${ALICE.arn} is not authorized to perform: kms:Decrypt on resource: ${OTHER} because no identity-based policy allows the kms:Decrypt action`,
      },
      OTHER,
    ],
    ["unknown", { resources: undefined, requestParameters: null }, ""],
  ])("is %s", (_, more, target) => {
    expect(call(more).target).toBe(target);
  });

  it("keeps the alias that the request named", () => {
    expect(call({ requestParameters: { keyId: "alias/app" } }).entry.requestAlias).toBe("alias/app");
  });
});

describe("ReEncrypt", () => {
  const reEncrypt = {
    eventName: "ReEncrypt",
    requestParameters: {
      sourceEncryptionContext: { Project: "Alpha", Department: "Engineering" },
      destinationKeyId: "0987dcba-09fe-87dc-65ba-ab0987654321",
      destinationEncryptionContext: { Level: "3A" },
    },
    resources: [resource(KEY), resource(OTHER)],
  };

  it("is two actions on two keys, each with its own context", () => {
    expect(calls(reEncrypt).map((c) => [c.entry.action, c.target, c.entry.contextKeys])).toEqual([
      ["kms:ReEncryptFrom", KEY, ["Department", "Project"]],
      ["kms:ReEncryptTo", OTHER, ["Level"]],
    ]);
  });

  it("takes a single resource for the one that it is", () => {
    const targets = (more: object): readonly string[] =>
      calls({ ...reEncrypt, ...more }).map((c) => c.target);
    expect(targets({ resources: [resource(OTHER)] })).toEqual(["", OTHER]);
    expect(targets({ resources: [resource(KEY)] })).toEqual([KEY, OTHER]);
    expect(
      targets({ resources: [], requestParameters: { sourceKeyId: KEY, destinationKeyId: OTHER } }),
    ).toEqual([KEY, OTHER]);
  });

  it("that was denied says only which half was denied", () => {
    const denied = calls({
      ...reEncrypt,
      errorCode: "AccessDenied",
      errorMessage: `User: ${ALICE.arn} is not authorized to perform: kms:ReEncryptTo on resource: ${OTHER} because no resource-based policy allows the kms:ReEncryptTo action`,
    });
    expect(denied.map((c) => [c.entry.action, c.target])).toEqual([["kms:ReEncryptTo", OTHER]]);
  });
});

describe("the outcome", () => {
  const denied = (errorMessage: string, errorCode = "AccessDenied"): unknown =>
    call({ errorCode, errorMessage }).entry.outcome;

  it("is allowed, denied by which policy, or failed for another reason", () => {
    expect(call({}).entry.outcome).toEqual({ kind: "allowed" });
    expect(call({ errorCode: "IncorrectKeyException" }).entry.outcome).toEqual({
      kind: "failed",
      code: "IncorrectKeyException",
    });
    const because =
      "User: x is not authorized to perform: kms:Decrypt on resource: y because no identity-based policy allows the kms:Decrypt action";
    expect(denied(because)).toEqual({
      kind: "denied",
      code: "AccessDenied",
      effect: "implicit",
      policy: "identity",
    });
    expect(denied("… with an explicit deny in a resource control policy", "AccessDeniedException")).toEqual({
      kind: "denied",
      code: "AccessDeniedException",
      effect: "explicit",
      policy: "resource-control",
    });
    expect(denied("You are not authorized.")).toMatchObject({ effect: "unknown", policy: "unknown" });
  });
});

describe("the network", () => {
  it.each<[object, object]>([
    [
      {
        vpcEndpointId: "vpce-0a1b2c3d4e5f60718",
        vpcEndpointAccountId: "444455556666",
        sourceIPAddress: "10.0.0.1",
      },
      { kind: "vpc-endpoint", id: "vpce-0a1b2c3d4e5f60718", account: "444455556666" },
    ],
    [{ vpcEndpointId: "AWS Internal", sourceIPAddress: "AWS Internal" }, { kind: "aws" }],
    [{ sourceIPAddress: "172.32.0.1" }, { kind: "public-address" }],
    [{ sourceIPAddress: "172.31.0.1" }, { kind: "private-address" }],
    [{ sourceIPAddress: "2001:db8::1" }, { kind: "public-address" }],
    [{ sourceIPAddress: "fd12::1" }, { kind: "private-address" }],
    [{ sourceIPAddress: "somewhere" }, { kind: "unknown" }],
  ])("of %j is %j", (more, network) => {
    expect(call(more).entry.sourceNetwork).toEqual(network);
  });
});

describe("what is no use of a key", () => {
  it.each([
    { eventSource: "s3.amazonaws.com" },
    { eventName: "ListKeys" },
    { eventName: "GenerateRandom" },
    { eventName: "RotateKey", eventType: "AwsServiceEvent" },
    { eventType: "AwsVpceEvents", eventCategory: "NetworkActivity" },
  ])("%j", (more) => {
    expect(readRecord(record(more)).kind).toBe("other");
  });

  it("but a denial by an endpoint's policy is told, which no other event says", () => {
    const [only] = calls({
      eventType: "AwsVpceEvents",
      eventCategory: "NetworkActivity",
      errorCode: "VpceAccessDenied",
      errorMessage: "The request was denied due to a VPC endpoint policy",
    });
    expect(only?.entry.outcome).toMatchObject({ kind: "denied", policy: "vpc-endpoint" });
  });

  it.each([{ eventTime: "yesterday" }, { eventID: undefined }, { eventName: 7 }, { awsRegion: null }])(
    "malformed: %j",
    (more) => {
      expect(readRecord(record(more)).kind).toBe("malformed");
    },
  );

  it.each<[object, boolean]>([
    [{ eventSelectors: [{ excludeManagementEventSources: ["kms.amazonaws.com"] }] }, true],
    [
      {
        advancedEventSelectors: [
          { fieldSelectors: [{ field: "eventSource", notEquals: ["kms.amazonaws.com"] }] },
        ],
      },
      true,
    ],
    [{ eventSelectors: [{ excludeManagementEventSources: ["rdsdata.amazonaws.com"] }] }, false],
    [
      {
        advancedEventSelectors: [
          { fieldSelectors: [{ field: "eventSource", equals: ["kms.amazonaws.com"] }] },
        ],
      },
      false,
    ],
  ])("a trail that is told to leave out KMS: %j", (requestParameters, excludesKms) => {
    const reading = readRecord(
      record({ eventSource: "cloudtrail.amazonaws.com", eventName: "PutEventSelectors", requestParameters }),
    );
    expect(reading).toMatchObject({ kind: "other", excludesKms });
  });
});

describe("hostile records", () => {
  it("keep names of encryption contexts, in bounds, and never values", () => {
    const context = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`k${String(i).padStart(3, "0")}`, "secret value"]),
    );
    const { entry } = call({
      requestParameters: {
        keyId: KEY,
        encryptionContext: { ...context, ["x".repeat(5000)]: "secret value" },
      },
    });
    expect(entry.contextKeys).toHaveLength(32);
    expect(entry.contextTruncated).toBe(true);
    expect(JSON.stringify(entry)).not.toContain("secret value");
  });

  it("do not reach what objects inherit", () => {
    const bare = JSON.parse(
      '{"eventSource":"kms.amazonaws.com","__proto__":{"eventName":"Decrypt","eventTime":"2025-05-20T20:45:00Z"}}',
    ) as object;
    expect(readRecord(bare).kind).toBe("malformed");
  });
});
