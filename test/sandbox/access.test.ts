import { describe, expect, test } from "vitest";
import {
  ADMIN,
  MEMBER_ADMIN,
  ORG,
  ORGANIZATION,
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

const present = (...statements: Readonly<Record<string, unknown>>[]) => ({
  policy: { kind: "present" as const, text: policy(...statements) },
});
const plaintext = Buffer.from("secret").toString("base64");

describe("who gets in", () => {
  test("the account's administrator works through the default policy", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    expect(client.kms("DescribeKey", { KeyId: keyId(1) })).toMatchObject({
      KeyMetadata: { Arn: keyArn(1), AWSAccountId: OWNER, KeyState: "Enabled", KeyManager: "CUSTOMER" },
    });
  });

  test("a stranger does not, and is not told whether the key exists", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const closed = refusal(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN }));
    const missing = refusal(() => client.kms("DescribeKey", { KeyId: keyArn(2) }, { as: STRANGER_ADMIN }));
    expect(closed.code).toBe("AccessDeniedException");
    expect(closed.message).toBe(missing.message);
    expect(closed.message).toContain(`User: arn:aws:iam::${STRANGER}:user/admin is not authorized`);
    expect(closed.message).not.toContain(keyId(1));
  });

  test("a stranger gets in where the policy is open to everybody", async () => {
    const client = await open({
      snapshot: [keyLine(1, present(rootStatement(), allow("*", "kms:Encrypt")))],
    });
    const answer = client.kms("Encrypt", { KeyId: keyArn(1), Plaintext: plaintext }, { as: STRANGER_ADMIN });
    expect(answer["KeyId"]).toBe(keyArn(1));
    expect(() =>
      client.kms("Decrypt", { CiphertextBlob: answer["CiphertextBlob"] }, { as: STRANGER_ADMIN }),
    ).toThrow("not authorized to perform: kms:Decrypt");
  });

  test("policy operations stay closed across accounts whatever the policy says", async () => {
    const client = await open({ snapshot: [keyLine(1, present(rootStatement(), allow("*", "kms:*")))] });
    for (const operation of ["GetKeyPolicy", "ListKeyPolicies", "DisableKey", "ListResourceTags"]) {
      const refused = refusal(() => client.kms(operation, { KeyId: keyArn(1) }, { as: STRANGER_ADMIN }));
      expect([operation, refused.code]).toEqual([operation, "AccessDeniedException"]);
    }
    expect(client.kms("ListGrants", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN })).toMatchObject({
      Grants: [],
    });
  });

  test("the organization of the caller is known", async () => {
    const condition = { StringEquals: { "aws:PrincipalOrgID": ORG } };
    const snapshot = [
      ORGANIZATION,
      keyLine(1, present(rootStatement(), allow("*", "kms:DescribeKey", condition))),
    ];
    const client = await open({ snapshot });
    expect(client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: MEMBER_ADMIN })).toHaveProperty(
      "KeyMetadata",
    );
    expect(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN })).toThrow(
      "not authorized",
    );
  });

  test("a resource control policy of the snapshot denies", async () => {
    const text = policy({
      Effect: "Deny",
      Principal: "*",
      Action: "kms:*",
      Resource: "*",
      Condition: { StringNotEquals: { "aws:PrincipalOrgID": ORG } },
    });
    const client = await open({
      snapshot: [
        ORGANIZATION,
        { type: "resource-control-policy", target: OWNER, text },
        keyLine(1, present(rootStatement(), allow("*", "kms:DescribeKey"))),
      ],
    });
    expect(client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: MEMBER_ADMIN })).toHaveProperty(
      "KeyMetadata",
    );
    const refused = refusal(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN }));
    expect(refused.message).toContain("with an explicit deny in a resource control policy");
  });

  test("a key can be named by ARN only from another account, by id and alias at home", async () => {
    const client = await open({
      snapshot: [
        keyLine(1, { aliases: ["alias/app"], ...present(rootStatement(), allow("*", "kms:DescribeKey")) }),
      ],
    });
    const aliasArn = keyArn(1).replace(/key\/.*/, "alias/app");
    for (const name of [keyId(1), keyArn(1), "alias/app", aliasArn]) {
      expect(client.kms("DescribeKey", { KeyId: name })).toMatchObject({ KeyMetadata: { KeyId: keyId(1) } });
    }
    for (const name of [keyArn(1), aliasArn]) {
      const answer = client.kms("DescribeKey", { KeyId: name }, { as: STRANGER_ADMIN });
      expect(answer).toMatchObject({ KeyMetadata: { Arn: keyArn(1) } });
    }
    for (const name of [keyId(1), "alias/app"]) {
      const refused = refusal(() => client.kms("DescribeKey", { KeyId: name }, { as: STRANGER_ADMIN }));
      expect(refused.code).toBe("NotFoundException");
    }
  });

  test("kms:RequestAlias is there only when the request used the alias", async () => {
    const condition = { StringEquals: { "kms:RequestAlias": "alias/app" } };
    const client = await open({
      snapshot: [
        keyLine(1, {
          aliases: ["alias/app"],
          ...present(rootStatement(), allow("*", "kms:DescribeKey", condition)),
        }),
      ],
    });
    const aliasArn = keyArn(1).replace(/key\/.*/, "alias/app");
    expect(client.kms("DescribeKey", { KeyId: aliasArn }, { as: STRANGER_ADMIN })).toHaveProperty(
      "KeyMetadata",
    );
    expect(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN })).toThrow(
      "not authorized",
    );
  });
});

