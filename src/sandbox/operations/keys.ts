import { randomUUID } from "node:crypto";
import { makeKeyArn, partitionOfRegion } from "../../domain/ids.js";
import { KEY_USAGES, type KeyUsage } from "../../domain/key.js";
import { ServiceError, invalid } from "../errors.js";
import { PAGE_LIMITS } from "../paging.js";
import { POLICY_TEXT, checkPolicy } from "../policy-check.js";
import { GrantBook } from "../world/grants.js";
import { SandboxKey, defaultPolicy } from "../world/key.js";
import { DEFAULT_ROTATION_DAYS } from "../world/load.js";
import { keyMetadata } from "./describe.js";
import { changeableKey } from "./changeable.js";
import { type Operation, accountLevel, keyAction, seconds } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";
import { checkTags, readTags } from "./tags.js";

const DAY_MS = 86_400_000;

/** ListKeys: the keys of the caller's account in the Region, those that AWS manages included. */
export const listKeys: Operation = (call) => {
  const account = accountLevel(call, "ListKeys");
  const page = call.services.pager.page(
    call.input,
    PAGE_LIMITS.ListKeys,
    `ListKeys/${account}/${call.region}`,
    call.services.world.vault(account, call.region).list(),
    (key) => key.keyId,
  );
  return { Keys: page.items.map((k) => ({ KeyId: k.keyId, KeyArn: k.arn })), ...page.end };
};

/** DescribeKey. */
export const describeKey: Operation = (call) => {
  const found = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("DescribeKey"), true);
  call.services.grantTokens.check(call.input.strings("GrantTokens"));
  call.services.access.require(call.identity, keyAction("DescribeKey"), found.key, call.now, {
    context: found.alias === undefined ? {} : { "kms:RequestAlias": found.alias },
  });
  return { KeyMetadata: keyMetadata(call.services.world, found.key) };
};

const SPECS_OF_USAGE: Readonly<Record<KeyUsage, RegExp>> = {
  ENCRYPT_DECRYPT: /^(SYMMETRIC_DEFAULT|RSA_(2048|3072|4096)|SM2)$/,
  SIGN_VERIFY: /^(RSA_(2048|3072|4096)|ECC_(NIST_P(256|384|521)|SECG_P256K1)|SM2|ML_DSA_(44|65|87))$/,
  GENERATE_VERIFY_MAC: /^HMAC_(224|256|384|512)$/,
  KEY_AGREEMENT: /^(ECC_NIST_P(256|384|521)|SM2)$/,
  ENCAPSULATE_DECAPSULATE: /^ML_KEM_(512|768|1024)$/,
};

/** CreateKey, for key material made by KMS. Key stores and imported material are not part of the sandbox. */
export const createKey: Operation = (call) => {
  const { input, services } = call;
  const account = accountLevel(call, "CreateKey");
  const spec =
    input.optionalString("KeySpec", { max: 64 }) ??
    input.optionalString("CustomerMasterKeySpec", { max: 64 }) ??
    "SYMMETRIC_DEFAULT";
  const usage = KEY_USAGES.find(
    (u) => u === (input.optionalString("KeyUsage", { oneOf: KEY_USAGES }) ?? "ENCRYPT_DECRYPT"),
  );
  if (usage === undefined || !SPECS_OF_USAGE[usage].test(spec)) {
    throw invalid(`KeyUsage ${usage ?? ""} is not compatible with KeySpec ${spec}`);
  }
  if (input.has("CustomKeyStoreId") || (input.optionalString("Origin") ?? "AWS_KMS") !== "AWS_KMS") {
    throw new ServiceError("UnsupportedOperationException", "The sandbox makes keys of origin AWS_KMS only");
  }
  const tags = readTags(input);
  if (tags.size > 0) accountLevel(call, "TagResource");
  checkTags(tags, new Map());
  const multiRegion = input.flag("MultiRegion");
  const partition = partitionOfRegion(call.region);
  const text = input.optionalString("Policy", POLICY_TEXT);
  const keyId = multiRegion ? `mrk-${randomUUID().replaceAll("-", "")}` : randomUUID();
  const key = new SandboxKey(
    {
      arn: makeKeyArn({ partition, region: call.region, account, keyId }),
      manager: "CUSTOMER",
      state: "Enabled",
      spec,
      usage,
      origin: "AWS_KMS",
      multiRegion,
      multiRegionKeyType: multiRegion ? "PRIMARY" : undefined,
      description: input.optionalString("Description", { max: 8192 }) ?? "",
      createdAt: call.now,
      deletionDate: undefined,
      rotation: { enabled: false, periodDays: DEFAULT_ROTATION_DAYS, since: call.now },
      lastUse: undefined,
      tags: Object.fromEntries(tags),
      policy: { kind: "present", text: text ?? defaultPolicy(account, partition) },
      grants: new GrantBook([], services.keepMs),
      grantsUnreadable: undefined,
    },
    services.keepMs,
  );
  if (text !== undefined) checkPolicy(call, key, text);
  services.world.addKey(key);
  return { KeyMetadata: keyMetadata(services.world, key) };
};

/** EnableKey. */
export const enableKey: Operation = (call) => {
  changeableKey(call, "EnableKey").state = "Enabled";
  return undefined;
};

/** DisableKey. */
export const disableKey: Operation = (call) => {
  changeableKey(call, "DisableKey").state = "Disabled";
  return undefined;
};

/** UpdateKeyDescription. */
export const updateKeyDescription: Operation = (call) => {
  const description = call.input.string("Description", { max: 8192 });
  changeableKey(call, "UpdateKeyDescription").description = description;
  return undefined;
};

/** ScheduleKeyDeletion. The sandbox never deletes a key when its waiting period is over. */
export const scheduleKeyDeletion: Operation = (call) => {
  const days = call.input.optionalInteger("PendingWindowInDays", 7, 30) ?? 30;
  const key = changeableKey(call, "ScheduleKeyDeletion", {
    "kms:ScheduleKeyDeletionPendingWindowInDays": String(days),
  });
  const replicas = call.services.world.family(key).length > 1 && key.multiRegionKeyType !== "REPLICA";
  key.state = replicas ? "PendingReplicaDeletion" : "PendingDeletion";
  key.deletionDate = replicas ? undefined : call.now + days * DAY_MS;
  return {
    KeyId: key.arn,
    KeyState: key.state,
    PendingWindowInDays: days,
    ...(key.deletionDate === undefined ? {} : { DeletionDate: seconds(key.deletionDate) }),
  };
};

/** CancelKeyDeletion: the key is disabled afterwards. */
export const cancelKeyDeletion: Operation = (call) => {
  const key = changeableKey(call, "CancelKeyDeletion");
  key.state = "Disabled";
  key.deletionDate = undefined;
  return { KeyId: key.arn };
};
