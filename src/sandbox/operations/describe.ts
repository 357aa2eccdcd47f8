import { isEnabled } from "../key-state.js";
import type { SandboxKey } from "../world/key.js";
import type { World } from "../world/world.js";
import type { JsonObject } from "./operation.js";
import { seconds } from "./operation.js";

/** Algorithms by key spec. Source: KMS Developer Guide, "Key spec reference". */
function algorithms(key: SandboxKey): JsonObject {
  const { spec, usage } = key;
  if (spec === "SYMMETRIC_DEFAULT") return { EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"] };
  if (spec.startsWith("HMAC_")) return { MacAlgorithms: [`HMAC_SHA_${spec.slice(5)}`] };
  if (usage === "KEY_AGREEMENT") return { KeyAgreementAlgorithms: ["ECDH"] };
  if (spec.startsWith("RSA_")) {
    return usage === "SIGN_VERIFY"
      ? { SigningAlgorithms: RSA_SIGNING }
      : { EncryptionAlgorithms: ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] };
  }
  const signing = EC_SIGNING[spec];
  return signing === undefined ? {} : { SigningAlgorithms: [signing] };
}

const RSA_SIGNING = ["256", "384", "512"].flatMap((bits) => [
  `RSASSA_PKCS1_V1_5_SHA_${bits}`,
  `RSASSA_PSS_SHA_${bits}`,
]);
const EC_SIGNING: Readonly<Record<string, string>> = {
  ECC_NIST_P256: "ECDSA_SHA_256",
  ECC_NIST_P384: "ECDSA_SHA_384",
  ECC_NIST_P521: "ECDSA_SHA_512",
  ECC_SECG_P256K1: "ECDSA_SHA_256",
  SM2: "SM2DSA",
  ML_DSA_44: "ML_DSA_SHAKE_256",
  ML_DSA_65: "ML_DSA_SHAKE_256",
  ML_DSA_87: "ML_DSA_SHAKE_256",
};

/** The KeyMetadata of DescribeKey and CreateKey. */
export function keyMetadata(world: World, key: SandboxKey): JsonObject {
  return {
    AWSAccountId: key.account,
    KeyId: key.keyId,
    Arn: key.arn,
    CreationDate: seconds(key.createdAt),
    Enabled: isEnabled(key.state),
    Description: key.description,
    KeyUsage: key.usage,
    KeyState: key.state,
    ...(key.deletionDate === undefined ? {} : { DeletionDate: seconds(key.deletionDate) }),
    Origin: key.origin,
    KeyManager: key.manager,
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    ...algorithms(key),
    MultiRegion: key.multiRegion,
    ...multiRegionConfiguration(world, key),
  };
}

/** Which key of a multi-Region family is the primary. A snapshot that does not say makes the first one primary. */
function multiRegionConfiguration(world: World, key: SandboxKey): JsonObject {
  if (!key.multiRegion) return {};
  const family = world.family(key);
  const primary =
    family.find((k) => k.multiRegionKeyType === "PRIMARY") ??
    family.find((k) => k.multiRegionKeyType === undefined) ??
    key;
  const entry = (k: SandboxKey): JsonObject => ({ Arn: k.arn, Region: k.region });
  return {
    MultiRegionConfiguration: {
      MultiRegionKeyType: key.multiRegionKeyType ?? (primary === key ? "PRIMARY" : "REPLICA"),
      PrimaryKey: entry(primary),
      ReplicaKeys: family.filter((k) => k !== primary).map(entry),
    },
  };
}
