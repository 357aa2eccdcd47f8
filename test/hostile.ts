/**
 * Policies made to be slow: 32 KB each, the most that KMS stores. Every one must be answered, or said to be undecided,
 * within the bound on the search; `bench` times them.
 */

const LIMIT = 32_768;

interface Statement {
  readonly [element: string]: unknown;
}

const allow = (more: Statement): Statement => ({
  Effect: "Allow",
  Principal: "*",
  Action: "kms:Decrypt",
  Resource: "*",
  ...more,
});
const deny = (more: Statement): Statement => ({ ...allow(more), Effect: "Deny" });
const policy = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** As many items as keep the policy that is made of them within the limit. */
function fill<T>(item: (i: number) => T, whole: (items: readonly T[]) => string): string {
  let few = 1;
  let many = LIMIT;
  while (few < many) {
    const n = Math.ceil((few + many) / 2);
    const text = whole(Array.from({ length: n }, (_, i) => item(i)));
    if (text.length <= LIMIT) few = n;
    else many = n - 1;
  }
  return whole(Array.from({ length: few }, (_, i) => item(i)));
}

const account = (i: number): string => String(100_000_000_000 + i * 7919);
const letters = (i: number): string =>
  Array.from({ length: 4 }, (_, k) => String.fromCharCode(97 + (Math.floor(i / 26 ** k) % 26))).join("");

