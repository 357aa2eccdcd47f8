import type { AccountId, KeyArn, KeyArnParts } from "../../domain/ids.js";
import { keyArnParts } from "../../domain/ids.js";
import type { KeyState, KeyUsage } from "../../domain/key.js";
import type { RawPolicy, Unreadable } from "../../snapshot/lines.js";
import { Delayed } from "./delayed.js";
import type { GrantBook } from "./grants.js";

/** The last cryptographic operation, as GetKeyLastUsage tells it. */
export interface LastUse {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** A snapshot knows only when, not what. */
  readonly operation?: string;
  readonly requestId?: string;
}

/** Automatic rotation of a key's material. */
export interface Rotation {
  readonly enabled: boolean;
  readonly periodDays: number;
  /** When it was enabled; milliseconds since the epoch. */
  readonly since: number;
}

/** What a new key starts from. Times are milliseconds since the epoch. */
export interface KeySeed {
  readonly arn: KeyArn;
  readonly manager: "CUSTOMER" | "AWS";
  readonly state: KeyState;
  readonly spec: string;
  readonly usage: KeyUsage;
  readonly origin: string;
  readonly multiRegion: boolean;
  readonly multiRegionKeyType: string | undefined;
  readonly description: string;
  readonly createdAt: number;
  readonly deletionDate: number | undefined;
  readonly rotation: Rotation;
  readonly lastUse: LastUse | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly policy: RawPolicy;
  readonly grants: GrantBook;
  /** A snapshot that could not read the grants: ListGrants answers the same code, and nobody has a grant. */
  readonly grantsUnreadable: Unreadable | undefined;
}

/** One KMS key of the sandbox. Operations change it in place. */
export class SandboxKey {
  readonly arn: KeyArn;
  readonly parts: KeyArnParts;
  readonly manager: "CUSTOMER" | "AWS";
  readonly spec: string;
  readonly usage: KeyUsage;
  readonly origin: string;
  readonly multiRegion: boolean;
  readonly multiRegionKeyType: string | undefined;
  readonly createdAt: number;
  readonly grants: GrantBook;
  readonly grantsUnreadable: Unreadable | undefined;
  /** Byte for byte as it was put. */
  readonly policy: Delayed<RawPolicy>;
  readonly tags: Map<string, string>;
  state: KeyState;
  description: string;
  /** Set while the key is pending deletion. The sandbox never deletes a key by itself. */
  deletionDate: number | undefined;
  rotation: Rotation;
  lastUse: LastUse | undefined;

  /** `keepMs`: how far back readers of the policy look. */
  constructor(seed: KeySeed, keepMs: number) {
    this.arn = seed.arn;
    this.parts = keyArnParts(seed.arn);
    this.manager = seed.manager;
    this.spec = seed.spec;
    this.usage = seed.usage;
    this.origin = seed.origin;
    this.multiRegion = seed.multiRegion;
    this.multiRegionKeyType = seed.multiRegionKeyType;
    this.createdAt = seed.createdAt;
    this.grants = seed.grants;
    this.grantsUnreadable = seed.grantsUnreadable;
    this.policy = new Delayed(seed.policy, keepMs);
    this.tags = new Map(Object.entries(seed.tags));
    this.state = seed.state;
    this.description = seed.description;
    this.deletionDate = seed.deletionDate;
    this.rotation = seed.rotation;
    this.lastUse = seed.lastUse;
  }

  get account(): AccountId {
    return this.parts.account;
  }

  get keyId(): string {
    return this.parts.keyId;
  }

  get region(): string {
    return this.parts.region;
  }

  /** Keys of one family share their key material: the Regions of a multi-Region key. */
  get family(): string {
    return this.multiRegion ? `${this.parts.partition}/${this.account}/${this.keyId}` : this.arn;
  }

  get symmetricEncryption(): boolean {
    return this.spec === "SYMMETRIC_DEFAULT";
  }
}

/**
 * The key policy that KMS gives a key that is made without one: it hands control to the IAM policies of the account.
 * Source: KMS Developer Guide, "Default key policy".
 */
export function defaultPolicy(account: string, partition: string): string {
  return JSON.stringify(
    {
      Version: "2012-10-17",
      Id: "key-default-1",
      Statement: [
        {
          Sid: "Enable IAM User Permissions",
          Effect: "Allow",
          Principal: { AWS: `arn:${partition}:iam::${account}:root` },
          Action: "kms:*",
          Resource: "*",
        },
      ],
    },
    undefined,
    2,
  );
}

/**
 * The text of the policy that decides access. Where the snapshot could not read it, the sandbox takes KMS's default
 * policy; where there is none, nobody has access.
 */
export function effectivePolicyText(key: SandboxKey): string {
  const policy = key.policy.current;
  switch (policy.kind) {
    case "present":
      return policy.text;
    case "unreadable":
      return defaultPolicy(key.account, key.parts.partition);
    case "absent":
      return '{"Version":"2012-10-17","Statement":[]}';
  }
}
