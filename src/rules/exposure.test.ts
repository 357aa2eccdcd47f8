import { describe, expect, test } from "vitest";
import {
  FRIEND,
  ORGANIZATION,
  OWNER,
  STRANGER,
  allow,
  findings,
  judge,
  only,
  policyText,
  role,
  root,
  rules,
} from "../../test/judging.js";

const EVERYBODY = { AWS: "*" };

describe("a key that is clear", () => {
  test("the default key policy: kms:* for the own account root is no finding", () => {
    const report = judge(policyText());
    expect(report).toMatchObject({ verdict: "clear", exposure: "none", waived: false, findings: [] });
    expect(report).toMatchObject({
      accountId: OWNER,
      region: "us-east-1",
      aliases: ["alias/app"],
      state: "Enabled",
    });
  });

  test("the console's policy with a key administrator and users of the own account", () => {
    const admin = allow({ AWS: role(OWNER, "KeyAdmin") }, [
      "kms:Create*",
      "kms:Describe*",
      "kms:Enable*",
      "kms:List*",
      "kms:Put*",
      "kms:Update*",
      "kms:Revoke*",
      "kms:Disable*",
      "kms:Get*",
      "kms:Delete*",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:ScheduleKeyDeletion",
      "kms:CancelKeyDeletion",
      "kms:RotateKeyOnDemand",
    ]);
    const users = allow({ AWS: [role(OWNER, "App")] }, [
      "kms:Encrypt",
      "kms:Decrypt",
      "kms:ReEncrypt*",
      "kms:GenerateDataKey*",
      "kms:DescribeKey",
    ]);
    const resources = allow(
      { AWS: [role(OWNER, "App")] },
      ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
      {
        Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
      },
    );
    const report = judge(policyText(admin, users, resources));
    expect(report.verdict).toBe("clear");
    expect(rules(report)).toEqual(["full-control-non-root:info"]);
  });
});

describe("public-access", () => {
  test("anyone may decrypt", () => {
    const report = judge(policyText(allow(EVERYBODY, "kms:Decrypt", { Sid: "Open" })));
    expect(report).toMatchObject({ verdict: "exposed", exposure: "public" });
    const finding = only(report, "public-access");
    expect(finding).toMatchObject({
      severity: "critical",
      exposure: "public",
      certainty: "certain",
      who: { kind: "anyone" },
      capabilities: ["decrypt"],
      actions: ["kms:Decrypt"],
      source: { kind: "statement", index: 1, sid: "Open", line: 12, column: 5 },
      conditions: [],
      waiver: null,
    });
    expect(finding.reason).toBe(
      'Anyone with an AWS account can read data encrypted under the key (kms:Decrypt) through statement 2 ("Open").',
    );
    expect(finding.remedy).toContain('In statement 2 ("Open"), name the principals');
  });

  test("the witness is a whole request of a stranger", () => {
    const { witness } = only(judge(policyText(allow(EVERYBODY, "kms:Decrypt"))), "public-access");
    expect(witness?.action).toBe("kms:Decrypt");
    const stranger = /^arn:aws:sts::(\d{12}):assumed-role\//.exec(witness?.principal ?? "")?.[1];
    expect(stranger).toBeDefined();
    expect([OWNER, FRIEND]).not.toContain(stranger);
    expect(witness?.context).toMatchObject({
      "kms:CallerAccount": stranger,
      "aws:PrincipalAccount": stranger,
      "aws:ResourceAccount": OWNER,
    });
  });

  test.each([
    [["kms:Encrypt"], "high"],
    [["kms:DescribeKey"], "medium"],
    [["kms:CreateGrant"], "critical"],
  ])("severity follows from what can be done: %j is %s", (actions, severity) => {
    expect(only(judge(policyText(allow("*", actions))), "public-access").severity).toBe(severity);
  });

  test("a path condition is shown, and does not change it", () => {
    const condition = { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } };
    const finding = only(
      judge(policyText(allow("*", "kms:Decrypt", { Condition: condition }))),
      "public-access",
    );
    expect(finding.conditions).toEqual([
      {
        operator: "StringEquals",
        key: "kms:ViaService",
        values: ["s3.us-east-1.amazonaws.com"],
        kind: "path",
      },
    ]);
    expect(finding.reason).toContain(
      "it tests kms:ViaService, which the caller meets by going through that service",
    );
  });

  test("a condition that callers meet at will is shown as such", () => {
    const condition = { StringLike: { "kms:EncryptionContext:app": "*" } };
    const finding = only(
      judge(policyText(allow("*", "kms:Decrypt", { Condition: condition }))),
      "public-access",
    );
    expect(finding.reason).toContain("kms:EncryptionContext:app, which the caller chooses");
  });

  test("an account that comes in where anyone comes in is no finding of its own", () => {
    const both = allow({ AWS: ["*", root(STRANGER)] }, "kms:Decrypt");
    expect(rules(judge(policyText(both)))).toEqual(["public-access:critical"]);
  });

  test("an account that comes in through another statement is one", () => {
    const report = judge(
      policyText(allow("*", "kms:Encrypt"), allow({ AWS: root(STRANGER) }, "kms:Decrypt")),
    );
    expect(rules(report)).toEqual(["public-access:high", "external-access:high"]);
  });
});

