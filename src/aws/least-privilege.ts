import type { Permission } from "./permissions.js";
import { PERMISSIONS } from "./permissions.js";

/** What a user wants to do. */
export const PURPOSES = ["scan", "organization", "plan", "apply", "rollback", "journal-copy"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Services whose calls a scan makes in the account that it looks at. */
const SCAN = new Set(["kms", "ec2", "account", "iam"]);
/** The only call of Organizations that every member account may make. */
const MEMBERSHIP = "organizations:DescribeOrganization";
/** Beside those, for the usage that a plan is held against. */
const USAGE = new Set([
  "cloudtrail:LookupEvents",
  "athena:StartQueryExecution",
  "athena:GetQueryExecution",
  "athena:GetQueryResults",
  "athena:StopQueryExecution",
  "s3:ListBucket",
  "s3:GetObject",
]);
/** What rollback reads beside, where the journal has no former policy. */
const FORMER = new Set(["cloudtrail:LookupEvents", "config:GetResourceConfigHistory"]);
/** What --journal-copy does, and --journal s3://…. */
const COPY = new Set([
  "s3:ListBucket",
  "s3:GetObject",
  "s3:PutObject",
  "s3:GetBucketVersioning",
  "s3:GetBucketObjectLockConfiguration",
]);

/** What the principal that scans an organization needs in its own account, beside roles in all of them. */
const ORGANIZATION = new Set(["organizations", "sts"]);

/** What apply, verify and rollback read of a key. */
const APPLY = new Set(["kms:GetKeyPolicy", "kms:ListGrants", "kms:DescribeKey"]);

/** The declared actions that a purpose uses, sorted. Options of a scan are included: they only read. */
export function actionsFor(purpose: Purpose): readonly string[] {
  const wanted = (action: string): boolean => {
    const service = action.split(":")[0] ?? "";
    const writes = permissionOf(action)?.need === "write";
    const changes = (writes && service === "kms") || APPLY.has(action);
    switch (purpose) {
      case "apply":
        return changes;
      case "rollback":
        return changes || FORMER.has(action);
      case "journal-copy":
        return COPY.has(action);
      case "organization":
        return !writes && ORGANIZATION.has(service);
      case "scan":
        return !writes && (SCAN.has(service) || action === MEMBERSHIP);
      case "plan":
        return !writes && (SCAN.has(service) || USAGE.has(action) || action === MEMBERSHIP);
    }
  };
  return Object.keys(PERMISSIONS).filter(wanted).sort();
}

/** What an action is for. */
export function permissionOf(action: string): Permission | undefined {
  return new Map<string, Permission>(Object.entries(PERMISSIONS)).get(action);
}

const SIDS: Readonly<Record<Purpose, string>> = {
  scan: "KeywardReads",
  organization: "KeywardReads",
  plan: "KeywardReads",
  apply: "KeywardChangesKeys",
  rollback: "KeywardChangesKeys",
  "journal-copy": "KeywardCopiesItsJournal",
};

/**
 * The identity policy to attach, as JSON text: made from the declarations beside the calls, nothing else.
 *
 * @param roles ARNs of the roles that may be assumed, `*` for any account; empty: any role that trusts the caller
 */
export function leastPrivilege(purpose: Purpose, roles: readonly string[] = []): string {
  const allow = (Sid: string, Action: readonly string[], Resource: string | readonly string[]): object => ({
    Sid,
    Effect: "Allow",
    Action,
    Resource,
  });
  const actions = actionsFor(purpose);
  const isApart = (action: string): boolean => roles.length > 0 && action === "sts:AssumeRole";
  const statements = [
    allow(
      SIDS[purpose],
      actions.filter((a) => !isApart(a)),
      "*",
    ),
    ...(actions.some(isApart) ? [allow("KeywardAssumesRoles", ["sts:AssumeRole"], roles)] : []),
  ];
  return JSON.stringify({ Version: "2012-10-17", Statement: statements }, null, 2);
}

/**
 * A CloudFormation template for a StackSet: the role that keyward assumes in each account, which only reads. Source:
 * CloudFormation User Guide, AWS::IAM::Role.
 */
export function stackSetTemplate(): string {
  const actions = actionsFor("scan").map((a) => `                  - ${a}`);
  return `AWSTemplateFormatVersion: "2010-09-09"
Description: The role that keyward assumes to read KMS keys, grants and IAM. It changes nothing.
Parameters:
  TrustedPrincipal:
    Type: String
    Description: ARN of the user, role or account that runs keyward
    AllowedPattern: "^arn:aws[a-z0-9-]*:iam::[0-9]{12}:(root|user/.+|role/.+)$"
  ExternalId:
    Type: String
    Default: ""
    Description: External id that keyward has to give (--external-id); empty for none
  RoleName:
    Type: String
    Default: KeywardReadOnly
    Description: Name of the role (--role)
Conditions:
  HasExternalId: !Not [!Equals [!Ref ExternalId, ""]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      Description: Read-only role of keyward
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: !Ref TrustedPrincipal
            Action: sts:AssumeRole
            Condition:
              Fn::If:
                - HasExternalId
                - StringEquals:
                    sts:ExternalId: !Ref ExternalId
                - !Ref AWS::NoValue
      Policies:
        - PolicyName: KeywardReads
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: KeywardReads
                Effect: Allow
                Action:
${actions.join("\n")}
                Resource: "*"
Outputs:
  RoleArn:
    Value: !GetAtt Role.Arn
`;
}
