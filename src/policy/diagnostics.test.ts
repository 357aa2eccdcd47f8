import { describe, expect, it } from "vitest";
import { DIAGNOSTIC_CODES } from "./codes.js";
import type { CodeFacts, DiagnosticCode } from "./codes.js";
import { parsePolicy } from "./parse.js";
import type { ParseOptions } from "./parse.js";

const BASE = {
  Effect: "Allow",
  Principal: { AWS: "arn:aws:iam::111122223333:root" },
  Action: "kms:*",
  Resource: "*",
};
const EMPTY = "[]";

function one(changes: object): string {
  return several(changes);
}

function several(...changes: object[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: changes.map((change) => ({ ...BASE, ...change })),
  });
}

/** One condition in an Allow. */
function when(operator: string, key: string, value: unknown): string {
  return one({ Condition: { [operator]: { [key]: value } } });
}

function deny(operator: string, key: string, value: unknown): string {
  return one({ Effect: "Deny", Condition: { [operator]: { [key]: value } } });
}

interface Case {
  /** Texts that have the flaw (with options where the kind of policy matters). */
  readonly bad: readonly (string | readonly [string, ParseOptions])[];
  /** Texts that are near it and do not have it. */
  readonly good: readonly (string | readonly [string, ParseOptions])[];
}

const identity = { kind: "identity" } as const;
const scp = { kind: "scp" } as const;
const rcp = { kind: "rcp" } as const;
const IDENTITY = { Principal: undefined };

