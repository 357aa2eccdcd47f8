import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ACCOUNTS,
  ORGANIZATION,
  allow,
  begin,
  keyLine,
  own,
  policy,
  root,
  same,
} from "../../../test/alike.js";
import { policyArb } from "../../../test/generators/policies.js";
import { OWN } from "../../../test/generators/world.js";
import type { KeyLine } from "../../snapshot/lines.js";
import type { Config } from "../../trust/config.js";
import { NO_CONFIG } from "../../trust/config.js";

/** What users, roles and statements are called: harmless, alike, part of each other, words of keyward's own, hostile. */
const WORDS = [
  "app-alpha",
  "app-bravo",
  "app-alpha-2",
  "zulu_role",
  "Decrypt",
  "statement",
  "account",
  "outsider",
  "session",
  "anyone",
  "keyward",
  "external-access",
  "AWSServiceRoleForAutoScaling",
  "aKz0777",
  "KZ777777",
  "kz1abcde",
  "ci/deploy-alpha",
  "ci/deploy-bravo",
  "app-alpha/inner",
  "aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
  "with.dot-and+plus",
  "at@example",
  "123456789012",
  "x111122223333",
  "a".repeat(64),
  "b".repeat(63),
  "Enable IAM",
  "abcd",
  "abc",
  "us-east-1",
];

const OUTSIDE = "600000000009";
const word = fc.constantFrom(...WORDS);

/** Statements over some words. `w` are the words, so that one may stand in several places. */
const statementArb = fc
  .record({
    sid: fc.option(fc.nat(3), { nil: undefined }),
    account: fc.constantFrom("own", "outside", "member"),
    kind: fc.constantFrom("role", "role", "user"),
    names: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
    more: fc.constantFrom<object>(
      {},
      {},
      { Action: "kms:*" },
      { Effect: "Deny" },
      { Effect: "Deny", Principal: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } },
      { Principal: "*" },
      { Principal: { Service: "s3.amazonaws.com" } },
      { Condition: { StringEquals: { "aws:PrincipalTag/team": "app-alpha" } } },
      { Condition: { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/app-*" } } },
      { Condition: { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } } },
      { Condition: { StringLike: { "aws:userid": "*:app-alpha" } } },
      { Resource: "arn:aws:kms:us-east-1:111122223333:key/*" },
      { Sid: "app-alpha" },
      { NotPrincipal: { AWS: `arn:aws:iam::${OUTSIDE}:role/app-alpha` }, Principal: undefined },
    ),
  })
  .map((s) => (words: readonly string[], account: string): object => {
    const of = s.account === "own" ? account : s.account === "member" ? (ACCOUNTS[1] ?? "") : OUTSIDE;
    return {
      ...(s.sid === undefined ? {} : { Sid: words[s.sid] }),
      ...allow({ AWS: s.names.map((n) => `arn:aws:iam::${of}:${s.kind}/${words[n] ?? ""}`) }),
      ...s.more,
    };
  });

const documentArb = fc.record({
  statements: fc.array(statementArb, { minLength: 1, maxLength: 3 }),
  id: fc.option(fc.nat(3), { nil: undefined }),
  indent: fc.constantFrom(0, 0, 2, 7),
  twice: fc.constantFrom("", "", "", '"Id":"app-alpha",', '"Sid":"app-alpha",'),
});

function text(
  d: typeof documentArb extends fc.Arbitrary<infer T> ? T : never,
  words: readonly string[],
  account: string,
): string {
  const statements = [own(account), ...d.statements.map((s) => s(words, account))];
  const json = {
    Version: "2012-10-17",
    ...(d.id === undefined ? {} : { Id: words[d.id] }),
    Statement: statements,
  };
  const written = JSON.stringify(json, null, d.indent);
  return d.twice === "" ? written : `{${d.twice}${written.slice(1)}`;
}

const SCALE = Number(process.env["KEYWARD_SCALE"] ?? "1");
const SEED = Number(process.env["KEYWARD_SEED"] ?? "11");

