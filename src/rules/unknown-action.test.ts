import { describe, expect, test } from "vitest";
import {
  FRIEND,
  OWNER,
  STRANGER,
  allow,
  judge,
  only,
  policyText,
  role,
  root,
  rules,
} from "../../test/judging.js";

const deny = (action: unknown): ReturnType<typeof allow> => ({ ...allow("*", action), Effect: "Deny" });

describe("actions of KMS that keyward does not know", () => {
  test.each([
    ["everybody", allow("*", "kms:FutureThing")],
    ["another account", allow({ AWS: root(STRANGER) }, ["kms:DescribeAlias", "kms:Nope*"])],
    ["a service", allow({ Service: "logs.amazonaws.com" }, "kms:Decrpyt")],
  ])("allowed to %s: not clear", (_, statement) => {
    const report = judge(policyText(statement));
    expect([report.exposure, report.verdict]).toEqual(["none", "weak"]);
    expect([...new Set(rules(report))]).toEqual(["ineffective-statement:low"]);
  });

  test("in a Deny, on which somebody relies: not clear", () => {
    const report = judge(policyText(deny(["kms:PutKeyPolcy", "kms:DisableKey"])));
    expect(report.verdict).toBe("weak");
    expect(only(report, "ineffective-statement")).toMatchObject({
      severity: "low",
      source: { kind: "statement", index: 1 },
      reason:
        'keyward knows no action of KMS that "kms:PutKeyPolcy" matches. If there is one, whom the statement keeps from it is not in this answer.',
    });
  });

  test("allowed to those who are trusted anyway: told, and clear", () => {
    for (const principal of [root(OWNER), role(OWNER, "App"), root(FRIEND)]) {
      const report = judge(policyText(allow({ AWS: principal }, "kms:FutureThing")));
      expect([report.verdict, ...rules(report)]).toEqual(["clear", "ineffective-statement:info"]);
    }
  });

  test.each(["kms:*", "*", "kms:De*", "KMS:DECRYPT", "kms:?ecrypt", "kms:CreateKey", "kms:ListKey*"])(
    "%s is known",
    (action) => {
      expect(rules(judge(policyText(deny(action)))).filter((r) => r === "ineffective-statement:low")).toEqual(
        [],
      );
    },
  );
});
