import * as kms from "@aws-sdk/client-kms";
import { describe, expect, test } from "vitest";
import { KEY_USAGES } from "../src/domain/key.js";
import { ACCOUNT_LEVEL_ACTIONS, KMS_KEY_ACTIONS } from "../src/semantics/actions.js";
import {
  ENCRYPTION_ALGORITHMS,
  isKnownValue,
  KNOWN_VALUES,
  knownValues,
  MAC_ALGORITHMS,
  SIGNING_ALGORITHMS,
} from "../src/semantics/known-values.js";

/** The enumerations of the KMS API, as the AWS SDK carries them, by the condition key that shows the parameter. */
const ENUMERATIONS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["kms:encryptionalgorithm", kms.EncryptionAlgorithmSpec],
  ["kms:signingalgorithm", kms.SigningAlgorithmSpec],
  ["kms:macalgorithm", kms.MacAlgorithmSpec],
  ["kms:messagetype", kms.MessageType],
  ["kms:keyagreementalgorithm", kms.KeyAgreementAlgorithmSpec],
  ["kms:datakeypairspec", kms.DataKeyPairSpec],
  ["kms:wrappingalgorithm", kms.AlgorithmSpec],
  ["kms:wrappingkeyspec", kms.WrappingKeySpec],
  ["kms:expirationmodel", kms.ExpirationModelType],
  ["kms:grantoperations", kms.GrantOperation],
];

/** Operations of the API by permissions: ReEncrypt needs two, and two permissions are no operation of their own. */
const PERMISSIONS_OF: Readonly<Record<string, readonly string[]>> = {
  ReEncrypt: ["ReEncryptFrom", "ReEncryptTo"],
};
const NO_OPERATION = ["SynchronizeMultiRegionKey"];

describe("the actions that keyward knows", () => {
  test("are those of the API", () => {
    const operations = Object.keys(kms)
      .filter((name) => name.endsWith("Command") && name !== "$Command")
      .map((name) => name.slice(0, -"Command".length));
    const expected = operations.flatMap((name) => PERMISSIONS_OF[name] ?? [name]);
    const known = [...KMS_KEY_ACTIONS.map((a) => a.name), ...ACCOUNT_LEVEL_ACTIONS].map((name) =>
      name.slice(4),
    );
    expect(known.sort()).toEqual([...expected, ...NO_OPERATION].sort());
  });

  test("that grants can hold are the API's GrantOperation", () => {
    const grantable = KMS_KEY_ACTIONS.filter((a) => a.grantable).map((a) => a.name.slice(4));
    expect(grantable.sort()).toEqual(Object.values(kms.GrantOperation).sort());
  });

  test("need the key usages that there are", () => {
    expect([...KEY_USAGES].sort()).toEqual(Object.values(kms.KeyUsageType).sort());
  });
});

describe("the values that AWS documents", () => {
  test.each(ENUMERATIONS)("of %s are those of the API", (key, values) => {
    const known = KNOWN_VALUES.get(key);
    expect(known?.kind).toBe("list");
    expect([...(known?.kind === "list" ? known.values : [])].sort()).toEqual(Object.values(values).sort());
  });

  test("of algorithms are told for every kind of key that has them", () => {
    const specs = (prefix: RegExp): string[] =>
      Object.values(kms.KeySpec)
        .filter((s) => prefix.test(s))
        .sort();
    expect([...SIGNING_ALGORITHMS.keys()].sort()).toEqual(specs(/^(RSA|ECC|SM2|ML_DSA)/));
    expect([...MAC_ALGORITHMS.keys()].sort()).toEqual(specs(/^HMAC/));
    expect([...ENCRYPTION_ALGORITHMS.keys()].sort()).toEqual(specs(/^(RSA|SM2|SYMMETRIC)/));
  });

  test.each([
    ["kms:signingalgorithm", "RSA_2048", "RSASSA_PSS_SHA_256", true],
    ["kms:signingalgorithm", "RSA_2048", "ECDSA_SHA_256", false],
    ["kms:signingalgorithm", "ECC_NIST_P384", "ECDSA_SHA_384", true],
    ["kms:signingalgorithm", undefined, "ECDSA_SHA_256", true],
    ["kms:signingalgorithm", "A_NEW_SPEC", "ECDSA_SHA_256", true],
    ["kms:messagetype", undefined, "FOO", false],
    ["kms:viaservice", undefined, "s3.us-east-1.amazonaws.com", true],
    ["kms:viaservice", undefined, "s3.amazonaws.com", false],
    ["kms:viaservice", undefined, "s3", false],
    ["kms:replicaregion", undefined, "us-gov-west-1", true],
    ["kms:replicaregion", undefined, "Frankfurt", false],
    ["kms:rotationperiodindays", undefined, "90", true],
    ["kms:rotationperiodindays", undefined, "89", false],
    ["kms:rotationperiodindays", undefined, "100.5", false],
    ["aws:sourcevpce", undefined, "vpce-1a2b3c4d", true],
    ["aws:sourcevpce", undefined, "vpc-1a2b3c4d", false],
  ])("of %s with a key of spec %s: %s is one: %j", (key, spec, value, expected) => {
    const known = knownValues(key, spec === undefined ? {} : { spec });
    if (known === undefined) throw new Error(`nothing is known of ${key}`);
    expect(isKnownValue(known, value)).toBe(expected);
  });
});
