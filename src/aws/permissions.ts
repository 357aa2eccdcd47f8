/**
 * Every IAM action that keyward uses, and what for. The calls are declared beside it in this folder (a test holds that
 * no command of the SDK is used without), and the least-privilege policy is made from it.
 */
export const PERMISSIONS = {
  "sts:GetCallerIdentity": {
    need: "detail",
    gives: "the account and partition; AWS permits it to everybody",
  },
  "ec2:DescribeRegions": { need: "detail", gives: "the Regions that the account has enabled" },
  "account:ListRegions": {
    need: "detail",
    gives: "the Regions that the account has enabled, where ec2:DescribeRegions is denied",
  },
  "kms:ListKeys": { need: "verdict", gives: "the keys of a Region" },
  "kms:GetKeyPolicy": { need: "verdict", gives: "who may use a key" },
  "kms:ListGrants": { need: "verdict", gives: "who else may use a key" },
  "kms:DescribeKey": { need: "detail", gives: "state, type and manager of a key" },
  "kms:ListAliases": { need: "detail", gives: "the names of keys" },
  "iam:GetAccountAuthorizationDetails": {
    need: "detail",
    gives:
      "who in an account can use its keys, and which outsiders can assume such a role (not with --no-iam)",
  },
  "kms:ListResourceTags": { need: "option", gives: "the tags of keys, with --tags" },
  "s3:ListBucket": { need: "option", gives: "the log files of a bucket, for keyward usage" },
  "s3:GetObject": { need: "option", gives: "the events in them, for keyward usage" },
  "s3:PutObject": { need: "write", gives: "the copy of the journal, for --journal-copy" },
  "s3:GetBucketVersioning": { need: "option", gives: "whether the bucket of that copy keeps versions" },
  "s3:GetBucketObjectLockConfiguration": { need: "option", gives: "whether it locks them" },
  "config:GetResourceConfigHistory": {
    need: "option",
    gives: "former policies that AWS Config has recorded, for keyward rollback --from config",
  },
  "cloudtrail:LookupEvents": {
    need: "option",
    gives: "the event history, for keyward usage --lookup-events",
  },
  "athena:StartQueryExecution": { need: "option", gives: "usage by a query, for keyward usage --athena" },
  "athena:GetQueryExecution": { need: "option", gives: "whether that query has ended" },
  "athena:GetQueryResults": { need: "option", gives: "its result" },
  "athena:StopQueryExecution": { need: "option", gives: "an end to it when keyward is stopped" },
  "kms:GetKeyRotationStatus": { need: "option", gives: "whether keys are rotated, with --rotation" },
  "kms:GetKeyLastUsage": { need: "option", gives: "when keys were last used, with --last-usage" },
  "kms:PutKeyPolicy": { need: "write", gives: "the change of key policies, for keyward apply and rollback" },
  "kms:RevokeGrant": { need: "write", gives: "the end of grants, for keyward apply" },
  "kms:CreateGrant": { need: "write", gives: "grants with the terms of revoked ones, for keyward rollback" },
  "sts:AssumeRole": { need: "option", gives: "the keys of other accounts, with --role or --via" },
  "organizations:DescribeOrganization": {
    need: "detail",
    gives:
      "whether the account is in an organization, whose service control policies would limit its users and roles (not with --no-iam); with --organization, the organization",
  },
  "organizations:ListAccounts": { need: "option", gives: "its accounts, with --organization" },
  "organizations:ListRoots": { need: "option", gives: "the top of its tree, with --organization" },
  "organizations:ListOrganizationalUnitsForParent": {
    need: "option",
    gives: "its organizational units, with --organization",
  },
  "organizations:ListAccountsForParent": {
    need: "option",
    gives: "where in the tree an account is, with --organization",
  },
  "organizations:ListTagsForResource": { need: "option", gives: "the tags of accounts, with --account-tag" },
  "organizations:ListPolicies": {
    need: "option",
    gives: "the resource and service control policies, with --organization",
  },
  "organizations:DescribePolicy": { need: "option", gives: "their texts, with --organization" },
  "organizations:ListTargetsForPolicy": {
    need: "option",
    gives: "what they are attached to, with --organization",
  },
} as const satisfies Readonly<Record<string, Permission>>;

/**
 * `verdict`: without it there are keys about which nothing can be said. `detail`: optional, makes answers more exact.
 * `option`: used only when the user asks for it. `write`: changes something; no auditing command needs or uses it.
 */
export interface Permission {
  readonly need: "verdict" | "detail" | "option" | "write";
  readonly gives: string;
}

export type Action = keyof typeof PERMISSIONS;
