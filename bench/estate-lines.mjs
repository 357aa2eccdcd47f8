/**
 * A made-up estate as snapshot lines, the same for the same seed. One key in five brings a policy that no key before it
 * had; the others repeat one: mostly a common template, sometimes a recent one, sometimes any earlier one. A repeated
 * policy names the account that it now stands in, as a template rolled out over many accounts does.
 *
 * @param {{ keys: number, seed?: number, distinct?: number }} options `distinct`: the share of new policies
 * @returns {Generator<string>} lines without line feeds
 */
export function* estateLines({ keys, seed = 1, distinct = 0.2 }) {
  const random = generator(seed);
  const int = (n) => Math.floor(random() * n);
  const pick = (list) => list[int(list.length)];
  const digits = (n) => Array.from({ length: n }, () => int(10)).join("");
  const hex = (n) => {
    let text = "";
    while (text.length < n) text += int(0x1000000).toString(16).padStart(6, "0");
    return text.slice(0, n);
  };
  const accounts = [
    ...new Set(Array.from({ length: Math.max(3, Math.ceil(keys / 1000)) }, () => `2${digits(11)}`)),
  ];
  const units = Array.from({ length: 12 }, () => `ou-ab12-${hex(8)}`);
  const partners = Array.from({ length: 40 }, () => `7${digits(11)}`);
  const regions = ["us-east-1", "us-east-1", "us-east-1", "eu-west-1", "eu-central-1"];

  yield json({
    type: "snapshot",
    schema: "keyward.snapshot/1",
    createdAt: "2026-11-23T10:00:00Z",
    tool: "bench",
    // As keyward scan writes it.
    order: "context-first",
  });
  yield json({
    type: "organization",
    id: ORGANIZATION,
    managementAccountId: accounts[0],
    accounts: accounts.map((id, i) => ({
      id,
      name: `a${i}`,
      path: `${ORGANIZATION}/r-ab12/${units[i % units.length]}/`,
    })),
  });
  yield json({ type: "resource-control-policy", target: units[0], text: PERIMETER });

  /** Where a policy is made from: its kind and its seed. A repeat makes the same text for another account. */
  const made = [];
  let left = keys * distinct;
  for (let i = 0; i < keys; i++) {
    const account = accounts[Math.floor((i / keys) * accounts.length)];
    let recipe;
    if (made.length < COMMON || random() < left / (keys - i)) {
      left--;
      recipe = { kind: made.length < COMMON ? made.length : int(KINDS.length), n: made.length };
      made.push(recipe);
    } else {
      const where = random();
      if (where < 0.7) recipe = made[Math.min(int(COMMON), int(COMMON))];
      else if (where < 0.9) recipe = made[Math.max(0, made.length - 1 - int(500))];
      else recipe = made[int(made.length)];
    }
    const region = pick(regions);
    const multi = random() < 0.03;
    const id = multi ? `mrk-${hex(32)}` : [8, 4, 4, 4, 12].map(hex).join("-");
    const arn = `arn:aws:kms:${region}:${account}:key/${id}`;
    yield json({
      type: "key",
      arn,
      manager: "CUSTOMER",
      state: random() < 0.97 ? "Enabled" : pick(["Disabled", "PendingDeletion"]),
      spec: "SYMMETRIC_DEFAULT",
      usage: "ENCRYPT_DECRYPT",
      origin: "AWS_KMS",
      multiRegion: multi,
      ...(multi ? { multiRegionKeyType: "PRIMARY" } : {}),
      createdAt: `2025-0${1 + int(9)}-1${int(10)}T08:00:00Z`,
      rotationEnabled: random() < 0.8,
      aliases: random() < 0.9 ? [`alias/app-${hex(6)}`] : [],
      tags:
        random() < 0.7
          ? { team: `team-${int(60)}`, env: pick(["prod", "test", "dev"]), cost: digits(5) }
          : {},
      policy: { kind: "present", text: policyText(recipe, account, partners) },
      grants: { kind: "present", items: grants(random, int, hex, account, region, arn) },
    });
  }
}

const ORGANIZATION = "o-own1234567";
/** Policies that most keys have. */
const COMMON = 30;

const PERIMETER = json({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Deny",
      Principal: "*",
      Action: "kms:*",
      Resource: "*",
      Condition: {
        StringNotEqualsIfExists: { "aws:PrincipalOrgID": ORGANIZATION },
        BoolIfExists: { "aws:PrincipalIsAWSService": "false" },
      },
    },
  ],
});

const USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
const ADMIN = [
  "kms:Create*",
  "kms:Describe*",
  "kms:Enable*",
  "kms:List*",
  "kms:Put*",
  "kms:Update*",
  "kms:Revoke*",
  "kms:Disable*",
  "kms:Get*",
  "kms:Delete*",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:ScheduleKeyDeletion",
  "kms:CancelKeyDeletion",
];

/** Kinds of policies; `x` are statements beside the default one. Weights by repetition. */
const KINDS = [
  plain,
  roles,
  roles,
  admins,
  admins,
  organization,
  service,
  service,
  viaService,
  partner,
  partnerRole,
  externalId,
  context,
  tlsOnly,
  open,
  openNarrowed,
];

