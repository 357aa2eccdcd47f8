import { describe, expect, it } from "vitest";
import { caller, keyWith, request, type FactsOver } from "../../test/requests.js";
import { evalVectors, vectorKeyDocument, vectorRequest } from "../../test/vectors.js";
import { inconsistencies } from "./consistency.js";
import type { Caller, Context } from "./request.js";

type Over = Parameters<typeof request>[1] & { readonly facts?: FactsOver };

function odd(who: string | Caller, over: Over = {}): string[] {
  const { facts, ...rest } = over;
  return inconsistencies(request(who, rest), keyWith([], facts === undefined ? {} : { facts }));
}

const ROOT = "arn:aws:iam::111122223333:root";
const USER = "arn:aws:iam::111122223333:user/U";
const OTHER_ROLE = "arn:aws:iam::444455556666:role/team/R";
const SERVICE = "logs.amazonaws.com";

describe("requests that AWS could produce", () => {
  it.each<[string, string | Caller, Over]>([
    ["nothing stated", USER, {}],
    [
      "the caller's own keys",
      USER,
      {
        context: {
          "kms:CallerAccount": "111122223333",
          "aws:PrincipalArn": USER,
          "aws:PrincipalType": "User",
          "aws:username": "U",
        },
      },
    ],
    ["a user id of its form", USER, { context: { "aws:userid": "AIDAEXAMPLEEXAMPLEEX1" } }],
    ["a session's user id", OTHER_ROLE, { context: { "aws:userid": "AROAEXAMPLEEXAMPLEEX1:session" } }],
    [
      "an organization elsewhere",
      OTHER_ROLE,
      {
        context: {
          "aws:PrincipalOrgID": "o-partner0001",
          "aws:PrincipalOrgPaths": ["o-partner0001/r-zz99/ou-ab12-11111111/"],
        },
      },
    ],
    [
      "any path for a role known by its session",
      "arn:aws:sts::444455556666:assumed-role/R/s1",
      { context: { "aws:PrincipalArn": OTHER_ROLE } },
    ],
    [
      "a service with its source",
      SERVICE,
      {
        context: {
          "aws:SourceAccount": "444455556666",
          "aws:SourceArn": "arn:aws:logs:us-east-1:444455556666:log-group:x",
          "aws:SourceOrgID": "o-partner0001",
        },
      },
    ],
    [
      "a service with an ARN without an account",
      SERVICE,
      { context: { "aws:SourceAccount": "444455556666", "aws:SourceArn": "arn:aws:s3:::bucket" } },
    ],
    [
      "a service with account keys, which are not documented",
      SERVICE,
      { context: { "kms:CallerAccount": "444455556666" } },
    ],
    ["a public address", USER, { context: { "aws:SourceIp": "198.51.100.7" } }],
    [
      "an endpoint",
      USER,
      {
        context: {
          "aws:SourceVpc": "vpc-1",
          "aws:SourceVpce": "vpce-1",
          "aws:VpcSourceIp": "10.0.0.1",
          "aws:VpceAccount": "444455556666",
        },
      },
    ],
    [
      "by way of a service",
      USER,
      {
        context: {
          "kms:ViaService": "s3.us-east-1.amazonaws.com",
          "aws:ViaAWSService": "true",
          "aws:CalledVia": ["s3.amazonaws.com"],
          "aws:CalledViaFirst": "s3.amazonaws.com",
        },
      },
    ],
    [
      "an encryption context",
      USER,
      {
        encryptionContext: { a: "1", B: "2" },
        context: { "kms:EncryptionContextKeys": ["A", "b"], "kms:EncryptionContext:a": "1" },
      },
    ],
    [
      "grant parameters",
      USER,
      {
        action: "kms:CreateGrant",
        context: {
          "kms:GrantOperations": ["Decrypt"],
          "kms:GranteePrincipal": OTHER_ROLE,
          "kms:GrantConstraintType": "EncryptionContextSubset",
        },
        encryptionContext: { a: "1" },
      },
    ],
    [
      "its own facts",
      USER,
      {
        context: {
          "kms:KeySpec": "SYMMETRIC_DEFAULT",
          "aws:ResourceAccount": "111122223333",
          "aws:RequestedRegion": "us-east-1",
        },
      },
    ],
    [
      "facts that are not known",
      USER,
      {
        facts: { spec: undefined, tags: undefined },
        context: { "kms:KeySpec": "RSA_2048", "aws:ResourceTag/a": "1" },
      },
    ],
    [
      "the time",
      USER,
      {
        context: {
          "aws:CurrentTime": "2026-11-23T00:00:00Z",
          "aws:EpochTime": "1795392000",
          "aws:TokenIssueTime": "2026-11-22T00:00:00Z",
        },
      },
    ],
    [
      "a scalar for a multivalued key",
      USER,
      { context: { "aws:CalledVia": "s3.amazonaws.com", "aws:ViaAWSService": "true" } },
    ],
    ["keys that keyward does not know", USER, { context: { "x:y": "z" } }],
    [
      "credentials of an instance",
      OTHER_ROLE,
      { context: { "ec2:SourceInstanceArn": "arn:aws:ec2:us-east-1:444455556666:instance/i-1" } },
    ],
    [
      "an algorithm of an RSA key",
      USER,
      { facts: { spec: "RSA_2048" }, context: { "kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_256" } },
    ],
  ])("%s", (_name, who, over) => expect(odd(who, over)).toEqual([]));

  it.each(evalVectors().map((v) => [v.id, v] as const))("%s", (_id, v) => {
    expect(inconsistencies(vectorRequest(v), vectorKeyDocument(v))).toEqual([]);
  });
});

