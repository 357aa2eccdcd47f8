import { ACCOUNT_LEVEL_ACTIONS, KMS_KEY_ACTIONS } from "../../src/semantics/actions.js";
import { condition, conditionBlock } from "./conditions.js";
import type { Random } from "./random.js";
import {
  FEDERATED,
  NAMED_ACCOUNTS,
  OWN,
  type Place,
  ROLE_ID,
  ROLES,
  roleArn,
  SERVICE_ROLE,
  SERVICES,
  SESSIONS,
  USER_ID,
  USERS,
} from "./vocabulary.js";

/** A principal as a policy or a grant can name it. */
export function principalText(r: Random, place: Place): string {
  const account = r.pick(NAMED_ACCOUNTS);
  const { partition: p } = place;
  return r.weighted(
    [6, () => `arn:${p}:iam::${account}:root`],
    [2, () => account as string],
    [6, () => roleArn(account, r.pick(ROLES), p)],
    [3, () => `arn:${p}:iam::${account}:user/${r.pick(USERS)}`],
    [2, () => `arn:${p}:sts::${account}:assumed-role/${r.pick(["app", "Admin"])}/${r.pick(SESSIONS)}`],
    [2, () => `arn:${p}:sts::${account}:federated-user/${r.pick(FEDERATED)}`],
    [1, () => roleArn(account, SERVICE_ROLE, p)],
    [1, () => r.pick([ROLE_ID, USER_ID])],
  );
}

/** A principal that KMS would refuse, or of another partition. */
function refusedPrincipal(r: Random): unknown {
  return r.pick<unknown>([
    { AWS: "arn:aws:iam::*:role/app" },
    { AWS: "arn:aws:iam::444455556666:group/g" },
    { AWS: "arn:aws-us-gov:iam::444455556666:root" },
    { AWS: "arn:aws:iam::444455556666:role/*" },
    { Federated: "cognito-identity.amazonaws.com" },
    { CanonicalUser: "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be" },
    { AWS: "nobody" },
    { Service: "*" },
  ]);
}

function principal(r: Random, place: Place): unknown {
  return r.weighted<unknown>(
    [30, () => "*"],
    [6, () => ({ AWS: "*" })],
    [
      40,
      () => ({
        AWS: one(
          r,
          r.list(1, 3, () => principalText(r, place)),
        ),
      }),
    ],
    [
      16,
      () => ({
        Service: one(
          r,
          r.list(1, 2, () => r.pick(SERVICES) as string),
        ),
      }),
    ],
    [4, () => ({ AWS: principalText(r, place), Service: r.pick(SERVICES) })],
    [2, () => refusedPrincipal(r)],
  );
}

/** A list of one may be written bare. */
function one<T>(r: Random, list: readonly T[]): unknown {
  return list.length === 1 && r.chance(50) ? list[0] : list;
}

const ACTION_PATTERNS = [
  "kms:*",
  "*",
  "kms:Decrypt",
  "kms:GenerateDataKey*",
  "kms:*Grant*",
  "KMS:decrypt",
  "kms:De*",
  "kms:?ecrypt",
  "kms:ReEncrypt*",
  "kms:Describe*",
  "kms:*Key*",
] as const;

const ODD_ACTIONS = [
  "kms:ReEncrypt",
  "s3:GetObject",
  "k*:Decrypt",
  "kms:RetireGrant",
  "decrypt",
  "?ms:Encrypt",
];

function actions(r: Random): unknown {
  const list = r.list(1, 3, () =>
    r.weighted(
      [10, () => r.pick(ACTION_PATTERNS) as string],
      [5, () => r.pick(KMS_KEY_ACTIONS).name as string],
      [1, () => r.pick(ODD_ACTIONS)],
      [1, () => r.pick(ACCOUNT_LEVEL_ACTIONS)],
    ),
  );
  return one(r, list);
}

