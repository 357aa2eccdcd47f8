import { describe, expect, it } from "vitest";
import { caller, keyWith, request, type FactsOver } from "../../test/requests.js";
import { contextEntry, deriveContext, knownContext } from "./derive-context.js";
import type { AccessRequest, Caller, Context } from "./request.js";

type Over = Parameters<typeof request>[1] & { readonly facts?: FactsOver };

function context(who: string | Caller, over: Over = {}): Context {
  const { facts, ...rest } = over;
  return knownContext(deriveContext(request(who, rest), keyWith([], facts === undefined ? {} : { facts })));
}

function kind(name: string, who: string | Caller, over: Over = {}): string {
  const { facts, ...rest } = over;
  return contextEntry(
    deriveContext(request(who, rest), keyWith([], facts === undefined ? {} : { facts })),
    name,
  ).kind;
}

const USER = "arn:aws:iam::111122223333:user/team/U";
const OTHER_USER = "arn:aws:iam::444455556666:user/U";

const KEY_SIDE = {
  "aws:ResourceAccount": "111122223333",
  "aws:ResourceOrgID": "o-own1234567",
  "aws:ResourceOrgPaths": "o-own1234567/r-ab12/",
  "aws:RequestedRegion": "us-east-1",
  "kms:KeySpec": "SYMMETRIC_DEFAULT",
  "kms:CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
  "kms:KeyUsage": "ENCRYPT_DECRYPT",
  "kms:CustomerMasterKeyUsage": "ENCRYPT_DECRYPT",
  "kms:KeyOrigin": "AWS_KMS",
  "kms:MultiRegion": "false",
  "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
  "aws:SecureTransport": "true",
  "aws:ViaAWSService": "false",
  "aws:CurrentTime": "2026-11-23T00:00:00.000Z",
  "aws:EpochTime": "1795392000",
};

