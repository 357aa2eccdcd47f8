import { expect, test } from "vitest";
import {
  ARN,
  allow,
  FRIEND,
  type Json,
  judge,
  OWNER,
  policyText,
  role,
  root,
  STRANGER,
} from "../../test/judging.js";

// Denies nobody anything that the rule looks at, and so only keeps it from the short way.
const idle: Json = {
  Effect: "Deny",
  Principal: { AWS: root("999988887770") },
  Action: "kms:UntagResource",
  Resource: "*",
};

const actions = [
  "kms:*",
  "*",
  ["kms:PutKeyPolicy", "kms:Decrypt"],
  ["kms:Put*", "kms:DescribeKey"],
  ["kms:CreateGrant", "kms:Decrypt"],
  ["kms:CreateGrant", "kms:Sign"],
  "kms:Sign",
  "kms:Decrypt",
];
const principals = [
  { AWS: role(OWNER, "admin") },
  { AWS: [role(OWNER, "admin"), root(FRIEND)] },
  { AWS: root(FRIEND) },
  { AWS: [role(FRIEND, "app"), role(STRANGER, "app")] },
  { AWS: [role(OWNER, "admin"), "*"] },
];
const kinds = [
  { spec: "SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT" },
  { spec: "RSA_2048", usage: "SIGN_VERIFY" },
] as const;

const cases = actions.flatMap((action) =>
  principals.flatMap((principal) =>
    [ARN, "*", `${ARN}0`].flatMap((resource) =>
      kinds.map((facts) => ({ action, principal, resource, facts })),
    ),
  ),
);

test.each(cases)("full control is found alike by the short way and by the engine: %j", (c) => {
  const statement = allow(c.principal, c.action, { Resource: c.resource });
  const control = (...more: Json[]) =>
    judge(policyText(statement, ...more), { facts: c.facts })
      .findings.filter((f) => f.rule === "full-control-non-root")
      .map((f) => [f.who, f.severity, f.actions]);
  expect(control()).toEqual(control(idle));
});

test("and it is found at all", () => {
  const report = judge(policyText(allow({ AWS: role(OWNER, "admin") }, "kms:*")));
  expect(report.findings.map((f) => f.rule)).toContain("full-control-non-root");
});
