import { expect, test } from "vitest";
import { policyDiff } from "./change/show.js";
import { spread } from "./spread.js";

const allow = (sid: string, more: object = {}): object => ({
  Sid: sid,
  Effect: "Allow",
  Principal: "*",
  Action: "kms:Decrypt",
  Resource: "*",
  ...more,
});
const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

test.each([
  policy(allow("A")),
  '{"Version":"2012-10-17","Statement":[{"Sid":"a","Sid":"b  c","Effect":"Allow"}]}',
  '{"a":"\\u001b[31m\\"{[,:"}',
])("only white space is added: %s", (text) => {
  const lines = spread(text)?.split("\n") ?? [];
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.map((l) => l.trim().replace(/^("(?:[^"\\]|\\.)*"): /, "$1:")).join("")).toBe(text);
});

test("a policy with lines of its own stays as it is", () => {
  expect(spread(JSON.stringify({ a: 1 }, null, 1))).toBeUndefined();
});

test("what is no JSON does not fail", () => {
  expect(spread("no policy")).toContain("no policy");
});

test("the change of a long policy on one line can be seen, wherever it is", () => {
  const many = Array.from({ length: 60 }, (_, i) => allow(`Statement${i}`));
  const bound = allow("Last", { Condition: { StringEquals: { "kms:CallerAccount": "111122223333" } } });
  const lines = policyDiff(policy(...many, allow("Last")), policy(...many, bound));
  expect(lines.join("\n")).toMatch(/^ {2}\+ +"kms:CallerAccount": "111122223333"$/m);
  expect(lines.filter((l) => /^ {2}[-+] /.test(l)).length).toBeLessThan(10);
});
