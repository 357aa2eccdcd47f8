import { describe, expect, test } from "vitest";
import type { Grant } from "../../src/domain/grant.js";
import {
  type Client,
  MEMBER,
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
const APP = `arn:aws:iam::${STRANGER}:role/app`;
const PARTNER = `arn:aws:iam::${STRANGER}:role/partner`;
const plaintext = Buffer.from("secret").toString("base64");

/** The members of one list in an answer. */
function items(
  answer: Readonly<Record<string, unknown>>,
  name = "Grants",
): Readonly<Record<string, unknown>>[] {
  return answer[name] as Readonly<Record<string, unknown>>[];
}

async function withStranger(): Promise<Client> {
  const stranger = { AKIASTRANGER00000001: { arn: `arn:aws:iam::${STRANGER}:user/x` } };
  return open({ snapshot: [keyLine(1), keyLine(2)], callers: stranger });
}

describe("using a grant", () => {
  test("opens the listed operations to the grantee, within the constraint, until it is revoked", async () => {
    const client = await withStranger();
    const session = client.assume(APP);
    const ciphertext = client.kms("Encrypt", {
      KeyId: KEY,
      Plaintext: plaintext,
      EncryptionContext: { app: "a" },
    });
    const decrypt = (context: object): unknown =>
      client.kms(
        "Decrypt",
        { CiphertextBlob: ciphertext["CiphertextBlob"], EncryptionContext: context },
        session,
      );
    expect(() => decrypt({ app: "a" })).toThrow("not authorized");

    const { GrantId } = client.kms("CreateGrant", {
      KeyId: KEY,
      GranteePrincipal: APP,
      Operations: ["Decrypt"],
      Constraints: { EncryptionContextSubset: { app: "a" } },
    });
    expect(decrypt({ app: "a" })).toMatchObject({ Plaintext: plaintext, KeyId: keyArn(1) });
    expect(() => decrypt({ app: "b" })).toThrow("not authorized");
    expect(() => client.kms("Encrypt", { KeyId: keyArn(1), Plaintext: plaintext }, session)).toThrow(
      "not authorized",
    );

    client.kms("RevokeGrant", { KeyId: KEY, GrantId });
    expect(() => decrypt({ app: "a" })).toThrow("not authorized");
  });

  test("a Deny of the key policy beats a grant", async () => {
    const client = await withStranger();
    const session = client.assume(APP);
    client.kms("CreateGrant", { KeyId: KEY, GranteePrincipal: APP, Operations: ["DescribeKey"] });
    expect(client.kms("DescribeKey", { KeyId: keyArn(1) }, session)).toHaveProperty("KeyMetadata");
    const deny = { ...allow({ AWS: `arn:aws:iam::${STRANGER}:root` }, "kms:*"), Effect: "Deny" };
    client.kms("PutKeyPolicy", { KeyId: KEY, Policy: policy(rootStatement(), deny) });
    expect(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, session)).toThrow("not authorized");
  });

  test("a grantee can pass on a part of its grant, not more", async () => {
    const client = await withStranger();
    const session = client.assume(APP);
    client.kms("CreateGrant", {
      KeyId: KEY,
      GranteePrincipal: APP,
      Operations: ["Decrypt", "CreateGrant"],
      Constraints: { EncryptionContextSubset: { app: "a" } },
    });
    const child = (operations: readonly string[], context?: object): unknown =>
      client.kms(
        "CreateGrant",
        {
          KeyId: keyArn(1),
          GranteePrincipal: PARTNER,
          Operations: operations,
          ...(context === undefined ? {} : { Constraints: { EncryptionContextSubset: context } }),
        },
        session,
      );
    expect(child(["Decrypt"], { app: "a" })).toHaveProperty("GrantId");
    expect(child(["Decrypt"], { app: "a", more: "b" })).toHaveProperty("GrantId");
    for (const tooMuch of [
      () => child(["Decrypt", "Encrypt"], { app: "a" }),
      () => child(["Decrypt"], { app: "b" }),
      () => child(["Decrypt"]),
    ]) {
      expect(refusal(tooMuch).code).toBe("AccessDeniedException");
    }
    const issuers = items(client.kms("ListGrants", { KeyId: KEY })).map((g) => g["IssuingAccount"]);
    expect(issuers.sort()).toEqual([
      `arn:aws:iam::${OWNER}:root`,
      `arn:aws:iam::${STRANGER}:root`,
      `arn:aws:iam::${STRANGER}:root`,
    ]);
  });
});

