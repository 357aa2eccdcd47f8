import type { ActionName } from "../domain/ids.js";
import type { KeyState } from "../domain/key.js";
import { actionFacts, worksInState } from "../semantics/actions.js";
import { ServiceError, invalidState } from "./errors.js";
import type { SandboxKey } from "./world/key.js";

/** What KMS says of a key in a state that an operation does not work in. Source: key state table, notes. */
const OBSTACLES: Readonly<Record<KeyState, string>> = {
  Enabled: "is enabled.",
  Disabled: "is disabled.",
  PendingDeletion: "is pending deletion.",
  PendingReplicaDeletion: "is pending deletion.",
  PendingImport: "is pending import.",
  Unavailable: "is unavailable.",
  Creating: "is creating.",
  Updating: "is updating.",
};

/**
 * Lets an operation pass whose key is in a state for it; which states those are is the reference's knowledge.
 * Source of the wording: KMS Developer Guide, "Key states of AWS KMS keys", notes to the table.
 * @throws ServiceError DisabledException or KMSInvalidStateException.
 */
export function requireState(key: SandboxKey, action: ActionName): void {
  const facts = actionFacts(action);
  if (facts === undefined || worksInState(facts, key.state)) return;
  if (facts.states === "cancel-deletion") throw invalidState(`${key.arn} is not pending deletion.`);
  const message = `${key.arn} ${OBSTACLES[key.state]}`;
  throw key.state === "Disabled" ? new ServiceError("DisabledException", message) : invalidState(message);
}

/** Whether DescribeKey shows the key as enabled. */
export function isEnabled(state: KeyState): boolean {
  return state === "Enabled" || state === "Updating";
}
