import type { Grant } from "../domain/grant.js";

/** One line of a snapshot, as it stands in the file (design: newline-delimited JSON, `type` first). */
export type SnapshotLine =
  | SnapshotHeader
  | OrganizationLine
  | KeyLine
  | ResourceControlPolicyLine
  | ServiceControlPolicyLine
  | AccountLine
  | IdentityLine
  | IncompleteLine
  | RegionLine
  | CoverageLine;

export const SNAPSHOT_SCHEMA = "keyward.snapshot/1";

export interface SnapshotHeader {
  readonly type: "snapshot";
  readonly schema: typeof SNAPSHOT_SCHEMA;
  readonly createdAt: string;
  readonly tool: string;
  /**
   * What the writer promises as its last line. A reader that meets the end of the file without it knows that the
   * snapshot is a torso, even if it was cut exactly between two lines, and reports it as incomplete.
   */
  readonly ends?: "coverage";
  /**
   * The writer promises that every line about more than one key comes before the first key, so that a reader need not look
   * for one behind it. A line that breaks it is told.
   */
  readonly order?: "context-first";
  /** Details that the scan was asked for beside the usual ones; decides what a resumed scan need not ask again. */
  readonly details?: readonly string[];
}

export interface OrganizationLine {
  readonly type: "organization";
  readonly id: string;
  readonly managementAccountId?: string;
  readonly accounts?: readonly {
    readonly id: string;
    readonly name?: string;
    /** `o-…/r-…/ou-…/`: the organization path of the account. */
    readonly path?: string;
    /** As Organizations tells it: `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, … */
    readonly status?: string;
    readonly tags?: Readonly<Record<string, string>>;
  }[];
  /** Not all accounts of the organization could be listed: one that is not here may be a member as well. */
  readonly partial?: true;
  /** Organizational units, those without accounts too. Without it, only those on the paths of accounts are known. */
  readonly units?: readonly {
    readonly id: string;
    readonly name?: string;
    /** `o-…/r-…/ou-…/`: the path down to the unit, the unit included. */
    readonly path: string;
  }[];
  /** Policy types that are enabled, e.g. `SERVICE_CONTROL_POLICY`. */
  readonly policyTypes?: readonly string[];
  /** Accounts that may read the organization beside the management account. */
  readonly delegatedAdministrators?: readonly string[];
}

/** Only `type`, `arn` and `policy` are required; what is missing is unknown, not a default. */
export interface KeyLine {
  readonly type: "key";
  readonly arn: string;
  readonly manager?: "CUSTOMER" | "AWS";
  readonly state?: string;
  readonly spec?: string;
  readonly usage?: string;
  readonly origin?: string;
  readonly multiRegion?: boolean;
  readonly multiRegionKeyType?: string;
  /** ARNs of the other keys of a multi-Region family, as DescribeKey lists them, in order. */
  readonly relatedKeys?: readonly string[];
  readonly description?: string;
  readonly createdAt?: string;
  readonly deletionDate?: string;
  readonly rotationEnabled?: boolean;
  /** RFC 3339. */
  readonly lastUsedAt?: string;
  /** RFC 3339: since when AWS keeps track. With it and without `lastUsedAt`, the key was not used since then. */
  readonly usageTrackedSince?: string;
  readonly aliases?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly policy: RawPolicy;
  readonly grants?: RawGrants;
}

export type RawPolicy =
  | { readonly kind: "present"; readonly text: string }
  | { readonly kind: "absent" }
  | Unreadable;

export type RawGrants =
  | { readonly kind: "present"; readonly items: readonly Grant[] }
  | { readonly kind: "absent" }
  | UnreadableGrants;

/** `items`: those that were read before reading failed. They are grants of the key, but not all of them. */
export interface UnreadableGrants extends Unreadable {
  readonly items?: readonly Grant[];
}

export interface Unreadable {
  readonly kind: "unreadable";
  readonly code: string;
  readonly message?: string;
}

/** `target`: an account id, an organizational unit, a root or an organization. */
export interface ResourceControlPolicyLine {
  readonly type: "resource-control-policy";
  readonly target: string;
  readonly text: string;
  readonly id?: string;
  readonly name?: string;
}

/**
 * A service control policy, once for each place where it is attached. `target`: an account id, an organizational unit
 * or a root. AWS's own `FullAWSAccess` has lines like any other: a level of the tree where no attached policy allows an
 * action is closed for it.
 */
export interface ServiceControlPolicyLine {
  readonly type: "service-control-policy";
  readonly target: string;
  readonly text: string;
  readonly id?: string;
  readonly name?: string;
}

/** Facts about one account that are not about a key. What is missing is unknown. */
export interface AccountLine {
  readonly type: "account";
  readonly id: string;
  /** The alias of the account's sign-in page; null: it has none. */
  readonly alias?: string | null;
  /**
   * Whether the identity lines of this account are all there are. Missing: nobody asked. `present`: every user, role,
   * group, local managed policy, and every managed policy of AWS that is attached in the account, has a line.
   */
  readonly iam?: { readonly kind: "present" } | Unreadable;
  /**
   * The organization of the account, as organizations:DescribeOrganization told the account itself. `absent`: it is in
   * none. Missing: nobody asked, because an `organization` line tells it or the scan did not want to know.
   */
  readonly organization?: OwnOrganization | { readonly kind: "absent" } | Unreadable;
  /** Regions by opt-in status, as `ec2:DescribeRegions` and `account:ListRegions` tell it. */
  readonly regions?: readonly {
    readonly region: string;
    readonly status: "opt-in-not-required" | "opted-in" | "not-opted-in";
  }[];
}

