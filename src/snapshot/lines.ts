import type { Grant } from "../domain/grant.js";

/** One line of a snapshot, as it stands in the file (design: newline-delimited JSON, `type` first). */
export type SnapshotLine =
  | SnapshotHeader
  | OrganizationLine
  | KeyLine
  | ResourceControlPolicyLine
  | IncompleteLine;

export const SNAPSHOT_SCHEMA = "keyward.snapshot/1";

export interface SnapshotHeader {
  readonly type: "snapshot";
  readonly schema: typeof SNAPSHOT_SCHEMA;
  readonly createdAt: string;
  readonly tool: string;
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
  /** ARN, or `ACCOUNT/REGION`, or a file. */
  readonly where: string;
  readonly call: string;
  readonly code: string;
  readonly message?: string;
}
