import { keyArnParts, type AccountId, type OrganizationId, parseKeyArn } from "../../src/domain/ids.js";
import type { KeyFacts } from "../../src/domain/key.js";
import type { Zone } from "../../src/domain/zone.js";

/**
 * The small world that random policies and requests are drawn from: few accounts, organizations and names, so that
 * statements meet each other and requests meet statements.
 */
export const OWN = "111122223333";
export const TRUSTED = "222233334444";
export const PARTNER = "444455556666";
export const STRANGER = "987650001234";
export const OWN_ORG = "o-own1234567";
export const PARTNER_ORG = "o-partner0001";
export const STRANGER_ORG = "o-stranger001";
export const NOW = Date.UTC(2026, 10, 23) / 1000;

const role = (a: string, n: string): string => `arn:aws:iam::${a}:role/${n}`;

/** Values that a request can hold, by condition key; what is not listed takes `free`. */
export const REQUEST_VALUES: Readonly<Record<string, readonly string[]>> = {
  "aws:PrincipalTag/team": ["a", "b", "aa", "A"],
  "aws:SourceIdentity": ["a", "b"],
  "aws:MultiFactorAuthPresent": ["true", "false"],
  "aws:MultiFactorAuthAge": ["10", "300", "4000"],
  "aws:TokenIssueTime": ["2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z"],
  "aws:UserAgent": ["a", "curl"],
  "kms:EncryptionAlgorithm": ["SYMMETRIC_DEFAULT"],
  "kms:RequestAlias": ["alias/a", "alias/b"],
  "kms:GranteePrincipal": [role(PARTNER, "app"), role(OWN, "app")],
  "kms:GrantOperations": ["Decrypt", "Encrypt", "CreateGrant"],
  "kms:GrantConstraintType": ["EncryptionContextSubset"],
  "kms:ViaService": ["s3.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com"],
  "aws:SourceIp": ["203.0.113.7", "198.51.100.9", "8.8.8.8", "2001:db8::7"],
  "aws:SourceVpc": ["vpc-aaaa1111", "vpc-bbbb2222"],
  "aws:SourceVpce": ["vpce-aaaa1111", "vpce-bbbb2222"],
  "aws:VpcSourceIp": ["10.0.0.7", "10.9.9.9"],
  "aws:VpceAccount": [OWN, STRANGER],
  "aws:CalledVia": ["athena.amazonaws.com", "s3.amazonaws.com"],
};

