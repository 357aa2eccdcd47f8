import type { Fetched } from "./fetched.js";
import type { AccountId } from "./ids.js";

/** A policy of a user or role, own or of a group. */
export interface IdentityDocument {
  readonly kind: "inline" | "managed";
  /** Inline: the policy's name. Managed: its ARN. Foreign text. */
  readonly name: string;
  /** Name of the group that it comes from; undefined: it is the principal's own. */
  readonly group?: string;
  readonly text: string;
}

/** A user or role with everything of IAM that decides what it may do. */
export interface IamPrincipal {
  readonly kind: "user" | "role";
  readonly arn: string;
  readonly partition: string;
  readonly account: AccountId;
  /** With its path, without the leading slash. */
  readonly name: string;
  /** `AIDA…` or `AROA…`. */
  readonly uniqueId?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly documents: readonly IdentityDocument[];
  /** Policies and groups that it has and that were not read. Not empty: it may be able to do more, or less. */
  readonly missing: readonly string[];
  /** The text of the permissions boundary. `absent`: it has none. */
  readonly boundary: Fetched<string>;
  /** The trust policy of a role; `absent` for users. */
  readonly trust: Fetched<string>;
}

/** What is known of the users and roles of an account. */
export interface AccountIam {
  /** `complete`: these are all. `unknown`: nobody asked, or only some lines are there. */
  readonly state:
    | { readonly kind: "complete" }
    | { readonly kind: "unreadable"; readonly code: string }
    | { readonly kind: "unknown" };
  readonly principals: readonly IamPrincipal[];
}

/**
 * Service control policies above an account, from the root down to the account itself: at each level one of the texts
 * must allow, and none of any level may deny.
 */
export type ServiceControl =
  | {
      readonly kind: "levels";
      readonly levels: readonly (readonly string[])[];
      /** What each level is: a root, a unit, the account itself. As many as there are levels. */
      readonly targets?: readonly string[];
    }
  /** The management account, an account outside any organization, or an organization that has not enabled them. */
  | { readonly kind: "none" }
  /**
   * `levels`: those that were read; each must allow all the same. `organization`: whose they are, where that is known.
   * `refused`: with which code AWS refused to say whether the account is in one.
   */
  | {
      readonly kind: "unknown";
      readonly levels?: readonly (readonly string[])[];
      readonly organization?: string;
      readonly refused?: string;
    };
