import type { KeyGroup } from "./actions.js";

/**
 * The condition keys that matter to a key policy: type, number of values, and who decides the value.
 *
 * Sources: Service Authorization Reference for KMS (checked 2026-09-26); IAM User Guide, "AWS global condition context
 * keys"; KMS Developer Guide, "AWS KMS condition keys".
 */
export interface ConditionKeyFacts {
  /** As AWS writes it; a family (`kms:EncryptionContext:`) ends with its separator. */
  readonly name: string;
  readonly type: "string" | "arn" | "number" | "date" | "bool" | "ip" | "binary";
  /** The request can carry several values; AWS wants a set qualifier. */
  readonly multivalued: boolean;
  readonly origin: KeyOrigin;
  /** For `request` keys: the group of actions that can carry it. */
  readonly group?: KeyGroup;
}

/**
 * Who decides the value of a key.
 * - `caller`: AWS, from who the caller is; these are linked with each other.
 * - `caller-account`: the administrator of the caller's account, at will.
 * - `service-source`: AWS, only in calls that a service principal makes directly.
 * - `path`: follows from the service that makes the call for the caller; an outsider can go the same path.
 * - `network`: where the request comes from.
 * - `time`: the clock.
 * - `key`: a fact about the key: a constant of its policy.
 * - `request`: the caller, as a parameter of the request.
 * - `free`: the caller, at will, in any request.
 * - `transport`: always `true` for KMS, which only speaks TLS.
 * - `never`: KMS requests never carry it.
 */
export type KeyOrigin =
  | "caller"
  | "caller-account"
  | "service-source"
  | "path"
  | "network"
  | "time"
  | "key"
  | "request"
  | "free"
  | "transport"
  | "never";

type Type = ConditionKeyFacts["type"];

function keys(
  origin: KeyOrigin,
  rows: Readonly<Record<string, Type | [Type, "multi"]>>,
): ConditionKeyFacts[] {
  return Object.entries(rows).map(([name, t]) =>
    typeof t === "string"
      ? { name, type: t, multivalued: false, origin }
      : { name, type: t[0], multivalued: true, origin },
  );
}

function requestKeys(
  rows: Readonly<Record<string, readonly [KeyGroup, Type] | readonly [KeyGroup, Type, "multi"]>>,
): ConditionKeyFacts[] {
  return Object.entries(rows).map(([name, [group, type, multi]]) => ({
    name,
    type,
    multivalued: multi !== undefined,
    origin: "request",
    group,
  }));
}

