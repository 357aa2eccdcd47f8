import { CONDITION_KEYS, type ConditionKeyFacts } from "../../src/semantics/condition-keys.js";
import type { Random } from "./random.js";

/**
 * The small vocabulary that worlds and requests are drawn from: few accounts, organizations and names, so that
 * statements meet each other and requests meet statements.
 */
export const OWN = "111122223333";
export const TRUSTED = "222233334444";
export const PARTNER = "444455556666";
export const OTHER = "555566667777";
/** Never in a document by the vocabulary, only by chance of a pattern. */
export const STRANGER = "987650001234";
export const OWN_ORG = "o-own1234567";
export const PARTNER_ORG = "o-partner0001";
export const STRANGER_ORG = "o-stranger001";
export const ROOT_PATH = "/r-zz99/";
export const OU_PATH = "/r-zz99/ou-zz99-12345678/";
/** 2026-11-23, in seconds since the epoch. */
export const NOW = Date.UTC(2026, 10, 23) / 1000;

/** Accounts that documents name; the last is one that an engine may think that nobody named. */
export const NAMED_ACCOUNTS = [OWN, TRUSTED, PARTNER, PARTNER, OTHER, "999988887777"] as const;
export const ORGS = [OWN_ORG, PARTNER_ORG, "o-zzkeyward0"] as const;

export const ROLES = ["app", "team/app", "Admin", `x${OWN}x`] as const;
export const SERVICE_ROLE = "aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup";
export const USERS = ["ann", "team/bob", "app"] as const;
export const SESSIONS = ["s1", "bob", "i-0abc"] as const;
export const FEDERATED = ["fed", "app"] as const;
export const ROLE_ID = "AROAEXAMPLEEXAMPLE123";
export const USER_ID = "AIDAEXAMPLEEXAMPLE123";
export const SERVICES = [
  "s3.amazonaws.com",
  "cloudtrail.amazonaws.com",
  "sns.amazonaws.com",
  "logs.us-east-1.amazonaws.com",
  "dynamodb.us-east-1.amazonaws.com",
  "lambda.amazonaws.com",
] as const;

/** Encryption-context keys; some are filled by services, one differs from another in case only. */
export const CONTEXT_KEYS = [
  "tenant",
  "Stage",
  "aws:cloudtrail:arn",
  "aws:s3:account",
  "Tenant",
  "department",
] as const;

export const roleArn = (account: string, name: string, partition = "aws"): string =>
  `arn:${partition}:iam::${account}:role/${name}`;

const LETTERS = ["a", "b", "aa", "A", "ab", ""] as const;

