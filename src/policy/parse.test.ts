import { describe, expect, it } from "vitest";
import type { ParsedPolicy, Statement } from "./ast.js";
import { MAX_POLICY_LENGTH, parsePolicy, parsePolicyValue } from "./parse.js";

const ROOT = { AWS: "arn:aws:iam::111122223333:root" };
const BASE = { Effect: "Allow", Principal: ROOT, Action: "kms:*", Resource: "*" };

function policyOf(...statements: unknown[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** The only statement of a policy that has nothing wrong with it. */
function only(changes: object): Statement {
  const parsed = parsePolicy(policyOf({ ...BASE, ...changes }));
  expect(parsed.diagnostics).toEqual([]);
  const [statement] = parsed.policy?.statements ?? [];
  if (statement === undefined) throw new Error("no statement");
  return statement;
}

function codes(parsed: ParsedPolicy): string[] {
  return parsed.diagnostics.map((diagnostic) => diagnostic.code);
}

describe("parsePolicy: documents", () => {
  it("reads the default key policy", () => {
    const text = `{
      "Version": "2012-10-17",
      "Id": "key-default-1",
      "Statement": [ {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
        "Action": "kms:*",
        "Resource": "*"
      } ]
    }`;
    expect(parsePolicy(text, { partition: "aws" })).toEqual({
      policy: {
        version: "2012-10-17",
        id: "key-default-1",
        statements: [
          {
            index: 0,
            sid: "Enable IAM User Permissions",
            effect: "Allow",
            principal: {
              kind: "principal",
              entries: [
                {
                  kind: "account",
                  text: "arn:aws:iam::111122223333:root",
                  account: "111122223333",
                  partition: "aws",
                },
              ],
            },
            action: { kind: "listed", patterns: ["kms:*"] },
            resource: { kind: "listed", patterns: ["*"] },
            conditions: [],
            path: ["Statement", 0],
          },
        ],
      },
      diagnostics: [],
    });
  });

  it("reads a single statement that is no list, and says where it stands", () => {
    const parsed = parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: BASE }));
    expect(parsed.diagnostics).toEqual([]);
    expect(parsed.policy?.statements.map(({ index, path }) => ({ index, path }))).toEqual([
      { index: 0, path: ["Statement"] },
    ]);
  });

  it.each(["2012-10-17", "2008-10-17"] as const)("keeps Version %s", (version) => {
    expect(parsePolicy(JSON.stringify({ Version: version, Statement: BASE })).policy?.version).toBe(version);
  });

  it("does not take brackets in a Sid for nesting", () => {
    const sid = `\\"${"[".repeat(50)}":{`;
    expect(only({ Sid: sid }).sid).toBe(sid);
  });

  it("leaves an absent Version absent", () => {
    expect(parsePolicy(JSON.stringify({ Statement: BASE })).policy?.version).toBeUndefined();
  });

  it("numbers statements by their place in the list, also after one that cannot be built", () => {
    const parsed = parsePolicy(policyOf("x", BASE, { ...BASE, Effect: "allow" }, BASE));
    expect(parsed.policy?.statements.map((statement) => statement.index)).toEqual([1, 3]);
    expect(parsed.diagnostics.map(({ code, statement }) => [code, statement])).toEqual([
      ["wrong-type", 0],
      ["unknown-effect", 2],
    ]);
  });

  it("lets a Sid hold anything", () => {
    const sid = 'Ünï cödé "quoted" \u0001\ud800 __proto__';
    expect(only({ Sid: sid }).sid).toBe(sid);
    const escaped = policyOf(BASE).replace('{"Effect"', String.raw`{"Sid":"\u202e\u5bc6","Effect"`);
    expect(parsePolicy(escaped)).toMatchObject({
      policy: { statements: [{ sid: "\u202e\u5bc6" }] },
      diagnostics: [],
    });
    expect(only({ Sid: "" }).sid).toBe("");
  });
});

