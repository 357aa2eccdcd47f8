import type { KeyFacts } from "../domain/key.js";
import { globMatches, parseGlob } from "./glob.js";

/**
 * The values that AWS gives a condition key today, where it documents a list, a range or a form. Lists grow: what is not
 * in one is a doubt (`undocumented-value`) and never proves that a request cannot be made.
 *
 * Sources: KMS API reference, the parameters of the operations (enumerations of the API model packaged in
 * @aws-sdk/client-kms 3.1164, checked 2026-11-25; a test holds the lists against it); KMS Developer Guide, "AWS KMS
 * condition keys" (texts of 2026).
 */
export type KnownValues =
  | { readonly kind: "list"; readonly values: readonly string[] }
  /** Whole numbers from `least` to `most`. */
  | { readonly kind: "range"; readonly least: number; readonly most: number }
  /** A pattern with `*` and `?` that every value fits. */
  | { readonly kind: "form"; readonly pattern: string };

const list = (...values: readonly string[]): KnownValues => ({ kind: "list", values });

const RSA_SIGNING = list(
  "RSASSA_PSS_SHA_256",
  "RSASSA_PSS_SHA_384",
  "RSASSA_PSS_SHA_512",
  "RSASSA_PKCS1_V1_5_SHA_256",
  "RSASSA_PKCS1_V1_5_SHA_384",
  "RSASSA_PKCS1_V1_5_SHA_512",
);
const ML_DSA = list("ML_DSA_SHAKE_256");

/** Which algorithms a key can sign with. Source: KMS Developer Guide, "Key spec reference" (text of 2026). */
export const SIGNING_ALGORITHMS: ReadonlyMap<string, KnownValues> = new Map([
  ["RSA_2048", RSA_SIGNING],
  ["RSA_3072", RSA_SIGNING],
  ["RSA_4096", RSA_SIGNING],
  ["ECC_NIST_P256", list("ECDSA_SHA_256")],
  ["ECC_NIST_P384", list("ECDSA_SHA_384")],
  ["ECC_NIST_P521", list("ECDSA_SHA_512")],
  ["ECC_NIST_EDWARDS25519", list("ED25519_SHA_512", "ED25519_PH_SHA_512")],
  ["ECC_SECG_P256K1", list("ECDSA_SHA_256")],
  ["SM2", list("SM2DSA")],
  ["ML_DSA_44", ML_DSA],
  ["ML_DSA_65", ML_DSA],
  ["ML_DSA_87", ML_DSA],
]);

/** Which algorithm a key makes codes with. Source: as {@link SIGNING_ALGORITHMS}. */
export const MAC_ALGORITHMS: ReadonlyMap<string, KnownValues> = new Map(
  ["224", "256", "384", "512"].map((n) => [`HMAC_${n}`, list(`HMAC_SHA_${n}`)]),
);

const RSA_ENCRYPTION = list("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1");

/** Which algorithms a key encrypts with. Source: as {@link SIGNING_ALGORITHMS}. */
export const ENCRYPTION_ALGORITHMS: ReadonlyMap<string, KnownValues> = new Map([
  ["SYMMETRIC_DEFAULT", list("SYMMETRIC_DEFAULT")],
  ["RSA_2048", RSA_ENCRYPTION],
  ["RSA_3072", RSA_ENCRYPTION],
  ["RSA_4096", RSA_ENCRYPTION],
  ["SM2", list("SM2PKE")],
]);

/** All values of the lists of a table, each once. */
function union(table: ReadonlyMap<string, KnownValues>): KnownValues {
  return list(...new Set([...table.values()].flatMap((k) => (k.kind === "list" ? k.values : []))));
}

/** `us-east-1`, `us-gov-west-1`, `us-isob-east-1`. Source: AWS General Reference, "AWS service endpoints". */
const REGION: KnownValues = { kind: "form", pattern: "??-*-?" };