describe("requests that AWS cannot produce", () => {
  it.each<[string, string | Caller, Context | Over, RegExp]>([
    [
      "another calling account",
      USER,
      { "kms:CallerAccount": "999988887777" },
      /CallerAccount contradicts the caller/,
    ],
    [
      "another principal account",
      USER,
      { "aws:PrincipalAccount": "999988887777" },
      /PrincipalAccount contradicts/,
    ],
    ["another principal", USER, { "aws:PrincipalArn": `${USER}2` }, /PrincipalArn contradicts/],
    [
      "another name for a role known by its session",
      "arn:aws:sts::444455556666:assumed-role/R/s1",
      { "aws:PrincipalArn": `${OTHER_ROLE}2` },
      /PrincipalArn contradicts/,
    ],
    ["another kind", USER, { "aws:PrincipalType": "AssumedRole" }, /PrincipalType contradicts/],
    ["a name for a role", OTHER_ROLE, { "aws:username": "R" }, /username is never there/],
    ["no account", USER, { "aws:PrincipalAccount": [] }, /PrincipalAccount is always there/],
    ["no user id", USER, { "aws:userid": [] }, /userid is always there/],
    ["a user id of a role", USER, { "aws:userid": "AROAEXAMPLEEXAMPLEEX1:session" }, /userid contradicts/],
    [
      "a user id of another session",
      OTHER_ROLE,
      { "aws:userid": "AROAEXAMPLEEXAMPLEEX1:other" },
      /userid contradicts/,
    ],
    [
      "a person said to be a service",
      USER,
      { "aws:PrincipalIsAWSService": "true" },
      /PrincipalIsAWSService contradicts/,
    ],
    [
      "a person with a service name",
      USER,
      { "aws:PrincipalServiceName": SERVICE },
      /PrincipalServiceName is never there/,
    ],
    [
      "a service said to be a person",
      SERVICE,
      { "aws:PrincipalIsAWSService": "false" },
      /PrincipalIsAWSService contradicts/,
    ],
    [
      "a service with a principal ARN",
      SERVICE,
      { "aws:PrincipalArn": USER },
      /PrincipalArn is never there when a service/,
    ],
    [
      "a service in an organization",
      SERVICE,
      { "aws:PrincipalOrgID": "o-partner0001" },
      /PrincipalOrgID is never there when a service/,
    ],
    [
      "a service with a principal tag",
      SERVICE,
      { "aws:PrincipalTag/team": "a" },
      /PrincipalTag\/team is never there when a service/,
    ],
    [
      "another service",
      SERVICE,
      { "aws:PrincipalServiceName": "s3.amazonaws.com" },
      /PrincipalServiceName contradicts/,
    ],
    [
      "a service that calls for somebody",
      SERVICE,
      { "kms:ViaService": "s3.us-east-1.amazonaws.com" },
      /ViaService is never there when a service/,
    ],
    [
      "a service via a service",
      SERVICE,
      { "aws:ViaAWSService": "true" },
      /ViaAWSService is false when a service/,
    ],
    ["a malformed organization", OTHER_ROLE, { "aws:PrincipalOrgID": "o-*" }, /no organization id/],
    [
      "a path of another organization",
      OTHER_ROLE,
      { "aws:PrincipalOrgID": "o-partner0001", "aws:PrincipalOrgPaths": ["o-own1234567/r-ab12/"] },
      /does not lie under/,
    ],
    [
      "a path without an organization",
      OTHER_ROLE,
      { "aws:PrincipalOrgPaths": ["o-partner0001/r-ab12/"] },
      /without aws:PrincipalOrgID/,
    ],
    [
      "a malformed path",
      OTHER_ROLE,
      { "aws:PrincipalOrgID": "o-partner0001", "aws:PrincipalOrgPaths": ["o-partner0001/"] },
      /no organization path/,
    ],
    [
      "another organization in the key's account",
      USER,
      { "aws:PrincipalOrgID": "o-partner0001" },
      /contradicts the organization/,
    ],
    [
      "no organization in the key's account",
      USER,
      { "aws:PrincipalOrgID": [] },
      /contradicts the organization/,
    ],
    [
      "a person with a source account",
      USER,
      { "aws:SourceAccount": "111122223333" },
      /only there when a service principal/,
    ],
    [
      "a person with a source ARN",
      USER,
      { "aws:SourceArn": "arn:aws:s3:::b" },
      /only there when a service principal/,
    ],
    ["a malformed source account", SERVICE, { "aws:SourceAccount": "1111*" }, /no account id/],
    ["a malformed source ARN", SERVICE, { "aws:SourceArn": "bucket" }, /no ARN/],
    ["a source in China", SERVICE, { "aws:SourceArn": "arn:aws-cn:s3:::b" }, /another partition/],
    [
      "a trail with a colon in its name",
      "cloudtrail.amazonaws.com",
      { "aws:SourceArn": "arn:aws:cloudtrail:us-east-1:444455556666:trail/x:111122223333" },
      /colon/,
    ],
    [
      "a source ARN of another account",
      SERVICE,
      { "aws:SourceAccount": "111122223333", "aws:SourceArn": "arn:aws:sns:us-east-1:444455556666:t" },
      /another than aws:SourceAccount/,
    ],
    [
      "a source owner of another account",
      SERVICE,
      { "aws:SourceAccount": "111122223333", "aws:SourceOwner": "444455556666" },
      /SourceOwner is another/,
    ],
    [
      "a source path of another organization",
      SERVICE,
      { "aws:SourceOrgID": "o-partner0001", "aws:SourceOrgPaths": ["o-own1234567/r-ab12/"] },
      /does not lie under/,
    ],
    [
      "the key's account in another organization",
      SERVICE,
      { "aws:SourceAccount": "111122223333", "aws:SourceOrgID": "o-partner0001" },
      /not the organization of aws:SourceAccount/,
    ],
    [
      "an address and an endpoint",
      USER,
      { "aws:SourceIp": "198.51.100.7", "aws:SourceVpce": "vpce-1" },
      /never come together/,
    ],
    ["a private address", USER, { "aws:SourceIp": "10.1.2.3" }, /private address/],
    ["an address that is none", USER, { "aws:SourceIp": "198.51.100.0/24" }, /cannot hold/],
    ["an endpoint of no account", USER, { "aws:VpceAccount": "1" }, /no account id/],
    ["no TLS", USER, { "aws:SecureTransport": "false" }, /only speaks TLS/],
    ["nothing about TLS", USER, { "aws:SecureTransport": [] }, /only speaks TLS/],
    [
      "via a service and not",
      USER,
      { "kms:ViaService": "s3.us-east-1.amazonaws.com", "aws:ViaAWSService": "false" },
      /only there when aws:ViaAWSService/,
    ],
    ["nothing about the way", USER, { "aws:ViaAWSService": [] }, /always there/],
    [
      "another first service",
      USER,
      { "aws:CalledVia": ["a", "b"], "aws:CalledViaFirst": "b" },
      /CalledViaFirst contradicts/,
    ],
    [
      "another last service",
      USER,
      { "aws:CalledVia": ["a", "b"], "aws:CalledViaLast": "a" },
      /CalledViaLast contradicts/,
    ],
    [
      "a first service and no list",
      USER,
      { "aws:CalledViaFirst": "s3.amazonaws.com", "aws:ViaAWSService": "true" },
      /CalledViaFirst is only there with aws:CalledVia/,
    ],
    [
      "a list and no last service",
      USER,
      { "aws:CalledVia": ["a"], "aws:CalledViaLast": [] },
      /CalledViaLast contradicts/,
    ],
    [
      "a private address of an instance of version 6",
      OTHER_ROLE,
      { "aws:Ec2InstanceSourcePrivateIPv4": "fd00::7" },
      /PrivateIPv4 cannot hold/,
    ],
    ["an address that no request shows", USER, { "aws:VpcSourceIp": "::ffff:10.0.0.7" }, /cannot hold/],
    [
      "another VPC than its ARN says",
      USER,
      {
        "aws:SourceVpc": "vpc-1",
        "aws:SourceVpcArn": "arn:aws:ec2:us-east-1:444455556666:vpc/vpc-2",
      },
      /another VPC/,
    ],
    ["an ARN that is empty", USER, { "aws:SignInSessionArn": "" }, /cannot hold ""/],
    ["a VPC's ARN of another form", USER, { "aws:SourceVpcArn": "arn:aws:ec2:x" }, /no ARN of a VPC/],
    ["a source identity of a user", USER, { "aws:SourceIdentity": "a" }, /only there for sessions of roles/],
    ["a provider of a root user", ROOT, { "aws:FederatedProvider": "x" }, /only there for sessions of roles/],
    ["a claim of SAML of a user", USER, { "saml:sub": "x" }, /only there for sessions of roles/],
    ["tags of a root user", ROOT, { "aws:PrincipalTag/a": "x" }, /never there for a root user/],
    ["AssumeRoot by a user", USER, { "aws:AssumedRoot": "true" }, /only there for sessions of AssumeRoot/],
    ["a session without a token", OTHER_ROLE, { "aws:TokenIssueTime": [] }, /always there for temporary/],
    [
      "an age without a second factor",
      USER,
      { "aws:MultiFactorAuthPresent": "false", "aws:MultiFactorAuthAge": "5" },
      /MultiFactorAuthAge is only there/,
    ],
    [
      "a second factor without an age",
      USER,
      { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": [] },
      /MultiFactorAuthAge is always there/,
    ],
    [
      "a second factor of a long-term key",
      USER,
      { "aws:MultiFactorAuthPresent": "true", "aws:TokenIssueTime": [] },
      /only there for temporary credentials/,
    ],
    [
      "temporary credentials of a user that say nothing of a second factor",
      USER,
      { "aws:MultiFactorAuthPresent": [], "aws:TokenIssueTime": "2026-11-01" },
      /always there for temporary credentials of users/,
    ],
    ["a service in capitals", { kind: "service", name: "S3.amazonaws.com" }, {}, /no service principal/],
    ["another time", USER, { "aws:CurrentTime": "2026-11-24" }, /CurrentTime contradicts/],
    ["another epoch time", USER, { "aws:EpochTime": "1" }, /EpochTime contradicts/],
    ["credentials of the future", USER, { "aws:TokenIssueTime": "2027-01-01" }, /lies after/],
    ["another spec", USER, { "kms:KeySpec": "RSA_2048" }, /KeySpec contradicts/],
    [
      "another account of the key",
      USER,
      { "aws:ResourceAccount": "444455556666" },
      /ResourceAccount contradicts/,
    ],
    [
      "another organization of the key",
      USER,
      { "aws:ResourceOrgID": "o-partner0001" },
      /ResourceOrgID contradicts/,
    ],
    ["another Region", USER, { "aws:RequestedRegion": "eu-west-1" }, /RequestedRegion contradicts/],
    ["a tag that the key does not have", USER, { "aws:ResourceTag/team": "a" }, /no such tag/],
    [
      "a kind of multi-Region key",
      USER,
      { "kms:MultiRegionKeyType": "PRIMARY" },
      /MultiRegionKeyType contradicts/,
    ],
    [
      "aliases that the key does not have",
      USER,
      { "kms:ResourceAliases": ["alias/x"] },
      /ResourceAliases contradicts/,
    ],
    [
      "an algorithm of another key",
      USER,
      { "kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_256" },
      /EncryptionAlgorithm is not one/,
    ],
    ["a parameter of another action", USER, { "kms:GranteePrincipal": USER }, /no parameter of kms:Decrypt/],
    ["an alias without a name", USER, { "kms:RequestAlias": "alias/" }, /no alias name/],
    [
      "an alias ARN",
      USER,
      { "kms:RequestAlias": "arn:aws:kms:us-east-1:111122223333:alias/x" },
      /no alias name/,
    ],
    [
      "two values of a single-valued key",
      OTHER_ROLE,
      { "aws:SourceIdentity": ["a", "b"] },
      /holds one value/,
    ],
    ["no truth value", USER, { "aws:MultiFactorAuthPresent": "maybe" }, /cannot hold "maybe"/],
    ["no number", USER, { "aws:MultiFactorAuthAge": "old" }, /cannot hold "old"/],
    [
      "credentials of an instance elsewhere",
      OTHER_ROLE,
      { "ec2:SourceInstanceArn": "arn:aws:ec2:us-east-1:111122223333:instance/i-1" },
      /not in the caller's account/,
    ],
    [
      "credentials of an instance for a user",
      USER,
      { "ec2:SourceInstanceArn": "arn:aws:ec2:us-east-1:111122223333:instance/i-1" },
      /only there for sessions/,
    ],
  ])("%s", (_name, who, context, expected) => {
    const found = odd(who, { context: context as Context });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  it.each<[string, string | Caller, Over, RegExp]>([
    [
      "a list of other context keys",
      USER,
      { encryptionContext: { a: "1" }, context: { "kms:EncryptionContextKeys": ["b"] } },
      /does not list the keys/,
    ],
    [
      "a list without an encryption context",
      USER,
      { context: { "kms:EncryptionContextKeys": ["a"] } },
      /does not list the keys/,
    ],
    [
      "another value of the encryption context",
      USER,
      { encryptionContext: { a: "1" }, context: { "kms:EncryptionContext:A": "2" } },
      /contradicts the encryption context/,
    ],
    [
      "an encryption context of DescribeKey",
      USER,
      { action: "kms:DescribeKey", encryptionContext: { a: "1" } },
      /takes no encryption context/,
    ],
    [
      "an encryption context of an RSA key",
      USER,
      { facts: { spec: "RSA_2048" }, encryptionContext: { a: "1" } },
      /only symmetric encryption keys/,
    ],
    ["a caller of another partition", "arn:aws-cn:iam::111122223333:user/U", {}, /another partition/],
    ["a name with a space", { ...caller(USER), name: "a b" } as Caller, {}, /no name of a user/],
    [
      "a session name of one letter",
      { ...caller(OTHER_ROLE), session: "s" } as Caller,
      {},
      /no name of a session/,
    ],
    [
      "a unique id of a role for a user",
      { ...caller(USER), uniqueId: "AROAEXAMPLEEXAMPLEEX1" } as Caller,
      {},
      /no unique id/,
    ],
    [
      "an account id that is none",
      { ...caller(ROOT), account: "1111" } as unknown as Caller,
      {},
      /no account id/,
    ],
    ["a service that is none", { kind: "service", name: "x y" }, {}, /no service principal/],
    [
      "a path that is unknown and given",
      { ...caller(OTHER_ROLE), rolePathUnknown: true } as Caller,
      {},
      /path of the role/,
    ],
  ])("%s", (_name, who, over, expected) => {
    const found = odd(who, over);
    expect(found.filter((text) => expected.test(text))).toHaveLength(1);
  });
});
