import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policyArb } from "../../../test/generators/policies.js";
import { OWN } from "../../../test/generators/world.js";
import type { KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import type { Config } from "../../trust/config.js";
import { NO_CONFIG } from "../../trust/config.js";
import { KeyJudge } from "./key-judge.js";

const NOW = Date.UTC(2026, 10, 23) / 1000;
const ORGANIZATION = "o-own1234567";
/** Accounts that a policy is put into; two are before and behind all others, two are near what keyward makes up. */
const ACCOUNTS = [
  "100000000007",
  "222200001111",
  "444455556667",
  "888877776666",
  "999988887777",
  "987654321098",
];

const ESTATE: readonly SnapshotLine[] = [
  { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T00:00:00Z", tool: "test" },
  {
    type: "organization",
    id: ORGANIZATION,
    accounts: [OWN, ...ACCOUNTS.slice(0, 4)].map((id, i) => ({
      id,
      path: `${ORGANIZATION}/r-ab12/ou-ab12-1111111${i % 2}/`,
    })),
  },
];

function begin(config: Config, share: boolean): KeyJudge {
  const judge = new KeyJudge(config, NOW, share);
  for (const line of ESTATE) {
    if (line.type === "snapshot") judge.begin();
    else if (line.type === "organization") judge.add(line);
  }
  return judge;
}

let serial = 0;
function keyLine(account: string, policy: string, more: Partial<KeyLine> = {}): KeyLine {
  serial++;
  return {
    type: "key",
    arn: `arn:aws:kms:us-east-1:${account}:key/1234abcd-12ab-34cd-56ef-${serial.toString(16).padStart(12, "a")}`,
    manager: "CUSTOMER",
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    multiRegion: false,
    aliases: [`alias/a-${serial}`],
    tags: serial % 3 === 0 ? {} : { Team: `t${serial}`, team: "x", "1": "ü\u202e" },
    policy: { kind: "present", text: policy },
    grants: { kind: "present", items: [] },
    ...more,
  };
}

const root = (account: string): string => `arn:aws:iam::${account}:root`;
const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const allow = (principal: unknown, more: object = {}): object => ({
  Effect: "Allow",
  Principal: principal,
  Action: ["kms:Decrypt", "kms:CreateGrant"],
  Resource: "*",
  ...more,
});
const own = (account: string): object => ({
  ...allow({ AWS: root(account) }),
  Sid: "Own",
  Action: "kms:*",
});

/** Both judges must write the same, byte for byte. */
function same(lines: readonly KeyLine[], config: Config = NO_CONFIG): KeyJudge {
  const shared = begin(config, true);
  const plain = begin(config, false);
  for (const line of lines) {
    const a = shared.key(line);
    const b = plain.key(line);
    expect(a.text).toBe(b.text);
    expect(a.outline).toEqual(b.outline);
    expect(a.report()).toEqual(JSON.parse(b.text));
  }
  expect(shared.book.needed()).toEqual(plain.book.needed());
  expect(shared.met()).toEqual(plain.met());
  return shared;
}

const conditions: Readonly<Record<string, (account: string) => object>> = {
  "the id alone": (a) => ({ StringEquals: { "kms:CallerAccount": a } }),
  "the id among others": (a) => ({ StringEquals: { "kms:CallerAccount": ["444455556666", a, "5"] } }),
  "a part of the id": (a) => ({ StringLike: { "kms:CallerAccount": `${a.slice(0, 4)}*` } }),
  "a pattern that fits some ids": () => ({ StringLike: { "kms:CallerAccount": "2*" } }),
  "a pattern with a part in it": () => ({ StringLike: { "aws:PrincipalArn": "arn:aws:iam::*1:role/x" } }),
  "a question mark": () => ({ StringLike: { "kms:CallerAccount": "22220000111?" } }),
  "a role of the account": (a) => ({ ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${a}:role/app*` } }),
  "not the account": (a) => ({ StringNotEquals: { "kms:CallerAccount": a } }),
  "a bucket with the id in its name": (a) => ({ ArnLike: { "aws:SourceArn": `arn:aws:s3:::logs-${a}` } }),
  "a source in the account": (a) => ({ StringEquals: { "aws:SourceAccount": a } }),
  "a longer number": (a) => ({ StringEquals: { "aws:PrincipalTag/n": `${a}0` } }),
  "a number": (a) => ({ NumericLessThan: { "aws:MultiFactorAuthAge": a } }),
  "a time": (a) => ({ DateLessThan: { "aws:CurrentTime": a } }),
  "a variable": () => ({ StringEquals: { "aws:PrincipalTag/a": "${aws:PrincipalAccount}" } }),
  "the organization": () => ({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } }),
  "a path of the organization": () => ({
    "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": `${ORGANIZATION}/r-ab12/ou-ab12-11111110/*` },
  }),
  "a tag of the key": () => ({ StringEquals: { "aws:ResourceTag/team": "x" } }),
  "an alias of the key": () => ({ "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/a-*" } }),
  "an address": () => ({ IpAddress: { "aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"] } }),
};

describe("keys that are alike", () => {
  test.each(Object.entries(conditions))("get the report they would have alone: %s", (_what, condition) => {
    const lines = [OWN, ...ACCOUNTS, ...ACCOUNTS].flatMap((a) => [
      keyLine(a, policy(own(a), allow("*", { Condition: condition(a) }))),
      keyLine(
        a,
        policy(own(a), allow({ AWS: "*" }), { ...allow("*"), Effect: "Deny", Condition: condition(a) }),
      ),
      keyLine(a, policy(own(a), allow({ Service: "s3.amazonaws.com" }, { Condition: condition(a) }))),
    ]);
    same(lines);
  });

  test("with random policies, in whatever account they stand", () => {
    fc.assert(
      fc.property(
        policyArb,
        fc.shuffledSubarray(ACCOUNTS, { minLength: 2, maxLength: 3 }),
        (made, accounts) => {
          const text = typeof made === "string" ? made : JSON.stringify(made);
          same([OWN, ...accounts].map((a) => keyLine(a, text.replaceAll(OWN, a))));
        },
      ),
      { seed: 5, numRuns: 150 },
    );
  });

  test("with a zone of trust and exceptions", () => {
    const exception = { reason: "r", owner: "o", expires: "2027-01-01", where: "keyward.yaml:1:1" } as const;
    const config: Config = {
      where: "keyward.yaml",
      trust: {
        organizations: "auto",
        accounts: [{ id: "222200001111" as never }],
        principals: ["arn:aws:iam::444455556667:role/app"],
        services: ["sns.amazonaws.com"],
      },
      exceptions: [
        { ...exception, key: "arn:aws:kms:*:888877776666:key/*", rule: "public-access", who: undefined },
        { ...exception, key: "alias/a-*1", rule: "external-access", who: "123123123123" },
        { ...exception, key: "alias/none", rule: "external-access", who: undefined },
        { ...exception, key: "*:*:*:*:*:*", rule: "broad-grant", who: undefined, expires: "2026-01-01" },
      ],
    };
    const lines = [OWN, ...ACCOUNTS, ...ACCOUNTS].flatMap((a) => [
      keyLine(a, policy(own(a))),
      keyLine(a, policy(own(a), allow("*"))),
      keyLine(a, policy(own(a), allow({ AWS: [root("123123123123"), root("222200001111")] }))),
      keyLine(a, policy(own(a), allow({ AWS: `arn:aws:iam::${a}:role/app` }))),
      keyLine(a, policy(own(a), allow({ Service: ["sns.amazonaws.com", "s3.amazonaws.com"] }))),
    ]);
    const judge = same(lines, config);
    expect(judge.book.needed()).toEqual([0, 1]);
  });

  test("with grants: their ids and the resources they are bound to are each key's own", () => {
    const grants = (a: string, n: number): Partial<KeyLine> => ({
      grants: {
        kind: "present",
        items: [
          {
            GrantId: n.toString(16).padStart(64, "c"),
            KeyId: `x${n}`,
            GranteePrincipal: root(n % 2 === 0 ? "123123123123" : a),
            IssuingAccount: root(a),
            Operations: ["Decrypt", "CreateGrant"],
            Constraints: {
              EncryptionContextSubset: { "aws:ebs:id": `vol-${n.toString(16).padStart(17, "e")}` },
            },
          },
          {
            GrantId: (n + 500).toString(16).padStart(64, "d"),
            GranteePrincipal: `arn:aws:iam::${a}:role/app`,
            RetiringPrincipal: root("777788889999"),
            Operations: ["Encrypt"],
          },
        ],
      },
    });
    const lines = [...ACCOUNTS, ...ACCOUNTS].flatMap((a, i) => [
      keyLine(a, policy(own(a)), grants(a, i)),
      keyLine(a, policy(own(a), allow({ AWS: root("123123123123") })), grants(a, 100 + i)),
    ]);
    const judge = same(lines);
    // Two policies with two forms of grants; accounts near made-up ids are judged for themselves.
    expect(judge.analysed).toBeLessThan(lines.length);
  });

  test("are analysed once for each policy, in however many accounts it stands", () => {
    const judge = begin(NO_CONFIG, true);
    const accounts = Array.from({ length: 40 }, (_, i) => String(300000000000 + i * 7919));
    const kinds = 25;
    for (const a of accounts) {
      for (let k = 0; k < kinds; k++) {
        const partner = allow({ AWS: `arn:aws:iam::600000000009:role/r-${k}` });
        judge.key(keyLine(a, policy(own(a), partner), { tags: { n: String(k) } }));
      }
    }
    expect(judge.analysed).toBe(kinds);
  });

  test("are analysed again when the zone of trust or the organizations change", () => {
    const judge = begin(NO_CONFIG, true);
    const line = keyLine(OWN, policy(own(OWN)));
    judge.key(line);
    judge.key(line);
    expect(judge.analysed).toBe(1);
    judge.begin();
    judge.key(line);
    expect(judge.analysed).toBe(2);
  });
});
