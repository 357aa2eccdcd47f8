import { describe, expect, test } from "vitest";
import {
  FRIEND,
  ORGANIZATION,
  OWNER,
  STRANGER,
  allow,
  findings,
  judge,
  keyOf,
  only,
  policyText,
  role,
  root,
  rules,
} from "../../test/judging.js";
import type { Grant } from "../domain/grant.js";
import { DIAGNOSTIC_CODES } from "../policy/codes.js";
import { LINTS } from "./lints.js";

const when = (condition: unknown): { readonly Condition: unknown } => ({ Condition: condition });

describe("full-control-non-root", () => {
  test("a principal of the own account with kms:*", () => {
    const report = judge(policyText(allow({ AWS: role(OWNER, "Ops") }, "kms:*", { Sid: "Ops" })));
    expect(report).toMatchObject({ verdict: "weak", exposure: "none" });
    expect(only(report, "full-control-non-root")).toMatchObject({
      severity: "low",
      who: { kind: "principal", arn: role(OWNER, "Ops") },
      source: { index: 1, sid: "Ops" },
      reason: `${role(OWNER, "Ops")} can both use the key and change its policy through statement 2 ("Ops").`,
    });
  });

  test("an administrator who cannot use the key is info, and the key stays clear", () => {
    const report = judge(policyText(allow({ AWS: role(OWNER, "Admin") }, ["kms:Put*", "kms:Create*"])));
    expect(report.verdict).toBe("clear");
    expect(rules(report)).toEqual(["full-control-non-root:info"]);
  });

  test("a user of the key is nothing", () => {
    expect(rules(judge(policyText(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt"))))).toEqual([]);
  });

  test("a Deny takes the control away", () => {
    const deny = { ...allow({ AWS: role(OWNER, "Ops") }, "kms:PutKeyPolicy"), Effect: "Deny" };
    const report = judge(policyText(allow({ AWS: role(OWNER, "Ops") }, "kms:*"), deny));
    expect(findings(report, "full-control-non-root")).toEqual([]);
  });

  test("a trusted principal of another account that can pass access on", () => {
    const report = judge(policyText(allow({ AWS: role(FRIEND, "R") }, ["kms:Decrypt", "kms:CreateGrant"])));
    expect(only(report, "full-control-non-root")).toMatchObject({
      severity: "medium",
      actions: ["kms:CreateGrant"],
    });
  });

  test("not if it may create grants for AWS services only", () => {
    const resources = allow({ AWS: role(FRIEND, "R") }, ["kms:Decrypt", "kms:CreateGrant"], {
      ...when({ Bool: { "kms:GrantIsForAWSResource": "true" } }),
    });
    expect(findings(judge(policyText(resources)), "full-control-non-root")).toEqual([]);
  });

  test("an outsider is the business of external-access", () => {
    const report = judge(policyText(allow({ AWS: role(STRANGER, "R") }, "kms:*")));
    expect(findings(report, "full-control-non-root")).toEqual([]);
  });
});

describe("unconditioned-trusted-account", () => {
  test("a whole trusted account", () => {
    const report = judge(policyText(allow({ AWS: root(FRIEND) }, ["kms:Decrypt"])));
    expect(report).toMatchObject({ verdict: "weak", exposure: "none" });
    expect(only(report, "unconditioned-trusted-account")).toMatchObject({
      severity: "low",
      who: { kind: "account", id: FRIEND },
      actions: ["kms:Decrypt"],
    });
  });

  test.each([
    ["a role of it", allow({ AWS: role(FRIEND, "R") }, "kms:Decrypt")],
    [
      "with a condition",
      allow({ AWS: root(FRIEND) }, "kms:Decrypt", when({ StringEquals: { "aws:PrincipalTag/team": "pay" } })),
    ],
    ["metadata only is info", allow({ AWS: root(FRIEND) }, "kms:DescribeKey")],
  ])("%s leaves the key clear", (_name, statement) => {
    expect(judge(policyText(statement)).verdict).toBe("clear");
  });
});

describe("everyone-in-own-account", () => {
  const own = (more: Record<string, unknown> = {}): unknown => ({
    StringEquals: { "kms:CallerAccount": OWNER, ...more },
  });

  test("Principal * narrowed to the own account", () => {
    const report = judge(policyText(allow("*", "kms:Decrypt", when(own()))));
    expect(report).toMatchObject({ verdict: "weak", exposure: "none" });
    const finding = only(report, "everyone-in-own-account");
    expect(finding).toMatchObject({ severity: "low", who: { kind: "account", id: OWNER } });
    expect(finding.reason).toContain("without any IAM policy");
  });

  test("through a service of AWS it is info", () => {
    const via = own({ "kms:ViaService": "ec2.us-east-1.amazonaws.com" });
    const report = judge(policyText(allow("*", "kms:Decrypt", when(via))));
    expect(report.verdict).toBe("clear");
    expect(rules(report)).toEqual(["everyone-in-own-account:info"]);
  });

  test("narrowed to the trusted organization it is info", () => {
    const condition = { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } };
    const report = judge(policyText(allow("*", "kms:Decrypt", when(condition))));
    expect(rules(report)).toEqual(["everyone-in-own-account:info"]);
  });

  test("where strangers come in, that is the finding", () => {
    expect(rules(judge(policyText(allow("*", "kms:Decrypt"))))).toEqual(["public-access:critical"]);
  });
});

describe("orphaned-principal", () => {
  test("a unique id in a statement", () => {
    const report = judge(policyText(allow({ AWS: "AROADBQP57FF2AEXAMPLE" }, "kms:Decrypt")));
    expect(report).toMatchObject({ verdict: "weak", exposure: "none" });
    expect(only(report, "orphaned-principal").reason).toContain("AROADBQP57FF2AEXAMPLE");
  });

  test("a unique id as grantee", () => {
    const grants = [{ GrantId: "g1", GranteePrincipal: "AIDADBQP57FF2AEXAMPLE", Operations: ["Decrypt"] }];
    expect(only(judge(policyText(), { grants }), "orphaned-principal").source).toEqual({
      kind: "grant",
      grantId: "g1",
    });
  });
});

describe("unmanageable-key", () => {
  const text = (...statements: unknown[]): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: statements });

  test("nobody of the account may change the policy", () => {
    const report = judge(text(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt")));
    expect(report.verdict).toBe("weak");
    expect(only(report, "unmanageable-key").severity).toBe("medium");
  });

  test("everybody is denied to change it", () => {
    const deny = { ...allow("*", "kms:PutKeyPolicy"), Effect: "Deny" };
    expect(findings(judge(policyText(deny)), "unmanageable-key")).toHaveLength(1);
  });

  test.each([
    ["the default policy", policyText()],
    ["a role that may", text(allow({ AWS: role(OWNER, "Admin") }, "kms:PutKeyPolicy"))],
    ["anyone may", text(allow("*", "kms:*"))],
    [
      "a Deny that spares an administrator",
      policyText({
        ...allow(
          "*",
          "kms:PutKeyPolicy",
          when({ ArnNotEquals: { "aws:PrincipalArn": role(OWNER, "Admin") } }),
        ),
        Effect: "Deny",
      }),
    ],
  ])("not with %s", (_name, policy) => {
    expect(findings(judge(policy), "unmanageable-key")).toEqual([]);
  });

  test("not of a policy that could not be read", () => {
    const denied = { kind: "unreadable", code: "AccessDeniedException" } as const;
    expect(findings(judge("", { record: { policy: denied } }), "unmanageable-key")).toEqual([]);
  });
});

describe("ineffective-condition and ineffective-statement", () => {
  test.each([
    ["a wildcard that is text", when({ StringEquals: { "aws:PrincipalOrgID": "o-*" } }), "low"],
    ["Null with a qualifier", when({ "ForAnyValue:Null": { "aws:PrincipalOrgID": "true" } }), "low"],
  ])("%s", (_name, condition, severity) => {
    const report = judge(policyText(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt", condition)));
    expect(findings(report, "ineffective-condition").map((f) => f.severity)).toContain(severity);
    expect(report.verdict).toBe("weak");
  });

  test("the place is that of the condition", () => {
    const condition = { StringEquals: { "aws:PrincipalOrgID": "o-*" } };
    const policy = policyText(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt", when(condition)));
    const { source } = only(judge(policy), "ineffective-condition");
    expect(source.kind === "statement" && policy.split("\n")[(source.line ?? 0) - 1]).toContain(
      "aws:PrincipalOrgID",
    );
  });

  test("an Allow without effect gives less than it seems: info", () => {
    const report = judge(policyText(allow({ AWS: role(OWNER, "App") }, "kms:ReEncrypt")));
    expect(report.verdict).toBe("clear");
    expect(rules(report)).toEqual(["ineffective-statement:info"]);
  });

  test("a Deny without effect is one that somebody relies on: low", () => {
    const report = judge(policyText({ ...allow("*", "kms:ReEncrypt"), Effect: "Deny" }));
    expect(rules(report)).toEqual(["ineffective-statement:low"]);
  });

  test("every warning of the parser belongs to a rule", () => {
    const warnings = Object.entries(DIAGNOSTIC_CODES).filter(([, facts]) => facts.level === "warning");
    expect(Object.keys(LINTS).sort()).toEqual(warnings.map(([code]) => code).sort());
  });
});

describe("grants", () => {
  const grant = (more: Partial<Grant>): Grant => ({
    GrantId: "g1",
    GranteePrincipal: role(OWNER, "App"),
    Operations: ["Decrypt"],
    IssuingAccount: root(OWNER),
    ...more,
  });
  const judged = (more: Partial<Grant>): readonly string[] =>
    rules(judge(policyText(), { grants: [grant(more)] }));
  const EVERYTHING = ["Decrypt", "Encrypt", "GenerateDataKey", "CreateGrant", "DescribeKey"];

  test.each<[string, Partial<Grant>, string[]]>([
    ["one operation for a role of the own account", {}, []],
    ["to the whole own account", { GranteePrincipal: root(OWNER) }, ["broad-grant:low"]],
    ["to a whole trusted account", { GranteePrincipal: root(FRIEND) }, ["broad-grant:low"]],
    ["every use of the key", { Operations: EVERYTHING }, ["broad-grant:low", "reshareable-grant:low"]],
    [
      "every use, bound to a context",
      { Operations: EVERYTHING, Constraints: { EncryptionContextSubset: { app: "x" } } },
      ["reshareable-grant:low"],
    ],
    [
      "to a service that needs to pass it on",
      {
        Operations: EVERYTHING,
        GranteePrincipal: `arn:aws:sts::${OWNER}:assumed-role/aws:ec2-infrastructure/i-1`,
      },
      ["reshareable-grant:info"],
    ],
    ["issued by a stranger", { IssuingAccount: root(STRANGER) }, ["outsider-issued-grant:medium"]],
    [
      "issued by a stranger, written as an id",
      { IssuingAccount: STRANGER },
      ["outsider-issued-grant:medium"],
    ],
    ["issued by a friend", { IssuingAccount: root(FRIEND) }, []],
    ["retired by a stranger", { RetiringPrincipal: role(STRANGER, "R") }, ["foreign-retiring-principal:low"]],
    ["retired by a friend", { RetiringPrincipal: role(FRIEND, "R") }, []],
    ["retired by a service", { RetiringPrincipal: "dynamodb.us-east-1.amazonaws.com" }, []],
  ])("%s", (_name, more, expected) => {
    expect([...judged(more)].sort()).toEqual(expected);
  });

  test("a grantee outside the zone is external access and nothing else", () => {
    expect(judged({ GranteePrincipal: root(STRANGER), Operations: EVERYTHING })).toEqual([
      "external-access:high",
    ]);
  });

  test("a grant that says nothing about itself does no harm to the rules", () => {
    const report = judge(policyText(), { grants: [{ GrantId: "g1" }] });
    expect(report.exposure).not.toBe("public");
  });
});

test("judging a key twice gives the same report", () => {
  const policy = policyText(allow("*", "kms:*"), allow({ AWS: root(STRANGER) }, "kms:Decrypt"));
  expect(judge(policy)).toEqual(judge(policy));
  expect(keyOf(policy).policy).toEqual({ kind: "present", value: policy });
});
