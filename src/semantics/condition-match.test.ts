import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyWith, request } from "../../test/requests.js";
import { OPERATORS, type Condition, type Operator, type Policy } from "../policy/ast.js";
import { conditionHolds, describeCondition } from "./condition-match.js";
import { deriveContext } from "./derive-context.js";
import type { Context } from "./request.js";
import { operatorRule } from "./operators/table.js";

interface Form {
  readonly operator: Operator;
  readonly qualifier?: "ForAllValues" | "ForAnyValue";
  readonly ifExists?: boolean;
  readonly key?: string;
  readonly values: readonly string[];
}

function condition(form: Form): Condition {
  const key = form.key ?? "aws:UserAgent";
  return {
    operator: form.operator,
    qualifier: form.qualifier,
    ifExists: form.ifExists ?? false,
    key,
    keyLower: key.toLowerCase(),
    values: form.values,
    path: [],
  };
}

const USER = "arn:aws:iam::111122223333:user/U";

/** `yes`, `no`, or the doubts, comma-separated. */
function holds(
  form: Form,
  context: Context = {},
  version: Policy["version"] = "2012-10-17",
  key = keyWith([]),
): string {
  const result = conditionHolds(condition(form), version, deriveContext(request(USER, { context }), key));
  return result.value === "doubtful" ? result.doubts.join(",") : result.value;
}

/** A single-valued key, absent or present with a value in or out of [a, b]. */
const SINGLE = "aws:UserAgent";
/** A multivalued key. */
const MULTI = "aws:CalledVia";

describe("every form with an absent, a matching and another value", () => {
  it.each<[string, Form, string, string, string]>([
    // form                                                                       absent, in,    out
    ["positive", { operator: "StringEquals", values: ["a", "b"] }, "no", "yes", "no"],
    ["negated", { operator: "StringNotEquals", values: ["a", "b"] }, "yes", "no", "yes"],
    [
      "positive IfExists",
      { operator: "StringEquals", ifExists: true, values: ["a", "b"] },
      "yes",
      "yes",
      "no",
    ],
    [
      "negated IfExists",
      { operator: "StringNotEquals", ifExists: true, values: ["a", "b"] },
      "yes",
      "no",
      "yes",
    ],
    [
      "ForAnyValue positive",
      { operator: "StringEquals", qualifier: "ForAnyValue", values: ["a", "b"] },
      "no",
      "yes",
      "no",
    ],
    [
      "ForAnyValue negated",
      { operator: "StringNotEquals", qualifier: "ForAnyValue", values: ["a", "b"] },
      "no",
      "no",
      "yes",
    ],
    [
      "ForAllValues positive",
      { operator: "StringEquals", qualifier: "ForAllValues", values: ["a", "b"] },
      "yes",
      "yes",
      "no",
    ],
    [
      "ForAllValues negated",
      { operator: "StringNotEquals", qualifier: "ForAllValues", values: ["a", "b"] },
      "yes",
      "no",
      "yes",
    ],
    [
      "ForAllValues positive IfExists",
      { operator: "StringEquals", qualifier: "ForAllValues", ifExists: true, values: ["a", "b"] },
      "yes",
      "yes",
      "no",
    ],
    [
      "ForAllValues negated IfExists",
      { operator: "StringNotEquals", qualifier: "ForAllValues", ifExists: true, values: ["a", "b"] },
      "yes",
      "no",
      "yes",
    ],
    [
      "ForAnyValue positive IfExists",
      { operator: "StringEquals", qualifier: "ForAnyValue", ifExists: true, values: ["a", "b"] },
      "for-any-value-if-exists",
      "yes",
      "no",
    ],
    [
      "ForAnyValue negated IfExists",
      { operator: "StringNotEquals", qualifier: "ForAnyValue", ifExists: true, values: ["a", "b"] },
      "for-any-value-if-exists",
      "no",
      "yes",
    ],
    ["Null true", { operator: "Null", values: ["true"] }, "yes", "no", "no"],
    ["Null false", { operator: "Null", values: ["false"] }, "no", "yes", "yes"],
    ["Null TRUE", { operator: "Null", values: ["TRUE"] }, "yes", "no", "no"],
    ["Null true or false", { operator: "Null", values: ["true", "false"] }, "yes", "yes", "yes"],
    [
      "ForAllValues:Null",
      { operator: "Null", qualifier: "ForAllValues", values: ["true"] },
      "yes",
      "yes",
      "yes",
    ],
    ["ForAnyValue:Null", { operator: "Null", qualifier: "ForAnyValue", values: ["true"] }, "no", "no", "no"],
    [
      "NullIfExists",
      { operator: "Null", ifExists: true, values: ["true"] },
      "not-understood",
      "not-understood",
      "not-understood",
    ],
    [
      "Null of something else",
      { operator: "Null", values: ["maybe"] },
      "wrong-type-value",
      "wrong-type-value",
      "wrong-type-value",
    ],
    // Empty lists.
    [
      "plain, empty list",
      { operator: "StringEquals", values: [] },
      "empty-value-list",
      "empty-value-list",
      "empty-value-list",
    ],
    [
      "negated, empty list",
      { operator: "StringNotEquals", values: [] },
      "empty-value-list",
      "empty-value-list",
      "empty-value-list",
    ],
    ["IfExists, empty list", { operator: "StringEquals", ifExists: true, values: [] }, "yes", "no", "no"],
    [
      "ForAllValues, empty list",
      { operator: "StringEquals", qualifier: "ForAllValues", values: [] },
      "yes",
      "no",
      "no",
    ],
    [
      "ForAnyValue, empty list",
      { operator: "StringEquals", qualifier: "ForAnyValue", values: [] },
      "no",
      "no",
      "no",
    ],
    [
      "Null, empty list",
      { operator: "Null", values: [] },
      "empty-value-list",
      "empty-value-list",
      "empty-value-list",
    ],
  ])("%s", (_name, form, absent, inside, outside) => {
    expect(holds({ ...form, key: SINGLE })).toBe(absent);
    expect(holds({ ...form, key: SINGLE }, { [SINGLE]: "a" })).toBe(inside);
    expect(holds({ ...form, key: SINGLE }, { [SINGLE]: "c" })).toBe(outside);
    // The same key in another case, and an empty list for "absent".
    expect(holds({ ...form, key: SINGLE.toUpperCase() }, { [SINGLE.toLowerCase()]: "a" })).toBe(inside);
    expect(holds({ ...form, key: SINGLE }, { [SINGLE]: [] })).toBe(absent);
  });
});

