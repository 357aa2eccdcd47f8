import type { AccountId, ActionName } from "../../domain/ids.js";
import { actionFacts } from "../../semantics/actions.js";
import type { Access } from "../access.js";
import { requireAccountLevel } from "../account-access.js";
import type { Cipher } from "../ciphertext.js";
import type { Identity } from "../identity.js";
import type { Input } from "../input.js";
import type { Pager } from "../paging.js";
import type { GrantTokens } from "../world/grant-tokens.js";
import type { World } from "../world/world.js";

/** What every operation works on. */
export interface Services {
  readonly world: World;
  readonly access: Access;
  readonly pager: Pager;
  readonly cipher: Cipher;
  readonly grantTokens: GrantTokens;
  /** ARNs of the users and roles that exist; undefined: every one does. */
  readonly principals: ReadonlySet<string> | undefined;
  /** How far back readers of policies and grants can look, in milliseconds. */
  readonly keepMs: number;
}

/** One request to KMS, after its signature was read. */
export interface Call {
  readonly services: Services;
  readonly identity: Identity;
  readonly region: string;
  readonly input: Input;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly requestId: string;
  /** How long GetKeyPolicy and ListGrants show the former state, in milliseconds. */
  readonly staleMs: number;
}

/** A JSON value of a response. Bytes are base64 text, times are seconds since the epoch, as the protocol has them. */
export type Json = string | number | boolean | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** Does one KMS operation. Undefined: the response has no body. Throws ServiceError to refuse. */
export type Operation = (call: Call) => JsonObject | undefined;

/** A time as JSON 1.1 has it. */
export function seconds(ms: number): number {
  return ms / 1000;
}

/** The permission on a key that an operation needs: mostly its own name. */
export function keyAction(operation: string): ActionName {
  const facts = actionFacts(`kms:${operation}`);
  if (facts === undefined) throw new Error(`kms:${operation} is no action on a key`);
  return facts.name;
}

/**
 * Asks for a permission that no key decides about, and returns the caller's account.
 * @throws ServiceError AccessDeniedException.
 */
export function accountLevel(call: Call, operation: string, resource = "*"): AccountId {
  return requireAccountLevel(call.services.access, call.identity, {
    action: `kms:${operation}`,
    resource,
    now: call.now,
    region: call.region,
  });
}
