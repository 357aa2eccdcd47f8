import { describe, expect, test } from "vitest";
import type { Exception } from "./config.js";
import type { Subject } from "./exceptions.js";
import { ExceptionBook, covers, isExpired } from "./exceptions.js";

const EXCEPTION: Exception = {
  key: "arn:aws:kms:*:111122223333:key/1234*",
  rule: "external-access",
  who: "444455556666",
  reason: "contract 17",
  owner: "pay-team@example.com",
  expires: "2027-03-31",
  where: "keyward.yaml:9:5",
};
const SUBJECT: Subject = {
  arn: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  aliases: ["alias/app", "alias/old"],
  rule: "external-access",
  who: ["arn:aws:iam::444455556666:role/R", "444455556666"],
};
const at = (date: string): number => Date.parse(date) / 1000;

describe("what an exception covers", () => {
  const cases: readonly [string, Partial<Exception>, Partial<Subject>, boolean][] = [
    ["ARN with wildcards, account of a principal", {}, {}, true],
    ["the principal itself", { who: "arn:aws:iam::444455556666:role/R" }, {}, true],
    ["whoever", { who: undefined }, {}, true],
    ["whoever, for a finding about nobody", { who: undefined }, { who: [] }, true],
    ["somebody, for a finding about nobody", {}, { who: [] }, false],
    ["somebody else", { who: "555566667777" }, {}, false],
    ["another rule", { rule: "public-access" }, {}, false],
    ["another account", { key: "arn:aws:kms:*:999988887777:key/*" }, {}, false],
    ["another key", { key: "arn:aws:kms:*:111122223333:key/9*" }, {}, false],
    ["a wildcard does not cross a colon", { key: "arn:aws:kms:*:key/1234*" }, {}, false],
    ["one character", { key: "arn:aws:kms:eu-west-?:111122223333:key/*" }, {}, true],
    ["one character is not none", { key: "arn:aws:kms:eu-west-1?:111122223333:key/*" }, {}, false],
    ["alias", { key: "alias/app" }, {}, true],
    ["alias with wildcard", { key: "alias/o*" }, {}, true],
    ["another alias", { key: "alias/ap" }, {}, false],
    ["an alias never matches an ARN", { key: "alias/*" }, { aliases: [] }, false],
    ["two stars", { key: "arn:aws:kms:*:111122223333:key/*ab*90ab" }, {}, true],
    ["stars in vain", { key: "arn:aws:kms:*:111122223333:key/*ab*90ac" }, {}, false],
  ];
  test.each(cases)("%s", (_name, exception, subject, expected) => {
    expect(covers({ ...EXCEPTION, ...exception }, { ...SUBJECT, ...subject })).toBe(expected);
  });
});

test("an exception holds through the end of its day in UTC", () => {
  expect(isExpired(EXCEPTION, at("2027-03-31T23:59:59Z"))).toBe(false);
  expect(isExpired(EXCEPTION, at("2027-04-01T00:00:00Z"))).toBe(true);
});

describe("the book", () => {
  const other: Exception = { ...EXCEPTION, who: "555566667777", where: "keyward.yaml:16:5" };

  test("remembers what was used", () => {
    const book = new ExceptionBook([EXCEPTION, other], at("2026-11-23"));
    expect(book.unused()).toEqual([EXCEPTION, other]);
    expect(book.find(SUBJECT)).toBe(EXCEPTION);
    expect(book.find({ ...SUBJECT, rule: "public-access" })).toBeUndefined();
    expect(book.unused()).toEqual([other]);
    expect(book.expired()).toEqual([]);
  });

  test("an expired exception covers nothing and is said to be missed", () => {
    const book = new ExceptionBook([EXCEPTION, other], at("2027-04-02"));
    expect(book.find(SUBJECT)).toBeUndefined();
    expect(book.expired()).toEqual([
      { exception: EXCEPTION, needed: true },
      { exception: other, needed: false },
    ]);
    expect(book.unused()).toEqual([]);
  });

  test("a later exception takes over from an expired one", () => {
    const renewed = { ...EXCEPTION, key: "alias/app", expires: "2028-03-31" };
    const book = new ExceptionBook([EXCEPTION, renewed], at("2027-04-02"));
    expect(book.find(SUBJECT)).toBe(renewed);
  });
});
