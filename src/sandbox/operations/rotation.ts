import { ServiceError } from "../errors.js";
import type { SandboxKey } from "../world/key.js";
import { DEFAULT_ROTATION_DAYS } from "../world/load.js";
import { changeableKey } from "./changeable.js";
import { type Operation, keyAction, seconds } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";

const DAY_MS = 86_400_000;

/** GetKeyRotationStatus. */
export const getKeyRotationStatus: Operation = (call) => {
  const { key } = resolveKey(
    call,
    call.input.string("KeyId", KEY_ID),
    keyAction("GetKeyRotationStatus"),
    false,
  );
  call.services.access.require(call.identity, keyAction("GetKeyRotationStatus"), key, call.now);
  requireRotatable(key);
  const { enabled, periodDays, since } = key.rotation;
  const next =
    since + Math.max(1, Math.ceil((call.now - since) / (periodDays * DAY_MS))) * periodDays * DAY_MS;
  return {
    KeyId: key.arn,
    KeyRotationEnabled: enabled,
    ...(enabled ? { RotationPeriodInDays: periodDays, NextRotationDate: seconds(next) } : {}),
  };
};

/** EnableKeyRotation. */
export const enableKeyRotation: Operation = (call) => {
  const days = call.input.optionalInteger("RotationPeriodInDays", 90, 2560);
  const key = changeableKey(
    call,
    "EnableKeyRotation",
    days === undefined ? {} : { "kms:RotationPeriodInDays": String(days) },
  );
  requireRotatable(key);
  key.rotation = { enabled: true, periodDays: days ?? DEFAULT_ROTATION_DAYS, since: call.now };
  return undefined;
};

/** DisableKeyRotation. */
export const disableKeyRotation: Operation = (call) => {
  const key = changeableKey(call, "DisableKeyRotation");
  requireRotatable(key);
  key.rotation = { ...key.rotation, enabled: false };
  return undefined;
};

/** Only symmetric encryption keys with material of KMS rotate. Source: KMS Developer Guide, "Rotating AWS KMS keys". */
function requireRotatable(key: SandboxKey): void {
  if (key.symmetricEncryption && key.origin === "AWS_KMS") return;
  throw new ServiceError(
    "UnsupportedOperationException",
    key.symmetricEncryption
      ? `${key.arn} origin is ${key.origin} which is not valid for this operation.`
      : `${key.arn} key spec is ${key.spec} which is not valid for this operation.`,
  );
}

/** GetKeyLastUsage: the last successful cryptographic operation. A key that was never used has an empty answer. */
export const getKeyLastUsage: Operation = (call) => {
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("GetKeyLastUsage"), false);
  call.services.access.require(call.identity, keyAction("GetKeyLastUsage"), key, call.now);
  const use = key.lastUse;
  return {
    KeyId: key.keyId,
    KeyLastUsage:
      use === undefined
        ? {}
        : {
            Timestamp: seconds(use.at),
            ...(use.operation === undefined ? {} : { Operation: use.operation }),
            ...(use.requestId === undefined
              ? {}
              : { KmsRequestId: use.requestId, CloudTrailEventId: use.requestId }),
          },
    TrackingStartDate: seconds(key.createdAt),
    KeyCreationDate: seconds(key.createdAt),
  };
};
