import type { Action } from "./permissions.js";

/**
 * Requests a second that AWS permits by default for each account and Region, by action. A call to another account's
 * key counts against the caller's account. An account's real quota can be higher (they are adjustable) and is never
 * lower. Sources, read 2026-11-23: KMS Developer Guide, "Request quotas"; STS: IAM User Guide, "IAM and AWS STS quotas"
 * (600 requests a second for AssumeRole and the like, by account and Region); EC2 API reference, "Request throttling"
 * (DescribeRegions: uncategorized, refill 10 a second); Organizations User Guide, "Quotas and service limits", throttling
 * limits of an account; Account Management Reference Guide, "Quotas".
 */
const REQUESTS_PER_SECOND: Readonly<Partial<Record<Action, number>>> = {
  "kms:ListKeys": 500,
  "kms:ListAliases": 500,
  "kms:DescribeKey": 2000,
  "kms:GetKeyPolicy": 1000,
  "kms:ListGrants": 100,
  "kms:ListResourceTags": 2000,
  "kms:GetKeyRotationStatus": 1000,
  "kms:GetKeyLastUsage": 5,
  "kms:PutKeyPolicy": 15,
  "kms:CreateGrant": 50,
  "kms:RevokeGrant": 50,
  "sts:GetCallerIdentity": 600,
  "sts:AssumeRole": 600,
  "ec2:DescribeRegions": 10,
  "account:ListRegions": 5,
  "organizations:DescribeOrganization": 1,
  "organizations:ListAccounts": 8,
  "organizations:ListRoots": 1,
  "organizations:ListOrganizationalUnitsForParent": 5,
  "organizations:ListAccountsForParent": 5,
  "organizations:ListTagsForResource": 10,
  "organizations:ListPolicies": 5,
  "organizations:DescribePolicy": 2,
  "organizations:ListTargetsForPolicy": 5,
};

/** For calls whose quota is not known. */
const CAREFUL = 8;

/** The default quota of an action, in requests a second. */
export function quotaOf(action: Action): number {
  return REQUESTS_PER_SECOND[action] ?? CAREFUL;
}

/** The share of every quota that a scan uses at most, so that an audit never throttles production. */
export const DEFAULT_QUOTA_SHARE = 0.5;
