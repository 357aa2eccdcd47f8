import type { KeyState } from "../domain/key.js";
import { ServiceError, invalidState } from "./errors.js";
import type { SandboxKey } from "./world/key.js";

/**
 * Which key states an operation works in. Operations that are not here work in every state.
 * Source: KMS Developer Guide, "Key states of AWS KMS keys", key state table.
 * - `use`: the key must be usable; a custom key store must be connected.
 * - `enabled`: like `use`, without the key store.
 * - `alive`: not pending deletion.
 * - `switch`: neither pending deletion nor pending import.
 * - `dying`: pending deletion.
 */
const NEEDS: Readonly<Record<string, "use" | "enabled" | "alive" | "switch" | "dying">> = {
  Encrypt: "use",
  Decrypt: "use",
  ReEncrypt: "use",
  GenerateDataKey: "use",
  GenerateDataKeyWithoutPlaintext: "use",
  GenerateMac: "use",
  VerifyMac: "use",
  Sign: "use",
  Verify: "use",
  GetPublicKey: "use",
  CreateGrant: "enabled",
  EnableKeyRotation: "enabled",
  DisableKeyRotation: "enabled",
  CreateAlias: "alive",
  UpdateAlias: "alive",
  TagResource: "alive",
  UntagResource: "alive",
  UpdateKeyDescription: "alive",
  ScheduleKeyDeletion: "alive",
  EnableKey: "switch",
  DisableKey: "switch",
  CancelKeyDeletion: "dying",
};

/**
 * Lets an operation pass whose key is in a state for it.
 * @throws ServiceError DisabledException or KMSInvalidStateException, in the words of the key state table.
 */
export function requireState(key: SandboxKey, operation: string): void {
  const need = NEEDS[operation];
  if (need === undefined) return;
  const dying = key.state === "PendingDeletion" || key.state === "PendingReplicaDeletion";
  if (need === "dying") {
    if (dying) return;
    throw invalidState(`${key.arn} is not pending deletion.`);
  }
  if (dying) throw invalidState(`${key.arn} is pending deletion.`);
  if (need === "alive") return;
  if (key.state === "PendingImport") throw invalidState(`${key.arn} is pending import.`);
  if (need === "switch") return;
  if (key.state === "Disabled") throw new ServiceError("DisabledException", `${key.arn} is disabled.`);
  if (key.state === "Creating") throw invalidState(`${key.arn} is creating.`);
  if (need === "use" && key.state === "Unavailable") throw invalidState(`${key.arn} is unavailable.`);
}

/** Whether DescribeKey shows the key as enabled. */
export function isEnabled(state: KeyState): boolean {
  return state === "Enabled" || state === "Updating";
}