describe("policies that differ in the names of users, roles and statements", () => {
  test("get the report that they would have alone, whatever the names are", { timeout: 600_000 }, () => {
    const shared: number[] = [];
    fc.assert(
      fc.property(
        documentArb,
        fc.array(fc.uniqueArray(word, { minLength: 4, maxLength: 4 }), { minLength: 3, maxLength: 5 }),
        fc.shuffledSubarray(ACCOUNTS.slice(0, 4), { minLength: 2, maxLength: 2 }),
        (d, lists, accounts) => {
          const lines = lists.flatMap((words) =>
            [OWN, ...accounts].map((a) => keyLine(a, text(d, words, a))),
          );
          shared.push(lines.length - same(lines).analysed);
        },
      ),
      { seed: SEED, numRuns: 120 * SCALE },
    );
    // Not by never sharing anything.
    expect(shared.filter((n) => n > 0).length).toBeGreaterThan(shared.length / 2);
  });

  test("also where resource control policies, grants and a zone of trust speak of names", () => {
    const control = (condition: object): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Principal: "*", Action: "kms:*", Resource: "*", Condition: condition }],
      });
    const controls = [
      { StringNotEquals: { "aws:PrincipalOrgID": ORGANIZATION } },
      { ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/app-*" } },
    ];
    const trust: Config["trust"] = {
      ...NO_CONFIG.trust,
      principals: [`arn:aws:iam::${OUTSIDE}:role/app-alpha`],
    };
    const grants = (name: string): Partial<KeyLine> => ({
      grants: {
        kind: "present",
        items: [
          {
            GrantId: "ab".repeat(32),
            GranteePrincipal: `arn:aws:iam::${OUTSIDE}:role/${name}`,
            Operations: ["Decrypt"],
          },
        ],
      },
    });
    const names = ["app-alpha", "app-bravo", "zulu_role", "app-charlie"];
    const lines = [OWN, ...ACCOUNTS].flatMap((a) =>
      names.flatMap((n) => [
        keyLine(a, policy(own(a), allow({ AWS: `arn:aws:iam::${OUTSIDE}:role/${n}` }))),
        keyLine(a, policy(own(a), allow({ AWS: `arn:aws:iam::${OUTSIDE}:role/${n}` })), grants("app-bravo")),
        keyLine(
          a,
          policy({ ...own(a), Sid: n }, allow({ AWS: `arn:aws:iam::${a}:role/${n}` }, { Action: "kms:*" })),
        ),
      ]),
    );
    for (const c of controls) {
      same(lines, { ...NO_CONFIG, trust }, [
        { type: "resource-control-policy", target: ORGANIZATION, text: control(c), name: "app-bravo" },
        { type: "resource-control-policy", target: ACCOUNTS[1] ?? "", text: control(c) },
      ]);
    }
  });

  test("are analysed once", () => {
    const judge = begin(NO_CONFIG, true);
    for (let i = 0; i < 200; i++) {
      const name = `role-${String(i).padStart(3, "0")}`;
      const partner = allow({ AWS: `arn:aws:iam::${OUTSIDE}:role/${name}` }, { Sid: `Sid${name.slice(5)}x` });
      judge.key(keyLine(OWN, policy(own(OWN), partner)));
    }
    expect(judge.analysed).toBe(1);
  });

  test("are told apart by what looks into names", () => {
    const judge = begin(NO_CONFIG, true);
    for (const name of ["app-alpha", "app-bravo"]) {
      const condition = { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/app-a*" } };
      const partner = allow({ AWS: `arn:aws:iam::${OUTSIDE}:role/${name}` }, { Condition: condition });
      const exposure = JSON.parse(judge.key(keyLine(OWN, policy(own(OWN), partner))).text) as {
        exposure: string;
      };
      expect(exposure.exposure).toBe(name === "app-alpha" ? "external" : "none");
    }
  });

  test("random policies under other names", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(policyArb, fc.uniqueArray(word, { minLength: 2, maxLength: 3 }), (made, words) => {
        const json = typeof made === "string" ? made : JSON.stringify(made);
        const renamed = words.map((w) =>
          json.replace(
            /(:(?:role|user)\/)([\w/-]+)/g,
            (_, before: string, name: string) => `${before}${w}${name.length}`,
          ),
        );
        same([json, ...renamed].map((t) => keyLine(OWN, t)));
      }),
      { seed: SEED, numRuns: 150 * SCALE },
    );
  });

  test("whose names are cut off in a sentence are not taken for each other", () => {
    const sid = (name: string, a: string): string => `${"long ".repeat(11)}${a} ${name}`;
    const lines = ACCOUNTS.slice(0, 4).flatMap((a) =>
      ["alpha-one", "bravo-two"].map((n) =>
        keyLine(a, policy(own(a), allow({ AWS: root(OUTSIDE) }, { Sid: sid(n, a) }))),
      ),
    );
    same(lines);
  });
});
