import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Policy } from "./ast.js";
import { canonicalPolicy, policyDigest } from "./canonical.js";
import { parsePolicy } from "./parse.js";

const BASE = { Effect: "Allow", Principal: { AWS: "111122223333" }, Action: "kms:*", Resource: "*" };

function parse(text: string): Policy {
  const { policy, diagnostics } = parsePolicy(text);
  expect(diagnostics.filter((diagnostic) => diagnostic.level !== "warning")).toEqual([]);
  if (policy === undefined) throw new Error("malformed");
  return policy;
}

function canonical(...statements: object[]): string {
  return canonicalPolicy(
    parse(JSON.stringify({ Version: "2012-10-17", Statement: statements.map((s) => ({ ...BASE, ...s })) })),
  );
}

describe("canonicalPolicy", () => {
  it("is a text that can be read", () => {
    expect(
      canonical({
        Sid: "x",
        Principal: { Service: "s3.amazonaws.com", AWS: ["arn:aws:iam::111122223333:root", "*"] },
        Action: ["kms:Encrypt", "KMS:Decrypt"],
        Condition: { StringEquals: { "aws:UserId": ["b", "a", "b"] } },
      }),
    ).toBe(
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*","111122223333"],"Service":["s3.amazonaws.com"]},"Action":["kms:decrypt","kms:encrypt"],"Resource":["*"],"Condition":{"StringEquals":{"aws:userid":["a","b"]}}}]}',
    );
  });

  it.each<[string, object, object]>([
    ["account number and root ARN", { Principal: { AWS: "arn:aws:iam::111122223333:root" } }, {}],
    ["* and {AWS:*}", { Principal: "*" }, { Principal: { AWS: ["*"] } }],
    ["one value and a list of it", { Action: ["kms:*"], Resource: ["*"] }, {}],
    ["order of actions", { Action: ["kms:a", "kms:b"] }, { Action: ["kms:b", "kms:a"] }],
    ["repetition", { Action: ["kms:a", "kms:a"] }, { Action: "kms:a" }],
    ["letter case of actions", { Action: "KMS:decrypt" }, { Action: "kms:Decrypt" }],
    ["Sid", { Sid: "a" }, { Sid: "b" }],
    ["an empty Condition", { Condition: {} }, {}],
    [
      "order and case of condition keys",
      { Condition: { Bool: { "a:b": true, "a:c": "FALSE" } } },
      { Condition: { Bool: { "A:C": "false", "A:B": ["true"] } } },
    ],
    [
      "letter case of operators",
      { Condition: { stringlike: { "a:b": "x" } } },
      { Condition: { StringLike: { "a:b": "x" } } },
    ],
  ])("does not look at: %s", (_what, a, b) => {
    expect(canonical(a)).toBe(canonical(b));
  });

  it.each<[string, object, object]>([
    ["the effect", { Effect: "Deny" }, {}],
    ["the account", { Principal: { AWS: "444455556666" } }, {}],
    ["root or a role", { Principal: { AWS: "arn:aws:iam::111122223333:role/root" } }, {}],
    [
      "letter case of names",
      { Principal: { AWS: "arn:aws:iam::111122223333:role/A" } },
      { Principal: { AWS: "arn:aws:iam::111122223333:role/a" } },
    ],
    ["Principal and NotPrincipal", { Principal: undefined, NotPrincipal: BASE.Principal }, {}],
    ["Action and NotAction", { Action: undefined, NotAction: "kms:*" }, {}],
    ["no Action and none listed", { Action: undefined }, { Resource: undefined }],
    [
      "the resource's letter case",
      { Resource: "arn:aws:kms:*:*:key/A" },
      { Resource: "arn:aws:kms:*:*:key/a" },
    ],
    [
      "the values' letter case",
      { Condition: { StringEquals: { "a:b": "X" } } },
      { Condition: { StringEquals: { "a:b": "x" } } },
    ],
    [
      "IfExists",
      { Condition: { StringEqualsIfExists: { "a:b": "x" } } },
      { Condition: { StringEquals: { "a:b": "x" } } },
    ],
    [
      "the qualifier",
      { Condition: { "ForAnyValue:StringLike": { "a:b": "x" } } },
      { Condition: { "ForAllValues:StringLike": { "a:b": "x" } } },
    ],
    ["an empty list of values", { Condition: { StringEquals: { "a:b": [] } } }, {}],
  ])("looks at: %s", (_what, a, b) => {
    expect(canonical(a)).not.toBe(canonical(b));
  });

  it("takes no Version for 2008-10-17, and tells it from 2012-10-17", () => {
    const text = (version: string | undefined): string =>
      canonicalPolicy(parse(JSON.stringify({ Version: version, Statement: BASE })));
    expect(text(undefined)).toBe(text("2008-10-17"));
    expect(text(undefined)).not.toBe(text("2012-10-17"));
  });

  it("keeps both of two conditions that differ in letter case only, although KMS refuses them", () => {
    const read = (condition: string): string => {
      const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":${condition}}]}`;
      const { policy } = parsePolicy(text);
      if (policy === undefined) throw new Error("malformed");
      return canonicalPolicy(policy);
    };
    expect(read(`{"StringEquals":{"a:b":"x","A:B":"y"}}`)).not.toBe(read(`{"StringEquals":{"A:B":"y"}}`));
    expect(read(`{"StringEquals":{"__proto__":"x"}}`)).not.toBe(read(`{}`));
  });
});

// --- laws, over random policies and random rewritings that AWS does not see

