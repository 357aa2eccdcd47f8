import { describe, expect, test } from "vitest";
import type { Finding } from "../../rules/finding.js";
import type { KeyLine, RoleLine } from "../../snapshot/lines.js";
import { NO_CONFIG } from "../../trust/config.js";
import { organization } from "../../../test/judging.js";
import type { ContextLine } from "./key-judge.js";
import { KeyJudge } from "./key-judge.js";

// Ways of outsiders through roles of several accounts, as a scan of an organization finds them.
const [ONE, TWO, THREE] = ["111111111111", "222222222222", "333333333333"] as const;
const STRANGER = "999988887777";
const ORG = "o-own1234567";
const FULL = { Effect: "Allow", Action: "*", Resource: "*" };

const policy = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });
const arn = (id: string, name: string): string => `arn:aws:iam::${id}:role/${name}`;
const root = (id: string): string => `arn:aws:iam::${id}:root`;
const allow = (action: string, resource: string = "*", more: object = {}): object => ({
  Effect: "Allow",
  Action: action,
  Resource: resource,
  ...more,
});
const assume = (resource: string): object => allow("sts:AssumeRole", resource);
const trust = (aws: unknown, more: object = {}): string =>
  policy({ Effect: "Allow", Principal: { AWS: aws }, Action: "sts:AssumeRole", ...more });

/** A role with one inline policy named after it. */
function role(
  id: string,
  name: string,
  trusts: string,
  statements: readonly object[] = [],
  boundary?: string,
): RoleLine {
  return {
    type: "role",
    arn: arn(id, name),
    trustPolicy: { kind: "present", text: trusts },
    inlinePolicies: statements.length === 0 ? [] : [{ name: `of-${name}`, text: policy(...statements) }],
    attachedPolicies: [],
    boundary: boundary ?? null,
  };
}

const KEY = { Effect: "Allow", Action: "kms:*", Resource: "*" };
const key = (id: string, ...statements: readonly object[]): KeyLine => ({
  type: "key",
  arn: `arn:aws:kms:us-east-1:${id}:key/11111111-2222-4333-8444-555555555555`,
  policy: { kind: "present", text: policy({ ...KEY, Principal: { AWS: root(id) } }, ...statements) },
  grants: { kind: "present", items: [] },
});

interface Estate {
  readonly lines: readonly ContextLine[];
  /** Service control policies that stand beside FullAWSAccess, by place. */
  readonly scps?: Readonly<Record<string, string>>;
  /** Places without any. */
  readonly without?: readonly string[];
  /** Accounts of which IAM was not read. */
  readonly unread?: readonly string[];
  readonly trusted?: boolean;
}

function judgeOf({ lines, scps = {}, without = [], unread = [], trusted = true }: Estate): KeyJudge {
  const config = trusted
    ? { ...NO_CONFIG, trust: { ...NO_CONFIG.trust, organizations: [organization(ORG)] } }
    : NO_CONFIG;
  const judge = new KeyJudge(config, 1_790_000_000);
  const ids = [ONE, TWO, THREE];
  judge.add({
    type: "organization",
    id: ORG,
    managementAccountId: "555566667777",
    accounts: ids.map((id) => ({ id, path: `${ORG}/r-ab12/` })),
    policyTypes: ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
  });
  for (const target of ["r-ab12", ...ids].filter((t) => !without.includes(t))) {
    judge.add({ type: "service-control-policy", target, text: policy(FULL) });
  }
  for (const [target, text] of Object.entries(scps))
    judge.add({ type: "service-control-policy", target, text });
  for (const id of ids) {
    const iam = unread.includes(id)
      ? ({ kind: "unreadable", code: "AccessDenied" } as const)
      : ({ kind: "present" } as const);
    judge.add({ type: "account", id, iam });
  }
  for (const line of lines) judge.add(line);
  return judge;
}

const found = (judge: KeyJudge, line: KeyLine): readonly Finding[] =>
  judge
    .key(line)
    .report()
    .findings.filter((f) => f.rule === "outsider-assumable-role");

/** Each way as `certainty: name/account …`. */
function ways(estate: Estate, line: KeyLine): readonly string[] {
  return found(judgeOf(estate), line).map((f) => {
    const steps = f.source.kind === "identity" ? (f.source.steps ?? []) : [];
    return `${f.certainty}: ${steps.map((s) => s.role.replace(/^.*::(\d)\d+:role\//, "$1/")).join(" ")}`;
  });
}