describe("a multivalued key", () => {
  const any = "ForAnyValue" as const;
  const every = "ForAllValues" as const;
  it.each<[string, Form, readonly string[], string]>([
    ["ForAnyValue: one in", { operator: "StringEquals", qualifier: any, values: ["a"] }, ["a", "c"], "yes"],
    ["ForAnyValue: none in", { operator: "StringEquals", qualifier: any, values: ["a"] }, ["c", "d"], "no"],
    [
      "ForAllValues: one out",
      { operator: "StringEquals", qualifier: every, values: ["a"] },
      ["a", "c"],
      "no",
    ],
    [
      "ForAllValues: all in",
      { operator: "StringEquals", qualifier: every, values: ["a", "c"] },
      ["a", "c"],
      "yes",
    ],
    [
      "ForAnyValue negated: one out",
      { operator: "StringNotEquals", qualifier: any, values: ["a"] },
      ["a", "c"],
      "yes",
    ],
    [
      "ForAnyValue negated: none out",
      { operator: "StringNotEquals", qualifier: any, values: ["a", "c"] },
      ["a", "c"],
      "no",
    ],
    [
      "ForAllValues negated: one in",
      { operator: "StringNotEquals", qualifier: every, values: ["a"] },
      ["a", "c"],
      "no",
    ],
    [
      "ForAllValues negated: none in",
      { operator: "StringNotEquals", qualifier: every, values: ["x"] },
      ["a", "c"],
      "yes",
    ],
    ["no qualifier, one in", { operator: "StringEquals", values: ["a"] }, ["a", "c"], "set-operator-missing"],
    [
      "no qualifier, the only one in",
      { operator: "StringEquals", values: ["a"] },
      ["a"],
      "set-operator-missing",
    ],
    ["no qualifier, none in", { operator: "StringEquals", values: ["a"] }, ["c"], "no"],
    ["no qualifier, absent", { operator: "StringEquals", values: ["a"] }, [], "no"],
    ["no qualifier negated, absent", { operator: "StringNotEquals", values: ["a"] }, [], "yes"],
    ["no qualifier negated, all in", { operator: "StringNotEquals", values: ["a", "c"] }, ["a", "c"], "no"],
    [
      "no qualifier negated, one out",
      { operator: "StringNotEquals", values: ["a"] },
      ["a", "c"],
      "set-operator-missing",
    ],
    [
      "ForAllValues of empty texts",
      { operator: "StringEquals", qualifier: every, values: ["a"] },
      [""],
      "null-set-data",
    ],
    [
      "ForAllValues of a listed empty text",
      { operator: "StringEquals", qualifier: every, values: [""] },
      [""],
      "yes",
    ],
    [
      "ForAllValues of an empty text and another",
      { operator: "StringEquals", qualifier: every, values: ["a"] },
      ["", "c"],
      "no",
    ],
  ])("%s", (_name, form, values, expected) => {
    expect(holds({ ...form, key: MULTI }, { [MULTI]: values })).toBe(expected);
  });

  it("may be stated as one text", () => {
    expect(
      holds(
        { operator: "StringEquals", qualifier: "ForAnyValue", key: MULTI, values: ["a"] },
        { [MULTI]: "a" },
      ),
    ).toBe("yes");
  });
});