describe("parsePolicy: actions and resources", () => {
  it.each([
    [{ Action: "kms:Decrypt" }, { kind: "listed", patterns: ["kms:Decrypt"] }],
    [
      { Action: ["kms:Decrypt", "KMS:encrypt"] },
      { kind: "listed", patterns: ["kms:Decrypt", "KMS:encrypt"] },
    ],
    [{ Action: "*" }, { kind: "listed", patterns: ["*"] }],
    [{ Action: "*:*" }, { kind: "listed", patterns: ["*:*"] }],
    [{ Action: "kms:G?t*" }, { kind: "listed", patterns: ["kms:G?t*"] }],
    [
      { Action: undefined, NotAction: ["kms:DescribeKey"] },
      { kind: "not-listed", patterns: ["kms:DescribeKey"] },
    ],
  ])("%j", (changes, expected) => {
    expect(only(changes).action).toEqual(expected);
  });

  it.each([
    [{ Resource: ["*"] }, { kind: "listed", patterns: ["*"] }],
    [
      { Resource: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" },
      {
        kind: "listed",
        patterns: ["arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
      },
    ],
    [{ Resource: "arn:aws:kms:*:*:key/*" }, { kind: "listed", patterns: ["arn:aws:kms:*:*:key/*"] }],
    [
      { Resource: undefined, NotResource: "arn:aws:kms:us-east-1:111122223333:key/mrk-*" },
      { kind: "not-listed", patterns: ["arn:aws:kms:us-east-1:111122223333:key/mrk-*"] },
    ],
  ])("%j", (changes, expected) => {
    expect(only(changes).resource).toEqual(expected);
  });
});

describe("parsePolicy: conditions", () => {
  it("takes operators apart and keeps where they stand", () => {
    const statement = only({
      Effect: "Deny",
      Condition: {
        "ForAllValues:StringNotLikeIfExists": { "aws:PrincipalOrgPaths": ["o-own1234567/*"] },
        Null: { "aws:PrincipalOrgID": false },
      },
    });
    expect(statement.conditions).toEqual([
      {
        operator: "StringNotLike",
        qualifier: "ForAllValues",
        ifExists: true,
        key: "aws:PrincipalOrgPaths",
        keyLower: "aws:principalorgpaths",
        values: ["o-own1234567/*"],
        path: ["Statement", 0, "Condition", "ForAllValues:StringNotLikeIfExists", "aws:PrincipalOrgPaths"],
      },
      {
        operator: "Null",
        qualifier: undefined,
        ifExists: false,
        key: "aws:PrincipalOrgID",
        keyLower: "aws:principalorgid",
        values: ["false"],
        path: ["Statement", 0, "Condition", "Null", "aws:PrincipalOrgID"],
      },
    ]);
  });

  it.each([
    ["a string", `"7"`, ["7"]],
    ["a number", `7`, ["7"]],
    ["a list of numbers and strings", `[7, "8", 9]`, ["7", "8", "9"]],
    ["a number's own spelling", `[1.50, 1e2, -0, 1E+2, 0.1]`, ["1.50", "1e2", "-0", "1E+2", "0.1"]],
    ["a number too large for a double", `1e400`, ["1e400"]],
    ["more digits than a double has", `12345678901234567890`, ["12345678901234567890"]],
    ["white space around", ` [ 7 ,\n 8 ] `, ["7", "8"]],
  ])("reads %s", (_what, json, expected) => {
    const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
      "Condition":{"NumericEquals":{"aws:MultiFactorAuthAge":${json}}}}]}`;
    const parsed = parsePolicy(text);
    expect(parsed.diagnostics).toEqual([]);
    expect(parsed.policy?.statements[0]?.conditions[0]?.values).toEqual(expected);
  });

  it("reads true and false with and without quotation marks", () => {
    const statement = only({
      Condition: { Bool: { "aws:SecureTransport": true, "aws:ViaAWSService": ["false"] } },
    });
    expect(statement.conditions.map((condition) => condition.values)).toEqual([["true"], ["false"]]);
  });

  it("keeps keys that are names of Object's prototype", () => {
    const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
      "Condition":{"StringEquals":{"__proto__":"a","constructor":"b","toString":"c"}}}]}`;
    const parsed = parsePolicy(text);
    expect(parsed.policy?.statements[0]?.conditions.map(({ key, values }) => [key, values])).toEqual([
      ["__proto__", ["a"]],
      ["constructor", ["b"]],
      ["toString", ["c"]],
    ]);
  });

  it("does not take a Kelvin sign for a k", () => {
    const parsed = parsePolicy(
      policyOf({ ...BASE, Condition: { StringEquals: { "\u212ams:CallerAccount": "111122223333" } } }),
      { kind: "rcp" },
    );
    expect(parsed.policy?.statements[0]?.conditions[0]?.keyLower).toBe("\u212ams:calleraccount");
  });

  it("takes an empty Condition for none", () => {
    expect(only({ Condition: {} }).conditions).toEqual([]);
    expect(only({ Condition: { StringEquals: {} } }).conditions).toEqual([]);
  });
});