/** A stranger assumes A in the first account; A may assume B in the second; B may decrypt there. */
const A = role(ONE, "A", trust(STRANGER), [assume(arn(TWO, "B"))]);
const B = role(TWO, "B", trust(root(ONE)), [allow("kms:Decrypt")]);

describe("a stranger gets to a key through a role of another account", () => {
  test("and one of the key's account: the way, what allows each step, and a request that proves the end", () => {
    const [finding, ...more] = found(judgeOf({ lines: [A, B] }), key(TWO));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      certainty: "certain",
      who: { kind: "account", id: STRANGER },
      actions: ["kms:Decrypt"],
      source: {
        kind: "identity",
        arn: arn(TWO, "B"),
        path: [arn(ONE, "A"), arn(TWO, "B")],
        steps: [
          { role: arn(ONE, "A"), certain: true, trustStatement: 0, policies: [] },
          { role: arn(TWO, "B"), certain: true, trustStatement: 0, policies: ["of-A"] },
        ],
      },
      witness: { principal: `arn:aws:sts::${TWO}:assumed-role/B/session`, action: "kms:Decrypt" },
    });
    expect(finding?.reason).toBe(
      `Account ${STRANGER} can assume the role A of account ${ONE}, which can assume the role B of account ${TWO} (by statement 1 of the trust policy of B and policy "of-A" of A), and that role can read data encrypted under the key (kms:Decrypt), by its policy "of-B".`,
    );
  });

  test.each<[string, readonly string[], Estate, KeyLine]>([
    [
      "the trust policy names A, and A's policy allows it",
      ["certain: 1/A 2/B"],
      { lines: [A, role(TWO, "B", trust(arn(ONE, "A")), [allow("kms:Decrypt")])] },
      key(TWO),
    ],
    [
      "the trust policy names A, which has no policy of its own: across accounts it needs one",
      [],
      {
        lines: [
          role(ONE, "A", trust(STRANGER)),
          role(TWO, "B", trust(arn(ONE, "A")), [allow("kms:Decrypt")]),
        ],
      },
      key(TWO),
    ],
    [
      "the trust policy names another role",
      [],
      { lines: [A, role(TWO, "B", trust(arn(ONE, "C")), [allow("kms:Decrypt")])] },
      key(TWO),
    ],
    [
      "A may assume another role only",
      [],
      { lines: [role(ONE, "A", trust(STRANGER), [assume(arn(TWO, "C"))]), B] },
      key(TWO),
    ],
    [
      "a key of a third account names B",
      ["certain: 1/A 2/B"],
      { lines: [A, B] },
      key(THREE, { ...KEY, Action: "kms:Decrypt", Principal: { AWS: arn(TWO, "B") } }),
    ],
    [
      "a key of a third account names the account of B, and B's policy allows it",
      ["certain: 1/A 2/B"],
      { lines: [A, B] },
      key(THREE, { ...KEY, Action: "kms:Decrypt", Principal: { AWS: root(TWO) } }),
    ],
    [
      "a key of a third account names it, and B's policy allows only another key",
      [],
      { lines: [A, role(TWO, "B", trust(root(ONE)), [allow("kms:Decrypt", key(TWO).arn)])] },
      key(THREE, { ...KEY, Action: "kms:Decrypt", Principal: { AWS: root(TWO) } }),
    ],
    [
      "the first role uses a key of another account itself",
      ["certain: 1/A"],
      { lines: [role(ONE, "A", trust(STRANGER), [allow("kms:Decrypt")])] },
      key(TWO, { ...KEY, Action: "kms:Decrypt", Principal: { AWS: root(ONE) } }),
    ],
    [
      "over a role of each account, the last one of the first again",
      ["certain: 1/A 2/B 1/C"],
      {
        lines: [
          A,
          role(TWO, "B", trust(root(ONE)), [assume(arn(ONE, "C"))]),
          role(ONE, "C", trust(arn(TWO, "B")), [allow("kms:Decrypt")]),
        ],
      },
      key(ONE),
    ],
    [
      "a key open to the organization, in which B is",
      ["certain: 1/A 2/B"],
      { lines: [A, B] },
      key(THREE, {
        ...KEY,
        Action: "kms:Decrypt",
        Principal: "*",
        Condition: { StringEquals: { "aws:PrincipalOrgID": ORG } },
      }),
    ],
    [
      "the trust policy names A's unique id",
      ["certain: 1/A 2/B"],
      {
        lines: [
          { ...A, id: "AROAAAAAAAAAAAAAAAAAA" },
          role(TWO, "B", trust("AROAAAAAAAAAAAAAAAAAA"), [allow("kms:Decrypt")]),
        ],
      },
      key(TWO),
    ],
    ["a key that lets in neither", [], { lines: [A, B] }, key(THREE)],
  ])("%s", (_name, expected, estate, line) => {
    expect(ways(estate, line)).toEqual(expected);
  });
});

