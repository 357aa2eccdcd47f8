// Random requests as AWS would fill them in: the keys of one request fit together.
import { FOREIGN_ORGANIZATIONS, OUTSIDERS, OWNER, ROLES, SERVICES, ZONE } from "./policies.mjs";

const ACTIONS = [
  "kms:Decrypt",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:ReEncryptFrom",
  "kms:CreateGrant",
  "kms:DescribeKey",
];
const PARAMETERS = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"];

/** A request of somebody outside the zone of trust. */
export function outsiderRequest(r) {
  const account = r.pick(OUTSIDERS);
  const organization = r.pick([undefined, ...FOREIGN_ORGANIZATIONS]);
  return r.chance(0.25) ? serviceRequest(r, account, organization) : callerRequest(r, account, organization);
}

/** A request of somebody in the zone of trust: an account of the own organization. */
export function insiderRequest(r) {
  return callerRequest(r, r.pick(ZONE.accounts), ZONE.organizations[0]);
}

/** The root user, a user and the roles of the key's own account, straight from the internet with MFA. */
export function ownPeople() {
  const choices = [{ pick: () => "root" }, { pick: () => "user" }, ...ROLES.map((role) => rolePicker(role))];
  return choices.map((r) => {
    const context = {
      ...common({ chance: () => false, pick: (list) => list[0] }, "kms:PutKeyPolicy"),
      "kms:CallerAccount": OWNER,
      "aws:PrincipalAccount": OWNER,
      "aws:PrincipalIsAWSService": "false",
      "aws:PrincipalOrgID": ZONE.organizations[0],
      "aws:PrincipalOrgPaths": [`${ZONE.organizations[0]}/r-ab12/ou-ab12-11111111/`],
      "aws:ViaAWSService": "false",
      "aws:SourceIp": "8.8.8.8",
      "aws:MultiFactorAuthPresent": "true",
    };
    const principal = identity({ chance: () => false, ...r }, OWNER, context);
    return { principal, context };
  });
}

/** Picks a session of this role, signed in with MFA. */
function rolePicker(role) {
  return { pick: (list) => (list === ROLES ? role : list.includes("role") ? "role" : list[0]) };
}

function common(r, action) {
  const context = {
    "aws:CurrentTime": "2026-11-25T12:00:00Z",
    "aws:EpochTime": "1795608000",
    "aws:RequestedRegion": "us-east-1",
    "aws:SecureTransport": "true",
    "aws:ResourceAccount": OWNER,
    "aws:ResourceOrgID": ZONE.organizations[0],
    "kms:KeyOrigin": "AWS_KMS",
  };
  if (action === "kms:CreateGrant") context["kms:GrantOperations"] = [r.pick(["Decrypt", "Encrypt"])];
  if (PARAMETERS.includes(action) && r.chance(0.4)) context["kms:EncryptionContextKeys"] = ["app"];
  return context;
}

/** A service that calls by itself, mostly on behalf of an account's resource. */
function serviceRequest(r, account, organization) {
  const action = r.pick(ACTIONS);
  const service = r.pick(SERVICES);
  const context = {
    ...common(r, action),
    "aws:PrincipalIsAWSService": "true",
    "aws:PrincipalServiceName": service,
    "aws:ViaAWSService": "false",
  };
  if (action === "kms:CreateGrant") context["kms:GrantIsForAWSResource"] = "true";
  if (r.chance(0.8)) {
    context["aws:SourceAccount"] = account;
    if (r.chance(0.7)) context["aws:SourceArn"] = `arn:aws:sns:us-east-1:${account}:topic`;
    if (organization !== undefined) context["aws:SourceOrgID"] = organization;
  }
  return { principal: service, action, context, account, organization, service: true };
}

function callerRequest(r, account, organization) {
  const action = r.pick(ACTIONS);
  const context = {
    ...common(r, action),
    "kms:CallerAccount": account,
    "aws:PrincipalAccount": account,
    "aws:PrincipalIsAWSService": "false",
  };
  if (organization !== undefined) {
    context["aws:PrincipalOrgID"] = organization;
    context["aws:PrincipalOrgPaths"] = [`${organization}/r-ab12/ou-ab12-11111111/`];
  }
  const principal = identity(r, account, context);
  route(r, context);
  if (action === "kms:CreateGrant") context["kms:GrantIsForAWSResource"] = context["aws:ViaAWSService"];
  return { principal, action, context, account, organization, service: false };
}

function identity(r, account, context) {
  const tag = () => {
    if (r.chance(0.3)) context["aws:PrincipalTag/team"] = r.pick(["pay", "hr"]);
  };
  switch (r.pick(["user", "role", "root"])) {
    case "user": {
      const principal = `arn:aws:iam::${account}:user/bob`;
      Object.assign(context, {
        "aws:PrincipalArn": principal,
        "aws:PrincipalType": "User",
        "aws:username": "bob",
        "aws:userid": "AIDAEXAMPLEEXAMPLE123",
      });
      tag();
      return principal;
    }
    case "role": {
      const role = r.pick(ROLES);
      Object.assign(context, {
        "aws:PrincipalArn": `arn:aws:iam::${account}:role/${role}`,
        "aws:PrincipalType": "AssumedRole",
        "aws:userid": "AROAEXAMPLEEXAMPLE123:sess1",
        "aws:MultiFactorAuthPresent": r.pick(["true", "false"]),
      });
      tag();
      return `arn:aws:sts::${account}:assumed-role/${role.split("/").at(-1)}/sess1`;
    }
    default: {
      const principal = `arn:aws:iam::${account}:root`;
      Object.assign(context, {
        "aws:PrincipalArn": principal,
        "aws:PrincipalType": "Account",
        "aws:userid": account,
      });
      return principal;
    }
  }
}

/** Straight from the internet, through an endpoint of a VPC, or through another service. */
function route(r, context) {
  if (r.chance(0.3)) {
    const service = r.pick(["s3", "ec2"]);
    context["kms:ViaService"] = `${service}.us-east-1.amazonaws.com`;
    context["aws:ViaAWSService"] = "true";
    context["aws:CalledVia"] = [`${service}.amazonaws.com`];
    context["aws:CalledViaFirst"] = `${service}.amazonaws.com`;
    context["aws:CalledViaLast"] = `${service}.amazonaws.com`;
    return;
  }
  context["aws:ViaAWSService"] = "false";
  if (r.chance(0.6)) {
    context["aws:SourceIp"] = r.pick(["203.0.113.9", "8.8.8.8", "198.51.100.7"]);
    return;
  }
  context["aws:SourceVpc"] = r.pick(["vpc-0123456789abcdef0", "vpc-0aaaaaaaaaaaaaaaa"]);
  context["aws:SourceVpce"] = r.pick(["vpce-0123456789abcdef0", "vpce-0aaaaaaaaaaaaaaaa"]);
  context["aws:VpcSourceIp"] = "10.0.0.1";
}
