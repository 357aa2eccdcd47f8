import { expect } from "vitest";
import type { ContextLine } from "../src/cli/estate/key-judge.js";
import { KeyJudge } from "../src/cli/estate/key-judge.js";
import type { KeyLine, SnapshotLine } from "../src/snapshot/lines.js";
import type { Config } from "../src/trust/config.js";
import { NO_CONFIG } from "../src/trust/config.js";
import { OWN } from "./generators/world.js";

const NOW = Date.UTC(2026, 10, 23) / 1000;
/** The organization of {@link OWN} and of the first of {@link ACCOUNTS}. */
export const ORGANIZATION = "o-own1234567";
/** Accounts that a policy is put into; two are before and behind all others, two are near what keyward makes up. */
export const ACCOUNTS = [
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

/** A judge that knows the organization; `more` are further lines about more than one key. */
export function begin(config: Config, share: boolean, more: readonly ContextLine[] = []): KeyJudge {
  const judge = new KeyJudge(config, NOW, share);
  for (const line of ESTATE) {
    if (line.type === "snapshot") judge.begin();
    else if (line.type === "organization") judge.add(line);
  }
  for (const line of more) judge.add(line);
  return judge;
}

let serial = 0;

/** A key that no other is like by name. */
export function keyLine(account: string, policy: string, more: Partial<KeyLine> = {}): KeyLine {
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

/** The root of an account as a principal. */
export const root = (account: string): string => `arn:aws:iam::${account}:root`;
/** A policy of these statements. */
export const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
/** An Allow of some actions. */
export const allow = (principal: unknown, more: object = {}): object => ({
  Effect: "Allow",
  Principal: principal,
  Action: ["kms:Decrypt", "kms:CreateGrant"],
  Resource: "*",
  ...more,
});
/** What AWS puts into each key policy. */
export const own = (account: string): object => ({
  ...allow({ AWS: root(account) }),
  Sid: "Own",
  Action: "kms:*",
});

/** A judge that shares reports must write the same, byte for byte, as one that does not. Gives the one that shares. */
export function same(
  lines: readonly KeyLine[],
  config: Config = NO_CONFIG,
  more: readonly ContextLine[] = [],
): KeyJudge {
  const shared = begin(config, true, more);
  const plain = begin(config, false, more);
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
