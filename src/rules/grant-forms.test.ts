import { describe, expect, test } from "vitest";
import { FRIEND, OWNER, STRANGER, judge, policyText, role, root, rules } from "../../test/judging.js";
import type { Grant } from "../domain/grant.js";

const judged = (grant: Omit<Grant, "GrantId">, policy = policyText()): readonly string[] =>
  rules(judge(policy, { grants: [{ GrantId: "g1", IssuingAccount: root(OWNER), ...grant }] }));
const SERVICE = "rds.us-east-1.amazonaws.com";

describe("grants of services", () => {
  test("with GranteeServicePrincipal, bound to a source of the own account, are no finding", () => {
    expect(
      judged({
        GranteeServicePrincipal: SERVICE,
        Operations: ["Decrypt"],
        Constraints: { SourceArn: `arn:aws:rds:us-east-1:${OWNER}:db:one` },
      }),
    ).toEqual([]);
  });

  test("with GranteeServicePrincipal, bound to a stranger's source, are service access", () => {
    expect(
      judged({
        GranteeServicePrincipal: SERVICE,
        Operations: ["Decrypt"],
        Constraints: { SourceArn: `arn:aws:rds:us-east-1:${STRANGER}:db:one` },
      }),
    ).toContain("service-access:medium");
  });

  test("a service that retires, as RetiringServicePrincipal, is no outsider", () => {
    expect(
      judged({
        GranteePrincipal: role(OWNER, "App"),
        RetiringServicePrincipal: SERVICE,
        Operations: ["Decrypt"],
      }),
    ).toEqual([]);
  });
});

describe("a grant on a key whose policy no longer names the account", () => {
  // Only an administrator is left: neither the root nor the grantee has a statement.
  const POLICY = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: role(OWNER, "Admin") },
        Action: ["kms:PutKeyPolicy", "kms:GetKeyPolicy"],
        Resource: "*",
      },
    ],
  });

  test("lets a stranger in all the same", () => {
    expect(judged({ GranteePrincipal: role(STRANGER, "R"), Operations: ["Decrypt"] }, POLICY)).toContain(
      "external-access:high",
    );
  });

  test("and says nothing about outsiders where its grantee is trusted", () => {
    const found = judged({ GranteePrincipal: role(FRIEND, "R"), Operations: ["Decrypt"] }, POLICY);
    expect(found.filter((r) => r.startsWith("external-access"))).toEqual([]);
  });
});

describe("ids of deleted users and roles", () => {
  test.each(["AIDA1234567890EXAMPLE", "AROA1234567890EXAMPLE"])("%s as grantee is orphaned", (id) => {
    expect(judged({ GranteePrincipal: id, Operations: ["Decrypt"] })).toContain("orphaned-principal:low");
  });

  test("the ARN of a role is not, where IAM was not read", () => {
    expect(judged({ GranteePrincipal: role(OWNER, "Gone"), Operations: ["Decrypt"] })).toEqual([]);
  });
});
