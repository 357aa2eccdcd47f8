import type { ActionName } from "../domain/ids.js";
import type { KeyState, KeyUsage } from "../domain/key.js";
import type { Capability } from "../domain/verdict.js";

/**
 * The KMS actions that a key policy or a grant can allow on a key, and the facts about each.
 *
 * Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management Service"
 * (actions, resource types, condition keys; checked 2026-09-26); KMS API reference, "Cross-account use" of each
 * operation; KMS Developer Guide, "Key states of AWS KMS keys" and "Special-purpose keys". Encapsulate and Decapsulate,
 * which came later: KMS API reference of both (2026-11-25); their condition keys are taken from their parameters.
 */
export interface ActionFacts {
  readonly name: ActionName;
  /** `kms:decrypt`: AWS compares action names without case. */
  readonly lower: string;
  readonly capability: Capability;
  /** A caller of another account can call it on this key. */
  readonly crossAccount: boolean;
  /** Allowing it in a key policy has an effect. Not so for RetireGrant. */
  readonly keyPolicy: boolean;
  /** Can be listed in the operations of a grant. */
  readonly grantable: boolean;
  /** Key usages that it works with; `any` for operations that do not touch key material. */
  readonly usages: "any" | readonly KeyUsage[];
  /** Needs a symmetric key, an asymmetric key, or either. */
  readonly material: "any" | "symmetric" | "asymmetric";
  /** Which key states let it through: see {@link worksInState}. */
  readonly states: KeyStateRule;
  /** The request-parameter condition keys that its requests can carry. */
  readonly keyGroups: readonly KeyGroup[];
}

/**
 * The key states in which an operation fails, by rule. Of operations that are not in AWS's table the rule is taken from
 * their neighbours: RotateKeyOnDemand as EnableKeyRotation, GetKeyLastUsage and ListKeyRotations as ListGrants.
 * Left out: what depends on the origin of the key (rotation and import).
 * Source: KMS Developer Guide, "Key states of AWS KMS keys", table (June 2023, the last that could be had in full).
 */
const FAILS_IN = {
  all: [],
  /** Cryptographic operations and GetPublicKey. */
  usable: [
    "Disabled",
    "PendingDeletion",
    "PendingReplicaDeletion",
    "PendingImport",
    "Unavailable",
    "Creating",
  ],
  /** CreateGrant, UpdatePrimaryRegion. */
  enabled: ["Disabled", "PendingDeletion", "PendingReplicaDeletion", "PendingImport", "Creating"],
  replicate: [
    "Disabled",
    "PendingDeletion",
    "PendingReplicaDeletion",
    "PendingImport",
    "Creating",
    "Updating",
  ],
  /** EnableKey, DisableKey. */
  switch: ["PendingDeletion", "PendingReplicaDeletion", "PendingImport", "Creating", "Updating"],
  /** Tags, aliases, description. */
  "not-dying": ["PendingDeletion", "PendingReplicaDeletion"],
  "schedule-deletion": ["PendingDeletion", "PendingReplicaDeletion", "Updating"],
  "cancel-deletion": ["Enabled", "Disabled", "PendingImport", "Unavailable", "Creating", "Updating"],
  "import-parameters": ["PendingDeletion", "PendingReplicaDeletion", "Unavailable", "Creating", "Updating"],
  import: ["PendingDeletion", "PendingReplicaDeletion", "Unavailable", "Creating"],
  "delete-material": ["Creating", "Updating"],
} as const satisfies Record<string, readonly KeyState[]>;
export type KeyStateRule = keyof typeof FAILS_IN;

/** Groups of request-parameter condition keys; condition-keys.ts assigns each key to one. */
export type KeyGroup =
  | "encryption-context"
  | "request-alias"
  | "encryption-algorithm"
  | "attestation"
  | "data-key-pair"
  | "mac"
  | "signing"
  | "key-agreement"
  | "re-encrypt"
  | "grant"
  | "grant-constraint-type"
  | "grant-for-aws-resource"
  | "wrapping"
  | "import"
  | "bypass-lockout"
  | "replica-region"
  | "primary-region"
  | "rotation-period"
  | "deletion-window"
  | "trailing-days"
  | "request-tags"
  | "tag-keys";

interface Row {
  readonly c: Capability;
  readonly x?: true;
  readonly g?: true;
  readonly u?: readonly KeyUsage[];
  readonly m?: "symmetric" | "asymmetric";
  readonly s: ActionFacts["states"];
  readonly k?: readonly KeyGroup[];
}

