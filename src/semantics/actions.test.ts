import { describe, expect, it } from "vitest";
import { KEY_STATES } from "../domain/key.js";
import { actionFacts, KMS_KEY_ACTIONS, suitsKey, worksInState } from "./actions.js";

/** Letters: D Disabled, P pending deletion (both kinds), I PendingImport, U Unavailable, C Creating, G Updating. */
const LETTERS: Readonly<Record<string, string>> = {
  Enabled: "E",
  Disabled: "D",
  PendingDeletion: "P",
  PendingReplicaDeletion: "P",
  PendingImport: "I",
  Unavailable: "U",
  Creating: "C",
  Updating: "G",
};

describe("key states, as AWS's table has them", () => {
  it.each<[string, string]>([
    ["CancelKeyDeletion", "EDIUCG"],
    ["CreateAlias", "P"],
    ["CreateGrant", "DPIC"],
    ["Decrypt", "DPIUC"],
    ["DeleteAlias", ""],
    ["DeleteImportedKeyMaterial", "CG"],
    ["DescribeKey", ""],
    ["DisableKey", "PICG"],
    ["EnableKey", "PICG"],
    ["Encrypt", "DPIUC"],
    ["GenerateDataKey", "DPIUC"],
    ["GetKeyPolicy", ""],
    ["GetParametersForImport", "PUCG"],
    ["ImportKeyMaterial", "PUC"],
    ["ListGrants", ""],
    ["ListKeyPolicies", ""],
    ["ListResourceTags", ""],
    ["PutKeyPolicy", ""],
    ["ReEncryptFrom", "DPIUC"],
    ["ReplicateKey", "DPICG"],
    ["RetireGrant", ""],
    ["RevokeGrant", ""],
    ["ScheduleKeyDeletion", "PG"],
    ["TagResource", "P"],
    ["UntagResource", "P"],
    ["UpdateKeyDescription", "P"],
    ["UpdatePrimaryRegion", "DPIC"],
  ])("%s fails in %s", (name, failing) => {
    const action = actionFacts(`kms:${name}`);
    if (action === undefined) throw new Error("no such action");
    for (const state of KEY_STATES) {
      expect([state, worksInState(action, state)]).toEqual([state, !failing.includes(LETTERS[state] ?? "?")]);
    }
    expect(worksInState(action, undefined)).toBe(true);
  });
});

describe("actions", () => {
  it("are found in any case", () => {
    expect(actionFacts("KMS:DECRYPT")?.name).toBe("kms:Decrypt");
    expect(actionFacts("kms:ReEncrypt")).toBeUndefined();
  });

  it("that work across accounts are those of the API reference", () => {
    const names = KMS_KEY_ACTIONS.filter((a) => a.crossAccount).map((a) => a.name.slice(4));
    expect(names.sort()).toEqual(
      (
        "CreateGrant Decapsulate Decrypt DeriveSharedSecret DescribeKey Encapsulate Encrypt GenerateDataKey GenerateDataKeyPair " +
        "GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetKeyRotationStatus GetPublicKey " +
        "ListGrants ReEncryptFrom ReEncryptTo RetireGrant RevokeGrant Sign Verify VerifyMac"
      ).split(" "),
    );
  });

  it("that grants can hold are the grant operations", () => {
    const names = KMS_KEY_ACTIONS.filter((a) => a.grantable).map((a) => a.name.slice(4));
    expect(names.sort()).toEqual(
      (
        "CreateGrant Decapsulate Decrypt DeriveSharedSecret DescribeKey Encapsulate Encrypt GenerateDataKey GenerateDataKeyPair " +
        "GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetPublicKey ReEncryptFrom " +
        "ReEncryptTo RetireGrant Sign Verify VerifyMac"
      ).split(" "),
    );
  });

  it.each<[string, string | undefined, string | undefined, boolean]>([
    ["kms:Decrypt", "ENCRYPT_DECRYPT", "RSA_2048", true],
    ["kms:GenerateDataKey", "ENCRYPT_DECRYPT", "RSA_2048", false],
    ["kms:GenerateDataKey", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", true],
    ["kms:Sign", "SIGN_VERIFY", "ECC_NIST_P256", true],
    ["kms:Sign", "ENCRYPT_DECRYPT", "RSA_2048", false],
    ["kms:GenerateMac", "GENERATE_VERIFY_MAC", "HMAC_256", true],
    ["kms:GetPublicKey", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", false],
    ["kms:GetPublicKey", undefined, "ECC_NIST_P256", true],
    ["kms:DeriveSharedSecret", "KEY_AGREEMENT", "ECC_NIST_P384", true],
    ["kms:Decapsulate", "ENCAPSULATE_DECAPSULATE", "ML_KEM_768", true],
    ["kms:Decapsulate", "KEY_AGREEMENT", "ECC_NIST_P384", false],
    ["kms:Decapsulate", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", false],
    ["kms:Encapsulate", "ENCAPSULATE_DECAPSULATE", "ML_KEM_512", true],
    ["kms:GetPublicKey", "ENCAPSULATE_DECAPSULATE", "ML_KEM_1024", true],
    ["kms:Decrypt", "ENCAPSULATE_DECAPSULATE", "ML_KEM_768", false],
    ["kms:Sign", undefined, undefined, true],
    ["kms:CreateGrant", "SIGN_VERIFY", "RSA_2048", true],
  ])("%s suits %s %s: %s", (name, usage, spec, expected) => {
    const action = actionFacts(name);
    if (action === undefined) throw new Error("no such action");
    expect(suitsKey(action, usage, spec)).toBe(expected);
  });
});
