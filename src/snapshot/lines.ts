import type { Grant } from "../domain/grant.js";

/** One line of a snapshot, as it stands in the file (design: newline-delimited JSON, `type` first). */
export type SnapshotLine =
  | SnapshotHeader
  | OrganizationLine
  | KeyLine
  | ResourceControlPolicyLine
  | IncompleteLine
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
  }[];
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
  readonly description?: string;
  readonly createdAt?: string;
  readonly deletionDate?: string;
  readonly rotationEnabled?: boolean;
  readonly lastUsedAt?: string;
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
  | Unreadable;

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

export interface RegionCoverage {
  readonly region: string;
  /**
   * `scanned`: every key was listed and read. `incomplete`: the listing or a key failed, see the `incomplete` lines.
   * `not-enabled`: the account does not use the Region, so it can hold no keys. `not-seen`: the scan ended before it.
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
}