const SYM: readonly KeyUsage[] = ["ENCRYPT_DECRYPT"];
const KEM: readonly KeyUsage[] = ["ENCAPSULATE_DECAPSULATE"];
const crypt: readonly KeyGroup[] = ["encryption-context", "request-alias", "encryption-algorithm"];

// c capability, x cross-account, g grantable, u usages, m material, s states, k key groups
const ROWS = {
  "kms:Decrypt": { c: "decrypt", x: true, g: true, u: SYM, s: "usable", k: [...crypt, "attestation"] },
  "kms:ReEncryptFrom": { c: "decrypt", x: true, g: true, u: SYM, s: "usable", k: [...crypt, "re-encrypt"] },
  "kms:GenerateDataKey": {
    c: "decrypt",
    x: true,
    g: true,
    u: SYM,
    m: "symmetric",
    s: "usable",
    k: [...crypt, "attestation"],
  },
  "kms:GenerateDataKeyPair": {
    c: "decrypt",
    x: true,
    g: true,
    u: SYM,
    m: "symmetric",
    s: "usable",
    k: [...crypt, "attestation", "data-key-pair"],
  },
  "kms:DeriveSharedSecret": {
    c: "decrypt",
    x: true,
    g: true,
    u: ["KEY_AGREEMENT"],
    m: "asymmetric",
    s: "usable",
    k: ["key-agreement", "attestation", "request-alias"],
  },
  "kms:Decapsulate": {
    c: "decrypt",
    x: true,
    g: true,
    u: KEM,
    m: "asymmetric",
    s: "usable",
    k: ["request-alias"],
  },
  "kms:Encrypt": { c: "encrypt", x: true, g: true, u: SYM, s: "usable", k: crypt },
  "kms:ReEncryptTo": { c: "encrypt", x: true, g: true, u: SYM, s: "usable", k: [...crypt, "re-encrypt"] },
  "kms:GenerateDataKeyWithoutPlaintext": {
    c: "encrypt",
    x: true,
    g: true,
    u: SYM,
    m: "symmetric",
    s: "usable",
    k: crypt,
  },
  "kms:GenerateDataKeyPairWithoutPlaintext": {
    c: "encrypt",
    x: true,
    g: true,
    u: SYM,
    m: "symmetric",
    s: "usable",
    k: [...crypt, "data-key-pair"],
  },
  "kms:Encapsulate": {
    c: "encrypt",
    x: true,
    g: true,
    u: KEM,
    m: "asymmetric",
    s: "usable",
    k: ["request-alias"],
  },
  "kms:Sign": {
    c: "sign",
    x: true,
    g: true,
    u: ["SIGN_VERIFY"],
    m: "asymmetric",
    s: "usable",
    k: ["signing", "request-alias"],
  },
  "kms:GenerateMac": {
    c: "sign",
    x: true,
    g: true,
    u: ["GENERATE_VERIFY_MAC"],
    m: "symmetric",
    s: "usable",
    k: ["mac", "request-alias"],
  },
  "kms:Verify": {
    c: "inspect",
    x: true,
    g: true,
    u: ["SIGN_VERIFY"],
    m: "asymmetric",
    s: "usable",
    k: ["signing", "request-alias"],
  },
  "kms:VerifyMac": {
    c: "inspect",
    x: true,
    g: true,
    u: ["GENERATE_VERIFY_MAC"],
    m: "symmetric",
    s: "usable",
    k: ["mac", "request-alias"],
  },
  "kms:GetPublicKey": { c: "inspect", x: true, g: true, m: "asymmetric", s: "usable", k: ["request-alias"] },
  "kms:CreateGrant": {
    c: "share",
    x: true,
    g: true,
    s: "enabled",
    k: ["encryption-context", "grant", "grant-constraint-type", "grant-for-aws-resource"],
  },
  "kms:RetireGrant": {
    c: "destroy",
    x: true,
    g: true,
    s: "all",
    k: ["encryption-context", "grant-constraint-type"],
  },
  "kms:RevokeGrant": { c: "destroy", x: true, s: "all", k: ["grant-for-aws-resource"] },
  "kms:DescribeKey": { c: "inspect", x: true, g: true, s: "all", k: ["request-alias"] },
  "kms:ListGrants": { c: "inspect", x: true, s: "all", k: ["grant-for-aws-resource"] },
  "kms:GetKeyRotationStatus": { c: "inspect", x: true, s: "all" },
  "kms:GetKeyPolicy": { c: "inspect", s: "all" },
  "kms:ListKeyPolicies": { c: "inspect", s: "all" },
  "kms:ListKeyRotations": { c: "inspect", s: "all" },
  "kms:ListResourceTags": { c: "inspect", s: "all" },
  "kms:GetKeyLastUsage": { c: "inspect", s: "all" },
  "kms:GetParametersForImport": { c: "manage", s: "import-parameters", k: ["wrapping"] },
  "kms:PutKeyPolicy": { c: "manage", s: "all", k: ["bypass-lockout"] },
  "kms:ReplicateKey": { c: "manage", s: "replicate", k: ["replica-region"] },
  "kms:EnableKey": { c: "manage", s: "switch" },
  "kms:EnableKeyRotation": { c: "manage", s: "usable", k: ["rotation-period"] },
  "kms:RotateKeyOnDemand": { c: "manage", s: "usable" },
  "kms:ImportKeyMaterial": { c: "manage", s: "import", k: ["import"] },
  "kms:UpdateKeyDescription": { c: "manage", s: "not-dying" },
  "kms:UpdatePrimaryRegion": { c: "manage", s: "enabled", k: ["primary-region"] },
  "kms:SynchronizeMultiRegionKey": { c: "manage", s: "all" },
  "kms:TagResource": { c: "manage", s: "not-dying", k: ["request-tags", "tag-keys"] },
  "kms:UntagResource": { c: "manage", s: "not-dying", k: ["tag-keys"] },
  "kms:CreateAlias": { c: "manage", s: "not-dying" },
  "kms:UpdateAlias": { c: "manage", s: "all" },
  "kms:DeleteAlias": { c: "manage", s: "all" },
  "kms:CancelKeyDeletion": { c: "manage", s: "cancel-deletion" },
  "kms:ScheduleKeyDeletion": {
    c: "destroy",
    s: "schedule-deletion",
    k: ["deletion-window", "trailing-days"],
  },
  "kms:DisableKey": { c: "destroy", s: "switch", k: ["trailing-days"] },
  "kms:DisableKeyRotation": { c: "destroy", s: "usable" },
  "kms:DeleteImportedKeyMaterial": { c: "destroy", s: "delete-material" },
} as const satisfies Record<string, Row>;

