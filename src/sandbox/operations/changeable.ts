import type { Context } from "../../semantics/request.js";
import { ServiceError } from "../errors.js";
import { requireState } from "../key-state.js";
import type { SandboxKey } from "../world/key.js";
import { type Call, keyAction } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";

/** Finds the key of a request that takes no alias, and checks access and state. AWS managed keys cannot be changed. */
export function changeableKey(call: Call, operation: string, context: Context = {}): SandboxKey {
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction(operation), false);
  call.services.access.require(call.identity, keyAction(operation), key, call.now, { context });
  refuseAwsManaged(call, key, operation);
  requireState(key, keyAction(operation));
  return key;
}

/** What AWS answers to changes of a key that it manages. */
export function refuseAwsManaged(call: Call, key: SandboxKey, operation: string): void {
  if (key.manager === "CUSTOMER") return;
  throw new ServiceError(
    "AccessDeniedException",
    `User: ${call.identity.arn} is not authorized to perform: ${keyAction(operation)} on resource: ${key.arn} because no resource-based policy allows the ${keyAction(operation)} action`,
    400,
    "the key is managed by AWS",
  );
}
