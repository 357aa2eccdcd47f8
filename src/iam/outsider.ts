import type { AccountId } from "../domain/ids.js";
import type { Zone } from "../domain/zone.js";
import type { Condition } from "../policy/ast.js";
import type { OrganizationOf } from "../trust/zone.js";
import type { TrustBook } from "./trust-policy.js";

/** Somebody outside the zone of trust whom the trust policy of a role lets assume it. */
export interface Outsider {
  readonly who:
    | { readonly kind: "anyone" }
    | { readonly kind: "account" | "organization"; readonly id: string }
    | { readonly kind: "principal"; readonly arn: string; readonly account: string }
    /** Any identity of a provider that serves more than this account, such as GitHub Actions; `*`: of any provider. */
    | { readonly kind: "identities"; readonly provider: string }
    /** Those who have not signed in, of an identity pool of Cognito. */
    | { readonly kind: "guests"; readonly provider: string }
    /** Holders of certificates that a trust anchor of IAM Roles Anywhere accepts. */
    | { readonly kind: "certificates"; readonly service: string }
    /** `AROA…` or `AIDA…`: a user or role, of which the id does not tell the account. */
    | { readonly kind: "unresolved"; readonly id: string };
  /** False: a condition decides that the outsider may or may not meet, or something was not understood. */
  readonly certain: boolean;
  /** The trust policy asks for an external id. That stops a confused deputy, not the outsider. */
  readonly externalId: boolean;
  /** Conditions that decide, as the policy says them. */
  readonly conditions: readonly Condition[];
  /** Position of the statement in the trust policy, from 0. */
  readonly statement: number;
}

/** What a trust policy says about outsiders. `unclear`: it was not read, or not all of it was understood. */
export interface TrustAnswer {
  readonly outsiders: readonly Outsider[];
  readonly unclear: boolean;
}

/** What decides who is an outsider. */
export interface TrustContext {
  readonly zone: Zone;
  readonly organizationOf: OrganizationOf;
  /** Texts of the resource control policies that bind the resources of an account. */
  readonly resourceControlOf?: (account: AccountId) => readonly string[];
  /** Reads trust policies; without it each is read whenever it is asked for. */
  readonly trusts?: TrustBook;
  /** The user or role that has a unique id, where the data has it. */
  readonly principalOf?: (uniqueId: string) => { readonly arn: string; readonly account: string } | undefined;
}
