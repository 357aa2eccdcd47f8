import { describe, expect, test } from "vitest";
import {
  ORGANIZATION,
  STRANGER,
  allow,
  findings,
  judge,
  only,
  policyText,
  role,
  rules,
} from "../../test/judging.js";
import type { Json, Setting } from "../../test/judging.js";

const perimeter = (more: Json = {}): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Deny",
        Principal: "*",
        Action: "kms:*",
        Resource: "*",
        Condition: { StringNotEqualsIfExists: { "aws:PrincipalOrgID": ORGANIZATION } },
        ...more,
      },
    ],
  });
const bound = (
  ...places: readonly { text: string; target: string; name?: string; id?: string }[]
): Setting => ({
  record: { resourceControlPolicies: [...new Set(places.map((p) => p.text))], resourceControlPlaces: places },
});
const OPEN = policyText(allow("*", "kms:Decrypt", { Sid: "S" }));

const LINKED =
  " Resource control policies do not bind service-linked roles: an AWS service that has one in such an account can still use the key through it.";

describe("closed-by-rcp", () => {
  test("names the policy, its place and what happens without it", () => {
    const report = judge(OPEN, bound({ text: perimeter(), target: "r-ab12", name: "Perimeter", id: "p-1" }));
    expect(report).toMatchObject({ exposure: "none", verdict: "weak" });
    expect(only(report, "closed-by-rcp")).toMatchObject({
      severity: "low",
      exposure: "none",
      who: { kind: "anyone" },
      source: { kind: "statement", index: 1, sid: "S" },
      reason:
        'Closed by RCP "Perimeter" at the root r-ab12. Without it the key is public: Anyone with an AWS account can read data encrypted under the key (kms:Decrypt) through statement 2 ("S").' +
        LINKED,
    });
  });

  test("service-linked roles stay in, unless the key policy keeps them out or names somebody else", () => {
    const setting = bound({ text: perimeter(), target: "r-ab12" });
    expect(only(judge(OPEN, setting), "closed-by-rcp").reason).toContain(LINKED);
    const users = policyText(
      allow("*", "kms:Decrypt", { Condition: { StringEquals: { "aws:PrincipalType": "User" } } }),
    );
    expect(only(judge(users, setting), "closed-by-rcp").reason).not.toContain("service-linked");
    const named = policyText(allow({ AWS: role(STRANGER, "R") }, "kms:Decrypt"));
    expect(only(judge(named, setting), "closed-by-rcp").reason).not.toContain("service-linked");
  });

  test("two policies: it opens only when both are gone", () => {
    const report = judge(
      OPEN,
      bound(
        { text: perimeter(), target: "ou-ab12-11111111", name: "A" },
        { text: perimeter({ Sid: "Other" }), target: "111122223333", name: "B" },
      ),
    );
    expect(only(report, "closed-by-rcp").reason).toMatch(
      /^Closed by RCP "A" at the organizational unit ou-ab12-11111111 and RCP "B" at account 111122223333\. Without them/,
    );
  });

  test("a grant to a stranger that the policy denies", () => {
    const grants = [{ GrantId: "g1", GranteePrincipal: role(STRANGER, "R"), Operations: ["Decrypt"] }];
    const report = judge(policyText(), { ...bound({ text: perimeter(), target: "r-ab12" }), grants });
    expect(only(report, "closed-by-rcp").source).toEqual({ kind: "grant", grantId: "g1" });
  });

  test("what it leaves open is exposed, and only the rest is closed by it", () => {
    const partly = perimeter({ Action: "kms:Decrypt" });
    const open = policyText(allow({ AWS: role(STRANGER, "R") }, ["kms:Decrypt", "kms:Encrypt"]));
    const report = judge(open, bound({ text: partly, target: "r-ab12", name: "P" }));
    expect(report.exposure).toBe("external");
    expect(only(report, "external-access").actions).toEqual(["kms:Encrypt"]);
    expect(findings(report, "closed-by-rcp")).toHaveLength(1);
  });

  test("nothing to say where no outsider would come in anyway, or where the policy makes no difference", () => {
    expect(rules(judge(policyText(), bound({ text: perimeter(), target: "r-ab12" })))).toEqual([]);
    const elsewhere = perimeter({ Action: "kms:Encrypt" });
    const report = judge(OPEN, bound({ text: elsewhere, target: "r-ab12" }));
    expect(rules(report)).toEqual(["public-access:critical"]);
  });
});
