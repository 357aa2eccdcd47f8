import { expect, test } from "vitest";
import { allow, judge, only, policyText, role, root } from "../../test/judging.js";
import { whoLabel } from "./words.js";

const DATADOG = "464622532012";

test("an account that a vendor has published is shown with the vendor's name, and stays an outsider", () => {
  const report = judge(policyText(allow({ AWS: root(DATADOG) }, "kms:Decrypt")));
  expect(report.verdict).toBe("exposed");
  const finding = only(report, "external-access");
  expect(finding.who).toEqual({ kind: "account", id: DATADOG, name: "Datadog" });
  expect(finding.reason).toMatch(/^Account 464622532012 \(listed as Datadog\) can /);
  expect(whoLabel(finding.who)).toBe("account 464622532012 (listed as Datadog)");
});

test("so is a role of it", () => {
  const finding = only(
    judge(policyText(allow({ AWS: role(DATADOG, "R") }, "kms:Decrypt"))),
    "external-access",
  );
  expect(finding.who).toMatchObject({ kind: "principal", account: DATADOG, name: "Datadog" });
});
