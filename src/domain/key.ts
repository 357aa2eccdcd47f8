import type { Grant } from "./grant.js";
import type { AccountId, KeyArn, OrganizationId } from "./ids.js";
import type { Fetched } from "./fetched.js";

/** KeyState of DescribeKey. Source: KMS Developer Guide, "Key states of AWS KMS keys". */
export const KEY_STATES = [
  "Enabled",
  "Disabled",
  "PendingDeletion",
  "PendingReplicaDeletion",
  "PendingImport",
  "Unavailable",
  "Creating",
  "Updating",
] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** KeyUsage of DescribeKey. */
export const KEY_USAGES = [
  "ENCRYPT_DECRYPT",
  "SIGN_VERIFY",
  "GENERATE_VERIFY_MAC",
  "KEY_AGREEMENT",
  "ENCAPSULATE_DECAPSULATE",
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/**
 * The facts about a key that access depends on. `undefined` means not known (never "no"): an analysis must then
 * consider every value.
 */
export interface KeyFacts {
  readonly arn: KeyArn;
  readonly partition: string;
  readonly region: string;
  readonly account: AccountId;
  readonly keyId: string;
  /** The organization of the key's account. `absent`: it is in none. */
  readonly organization: Fetched<{ readonly id: OrganizationId; readonly path?: string }>;
  readonly state?: KeyState;
  readonly spec?: string;
  readonly usage?: KeyUsage;
  readonly origin?: string;
  readonly multiRegion?: boolean;
  /** `PRIMARY` or `REPLICA`. */
  readonly multiRegionKeyType?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly aliases?: readonly string[];
}

/** A key as read: the facts, and the two documents that decide who can use it. */
export interface KeyRecord {
  readonly facts: KeyFacts;
  /** `AWS`: managed by AWS, cannot be changed by the customer. `undefined`: not known. */
  readonly manager: "CUSTOMER" | "AWS" | undefined;
  readonly description: string | undefined;
  /** The text of the key policy, byte for byte as AWS returned it. */
  readonly policy: Fetched<string>;
  readonly grants: Fetched<readonly Grant[]>;
  /** Texts of the resource control policies that bind the key's account. */
  readonly resourceControlPolicies: readonly string[];
  /** Where those policies are attached, as far as it is known; for findings to name. */
  readonly resourceControlPlaces?: readonly PolicyPlace[];
}

/** A policy of an organization at one place where it is attached. */
export interface PolicyPlace {
  readonly text: string;
  readonly id?: string;
  readonly name?: string;
  /** An account id, an organizational unit, a root or an organization. */
  readonly target: string;
}
