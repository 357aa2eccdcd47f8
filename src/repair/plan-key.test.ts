import { describe, expect, test } from "vitest";
import {
  FRIEND,
  OWNER,
  ROOT,
  STRANGER,
  account,
  allow,
  organization,
  ORGANIZATION,
  policyText,
  role,
  root,
  type Json,
} from "../../test/judging.js";
import { entry, usage } from "../../test/observed-use.js";
import { type Around, change, outcome, ZONE } from "../../test/planning.js";
import type { UsagePrincipal } from "../usage/types.js";

/** The new policy of a plan for one statement beside the root's; undefined where it is gone. */
function repaired(statement: Json, around: Around = {}): unknown {
  const { policy } = change(policyText(statement), around);
  const parsed = JSON.parse(policy?.text ?? "null") as { Statement: unknown[] };
  expect(parsed.Statement[0]).toEqual(ROOT);
  const rest = parsed.Statement.slice(1);
  return rest.length > 1 ? rest : rest[0];
}

const app: UsagePrincipal = { kind: "role", arn: role(OWNER, "App") };
const zoneCallers = { StringEquals: { "kms:CallerAccount": [OWNER, FRIEND] } };

describe("what a plan makes of typical policies", () => {
  test("everybody is bounded to the zone", () => {
    const open = allow("*", "kms:Decrypt");
    expect(repaired(open)).toEqual({ ...open, Condition: zoneCallers });
  });

  test("a condition that is there stays, and the bound stands beside it", () => {
    const open = allow("*", "kms:Decrypt", { Condition: { StringLike: { "kms:ViaService": "s3.*" } } });
    expect(repaired(open)).toEqual({
      ...open,
      Condition: { StringLike: { "kms:ViaService": "s3.*" }, ...zoneCallers },
    });
  });

  test("a trusted organization and an account outside it take a statement each", () => {
    const open = allow("*", "kms:Decrypt", { Sid: "Open" });
    const zone = { ...ZONE, organizations: [organization(ORGANIZATION)] };
    expect(repaired(open, { zone })).toEqual([
      { ...open, Condition: { StringEquals: { "kms:CallerAccount": FRIEND } } },
      { ...open, Sid: "Open2", Condition: { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } } },
    ]);
  });

  test("a foreign account is taken out of a list", () => {
    const open = allow({ AWS: [root(FRIEND), root(STRANGER), role(OWNER, "App")] }, "kms:Decrypt");
    expect(repaired(open)).toEqual({ ...open, Principal: { AWS: [root(FRIEND), role(OWNER, "App")] } });
  });

  test("a statement for outsiders alone goes", () => {
    expect(repaired(allow({ AWS: root(STRANGER) }, "kms:*"))).toBeUndefined();
  });

  test("a foreign account becomes the one principal of it that is trusted", () => {
    const open = allow({ AWS: root(STRANGER) }, "kms:Decrypt");
    const backup = role(STRANGER, "Backup");
    expect(repaired(open, { zone: { ...ZONE, principals: [backup] } })).toEqual({
      ...open,
      Principal: { AWS: backup },
    });
  });

  test("outsiders are taken out of the values of a condition", () => {
    const open = allow("*", "kms:Decrypt", {
      Condition: { StringEquals: { "kms:CallerAccount": [OWNER, STRANGER, FRIEND] } },
    });
    expect(repaired(open)).toEqual({ ...open, Condition: zoneCallers });
  });

  test("a service is bounded to sources of the zone, with a warning", () => {
    const open = allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt");
    const around = { weak: true };
    expect(repaired(open, around)).toEqual({
      ...open,
      Condition: { StringEquals: { "aws:SourceAccount": [OWNER, FRIEND] } },
    });
    expect(change(policyText(open), around).statements[1]?.warnings.join()).toContain("sns.amazonaws.com");
  });

  test("a statement for a service, an outsider and an own role is split", () => {
    const open = allow(
      { Service: "sns.amazonaws.com", AWS: [role(OWNER, "App"), root(STRANGER)] },
      "kms:Decrypt",
      { Sid: "Mixed" },
    );
    expect(repaired(open)).toEqual([
      { ...open, Principal: { AWS: [role(OWNER, "App")] } },
      {
        ...open,
        Sid: "Mixed2",
        Principal: { Service: "sns.amazonaws.com" },
        Condition: { StringEquals: { "aws:SourceAccount": [OWNER, FRIEND] } },
      },
    ]);
  });

  test("without evidence the reason does not speak of uses that were seen", () => {
    // At the quota of 32,768 bytes: there is no room for a bound.
    const full = { ...allow("*", "kms:Decrypt"), Sid: "s".repeat(32_350) };
    const planned = change(policyText(full));
    expect(planned.strategy).toBe("remove");
    expect(planned.reason).toBe('the smallest change that holds; bound fails "storable"');
  });

  test("remove takes the statement away", () => {
    expect(repaired(allow("*", "kms:Decrypt"), { strategy: "remove" })).toBeUndefined();
  });

  test("narrow names who was seen, with what was seen", () => {
    const open = allow("*", "kms:*");
    expect(repaired(open, { usage: usage(entry(app, "kms:Decrypt")) })).toEqual({
      ...open,
      Principal: { AWS: role(OWNER, "App") },
      Action: "kms:Decrypt",
    });
  });

  test("narrow gives a service's user what the service needs together, and grants for resources alone", () => {
    const open = allow("*", "kms:*");
    const seen = usage(
      entry(app, "kms:GenerateDataKey", { via: "s3.amazonaws.com" }),
      entry(app, "kms:CreateGrant", { via: "ebs.amazonaws.com" }),
    );
    // S3 needs for writing what it shows. EBS User Guide, "Permissions for users": all five together.
    expect(repaired(open, { usage: seen })).toEqual([
      {
        ...open,
        Principal: { AWS: role(OWNER, "App") },
        Action: [
          "kms:Decrypt",
          "kms:DescribeKey",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ],
      },
      {
        ...open,
        Principal: { AWS: role(OWNER, "App") },
        Action: ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
        Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
      },
    ]);
  });

  test.each([
    ["s3", "kms:Decrypt", "kms:Decrypt"],
    ["s3", "kms:GenerateDataKey", "kms:GenerateDataKey"],
    ["sqs", "kms:GenerateDataKey", ["kms:Decrypt", "kms:GenerateDataKey"]],
    ["sqs", "kms:Decrypt", "kms:Decrypt"],
    ["secretsmanager", "kms:GenerateDataKey", ["kms:Decrypt", "kms:GenerateDataKey"]],
    ["ssm", "kms:Encrypt", "kms:Encrypt"],
    ["rds", "kms:Decrypt", "kms:Decrypt"],
    // No row of the table: the standard groups of KMS.
    ["workmail", "kms:Decrypt", ["kms:Decrypt", "kms:DescribeKey"]],
    ["unknown", "kms:Sign", "kms:Sign"],
  ])("narrow, for %s and %s", (service, action, expected) => {
    const via = service === "unknown" ? service : `${service}.amazonaws.com`;
    const open = allow("*", "kms:*");
    const seen = usage(entry(app, action, { via }));
    expect(repaired(open, { strategy: "narrow", usage: seen })).toEqual({
      ...open,
      Principal: { AWS: role(OWNER, "App") },
      Action: expected,
    });
  });

  test("a grant to an outsider is revoked, and the policy stays", () => {
    const grants = [
      { GrantId: "g1", GranteePrincipal: role(STRANGER, "x"), Operations: ["Decrypt"] },
      { GrantId: "g2", GranteePrincipal: role(OWNER, "App"), Operations: ["Decrypt"] },
    ];
    const planned = change(policyText(), { grants });
    expect(planned.policy).toBeNull();
    expect(planned.revokeGrants.map((g) => [g.grantId, g.grantee, g.operations])).toEqual([
      ["g1", role(STRANGER, "x"), ["Decrypt"]],
    ]);
    expect(planned.revokeGrants[0]?.notRestorable.join()).toContain("grant id g1");
  });

  test("ids of deleted principals go with any change of the policy, those in a Deny too", () => {
    const gone = "AROAEXAMPLEEXAMPLE123";
    const text = policyText(
      allow("*", "kms:Decrypt"),
      allow({ AWS: [gone, role(OWNER, "App")] }, "kms:Encrypt"),
      { ...allow({ AWS: gone }, "kms:*"), Effect: "Deny" },
    );
    const planned = change(text);
    expect(planned.policy?.text).not.toContain(gone);
    expect(planned.policy?.text).toContain(role(OWNER, "App"));
    expect(planned.statements.map((s) => s.change)).toEqual(["keep", "bound", "drop-principals", "remove"]);
  });
});

