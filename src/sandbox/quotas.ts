import { ServiceError } from "./errors.js";

/**
 * Requests a second that one account may make in one Region. AWS keeps a bucket for each operation, and one that the
 * symmetric cryptographic operations share. Source: KMS Developer Guide, "Request quotas" (semantics.md, section 6).
 */
const REQUESTS_PER_SECOND: Readonly<Record<string, number>> = {
  ListKeys: 500,
  ListAliases: 500,
  DescribeKey: 2000,
  GetKeyPolicy: 1000,
  ListGrants: 100,
  ListRetirableGrants: 100,
  ListKeyPolicies: 100,
  ListResourceTags: 2000,
  GetKeyRotationStatus: 1000,
  GetPublicKey: 2000,
  GetKeyLastUsage: 5,
  PutKeyPolicy: 15,
  CreateGrant: 50,
  RetireGrant: 50,
  RevokeGrant: 50,
  CreateKey: 5,
  CreateAlias: 5,
  UpdateAlias: 5,
  DeleteAlias: 15,
  EnableKey: 5,
  DisableKey: 5,
  EnableKeyRotation: 15,
  DisableKeyRotation: 5,
  ScheduleKeyDeletion: 15,
  CancelKeyDeletion: 5,
  TagResource: 10,
  UntagResource: 5,
  UpdateKeyDescription: 5,
};

const CRYPTOGRAPHIC: ReadonlySet<string> = new Set([
  "Encrypt",
  "Decrypt",
  "ReEncrypt",
  "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext",
  "GenerateMac",
  "VerifyMac",
]);

const BIG_CRYPTO = new Set(["us-east-1", "us-west-2", "eu-west-1"]);
const MEDIUM_CRYPTO = new Set([
  "us-east-2",
  "ap-southeast-1",
  "ap-southeast-2",
  "ap-northeast-1",
  "eu-central-1",
  "eu-west-2",
]);

/** How fast a bucket refills, and how much it holds. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What limits an operation. Global services have one bucket for all Regions. */
export interface Quota extends Rate {
  readonly bucket: string;
  readonly global: boolean;
  /** All accounts of an organization together. */
  readonly organization?: Rate;
}

/** Rate and burst for one account, then for the whole organization where Organizations has a quota for that. */
type OrgRate = readonly [number, number] | readonly [number, number, number, number];

/** Source: Organizations User Guide, "Quotas and service limits", throttling limits (text of 2026). */
const ORGANIZATIONS: Readonly<Record<string, OrgRate>> = {
  DescribeAccount: [20, 30, 24, 36],
  DescribeOrganization: [1, 2],
  DescribeOrganizationalUnit: [2, 2, 2, 3],
  DescribePolicy: [2, 2, 2, 3],
  ListAccounts: [8, 12, 9, 15],
  ListAccountsForParent: [5, 8, 6, 10],
  ListChildren: [6, 10, 7, 12],
  ListDelegatedAdministrators: [5, 8, 6, 10],
  ListOrganizationalUnitsForParent: [5, 8, 6, 10],
  ListParents: [5, 8, 6, 10],
  ListPolicies: [5, 8, 6, 10],
  ListPoliciesForTarget: [5, 8, 6, 10],
  ListRoots: [1, 2, 1, 3],
  ListTagsForResource: [10, 15, 12, 18],
  ListTargetsForPolicy: [5, 8, 6, 10],
};

/**
 * What limits an operation, named with its service (`kms:ListGrants`); undefined where nothing does.
 * Sources beside KMS and Organizations: IAM User Guide, "STS request quotas" (600 a second, shared); EC2 Developer
 * Guide, "Request throttling" (100, refilled by 20 a second); Account Management Reference Guide, "Quotas" (texts of
 * 2026). AWS does not publish IAM's; the sandbox takes 20 a second for each read, and 5 for the big one.
 */
export function quotaOf(operation: string, region: string): Quota | undefined {
  const [service = "", name = ""] = operation.split(":");
  switch (service) {
    case "kms":
      return kmsQuota(name, region);
    case "sts":
      return steady("sts", 600);
    case "organizations":
      return organizationsQuota(name);
    case "iam":
      return { ...steady(name, name === "GetAccountAuthorizationDetails" ? 5 : 20), global: true };
    case "ec2":
      return { bucket: name, perSecond: 20, burst: 100, global: false };
    case "account":
      return { ...steady(name, 5), global: true };
    default:
      return undefined;
  }
}

/** A bucket that holds one second's worth: how large a burst KMS allows is not documented, and this is the strictest. */
function steady(bucket: string, perSecond: number): Quota {
  return { bucket, perSecond, burst: perSecond, global: false };
}

function kmsQuota(name: string, region: string): Quota | undefined {
  if (CRYPTOGRAPHIC.has(name)) {
    return steady(
      "cryptographic",
      BIG_CRYPTO.has(region) ? 100_000 : MEDIUM_CRYPTO.has(region) ? 20_000 : 10_000,
    );
  }
  const perSecond = REQUESTS_PER_SECOND[name];
  return perSecond === undefined ? undefined : steady(name, perSecond);
}

function organizationsQuota(name: string): Quota | undefined {
  const rate = ORGANIZATIONS[name];
  if (rate === undefined) return undefined;
  const [perSecond, burst, together, burstTogether] = rate;
  return {
    bucket: name,
    perSecond,
    burst,
    global: true,
    ...(together === undefined || burstTogether === undefined
      ? {}
      : { organization: { perSecond: together, burst: burstTogether } }),
  };
}

/** Who makes a request, and where. */
export interface Asker {
  /** An account, or the name of a service. */
  readonly account: string;
  readonly organization: string | undefined;
  readonly region: string;
}

/**
 * Token buckets that refill steadily. Calls across accounts count against the caller's account, as in AWS.
 */
export class Quotas {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #instead: ReadonlyMap<string, number>;

  /** `instead`: requests a second for single operations (`kms:ListGrants`) in place of AWS's default. */
  constructor(instead: ReadonlyMap<string, number> = new Map()) {
    this.#instead = instead;
  }

  /**
   * Takes one request from the caller's buckets.
   * @param now milliseconds since the epoch.
   * @throws ServiceError ThrottlingException when one is empty.
   */
  take(asker: Asker, operation: string, now: number): void {
    const own = this.#instead.get(operation);
    const quota = own === undefined ? quotaOf(operation, asker.region) : steady(operation, own);
    if (quota === undefined) return;
    const where = quota.global ? "" : asker.region;
    // A refused request takes no token of either.
    const wanted: (readonly [string, Rate])[] = [[`${asker.account}/${where}/${quota.bucket}`, quota]];
    if (quota.organization !== undefined && asker.organization !== undefined) {
      wanted.push([`${asker.organization}/${where}/${quota.bucket}`, quota.organization]);
    }
    const filled = wanted.map(([name, rate]) => this.#filled(name, rate, now));
    if (filled.some((bucket) => bucket.tokens < 1)) throw throttled();
    for (const bucket of filled) bucket.tokens -= 1;
  }

  #filled(name: string, rate: Rate, now: number): { tokens: number; at: number } {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { tokens: rate.burst, at: now };
      this.#buckets.set(name, bucket);
    }
    const elapsed = Math.max(0, now - bucket.at) / 1000;
    bucket.tokens = Math.min(rate.burst, bucket.tokens + elapsed * rate.perSecond);
    bucket.at = now;
    return bucket;
  }
}

/** What KMS answers above a request quota. */
export function throttled(): ServiceError {
  return new ServiceError(
    "ThrottlingException",
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
  );
}