describe("CreateGrant", () => {
  test("with a name is the same request again", async () => {
    const client = await withStranger();
    const request = { KeyId: KEY, GranteePrincipal: APP, Operations: ["Decrypt", "Encrypt"], Name: "job" };
    const first = client.kms("CreateGrant", request);
    const second = client.kms("CreateGrant", { ...request, Operations: ["Encrypt", "Decrypt"] });
    expect(second["GrantId"]).toBe(first["GrantId"]);
    expect(second["GrantToken"]).not.toBe(first["GrantToken"]);
    const other = client.kms("CreateGrant", { ...request, Operations: ["Decrypt"] });
    expect(other["GrantId"]).not.toBe(first["GrantId"]);
    const unnamed = { KeyId: KEY, GranteePrincipal: APP, Operations: ["Decrypt", "Encrypt"] };
    expect(client.kms("CreateGrant", unnamed)["GrantId"]).not.toBe(
      client.kms("CreateGrant", unnamed)["GrantId"],
    );
    expect(items(client.kms("ListGrants", { KeyId: KEY }))).toHaveLength(4);
  });

  test.each([
    ["no grantee", { Operations: ["Decrypt"] }, "ValidationException"],
    [
      "two grantees",
      { GranteePrincipal: APP, GranteeServicePrincipal: "s3.amazonaws.com", Operations: ["Decrypt"] },
      "ValidationException",
    ],
    ["no operations", { GranteePrincipal: APP, Operations: [] }, "ValidationException"],
    [
      "an operation that grants do not have",
      { GranteePrincipal: APP, Operations: ["PutKeyPolicy"] },
      "ValidationException",
    ],
    [
      "an operation of another kind of key",
      { GranteePrincipal: APP, Operations: ["Sign"] },
      "ValidationException",
    ],
    [
      "a group",
      { GranteePrincipal: `arn:aws:iam::${OWNER}:group/g`, Operations: ["Decrypt"] },
      "InvalidArnException",
    ],
    [
      "a service as grantee without a source",
      { GranteeServicePrincipal: "rds.amazonaws.com", Operations: ["Decrypt"] },
      "ValidationException",
    ],
    [
      "both context constraints",
      {
        GranteePrincipal: APP,
        Operations: ["Decrypt"],
        Constraints: { EncryptionContextEquals: { a: "b" }, EncryptionContextSubset: { a: "b" } },
      },
      "ValidationException",
    ],
    [
      "a name with blanks",
      { GranteePrincipal: APP, Operations: ["Decrypt"], Name: "a b" },
      "ValidationException",
    ],
    [
      "an invented token",
      { GranteePrincipal: APP, Operations: ["Decrypt"], GrantTokens: ["x"] },
      "InvalidGrantTokenException",
    ],
  ])("refuses %s", async (_what, request, code) => {
    const client = await withStranger();
    expect(refusal(() => client.kms("CreateGrant", { KeyId: KEY, ...request })).code).toBe(code);
    expect(client.kms("ListGrants", { KeyId: KEY })).toMatchObject({ Grants: [] });
  });

  test("conditions on what is granted decide", async () => {
    const only = allow({ AWS: `arn:aws:iam::${STRANGER}:root` }, "kms:CreateGrant", {
      StringEquals: { "kms:GranteePrincipal": APP },
      "ForAllValues:StringEquals": { "kms:GrantOperations": ["Decrypt"] },
    });
    const client = await open({
      snapshot: [keyLine(1, { policy: { kind: "present", text: policy(rootStatement(), only) } })],
    });
    const grant = (principal: string, operations: readonly string[]): unknown =>
      client.kms(
        "CreateGrant",
        { KeyId: keyArn(1), GranteePrincipal: principal, Operations: operations },
        { as: STRANGER_ADMIN },
      );
    expect(grant(APP, ["Decrypt"])).toHaveProperty("GrantId");
    expect(() => grant(PARTNER, ["Decrypt"])).toThrow("not authorized");
    expect(() => grant(APP, ["Decrypt", "Encrypt"])).toThrow("not authorized");
  });

  test("a dry run changes nothing", async () => {
    const client = await withStranger();
    const request = { KeyId: KEY, GranteePrincipal: APP, Operations: ["Decrypt"], DryRun: true };
    expect(refusal(() => client.kms("CreateGrant", request)).code).toBe("DryRunOperationException");
    expect(client.kms("ListGrants", { KeyId: KEY })).toMatchObject({ Grants: [] });
  });
});