describe("several values of a single-valued key", () => {
  it("are not compared for sure without a qualifier", () => {
    expect(holds({ operator: "StringEquals", values: ["a"] }, { [SINGLE]: ["a", "b"] })).toBe(
      "set-operator-missing",
    );
  });
});

describe("values of the wrong type", () => {
  it.each<[Form, string, string]>([
    [{ operator: "NumericEquals", values: ["1"] }, "one", "no"],
    [{ operator: "NumericNotEquals", values: ["1"] }, "one", "wrong-type-value"],
    [{ operator: "NumericNotEquals", values: ["one", "1"] }, "1", "no"],
    [{ operator: "NumericNotEquals", values: ["one", "2"] }, "1", "wrong-type-value"],
    [{ operator: "NumericLessThan", values: ["x", "5"] }, "1", "yes"],
    [{ operator: "DateNotEquals", values: ["soon"] }, "2026-11-23", "wrong-type-value"],
    [{ operator: "IpAddress", values: ["office"] }, "198.51.100.1", "no"],
    [{ operator: "NotIpAddress", values: ["office"] }, "198.51.100.1", "wrong-type-value"],
    [{ operator: "NotIpAddress", values: ["10.0.0.0/8", "2001:db8::/32"] }, "198.51.100.1", "yes"],
    [{ operator: "Bool", values: ["yes"] }, "true", "no"],
    [{ operator: "ArnNotLike", values: ["*"] }, "arn:aws:iam::111122223333:root", "arn-operator-non-arn"],
  ])("%j with %j", (form, value, expected) => {
    expect(holds(form, { [SINGLE]: value })).toBe(expected);
  });
});

describe("a key that is not known", () => {
  const noFacts = keyWith([], {
    facts: { spec: undefined, tags: undefined, organization: { kind: "unknown" } },
  });

  it("is doubtful where keyward does not know the name, unless the request states it", () => {
    expect(holds({ operator: "StringEquals", key: "kms:Misspelt", values: ["a"] })).toBe(
      "unknown-condition-key",
    );
    expect(holds({ operator: "StringNotEquals", key: "kms:Misspelt", values: ["a"] })).toBe(
      "unknown-condition-key",
    );
    expect(holds({ operator: "Null", key: "kms:Misspelt", values: ["true"] })).toBe("unknown-condition-key");
    expect(
      holds({ operator: "StringEquals", key: "kms:Misspelt", values: ["a"] }, { "KMS:misspelt": "a" }),
    ).toBe("yes");
    expect(
      holds({ operator: "StringEquals", key: "kms:Misspelt", values: ["a"] }, { "kms:Misspelt": [] }),
    ).toBe("no");
  });

  it("is doubtful where the fact about the key was not read", () => {
    const value = (form: Form): string => holds(form, {}, "2012-10-17", noFacts);
    expect(value({ operator: "StringEquals", key: "kms:KeySpec", values: ["RSA_2048"] })).toBe(
      "key-fact-unknown",
    );
    expect(value({ operator: "Null", key: "kms:KeySpec", values: ["false"] })).toBe("yes");
    expect(value({ operator: "StringEquals", key: "aws:ResourceTag/team", values: ["a"] })).toBe(
      "key-fact-unknown",
    );
    expect(value({ operator: "Null", key: "aws:ResourceTag/team", values: ["true"] })).toBe(
      "key-fact-unknown",
    );
    expect(value({ operator: "StringEquals", key: "aws:ResourceOrgID", values: ["o-x"] })).toBe(
      "organization-unknown",
    );
    expect(
      value({ operator: "Null", qualifier: "ForAllValues", key: "aws:ResourceTag/team", values: ["true"] }),
    ).toBe("yes");
    expect(
      value({ operator: "StringEquals", qualifier: "ForAnyValue", key: "aws:ResourceTag/team", values: [] }),
    ).toBe("no");
    expect(value({ operator: "StringEquals", ifExists: true, key: "aws:ResourceTag/team", values: [] })).toBe(
      "key-fact-unknown",
    );
    expect(value({ operator: "StringEquals", ifExists: true, key: "kms:KeySpec", values: [] })).toBe("no");
  });
});

