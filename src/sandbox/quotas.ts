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

/** The bucket of an operation and how fast it refills; undefined where AWS states no quota. */
export function quotaOf(
  operation: string,
  region: string,
): { readonly bucket: string; readonly perSecond: number } | undefined {
  if (CRYPTOGRAPHIC.has(operation)) {
    const perSecond = BIG_CRYPTO.has(region) ? 100_000 : MEDIUM_CRYPTO.has(region) ? 20_000 : 10_000;
    return { bucket: "cryptographic", perSecond };
  }
  const perSecond = REQUESTS_PER_SECOND[operation];
  return perSecond === undefined ? undefined : { bucket: operation, perSecond };
}

/**
 * Token buckets: each holds one second's worth of requests and refills steadily. Calls across accounts count against the
 * caller's account, as in AWS. How large a burst AWS allows is not documented; one second is the strictest reading.
 */
export class Quotas {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /**
   * Takes one request from the caller's bucket.
   * @param now milliseconds since the epoch.
   * @throws ServiceError ThrottlingException when the bucket is empty.
   */
  take(account: string, region: string, operation: string, now: number): void {
    const quota = quotaOf(operation, region);
    if (quota === undefined) return;
    const name = `${account}/${region}/${quota.bucket}`;
    const bucket = this.#buckets.get(name) ?? { tokens: quota.perSecond, at: now };
    const elapsed = Math.max(0, now - bucket.at) / 1000;
    const tokens = Math.min(quota.perSecond, bucket.tokens + elapsed * quota.perSecond);
    const enough = tokens >= 1;
    this.#buckets.set(name, { tokens: enough ? tokens - 1 : tokens, at: now });
    if (!enough) throw throttled();
  }
}

/** What KMS answers above a request quota. */
export function throttled(): ServiceError {
  return new ServiceError(
    "ThrottlingException",
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
  );
}