describe("ending and listing grants", () => {
  test("the retiring principal retires by token or by id; others do not", async () => {
    const client = await withStranger();
    const retirer = client.assume(PARTNER);
    const outsider = { as: `AKIA${MEMBER}` };
    const make = (): Readonly<Record<string, unknown>> =>
      client.kms("CreateGrant", {
        KeyId: KEY,
        GranteePrincipal: APP,
        RetiringPrincipal: PARTNER,
        Operations: ["Decrypt"],
      });
    const first = make();
    const second = make();
    expect(() => client.kms("RetireGrant", { GrantToken: first["GrantToken"] }, outsider)).toThrow(
      "not authorized",
    );
    client.kms("RetireGrant", { GrantToken: first["GrantToken"] }, retirer);
    client.kms("RetireGrant", { KeyId: keyArn(1), GrantId: second["GrantId"] }, retirer);
    expect(client.kms("ListGrants", { KeyId: KEY })).toMatchObject({ Grants: [] });
    expect(refusal(() => client.kms("RevokeGrant", { KeyId: KEY, GrantId: first["GrantId"] })).code).toBe(
      "NotFoundException",
    );
  });

  test("ListGrants filters, and ListRetirableGrants looks over all accounts", async () => {
    const client = await withStranger();
    const make = (key: string, grantee: string): unknown =>
      client.kms("CreateGrant", {
        KeyId: key,
        GranteePrincipal: grantee,
        RetiringPrincipal: PARTNER,
        Operations: ["Decrypt"],
      })["GrantId"];
    const app = make(KEY, APP);
    const partner = make(KEY, PARTNER);
    const other = make(keyId(2), APP);
    const ids = (answer: Readonly<Record<string, unknown>>): unknown[] =>
      items(answer)
        .map((g) => g["GrantId"])
        .sort();
    expect(ids(client.kms("ListGrants", { KeyId: KEY, GranteePrincipal: APP }))).toEqual([app]);
    expect(ids(client.kms("ListGrants", { KeyId: KEY, GrantId: partner }))).toEqual([partner]);
    expect(ids(client.kms("ListGrants", { KeyId: KEY }))).toEqual([app, partner].sort());
    const retirable = client.kms(
      "ListRetirableGrants",
      { RetiringPrincipal: PARTNER },
      { as: STRANGER_ADMIN },
    );
    expect(ids(retirable)).toEqual([app, partner, other].sort());
    expect(refusal(() => client.kms("ListRetirableGrants", { RetiringPrincipal: PARTNER })).code).toBe(
      "ValidationException",
    );
  });

  test("grants of the snapshot come out as they went in", async () => {
    const grant: Grant = {
      GrantId: "a".repeat(64),
      Name: "n",
      CreationDate: "2025-06-02T14:05:00.000Z",
      GranteePrincipal: "dynamodb.us-west-2.amazonaws.com",
      IssuingAccount: `arn:aws:iam::${OWNER}:root`,
      Operations: ["Decrypt"],
      Constraints: {
        EncryptionContextEquals: JSON.parse('{"__proto__":"x","a":"b"}') as Record<string, string>,
      },
    };
    const client = await open({ snapshot: [keyLine(1, { grants: { kind: "present", items: [grant] } })] });
    const [listed] = items(client.kms("ListGrants", { KeyId: KEY }));
    expect(listed).toEqual({
      ...grant,
      KeyId: keyArn(1),
      CreationDate: Date.parse(grant.CreationDate ?? "") / 1000,
    });
  });

  test("grants that the snapshot could not read cannot be read here", async () => {
    const client = await open({
      snapshot: [keyLine(1, { grants: { kind: "unreadable", code: "AccessDeniedException" } })],
    });
    expect(refusal(() => client.kms("ListGrants", { KeyId: KEY })).code).toBe("AccessDeniedException");
  });

  test("ListGrants shows the former grants for a while", async () => {
    let now = 1_000_000;
    const client = await open({ snapshot: [keyLine(1)], staleMs: 300, now: () => now });
    const count = (): number => items(client.kms("ListGrants", { KeyId: KEY })).length;
    const { GrantId } = client.kms("CreateGrant", {
      KeyId: KEY,
      GranteePrincipal: APP,
      Operations: ["Decrypt"],
    });
    expect(count()).toBe(0);
    now += 300;
    expect(count()).toBe(1);
    client.kms("RevokeGrant", { KeyId: KEY, GrantId });
    expect(count()).toBe(1);
    now += 300;
    expect(count()).toBe(0);
  });
});