describe("external-access", () => {
  test("through a statement", () => {
    const finding = only(judge(policyText(allow({ AWS: STRANGER }, "kms:Decrypt"))), "external-access");
    expect(finding).toMatchObject({ severity: "high", who: { kind: "account", id: STRANGER } });
    expect(finding.remedy).toContain("add it to trust.accounts in keyward.yaml");
  });

  test("through a grant", () => {
    const grant = { GrantId: "g1", GranteePrincipal: role(STRANGER, "R"), Operations: ["Decrypt"] };
    const report = judge(policyText(), { grants: [grant] });
    expect(report.verdict).toBe("exposed");
    const finding = only(report, "external-access");
    expect(finding).toMatchObject({
      who: { kind: "principal", arn: role(STRANGER, "R"), account: STRANGER },
      source: { kind: "grant", grantId: "g1" },
    });
    expect(finding.remedy).toContain("aws kms revoke-grant --region us-east-1 --key-id arn:aws:kms:");
  });

  test("another organization", () => {
    const condition = { StringEquals: { "aws:PrincipalOrgID": "o-partner0001" } };
    const finding = only(
      judge(policyText(allow("*", "kms:Decrypt", { Condition: condition }))),
      "external-access",
    );
    expect(finding.who).toEqual({ kind: "organization", id: "o-partner0001" });
  });

  test("kms:* for a stranger is one finding: what KMS does not offer across accounts is left out of it", () => {
    const report = judge(policyText(allow({ AWS: root(STRANGER) }, "kms:*")));
    expect(rules(report)).toEqual(["external-access:high"]);
    const { actions } = only(report, "external-access");
    expect(actions).toContain("kms:CreateGrant");
    expect(actions).not.toContain("kms:PutKeyPolicy");
  });

  test("who is in the zone is not external", () => {
    expect(judge(policyText(allow({ AWS: role(FRIEND, "R") }, "kms:Decrypt"))).exposure).toBe("none");
    const condition = { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } };
    expect(judge(policyText(allow("*", "kms:Decrypt", { Condition: condition }))).exposure).toBe("none");
  });
});

describe("the other exposures", () => {
  test("service-access: a service for anybody", () => {
    const report = judge(policyText(allow({ Service: "cloudtrail.amazonaws.com" }, "kms:GenerateDataKey*")));
    expect(report).toMatchObject({ verdict: "weak", exposure: "service" });
    const finding = only(report, "service-access");
    expect(finding).toMatchObject({
      severity: "medium",
      who: { kind: "service", name: "cloudtrail.amazonaws.com", source: { kind: "any" } },
    });
    expect(finding.remedy).toContain(`require aws:SourceAccount ${OWNER} with StringEquals`);
    expect(finding.witness?.principal).toBe("cloudtrail.amazonaws.com");
  });

  test("service-access: a service for a stranger", () => {
    const condition = { StringEquals: { "aws:SourceAccount": STRANGER } };
    const statement = allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt", { Condition: condition });
    expect(only(judge(policyText(statement)), "service-access").remedy).toContain(
      `take account ${STRANGER} out of the source condition`,
    );
  });

  test("a service that is bound to the own account is clear", () => {
    const condition = { StringEquals: { "aws:SourceAccount": OWNER } };
    const statement = allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt", { Condition: condition });
    expect(judge(policyText(statement))).toMatchObject({ verdict: "clear", exposure: "none" });
  });

  test("network-bound-access", () => {
    const condition = { StringEquals: { "aws:SourceVpce": "vpce-0a1b2c3d4e5f67890" } };
    const report = judge(policyText(allow("*", "kms:Decrypt", { Condition: condition })));
    expect(report).toMatchObject({ verdict: "weak", exposure: "network" });
    expect(only(report, "network-bound-access").reason).toContain("but only from where aws:SourceVpce says");
  });

  test("latent-access: what KMS does not offer across accounts", () => {
    const report = judge(policyText(allow({ AWS: root(STRANGER) }, "kms:PutKeyPolicy")));
    expect(report).toMatchObject({ verdict: "weak", exposure: "latent" });
    const finding = only(report, "latent-access");
    expect(finding.severity).toBe("low");
    expect(finding.reason).toContain("but KMS does not offer that across accounts today");
  });

  test("latent-access: a disabled key", () => {
    const report = judge(policyText(allow("*", "kms:Decrypt")), { facts: { state: "Disabled" } });
    expect(report).toMatchObject({ verdict: "weak", exposure: "latent" });
    expect(only(report, "latent-access").remedy).toContain("before the key leaves the state Disabled");
  });

  test("invalid-policy: what KMS would refuse", () => {
    const report = judge(policyText(allow({ Federated: "accounts.google.com" }, "kms:Decrypt")));
    expect(report).toMatchObject({ verdict: "weak", exposure: "invalid" });
    expect(findings(report, "invalid-policy")[0]?.reason).toContain("accounts.google.com");
  });

  test("an exposure that is proved beats a refused statement", () => {
    const report = judge(policyText(allow({ Federated: "x" }, "kms:Decrypt"), allow("*", "kms:Decrypt")));
    expect(report).toMatchObject({ verdict: "exposed", exposure: "public" });
  });
});

describe("keys that AWS manages", () => {
  test("hygiene is AWS's business, exposure is not", () => {
    const statement = allow("*", "kms:Decrypt", {
      Condition: { StringEquals: { "kms:CallerAccount": OWNER } },
    });
    expect(rules(judge(policyText(statement), { record: { manager: "AWS" } }))).toEqual([]);
    expect(judge(policyText(allow("*", "kms:Decrypt")), { record: { manager: "AWS" } }).verdict).toBe(
      "exposed",
    );
  });
});