/** By key in lower case; of the algorithms, those of any key. */
export const KNOWN_VALUES: ReadonlyMap<string, KnownValues> = new Map<string, KnownValues>([
  ["kms:encryptionalgorithm", union(ENCRYPTION_ALGORITHMS)],
  ["kms:signingalgorithm", union(SIGNING_ALGORITHMS)],
  ["kms:macalgorithm", union(MAC_ALGORITHMS)],
  ["kms:messagetype", list("RAW", "DIGEST", "EXTERNAL_MU")],
  ["kms:keyagreementalgorithm", list("ECDH")],
  [
    "kms:datakeypairspec",
    list(
      "RSA_2048",
      "RSA_3072",
      "RSA_4096",
      "ECC_NIST_P256",
      "ECC_NIST_P384",
      "ECC_NIST_P521",
      "ECC_NIST_EDWARDS25519",
      "ECC_SECG_P256K1",
      "SM2",
      "ML_KEM_512",
      "ML_KEM_768",
      "ML_KEM_1024",
    ),
  ],
  [
    "kms:wrappingalgorithm",
    list(
      "RSAES_OAEP_SHA_256",
      "RSAES_OAEP_SHA_1",
      "RSAES_PKCS1_V1_5",
      "RSA_AES_KEY_WRAP_SHA_256",
      "RSA_AES_KEY_WRAP_SHA_1",
      "SM2PKE",
    ),
  ],
  ["kms:wrappingkeyspec", list("RSA_2048", "RSA_3072", "RSA_4096", "SM2")],
  ["kms:expirationmodel", list("KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE")],
  ["kms:grantconstrainttype", list("EncryptionContextEquals", "EncryptionContextSubset")],
  [
    "kms:grantoperations",
    list(
      "Decrypt",
      "Encrypt",
      "GenerateDataKey",
      "GenerateDataKeyWithoutPlaintext",
      "ReEncryptFrom",
      "ReEncryptTo",
      "Sign",
      "Verify",
      "GetPublicKey",
      "CreateGrant",
      "RetireGrant",
      "DescribeKey",
      "GenerateDataKeyPair",
      "GenerateDataKeyPairWithoutPlaintext",
      "GenerateMac",
      "VerifyMac",
      "DeriveSharedSecret",
      "Encapsulate",
      "Decapsulate",
    ),
  ],
  ["kms:replicaregion", REGION],
  ["kms:primaryregion", REGION],
  // Source: KMS API reference, ScheduleKeyDeletion and EnableKeyRotation.
  ["kms:schedulekeydeletionpendingwindowindays", { kind: "range", least: 7, most: 30 }],
  ["kms:rotationperiodindays", { kind: "range", least: 90, most: 2560 }],
  // Source: STS API reference, GetSessionToken, DurationSeconds: at most 36 hours.
  ["aws:multifactorauthage", { kind: "range", least: 0, most: 129_600 }],
  // Source: KMS Developer Guide, kms:ViaService: service.region.amazonaws.com, in every partition.
  ["kms:viaservice", { kind: "form", pattern: "*?.?*.amazonaws.com" }],
  // Source: EC2 API reference, ids of resources.
  ["aws:sourcevpc", { kind: "form", pattern: "vpc-?*" }],
  ["aws:ec2instancesourcevpc", { kind: "form", pattern: "vpc-?*" }],
  ["aws:sourcevpce", { kind: "form", pattern: "vpce-?*" }],
  // Source: IAM User Guide, "AWS global condition context keys", aws:CalledVia: service principal names.
  ["aws:calledvia", { kind: "form", pattern: "?*.amazonaws.com*" }],
  ["aws:calledviafirst", { kind: "form", pattern: "?*.amazonaws.com*" }],
  ["aws:calledvialast", { kind: "form", pattern: "?*.amazonaws.com*" }],
]);

const BY_SPEC: ReadonlyMap<string, ReadonlyMap<string, KnownValues>> = new Map([
  ["kms:encryptionalgorithm", ENCRYPTION_ALGORITHMS],
  ["kms:signingalgorithm", SIGNING_ALGORITHMS],
  ["kms:macalgorithm", MAC_ALGORITHMS],
]);

/** What AWS documents of the values of a key (in lower case), for this KMS key; undefined where it may be anything. */
export function knownValues(keyLower: string, facts: Pick<KeyFacts, "spec">): KnownValues | undefined {
  const ofAny = KNOWN_VALUES.get(keyLower);
  if (ofAny === undefined || facts.spec === undefined) return ofAny;
  return BY_SPEC.get(keyLower)?.get(facts.spec) ?? ofAny;
}

/** Whether a value is one of those. */
export function isKnownValue(known: KnownValues, value: string): boolean {
  switch (known.kind) {
    case "list":
      return known.values.includes(value);
    case "range": {
      const number = Number(value);
      return Number.isInteger(number) && number >= known.least && number <= known.most;
    }
    case "form":
      return globMatches(parseGlob(known.pattern), value);
  }
}