/** Every action that a key policy or grant can concern, worst capability first within the table's order. */
export const KMS_KEY_ACTIONS: readonly ActionFacts[] = Object.entries<Row>(ROWS).map(([name, r]) => ({
  name: name as ActionName,
  lower: name.toLowerCase(),
  capability: r.c,
  crossAccount: r.x === true,
  keyPolicy: name !== "kms:RetireGrant",
  grantable: r.g === true,
  usages: r.u ?? "any",
  material: r.m ?? "any",
  states: r.s,
  keyGroups: r.k ?? [],
}));

const BY_LOWER: ReadonlyMap<string, ActionFacts> = new Map(KMS_KEY_ACTIONS.map((a) => [a.lower, a]));

/** The facts about an action, whatever its case; undefined for what is no action on a key. */
export function actionFacts(name: string): ActionFacts | undefined {
  return BY_LOWER.get(name.toLowerCase());
}

/**
 * Actions of KMS that have no key as their resource: they mean something in an identity policy and nothing in a key
 * policy. Source: Service Authorization Reference.
 */
export const ACCOUNT_LEVEL_ACTIONS: readonly string[] = [
  "kms:CreateKey",
  "kms:ListKeys",
  "kms:ListAliases",
  "kms:ListRetirableGrants",
  "kms:GenerateRandom",
  "kms:CreateCustomKeyStore",
  "kms:DeleteCustomKeyStore",
  "kms:UpdateCustomKeyStore",
  "kms:ConnectCustomKeyStore",
  "kms:DisconnectCustomKeyStore",
  "kms:DescribeCustomKeyStores",
];

/** Whether an operation goes through in a key state. `undefined` state: not known, so it may. */
export function worksInState(a: ActionFacts, state: string | undefined): boolean {
  const failing: readonly string[] = FAILS_IN[a.states];
  return state === undefined || !failing.includes(state);
}

/**
 * Whether a key of this usage and spec can perform an operation at all. What is not known may be anything.
 * Source: KMS API reference, KeyUsage and KeySpec of CreateKey.
 */
export function suitsKey(a: ActionFacts, usage: string | undefined, spec: string | undefined): boolean {
  if (a.usages !== "any" && usage !== undefined && !a.usages.some((u) => u === usage)) return false;
  if (a.material === "any" || spec === undefined) return true;
  const symmetric = spec === "SYMMETRIC_DEFAULT" || spec.startsWith("HMAC_");
  return a.material === "symmetric" ? symmetric : !symmetric;
}