describe("what closes a way, or makes it doubtful", () => {
  const deny = (action: string, more: object = {}): string =>
    policy({ Effect: "Deny", Action: action, Resource: "*", ...more });
  test.each<[string, readonly string[], Partial<Estate>, readonly ContextLine[]]>([
    [
      "a service control policy above A denies sts:AssumeRole",
      [],
      { scps: { [ONE]: deny("sts:*") } },
      [A, B],
    ],
    [
      "one above B does not: A asks, and its account decides",
      ["certain: 1/A 2/B"],
      { scps: { [TWO]: deny("sts:*") } },
      [A, B],
    ],
    ["one above B denies the use of keys", [], { scps: { [TWO]: deny("kms:*") } }, [A, B]],
    [
      "the service control policies above A were not all read",
      ["possible: 1/A 2/B"],
      { without: [ONE] },
      [A, B],
    ],
    [
      "a boundary of A does not allow it",
      [],
      {},
      [
        role(ONE, "A", trust(STRANGER), [assume("*")], `arn:aws:iam::${ONE}:policy/limit`),
        { type: "managed-policy", arn: `arn:aws:iam::${ONE}:policy/limit`, text: policy(allow("s3:*")) },
        B,
      ],
    ],
    [
      "a policy of A was not read",
      ["possible: 1/A 2/B"],
      {},
      [{ ...A, attachedPolicies: [`arn:aws:iam::${ONE}:policy/gone`] }, B],
    ],
    [
      "a resource control policy above B keeps out other accounts",
      [],
      {},
      [
        {
          type: "resource-control-policy",
          target: TWO,
          text: policy({
            Effect: "Deny",
            Principal: "*",
            Action: "sts:AssumeRole",
            Resource: "*",
            Condition: { StringNotEquals: { "aws:PrincipalAccount": TWO } },
          }),
        },
        A,
        B,
      ],
    ],
    [
      "one that keeps out other organizations does not keep out A",
      ["certain: 1/A 2/B"],
      {},
      [
        {
          type: "resource-control-policy",
          target: TWO,
          text: policy({
            Effect: "Deny",
            Principal: "*",
            Action: "sts:AssumeRole",
            Resource: "*",
            Condition: { StringNotEquals: { "aws:PrincipalOrgID": ORG } },
          }),
        },
        A,
        B,
      ],
    ],
    [
      "B wants an external id",
      ["possible: 1/A 2/B"],
      {},
      [
        A,
        role(TWO, "B", trust(root(ONE), { Condition: { StringEquals: { "sts:ExternalId": "x" } } }), [
          allow("kms:Decrypt"),
        ]),
      ],
    ],
    [
      "B wants the organization, which A has",
      ["certain: 1/A 2/B"],
      {},
      [
        A,
        role(TWO, "B", trust("*", { Condition: { StringEquals: { "aws:PrincipalOrgID": ORG } } }), [
          allow("kms:Decrypt"),
        ]),
      ],
    ],
    [
      "a Deny of B's trust policy names A",
      [],
      {},
      [
        A,
        role(
          TWO,
          "B",
          policy(
            { Effect: "Allow", Principal: { AWS: root(ONE) }, Action: "sts:AssumeRole" },
            { Effect: "Deny", Principal: { AWS: arn(ONE, "A") }, Action: "sts:AssumeRole" },
          ),
          [allow("kms:Decrypt")],
        ),
      ],
    ],
  ])("%s", (_name, expected, more, lines) => {
    expect(ways({ ...more, lines }, key(TWO))).toEqual(expected);
  });

  test("of two ways that give the same, the shorter is told; of two roles that are alike one", () => {
    const lines = [
      role(ONE, "A", trust(STRANGER), [assume("*")]),
      role(TWO, "B", trust(root(ONE)), [allow("kms:Decrypt")]),
      role(TWO, "B2", trust(root(ONE)), [allow("kms:Decrypt")]),
      role(TWO, "C", trust(root(TWO)), [allow("kms:Decrypt"), allow("kms:CreateGrant")]),
    ];
    expect(ways({ lines }, key(TWO))).toEqual(["certain: 1/A 2/B"]);
    // B may go on to C, which gives more.
    const more = lines.with(1, role(TWO, "B", trust(root(ONE)), [allow("kms:Decrypt"), assume("*")]));
    expect([...ways({ lines: more }, key(TWO))].sort()).toEqual([
      expect.stringMatching(/^certain: 1\/A 2\/B2?$/),
      "certain: 1/A 2/B 2/C",
    ]);
  });

  test("of five roles at most: the sixth is not reached, and that is told", () => {
    const chain = [ONE, TWO, ONE, TWO, ONE, TWO].map((id, i, ids) => {
      const before = ids[i - 1];
      const next = ids[i + 1];
      return role(id, `R${i + 1}`, trust(before === undefined ? STRANGER : arn(before, `R${i}`)), [
        ...(next === undefined ? [] : [assume(arn(next, `R${i + 2}`))]),
        ...(i >= 4 ? [allow("kms:Decrypt")] : []),
      ]);
    });
    expect(ways({ lines: chain }, key(ONE))).toEqual(["certain: 1/R1 2/R2 1/R3 2/R4 1/R5"]);
    expect(ways({ lines: chain }, key(TWO))).toEqual([]);
    expect(judgeOf({ lines: chain }).beyond().cut).toBe(1);
  });
});