/** Values by key in lower case, as a request can hold them; `P` and `R` are replaced by partition and Region. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "kms:calleraccount": NAMED_ACCOUNTS,
  "aws:principalaccount": NAMED_ACCOUNTS,
  "aws:principalarn": [
    ...[OWN, PARTNER, OTHER].flatMap((a) => [
      `arn:{P}:iam::${a}:role/app`,
      `arn:{P}:iam::${a}:role/team/app`,
      `arn:{P}:iam::${a}:user/ann`,
      `arn:{P}:iam::${a}:root`,
    ]),
    `arn:{P}:sts::${PARTNER}:federated-user/fed`,
    `arn:{P}:sts::${PARTNER}:assumed-role/app/s1`,
  ],
  "aws:principalorgid": ORGS,
  "aws:principalorgpaths": ORGS.flatMap((o) => [o + ROOT_PATH, o + OU_PATH]),
  "aws:principaltype": ["AssumedRole", "User", "Account", "FederatedUser"],
  "aws:userid": [`${ROLE_ID}:s1`, `${ROLE_ID}:bob`, USER_ID, PARTNER, `${PARTNER}:fed`],
  "aws:username": ["ann", "bob", "app"],
  "aws:principalservicename": SERVICES,
  "aws:principalservicenameslist": SERVICES,
  "aws:sourceaccount": NAMED_ACCOUNTS,
  "aws:sourceowner": NAMED_ACCOUNTS,
  "aws:sourcearn": [
    "arn:{P}:s3:::bucket",
    ...[OWN, PARTNER, OTHER].flatMap((a) => [
      `arn:{P}:cloudtrail:{R}:${a}:trail/t`,
      `arn:{P}:logs:{R}:${a}:log-group:/x:y`,
      `arn:{P}:sns:{R}:${a}:topic`,
    ]),
  ],
  "aws:sourceorgid": ORGS,
  "aws:sourceorgpaths": ORGS.flatMap((o) => [o + ROOT_PATH, o + OU_PATH]),
  "kms:viaservice": ["s3.{R}.amazonaws.com", "ec2.{R}.amazonaws.com", "s3.eu-west-1.amazonaws.com"],
  "aws:calledvia": ["athena.amazonaws.com", "s3.amazonaws.com"],
  "aws:calledviafirst": ["athena.amazonaws.com", "s3.amazonaws.com"],
  "aws:calledvialast": ["athena.amazonaws.com", "s3.amazonaws.com"],
  "aws:sourcevpc": ["vpc-aaaa1111", "vpc-bbbb2222"],
  "aws:sourcevpce": ["vpce-aaaa1111", "vpce-bbbb2222"],
  "aws:sourcevpcarn": [
    `arn:{P}:ec2:{R}:${PARTNER}:vpc/vpc-aaaa1111`,
    `arn:{P}:ec2:{R}:${OWN}:vpc/vpc-aaaa1111`,
  ],
  "aws:vpceaccount": NAMED_ACCOUNTS,
  "aws:vpceorgid": ORGS,
  "aws:vpceorgpaths": ORGS.map((o) => o + ROOT_PATH),
  "aws:resourceaccount": [OWN, PARTNER],
  "aws:resourceorgid": ORGS,
  "aws:resourceorgpaths": ORGS.map((o) => o + ROOT_PATH),
  "aws:requestedregion": ["{R}", "eu-west-1"],
  "kms:keyorigin": ["AWS_KMS", "EXTERNAL"],
  "kms:keyspec": ["SYMMETRIC_DEFAULT", "RSA_2048", "HMAC_256"],
  "kms:customermasterkeyspec": ["SYMMETRIC_DEFAULT", "RSA_2048"],
  "kms:keyusage": ["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
  "kms:customermasterkeyusage": ["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
  "kms:multiregionkeytype": ["PRIMARY", "REPLICA"],
  "kms:resourcealiases": ["alias/app", "alias/other"],
  "kms:requestalias": ["alias/app", "alias/b"],
  "kms:encryptionalgorithm": ["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256"],
  "kms:datakeypairspec": ["RSA_2048", "ECC_NIST_P256"],
  "kms:macalgorithm": ["HMAC_SHA_256", "HMAC_SHA_512"],
  "kms:signingalgorithm": ["RSASSA_PSS_SHA_256", "ECDSA_SHA_256"],
  "kms:messagetype": ["RAW", "DIGEST"],
  "kms:keyagreementalgorithm": ["ECDH"],
  "kms:granteeprincipal": [`arn:{P}:iam::${PARTNER}:role/app`, `arn:{P}:iam::${OWN}:role/app`],
  "kms:granteeserviceprincipal": SERVICES,
  "kms:retiringprincipal": [`arn:{P}:iam::${PARTNER}:role/app`, `arn:{P}:iam::${OWN}:role/app`],
  "kms:retiringserviceprincipal": SERVICES,
  "kms:grantoperations": ["Decrypt", "Encrypt", "CreateGrant"],
  "kms:grantconstraintsourcearn": [`arn:{P}:sns:{R}:${OWN}:topic`, `arn:{P}:sns:{R}:${PARTNER}:topic`],
  "kms:grantconstrainttype": ["EncryptionContextEquals", "EncryptionContextSubset"],
  "kms:encryptioncontextkeys": CONTEXT_KEYS,
  "kms:encryptioncontext:aws:cloudtrail:arn": [
    `arn:{P}:cloudtrail:{R}:${OWN}:trail/t`,
    `arn:{P}:cloudtrail:{R}:${PARTNER}:trail/t`,
  ],
  "kms:encryptioncontext:aws:s3:account": NAMED_ACCOUNTS,
  "kms:encryptioncontext:tenant": ["a", "b", "aa", PARTNER, ""],
  "kms:encryptioncontext:stage": ["a", "b"],
  "kms:encryptioncontext:department": ["a", "YQ=="],
  "kms:wrappingalgorithm": ["RSAES_OAEP_SHA_256"],
  "kms:wrappingkeyspec": ["RSA_2048", "RSA_4096"],
  "kms:expirationmodel": ["KEY_MATERIAL_EXPIRES"],
  "kms:replicaregion": ["eu-west-1", "us-west-2"],
  "kms:primaryregion": ["eu-west-1", "us-west-2"],
  "aws:tagkeys": ["team", "unit"],
  "aws:principaltag/team": ["a", "b", "aa", "A", "YQ==", "*", "", OWN_ORG, PARTNER],
  "aws:principaltag/unit": ["a", "b", "7", "true"],
  "aws:sourceidentity": ["a", "b", "ann"],
  "aws:useragent": ["a", "curl", "curl/8"],
  "ec2:sourceinstancearn": [`arn:{P}:ec2:{R}:${PARTNER}:instance/i-0abc`],
  "lambda:sourcefunctionarn": [`arn:{P}:lambda:{R}:${PARTNER}:function:f`],
  "ssm:sourceinstancearn": [`arn:{P}:ec2:{R}:${PARTNER}:instance/i-0abc`],
};

const TYPED: Readonly<Record<ConditionKeyFacts["type"], readonly string[]>> = {
  string: LETTERS,
  arn: [`arn:{P}:sns:{R}:${OWN}:topic`, `arn:{P}:sns:{R}:${PARTNER}:topic`],
  number: ["0", "1", "7", "10", "300", "3600", "-5", "1e2", "2.5"],
  date: ["2026-01-01T00:00:00Z", "2026-11-23T00:00:00Z", "2025-06-01", "1700000000", "2027-03-01T12:00:00Z"],
  bool: ["true", "false"],
  ip: [
    "203.0.113.7",
    "198.51.100.9",
    "8.8.8.8",
    "100.64.1.1",
    "203.0.113.255",
    "203.0.114.0",
    "2001:db8::7",
    "2001:db9::1",
    "10.0.0.7",
    "10.1.0.0",
  ],
  binary: ["YQ==", "YWI="],
};

/** Which partition and Region a world is in. */
export interface Place {
  readonly partition: string;
  readonly region: string;
}

