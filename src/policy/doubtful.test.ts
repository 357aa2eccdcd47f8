import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { policyDoubts } from "./doubtful.js";
import { parsePolicy } from "./parse.js";

const BASE = { Effect: "Allow", Principal: { AWS: "111122223333" }, Action: "kms:*", Resource: "*" };

function doubts(...statements: unknown[]): ReturnType<typeof policyDoubts> {
  return policyDoubts(parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements })));
}

const NONE = {
  notUnderstood: new Set(),
  refused: new Set(),
  unread: new Set(),
  wholePolicy: false,
  refusedByKms: false,
};

describe("policyDoubts", () => {
  it("has none for a good policy, and none for warnings", () => {
    expect(doubts(BASE)).toEqual(NONE);
    expect(doubts({ ...BASE, Action: "Decrypt" })).toEqual(NONE);
  });

  it("names the statement that was not understood", () => {
    const odd = { ...BASE, Condition: { Frobnicate: { "a:b": "c" } } };
    expect(doubts(BASE, odd)).toEqual({ ...NONE, notUnderstood: new Set([1]) });
  });

  it("names the statement that KMS would refuse", () => {
    expect(doubts(BASE, { ...BASE, Resorce: "*" })).toEqual({
      ...NONE,
      refused: new Set([1]),
      refusedByKms: true,
    });
  });

  it("does not doubt what KMS stored before it began to refuse it", () => {
    const old = { ...BASE, Condition: { "ForAllValues:StringEquals": { "kms:EncryptionContext:a": "b" } } };
    expect(doubts(old)).toEqual({ ...NONE, refusedByKms: true });
  });

  it("names the statements that are not in the AST", () => {
    expect(doubts(7, BASE, { ...BASE, Effect: "allow" })).toEqual({
      ...NONE,
      refused: new Set([0, 2]),
      unread: new Set([0, 2]),
      refusedByKms: true,
    });
  });

  it("doubts everything where there is no AST, or two of them", () => {
    expect(policyDoubts(parsePolicy("{"))).toMatchObject({ wholePolicy: true });
    expect(policyDoubts(parsePolicy(`{"Statement":[],"Statement":[]}`))).toMatchObject({ wholePolicy: true });
    const variable = { ...BASE, Condition: { StringEquals: { "aws:userid": "${aws:username}" } } };
    expect(policyDoubts(parsePolicy(JSON.stringify({ Version: "2013", Statement: variable })))).toMatchObject(
      {
        wholePolicy: true,
        refusedByKms: true,
      },
    );
  });

  it("does not doubt statements for what is wrong beside them", () => {
    expect(
      policyDoubts(parsePolicy(JSON.stringify({ Version: "2012-10-17", Foo: 1, Statement: BASE }))),
    ).toEqual({
      ...NONE,
      refusedByKms: true,
    });
  });
});

describe("the cases", () => {
  interface Case {
    readonly id: string;
    readonly policy: unknown;
    readonly expect: { readonly exposure?: string };
  }
  const cases = readFileSync(new URL("../../test/cases/key-policies.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Case);

  it.each(cases)("$id is understood, and refused exactly where the case says invalid", (one) => {
    const found = policyDoubts(parsePolicy(JSON.stringify(one.policy), { partition: "aws" }));
    expect(found).toMatchObject({ notUnderstood: new Set(), unread: new Set(), wholePolicy: false });
    expect(found.refusedByKms).toBe(one.expect.exposure === "invalid");
  });
});
