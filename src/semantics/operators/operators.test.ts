import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OPERATORS, type Operator } from "../../policy/ast.js";
import { literalGlob, parseGlob } from "../glob.js";
import { parseBase64 } from "./binary.js";
import { parseInstant } from "./date.js";
import { ipContains, parseIpBlock } from "./ip.js";
import { compareDecimals, parseDecimal } from "./number.js";
import { OPERATOR_RULES, operatorRule } from "./table.js";

type Name = Exclude<Operator, "Null">;

/** The positive comparison of one value with one policy value, as a word. */
function compare(name: Name, value: string, wanted: string): string {
  const rule = operatorRule(name);
  const glob = rule.wildcards ? parseGlob(wanted) : literalGlob(wanted);
  const result = rule.compare(value, { text: wanted, glob });
  return result === "wrong-type" ? result : result.value;
}

describe("the table of operators", () => {
  it("has every operator of the language but Null once", () => {
    const names = OPERATOR_RULES.map((rule) => rule.name);
    expect([...names].sort()).toEqual(OPERATORS.filter((name) => name !== "Null").sort());
  });

  it("negates exactly the operators that AWS calls negated", () => {
    const negated = OPERATOR_RULES.filter((rule) => rule.negated).map((rule) => rule.name);
    expect(negated.sort()).toEqual(
      [
        "StringNotEquals",
        "StringNotEqualsIgnoreCase",
        "StringNotLike",
        "NumericNotEquals",
        "DateNotEquals",
        "NotIpAddress",
        "ArnNotEquals",
        "ArnNotLike",
      ].sort(),
    );
  });

  it("takes variables in strings, ARNs and booleans, and wildcards in StringLike and ARNs", () => {
    const names = (pick: (rule: (typeof OPERATOR_RULES)[number]) => boolean): string[] =>
      OPERATOR_RULES.filter(pick).map((rule) => rule.name);
    expect(names((rule) => rule.variables).every((name) => /^(String|Arn|Bool)/.test(name))).toBe(true);
    expect(
      names((rule) => !rule.variables).every((name) => /^(Numeric|Date|Binary|Ip|NotIp)/.test(name)),
    ).toBe(true);
    expect(names((rule) => rule.wildcards).sort()).toEqual(
      ["StringLike", "StringNotLike", "ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"].sort(),
    );
  });
});