const fill = (text: string, place: Place): string =>
  text.replaceAll("{P}", place.partition).replaceAll("{R}", place.region);

/** Every key of the table by a name that requests use; families by some of their members. */
export const KEY_NAMES: readonly string[] = CONDITION_KEYS.flatMap(({ name }) => {
  switch (name) {
    case "kms:EncryptionContext:":
      return CONTEXT_KEYS.slice(0, 4).map((k) => name + k);
    case "aws:PrincipalTag/":
      return [`${name}team`, `${name}unit`];
    case "aws:ResourceTag/":
    case "aws:RequestTag/":
      return [`${name}team`];
    case "kms:RecipientAttestation:":
      return [`${name}ImageSha384`, `${name}PCR3`];
    default:
      return /[:/]$/.test(name) ? [`${name}sub`] : [name];
  }
});

/** Keys that policies really use come more often. */
export const COMMON_KEYS = [
  "kms:CallerAccount",
  "aws:PrincipalAccount",
  "aws:PrincipalOrgID",
  "aws:PrincipalArn",
  "aws:PrincipalOrgPaths",
  "aws:SourceAccount",
  "aws:SourceArn",
  "aws:SourceOrgID",
  "aws:userid",
  "kms:ViaService",
  "aws:SourceIp",
  "kms:EncryptionContext:tenant",
  "kms:EncryptionContextKeys",
  "kms:GrantIsForAWSResource",
  "aws:PrincipalTag/team",
  "aws:CurrentTime",
] as const;

/** Names that no table has: misspelt, or newer than keyward. */
export const UNKNOWN_KEYS = ["aws:PrincipalAcount", "kms:NewKey", "team"] as const;

/** A value that a request could hold under a key. */
export function valueOf(
  r: Random,
  keyLower: string,
  facts: ConditionKeyFacts | undefined,
  place: Place,
): string {
  return fill(r.pick(VALUES[keyLower] ?? TYPED[facts?.type ?? "string"]), place);
}
