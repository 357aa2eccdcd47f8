import type { AccountId, OrganizationId } from "./ids.js";

/**
 * The zone of trust: everybody who is meant to be able to use keys. The account that owns a key is always in the zone
 * of that key. An account that belongs to a trusted organization is in the zone.
 */
export interface Zone {
  readonly organizations: readonly OrganizationId[];
  readonly accounts: readonly AccountId[];
  /** ARNs of users, roles and sessions that are trusted although their account is not. */
  readonly principals: readonly string[];
  /** Service principals (e.g. `logs.us-east-1.amazonaws.com`) that are allowed without a source condition. */
  readonly services: readonly string[];
}

/** Nobody but the key's own account. */
export const EMPTY_ZONE: Zone = { organizations: [], accounts: [], principals: [], services: [] };
