import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policyArb } from "../../../test/generators/policies.js";
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
import { OWN } from "../../../test/generators/world.js";
import type { KeyLine } from "../../snapshot/lines.js";
import type { ContextLine } from "./key-judge.js";
import type { Config } from "../../trust/config.js";
import { NO_CONFIG } from "../../trust/config.js";

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

  test("with IAM: grantees that are there change nothing, and those that are gone are told", () => {
    const role = (a: string, name: string): ContextLine => ({
      type: "role",
      arn: `arn:aws:iam::${a}:role/${name}`,
      trustPolicy: { kind: "present", text: policy() },
    });
    let ids = 0;
    const granted = (a: string, to: string): KeyLine =>
      keyLine(a, policy(own(a)), {
        grants: {
          kind: "present",
          items: [
            {
              GrantId: (ids++).toString(16).padStart(64, "b"),
              GranteePrincipal: `arn:aws:iam::${a}:role/${to}`,
              IssuingAccount: root(a),
              Operations: ["Decrypt"],
              Constraints: { EncryptionContextSubset: { purpose: "backup" } },
            },
          ],
        },
      });
    const iam = ACCOUNTS.flatMap((a) => [
      role(a, "app"),
      { type: "account", id: a, iam: { kind: "present" } } as const,
    ]);
    const kept = [...ACCOUNTS, ...ACCOUNTS].map((a) => granted(a, "app"));
    const judge = same(kept, NO_CONFIG, iam);
    expect(judge.analysed).toBeLessThan(kept.length / 2);
    expect(kept.some((line) => judge.key(line).text.includes("orphaned-principal"))).toBe(false);
    const gone = [...ACCOUNTS, ...ACCOUNTS].flatMap((a) => [granted(a, "app"), granted(a, "old")]);
    const mixed = same(gone, NO_CONFIG, iam);
    const told = gone.filter((line) => mixed.key(line).text.includes("orphaned-principal"));
    expect(told).toEqual(gone.filter((_, n) => n % 2 === 1));
  });

  test("are analysed once for each policy, in however many accounts it stands", () => {
    const judge = begin(NO_CONFIG, true);
    const accounts = Array.from({ length: 40 }, (_, i) => String(300000000000 + i * 7919));
    const kinds = 25;
    for (const a of accounts) {
      for (let k = 0; k < kinds; k++) {
        const partner = allow({ AWS: root(String(600000000000 + k)) });
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