const text = fc.constantFrom("a", "b", 'q"u\\o', "*", "ü", "__proto__");
const account = fc.constantFrom("111122223333", "444455556666");
const aws = fc.oneof(
  fc.constant("*"),
  account,
  account.map((id) => `arn:aws:iam::${id}:root`),
  fc
    .tuple(account, fc.constantFrom("App", "app", "x/App"))
    .map(([id, name]) => `arn:aws:iam::${id}:role/${name}`),
  account.map((id) => `arn:aws:sts::${id}:assumed-role/App/s`),
  fc.constant("AROADBQP57FF2AEXAMPLE"),
);
const principal = fc.oneof(
  fc.constant<object>({ AWS: ["*"] }),
  fc.record(
    {
      AWS: fc.array(aws, { minLength: 1, maxLength: 3 }),
      Service: fc.array(fc.constantFrom("s3.amazonaws.com", "sns.amazonaws.com"), {
        minLength: 1,
        maxLength: 2,
      }),
    },
    { requiredKeys: ["AWS"] },
  ),
);
const patterns = fc.array(fc.constantFrom("kms:*", "kms:Decrypt", "KMS:decrypt", "kms:Encrypt", "*"), {
  minLength: 1,
  maxLength: 4,
});
const conditions = fc.dictionary(
  fc.constantFrom("StringEquals", "StringLikeIfExists", "ForAnyValue:StringLike", "ArnLike"),
  fc.dictionary(fc.constantFrom("a:b", "a:c", "aws:PrincipalTag/X"), fc.array(text, { maxLength: 3 }), {
    maxKeys: 3,
  }),
  { maxKeys: 3 },
);
const statement = fc
  .record({
    sid: fc.option(text),
    effect: fc.constantFrom("Allow", "Deny"),
    principal,
    notPrincipal: fc.boolean(),
    patterns,
    notAction: fc.boolean(),
    resources: fc.array(fc.constantFrom("*", "arn:aws:kms:*:*:key/*"), { minLength: 1, maxLength: 2 }),
    conditions,
  })
  .map((s) => ({
    ...(s.sid === null ? {} : { Sid: s.sid }),
    Effect: s.effect,
    [s.notPrincipal ? "NotPrincipal" : "Principal"]: s.principal,
    [s.notAction ? "NotAction" : "Action"]: s.patterns,
    Resource: s.resources,
    Condition: s.conditions,
  }));
const policy = fc.record({
  Version: fc.constantFrom("2012-10-17", "2008-10-17"),
  Statement: fc.array(statement, { minLength: 1, maxLength: 4 }),
});

/** Rewrites a JSON value as AWS would not notice; `random` gives numbers from 0 to 1. */
function rewrite(value: unknown, random: () => number, name = ""): unknown {
  if (Array.isArray(value)) {
    const items = shuffled(
      value.map((item) => rewrite(item, random, name)),
      random,
    );
    if (items.length > 0 && random() < 0.3) items.push(structuredClone(items[0]));
    return items.length === 1 && random() < 0.5 ? items[0] : items;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([member]) => member !== "Sid")
      .map(([member, inner]): [string, unknown] => [member, rewrite(inner, random, member)]);
    if (random() < 0.3 && "Effect" in value) members.push(["Sid", `s${random()}`]);
    return Object.fromEntries(shuffled(members, random));
  }
  if (typeof value === "string") {
    if (name.endsWith("Action") && random() < 0.5) return value.toUpperCase();
    const root = /^arn:aws:iam::(\d{12}):root$/.exec(value)?.[1];
    if (name === "AWS" && root !== undefined && random() < 0.5) return root;
    if (name === "AWS" && /^\d{12}$/.test(value) && random() < 0.5) return `arn:aws:iam::${value}:root`;
  }
  return value;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

const options = { seed: 20261123, numRuns: 1000 };

describe("laws of canonicalPolicy", () => {
  const of = (value: unknown): string => canonicalPolicy(parse(JSON.stringify(value)));

  it("is idempotent: the canonical text of the canonical text is itself", () => {
    fc.assert(
      fc.property(policy, (value) => {
        const once = of(value);
        expect(canonicalPolicy(parse(once))).toBe(once);
      }),
      options,
    );
  });

  it("does not change when the policy is reordered, repeated, listed or respelt", () => {
    fc.assert(
      fc.property(policy, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (value, stream) => {
        const random = (): number => Number(stream.next().value);
        expect(of(rewrite(value, random))).toBe(of(value));
      }),
      options,
    );
  });

  it("changes when an effect is turned, a value is new, or a statement is new", () => {
    fc.assert(
      fc.property(policy, (value) => {
        const before = of(value);
        const [first] = value.Statement;
        if (first === undefined) return;
        const rest = value.Statement.slice(1);
        const fresh = { ...first, Resource: "arn:aws:kms:us-east-1:111122223333:key/new" };
        expect(of({ ...value, Statement: [...value.Statement, fresh] })).not.toBe(before);
        const condition = { ...first.Condition, NumericEquals: { "new:key": 1 } };
        const twins = rest.some(
          (other) => of({ ...value, Statement: [other] }) === of({ ...value, Statement: [first] }),
        );
        if (!twins)
          expect(of({ ...value, Statement: [{ ...first, Condition: condition }, ...rest] })).not.toBe(before);
      }),
      options,
    );
  });
});

describe("policyDigest", () => {
  it("is the SHA-256 of the bytes", () => {
    // sha256 of nothing, from FIPS 180-4 examples.
    expect(policyDigest("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(policyDigest("ü")).toBe(
      createHash("sha256")
        .update(Buffer.from([0xc3, 0xbc]))
        .digest("hex"),
    );
  });

  it("tells a byte order mark and a space", () => {
    expect(new Set(["{}", "{} ", "\ufeff{}"].map(policyDigest)).size).toBe(3);
  });
});