describe("what a plan never does", () => {
  test.each<[string, string, Around]>([
    [
      "removing the only statement",
      JSON.stringify({ Version: "2012-10-17", Statement: [allow("*", "kms:*")] }),
      { strategy: "remove" },
    ],
    [
      "a manager that an address is asked of",
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { ...ROOT, Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } } },
          allow("*", "kms:Decrypt"),
        ],
      }),
      {},
    ],
    [
      "a key that nobody can manage today",
      JSON.stringify({ Version: "2012-10-17", Statement: [allow("*", "kms:Decrypt")] }),
      {},
    ],
    [
      "a Deny for all",
      policyText(allow("*", "kms:Decrypt"), { ...allow("*", "kms:PutKeyPolicy"), Effect: "Deny" }),
      {},
    ],
    [
      "narrowing an administrator away",
      JSON.stringify({ Version: "2012-10-17", Statement: [allow("*", "kms:*")] }),
      { strategy: "narrow", usage: usage(entry(app, "kms:Decrypt")) },
    ],
  ])("leave a key without a manager: %s", (_what, text, around) => {
    const found = outcome(text, around);
    expect(found).toMatchObject({ kind: "refused", key: { kind: "safety", obligation: "manageable" } });
  });

  test("an admin role that the policy names is enough", () => {
    const text = JSON.stringify({
      Version: "2012-10-17",
      Statement: [allow({ AWS: role(OWNER, "Admin") }, "kms:*"), allow("*", "kms:Decrypt")],
    });
    const shown = change(text).obligations.find((o) => o.id === "manageable");
    expect(shown).toMatchObject({ result: "proved", details: [role(OWNER, "Admin")] });
  });

  test("plan from what was not read", () => {
    const unread = { record: { grants: { kind: "unreadable", code: "AccessDeniedException" } } } as const;
    expect(outcome(policyText(allow("*", "kms:Decrypt")), unread)).toMatchObject({
      kind: "refused",
      key: { kind: "unplanned", next: "scan again with kms:ListGrants on the key" },
    });
  });

  test("edit a text in which it is not defined what counts: doubled members, a byte order mark, half a policy", () => {
    const open = JSON.stringify(allow("*", "kms:Decrypt"));
    const root = JSON.stringify(ROOT);
    const texts = [
      `{"Version":"2012-10-17","Statement":[${root}],"Statement":[${root},${open}]}`,
      `{"Version":"2012-10-17","Statement":[${root},${open}],"Statement":[${root}]}`,
      `{"Id":"a","Id":"b","Version":"2012-10-17","Statement":[${root},${open}]}`,
      `{"Version":"2012-10-17","Statement":[${root},${open.replace("{", '{"Effect":"Allow",')}]}`,
      `\ufeff${policyText(allow("*", "kms:Decrypt"))}`,
      policyText(allow("*", "kms:Decrypt")).slice(0, -2),
    ];
    const denied = { kind: "denied", code: "AccessDenied", effect: "implicit", policy: "resource" } as const;
    const seen = usage(entry({ kind: "role", arn: role(OWNER, "App") }, "kms:Decrypt", { outcome: denied }));
    for (const text of texts) {
      expect(outcome(text)).toMatchObject({ kind: "refused" });
      expect(outcome(text, { readd: true, usage: seen })).toMatchObject({ kind: "refused" });
    }
  });

  test("touch a clear key, a weak one unasked, or one of AWS", () => {
    expect(outcome(policyText()).kind).toBe("unchanged");
    expect(outcome(policyText(allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt"))).kind).toBe(
      "unchanged",
    );
    expect(outcome(policyText(allow("*", "kms:Decrypt")), { record: { manager: "AWS" } }).kind).toBe(
      "unchanged",
    );
  });
});

