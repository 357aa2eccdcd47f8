import type { KeyFacts } from "../domain/key.js";
import { ACCOUNT_LEVEL_ACTIONS, suitsKey, worksInState, type ActionFacts } from "./actions.js";
import type { Caller, Source } from "./request.js";

/** A rule of KMS itself that refuses a request whatever the policies say. */
export interface KmsRefusal {
  readonly rule: Extract<Source, { readonly kind: "kms-rule" }>["rule"];
  /** Plain words. */
  readonly why: string;
}

/**
 * No permission on a key has this name. `kms:ReEncrypt`, for example, is an operation and no permission.
 * Source: Service Authorization Reference for KMS (checked 2026-09-26).
 */
export function unknownAction(action: string): KmsRefusal {
  const accountLevel = ACCOUNT_LEVEL_ACTIONS.some((name) => name.toLowerCase() === action.toLowerCase());
  const why = accountLevel
    ? `${action} is not an action on a key; only IAM policies of the caller's account decide it`
    : `${action} is not a permission of KMS that can be used on a key`;
  return { rule: "unknown-action", why };
}

/**
 * Most management operations are not callable on a key of another account. Services call on behalf of somebody and are
 * not bound by this.
 * Source: KMS API reference, "Cross-account use" of each operation (text of 2026).
 */
export function crossAccountRefusal(
  action: ActionFacts,
  caller: Caller,
  facts: KeyFacts,
): KmsRefusal | undefined {
  if (caller.kind === "service" || caller.account === facts.account || action.crossAccount) return undefined;
  return { rule: "cross-account", why: `${action.name} cannot be called on a key of another account` };
}

/**
 * A key can only do what its usage and spec are for.
 * Source: KMS API reference, CreateKey, KeyUsage and KeySpec (text of 2026).
 */
export function keyTypeRefusal(action: ActionFacts, facts: KeyFacts): KmsRefusal | undefined {
  if (suitsKey(action, facts.usage, facts.spec)) return undefined;
  const kind = [facts.usage, facts.spec].filter((part) => part !== undefined).join(", ");
  return { rule: "key-type", why: `a key of this type (${kind}) cannot do ${action.name}` };
}

/**
 * The state of the key forbids the operation: KMS answers DisabledException or KMSInvalidStateException.
 * Source: KMS Developer Guide, "Key states of AWS KMS keys" (text of June 2023).
 */
export function keyStateRefusal(action: ActionFacts, facts: KeyFacts): KmsRefusal | undefined {
  if (worksInState(action, facts.state)) return undefined;
  return {
    rule: "key-state",
    why: `${action.name} fails while the key is ${facts.state ?? "in this state"}`,
  };
}