describe("parsePolicy: prototype names where elements stand", () => {
  it.each(["__proto__", "constructor", "hasOwnProperty", "valueOf"])("%s", (name) => {
    const text = `{"Version":"2012-10-17",${JSON.stringify(name)}:{"Effect":"Deny"},"Statement":[
      {"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*",${JSON.stringify(name)}:{"Sid":"x"}}]}`;
    const parsed = parsePolicy(text);
    expect(parsed.diagnostics.map(({ code, statement }) => [code, statement])).toEqual([
      ["unknown-element", undefined],
      ["unknown-element", 0],
    ]);
    expect(parsed.policy?.statements[0]?.effect).toBe("Allow");
  });

  it("does not read members of a prototype", () => {
    const inherited: unknown = Object.create({
      Effect: "Allow",
      Principal: "*",
      Action: "kms:*",
      Resource: "*",
    });
    const parsed = parsePolicyValue({ Version: "2012-10-17", Statement: [inherited] });
    expect(codes(parsed)).toEqual(["no-effect"]);
    expect(parsed.policy?.statements).toEqual([]);
  });
});

describe("parsePolicy: doubled members", () => {
  const statement = `"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"`;

  it.each([
    ["in a statement", `{"Version":"2012-10-17","Statement":[{${statement},"Effect":"Allow"}]}`, 0],
    ["in a single statement", `{"Version":"2012-10-17","Statement":{${statement},"Effect":"Allow"}}`, 0],
    [
      "in the second statement",
      `{"Version":"2012-10-17","Statement":[{${statement}},{${statement},"Sid":"a","Sid":"a"}]}`,
      1,
    ],
    ["at the root", `{"Id":"a","Id":"a","Version":"2012-10-17","Statement":[{${statement}}]}`, undefined],
    [
      "in a condition",
      `{"Version":"2012-10-17","Statement":[{${statement},"Condition":{"StringEquals":{"aws:userid":"a:b","aws:userid":"c"}}}]}`,
      0,
    ],
    [
      "spelled with an escape",
      `{"Version":"2012-10-17","Statement":[{${statement},"\\u0045ffect":"Allow"}]}`,
      0,
    ],
    [
      "beside colons and quotes in strings",
      `{"Version":"2012-10-17","Statement":[{"Sid":"a\\":\\"b","Sid":":",${statement}}]}`,
      0,
    ],
    [
      "with white space",
      `{"Version" : "2012-10-17" ,\n"Statement":[{${statement}, "Sid"\t:"a", "Sid" :\r\n"b"}]}`,
      0,
    ],
    [
      "named __proto__",
      `{"Version":"2012-10-17","Statement":[{${statement},"__proto__":1,"__proto__":1}]}`,
      0,
    ],
  ])("are found %s", (_where, text, index) => {
    const doubled = parsePolicy(text).diagnostics.filter((d) => d.code === "duplicate-member");
    expect(doubled.map((d) => d.statement)).toEqual([index]);
    expect(doubled[0]?.offset).toBeGreaterThan(0);
  });

  it("are not seen where an object merely stands in a wrong place", () => {
    const text = `{"Version":"2012-10-17","Statement":[{${statement},"Sid":{"a":{"b":1},"c":{"b":2}}}]}`;
    expect(codes(parsePolicy(text))).toEqual(["wrong-type"]);
  });

  it("of Statement make the whole policy unknown", () => {
    const text = `{"Version":"2012-10-17","Statement":[{${statement}}],"Statement":[]}`;
    expect(codes(parsePolicy(text))).toContain("ambiguous-document");
  });
});

