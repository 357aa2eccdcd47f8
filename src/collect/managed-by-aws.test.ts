import { describe, expect, it } from "vitest";
import type { Grant } from "../domain/grant.js";
import { isSurelyManagedByAws } from "./managed-by-aws.js";

const OWN = "111122223333";
const ROOT = `arn:aws:iam::${OWN}:root`;

/** The policy of `aws/ebs`, in the form in which AWS returns it. */
const EBS = {
  Version: "2012-10-17",
  Id: "auto-ebs-2",
  Statement: [
    {
      Sid: "Allow access through EBS for all principals in the account that are authorized to use EBS",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:CreateGrant",
        "kms:DescribeKey",
      ],
      Resource: "*",
      Condition: {
        StringEquals: { "kms:CallerAccount": OWN, "kms:ViaService": "ec2.us-east-1.amazonaws.com" },
      },
    },
    {
      Sid: "Allow direct access to key metadata to the account",
      Effect: "Allow",
      Principal: { AWS: ROOT },
      Action: ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
      Resource: "*",
    },
  ],
};
type Policy = typeof EBS;
type Use = Policy["Statement"][number];

const [use, metadata] = EBS.Statement as [Use, Use];
const pretty = (policy: unknown): string => JSON.stringify(policy, null, 2);
const judge = (policy: unknown, grants: readonly Grant[] | undefined = []): boolean =>
  isSurelyManagedByAws(typeof policy === "string" ? policy : pretty(policy), grants, OWN);

describe("keys that AWS manages, by their policies", () => {
  it("knows the policy of aws/ebs, pretty or compact", () => {
    expect(judge(EBS)).toBe(true);
    expect(judge(JSON.stringify(EBS))).toBe(true);
  });

  it("knows the form with a service that reads metadata and a ViaService pattern", () => {
    const dynamodb = {
      ...EBS,
      Id: "auto-dynamodb-4",
      Statement: [
        {
          ...use,
          Condition: {
            StringEquals: { "kms:CallerAccount": OWN },
            StringLike: { "kms:ViaService": "dynamodb.*.amazonaws.com" },
          },
        },
        metadata,
        {
          Effect: "Allow",
          Principal: { Service: "dynamodb.amazonaws.com" },
          Action: ["kms:Describe*", "kms:Get*", "kms:List*"],
          Resource: "*",
        },
      ],
    };
    expect(judge(dynamodb)).toBe(true);
  });

  it("accepts grants to AWS services and to the own account", () => {
    const grants: Grant[] = [
      { GrantId: "a", GranteePrincipal: "dynamodb.us-east-1.amazonaws.com", RetiringPrincipal: ROOT },
      {
        GrantId: "b",
        GranteePrincipal: `arn:aws:sts::${OWN}:assumed-role/aws:ec2-infrastructure/i-0`,
        IssuingAccount: OWN,
      },
    ];
    expect(judge(EBS, grants)).toBe(true);
  });
});

describe("what could hide a customer's key", () => {
  const with1 = (statement: unknown): unknown => ({ ...EBS, Statement: [...EBS.Statement, statement] });
  const withUse = (change: object): unknown => ({ ...EBS, Statement: [{ ...use, ...change }, metadata] });
  const condition = (value: unknown): unknown => withUse({ Condition: value });

  it.each<[string, unknown]>([
    ["another Id", { ...EBS, Id: "key-default-1" }],
    ["no Id", { Version: EBS.Version, Statement: EBS.Statement }],
    ["no statement of use", { ...EBS, Statement: [metadata] }],
    [
      "a statement for another account",
      with1({ ...metadata, Principal: { AWS: "arn:aws:iam::999988887777:root" } }),
    ],
    ["the own account with all rights", with1({ ...metadata, Action: "kms:*" })],
    ["the own account with PutKeyPolicy", with1({ ...metadata, Action: ["kms:PutKeyPolicy"] })],
    [
      "a service that decrypts",
      with1({ ...metadata, Principal: { Service: "a.amazonaws.com" }, Action: "kms:Decrypt" }),
    ],
    ["metadata for everybody", with1({ ...metadata, Principal: { AWS: "*" } })],
    ["two kinds of principals", withUse({ Principal: { AWS: "*", Service: "a.amazonaws.com" } })],
    ["everybody as text", withUse({ Principal: "*" })],
    ["NotPrincipal", withUse({ NotPrincipal: { AWS: ROOT } })],
    ["no condition", { ...EBS, Statement: [{ ...use, Condition: undefined }, metadata] }],
    [
      "the condition of another account",
      condition({ StringEquals: { "kms:CallerAccount": "999988887777", "kms:ViaService": "x" } }),
    ],
    [
      "one more account",
      condition({ StringEquals: { "kms:CallerAccount": [OWN, "999988887777"], "kms:ViaService": "x" } }),
    ],
    ["no account", condition({ StringEquals: { "kms:CallerAccount": [], "kms:ViaService": "x" } })],
    ["an account pattern", condition({ StringLike: { "kms:CallerAccount": "*", "kms:ViaService": "x" } })],
    [
      "an operator that an absent key meets",
      condition({ StringEqualsIfExists: { "kms:CallerAccount": OWN, "kms:ViaService": "x" } }),
    ],
    ["no service", condition({ StringEquals: { "kms:CallerAccount": OWN } })],
    ["a Deny", with1({ ...metadata, Effect: "Deny" })],
    ["a member that AWS does not write", { ...EBS, Comment: "x" }],
    ["text that is no policy", "[]"],
    ["text that is no JSON", "{"],
    ["a member that stands twice", JSON.stringify(EBS).replace('"Id":', '"Id":"x","Id":')],
    ["an escape", JSON.stringify(EBS).replace("auto-ebs-2", "auto-\\u0065bs-2")],
  ])("%s", (_what, policy) => {
    expect(judge(policy)).toBe(false);
  });

  it.each<[string, readonly Grant[] | undefined]>([
    ["grants that are not known", undefined],
    ["a grant to another account", [{ GrantId: "g", GranteePrincipal: "arn:aws:iam::999988887777:role/x" }]],
    ["a grant from another account", [{ GrantId: "g", IssuingAccount: "arn:aws:iam::999988887777:root" }]],
    [
      "a grant that others may retire",
      [{ GrantId: "g", RetiringPrincipal: "arn:aws:iam::999988887777:root" }],
    ],
    [
      "a grant to a name like a service's",
      [{ GrantId: "g", GranteePrincipal: "x.amazonaws.com.evil.example" }],
    ],
  ])("%s", (_what, grants) => {
    expect(isSurelyManagedByAws(pretty(EBS), grants, OWN)).toBe(false);
  });

  it("the policy of another account", () => {
    expect(isSurelyManagedByAws(pretty(EBS), [], "999988887777")).toBe(false);
  });
});