describe("the derived condition keys", () => {
  it("of a user of the key's account, in full", () => {
    expect(context({ ...caller(USER), uniqueId: "AIDAEXAMPLEEXAMPLEEX1" } as Caller)).toEqual({
      ...KEY_SIDE,
      "kms:CallerAccount": "111122223333",
      "aws:PrincipalAccount": "111122223333",
      "aws:PrincipalArn": USER,
      "aws:PrincipalType": "User",
      "aws:userid": "AIDAEXAMPLEEXAMPLEEX1",
      "aws:username": "U",
      "aws:PrincipalIsAWSService": "false",
      "aws:PrincipalOrgID": "o-own1234567",
      "aws:PrincipalOrgPaths": "o-own1234567/r-ab12/",
    });
  });

  it("of a service principal, in full", () => {
    expect(context("logs.amazonaws.com")).toEqual({
      ...KEY_SIDE,
      "aws:PrincipalIsAWSService": "true",
      "aws:PrincipalServiceName": "logs.amazonaws.com",
      "aws:PrincipalServiceNamesList": "logs.amazonaws.com",
    });
  });

  it.each<[string, string | Caller, Context]>([
    [
      "a session",
      { ...caller("arn:aws:iam::111122223333:role/team/R"), uniqueId: "AROAEXAMPLEEXAMPLEEX1" } as Caller,
      {
        "aws:PrincipalArn": "arn:aws:iam::111122223333:role/team/R",
        "aws:PrincipalType": "AssumedRole",
        "aws:userid": "AROAEXAMPLEEXAMPLEEX1:session",
      },
    ],
    [
      "a root user",
      "arn:aws:iam::111122223333:root",
      {
        "aws:PrincipalArn": "arn:aws:iam::111122223333:root",
        "aws:PrincipalType": "Account",
        "aws:userid": "111122223333",
      },
    ],
    [
      "a federated user",
      "arn:aws:sts::111122223333:federated-user/F",
      {
        "aws:PrincipalArn": "arn:aws:sts::111122223333:federated-user/F",
        "aws:PrincipalType": "FederatedUser",
        "aws:userid": "111122223333:F",
      },
    ],
  ])("of %s", (_name, who, expected) => {
    expect(context(who)).toMatchObject(expected);
    expect(kind("aws:username", who)).toBe("absent");
  });

  it("leave the organization of another account to the request", () => {
    expect(kind("aws:PrincipalOrgID", OTHER_USER)).toBe("absent");
    expect(context(OTHER_USER)["aws:ResourceOrgID"]).toBe("o-own1234567");
    expect(
      context(OTHER_USER, { context: { "AWS:PRINCIPALORGID": "o-other12345" } })["aws:PrincipalOrgID"],
    ).toBe("o-other12345");
  });

  it("are not known where the fact is not", () => {
    const facts: FactsOver = {
      organization: { kind: "unreadable", code: "AccessDenied" },
      multiRegion: undefined,
      aliases: undefined,
      tags: undefined,
      origin: undefined,
    };
    for (const name of [
      "aws:PrincipalOrgID",
      "aws:ResourceOrgID",
      "aws:ResourceOrgPaths",
      "kms:MultiRegion",
      "kms:MultiRegionKeyType",
      "kms:ResourceAliases",
      "kms:KeyOrigin",
      "aws:ResourceTag/team",
      "aws:userid",
    ]) {
      expect([name, kind(name, USER, { facts })]).toEqual([name, "unknown"]);
    }
    expect(kind("aws:ResourceOrgID", USER, { facts: { organization: { kind: "absent" } } })).toBe("absent");
  });

  it("take tags without case in their names, and aliases as a list", () => {
    const facts: FactsOver = {
      tags: { Team: "Blue" },
      aliases: ["alias/a", "alias/b"],
      multiRegion: true,
      multiRegionKeyType: "PRIMARY",
    };
    expect(context(USER, { facts })).toMatchObject({
      "aws:ResourceTag/team": "Blue",
      "kms:ResourceAliases": ["alias/a", "alias/b"],
      "kms:MultiRegionKeyType": "PRIMARY",
    });
    expect(kind("aws:ResourceTag/TEAM", USER, { facts })).toBe("values");
    expect(kind("aws:ResourceTag/other", USER, { facts })).toBe("absent");
    expect(kind("kms:MultiRegionKeyType", USER)).toBe("absent");
  });

  it("hold the encryption context of the operations that take one", () => {
    const encryptionContext = { Department: "IT", purpose: "x" };
    expect(context(USER, { encryptionContext })).toMatchObject({
      "kms:EncryptionContext:department": "IT",
      "kms:EncryptionContext:purpose": "x",
      "kms:EncryptionContextKeys": ["Department", "purpose"],
    });
    expect(kind("kms:EncryptionContextKeys", USER, { encryptionContext, action: "kms:DescribeKey" })).toBe(
      "absent",
    );
    expect(kind("kms:EncryptionContextKeys", USER)).toBe("absent");
    expect(
      context(USER, { context: { "kms:EncryptionContext:Stage": "b" } })["kms:EncryptionContextKeys"],
    ).toBe("Stage");
    const twice = { encryptionContext, context: { "kms:EncryptionContext:PURPOSE": "x" } };
    expect(context(USER, twice)["kms:EncryptionContextKeys"]).toEqual(["Department", "purpose"]);
  });

  it("yield to what the request states, also to an empty list", () => {
    const stated: AccessRequest["context"] = {
      "KMS:calleraccount": "999988887777",
      "aws:securetransport": [],
    };
    expect(context(USER, { context: stated })["kms:CallerAccount"]).toBe("999988887777");
    expect(kind("aws:SecureTransport", USER, { context: stated })).toBe("absent");
  });

  it("say that a service calls with the caller's rights", () => {
    expect(
      context(USER, { context: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } })["aws:ViaAWSService"],
    ).toBe("true");
    expect(context(USER, { context: { "aws:CalledVia": [] } })["aws:ViaAWSService"]).toBe("false");
  });

  it("show the ends of the list of services that called each other", () => {
    const derived = context(USER, { context: { "AWS:calledvia": ["a", "b", "c"] } });
    expect([derived["aws:CalledViaFirst"], derived["aws:CalledViaLast"]]).toEqual(["a", "c"]);
    expect(context(USER, { context: { "aws:CalledVia": "a" } })["aws:CalledViaLast"]).toBe("a");
    expect(kind("aws:CalledViaFirst", USER, { context: { "aws:CalledVia": [] } })).toBe("absent");
    expect(kind("aws:CalledViaLast", USER)).toBe("absent");
  });

  it("know the algorithm of a symmetric key only", () => {
    expect(kind("kms:EncryptionAlgorithm", USER, { facts: { spec: "RSA_2048" } })).toBe("absent");
    expect(kind("kms:EncryptionAlgorithm", USER, { facts: { spec: undefined } })).toBe("unknown");
    expect(kind("kms:EncryptionAlgorithm", USER, { action: "kms:DescribeKey" })).toBe("absent");
  });
});