/** The organization that an account says it is in. */
export interface OwnOrganization {
  readonly kind: "present";
  readonly id: string;
  readonly managementAccountId?: string;
  /** `ALL`, or `CONSOLIDATED_BILLING`: an organization without service and resource control policies. */
  readonly featureSet?: string;
}

/** One entity of IAM. */
export type IdentityLine = UserLine | RoleLine | GroupLine | ManagedPolicyLine;

/** What users, roles and groups have in common. What is missing is unknown, not empty. */
interface Entity {
  readonly arn: string;
  /** Unique id: `AIDA…`, `AROA…`, `AGPA…`. */
  readonly id?: string;
  readonly createdAt?: string;
  readonly inlinePolicies?: readonly NamedPolicy[];
  /** ARNs of managed policies; their texts stand in `managed-policy` lines. */
  readonly attachedPolicies?: readonly string[];
}

export interface NamedPolicy {
  readonly name: string;
  readonly text: string;
}

export interface UserLine extends Entity {
  readonly type: "user";
  /** Names of groups of the same account. */
  readonly groups?: readonly string[];
  /** ARN of the managed policy that is the permissions boundary; null: there is none. */
  readonly boundary?: string | null;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface RoleLine extends Entity {
  readonly type: "role";
  readonly description?: string;
  readonly trustPolicy?: RawPolicy;
  /** ARN of the managed policy that is the permissions boundary; null: there is none. */
  readonly boundary?: string | null;
  readonly tags?: Readonly<Record<string, string>>;
  /** Longest session, in seconds. */
  readonly maxSessionDuration?: number;
  readonly lastUsedAt?: string;
}

export interface GroupLine extends Entity {
  readonly type: "group";
}

/** The default version of a managed policy. Policies of AWS (`arn:aws:iam::aws:policy/…`) have one line in a snapshot. */
export interface ManagedPolicyLine {
  readonly type: "managed-policy";
  readonly arn: string;
  readonly text: string;
  /** Unique id: `ANPA…`. */
  readonly id?: string;
  /** The default version, e.g. `v3`. */
  readonly version?: string;
}

/** Something that was asked for and could not be had. */
export interface IncompleteLine {
  readonly type: "incomplete";
  /** ARN, or `ACCOUNT/REGION` (`REGION` where the account is not known), or a file. */
  readonly where: string;
  readonly call: string;
  readonly code: string;
  readonly message?: string;
  /** What the user can do about it: one sentence. */
  readonly help?: string;
}

/**
 * A Region that is done, written at once. It is of use only in what a killed scan leaves, which has no coverage line: a
 * resumed scan does not ask the Region again.
 */
export interface RegionLine extends RegionCoverage {
  readonly type: "region";
}

/** What a scan looked at: its last line, written even when the scan was interrupted. */
export interface CoverageLine {
  readonly type: "coverage";
  /** Account that was scanned; undefined where neither STS nor a key named it. */
  readonly accountId?: string;
  readonly partition: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** True: somebody stopped the scan. What was not seen stands in `incomplete` lines. */
  readonly interrupted: boolean;
  /** Where the list of Regions came from. `built-in`: neither call was permitted, so keyward's own list was used. */
  readonly regionsFrom: "command-line" | "ec2:DescribeRegions" | "account:ListRegions" | "built-in";
  readonly regions: readonly RegionCoverage[];
  /** The accounts of a scan of several; a scan of the credentials' own account has none. */
  readonly accounts?: readonly AccountCoverage[];
  /** How many accounts the organization has, where units or tags have chosen some of them. */
  readonly chosenFrom?: number;
  /**
   * Details that could not be read, by call and error code. They are unknown in the key lines. A verdict needs none of
   * them (that would be an `incomplete` line), but it can be less exact without them.
   */
  readonly missingDetails: readonly MissingDetail[];
  /** Calls made to AWS, each counted once however often it was retried. */
  readonly calls: number;
}

export interface MissingDetail {
  readonly call: string;
  readonly code: string;
  /** How often. */
  readonly count: number;
  /** What is not known without it: one sentence. */
  readonly effect: string;
}

export interface AccountCoverage {
  readonly id: string;
  readonly name?: string;
  /** `not-scanned`: nothing of it was read; an `incomplete` line says why. `incomplete`: see those lines. */
  readonly status: "scanned" | "incomplete" | "not-scanned";
  /** ARN of the role that was assumed; `own`: the scan's own credentials. */
  readonly through?: string;
  readonly regionsFrom?: CoverageLine["regionsFrom"];
}

export interface RegionCoverage {
  /** Twelve digits; not there in a scan of the credentials' own account. */
  readonly account?: string;
  readonly region: string;
  /**
   * `scanned`: every key was listed and read. `incomplete`: the listing or a key failed, see the `incomplete` lines.
   * `not-enabled`: the account has not enabled the Region, so keys that may be there cannot be read. `not-seen`: the scan ended before it.
   */
  readonly status: "scanned" | "incomplete" | "not-enabled" | "not-seen";
  /** Keys that the listing named. */
  readonly listed: number;
  /** Key lines written. */
  readonly written: number;
  /** Keys that AWS manages (`aws/ebs` and the like): nobody can change their policies, so they are not written. */
  readonly awsManaged: number;
  /** Keys that were gone when their policy was asked for. */
  readonly deleted: number;
  /** Details that could not be read here, see {@link CoverageLine.missingDetails}. */
  readonly missing?: readonly { readonly call: string; readonly code: string; readonly count: number }[];
}