function plain() {
  return [];
}
function roles({ n, account }) {
  return [
    allow(
      {
        AWS: [
          `arn:aws:iam::${account}:role/app-x${word(n)}`,
          `arn:aws:iam::${account}:role/ci/deploy-x${word(n)}`,
        ],
      },
      USE,
    ),
  ];
}
function admins({ n, account }) {
  return [
    allow({ AWS: `arn:aws:iam::${account}:role/admin-x${word(n)}` }, ADMIN, undefined, "Administrators"),
    allow({ AWS: `arn:aws:iam::${account}:role/app-x${word(n)}` }, USE, undefined, "Use"),
    allow(
      { AWS: `arn:aws:iam::${account}:role/app-x${word(n)}` },
      ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
      { Bool: { "kms:GrantIsForAWSResource": "true" } },
      "Grants",
    ),
  ];
}
function organization({ n }) {
  return [
    allow(
      { AWS: "*" },
      USE,
      {
        StringEquals: { "aws:PrincipalOrgID": ORGANIZATION },
        StringLike: { "aws:PrincipalArn": `arn:aws:iam::*:role/app-x${word(n)}` },
      },
      "Organization",
    ),
  ];
}
function service({ n, account }) {
  const [name, kind] = SERVICES[n % SERVICES.length];
  const bound =
    n % 5 === 0
      ? undefined
      : {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": `arn:aws:${kind}:*:${account}:x${word(n)}*` },
        };
  return [allow({ Service: name }, ["kms:Decrypt", "kms:GenerateDataKey*"], bound, `Service${word(n)}`)];
}
const SERVICES = [
  ["cloudtrail.amazonaws.com", "cloudtrail"],
  ["sns.amazonaws.com", "sns"],
  ["s3.amazonaws.com", "s3"],
  ["events.amazonaws.com", "events"],
];
function viaService({ n, account }) {
  return [
    allow(
      { AWS: "*" },
      USE,
      { StringEquals: { "kms:CallerAccount": account, "kms:ViaService": `ec2.us-east-1.amazonaws.com` } },
      `Via${word(n)}`,
    ),
  ];
}
function partner({ n, partners }) {
  return [
    allow({ AWS: `arn:aws:iam::${partners[n % partners.length]}:root` }, USE, undefined, `Partner${word(n)}`),
  ];
}
function partnerRole({ n, partners }) {
  return [
    allow({ AWS: `arn:aws:iam::${partners[n % partners.length]}:role/backup-x${word(n)}` }, [
      "kms:Decrypt",
      "kms:DescribeKey",
    ]),
  ];
}
function externalId({ n, partners }) {
  return [
    allow({ AWS: "*" }, ["kms:Decrypt"], {
      StringEquals: { "aws:PrincipalAccount": partners[n % partners.length] },
      ArnLike: { "aws:PrincipalArn": `arn:aws:iam::*:role/x${word(n)}` },
    }),
  ];
}
function context({ n, account, partners }) {
  return [
    allow(
      { AWS: [`arn:aws:iam::${partners[n % partners.length]}:root`, `arn:aws:iam::${account}:root`] },
      ["kms:Decrypt"],
      { StringEquals: { "kms:EncryptionContext:app": `x${word(n)}` } },
    ),
  ];
}
function tlsOnly({ n, account }) {
  return [
    allow({ AWS: `arn:aws:iam::${account}:role/x${word(n)}` }, USE),
    {
      Sid: "Tls",
      Effect: "Deny",
      Principal: "*",
      Action: "kms:*",
      Resource: "*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ];
}
function open({ n }) {
  return [allow("*", n % 2 === 0 ? USE : "kms:Decrypt", undefined, `Open${word(n)}`)];
}
function openNarrowed({ n, account }) {
  return [
    allow("*", USE, undefined, `Open${word(n)}`),
    {
      Sid: "Own",
      Effect: "Deny",
      Principal: "*",
      Action: "kms:*",
      Resource: "*",
      Condition: { StringNotEquals: { "kms:CallerAccount": account } },
    },
  ];
}

function policyText({ kind, n }, account, partners) {
  const more = KINDS[kind % KINDS.length]({ n, account, partners });
  const own = allow(
    { AWS: `arn:aws:iam::${account}:root` },
    "kms:*",
    undefined,
    "Enable IAM User Permissions",
  );
  return JSON.stringify(
    { Version: "2012-10-17", Id: `key-x${word(n)}`, Statement: [own, ...more] },
    null,
    n % 3 === 0 ? 2 : 0,
  );
}

function allow(principal, action, condition, sid) {
  return {
    ...(sid === undefined ? {} : { Sid: sid }),
    Effect: "Allow",
    Principal: principal,
    Action: action,
    Resource: "*",
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

/** A number as a word, as people name things. */
function word(n) {
  let text = "";
  for (let rest = n + 1; rest > 0; rest = Math.floor(rest / 26))
    text += String.fromCharCode(97 + (rest % 26));
  return text;
}

function grants(random, int, hex, account, region, arn) {
  if (random() > 0.12) return [];
  const items = [];
  for (let i = 0; i <= int(3); i++) {
    items.push(
      random() < 0.7
        ? {
            GrantId: hex(64),
            KeyId: arn,
            CreationDate: "2026-01-02T03:04:05Z",
            GranteePrincipal: `arn:aws:iam::${account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
            IssuingAccount: `arn:aws:iam::${account}:root`,
            Operations: [
              "Decrypt",
              "GenerateDataKeyWithoutPlaintext",
              "ReEncryptFrom",
              "ReEncryptTo",
              "CreateGrant",
              "DescribeKey",
            ],
          }
        : {
            GrantId: hex(64),
            KeyId: arn,
            Name: hex(36),
            CreationDate: "2026-01-02T03:04:05Z",
            GranteePrincipal: `ec2.${region}.amazonaws.com`,
            RetiringPrincipal: `ec2.${region}.amazonaws.com`,
            IssuingAccount: `arn:aws:iam::${account}:root`,
            Operations: ["Decrypt"],
            Constraints: { EncryptionContextSubset: { "aws:ebs:id": `vol-${hex(17)}` } },
          },
    );
  }
  return items;
}

function json(value) {
  return JSON.stringify(value);
}

/** Mulberry32: small, and good enough to make data. */
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
