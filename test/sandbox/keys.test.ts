import { describe, expect, test } from "vitest";
import {
  OWNER,
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
const plaintext = Buffer.from("secret").toString("base64");
const REPLICA = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const PRIMARY = REPLICA.replace("eu-west-1", "us-east-1");

describe("the life of a key", () => {
  test("created, disabled, enabled, scheduled for deletion and saved", async () => {
    const client = await open({ now: () => Date.parse("2026-11-23T10:00:00Z") });
    const created = client.kms("CreateKey", {
      Description: "d",
      Tags: [{ TagKey: "team", TagValue: "pay" }],
    })["KeyMetadata"] as { readonly KeyId: string; readonly Arn: string };
    const id = { KeyId: created.KeyId };
    expect(created.Arn).toMatch(/^arn:aws:kms:us-east-1:111122223333:key\/[0-9a-f-]{36}$/);
    expect(client.kms("ListResourceTags", id)).toMatchObject({ Tags: [{ TagKey: "team", TagValue: "pay" }] });
    const state = (): unknown =>
      (client.kms("DescribeKey", id)["KeyMetadata"] as { readonly KeyState: string }).KeyState;
    client.kms("DisableKey", id);
    expect(state()).toBe("Disabled");
    expect(refusal(() => client.kms("Encrypt", { ...id, Plaintext: plaintext }))).toMatchObject({
      code: "DisabledException",
      message: `${created.Arn} is disabled.`,
    });
    client.kms("EnableKey", id);
    expect(client.kms("Encrypt", { ...id, Plaintext: plaintext })).toHaveProperty("CiphertextBlob");
    expect(client.kms("ScheduleKeyDeletion", { ...id, PendingWindowInDays: 7 })).toMatchObject({
      KeyState: "PendingDeletion",
      DeletionDate: Date.parse("2026-11-30T10:00:00Z") / 1000,
    });
    expect(refusal(() => client.kms("EnableKey", id))).toMatchObject({
      code: "KMSInvalidStateException",
      message: `${created.Arn} is pending deletion.`,
    });
    expect(client.kms("GetKeyPolicy", id)).toHaveProperty("Policy");
    client.kms("CancelKeyDeletion", id);
    expect(state()).toBe("Disabled");
    expect(refusal(() => client.kms("CancelKeyDeletion", id)).message).toBe(
      `${created.Arn} is not pending deletion.`,
    );
  });

  test("access is decided before the state is looked at", async () => {
    const client = await open({ snapshot: [keyLine(1, { state: "Disabled" })] });
    const send = () =>
      client.kms("Encrypt", { KeyId: keyArn(1), Plaintext: plaintext }, { as: STRANGER_ADMIN });
    expect(refusal(send).code).toBe("AccessDeniedException");
  });

  test("rotation follows the kind of key", async () => {
    const client = await open({
      snapshot: [
        keyLine(1, { rotationEnabled: true, createdAt: "2026-01-01T00:00:00Z" }),
        keyLine(2, { spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC" }),
      ],
      now: () => Date.parse("2026-11-23T00:00:00Z"),
    });
    expect(client.kms("GetKeyRotationStatus", { KeyId: KEY })).toEqual({
      KeyId: keyArn(1),
      KeyRotationEnabled: true,
      RotationPeriodInDays: 365,
      NextRotationDate: Date.parse("2027-01-01T00:00:00Z") / 1000,
    });
    client.kms("DisableKeyRotation", { KeyId: KEY });
    expect(client.kms("GetKeyRotationStatus", { KeyId: KEY })).toEqual({
      KeyId: keyArn(1),
      KeyRotationEnabled: false,
    });
    expect(refusal(() => client.kms("EnableKeyRotation", { KeyId: keyId(2) })).code).toBe(
      "UnsupportedOperationException",
    );
  });

  test("GetKeyLastUsage knows the snapshot's last use and the sandbox's own", async () => {
    const client = await open({
      snapshot: [
        keyLine(1, { lastUsedAt: "2026-11-20T08:00:00Z", createdAt: "2024-01-01T00:00:00Z" }),
        keyLine(2),
      ],
      now: () => Date.parse("2026-11-23T00:00:00Z"),
    });
    expect(client.kms("GetKeyLastUsage", { KeyId: KEY })).toEqual({
      KeyId: KEY,
      KeyLastUsage: { Timestamp: Date.parse("2026-11-20T08:00:00Z") / 1000 },
      KeyCreationDate: Date.parse("2024-01-01T00:00:00Z") / 1000,
      TrackingStartDate: Date.parse("2024-01-01T00:00:00Z") / 1000,
    });
    expect(client.kms("GetKeyLastUsage", { KeyId: keyId(2) })).toMatchObject({ KeyLastUsage: {} });
    client.kms("GenerateDataKey", { KeyId: keyId(2), KeySpec: "AES_256" });
    expect(client.kms("GetKeyLastUsage", { KeyId: keyId(2) })).toMatchObject({
      KeyLastUsage: { Operation: "GenerateDataKey", KmsRequestId: "request-1" },
    });
  });

  test("CreateKey refuses specs that do not suit the usage, and locked policies", async () => {
    const client = await open();
    expect(refusal(() => client.kms("CreateKey", { KeyUsage: "SIGN_VERIFY" })).code).toBe(
      "ValidationException",
    );
    expect(refusal(() => client.kms("CreateKey", { KeySpec: "HMAC_256" })).code).toBe("ValidationException");
    const locked = policy(allow({ AWS: `arn:aws:iam::${OWNER}:role/r` }, "kms:*"));
    expect(refusal(() => client.kms("CreateKey", { Policy: locked })).code).toBe(
      "MalformedPolicyDocumentException",
    );
    expect(client.kms("ListKeys")).toMatchObject({ Keys: [] });
    expect(client.kms("CreateKey", { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" })).toMatchObject({
      KeyMetadata: { SigningAlgorithms: ["ECDSA_SHA_256"] },
    });
  });
});

describe("aliases and tags", () => {
  test("an alias moves between keys and goes", async () => {
    const client = await open({ snapshot: [keyLine(1), keyLine(2)] });
    client.kms("CreateAlias", { AliasName: "alias/app", TargetKeyId: KEY });
    expect(refusal(() => client.kms("CreateAlias", { AliasName: "alias/app", TargetKeyId: KEY })).code).toBe(
      "AlreadyExistsException",
    );
    client.kms("UpdateAlias", { AliasName: "alias/app", TargetKeyId: keyArn(2) });
    expect(client.kms("ListAliases", { KeyId: KEY })).toMatchObject({ Aliases: [] });
    expect(client.kms("ListAliases", { KeyId: keyArn(2) })).toMatchObject({
      Aliases: [
        {
          AliasName: "alias/app",
          AliasArn: `arn:aws:kms:us-east-1:${OWNER}:alias/app`,
          TargetKeyId: keyId(2),
        },
      ],
    });
    client.kms("DeleteAlias", { AliasName: "alias/app" });
    expect(refusal(() => client.kms("DeleteAlias", { AliasName: "alias/app" })).code).toBe(
      "NotFoundException",
    );
  });

  test.each([
    ["app", "ValidationException"],
    ["alias/", "ValidationException"],
    ["alias/a b", "ValidationException"],
    ["alias/aws/s3", "NotAuthorizedException"],
  ])("no alias is called %s", async (name, code) => {
    const client = await open({ snapshot: [keyLine(1)] });
    expect(refusal(() => client.kms("CreateAlias", { AliasName: name, TargetKeyId: KEY })).code).toBe(code);
  });

  test("tags are set, decide, and are removed", async () => {
    const open_ = allow("*", "kms:DescribeKey", { StringEquals: { "aws:ResourceTag/shared": "yes" } });
    const client = await open({
      snapshot: [keyLine(1, { tags: {}, policy: { kind: "present", text: policy(rootStatement(), open_) } })],
    });
    const outsider = () => client.kms("DescribeKey", { KeyId: keyArn(1) }, { as: STRANGER_ADMIN });
    expect(outsider).toThrow("not authorized");
    client.kms("TagResource", { KeyId: KEY, Tags: [{ TagKey: "shared", TagValue: "yes" }] });
    expect(outsider()).toHaveProperty("KeyMetadata");
    client.kms("UntagResource", { KeyId: KEY, TagKeys: ["shared"] });
    expect(outsider).toThrow("not authorized");
    const reserved = { KeyId: KEY, Tags: [{ TagKey: "aws:x", TagValue: "" }] };
    expect(refusal(() => client.kms("TagResource", reserved)).code).toBe("TagException");
  });
});

describe("cryptography", () => {
  test("decrypts what it encrypted, with the same context only", async () => {
    const client = await open({ snapshot: [keyLine(1), keyLine(2)] });
    const blob = client.kms("Encrypt", {
      KeyId: KEY,
      Plaintext: plaintext,
      EncryptionContext: { a: "1", b: "2" },
    })["CiphertextBlob"];
    expect(
      client.kms("Decrypt", { CiphertextBlob: blob, EncryptionContext: { b: "2", a: "1" } }),
    ).toMatchObject({
      Plaintext: plaintext,
      KeyId: keyArn(1),
    });
    const code = (input: object): string =>
      refusal(() => client.kms("Decrypt", { CiphertextBlob: blob, ...input })).code;
    expect(code({})).toBe("InvalidCiphertextException");
    expect(code({ EncryptionContext: { A: "1", b: "2" } })).toBe("InvalidCiphertextException");
    expect(code({ KeyId: keyId(2), EncryptionContext: { a: "1", b: "2" } })).toBe("IncorrectKeyException");
    expect(code({ CiphertextBlob: plaintext })).toBe("InvalidCiphertextException");
  });

  test("every name of a context pair counts, __proto__ included", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const context = JSON.parse('{"__proto__":"1"}') as object;
    const sealed = client.kms("Encrypt", { KeyId: KEY, Plaintext: plaintext, EncryptionContext: context });
    const blob = sealed["CiphertextBlob"];
    expect(client.kms("Decrypt", { CiphertextBlob: blob, EncryptionContext: context })).toHaveProperty(
      "Plaintext",
    );
    expect(refusal(() => client.kms("Decrypt", { CiphertextBlob: blob })).code).toBe(
      "InvalidCiphertextException",
    );
  });

  test("ReEncrypt needs one permission on each key", async () => {
    const client = await open({
      snapshot: [
        keyLine(1, {
          policy: { kind: "present", text: policy(rootStatement(), allow("*", "kms:ReEncryptFrom")) },
        }),
        keyLine(2, {
          policy: { kind: "present", text: policy(rootStatement(), allow("*", "kms:ReEncryptTo")) },
        }),
      ],
    });
    const blob = client.kms("Encrypt", { KeyId: KEY, Plaintext: plaintext })["CiphertextBlob"];
    const move = (from: unknown, to: number): Readonly<Record<string, unknown>> =>
      client.kms("ReEncrypt", { CiphertextBlob: from, DestinationKeyId: keyArn(to) }, { as: STRANGER_ADMIN });
    const moved = move(blob, 2);
    expect(moved).toMatchObject({ KeyId: keyArn(2), SourceKeyId: keyArn(1) });
    expect(client.kms("Decrypt", { CiphertextBlob: moved["CiphertextBlob"] })).toMatchObject({
      Plaintext: plaintext,
    });
    expect(() => move(moved["CiphertextBlob"], 2)).toThrow("kms:ReEncryptFrom");
    expect(() => move(blob, 1)).toThrow("kms:ReEncryptTo");
  });

  test("the Regions of a multi-Region key share their material, and nothing else", async () => {
    const client = await open({
      snapshot: [
        { ...keyLine(1), arn: PRIMARY, multiRegion: true, multiRegionKeyType: "PRIMARY" },
        { ...keyLine(1), arn: REPLICA, multiRegion: true, multiRegionKeyType: "REPLICA", state: "Disabled" },
        keyLine(1),
      ],
    });
    const europe = { region: "eu-west-1" };
    expect(client.kms("DescribeKey", { KeyId: REPLICA }, europe)).toMatchObject({
      KeyMetadata: {
        MultiRegionConfiguration: {
          MultiRegionKeyType: "REPLICA",
          PrimaryKey: { Arn: PRIMARY, Region: "us-east-1" },
          ReplicaKeys: [{ Arn: REPLICA, Region: "eu-west-1" }],
        },
      },
    });
    const blob = client.kms("Encrypt", { KeyId: PRIMARY, Plaintext: plaintext })["CiphertextBlob"];
    expect(refusal(() => client.kms("Decrypt", { CiphertextBlob: blob }, europe)).code).toBe(
      "DisabledException",
    );
    client.kms("EnableKey", { KeyId: REPLICA }, europe);
    expect(client.kms("Decrypt", { CiphertextBlob: blob }, europe)).toMatchObject({
      KeyId: REPLICA,
      Plaintext: plaintext,
    });
    const single = client.kms("Encrypt", { KeyId: KEY, Plaintext: plaintext })["CiphertextBlob"];
    expect(refusal(() => client.kms("Decrypt", { CiphertextBlob: single }, europe)).message).toContain(
      "does not exist in this region",
    );
  });

  test("data keys have the length that was asked for, and decrypt", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const key = client.kms("GenerateDataKey", { KeyId: KEY, KeySpec: "AES_128" });
    expect(Buffer.from(String(key["Plaintext"]), "base64")).toHaveLength(16);
    expect(client.kms("Decrypt", { CiphertextBlob: key["CiphertextBlob"] })["Plaintext"]).toBe(
      key["Plaintext"],
    );
    const hidden = client.kms("GenerateDataKeyWithoutPlaintext", { KeyId: KEY, NumberOfBytes: 64 });
    expect(hidden).not.toHaveProperty("Plaintext");
    expect(refusal(() => client.kms("GenerateDataKey", { KeyId: KEY })).code).toBe("ValidationException");
  });

  test("a key does only what its kind is for", async () => {
    const client = await open({
      snapshot: [keyLine(1), keyLine(2, { spec: "HMAC_256", usage: "GENERATE_VERIFY_MAC" })],
    });
    const message = plaintext;
    const macOf = (number: number) =>
      client.kms("GenerateMac", { KeyId: keyId(number), Message: message, MacAlgorithm: "HMAC_SHA_256" });
    const Mac = macOf(2)["Mac"];
    expect(
      client.kms("VerifyMac", { KeyId: keyId(2), Message: message, MacAlgorithm: "HMAC_SHA_256", Mac }),
    ).toMatchObject({ MacValid: true });
    const other = Buffer.from("other").toString("base64");
    expect(
      refusal(() =>
        client.kms("VerifyMac", { KeyId: keyId(2), Message: other, MacAlgorithm: "HMAC_SHA_256", Mac }),
      ).code,
    ).toBe("KMSInvalidMacException");
    expect(refusal(() => macOf(1)).code).toBe("InvalidKeyUsageException");
    expect(refusal(() => client.kms("Encrypt", { KeyId: keyId(2), Plaintext: plaintext })).code).toBe(
      "InvalidKeyUsageException",
    );
  });
});
