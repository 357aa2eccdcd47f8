import type { AccountId, ActionName, KeyArn } from "../domain/ids.js";

/**
 * Observed use of keys, as CloudTrail tells it. Everything is plain data, so that a usage file holds the same.
 *
 * What stands here was seen; what does not stand here was not seen, which is not "not used": every conclusion needs
 * {@link UsageCoverage} beside it.
 */

/**
 * Who called. Sessions are not told apart: of an assumed role it is the role. Source: CloudTrail User Guide,
 * "CloudTrail userIdentity element".
 */
export type UsagePrincipal =
  | {
      readonly kind: "role";
      /** `arn:aws:iam::ACCOUNT:role/PATH/NAME`, from the session's issuer. */
      readonly arn: string;
      /** The unique id (`AROA…`), which a later role of the same name does not have. */
      readonly id?: string;
    }
  | { readonly kind: "user"; readonly arn: string; readonly id?: string }
  | { readonly kind: "root"; readonly account: AccountId }
  /** A session of GetFederationToken. `issuer`: the user (or root) that asked for it. */
  | { readonly kind: "federated-user"; readonly arn: string; readonly issuer?: string }
  /** A service that calls for itself, such as `logs.amazonaws.com`; `unknown` where CloudTrail hides which. */
  | { readonly kind: "service"; readonly name: string }
  /**
   * A caller of another account of whom the owner's trail tells only the account and a unique id (`AROA…`, `AIDA…`,
   * without the session), or not even that.
   */
  | { readonly kind: "foreign"; readonly account: AccountId; readonly id?: string }
  | {
      readonly kind: "identity-center-user";
      readonly account: AccountId;
      readonly userId?: string;
      readonly store?: string;
    }
  /** `type` as CloudTrail writes it: SAMLUser, WebIdentityUser, Directory, Unknown, or something newer. */
  | { readonly kind: "other"; readonly type: string; readonly id?: string };

/** Where the request came from, as a class: addresses are not kept. */
export type SourceNetwork =
  /** A VPC endpoint; the id is what `aws:SourceVpce` would have held. */
  | { readonly kind: "vpc-endpoint"; readonly id: string; readonly account?: AccountId }
  /** A service of AWS sent it (CloudTrail shows a service's name or "AWS Internal" in place of the address). */
  | { readonly kind: "aws" }
  | { readonly kind: "public-address" }
  | { readonly kind: "private-address" }
  | { readonly kind: "unknown" };

/** Which policy refused, as far as the error message says. */
export const DENYING_POLICIES = [
  "identity",
  "resource",
  "permissions-boundary",
  "session",
  "service-control",
  "resource-control",
  "vpc-endpoint",
  "unknown",
] as const;
export type DenyingPolicy = (typeof DENYING_POLICIES)[number];

/** How the call ended. */
export type UsageOutcome =
  | { readonly kind: "allowed" }
  | {
      readonly kind: "denied";
      /** The error code as it stands in the record, e.g. `AccessDenied`. */
      readonly code: string;
      /** `implicit`: nothing allowed it. `explicit`: a Deny. */
      readonly effect: "implicit" | "explicit" | "unknown";
      readonly policy: DenyingPolicy;
    }
  /**
   * It failed for another reason (a wrong ciphertext, a disabled key, throttling). Whether the caller was authorized is
   * not known: a plan must not take it for a denial, nor for proof of a need.
   */
  | { readonly kind: "failed"; readonly code: string };

