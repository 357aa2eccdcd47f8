// Random key policies of the kind that people write, with what goes wrong in them. They share no code with the
// generators of the differential tests: what those never draw may be drawn here.

export const OWNER = "111122223333";
export const ZONE = { accounts: [OWNER, "222233334444"], organizations: ["o-own1234567"] };
export const OUTSIDERS = ["444455556666", "999988887777", "555566667777"];
export const FOREIGN_ORGANIZATIONS = ["o-foreign0001", "o-par1234567"];
export const SERVICES = [
  "s3.amazonaws.com",
  "logs.us-east-1.amazonaws.com",
  "cloudtrail.amazonaws.com",
  "sns.amazonaws.com",
  "events.amazonaws.com",
];
export const ROLES = [
  "app",
  "team/ops",
  "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
];

const NAMED = [...ZONE.accounts, "444455556666", "999988887777"];
const ORGANIZATIONS = [...ZONE.organizations, ...FOREIGN_ORGANIZATIONS];
const ACTIONS = [
  "kms:Decrypt",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKey*",
  "kms:ReEncrypt*",
  "kms:ReEncryptFrom",
  "kms:CreateGrant",
  "kms:PutKeyPolicy",
  "kms:DescribeKey",
  "kms:*",
  "*",
  "kms:De*",
  "kms:?ecrypt",
  "KMS:decrypt",
  "kms:Sign",
  "kms:GetKeyPolicy",
  "kms:ScheduleKeyDeletion",
  "kms:Get*",
];

const STRINGS = {
  "aws:PrincipalAccount": (r) => r.pick(NAMED),
  "kms:CallerAccount": (r) => r.pick(NAMED),
  "aws:PrincipalOrgID": (r) => r.pick(ORGANIZATIONS),
  "aws:SourceAccount": (r) => r.pick(NAMED),
  "aws:PrincipalOrgPaths": (r) => `${r.pick(ORGANIZATIONS)}/r-ab12/ou-ab12-11111111/`,
  "aws:SourceOrgID": (r) => r.pick(ORGANIZATIONS),
  "kms:ViaService": (r) =>
    r.pick(["s3.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com", "ec2.eu-west-1.amazonaws.com"]),
  "aws:SourceVpce": () => "vpce-0123456789abcdef0",
  "aws:SourceVpc": () => "vpc-0123456789abcdef0",
  "aws:PrincipalTag/team": (r) => r.pick(["pay", "hr"]),
  "aws:userid": (r) => r.pick(["AROAEXAMPLEEXAMPLE123:sess1", "111122223333:x"]),
  "aws:PrincipalType": (r) => r.pick(["AssumedRole", "User", "Account"]),
  "aws:ResourceAccount": (r) => r.pick(NAMED),
  "aws:ResourceOrgID": (r) => r.pick(ORGANIZATIONS),
  "aws:username": () => "bob",
  "aws:RequestedRegion": (r) => r.pick(["us-east-1", "eu-west-1"]),
  "aws:PrincipalServiceName": (r) => r.pick(SERVICES),
  "kms:EncryptionContextKeys": (r) => r.pick(["app", "env"]),
  "kms:GrantOperations": (r) => r.pick(["Decrypt", "Encrypt"]),
  "kms:KeyOrigin": (r) => r.pick(["AWS_KMS", "EXTERNAL"]),
  "aws:CalledVia": (r) => r.pick(["s3.amazonaws.com", "athena.amazonaws.com"]),
};
/** Keys that hold lists, and are tested with a qualifier. */
const LISTS = ["aws:PrincipalOrgPaths", "kms:EncryptionContextKeys", "kms:GrantOperations", "aws:CalledVia"];
const ARNS = {
  "aws:PrincipalArn": principalArn,
  "aws:SourceArn": (r) => `arn:aws:sns:us-east-1:${r.pick(NAMED)}:topic`,
};
const BOOLEANS = [
  "aws:SecureTransport",
  "aws:MultiFactorAuthPresent",
  "aws:ViaAWSService",
  "aws:PrincipalIsAWSService",
  "kms:GrantIsForAWSResource",
];

function principalArn(r) {
  const account = r.pick(NAMED);
  return r.pick([
    `arn:aws:iam::${account}:root`,
    `arn:aws:iam::${account}:role/${r.pick(ROLES)}`,
    `arn:aws:iam::${account}:user/bob`,
    `arn:aws:sts::${account}:assumed-role/app/sess1`,
  ]);
}

function principalEntry(r) {
  return r.chance(0.15) ? r.pick(NAMED) : principalArn(r);
}

/** One to three; one alone is as often no list. */
function some(r, make) {
  const list = Array.from({ length: r.int(1, 3) }, () => make(r));
  return list.length === 1 && r.chance(0.6) ? list[0] : list;
}