describe("observed use", () => {
  const other: UsagePrincipal = { kind: "role", arn: role(OWNER, "Other") };

  test("that breaks is listed with count and last time", () => {
    const seen = usage(entry(app, "kms:Decrypt"));
    const planned = change(policyText(allow("*", "kms:Decrypt")), { usage: seen, strategy: "remove" });
    expect(planned.willBreak).toMatchObject([
      {
        principal: role(OWNER, "App"),
        action: "kms:Decrypt",
        count: 3,
        lastSeen: "2026-11-20T00:00:00Z",
        trusted: true,
      },
    ]);
    expect(planned.obligations.find((o) => o.id === "use-kept")?.result).toBe("stated");
  });

  test("decides between the strategies", () => {
    // Two principals with different operations: narrowing to both keeps both.
    const seen = usage(entry(app, "kms:Decrypt"), entry(other, "kms:Encrypt"));
    const planned = change(policyText(allow("*", ["kms:Decrypt", "kms:Encrypt"])), { usage: seen });
    expect(planned.strategy).toBe("narrow");
    expect(planned.willBreak).toEqual([]);
    expect(planned.obligations.find((o) => o.id === "use-kept")?.result).toBe("proved");
  });

  test("by somebody whom no policy can name is rather bounded than shut out", () => {
    const seen = usage(
      entry({ kind: "identity-center-user", account: account(OWNER) }, "kms:Decrypt"),
      entry(app, "kms:Decrypt"),
    );
    const planned = change(policyText(allow("*", "kms:Decrypt")), { usage: seen });
    expect(planned.willBreak).toHaveLength(1);
    expect(planned.strategy).toBe("bound");
  });

  test("of which some is not seen makes auto bound, not narrow", () => {
    const seen = usage(entry(app, "kms:Decrypt"));
    const gap = {
      ...seen,
      coverage: { ...seen.coverage, complete: false, caveats: ["No evidence on one day."] },
    };
    const planned = change(policyText(allow("*", "kms:Decrypt")), { usage: gap });
    expect(planned.strategy).toBe("bound");
    expect(planned.evidence?.caveats).toEqual(["No evidence on one day."]);
  });

  test("of somebody whose account is not told may be the zone's, and is not called shut out on purpose", () => {
    const unnamed = { ...entry({ kind: "other", type: "Unknown" }, "kms:Decrypt") };
    Reflect.deleteProperty(unnamed, "account");
    const planned = change(policyText(allow("*", "kms:Decrypt")), { usage: usage(unnamed) });
    expect(planned.willBreak).toMatchObject([
      {
        principal: "caller of type Unknown",
        trusted: true,
        why: expect.stringContaining("cannot be told") as string,
      },
    ]);
  });

  test("of outsiders is told, and does not count", () => {
    const seen = usage(
      entry({ kind: "role", arn: role(STRANGER, "x") }, "kms:Decrypt", { account: account(STRANGER) }),
      entry(app, "kms:Decrypt"),
    );
    const planned = change(policyText(allow("*", "kms:Decrypt")), { usage: seen });
    expect(planned.willBreak.map((u) => [u.principal, u.trusted])).toEqual([[role(STRANGER, "x"), false]]);
  });
});
