import type { AccountId, ActionName } from "../domain/ids.js";
import type { Grant } from "../domain/grant.js";
import type { KeyFacts } from "../domain/key.js";
import type { Certainty, Doubt } from "../domain/verdict.js";
import type { Policy } from "../policy/ast.js";

/** Who makes a request. Names of users and roles include their path, without the leading slash. */
export type Caller =
  | { readonly kind: "root"; readonly account: AccountId; readonly partition: string }
  | {
      readonly kind: "user";
      readonly account: AccountId;
      readonly partition: string;
      readonly name: string;
      /** `AIDA…` */
      readonly uniqueId?: string;
    }
  | {
      readonly kind: "session";
      readonly account: AccountId;
      readonly partition: string;
      /** The role, with its path. */
      readonly role: string;
      /**
       * The role is known by its bare name only, as in a session ARN. Role names are unique in an account, so every
       * ARN of a role with this name means this role.
       */
      readonly rolePathUnknown?: true;
      readonly session: string;
      /** Whoever assumes the role can give the session any name; `session` is one of them. */
      readonly sessionChosen?: true;
      /** `AROA…` of the role. */
      readonly uniqueId?: string;
    }
  | {
      readonly kind: "federated-user";
      readonly account: AccountId;
      readonly partition: string;
      readonly name: string;
      /** The IAM user, with its path, who called GetFederationToken. Undefined: not known. */
      readonly user?: string;
    }
  /** An AWS service that calls with its own service principal (not with a user's credentials). */
  | { readonly kind: "service"; readonly name: string };

/**
 * Condition keys of one request: canonical or any other case, one value or (multivalued keys) a list. A key that is
 * not here is absent, unless `deriveContext` fills it from the caller and the key. An empty list says that the key is
 * absent, also where it would be derived.
 */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** What the policies on the caller's side say, where keyward was not given the policies themselves. */
export type IdentitySide =
  /** The caller's identity policies allow (and do not deny) the action on the key. */
  | { readonly kind: "allow" }
  /** They say nothing about it. */
  | { readonly kind: "none" }
  /** They deny it. */
  | { readonly kind: "deny" }
  | { readonly kind: "policies"; readonly policies: readonly Policy[] };

/** A permissions boundary or session policy of the caller. */
export type Limit =
  | { readonly kind: "absent" }
  /** There is one, and it allows the action on the key. */
  | { readonly kind: "allow" }
  /** There is one, and it does not mention the action. */
  | { readonly kind: "implicit-deny" }
  | { readonly kind: "policy"; readonly policy: Policy };

/** One concrete request to KMS. */
export interface AccessRequest {
  readonly caller: Caller;
  readonly action: ActionName;
  /** Keys beside those that follow from caller and key; they win over derived ones. */
  readonly context: Context;
  readonly encryptionContext?: Readonly<Record<string, string>>;
  /** Seconds since the epoch; fills aws:CurrentTime and aws:EpochTime. */
  readonly time: number;
  readonly identity: IdentitySide;
  readonly boundary: Limit;
  readonly sessionPolicy: Limit;
  /** Service control policies of the caller's account, all of which must allow. Empty: none apply. */
  readonly serviceControlPolicies: readonly Policy[];
  /** RetireGrant only: the grant that is retired. Undefined: any grant of the key. */
  readonly grantId?: string;
}

/** The key's side of a request. */
export interface KeyDocument {
  readonly facts: KeyFacts;
  readonly policy: Policy;
  readonly grants: readonly Grant[];
  /** The grants could not be read: whatever a grant can allow, one may. */
  readonly grantsUnread?: true;
  /** Resource control policies that bind the key's account. */
  readonly resourceControlPolicies: readonly Policy[];
  /** Indexes of statements of the key policy that were not understood: they match at most doubtfully. */
  readonly doubtfulStatements?: ReadonlySet<number>;
  /** Indexes of statements that KMS would refuse to store: they match at most doubtfully. */
  readonly refusedStatements?: ReadonlySet<number>;
}

/** The part of a key's documents that an answer rests on. */
export type Source =
  | { readonly kind: "statement"; readonly index: number; readonly sid: string | undefined }
  | { readonly kind: "grant"; readonly grantId: string }
  | { readonly kind: "resource-control-policy"; readonly policy: number; readonly statement: number }
  | { readonly kind: "identity" | "boundary" | "session-policy" | "service-control-policy" }
  | {
      readonly kind: "kms-rule";
      readonly rule: "cross-account" | "key-state" | "key-type" | "unknown-action";
    };

/** One step of an evaluation, in the order in which it was taken. */
export interface TraceStep {
  readonly rule: string;
  readonly source?: Source;
  readonly outcome: "match" | "no-match" | "doubtful" | "allow" | "deny" | "info";
  readonly text: string;
}

/**
 * The answer to one request. `unknown` means: depends on how AWS decides a rule that is documented badly, or on
 * something that keyward did not understand; `doubts` names it.
 */
export interface Decision {
  readonly outcome: "allow" | "deny" | "unknown";
  /** `explicit-deny`, `implicit-deny` or a KMS rule; for `allow` the way in. */
  readonly reason: string;
  readonly sources: readonly Source[];
  readonly doubts: readonly Doubt[];
  readonly certainty: Certainty;
  readonly trace: readonly TraceStep[];
}
