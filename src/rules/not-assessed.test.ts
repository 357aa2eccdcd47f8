import { describe, expect, test } from "vitest";
import {
  OWNER,
  STRANGER,
  allow,
  findings,
  judge,
  only,
  policyText,
  role,
  rules,
} from "../../test/judging.js";
import { unknown } from "../domain/fetched.js";
import { readAgain } from "./not-assessed.js";

const DENIED = { kind: "unreadable", code: "AccessDeniedException" } as const;
const FOREIGN = [{ GrantId: "g1", GranteePrincipal: role(STRANGER, "R"), Operations: ["Decrypt"] }];

describe("a policy that could not be read", () => {
  test("is never clear", () => {
    const report = judge("", { record: { policy: DENIED } });
    expect(report).toMatchObject({ verdict: "not-assessed", exposure: "unknown" });
    expect(only(report, "not-assessed")).toMatchObject({
      severity: "medium",
      exposure: "unknown",
      reason: "The key policy could not be read (AccessDeniedException).",
      source: { kind: "policy" },
    });
    expect(only(report, "not-assessed").remedy).toContain("Allow kms:GetKeyPolicy");
  });

  test("does not hide what the grants prove", () => {
    const both = judge("", { record: { policy: DENIED, grants: { kind: "present", value: FOREIGN } } });
    expect(both).toMatchObject({ verdict: "exposed", exposure: "external" });
    expect(rules(both)).toEqual(["external-access:high", "not-assessed:medium"]);
  });

  test("an absent one is not a good one", () => {
    const report = judge("", { record: { policy: { kind: "absent" } } });
    expect(report.verdict).toBe("not-assessed");
  });
});

describe("grants that could not be read", () => {
  test.each([
    ["refused", DENIED, "The grants could not be read (AccessDeniedException)."],
    [
      "not in the snapshot",
      unknown,
      "The grants of the key were not read, and somebody could have access through them.",
    ],
  ])("%s: not assessed", (_name, grants, reason) => {
    const report = judge(policyText(), { record: { grants } });
    expect(report).toMatchObject({ verdict: "not-assessed", exposure: "unknown" });
    expect(only(report, "not-assessed").reason).toBe(reason);
  });

  test("do not hide what the policy proves", () => {
    const report = judge(policyText(allow("*", "kms:Decrypt")), { record: { grants: DENIED } });
    expect(report).toMatchObject({ verdict: "exposed", exposure: "public" });
  });

  test("but of which some were read, show what these prove, and the rest stays open", () => {
    const cut = { kind: "unreadable", code: "Interrupted", part: FOREIGN } as const;
    const report = judge(policyText(), { record: { grants: cut } });
    expect(report).toMatchObject({ verdict: "exposed", exposure: "external" });
    expect(rules(report)).toEqual(["external-access:high", "not-assessed:medium"]);
    expect(only(report, "not-assessed")).toMatchObject({
      reason: "Only 1 of the grants could be read (Interrupted).",
      remedy: "The scan was stopped: run keyward scan again with --resume and the snapshot of that scan.",
    });
    const inside = { ...cut, part: [{ ...FOREIGN[0]!, GranteePrincipal: role(OWNER, "R") }] };
    expect(judge(policyText(), { record: { grants: inside } })).toMatchObject({ verdict: "not-assessed" });
  });

  test("make a weak key unknown: the grants could be worse", () => {
    const service = allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt");
    const report = judge(policyText(service), { record: { grants: DENIED } });
    expect(report).toMatchObject({ verdict: "not-assessed", exposure: "unknown" });
    expect(findings(report, "service-access")).toHaveLength(1);
  });

  test("absent is none: a policy file has no grants", () => {
    expect(judge(policyText(), { record: { grants: { kind: "absent" } } }).verdict).toBe("clear");
  });
});

describe("what is not understood", () => {
  test("a text that is not JSON, with its place", () => {
    const report = judge('{\n  "Version": 2012-10-17\n}');
    expect(report.verdict).toBe("not-assessed");
    expect(only(report, "not-assessed").source).toMatchObject({ kind: "policy", line: 2 });
  });

  test("an exposure that rests on a condition key that keyward does not know", () => {
    const condition = { StringEquals: { "aws:PrincipleOrgID": "o-own1234567" } };
    const report = judge(policyText(allow("*", "kms:Decrypt", { Condition: condition })));
    expect(report).toMatchObject({ verdict: "not-assessed", exposure: "unknown" });
    const finding = only(report, "not-assessed");
    expect(finding.who).toEqual({ kind: "anyone" });
    expect(finding.doubts.map((d) => d.id)).toContain("unknown-condition-key");
  });

  test("an operator that does not exist", () => {
    const condition = { StringMatches: { "aws:PrincipalOrgID": "o-own1234567" } };
    const report = judge(policyText(allow("*", "kms:Decrypt", { Condition: condition })));
    expect(report.verdict).toBe("not-assessed");
  });

  test("a search that runs out of steps", () => {
    const pattern = { StringLike: { "aws:PrincipalArn": "*a*b*" }, StringNotLike: { "aws:userid": "*c*" } };
    const text = policyText(allow("*", "kms:Decrypt", { Condition: pattern }));
    expect(judge(text).verdict).toBe("exposed");
    const report = judge(text, { context: { maxSteps: 0 } });
    expect(report.verdict).toBe("not-assessed");
    expect(findings(report, "not-assessed").length).toBeGreaterThan(0);
  });
});

test.each([
  ["AccessDeniedException", /^Allow kms:ListGrants/],
  ["ThrottlingException", /^Run it again later/],
  ["NotFoundException", /deleted in the meantime/],
  ["SomethingNew", /^Find out why kms:ListGrants failed/],
])("the next step after %s", (code, expected) => {
  expect(readAgain(code, "kms:ListGrants")).toMatch(expected);
});