describe.each<[Name, string, string, "yes" | "no" | "wrong-type" | "doubtful"]>([
  ["StringEquals", "blue", "blue", "yes"],
  ["StringEquals", "Blue", "blue", "no"],
  ["StringEquals", "o-abc", "o-*", "no"],
  ["StringEquals", "o-*", "o-*", "yes"],
  ["StringEqualsIgnoreCase", "BLUE", "blue", "yes"],
  ["StringEqualsIgnoreCase", "blues", "blue", "no"],
  ["StringLike", "arn:aws:iam::999988887777:role/111122223333", "*111122223333*", "yes"],
  ["StringLike", "a/b:c", "a*c", "yes"],
  ["StringLike", "ac", "a?c", "no"],
  ["StringLike", "abc", "a?c", "yes"],
  ["StringLike", "ABC", "abc", "no"],
  ["StringLike", "", "*", "yes"],
  ["NumericEquals", "10", "10.0", "yes"],
  ["NumericEquals", "1e1", "10", "yes"],
  ["NumericEquals", "0.1", "0.10000000000000001", "no"],
  ["NumericEquals", "ten", "10", "wrong-type"],
  ["NumericLessThan", "9", "10", "yes"],
  ["NumericLessThan", "10", "10", "no"],
  ["NumericLessThanEquals", "10", "10", "yes"],
  ["NumericGreaterThan", "-3", "-4", "yes"],
  ["NumericGreaterThanEquals", "10", "11", "no"],
  ["NumericGreaterThanEquals", "", "11", "wrong-type"],
  ["DateEquals", "2026-11-23T00:00:00Z", "2026-11-23", "yes"],
  ["DateEquals", "2026-11-23T02:00:00+02:00", "2026-11-23T00:00Z", "yes"],
  ["DateEquals", "2026-11-23T00:00:00Z", "1795392000", "yes"],
  ["DateLessThan", "2026-11-22T23:59:59.999Z", "2026-11-23", "yes"],
  ["DateLessThan", "2026-11-23", "2026-11-23", "no"],
  ["DateLessThanEquals", "2026-11-23", "2026-11-23", "yes"],
  ["DateGreaterThan", "2026-11-23", "2026", "yes"],
  ["DateGreaterThanEquals", "2026-11-23", "2026-12", "no"],
  ["DateGreaterThan", "2026-11-23", "tomorrow", "wrong-type"],
  ["DateGreaterThan", "2026-11-23", "2026-11-22T10:00:00", "doubtful"],
  ["Bool", "true", "TRUE", "yes"],
  ["Bool", "false", "true", "no"],
  ["Bool", "true", "yes", "wrong-type"],
  ["BinaryEquals", "QmFzZTY0", "QmFzZTY0", "yes"],
  ["BinaryEquals", "QQ==", "QQ", "yes"],
  ["BinaryEquals", "QQ==", "Qg==", "no"],
  ["BinaryEquals", "qq==", "QQ==", "no"],
  ["BinaryEquals", "not base64!", "QQ==", "wrong-type"],
  ["IpAddress", "203.0.113.7", "203.0.113.0/24", "yes"],
  ["IpAddress", "203.0.114.7", "203.0.113.0/24", "no"],
  ["IpAddress", "203.0.113.7", "203.0.113.7", "yes"],
  ["IpAddress", "203.0.113.8", "203.0.113.7", "no"],
  ["IpAddress", "203.0.113.7", "203.0.113.200/24", "yes"],
  ["IpAddress", "203.0.113.0/24", "203.0.113.0/25", "no"],
  ["IpAddress", "203.0.113.7", "0.0.0.0/0", "yes"],
  ["IpAddress", "2001:db8::1", "2001:db8::/32", "yes"],
  ["IpAddress", "2001:db9::1", "2001:db8::/32", "no"],
  ["IpAddress", "2001:0db8:0:0:0:0:0:1", "2001:db8::1", "yes"],
  ["IpAddress", "203.0.113.7", "::/0", "no"],
  ["IpAddress", "203.0.113.7", "203.0.113.0/33", "wrong-type"],
  ["IpAddress", "203.0.113.07", "203.0.113.0/24", "wrong-type"],
  ["IpAddress", "somewhere", "203.0.113.0/24", "wrong-type"],
  ["ArnLike", "arn:aws:iam::111122223333:role/app-1", "arn:aws:iam::111122223333:role/app-*", "yes"],
  ["ArnLike", "arn:aws:iam::111122223333:role/team/app", "arn:aws:iam::*:role/*", "yes"],
  [
    "ArnLike",
    "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
    "arn:aws:someservice:*:111122223333:finance/*",
    "no",
  ],
  [
    "ArnLike",
    "arn:aws:lambda:us-east-1:111122223333:function:f:1",
    "arn:aws:lambda:*:111122223333:function:f:?",
    "yes",
  ],
  ["ArnLike", "arn:aws:lambda:us-east-1:111122223333:function:f:1", "arn:aws:lambda:*:*:function*1", "yes"],
  ["ArnEquals", "arn:aws:iam::111122223333:role/app-1", "arn:aws:iam::111122223333:role/app-*", "yes"],
  ["ArnEquals", "arn:aws:iam::111122223333:role/App", "arn:aws:iam::111122223333:role/app", "no"],
  ["ArnLike", "arn:aws:iam::111122223333:role/app", "*", "doubtful"],
  ["ArnLike", "arn:aws:iam::111122223333:role/app", "arn:aws:iam::*", "doubtful"],
  ["ArnLike", "111122223333", "arn:aws:iam::111122223333:root", "doubtful"],
])("%s of %j with %j", (name, value, wanted, expected) => {
  it(`is ${expected}`, () => expect(compare(name, value, wanted)).toBe(expected));
});