describe("wording of refusals", () => {
  test("the policy is silent, denies, or the identity side is missing", async () => {
    const callers = { AKIANOBODY0000000001: { arn: `arn:aws:iam::${OWNER}:user/nobody`, identity: "none" } };
    const client = await open({
      callers,
      snapshot: [
        keyLine(1, present(allow({ AWS: `arn:aws:iam::${OWNER}:role/other` }, "kms:*"))),
        keyLine(2, present(rootStatement(), { ...allow("*", "kms:*"), Effect: "Deny" })),
        keyLine(3),
      ],
    });
    const message = (number: number, as: string): string =>
      refusal(() => client.kms("DescribeKey", { KeyId: keyId(number) }, { as })).message;
    const start = (user: string, number: number): string =>
      `User: arn:aws:iam::${OWNER}:user/${user} is not authorized to perform: kms:DescribeKey on resource: ${keyArn(number)}`;
    expect(message(1, ADMIN)).toBe(
      `${start("admin", 1)} because no resource-based policy allows the kms:DescribeKey action`,
    );
    expect(message(2, ADMIN)).toBe(`${start("admin", 2)} with an explicit deny in a resource-based policy`);
    expect(message(3, "AKIANOBODY0000000001")).toBe(
      `${start("nobody", 3)} because no identity-based policy allows the kms:DescribeKey action`,
    );
  });

  test("a denied call of the callers file is an explicit deny of the identity side", async () => {
    const callers = {
      AKIAAUDITOR000000001: { arn: `arn:aws:iam::${OWNER}:user/auditor`, deny: ["kms:GetKey*"] },
    };
    const client = await open({ callers, snapshot: [keyLine(1)] });
    const as = "AKIAAUDITOR000000001";
    expect(client.kms("DescribeKey", { KeyId: keyId(1) }, { as })).toHaveProperty("KeyMetadata");
    expect(() => client.kms("GetKeyPolicy", { KeyId: keyId(1) }, { as })).toThrow(
      "with an explicit deny in an identity-based policy",
    );
  });

  test("what AWS leaves undocumented is refused, and a header says why", async () => {
    const condition = { StringEquals: { "aws:NewKeyOfTomorrow": "x" } };
    const client = await open({ snapshot: [keyLine(1, present(allow("*", "kms:*", condition)))] });
    const refused = refusal(() => client.kms("DescribeKey", { KeyId: keyId(1) }));
    expect(refused.code).toBe("AccessDeniedException");
    expect(refused.hint).toContain("unknown-condition-key");
  });

  test("keys of another Region, unknown ids and unknown aliases", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const message = (name: string): string =>
      refusal(() => client.kms("DescribeKey", { KeyId: name })).message;
    expect(message(keyArn(1, OWNER, "eu-west-1"))).toBe("Invalid arn eu-west-1");
    expect(message(keyId(9))).toBe(`Key '${keyArn(9)}' does not exist`);
    expect(message("alias/none")).toBe(`Alias arn:aws:kms:us-east-1:${OWNER}:alias/none is not found.`);
    expect(message("not a key")).toBe("Invalid keyId 'not a key'");
  });
});

describe("account-level calls", () => {
  const as = "AKIAREADER0000000001";
  const reader = (rest: object) => ({ [as]: { arn: `arn:aws:iam::${OWNER}:user/reader`, ...rest } });
  const statement = (rest: object) => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "kms:List*", Resource: "*", ...rest }],
  });

  test("are decided by the identity side", async () => {
    const none = await open({ callers: reader({ identity: "none" }), snapshot: [keyLine(1)] });
    expect(() => none.kms("ListKeys", {}, { as })).toThrow(
      "because no identity-based policy allows the kms:ListKeys action",
    );
    const policies = await open({ callers: reader({ policies: [statement({})] }), snapshot: [keyLine(1)] });
    expect(policies.kms("ListKeys", {}, { as })).toMatchObject({ Keys: [{ KeyArn: keyArn(1) }] });
    expect(() => policies.kms("CreateKey", {}, { as })).toThrow("kms:CreateKey");
  });

  test("need * as resource, and honour conditions and denials", async () => {
    const open1 = async (...policies: object[]) => open({ callers: reader({ policies }), snapshot: [] });
    const onKeys = await open1(statement({ Resource: "arn:aws:kms:*:*:key/*" }));
    expect(() => onKeys.kms("ListKeys", {}, { as })).toThrow("not authorized");
    const elsewhere = await open1(
      statement({ Condition: { IpAddress: { "aws:SourceIp": "198.51.100.0/24" } } }),
    );
    expect(() => elsewhere.kms("ListKeys", {}, { as })).toThrow("not authorized");
    const denied = await open1(statement({}), statement({ Effect: "Deny", Action: "kms:ListKeys" }));
    expect(() => denied.kms("ListKeys", {}, { as })).toThrow(
      "with an explicit deny in an identity-based policy",
    );
  });

  test("see the caller's own account and Region only", async () => {
    const client = await open({
      snapshot: [keyLine(1), { ...keyLine(2), arn: keyArn(2, OWNER, "eu-west-1") }],
    });
    expect(client.kms("ListKeys")).toMatchObject({ Keys: [{ KeyId: keyId(1) }] });
    expect(client.kms("ListKeys", {}, { region: "eu-west-1" })).toMatchObject({
      Keys: [{ KeyId: keyId(2) }],
    });
    expect(client.kms("ListKeys", {}, { as: STRANGER_ADMIN })).toMatchObject({ Keys: [] });
  });
});