/** All calls that agree in everything but the time. */
export interface UsageEntry {
  readonly principal: UsagePrincipal;
  /** The caller's account; undefined for services and where the record does not say. */
  readonly account?: AccountId;
  /**
   * The service that called with the principal's rights (forward access sessions; what `kms:ViaService` names), e.g.
   * `s3.amazonaws.com`. `unknown`: CloudTrail says that a service of AWS did, and not which.
   */
  readonly via?: string;
  /** The account of a product provider that acted with temporary delegated access (`invokedByDelegate`). */
  readonly delegate?: AccountId;
  /** The IAM action. ReEncrypt is kms:ReEncryptFrom at its source key and kms:ReEncryptTo at its destination. */
  readonly action: ActionName;
  /** The alias that the request named in place of the key (`kms:RequestAlias`). */
  readonly requestAlias?: string;
  /** The names in the encryption context, sorted. Values are never kept. */
  readonly contextKeys: readonly string[];
  /** True: there were more or longer names than keyward keeps, so `contextKeys` is not all of them. */
  readonly contextTruncated?: true;
  readonly sourceNetwork: SourceNetwork;
  readonly outcome: UsageOutcome;
  /** How often; an event that stands in several trails counts once. */
  readonly count: number;
  /** RFC 3339, UTC, to the second. */
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** What is known of the use of one key. */
export interface ObservedKeyUsage {
  readonly key: KeyArn;
  /** In a fixed order that does not depend on the order of the evidence. */
  readonly entries: readonly UsageEntry[];
  /** Calls that are not in `entries` because a limit was reached. */
  readonly omitted: number;
  readonly coverage: KeyCoverage;
}

/** One place where evidence came from. */
export type UsageSource =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "s3"; readonly uri: string }
  /** Management events of the last 90 days at most, one account and Region. */
  | {
      readonly kind: "lookup-events";
      readonly account?: AccountId;
      readonly region: string;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: "athena";
      readonly database: string;
      readonly table: string;
      readonly from?: string;
      readonly to?: string;
    };

/** Days in UTC, both included, `YYYY-MM-DD`. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** What the evidence holds of one account in one Region. */
export interface TrailCoverage {
  /** The account whose trail it is (`recipientAccountId`, or the name of the log file). */
  readonly account: AccountId;
  readonly region: string;
  /** Days of which there is any evidence: a log file, or an event. Sorted, without overlap. */
  readonly days: readonly DayRange[];
  /** Events of KMS. None at all on many days can mean that the trail leaves them out. */
  readonly kmsEvents: number;
  /**
   * Times at which somebody told a trail of this account and Region to leave out events of KMS
   * (`excludeManagementEventSources`, or an advanced event selector).
   */
  readonly kmsExcludedAt: readonly string[];
}

/** Something of the evidence that could not be used. */
export interface EvidenceGap {
  /** The file, object or call. */
  readonly where: string;
  readonly problem: /** It could not be opened or read to its end. */
    | "unreadable"
    /** It is no CloudTrail log, or holds records that are not JSON. */
    | "malformed"
    /** It ends too early; the records before that point were used. */
    | "truncated"
    /** A limit was reached (see `detail`); what came before was used. */
    | "too-large"
    /** A query or a call did not give all that was asked for. */
    | "incomplete";
  readonly detail: string;
  /** Records that were lost, where that is known. */
  readonly records?: number;
}

/** What the evidence covers, as a whole. */
export interface UsageCoverage {
  readonly sources: readonly UsageSource[];
  /** The first and the last time of any evidence; undefined: there is none. */
  readonly from?: string;
  readonly to?: string;
  readonly trails: readonly TrailCoverage[];
  /** At most {@link MAX_GAPS}; `gapCount` counts all of them. */
  readonly gaps: readonly EvidenceGap[];
  readonly gapCount: number;
  /** Log files (or objects, pages, result rows) that were read, with or without gaps. */
  readonly files: number;
  /** Records of all services, where they were seen at all. */
  readonly records: number;
  readonly kmsEvents: number;
  /** Calls of KMS in which no key could be made out (an unresolved alias, a denied request without resources). */
  readonly unattributed: number;
  /** Calls that a limit kept out: more keys, principals or contexts than keyward holds in memory. */
  readonly omitted: number;
  /** Events that were not compared for duplicates because there were too many of them. */
  readonly notDeduplicated: number;
}

/** How many gaps are told in detail. */
export const MAX_GAPS = 1000;

/** {@link UsageCoverage}, seen from one key. */
export interface KeyCoverage {
  /** The first and the last day of the whole evidence; undefined: there is none. */
  readonly span?: DayRange;
  /** Days within the span of which there is no evidence from the key's account and Region. */
  readonly missingDays: readonly DayRange[];
  /**
   * Sentences for people, each a reason why something could have been used and not been seen. Plain text of keyward's
   * own, but for names that come from records: print it through `inert`.
   */
  readonly caveats: readonly string[];
  /** True: nothing is known that would keep an event of this key within the span from being seen. */
  readonly complete: boolean;
}
