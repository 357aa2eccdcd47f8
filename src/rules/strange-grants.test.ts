import { describe, expect, test } from "vitest";
import { OWNER, STRANGER, judge, policyText, role, root } from "../../test/judging.js";
import type { Grant } from "../domain/grant.js";
import type { KeyReport } from "./finding.js";

function withGrant(grant: Omit<Grant, "GrantId">): KeyReport {
  return judge(policyText(), { grants: [{ GrantId: "g1", ...grant }] });
}

describe("a grant in a form that this version does not know is never taken for none", () => {
  test.each(["FooBar", "decrypt", "PutKeyPolicy"])("the operation %s, to an outsider", (operation) => {
    const report = withGrant({ GranteePrincipal: root(STRANGER), Operations: [operation] });
    expect(report).toMatchObject({ verdict: "not-assessed", exposure: "unknown" });
    expect(report.findings.map((f) => f.rule)).toEqual(["not-assessed"]);
    expect(report.findings[0]?.reason).toContain(operation);
  });

  test("what is known beside it still counts", () => {
    const report = withGrant({ GranteePrincipal: root(STRANGER), Operations: ["FooBar", "Decrypt"] });
    expect(report).toMatchObject({ verdict: "exposed", exposure: "external" });
  });

  test("to the own account it says nothing about outsiders", () => {
    const report = withGrant({ GranteePrincipal: role(OWNER, "App"), Operations: ["FooBar"] });
    expect(report).toMatchObject({ verdict: "clear", exposure: "none" });
  });

  test("a principal of another partition", () => {
    const report = withGrant({
      GranteePrincipal: `arn:aws-cn:iam::${STRANGER}:root`,
      Operations: ["Decrypt"],
    });
    expect(report).toMatchObject({ verdict: "not-assessed", exposure: "unknown" });
  });

  test.each([
    [`arn:aws:iam::${STRANGER}:root`, "external"],
    [`arn:aws:iam::${OWNER}:role/App`, "service"],
  ])("a principal and a service at once: both get in (%s)", (GranteePrincipal, exposure) => {
    const report = withGrant({
      GranteePrincipal,
      GranteeServicePrincipal: "s3.amazonaws.com",
      Operations: ["Decrypt"],
    });
    expect(report.exposure).toBe(exposure);
    expect(report.findings.some((f) => f.who?.kind === "service")).toBe(true);
  });
});