describe("numbers", () => {
  it.each(["", ".", "1.2.3", "0x10", "1e", "NaN", "--1"])("%j is none", (text) =>
    expect(parseDecimal(text)).toBeUndefined(),
  );

  it("are compared as JavaScript compares small integers, whatever zeros are added", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(5), (a, b, zeros) => {
        const left = parseDecimal(`${a}.${"0".repeat(zeros + 1)}`);
        const right = parseDecimal(String(b));
        if (left === undefined || right === undefined) throw new Error("not parsed");
        expect(Math.sign(compareDecimals(left, right))).toBe(Math.sign(a - b));
      }),
    );
  });
});

describe("dates", () => {
  it.each([
    ["2026", Date.UTC(2026, 0, 1)],
    ["2026-11", Date.UTC(2026, 10, 1)],
    ["2026-11-23", Date.UTC(2026, 10, 23)],
    ["2026-11-23T10:20Z", Date.UTC(2026, 10, 23, 10, 20)],
    ["2026-11-23T10:20:30Z", Date.UTC(2026, 10, 23, 10, 20, 30)],
    ["2026-11-23T10:20:30.25-01:30", Date.UTC(2026, 10, 23, 11, 50, 30, 250)],
    ["1795392000", Date.UTC(2026, 10, 23)],
    ["0", 0],
  ])("%s", (text, milliseconds) => expect(parseInstant(text)?.milliseconds).toBe(milliseconds));

  it.each(["2026-02-30", "2026-13-01", "2026-11-23T24:00Z", "2026-1-1", "23.11.2026", "", "2026-11-23Z"])(
    "%j is none",
    (text) => expect(parseInstant(text)).toBeUndefined(),
  );

  it("reads what Date writes", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString())).toEqual({ milliseconds: date.getTime(), zoned: true });
      }),
    );
  });
});

describe("addresses", () => {
  it.each([
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4/",
    "1.2.3.4/24/8",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
  ])("%j is none", (text) => expect(parseIpBlock(text)).toBeUndefined());

  it("of both families have their value", () => {
    expect(parseIpBlock("1.2.3.4")).toEqual({ bits: 32, address: 0x01020304n, prefix: 32 });
    expect(parseIpBlock("::ffff:1.2.3.4")).toEqual({ bits: 128, address: 0xffff01020304n, prefix: 128 });
    expect(parseIpBlock("fe80::/10")).toEqual({ bits: 128, address: 0xfe80n << 112n, prefix: 10 });
  });

  it("lie in a block iff their leading bits are those of the block", () => {
    const bits = (text: string): string =>
      text
        .split(".")
        .map((part) => Number(part).toString(2).padStart(8, "0"))
        .join("");
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (a, b, prefix) => {
        const outer = parseIpBlock(`${a}/${prefix}`);
        const inner = parseIpBlock(b);
        if (outer === undefined || inner === undefined) throw new Error("not parsed");
        expect(ipContains(outer, inner)).toBe(bits(a).slice(0, prefix) === bits(b).slice(0, prefix));
      }),
    );
  });

  it("of version 6 are all read", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(parseIpBlock(text)?.bits).toBe(128);
      }),
    );
  });
});

describe("base64", () => {
  it("means its bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(parseBase64(text)).toBe(text);
        expect(parseBase64(text.replace(/=/g, ""))).toBe(text);
      }),
    );
  });
  it.each(["A", "AB=", "A===", "a b", "QQ=", "-_"])("%j is none", (text) =>
    expect(parseBase64(text)).toBeUndefined(),
  );
});