export const CONDITION_KEYS: readonly ConditionKeyFacts[] = [
  ...keys("caller", {
    "kms:CallerAccount": "string",
    "aws:PrincipalAccount": "string",
    "aws:PrincipalArn": "arn",
    "aws:PrincipalOrgID": "string",
    "aws:PrincipalOrgPaths": ["string", "multi"],
    "aws:PrincipalType": "string",
    "aws:userid": "string",
    "aws:username": "string",
    "aws:PrincipalIsAWSService": "bool",
    "aws:PrincipalServiceName": "string",
    "aws:PrincipalServiceNamesList": ["string", "multi"],
  }),
  ...keys("caller-account", {
    "aws:PrincipalTag/": "string",
    "aws:SourceIdentity": "string",
    "aws:FederatedProvider": "string",
    "aws:TokenIssueTime": "date",
    "aws:MultiFactorAuthPresent": "bool",
    "aws:MultiFactorAuthAge": "number",
    "aws:AssumedRoot": "bool",
    "aws:SignInSessionArn": "arn",
    "aws:ChatbotSourceArn": "arn",
    "aws:Ec2InstanceSourceVpc": "string",
    "aws:Ec2InstanceSourcePrivateIPv4": "ip",
    "ec2:SourceInstanceArn": "arn",
    "ec2:RoleDelivery": "number",
    "lambda:SourceFunctionArn": "arn",
    "ssm:SourceInstanceArn": "arn",
    "identitystore:UserId": "string",
    "identitystore:IdentityStoreArn": "arn",
    "glue:CredentialIssuingService": "string",
    "glue:RoleAssumedBy": "string",
    "codebuild:BuildArn": "arn",
    "codebuild:ProjectArn": "arn",
    "saml:": "string",
    "sts:": "string",
    "cognito-identity.amazonaws.com:": "string",
    "accounts.google.com:": "string",
    "graph.facebook.com:": "string",
    "www.amazon.com:": "string",
  }),
  ...keys("service-source", {
    "aws:SourceAccount": "string",
    "aws:SourceArn": "arn",
    "aws:SourceOrgID": "string",
    "aws:SourceOrgPaths": ["string", "multi"],
    "aws:SourceOwner": "string",
  }),
  ...keys("path", {
    "kms:ViaService": "string",
    "aws:ViaAWSService": "bool",
    "aws:CalledVia": ["string", "multi"],
    "aws:CalledViaFirst": "string",
    "aws:CalledViaLast": "string",
    "aws:ViaAWSMCPService": "bool",
    "aws:CalledViaAWSMCP": "string",
    "aws:IsMcpServiceAction": "bool",
  }),
  ...keys("network", {
    "aws:SourceIp": "ip",
    "aws:VpcSourceIp": "ip",
    "aws:SourceVpc": "string",
    "aws:SourceVpcArn": "arn",
    "aws:SourceVpce": "string",
    "aws:VpceAccount": "string",
    "aws:VpceOrgID": "string",
    "aws:VpceOrgPaths": ["string", "multi"],
  }),
  ...keys("time", { "aws:CurrentTime": "date", "aws:EpochTime": "date" }),
  ...keys("transport", { "aws:SecureTransport": "bool" }),
  ...keys("key", {
    "aws:ResourceAccount": "string",
    "aws:ResourceOrgID": "string",
    "aws:ResourceOrgPaths": ["string", "multi"],
    "aws:ResourceTag/": "string",
    "aws:RequestedRegion": "string",
    "kms:KeyOrigin": "string",
    "kms:KeySpec": "string",
    "kms:KeyUsage": "string",
    "kms:CustomerMasterKeySpec": "string",
    "kms:CustomerMasterKeyUsage": "string",
    "kms:MultiRegion": "bool",
    "kms:MultiRegionKeyType": "string",
    "kms:ResourceAliases": ["string", "multi"],
  }),
  ...keys("free", { "aws:UserAgent": "string", "aws:referer": "string" }),
  ...requestKeys({
    "kms:EncryptionContext:": ["encryption-context", "string"],
    "kms:EncryptionContextKeys": ["encryption-context", "string", "multi"],
    "kms:RequestAlias": ["request-alias", "string"],
    "kms:EncryptionAlgorithm": ["encryption-algorithm", "string"],
    "kms:RecipientAttestation:": ["attestation", "string"],
    "kms:DataKeyPairSpec": ["data-key-pair", "string"],
    "kms:MacAlgorithm": ["mac", "string"],
    "kms:SigningAlgorithm": ["signing", "string"],
    "kms:MessageType": ["signing", "string"],
    "kms:KeyAgreementAlgorithm": ["key-agreement", "string"],
    "kms:ReEncryptOnSameKey": ["re-encrypt", "bool"],
    "kms:GranteePrincipal": ["grant", "string"],
    "kms:GranteeServicePrincipal": ["grant", "string"],
    "kms:RetiringPrincipal": ["grant", "string"],
    "kms:RetiringServicePrincipal": ["grant", "string"],
    "kms:GrantOperations": ["grant", "string", "multi"],
    "kms:GrantConstraintSourceArn": ["grant", "arn"],
    "kms:GrantConstraintType": ["grant-constraint-type", "string"],
    "kms:GrantIsForAWSResource": ["grant-for-aws-resource", "bool"],
    "kms:WrappingAlgorithm": ["wrapping", "string"],
    "kms:WrappingKeySpec": ["wrapping", "string"],
    "kms:ExpirationModel": ["import", "string"],
    "kms:ValidTo": ["import", "date"],
    "kms:BypassPolicyLockoutSafetyCheck": ["bypass-lockout", "bool"],
    "kms:ReplicaRegion": ["replica-region", "string"],
    "kms:PrimaryRegion": ["primary-region", "string"],
    "kms:RotationPeriodInDays": ["rotation-period", "number"],
    "kms:ScheduleKeyDeletionPendingWindowInDays": ["deletion-window", "number"],
    "kms:TrailingDaysWithoutKeyUsage": ["trailing-days", "number"],
    "aws:RequestTag/": ["request-tags", "string"],
    "aws:TagKeys": ["tag-keys", "string", "multi"],
  }),
];

const EXACT: ReadonlyMap<string, ConditionKeyFacts> = new Map(
  CONDITION_KEYS.filter((k) => !/[:/]$/.test(k.name)).map((k) => [k.name.toLowerCase(), k]),
);
const FAMILIES: readonly (readonly [string, ConditionKeyFacts])[] = CONDITION_KEYS.filter((k) =>
  /[:/]$/.test(k.name),
).map((k) => [k.name.toLowerCase(), k] as const);

/**
 * The facts about a condition key, whatever its case. Undefined for a key that this table does not know: either
 * misspelt or newer than the table; callers must treat both "never there" and "anything" as possible.
 */
export function conditionKeyFacts(name: string): ConditionKeyFacts | undefined {
  const lower = name.toLowerCase();
  const exact = EXACT.get(lower);
  if (exact !== undefined) return exact;
  return FAMILIES.find(([prefix]) => lower.startsWith(prefix) && lower.length > prefix.length)?.[1];
}