test("the key's own account is never outside for the key, whomever a role of another account trusts", () => {
  const lines = [role(ONE, "A", trust(root(TWO)), [allow("kms:Decrypt")])];
  const line = key(TWO, { ...KEY, Action: "kms:Decrypt", Principal: { AWS: arn(ONE, "A") } });
  expect(ways({ lines, trusted: false }, line)).toEqual([]);
});

describe("accounts of which IAM was not read", () => {
  test("are told where a role lets them in: outsiders may get in through them", () => {
    const judge = judgeOf({ lines: [B], unread: [ONE] });
    expect(found(judge, key(TWO))).toEqual([]);
    expect({ ...judge.beyond(), accounts: [...judge.beyond().accounts] }).toEqual({
      accounts: [ONE],
      roles: 1,
      cut: 0,
    });
  });

  test("are told where a role lets in the organization, each that the condition fits", () => {
    const open = trust("*", { Condition: { StringEquals: { "aws:PrincipalOrgID": ORG } } });
    const other = trust("*", { Condition: { StringEquals: { "aws:PrincipalAccount": THREE } } });
    const told = (text: string): string[] => [
      ...judgeOf({ lines: [role(TWO, "B", text)], unread: [ONE] }).beyond().accounts,
    ];
    const named = trust("*", {
      Condition: { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${ONE}:role/ci-*` } },
    });
    // The management account is a member, and nobody has read its IAM either.
    expect(told(open)).toEqual(["555566667777", ONE]);
    expect(told(named)).toContain(ONE);
    expect(told(other)).toEqual([]);
  });

  test("are told where a key lets them in, and not where it does not", () => {
    const judge = judgeOf({ lines: [], unread: [ONE, THREE] });
    judge.key(key(TWO, { ...KEY, Principal: { AWS: root(ONE) } }));
    judge.key(key(TWO, { ...KEY, Effect: "Deny", Principal: { AWS: root(THREE) } }));
    judge.key(key(TWO));
    expect(judge.met().unread).toEqual({ keys: 1, accounts: [ONE] });
    expect(judge.met().unread).toEqual({ keys: 0, accounts: [] });
  });

  test("are not told where all was read, or where nobody is trusted: then they are outsiders themselves", () => {
    expect([...judgeOf({ lines: [A, B] }).beyond().accounts]).toEqual([]);
    const judge = judgeOf({ lines: [B], unread: [ONE], trusted: false });
    expect([...judge.beyond().accounts]).toEqual([]);
    expect(found(judge, key(TWO)).map((f) => f.who)).toEqual([{ kind: "account", id: ONE }]);
  });
});

test("what was worked out about an account can be forgotten: it is worked out again", () => {
  const judge = judgeOf({ lines: [A, B] });
  const before = judge.key(key(TWO)).text;
  expect(judge.accounts().map((a) => a.outsiderAssumable)).toEqual([1, 0, 0]);
  expect(judge.key(key(TWO)).text).toBe(before);
});

test("a line about IAM behind the keys is told to be late, whosever it is", () => {
  const judge = judgeOf({ lines: [A] });
  judge.key(key(TWO));
  expect(judge.add(B)).toBe(true);
});