/** Values that a policy can ask for, by condition key. */
export const POLICY_VALUES: Readonly<Record<string, readonly string[]>> = {
  "kms:CallerAccount": [OWN, TRUSTED, PARTNER, "4444*", "*", "9876?0001234", "${aws:ResourceAccount}", "1*"],
  "aws:PrincipalAccount": [
    OWN,
    TRUSTED,
    PARTNER,
    "*6666",
    "9*",
    "${aws:ResourceAccount}",
    "${kms:CallerAccount}",
  ],
  "aws:PrincipalOrgID": [OWN_ORG, PARTNER_ORG, "o-*", "o-p*", "*", "${aws:ResourceOrgID}", "O-OWN1234567"],
  "aws:PrincipalOrgPaths": [
    `${OWN_ORG}/*`,
    `${PARTNER_ORG}/*`,
    "*/r-zz99/*",
    `${PARTNER_ORG}/r-zz99/`,
    "*",
    "o-*/*/ou-*",
  ],
  "aws:PrincipalArn": [
    role(OWN, "*"),
    role(PARTNER, "app"),
    role("*", "app"),
    role(PARTNER, "team/app"),
    "arn:aws:iam::*:root",
    `*${OWN}*`,
    "arn:aws:iam::444455556666:*",
    `arn:aws:iam::${PARTNER}:user/ann`,
    "*",
    "arn:aws:iam::*:role/*/app",
    `arn:aws:sts::${PARTNER}:assumed-role/app/s1`,
    "arn:aws:iam::????????1234:role/*",
  ],
  "aws:PrincipalType": ["AssumedRole", "User", "Account", "*"],
  "aws:PrincipalIsAWSService": ["true", "false"],
  "aws:PrincipalServiceName": ["s3.amazonaws.com", "*.amazonaws.com", "sns.amazonaws.com"],
  "aws:userid": ["AROAEXAMPLEEXAMPLE123:*", "*:bob", PARTNER, "AIDA*", "*"],
  "aws:username": ["ann", "a*", "bob"],
  "aws:PrincipalTag/team": ["a", "b", "a*", "*", "${aws:PrincipalTag/unit}", "${aws:username}"],
  "aws:SourceIdentity": ["a", "a*", "${aws:PrincipalTag/team, 'b'}"],
  "aws:MultiFactorAuthPresent": ["true", "false"],
  "aws:MultiFactorAuthAge": ["300", "3600", "10"],
  "aws:TokenIssueTime": ["2025-01-01T00:00:00Z", "2021-01-01"],
  "aws:UserAgent": ["a", "curl*", "*"],
  "aws:SourceAccount": [OWN, TRUSTED, PARTNER, "1111*", "*", "${aws:ResourceAccount}"],
  "aws:SourceArn": [
    `arn:aws:s3:::bucket`,
    `arn:aws:cloudtrail:*:${OWN}:trail/*`,
    `arn:aws:cloudtrail:us-east-1:${PARTNER}:trail/*`,
    "arn:aws:*:*:*:*",
    `arn:aws:sns:us-east-1:${OWN}:t`,
    `*${OWN}*`,
  ],
  "aws:SourceOrgID": [OWN_ORG, PARTNER_ORG, "o-*", "${aws:ResourceOrgID}"],
  "aws:SourceOrgPaths": [`${OWN_ORG}/*`, "*"],
  "aws:SourceIp": [
    "203.0.113.0/24",
    "198.51.100.0/24",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "0.0.0.0/1",
    "2001:db8::/32",
    "::/0",
  ],
  "aws:SourceVpc": ["vpc-aaaa1111", "vpc-*", "vpc-aaaa*"],
  "aws:SourceVpce": ["vpce-aaaa1111", "*"],
  "aws:VpcSourceIp": ["10.0.0.0/24", "10.0.0.0/8"],
  "aws:VpceAccount": [OWN, "*"],
  "aws:ViaAWSService": ["true", "false"],
  "aws:CalledVia": ["athena.amazonaws.com", "*"],
  "kms:ViaService": ["s3.us-east-1.amazonaws.com", "*.us-east-1.amazonaws.com", "s3.*"],
  "aws:CurrentTime": ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-11-23T00:00:00Z"],
  "aws:EpochTime": ["1700000000", "1900000000"],
  "aws:SecureTransport": ["true", "false"],
  "aws:ResourceAccount": [OWN, PARTNER, "${aws:PrincipalAccount}", "*"],
  "aws:ResourceOrgID": [OWN_ORG, "${aws:PrincipalOrgID}", PARTNER_ORG],
  "aws:ResourceTag/team": ["a", "b", "${aws:PrincipalTag/team}"],
  "aws:RequestedRegion": ["us-east-1", "eu-*"],
  "kms:KeySpec": ["SYMMETRIC_DEFAULT", "RSA_2048"],
  "kms:MultiRegion": ["true", "false"],
  "kms:EncryptionContext:tenant": ["a", "b", "a*", "${aws:PrincipalAccount}", "*"],
  "kms:EncryptionContext:Stage": ["a", "b"],
  "kms:EncryptionContextKeys": ["tenant", "stage", "t*", "x"],
  "kms:EncryptionAlgorithm": ["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1"],
  "kms:RequestAlias": ["alias/a", "alias/*"],
  "kms:GranteePrincipal": [role(PARTNER, "app"), role(OWN, "*"), "*"],
  "kms:GrantOperations": ["Decrypt", "Encrypt", "*"],
  "kms:GrantIsForAWSResource": ["true", "false"],
  "kms:GrantConstraintType": ["EncryptionContextSubset", "*"],
};

/** Keys of the typed families; every other key is asked with string operators. */
export const TYPED_KEYS: Readonly<Record<string, "number" | "date" | "bool" | "ip" | "arn">> = {
  "aws:MultiFactorAuthAge": "number",
  "aws:TokenIssueTime": "date",
  "aws:CurrentTime": "date",
  "aws:EpochTime": "date",
  "aws:PrincipalIsAWSService": "bool",
  "aws:MultiFactorAuthPresent": "bool",
  "aws:ViaAWSService": "bool",
  "aws:SecureTransport": "bool",
  "kms:MultiRegion": "bool",
  "kms:GrantIsForAWSResource": "bool",
  "aws:SourceIp": "ip",
  "aws:VpcSourceIp": "ip",
  "aws:PrincipalArn": "arn",
  "aws:SourceArn": "arn",
};

const arn = parseKeyArn(`arn:aws:kms:us-east-1:${OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab`);
if (arn === undefined) throw new Error("bad ARN");
/** The key of the small world. */
export const FACTS: KeyFacts = {
  arn,
  ...keyArnParts(arn),
  organization: { kind: "present", value: { id: OWN_ORG as OrganizationId } },
  state: "Enabled",
  spec: "SYMMETRIC_DEFAULT",
  usage: "ENCRYPT_DECRYPT",
  origin: "AWS_KMS",
  multiRegion: false,
  tags: { team: "a" },
  aliases: [],
};

/** The zone of trust of the small world. */
export const ZONE: Zone = {
  organizations: [OWN_ORG as OrganizationId],
  accounts: [TRUSTED as AccountId],
  principals: [],
  services: [],
};