describe("parsePolicy: texts that are no policy", () => {
  it.each([
    ["nothing", "", 0],
    ["a comment", `{"Version": "2012-10-17", // no\n "Statement": []}`, 26],
    ["a trailing comma", `{"Version":"2012-10-17",}`, 24],
    ["an end too early", `{"Version":`, 11],
    ["text after the end", `{} x`, 3],
    ["single quotes", `{'Version':'2012-10-17'}`, 1],
    ["a raw line end in a string", `{"Id":"a\nb"}`, 6],
    ["NaN", `{"Id":NaN}`, 6],
  ])("%s", (_what, text, offset) => {
    const parsed = parsePolicy(text);
    expect(parsed.policy).toBeUndefined();
    expect(parsed.diagnostics).toMatchObject([{ level: "malformed", code: "json-syntax", offset, path: [] }]);
  });

  it.each(["null", "true", "7", `"x"`, "[]"])("%s", (text) => {
    const parsed = parsePolicy(text);
    expect(parsed.policy).toBeUndefined();
    expect(parsed.diagnostics).toMatchObject([{ level: "malformed", code: "not-an-object" }]);
  });

  it.each([
    ["lists", "[".repeat(100_000)],
    ["lists that end", "[".repeat(60_000) + "]".repeat(60_000)],
    ["objects", `{"a":`.repeat(20_000)],
    ["lists after a string that does not end", `"\n${"[".repeat(100_000)}`],
    ["in a policy", `{"Version":"2012-10-17","Statement":${"[".repeat(40)}${"]".repeat(40)}}`],
  ])("survives deep %s", (_what, text) => {
    const parsed = parsePolicy(text);
    expect(parsed.policy).toBeUndefined();
    expect(parsed.diagnostics).toHaveLength(1);
    expect(["too-deep", "json-syntax"]).toContain(parsed.diagnostics[0]?.code);
  });

  it("takes 131,072 characters and no more", () => {
    const body = policyOf(BASE);
    const longest = body + " ".repeat(MAX_POLICY_LENGTH - body.length);
    expect(codes(parsePolicy(longest))).toEqual(["policy-long"]);
    expect(parsePolicy(`${longest} `)).toMatchObject({
      policy: undefined,
      diagnostics: [{ code: "too-large" }],
    });
  });

  it("counts the quota in bytes", () => {
    const short = policyOf({ ...BASE, Sid: "ä".repeat(16_000) });
    expect(short.length).toBeLessThan(32_768);
    expect(codes(parsePolicy(short))).toEqual([]);
    expect(codes(parsePolicy(policyOf({ ...BASE, Sid: "ä".repeat(16_400) })))).toEqual(["policy-long"]);
  });
});

describe("parsePolicy: hostile sizes stay fast", () => {
  // Each of these is quadratic or worse in a careless parser; all of them together take well below a second.
  const many = (count: number, piece: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => piece(i)).join(",");
  const around = (condition: string): string =>
    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":${condition}}]}`;

  it.each([
    ["odd numbers", around(`{"NumericEquals":{${many(8000, (i) => `"a:${i}":1.0`)}}}`)],
    ["unknown operators", around(`{${many(4000, (i) => `"StringEqualz${i}":{"a:b":"c"}`)}}`)],
    ["keys with IfExists", around(`{"StringEqualsIfExists":{${many(8000, (i) => `"a:${i}":"b"`)}}}`)],
    ["unknown elements", `{${many(8000, (i) => `"Resorce${i}":1`)}}`],
    ["doubled members", `{${many(10_000, () => `"Id":"a"`)}}`],
    ["statements", `{"Statement":[${many(30_000, () => `1`)}]}`],
  ])("%s", (_what, text) => {
    expect(text.length).toBeLessThan(MAX_POLICY_LENGTH);
    const start = performance.now();
    const parsed = parsePolicy(text);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(parsed.diagnostics.length).toBeGreaterThan(0);
  });
});

describe("parsePolicyValue", () => {
  it("reads a value as parsePolicy reads its text", () => {
    const value = {
      Version: "2012-10-17",
      Statement: [{ ...BASE, Condition: { Bool: { "aws:SecureTransport": true } } }],
    };
    expect(parsePolicyValue(value)).toEqual(parsePolicy(JSON.stringify(value)));
  });

  it.each([[undefined], [null], [[]], ["x"], [() => 1], [Symbol("x")], [10n]])("refuses %s", (value) => {
    expect(parsePolicyValue(value)).toMatchObject({
      policy: undefined,
      diagnostics: [{ code: "not-an-object" }],
    });
  });
});
