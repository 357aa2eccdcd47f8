import { describe, expect, test } from "vitest";
import {
  OWNER,
  STRANGER,
  STRANGER_ADMIN,
  allow,
  keyArn,
  keyId,
  keyLine,
  open,
  policy,
  refusal,
  rootStatement,
} from "./harness.js";

const KEY = keyId(1);
const put = (text: string, more: object = {}) => ({ KeyId: KEY, Policy: text, ...more });

describe("PutKeyPolicy", () => {
  test("stores the text byte for byte, and it decides from then on", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    expect(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN })).toThrow();
    const text = ` ${policy(rootStatement(), allow("*", "kms:DescribeKey"))}\n\t`;
    expect(client.kms("PutKeyPolicy", put(text))).toEqual({});
    expect(client.kms("GetKeyPolicy", { KeyId: KEY })).toEqual({ Policy: text, PolicyName: "default" });
    expect(client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN })).toHaveProperty(
      "KeyMetadata",
    );
  });

  test("refuses a policy that locks the caller out, unless told not to look", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const before = client.kms("GetKeyPolicy", { KeyId: KEY });
    const locked = policy(allow({ AWS: `arn:aws:iam::${OWNER}:role/other` }, "kms:*"));
    const refused = refusal(() => client.kms("PutKeyPolicy", put(locked)));
    expect(refused.code).toBe("MalformedPolicyDocumentException");
    expect(refused.message).toBe(
      "The new key policy will not allow you to update the key policy in the future.",
    );
    expect(client.kms("GetKeyPolicy", { KeyId: KEY })).toEqual(before);

    client.kms("PutKeyPolicy", put(locked, { BypassPolicyLockoutSafetyCheck: true }));
    expect(() => client.kms("GetKeyPolicy", { KeyId: KEY })).toThrow("not authorized");
  });

  test("a condition on the bypass decides whether it may be used", async () => {
    const guard = {
      Effect: "Deny",
      Principal: "*",
      Action: "kms:PutKeyPolicy",
      Resource: "*",
      Condition: { Bool: { "kms:BypassPolicyLockoutSafetyCheck": "true" } },
    };
    const client = await open({
      snapshot: [keyLine(1, { policy: { kind: "present", text: policy(rootStatement(), guard) } })],
    });
    const next = policy(rootStatement());
    expect(() => client.kms("PutKeyPolicy", put(next, { BypassPolicyLockoutSafetyCheck: true }))).toThrow(
      "explicit deny",
    );
    expect(client.kms("PutKeyPolicy", put(next))).toEqual({});
  });

  test.each([
    ["no JSON", "{", "Syntax errors in policy."],
    ["no statement", '{"Version":"2012-10-17"}', "Syntax errors in policy."],
    [
      "an unknown operator",
      policy(allow("*", "kms:*", { StringEqualz: { "aws:PrincipalOrgID": "o" } })),
      "Syntax errors in policy.",
    ],
    [
      "no principal",
      policy({ Effect: "Allow", Action: "kms:*", Resource: "*" }),
      "Policy contains a statement with no principal.",
    ],
    [
      "a wildcard in a principal",
      policy(rootStatement(), allow({ AWS: "arn:aws:iam::*:root" }, "kms:*")),
      "Policy contains a statement with one or more invalid principals.",
    ],
    [
      "a principal of another partition",
      policy(rootStatement(), allow({ AWS: `arn:aws-cn:iam::${OWNER}:root` }, "kms:*")),
      "Policy contains a statement with one or more invalid principals.",
    ],
    [
      "the id of a deleted role",
      policy(rootStatement(), allow({ AWS: "AROAEXAMPLEROLE123456" }, "kms:Decrypt")),
      "Policy contains a statement with one or more invalid principals.",
    ],
    [
      "no action",
      policy(rootStatement(), { Effect: "Allow", Principal: "*", Resource: "*" }),
      "Policy statement must contain actions.",
    ],
    [
      "no resource",
      policy(rootStatement(), { Effect: "Allow", Principal: "*", Action: "kms:Decrypt" }),
      "Policy statement must contain resources.",
    ],
    [
      "ForAllValues on the encryption context",
      policy(
        rootStatement(),
        allow("*", "kms:Decrypt", { "ForAllValues:StringEquals": { "kms:EncryptionContext:app": "x" } }),
      ),
      "OverlyPermissiveCondition",
    ],
  ])("refuses %s", async (_what, text, message) => {
    const client = await open({ snapshot: [keyLine(1)] });
    const refused = refusal(() => client.kms("PutKeyPolicy", put(text)));
    expect(refused.code).toBe("MalformedPolicyDocumentException");
    expect(refused.message).toContain(message);
  });

  test("refuses what is too long or has characters that KMS does not take", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const long = policy(rootStatement()).padEnd(32_769, " ");
    expect(refusal(() => client.kms("PutKeyPolicy", put(long))).code).toBe("LimitExceededException");
    expect(client.kms("PutKeyPolicy", put(long.slice(0, 32_768)))).toEqual({});
    const wide = policy({ ...rootStatement(), Sid: "\u4e2d" });
    expect(refusal(() => client.kms("PutKeyPolicy", put(wide))).code).toBe("ValidationException");
  });

  test("with a list of principals, refuses those that do not exist", async () => {
    const app = `arn:aws:iam::${OWNER}:role/team/app`;
    const client = await open({
      snapshot: [keyLine(1)],
      principals: [app, `arn:aws:iam::${STRANGER}:user/x`],
    });
    const accepts = (principal: string): string => {
      try {
        client.kms("PutKeyPolicy", put(policy(rootStatement(), allow({ AWS: principal }, "kms:Decrypt"))));
        return "accepted";
      } catch (error) {
        return error instanceof Error ? error.message : "";
      }
    };
    expect(accepts(app)).toBe("accepted");
    expect(accepts(`arn:aws:iam::${STRANGER}:root`)).toBe("accepted");
    expect(accepts(`arn:aws:sts::${OWNER}:assumed-role/app/session`)).toBe("accepted");
    expect(accepts(`arn:aws:iam::${OWNER}:role/app`)).toContain("invalid principals");
    expect(accepts(`arn:aws:iam::${OWNER}:user/nobody`)).toContain("invalid principals");
    expect(accepts("arn:aws:iam::000011112222:root")).toContain("invalid principals");
  });

  test("AWS managed keys can be read, not changed", async () => {
    const client = await open({ snapshot: [keyLine(1, { manager: "AWS" })] });
    expect(client.kms("GetKeyPolicy", { KeyId: KEY })).toHaveProperty("Policy");
    for (const [operation, more] of [
      ["PutKeyPolicy", { Policy: policy(rootStatement()) }],
      ["DisableKey", {}],
      ["ScheduleKeyDeletion", {}],
      ["TagResource", { Tags: [] }],
    ] as const) {
      expect(refusal(() => client.kms(operation, { KeyId: KEY, ...more })).code).toBe(
        "AccessDeniedException",
      );
    }
  });
});