/** The ARN of the key that worlds are about. */
export function keyArn({ partition, region }: Place): string {
  return `arn:${partition}:kms:${region}:${OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
}

function resources(r: Random, place: Place): unknown {
  const { partition: p, region } = place;
  const own = keyArn(place);
  const pick = (): string =>
    r.weighted(
      [4, () => own],
      [3, () => own.replace("1234abcd", "9999ffff")],
      [2, () => `arn:${p}:kms:*:${OWN}:key/*`],
      [2, () => `arn:${p}:kms:${region}:${OWN}:alias/app`],
      [1, () => `arn:${p}:kms:${region}:444455556666:key/*`],
      [1, () => `arn:${p}:kms:${region}:*:key/\${aws:PrincipalTag/team}`],
      [1, () => `arn:${p}:kms:${region}:*:key/\${aws:PrincipalTag/team, '*'}`],
      [1, () => `arn:${p}:kms:\${aws:RequestedRegion}:${OWN}:key/*`],
      [1, () => `arn:${p}:s3:::bucket`],
      [1, () => "arn:*"],
      [1, () => "*"],
    );
  return one(r, r.list(1, 2, pick));
}

function conditions(r: Random, place: Place): Record<string, unknown> {
  const count = r.weighted([30, () => 0], [38, () => 1], [22, () => 2], [10, () => 3]);
  const rows = Array.from({ length: count }, () => condition(r, place));
  return rows.length === 0 ? {} : { Condition: conditionBlock(r, rows) };
}

/** A statement of a key policy, as JSON. */
export function statement(r: Random, place: Place): Record<string, unknown> {
  const not = r.chance(8);
  const principals = principal(r, place);
  const notAction = r.chance(8);
  return {
    ...(r.chance(20) ? { Sid: r.pick(["S", "Enable IAM", "x y"]) } : {}),
    Effect: r.chance(62) ? "Allow" : "Deny",
    [not && principals !== "*" ? "NotPrincipal" : "Principal"]: principals,
    ...(r.chance(1) ? {} : { [notAction ? "NotAction" : "Action"]: r.chance(1) ? [] : actions(r) }),
    ...resourceElement(r, place),
    ...conditions(r, place),
  };
}

function resourceElement(r: Random, place: Place): Record<string, unknown> {
  return r.weighted<Record<string, unknown>>(
    [80, () => ({ Resource: "*" })],
    [13, () => ({ Resource: resources(r, place) })],
    [5, () => ({ NotResource: r.chance(6) ? [] : resources(r, place) })],
    [1, () => ({})],
  );
}

/** The text of a key policy. */
export function keyPolicy(r: Random, place: Place): string {
  const version = r.weighted<Record<string, unknown>>(
    [88, () => ({ Version: "2012-10-17" })],
    [6, () => ({ Version: "2008-10-17" })],
    [6, () => ({})],
  );
  const root = {
    Effect: "Allow",
    Principal: { AWS: `arn:${place.partition}:iam::${OWN}:root` },
    Action: "kms:*",
    Resource: "*",
  };
  const Statement: unknown[] = r.list(1, 5, () => statement(r, place));
  if (r.chance(30)) Statement.unshift(root);
  return JSON.stringify({ ...version, Statement });
}

/** The text of a resource control policy: what AWS attaches everywhere, and some Deny. */
export function resourceControlPolicy(r: Random, place: Place): string {
  const deny = (): Record<string, unknown> => ({
    Effect: "Deny",
    Principal: "*",
    [r.chance(10) ? "NotAction" : "Action"]: r.pick([
      "kms:*",
      "kms:Decrypt",
      ["kms:Decrypt", "kms:CreateGrant"],
    ]),
    ...(r.chance(8)
      ? { NotResource: keyArn(place) }
      : { Resource: r.chance(80) ? "*" : resources(r, place) }),
    ...conditions(r, place),
  });
  return JSON.stringify({ Version: "2012-10-17", Statement: r.list(1, 2, deny) });
}
