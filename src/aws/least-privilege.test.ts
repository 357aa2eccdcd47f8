import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { actionsFor, leastPrivilege, PURPOSES, stackSetTemplate } from "./least-privilege.js";
import { PERMISSIONS } from "./permissions.js";

describe("the least-privilege policy", () => {
  test("of a scan holds what verdicts need and IAM, and nothing that writes or reaches other accounts", () => {
    const actions = actionsFor("scan");
    for (const a of [
      "kms:ListKeys",
      "kms:GetKeyPolicy",
      "kms:ListGrants",
      "iam:GetAccountAuthorizationDetails",
    ]) {
      expect(actions).toContain(a);
    }
    for (const a of actions) {
      expect(PERMISSIONS).toHaveProperty([a]);
      expect(a).toMatch(/^[a-z0-9]+:(List|Get|Describe)/);
    }
  });

  test("holds every declared action for some purpose", () => {
    const held = new Set(PURPOSES.flatMap((purpose) => actionsFor(purpose)));
    expect([...held].sort()).toEqual(Object.keys(PERMISSIONS).sort());
  });

  test("is a policy that names those actions", () => {
    expect(JSON.parse(leastPrivilege("scan"))).toMatchObject({
      Statement: [{ Effect: "Allow", Action: actionsFor("scan"), Resource: "*" }],
    });
  });

  test("of apply holds the three calls that write, and what is read around them", () => {
    expect(actionsFor("apply")).toEqual([
      "kms:CreateGrant",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:ListGrants",
      "kms:PutKeyPolicy",
      "kms:RevokeGrant",
    ]);
  });

  test("of a plan adds usage", () => {
    expect(actionsFor("plan").some((a) => a.startsWith("cloudtrail:"))).toBe(true);
    expect(actionsFor("plan")).toEqual(expect.arrayContaining([...actionsFor("scan")]));
  });
});

test("the StackSet template is YAML with a role of three parameters and the actions of a scan", () => {
  const document = parseDocument(stackSetTemplate(), { logLevel: "silent" });
  expect(document.errors).toEqual([]);
  const template = document.toJS() as {
    Parameters: object;
    Resources: {
      Role: { Properties: { Policies: [{ PolicyDocument: { Statement: [{ Action: string[] }] } }] } };
    };
  };
  expect(Object.keys(template.Parameters)).toEqual(["TrustedPrincipal", "ExternalId", "RoleName"]);
  const [policy] = template.Resources.Role.Properties.Policies;
  expect(policy.PolicyDocument.Statement[0].Action).toEqual(actionsFor("scan"));
});
