import { describe, expect, it } from "vitest";
import { OPERATORS } from "./ast.js";
import { isNegated, nearestOperator, operatorForm } from "./operators.js";

describe("operatorForm", () => {
  it.each(OPERATORS)("%s with every qualifier and IfExists", (operator) => {
    for (const qualifier of [undefined, "ForAllValues", "ForAnyValue"] as const) {
      for (const ifExists of [false, true]) {
        const name = `${qualifier === undefined ? "" : `${qualifier}:`}${operator}${ifExists ? "IfExists" : ""}`;
        const expected = { operator, qualifier, ifExists, spelling: name };
        expect(operatorForm(name)).toEqual(expected);
        expect(operatorForm(name.toUpperCase())).toEqual(expected);
      }
    }
  });

  it.each([
    "",
    "String",
    "StringEqual",
    "IfExists",
    "ForAllValues:",
    "ForAllValue:StringEquals",
    "ForAllValues:ForAnyValue:StringEquals",
    "StringEqualsIfExistsIfExists",
    " StringEquals",
    "StringEquals ",
    "StringLi\u212ae",
    "NotNull",
    "constructor",
    "__proto__",
  ])("no operator: %j", (name) => {
    expect(operatorForm(name)).toBeUndefined();
  });
});

describe("isNegated", () => {
  it("holds for the operators that exclude their values, and for no other", () => {
    // Source: IAM User Guide, condition operators; "negated matching condition operator".
    expect(OPERATORS.filter(isNegated)).toEqual([
      "StringNotEquals",
      "StringNotEqualsIgnoreCase",
      "StringNotLike",
      "NumericNotEquals",
      "DateNotEquals",
      "NotIpAddress",
      "ArnNotEquals",
      "ArnNotLike",
    ]);
  });
});

describe("nearestOperator", () => {
  it.each([
    ["StringEqual", "StringEquals"],
    ["StringLikes", "StringLike"],
    ["ForAllValue:StringLike", "ForAllValues:StringLike"],
    ["IPAdress", "IpAddress"],
    ["BoolIfExist", "BoolIfExists"],
  ])("%s -> %s", (name, expected) => {
    expect(nearestOperator(name)).toBe(expected);
  });

  it.each(["", "x", "Frobnicate", "x".repeat(100_000)])("nothing near", (name) => {
    expect(nearestOperator(name)).toBeUndefined();
  });
});