function principal(r) {
  const x = r.next();
  if (x < 0.4) return r.chance(0.5) ? "*" : { AWS: "*" };
  if (x < 0.8) return { AWS: some(r, principalEntry) };
  if (x < 0.95) return { Service: some(r, (s) => s.pick(SERVICES)) };
  return { AWS: some(r, principalEntry), Service: r.pick(SERVICES) };
}

/** A pattern near a text: as it is, cut off, or with a sign or a stretch left open. */
function pattern(r, text) {
  const x = r.next();
  const i = r.int(0, text.length - 1);
  const j = r.int(i, text.length);
  if (x < 0.5) return text;
  if (x < 0.7) return `${text.slice(0, i)}*`;
  if (x < 0.8) return `*${text.slice(i)}`;
  if (x < 0.9) return `${text.slice(0, i)}?${text.slice(i + 1)}`;
  return `${text.slice(0, i)}*${text.slice(j)}`;
}

function condition(r) {
  const x = r.next();
  if (x < 0.55) {
    const key = r.pick(Object.keys(STRINGS));
    const operator = r.pick([
      "StringEquals",
      "StringEquals",
      "StringLike",
      "StringNotEquals",
      "StringNotLike",
      "StringEqualsIgnoreCase",
      "StringNotEqualsIgnoreCase",
    ]);
    const one = operator.endsWith("Like") ? (s) => pattern(s, STRINGS[key](s)) : STRINGS[key];
    return [operator, key, some(r, one)];
  }
  if (x < 0.75) {
    const key = r.pick(Object.keys(ARNS));
    const operator = r.pick([
      "ArnLike",
      "ArnEquals",
      "ArnNotLike",
      "ArnNotEquals",
      "StringLike",
      "StringEquals",
      "StringNotLike",
    ]);
    const one = operator.endsWith("Like") ? (s) => pattern(s, ARNS[key](s)) : ARNS[key];
    return [operator, key, some(r, one)];
  }
  if (x < 0.85) return ["Bool", r.pick(BOOLEANS), r.pick(["true", "false"])];
  if (x < 0.92) {
    const ranges = ["203.0.113.0/24", "10.0.0.0/8", "192.0.2.0/25", "2001:db8::/32", "198.51.100.7"];
    return [r.pick(["IpAddress", "NotIpAddress"]), "aws:SourceIp", some(r, (s) => s.pick(ranges))];
  }
  if (x < 0.97) {
    return ["Null", r.pick([...Object.keys(STRINGS), ...Object.keys(ARNS)]), r.pick(["true", "false"])];
  }
  const date = r.pick(["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]);
  return [r.pick(["DateLessThan", "DateGreaterThan"]), "aws:CurrentTime", date];
}

function qualified(r, operator, key) {
  if (operator === "Null") return operator;
  const ifExists = r.chance(0.18) ? `${operator}IfExists` : operator;
  const list = LISTS.includes(key);
  if (!r.chance(list ? 0.9 : 0.04)) return ifExists;
  return `${r.chance(0.6) ? "ForAnyValue" : "ForAllValues"}:${ifExists}`;
}

function conditions(r) {
  const all = {};
  for (let n = r.pick([0, 1, 1, 1, 2, 2, 3]); n > 0; n -= 1) {
    const [operator, key, values] = condition(r);
    const block = (all[qualified(r, operator, key)] ??= {});
    block[r.chance(0.25) ? key.toLowerCase() : key] = values;
  }
  return all;
}

function statement(r) {
  const effect = r.chance(0.65) ? "Allow" : "Deny";
  const s = { Effect: effect };
  if (r.chance(0.5)) s.Sid = `S${r.int(0, 99)}`;
  if (effect === "Deny" && r.chance(0.35)) s.NotPrincipal = { AWS: some(r, principalEntry) };
  else s.Principal = effect === "Allow" || r.chance(0.5) ? principal(r) : "*";
  s[r.chance(0.1) ? "NotAction" : "Action"] = some(r, (x) => x.pick(ACTIONS));
  s.Resource = r.chance(0.1) ? `arn:aws:kms:us-east-1:${OWNER}:key/*` : "*";
  const condition = conditions(r);
  return Object.keys(condition).length === 0 ? s : { ...s, Condition: condition };
}

/** One to five statements; more often than not the owner's account keeps the key manageable. */
export function keyPolicy(r) {
  const statements = Array.from({ length: r.int(1, 4) }, () => statement(r));
  if (r.chance(0.6)) {
    statements.unshift({
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${OWNER}:root` },
      Action: "kms:*",
      Resource: "*",
    });
  }
  return { Version: r.chance(0.95) ? "2012-10-17" : "2008-10-17", Statement: statements };
}