describe("GetKeyPolicy", () => {
  test("answers what the snapshot's own scan was answered", async () => {
    const client = await open({
      snapshot: [
        keyLine(1, { policy: { kind: "unreadable", code: "AccessDeniedException", message: "no" } }),
      ],
    });
    const refused = refusal(() => client.kms("GetKeyPolicy", { KeyId: KEY }));
    expect([refused.code, refused.message]).toEqual(["AccessDeniedException", "no"]);
    expect(client.kms("DescribeKey", { KeyId: KEY })).toHaveProperty("KeyMetadata");
    client.kms("PutKeyPolicy", put(policy(rootStatement())));
    expect(client.kms("GetKeyPolicy", { KeyId: KEY })).toHaveProperty("Policy");
  });

  test("knows one policy name", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    expect(client.kms("ListKeyPolicies", { KeyId: KEY })).toEqual({
      PolicyNames: ["default"],
      Truncated: false,
    });
    expect(refusal(() => client.kms("GetKeyPolicy", { KeyId: KEY, PolicyName: "other" })).code).toBe(
      "NotFoundException",
    );
  });

  test("takes no alias", async () => {
    const client = await open({ snapshot: [keyLine(1, { aliases: ["alias/app"] })] });
    expect(refusal(() => client.kms("GetKeyPolicy", { KeyId: "alias/app" })).message).toBe(
      "Invalid keyId 'alias/app'",
    );
    const aliasArn = keyArn(1).replace(/key\/.*/, "alias/app");
    expect(refusal(() => client.kms("GetKeyPolicy", { KeyId: aliasArn })).code).toBe("InvalidArnException");
  });

  test("shows the former policy for a while, which no longer decides", async () => {
    let now = 1_000_000;
    const client = await open({ snapshot: [keyLine(1)], staleMs: 500, now: () => now });
    const before = client.kms("GetKeyPolicy", { KeyId: KEY })["Policy"];
    const after = policy(rootStatement(), allow("*", "kms:DescribeKey"));
    client.kms("PutKeyPolicy", put(after));
    expect(client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN })).toHaveProperty(
      "KeyMetadata",
    );
    now += 499;
    expect(client.kms("GetKeyPolicy", { KeyId: KEY })["Policy"]).toBe(before);
    now += 1;
    expect(client.kms("GetKeyPolicy", { KeyId: KEY })["Policy"]).toBe(after);
  });
});
