import type { Grant } from "../domain/grant.js";
import type { Result } from "../domain/result.js";
import type { GroupLine, ManagedPolicyLine, RoleLine, UserLine } from "../snapshot/lines.js";

/**
 * What a scan needs from AWS. `src/aws` implements it; tests implement it in memory. Nothing here throws for what AWS
 * answers: a refusal is a value. Every call ends soon after its signal is aborted.
 */

/** What kind of refusal it was; decides what the scan does next. */
export type FailureKind =
  /** The caller lacks a permission. */
  | "denied"
  /** The key is not there (any more). */
  | "not-found"
  /** Still throttled after all retries. */
  | "throttled"
  /** The credentials are expired or not valid at all: nothing else will work. */
  | "credentials"
  /** The Region does not know the credentials, as one that the account has not enabled. */
  | "region-refused"
  /** No answer: name resolution, connection, timeout. */
  | "unreachable"
  /** The scan was stopped. */
  | "stopped"
  | "other";

/** A call that failed after its retries. */
export interface CallFailure {
  readonly kind: FailureKind;
  /** The IAM action, e.g. `kms:GetKeyPolicy`. */
  readonly call: string;
  /** AWS's error code, or the name of a network failure. */
  readonly code: string;
  readonly message: string;
  /** What the user can do: one sentence. */
  readonly help?: string;
}

/** The outcome of a call. */
export type Asked<T> = Result<T, CallFailure>;

/** One page of a list. `next` undefined: the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

export interface Identity {
  readonly account: string;
  readonly partition: string;
}

/** A Region as an account sees it. */
export interface AccountRegion {
  readonly name: string;
  readonly enabled: boolean;
}

export interface ListedKey {
  readonly id: string;
  readonly arn: string;
}

export interface ListedAlias {
  readonly name: string;
  /** Undefined for an alias that AWS reserves and that has no key yet. */
  readonly keyId: string | undefined;
}

/** KeyMetadata of DescribeKey; times as RFC 3339. What is undefined, AWS did not say. */
export interface KeyDescription {
  readonly manager: "CUSTOMER" | "AWS" | undefined;
  readonly state: string | undefined;
  readonly spec: string | undefined;
  readonly usage: string | undefined;
  readonly origin: string | undefined;
  readonly multiRegion: boolean | undefined;
  readonly multiRegionKeyType: string | undefined;
  /** ARNs of the other keys of a multi-Region family, in order. */
  readonly relatedKeys: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly createdAt: string | undefined;
  readonly deletionDate: string | undefined;
}

/** KMS in one Region. Keys are named by their id. */
export interface KmsPort {
  listKeys(marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<ListedKey>>>;
  listAliases(marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<ListedAlias>>>;
  describeKey(key: string, signal: AbortSignal): Promise<Asked<KeyDescription>>;
  /** Undefined: the answer held no policy. */
  getKeyPolicy(key: string, signal: AbortSignal): Promise<Asked<string | undefined>>;
  listGrants(key: string, marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<Grant>>>;
  listResourceTags(
    key: string,
    marker: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<readonly [name: string, value: string]>>>;
  /** kms:GetKeyRotationStatus. Undefined: the answer did not say. */
  rotationEnabled(key: string, signal: AbortSignal): Promise<Asked<boolean | undefined>>;
  /** kms:GetKeyLastUsage. */
  lastUsage(key: string, signal: AbortSignal): Promise<Asked<KeyUsage>>;
}

/** When a key was last used, as far as AWS keeps track; times as RFC 3339. */
export interface KeyUsage {
  /** Undefined: not since `trackedSince`. */
  readonly at: string | undefined;
  readonly trackedSince: string | undefined;
}

/** An account in AWS. */
export interface CloudPort {
  /** The Region that the credentials or the environment name; decides the partition where nothing else does. */
  readonly homeRegion: string;
  /** sts:GetCallerIdentity. */
  identity(signal: AbortSignal): Promise<Asked<Identity>>;
  /** ec2:DescribeRegions. */
  describeRegions(signal: AbortSignal): Promise<Asked<readonly AccountRegion[]>>;
  /** account:ListRegions. */
  listRegions(signal: AbortSignal): Promise<Asked<readonly AccountRegion[]>>;
  kms(region: string): KmsPort;
  /** IAM of the account; undefined: there is none to ask. */
  iam?(): Promise<IamPort>;
  /** Organizations as the account itself sees it, whether or not it may read all of it; undefined: there is none to ask. */
  organization?(): Promise<Pick<OrganizationPort, "describe">>;
  /** The Region will not be asked any more. */
  done?(region: string): void;
}

/** Other accounts, reached by assuming a role in each. */
export interface AccountsPort {
  /**
   * Assumes the role in an account. The port keeps its credentials fresh. Without `role` in the scan's options, the
   * account is asked with the scan's own credentials.
   */
  assume(account: string, partition: string, signal: AbortSignal): Promise<Asked<AssumedAccount>>;
}

/** An account as it is reached. */
export interface AssumedAccount {
  readonly cloud: CloudPort;
  /** ARN of the role. */
  readonly role: string;
}

/** An account as Organizations lists it. */
export interface ListedAccount {
  readonly id: string;
  readonly name: string | undefined;
  /** `ACTIVE`, `SUSPENDED`, … */
  readonly status: string | undefined;
}

export interface ListedUnit {
  readonly id: string;
  readonly name: string | undefined;
}

/** The two kinds of policies that bear on keys. */
export type OrganizationPolicyType = "RESOURCE_CONTROL_POLICY" | "SERVICE_CONTROL_POLICY";

export interface ListedRoot {
  readonly id: string;
  /** As the root's ARN names it: the organization, and its management account. */
  readonly organization?: { readonly id: string; readonly managementAccountId: string } | undefined;
  /** Policy types that are enabled. */
  readonly policyTypes: readonly string[];
}

/** Organization of DescribeOrganization. What is undefined, AWS did not say. */
export interface DescribedOrganization {
  readonly id: string;
  readonly managementAccountId: string | undefined;
  /** `ALL` or `CONSOLIDATED_BILLING`. */
  readonly featureSet?: string | undefined;
}

/** AWS Organizations, asked from the management account or a delegated administrator. */
export interface OrganizationPort {
  describe(signal: AbortSignal): Promise<Asked<DescribedOrganization>>;
  accounts(marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<ListedAccount>>>;
  roots(marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<ListedRoot>>>;
  unitsOf(parent: string, marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<ListedUnit>>>;
  accountsOf(
    parent: string,
    marker: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<ListedAccount>>>;
  tagsOf(
    resource: string,
    marker: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<readonly [name: string, value: string]>>>;
  policies(
    type: OrganizationPolicyType,
    marker: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<{ readonly id: string; readonly name: string | undefined }>>>;
  policyText(id: string, signal: AbortSignal): Promise<Asked<string>>;
  targetsOf(policy: string, marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<string>>>;
}

/** A user, role, group or managed policy, as a snapshot has it. */
export type IamEntity = UserLine | RoleLine | GroupLine | ManagedPolicyLine;

/** IAM of one account. */
export interface IamPort {
  /** iam:GetAccountAuthorizationDetails. Texts of policies are plain JSON, not URL-encoded. */
  authorizationDetails(marker: string | undefined, signal: AbortSignal): Promise<Asked<Page<IamEntity>>>;
}