describe("laws", () => {
  const pairs: readonly (readonly [Operator, Operator])[] = [
    ["StringEquals", "StringNotEquals"],
    ["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
    ["StringLike", "StringNotLike"],
    ["NumericEquals", "NumericNotEquals"],
    ["DateEquals", "DateNotEquals"],
    ["IpAddress", "NotIpAddress"],
    ["ArnEquals", "ArnNotEquals"],
    ["ArnLike", "ArnNotLike"],
  ];
  const text = fc.oneof(
    fc.constantFrom(
      "a",
      "A",
      "*",
      "a*",
      "1",
      "1.0",
      "2026-11-23",
      "203.0.113.7",
      "203.0.113.0/24",
      "arn:a:b:c:d:e",
      "arn:a:b:*:d:e",
    ),
    fc.string({ maxLength: 3 }),
  );

  it("a negated operator is the complement of the positive one on a present single value", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        text,
        fc.array(text, { minLength: 1, maxLength: 3 }),
        (pair, value, values) => {
          const positive = holds({ operator: pair[0], values }, { [SINGLE]: value });
          const negated = holds({ operator: pair[1], values }, { [SINGLE]: value });
          if (positive === "yes") expect(negated).toBe("no");
          if (positive === "no") expect(["yes", "wrong-type-value"]).toContain(negated);
          if (positive !== "yes" && positive !== "no") expect(negated).toContain(positive);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("ForAllValues of an operator is the negation of ForAnyValue of its complement, on present values", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs.slice(0, 3)),
        fc.array(fc.constantFrom("a", "b", "A", "c"), { minLength: 1, maxLength: 3 }),
        fc.array(fc.constantFrom("a", "b", "*"), { minLength: 1, maxLength: 2 }),
        (pair, values, wanted) => {
          const context = { [MULTI]: values };
          const every = holds(
            { operator: pair[0], qualifier: "ForAllValues", key: MULTI, values: wanted },
            context,
          );
          const some = holds(
            { operator: pair[1], qualifier: "ForAnyValue", key: MULTI, values: wanted },
            context,
          );
          expect(every).toBe(some === "yes" ? "no" : "yes");
        },
      ),
    );
  });

  it("IfExists changes nothing on a present value", () => {
    const operators = OPERATORS.filter((name) => name !== "Null");
    fc.assert(
      fc.property(fc.constantFrom(...operators), text, text, (operator, value, wanted) => {
        const context = { [SINGLE]: value };
        expect(holds({ operator, ifExists: true, values: [wanted] }, context)).toBe(
          holds({ operator, values: [wanted] }, context),
        );
      }),
    );
  });

  it("the order of values, and a value twice, change nothing", () => {
    const operators = OPERATORS.filter((name) => name !== "Null");
    fc.assert(
      fc.property(
        fc.constantFrom(...operators),
        text,
        fc.array(text, { minLength: 1, maxLength: 3 }),
        (operator, value, values) => {
          const context = { [SINGLE]: value };
          const once = holds({ operator, values }, context);
          const again = holds({ operator, values: [...values, ...values].reverse() }, context);
          expect(again.split(",").sort()).toEqual(once.split(",").sort());
          expect(operatorRule(operator).name).toBe(operator);
        },
      ),
    );
  });
});

describe("what a condition says of a request", () => {
  const context = deriveContext(
    request(USER, { context: { [SINGLE]: "x\u001b[31m" } }),
    keyWith([], { facts: { spec: undefined } }),
  );
  it.each<[Form, string]>([
    [
      { operator: "StringEquals", qualifier: "ForAnyValue", ifExists: true, values: ["a", "b"] },
      'ForAnyValue:StringEqualsIfExists aws:UserAgent "a" or "b"; the request has "x\\u001b[31m"',
    ],
    [
      { operator: "Bool", key: "aws:MultiFactorAuthPresent", values: ["true"] },
      'Bool aws:MultiFactorAuthPresent "true"; the request does not have this key',
    ],
    [
      { operator: "StringEquals", key: "kms:KeySpec", values: [] },
      "StringEquals kms:KeySpec (no values); the request's value is not known",
    ],
  ])("%j", (form, expected) => expect(describeCondition(condition(form), context)).toBe(expected));
});
