import { ServiceError, notFound } from "../errors.js";
import { PAGE_LIMITS } from "../paging.js";
import { POLICY_TEXT, checkPolicy } from "../policy-check.js";
import { refuseAwsManaged } from "./changeable.js";
import { type Call, type Operation, keyAction } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";

const POLICY_NAME = { min: 1, max: 128, pattern: /^\w+$/ } as const;

function requireDefaultName(call: Call): void {
  const name = call.input.optionalString("PolicyName", POLICY_NAME) ?? "default";
  if (name !== "default") throw notFound("No such policy exists");
}

/**
 * GetKeyPolicy. Where the snapshot says that the policy could not be read, nobody can read it here either, until it is
 * put anew.
 */
export const getKeyPolicy: Operation = (call) => {
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("GetKeyPolicy"), false);
  call.services.access.require(call.identity, keyAction("GetKeyPolicy"), key, call.now);
  requireDefaultName(call);
  const policy = key.policy.at(call.now - call.staleMs);
  switch (policy.kind) {
    case "present":
      return { Policy: policy.text, PolicyName: "default" };
    case "absent":
      throw notFound("No such policy exists");
    case "unreadable":
      throw new ServiceError(
        policy.code,
        policy.message ?? `User: ${call.identity.arn} is not authorized to perform: kms:GetKeyPolicy`,
        400,
        "the snapshot could not read this policy",
      );
  }
};

/** ListKeyPolicies: the only name there is. */
export const listKeyPolicies: Operation = (call) => {
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), keyAction("ListKeyPolicies"), false);
  call.services.access.require(call.identity, keyAction("ListKeyPolicies"), key, call.now);
  const page = call.services.pager.page(
    call.input,
    PAGE_LIMITS.ListKeyPolicies,
    `ListKeyPolicies/${key.arn}`,
    ["default"],
    (name) => name,
  );
  return { PolicyNames: page.items, ...page.end };
};

/** PutKeyPolicy. */
export const putKeyPolicy: Operation = (call) => {
  const { input } = call;
  const text = input.string("Policy", POLICY_TEXT);
  const bypass = input.flag("BypassPolicyLockoutSafetyCheck");
  const { key } = resolveKey(call, input.string("KeyId", KEY_ID), keyAction("PutKeyPolicy"), false);
  call.services.access.require(call.identity, keyAction("PutKeyPolicy"), key, call.now, {
    context: input.has("BypassPolicyLockoutSafetyCheck")
      ? { "kms:BypassPolicyLockoutSafetyCheck": String(bypass) }
      : {},
  });
  refuseAwsManaged(call, key, "PutKeyPolicy");
  requireDefaultName(call);
  checkPolicy(call, key, text);
  key.policy.set({ kind: "present", text }, call.now);
  return undefined;
};