/** For every code: what gives it, and what nearly does. */
const CASES: Readonly<Record<DiagnosticCode, Case>> = {
  "json-syntax": { bad: ["", "{", `{"Version":'x'}`, "{} {}"], good: ["{}"] },
  "too-large": { bad: [" ".repeat(131_073)], good: [one({}) + " ".repeat(100_000)] },
  "too-deep": { bad: ["[".repeat(33)], good: [EMPTY] },
  "not-an-object": { bad: [EMPTY, "null", "1"], good: ["{}"] },
  "byte-order-mark": { bad: [`\ufeff${one({})}`], good: [one({})] },
  characters: {
    bad: [one({ Sid: "密" }), one({ Sid: "\u0100" }), [one({ Sid: "密" }), { kind: "key" }]],
    good: [one({ Sid: "ÿ\u007f" }), [one({ Sid: "密" }), identity], one({ Sid: "\n" })],
  },
  "duplicate-member": { bad: [`{"Id":"a","Id":"a"}`], good: [`{"Id":"a","id":"a"}`] },
  "duplicate-condition-key": {
    bad: [
      one({ Condition: { StringEquals: { "aws:userid": "a", "aws:UserId": "b" } } }),
      one({ Condition: { StringEquals: { "aws:userid": "a" }, stringequals: { "aws:userid": "b" } } }),
    ],
    good: [
      one({ Condition: { StringEquals: { "aws:userid": "a" }, StringLike: { "aws:UserId": "b" } } }),
      one({
        Condition: { StringEquals: { "aws:userid": "a" }, StringEqualsIfExists: { "aws:userid": "b" } },
      }),
      one({ Condition: { StringEquals: { "aws:userid": "a", "aws:username": "b" } } }),
    ],
  },
  "unknown-element": {
    bad: [one({ Resorce: "*" }), one({ principal: "*" }), `{"Statements":[]}`, one({ "": "*" })],
    good: [one({ Sid: "Resorce" })],
  },
  "wrong-type": {
    bad: [
      one({ Action: 7 }),
      one({ Action: ["kms:*", null] }),
      one({ Resource: { a: "*" } }),
      one({ Principal: 7 }),
      one({ Sid: 7 }),
      one({ Condition: [] }),
      one({ Condition: { StringEquals: "x" } }),
      when("StringEquals", "aws:userid", null),
      when("StringEquals", "aws:userid", [["a"]]),
      when("StringEquals", "aws:userid", { a: 1 }),
      `{"Id":7}`,
      `{"Statement":7}`,
      `{"Statement":null}`,
    ],
    good: [one({ Action: ["kms:*"] }), when("NumericEquals", "aws:EpochTime", 7)],
  },
  "unknown-version": {
    bad: [
      `{"Version":"2012-10-18"}`,
      `{"Version":20121017}`,
      `{"Version":null}`,
      `{"Version":"2012-10-17 "}`,
    ],
    good: [`{"Version":"2008-10-17"}`, "{}"],
  },
  "no-statement": { bad: ["{}", `{"Statement":[]}`], good: [one({})] },
  "no-effect": { bad: [one({ Effect: undefined }), `{"Statement":{}}`], good: [one({})] },
  "unknown-effect": {
    bad: [
      one({ Effect: "allow" }),
      one({ Effect: "DENY" }),
      one({ Effect: ["Allow"] }),
      one({ Effect: null }),
    ],
    good: [one({ Effect: "Deny" })],
  },
  "exclusive-elements": {
    bad: [one({ NotPrincipal: "*" }), one({ NotAction: "kms:*" }), one({ NotResource: "*" })],
    good: [one({ Action: undefined, NotAction: "kms:*" })],
  },
  "no-principal": {
    bad: [one({ Principal: undefined }), one({ Principal: {} }), [one({ ...IDENTITY, Effect: "Deny" }), rcp]],
    good: [
      [one(IDENTITY), identity],
      [one(IDENTITY), scp],
    ],
  },
  "principal-not-allowed": {
    bad: [
      [one({}), identity],
      [one({ Principal: undefined, NotPrincipal: "*" }), scp],
    ],
    good: [[one(IDENTITY), identity], one({})],
  },
  "rcp-element": {
    bad: [
      [one({}), rcp],
      [one({ Principal: undefined, NotPrincipal: "*" }), rcp],
      [one({ Principal: "*", Action: undefined, NotAction: "kms:*" }), rcp],
    ],
    good: [[one({ Principal: "*", Resource: undefined, NotResource: "x" }), rcp], one({})],
  },
  "element-required": {
    bad: [
      [one({ ...IDENTITY, Action: undefined }), identity],
      [one({ ...IDENTITY, Resource: undefined }), scp],
    ],
    good: [one({ Action: undefined }), [one(IDENTITY), identity]],
  },
  "principal-kind": {
    bad: [one({ Principal: { Federated: "x" } })],
    good: [one({ Principal: { Service: "s3.amazonaws.com" } })],
  },
  "principal-form": {
    bad: [one({ Principal: { AWS: "Bob" } })],
    good: [one({ Principal: { AWS: "111122223333" } })],
  },
  "principal-wildcard": {
    bad: [one({ Principal: { Service: "*" } })],
    good: [one({ Principal: { AWS: "*" } })],
  },
  "principal-group": {
    bad: [one({ Principal: { AWS: "arn:aws:iam::111122223333:group/G" } })],
    good: [one({ Principal: { AWS: "arn:aws:iam::111122223333:user/group/G" } })],
  },
  "principal-partition": {
    bad: [[one({}), { partition: "aws-cn" }]],
    good: [[one({}), { partition: "aws" }], one({})],
  },
  "null-if-exists": {
    bad: [when("NullIfExists", "aws:userid", true), when("ForAnyValue:NullIfExists", "aws:userid", true)],
    good: [when("Null", "aws:userid", true)],
  },
  "overly-permissive-condition": {
    bad: [
      when("ForAllValues:StringEquals", "kms:EncryptionContext:app", "x"),
      deny("ForAllValues:StringEquals", "KMS:encryptioncontext:app", "x"),
      when("ForAllValues:StringLike", "aws:RequestTag/team", "x"),
    ],
    good: [
      when("ForAllValues:StringEquals", "kms:EncryptionContextKeys", "x"),
      when("StringEquals", "kms:EncryptionContext:app", "x"),
      [when("ForAllValues:StringEquals", "kms:EncryptionContext:app", "x"), identity],
    ],
  },
  "unknown-operator": {
    bad: [
      when("StringEqual", "aws:userid", "x"),
      when("Frobnicate", "aws:userid", "x"),
      when("", "aws:userid", "x"),
    ],
    good: [when("StringEquals", "aws:userid", "x")],
  },
  "ambiguous-document": {
    bad: [
      `{"Statement":[],"Statement":[]}`,
      `{"Version":"2012-10-17","Version":"2012-10-17"}`,
      one({ Condition: { StringEquals: { "aws:userid": "${aws:username}" } } }).replace("2012", "2013"),
    ],
    good: [`{"Id":"a","Id":"a"}`, one({}).replace("2012", "2013")],
  },
  "empty-not-list": {
    bad: [
      one({ Action: undefined, NotAction: [] }),
      one({ Resource: undefined, NotResource: [] }),
      one({ Effect: "Deny", Principal: undefined, NotPrincipal: {} }),
    ],
    good: [one({ Action: [] })],
  },
  "action-prefix-wildcard": {
    bad: [
      one({ Action: "k*:Decrypt" }),
      one({ Action: "*:Decrypt" }),
      one({ Action: "k*" }),
      one({ Action: "**" }),
    ],
    good: [one({ Action: "*" }), one({ Action: "kms:*" }), one({ Action: "*:*" })],
  },
  "operator-case": {
    bad: [when("stringEquals", "aws:userid", "x"), when("BOOL", "aws:SecureTransport", true)],
    good: [when("StringEquals", "aws:userid", "x")],
  },
  "policy-long": { bad: [one({ Sid: "x".repeat(33_000) })], good: [one({ Sid: "x".repeat(32_000) })] },
  "version-old": {
    bad: [JSON.stringify({ Statement: BASE }), one({}).replace("2012", "2008")],
    good: [one({})],
  },
  "duplicate-sid": {
    bad: [several({ Sid: "a" }, {}, { Sid: "a" })],
    good: [several({ Sid: "a" }, { Sid: "A" }, {}, {})],
  },
  "no-action": {
    bad: [one({ Action: undefined }), one({ Action: [] })],
    good: [one({ Action: undefined, NotAction: "kms:Decrypt" })],
  },
  "no-resource": { bad: [one({ Resource: undefined }), one({ Resource: [] })], good: [one({})] },
  "not-principal-allow": {
    bad: [one({ Principal: undefined, NotPrincipal: BASE.Principal })],
    good: [one({ Effect: "Deny", Principal: undefined, NotPrincipal: BASE.Principal })],
  },
  "not-principal-deny": {
    bad: [one({ Effect: "Deny", Principal: undefined, NotPrincipal: BASE.Principal })],
    good: [one({ Effect: "Deny" })],
  },
  "service-name": {
    bad: [one({ Principal: { Service: "s3.example.org" } })],
    good: [one({ Principal: { Service: "s3.amazonaws.com" } })],
  },
  "unique-id": { bad: [one({ Principal: { AWS: "AIDACKCEVSQ6C2EXAMPLE" } })], good: [one({})] },
  "action-no-prefix": {
    bad: [one({ Action: "Decrypt" }), one({ Action: "" })],
    good: [one({ Action: "*" })],
  },
  "action-other-service": {
    bad: [one({ Action: "s3:GetObject" }), one({ Action: "kmss:Decrypt" }), one({ Action: "s3:*" })],
    good: [one({ Action: "KMS:Decrypt" }), [one({ ...IDENTITY, Action: "s3:GetObject" }), identity]],
  },
  "action-no-permission": {
    bad: [
      one({ Action: "kms:ReEncrypt" }),
      one({ Action: "KMS:reencrypt" }),
      one({ Action: "kms:Decrypt " }),
      one({ Action: "kms:" }),
      one({ Action: undefined, NotAction: "kms:ReEncrypt" }),
      [one({ ...IDENTITY, Action: "kms:ReEncrypt" }), identity],
    ],
    good: [one({ Action: ["kms:ReEncrypt*", "kms:ReEncryptFrom", "kms:reencryptto"] })],
  },
  "action-not-on-key": {
    bad: [
      one({ Action: "kms:RetireGrant" }),
      one({ Action: "kms:CreateKey" }),
      one({ Action: "kms:listkeys" }),
      one({ Action: "kms:GenerateRandom" }),
      one({ Action: "kms:DescribeCustomKeyStores" }),
    ],
    good: [
      one({ Action: ["kms:RevokeGrant", "kms:CreateAlias", "kms:List*", "kms:ListKeyPolicies"] }),
      one({ Action: undefined, NotAction: "kms:CreateKey" }),
      [one({ ...IDENTITY, Action: "kms:CreateKey" }), identity],
    ],
  },
  "resource-alias": {
    bad: [
      one({ Resource: "arn:aws:kms:us-east-1:111122223333:alias/app" }),
      one({ Resource: "arn:aws:kms:*:*:alias/*" }),
    ],
    good: [one({ Resource: "arn:aws:kms:us-east-1:111122223333:key/alias" })],
  },
  "resource-other": {
    bad: [
      one({ Resource: "arn:aws:s3:::bucket" }),
      one({ Resource: "alias/app" }),
      one({ Resource: "1234abcd-12ab-34cd-56ef-1234567890ab" }),
      one({ Resource: "" }),
    ],
    good: [
      one({ Resource: ["arn:aws:kms:*:*:key/*", "arn:*", "arn:aws:k*", "**"] }),
      [one({ ...IDENTITY, Resource: "arn:aws:s3:::bucket" }), identity],
    ],
  },
  "variable-old-version": {
    bad: [
      when("StringEquals", "aws:PrincipalOrgID", "${aws:ResourceOrgID}").replace("2012", "2008"),
      one({ Resource: "arn:aws:kms:*:*:key/${aws:userid}" }).replace("2012", "2008"),
    ],
    good: [when("StringEquals", "aws:PrincipalOrgID", "${aws:ResourceOrgID}")],
  },
  "variable-unsupported": {
    bad: [
      when("NumericEquals", "aws:EpochTime", "${aws:EpochTime}"),
      when("IpAddress", "aws:SourceIp", "${aws:SourceIp}"),
    ],
    good: [
      when("ArnEquals", "aws:PrincipalArn", "${aws:SourceArn}"),
      when("Bool", "aws:SecureTransport", "${a:b}"),
    ],
  },
  "wildcard-literal": {
    bad: [
      when("StringEquals", "aws:PrincipalOrgID", "o-*"),
      deny("StringNotEquals", "aws:userid", "AROA?:x"),
      when("ForAnyValue:StringEqualsIgnoreCase", "aws:CalledVia", "*"),
    ],
    good: [
      when("StringLike", "aws:PrincipalOrgID", "o-*"),
      when("StringEquals", "aws:userid", "${*}"),
      when("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/*"),
    ],
  },
  "if-exists": {
    bad: [when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-own1234567")],
    good: [
      deny("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-own1234567"),
      one({
        Condition: { StringEqualsIfExists: { "aws:userid": "x" }, Null: { "AWS:UserId": "false" } },
      }),
    ],
  },
  "for-all-values": {
    bad: [
      when("ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-own1234567"),
      one({
        Condition: { "ForAllValues:StringLike": { "aws:CalledVia": "x" }, Null: { "aws:CalledVia": "true" } },
      }),
      one({
        Condition: {
          "ForAllValues:StringLike": { "aws:CalledVia": "x" },
          Null: { "aws:CalledViaFirst": "false" },
        },
      }),
    ],
    good: [
      one({
        Condition: {
          "ForAllValues:StringLike": { "aws:CalledVia": "x" },
          Null: { "aws:calledvia": "false" },
        },
      }),
      one({
        Condition: {
          "ForAllValues:StringLike": { "aws:CalledVia": "x" },
          "ForAnyValue:StringLike": { "aws:CalledVia": "*" },
        },
      }),
      when("ForAllValues:StringEquals", "kms:GrantOperations", "Decrypt"),
      deny("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", "o-own1234567/*"),
    ],
  },
  "negated-allow": {
    bad: [
      when("StringNotEquals", "aws:PrincipalOrgID", "o-bad00000000"),
      when("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"),
    ],
    good: [
      deny("StringNotEquals", "aws:PrincipalOrgID", "o-own1234567"),
      when("ForAnyValue:StringNotEquals", "aws:PrincipalOrgPaths", "x"),
      one({ Condition: { StringNotEquals: { "aws:userid": "x" }, Null: { "aws:userid": "false" } } }),
    ],
  },
  "deny-for-any-value": {
    bad: [deny("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths", "o-own1234567/*")],
    good: [
      deny("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-bad00000000/*"),
      when("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths", "o-own1234567/*"),
    ],
  },
  "null-qualifier": {
    bad: [when("ForAllValues:Null", "aws:userid", "true"), deny("ForAnyValue:Null", "aws:userid", "false")],
    good: [when("Null", "aws:userid", "true")],
  },
  "contradicting-values": {
    bad: [
      when("Bool", "aws:SecureTransport", ["true", "false"]),
      when("Null", "aws:userid", [true, "FALSE"]),
    ],
    good: [
      when("Bool", "aws:SecureTransport", ["true", "TRUE", true]),
      when("StringEquals", "aws:userid", ["a", "b"]),
    ],
  },
  "value-type": {
    bad: [
      when("Bool", "aws:SecureTransport", "yes"),
      when("Null", "aws:userid", "0"),
      when("NumericLessThan", "aws:MultiFactorAuthAge", "an hour"),
      when("DateLessThan", "aws:CurrentTime", "tomorrow"),
      when("DateLessThan", "aws:CurrentTime", "23/11/2026"),
      when("IpAddress", "aws:SourceIp", "203.0.113.256"),
      when("IpAddress", "aws:SourceIp", "203.0.113.0/33"),
      when("IpAddress", "aws:SourceIp", "2001:db8::/129"),
      when("IpAddress", "aws:SourceIp", "*"),
      when("ArnLike", "aws:SourceArn", "*"),
      when("ArnLike", "aws:SourceArn", "arn:aws:iam::*"),
      when("BinaryEquals", "a:b", "no base64!"),
    ],
    good: [
      when("Bool", "aws:SecureTransport", "True"),
      when("NumericLessThan", "aws:MultiFactorAuthAge", ["3600", "1.5", "-1", "1e3"]),
      when("DateLessThan", "aws:CurrentTime", [
        "2026",
        "2026-11",
        "2026-11-23",
        "2026-11-23T10:00:00Z",
        "1795428000",
      ]),
      when("DateLessThan", "aws:CurrentTime", ["2026-11-23T10:00Z", "2026-11-23T10:00:00.5+01:00"]),
      when("IpAddress", "aws:SourceIp", [
        "203.0.113.0/24",
        "198.51.100.7",
        "0.0.0.0/0",
        "2001:db8::/32",
        "::1",
        "::/0",
      ]),
      when("ArnLike", "aws:SourceArn", ["arn:aws:s3:::bucket", "arn:*:*:*:*:*", "*:*:*:*:111122223333:*"]),
      when("BinaryEquals", "a:b", "QUI="),
    ],
  },
  "value-never": {
    bad: [
      when("StringEquals", "kms:CallerAccount", "11112222333"),
      when("StringEquals", "aws:SourceAccount", "arn:aws:iam::111122223333:root"),
      when("StringLike", "aws:PrincipalAccount", "1111222233334*"),
      deny("StringNotEquals", "aws:PrincipalOrgID", "own1234567"),
      when("StringEquals", "kms:RequestAlias", "arn:aws:kms:us-east-1:111122223333:alias/app"),
      when("StringEquals", "kms:RequestAlias", "app"),
      when("StringEquals", "kms:ViaService", "s3"),
      when("ArnLike", "aws:PrincipalArn", "arn:aws:sts::111122223333:assumed-role/App/*"),
      when("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "192.168.1.1", "172.16.0.0/12"]),
      deny("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"),
    ],
    good: [
      when("StringEquals", "kms:CallerAccount", ["111122223333", 444455556666]),
      when("StringLike", "aws:PrincipalAccount", ["1111*", "11112222333?", "*"]),
      when("StringEquals", "aws:PrincipalOrgID", ["o-own1234567", "${aws:ResourceOrgID}"]),
      when("StringLike", "kms:RequestAlias", ["alias/app", "alias/*", "*/app"]),
      when("StringEquals", "kms:ViaService", ["s3.us-east-1.amazonaws.com"]),
      when("StringLike", "kms:ViaService", ["s3.*"]),
      when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/*"),
      when("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"]),
      when("IpAddress", "aws:SourceIp", ["172.15.0.0/16"]),
      when("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"),
    ],
  },
  "empty-values": {
    bad: [when("StringEquals", "aws:userid", [])],
    good: [when("StringEquals", "aws:userid", [""])],
  },
  "condition-key-form": {
    bad: [when("StringEquals", "CallerAccount", "111122223333"), when("StringEquals", "", "x")],
    good: [when("StringEquals", "saml:aud", "x")],
  },
  "key-policy-key": {
    bad: [when("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/app")],
    good: [
      [
        one({
          ...IDENTITY,
          Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/app" } },
        }),
        identity,
      ],
    ],
  },
};

const FACTS: Readonly<Record<string, CodeFacts>> = DIAGNOSTIC_CODES;

function diagnosticsOf(input: Case["bad"][number]): ReturnType<typeof parsePolicy>["diagnostics"] {
  return typeof input === "string" ? parsePolicy(input).diagnostics : parsePolicy(...input).diagnostics;
}

describe.each(Object.entries(CASES))("code %s", (code, { bad, good }) => {
  it.each(bad)("is given for %.200s", (...input) => {
    const [first] = [input.length === 1 ? input[0] : input] as Case["bad"];
    if (first === undefined) throw new Error("no text");
    const found = diagnosticsOf(first).filter((diagnostic) => diagnostic.code === code);
    expect(found.length).toBeGreaterThan(0);
    for (const diagnostic of found) {
      expect(diagnostic.level).toBe(FACTS[code]?.level);
      // One to three sentences, inert, of a length that a terminal can show.
      expect(diagnostic.message).toMatch(/^[^\p{C}]{10,500}[.?]$/u);
      if (diagnostic.path[0] === "Statement" && diagnostic.path.length > 1)
        expect(diagnostic.statement).toBeDefined();
    }
  });

  it.each(good)("is not given for %.200s", (...input) => {
    const [first] = [input.length === 1 ? input[0] : input] as Case["bad"];
    if (first === undefined) throw new Error("no text");
    expect(diagnosticsOf(first).map((diagnostic) => diagnostic.code)).not.toContain(code);
  });
});

describe("the table of codes", () => {
  it("gives each code one sentence", () => {
    for (const { meaning } of Object.values(FACTS)) expect(meaning).toMatch(/^[A-Z][^.]*\.$/);
  });
});

describe("wording", () => {
  const message = (text: string): string | undefined => parsePolicy(text).diagnostics[0]?.message;

  it.each([
    ["{", "The policy is not JSON: a closing } was expected."],
    [
      one({ Resorce: "*" }),
      'There is no element "Resorce". Did you mean "Resource"? Names of elements are case-sensitive.',
    ],
    [one({ Effect: "allow" }), 'Effect is "allow"; expected "Allow" or "Deny" in exactly this letter case.'],
    [
      when("StringEqual", "aws:userid", "x"),
      'There is no condition operator "StringEqual", so what the statement does is not known. Did you mean "StringEquals"?',
    ],
    [
      one({ Principal: { AWS: "arn:aws:iam::*:root" } }),
      'The principal "arn:aws:iam::*:root" has a wildcard inside; AWS accepts only a * alone. To match several principals use * with a condition on aws:PrincipalArn.',
    ],
    [
      one({ Action: "Decrypt" }),
      'The action "Decrypt" has no service prefix and matches nothing. Did you mean "kms:Decrypt"?',
    ],
  ])("%s", (text, expected) => {
    expect(message(text)).toBe(expected);
  });

  it("never lets text of the policy act on a terminal", () => {
    const evil = "\u001b[2J\u202e\u200b";
    const inputs = [
      one({ [evil]: 1 }),
      one({ Effect: evil }),
      when(evil, "a:b", "c"),
      when("StringEqualsIfExists", evil, "c"),
      when("Bool", "a:b", evil),
      one({ Action: evil }),
      one({ Resource: evil }),
      one({ Principal: { AWS: evil } }),
      one({ Principal: { [evil]: "x" } }),
      several({ Sid: evil }, { Sid: evil }),
      `{"Version":${JSON.stringify(evil)}}`,
      `{"a":1,${JSON.stringify(evil)}:1,${JSON.stringify(evil)}:2}`,
    ];
    for (const text of inputs) {
      const { diagnostics } = parsePolicy(text);
      expect(diagnostics.length).toBeGreaterThan(0);
      for (const diagnostic of diagnostics) expect(diagnostic.message).not.toMatch(/\p{C}/u);
    }
  });
});