/** By name. */
export const HOSTILE: Readonly<Record<string, string>> = {
  "one long glob of stars": fill(
    () => "*a?",
    (s) => policy([allow({ Condition: { StringLike: { "aws:PrincipalArn": s.join("") } } })]),
  ),
  "one long glob, refused": fill(
    () => "*a",
    (s) =>
      policy([
        allow({ Condition: { StringLike: { "aws:PrincipalArn": `${s.join("")}*` } } }),
        deny({ Condition: { StringLike: { "aws:PrincipalArn": "*a*a*a*a*a*" } } }),
      ]),
  ),
  "many overlapping globs": fill(
    (i) => `*${letters(i)}*${letters(i * 31)}*`,
    (s) => policy([allow({ Condition: { StringLike: { "aws:PrincipalArn": s } } })]),
  ),
  "many overlapping globs to escape": fill(
    (i) => `*${letters(i)[0] ?? ""}*${letters(i * 31)[0] ?? ""}*`,
    (s) =>
      policy([
        allow({ Condition: { StringLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/*" } } }),
        deny({ Condition: { StringLike: { "aws:PrincipalArn": s } } }),
      ]),
  ),
  "globs that must all match": fill(
    (i) =>
      allow({
        Effect: i === 0 ? "Allow" : "Deny",
        Condition: { [i === 0 ? "StringLike" : "StringNotLike"]: { "aws:PrincipalArn": `*${letters(i)}*` } },
      }),
    policy,
  ),
  "globs on linked keys": fill(
    (i) =>
      deny({
        Condition: {
          StringLike: { "aws:PrincipalArn": `*${letters(i)}*`, "aws:userid": `*${letters(i * 7)}*` },
        },
      }),
    (s) => policy([allow({}), ...s]),
  ),
  "denies with many ways out": fill(
    (i) =>
      deny({
        Condition: {
          StringEquals: { "aws:PrincipalTag/a": `v${i}`, "aws:PrincipalTag/b": `v${i % 7}` },
          StringLike: { "aws:PrincipalTag/c": `*${letters(i)}*` },
        },
      }),
    (s) => policy([allow({}), ...s]),
  ),
  "denies without a way out": fill(
    (i) =>
      deny({
        Condition: { StringNotEquals: { "aws:PrincipalTag/a": `v${i}`, "aws:PrincipalTag/b": `v${i}` } },
      }),
    (s) => policy([allow({}), ...s]),
  ),
  "a maze of denies": fill(
    (i) =>
      deny({
        Condition: {
          Null: {
            [`aws:PrincipalTag/t${i}`]: i % 2 === 0 ? "true" : "false",
            [`aws:PrincipalTag/t${i + 1}`]: i % 3 === 0 ? "true" : "false",
            [`aws:PrincipalTag/t${i + 2}`]: i % 5 === 0 ? "true" : "false",
          },
        },
      }),
    (s) =>
      policy([
        allow({}),
        ...s,
        deny({ Condition: { Null: { "aws:PrincipalTag/t0": "true" } } }),
        deny({ Condition: { Null: { "aws:PrincipalTag/t0": "false" } } }),
      ]),
  ),
  "accounts named": fill(account, (s) => policy([allow({ Principal: { AWS: s } })])),
  "accounts named one by one": fill((i) => allow({ Principal: { AWS: account(i) } }), policy),
  "accounts and denies": fill(
    (i) =>
      i % 2 === 0 ? allow({ Principal: { AWS: account(i) } }) : deny({ Principal: { AWS: account(i - 1) } }),
    policy,
  ),
  "accounts in conditions, shut out": fill(account, (s) =>
    policy([
      allow({ Condition: { StringEquals: { "kms:CallerAccount": s } } }),
      deny({ Condition: { StringEquals: { "aws:PrincipalAccount": s } } }),
    ]),
  ),
  "roles named": fill(
    (i) => `arn:aws:iam::${account(i)}:role/${letters(i)}`,
    (s) =>
      policy([
        allow({ Principal: { AWS: s } }),
        allow({ Condition: { StringNotLike: { "aws:PrincipalArn": "*x*" } } }),
      ]),
  ),
  "roles of one account": fill(
    (i) => `arn:aws:iam::444455556666:role/${letters(i)}`,
    (s) =>
      policy([
        allow({ Condition: { ArnLike: { "aws:PrincipalArn": s } } }),
        deny({ NotPrincipal: { AWS: "444455556666" }, Principal: undefined }),
      ]),
  ),
  "services times accounts": fill(
    (i) => [`s${i}.amazonaws.com`, account(i)] as const,
    (s) =>
      policy([
        allow({
          Principal: { Service: s.map(([name]) => name) },
          Condition: { StringEquals: { "aws:SourceAccount": s.map(([, a]) => a) } },
        }),
      ]),
  ),
  "services times source patterns": fill(
    (i) => [`s${i}.amazonaws.com`, `arn:aws:s3:*:${account(i)}:*`] as const,
    (s) =>
      policy([
        allow({
          Principal: { Service: s.map(([name]) => name) },
          Condition: { StringLike: { "aws:SourceArn": s.map(([, a]) => a) } },
        }),
        deny({ Condition: { ArnNotLike: { "aws:SourceArn": s.map(([, a]) => a) } } }),
      ]),
  ),
  "organizations named": fill(
    (i) => `o-${account(i)}`,
    (s) => policy([allow({ Condition: { StringEquals: { "aws:PrincipalOrgID": s } } })]),
  ),
  "organization paths": fill(
    (i) => `o-*${letters(i)}/r-*/ou-*${letters(i * 3)}/*`,
    (s) =>
      policy([
        allow({ Condition: { "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": s } } }),
        deny({ Condition: { "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-*" } } }),
      ]),
  ),
  "address ranges": fill(
    (i) => `${(i % 200) + 11}.${(i * 7) % 256}.${(i * 13) % 256}.0/24`,
    (s) =>
      policy([
        allow({ Condition: { IpAddress: { "aws:SourceIp": s } } }),
        deny({ Condition: { IpAddress: { "aws:SourceIp": s } } }),
      ]),
  ),
  "address ranges of version 6": fill(
    (i) => `2001:db8:${i.toString(16)}::/48`,
    (s) => policy([allow({ Condition: { NotIpAddress: { "aws:SourceIp": [...s, "0.0.0.0/0", "::/0"] } } })]),
  ),
  numbers: fill(
    (i) => String(i * 3),
    (s) =>
      policy([
        allow({
          Condition: {
            NumericNotEquals: { "aws:MultiFactorAuthAge": s },
            NumericLessThan: { "aws:MultiFactorAuthAge": "1" },
            NumericGreaterThan: { "aws:MultiFactorAuthAge": "0.9999" },
          },
        }),
      ]),
  ),
  dates: fill(
    (i) => new Date(Date.UTC(2027, 0, 1) + i * 86_400_000).toISOString().slice(0, 10),
    (s) =>
      policy([
        allow({ Condition: { DateEquals: { "aws:CurrentTime": s } } }),
        deny({ Condition: { DateEquals: { "aws:CurrentTime": s } } }),
      ]),
  ),
  "context keys": fill(
    (i) => `k${i}`,
    (s) =>
      policy([
        allow({ Condition: { "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": s } } }),
        ...s
          .slice(0, 60)
          .map((k) => deny({ Condition: { StringLike: { [`kms:EncryptionContext:${k}`]: "*" } } })),
      ]),
  ),
  "context keys that must not be there": fill(
    (i) => `*${letters(i)}*`,
    (s) =>
      policy([
        allow({ Condition: { "ForAnyValue:StringLike": { "kms:EncryptionContextKeys": "*a*" } } }),
        deny({ Condition: { "ForAnyValue:StringLike": { "kms:EncryptionContextKeys": s } } }),
      ]),
  ),
  "variables of each other": fill(
    (i) => `\${aws:PrincipalTag/t${i}}`,
    (s) =>
      policy([
        allow({
          Condition: {
            StringEquals: { "aws:PrincipalTag/x": s.slice(0, 40) },
            StringLike: { "aws:PrincipalTag/y": s },
          },
        }),
      ]),
  ),
  "variables and denies": fill(
    (i) => deny({ Condition: { StringEquals: { "aws:PrincipalTag/a": `\${aws:PrincipalTag/b${i}}` } } }),
    (s) => policy([allow({}), ...s]),
  ),
  "many statements": fill(
    (i) => allow({ Condition: { StringEquals: { "aws:PrincipalTag/a": letters(i) } } }),
    policy,
  ),
  "many statements, all shut": fill(
    (i) => allow({ Condition: { StringLike: { "aws:PrincipalArn": `arn:aws:iam::*:role/${letters(i)}*` } } }),
    (s) => policy([...s, deny({ Condition: { StringLike: { "aws:PrincipalArn": "arn:*" } } })]),
  ),
  "many actions": fill(
    (i) => `kms:*${letters(i)[0] ?? ""}*${letters(i * 17)[0] ?? ""}*`,
    (s) => policy([allow({ Action: s }), deny({ NotAction: s, Action: undefined })]),
  ),
  "many resources": fill(
    (i) => `arn:aws:kms:*:*:key/*${letters(i)}*`,
    (s) => policy([allow({ Resource: s })]),
  ),
  "every kind of key at once": fill(
    (i) =>
      deny({
        Condition: {
          StringNotLike: { "aws:PrincipalArn": `*${letters(i)}*` },
          ArnNotLike: { "aws:SourceArn": `arn:aws:*:*:*:*${letters(i)}*` },
          StringNotEquals: {
            "kms:ViaService": `${letters(i)}.us-east-1.amazonaws.com`,
            "aws:SourceVpce": letters(i),
          },
          NotIpAddress: { "aws:SourceIp": `10.${i % 256}.0.0/16` },
        },
      }),
    (s) => policy([allow({}), ...s]),
  ),
};
