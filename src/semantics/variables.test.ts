import { describe, expect, it } from "vitest";
import { allow, keyWith, request, type FactsOver } from "../../test/requests.js";
import { evaluate } from "./evaluate.js";
import type { Context } from "./request.js";

const USER = "arn:aws:iam::111122223333:user/U";

/** The outcome for a user of the key's account, under one condition; doubts where it is unknown. */
function outcome(
  condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  context: Context = {},
  over: { readonly version?: string | null; readonly facts?: FactsOver } = {},
): string {
  const key = keyWith([allow({ Condition: condition })], over);
  const decision = evaluate(request(USER, { context }), key);
  return decision.outcome === "unknown" ? decision.doubts.map((d) => d.id).join(",") : decision.outcome;
}

describe("policy variables", () => {
  it("stand for the request's value of a key, whatever the case of its name", () => {
    const own = { StringEquals: { "aws:PrincipalAccount": "${aws:ResourceAccount}" } };
    expect(outcome(own)).toBe("allow");
    expect(outcome({ StringEquals: { "aws:PrincipalAccount": "${AWS:resourceaccount}" } })).toBe("allow");
    expect(outcome({ StringNotEquals: { "aws:PrincipalAccount": "${aws:ResourceAccount}" } })).toBe("deny");
    expect(
      outcome(
        { StringEquals: { "aws:PrincipalTag/name": "x-${aws:username}-y" } },
        { "aws:PrincipalTag/name": "x-U-y" },
      ),
    ).toBe("allow");
  });

  it("are plain text under another Version and without one", () => {
    const condition = { StringEquals: { "aws:PrincipalAccount": "${aws:ResourceAccount}" } };
    expect(outcome(condition, {}, { version: "2008-10-17" })).toBe("deny");
    expect(outcome(condition, {}, { version: null })).toBe("deny");
    const literal = { StringEquals: { "aws:UserAgent": "${aws:username}" } };
    expect(outcome(literal, { "aws:UserAgent": "${aws:username}" }, { version: null })).toBe("allow");
  });

  it("without a value match nothing, so a negated operator holds", () => {
    expect(outcome({ StringEquals: { "aws:username": "${aws:PrincipalTag/name}" } })).toBe("deny");
    expect(outcome({ StringNotEquals: { "aws:username": "${aws:PrincipalTag/name}" } })).toBe("allow");
    expect(outcome({ StringEquals: { "aws:username": ["${aws:PrincipalTag/name}", "U"] } })).toBe("allow");
    expect(
      outcome({ StringEquals: { "aws:username": "${aws:CalledVia}" } }, { "aws:CalledVia": ["U"] }),
    ).toBe("deny");
  });

  it("may have a default", () => {
    expect(outcome({ StringEquals: { "aws:username": "${aws:PrincipalTag/name, 'U'}" } })).toBe("allow");
    expect(outcome({ StringEquals: { "aws:username": "${aws:PrincipalTag/name, 'V'}" } })).toBe("deny");
    expect(
      outcome(
        { StringEquals: { "aws:username": "${aws:PrincipalTag/name, 'V'}" } },
        { "aws:PrincipalTag/name": "U" },
      ),
    ).toBe("allow");
  });

  it("are not known where the key is not", () => {
    expect(
      outcome(
        { StringEquals: { "aws:PrincipalOrgID": "${aws:ResourceOrgID}" } },
        { "aws:PrincipalOrgID": "o-own1234567" },
        {
          facts: { organization: { kind: "unknown" } },
        },
      ),
    ).toBe("organization-unknown");
    expect(
      outcome(
        { StringEquals: { "aws:PrincipalOrgID": "${aws:ResourceOrgID}" } },
        { "aws:PrincipalOrgID": "o-own1234567" },
        {
          facts: { organization: { kind: "absent" } },
        },
      ),
    ).toBe("deny");
    expect(outcome({ StringEquals: { "aws:username": "${aws:misspelt}" } })).toBe("unknown-condition-key");
    expect(outcome({ StringEquals: { "aws:username": "${}" } })).toBe("not-understood");
  });

  it("escape the signs of patterns", () => {
    const agent = (text: string): Context => ({ "aws:UserAgent": text });
    expect(outcome({ StringLike: { "aws:UserAgent": "a${*}" } }, agent("a*"))).toBe("allow");
    expect(outcome({ StringLike: { "aws:UserAgent": "a${*}" } }, agent("ab"))).toBe("deny");
    expect(outcome({ StringLike: { "aws:UserAgent": "a${?}*" } }, agent("a?bc"))).toBe("allow");
    expect(outcome({ StringLike: { "aws:UserAgent": "a${?}*" } }, agent("abc"))).toBe("deny");
    expect(outcome({ StringEquals: { "aws:UserAgent": "${$}{x}" } }, agent("${x}"))).toBe("allow");
    expect(outcome({ StringLike: { "aws:UserAgent": "a${*}" } }, agent("a${x}"), { version: null })).toBe(
      "allow",
    );
  });

  it("leave a doubt where their value holds a wildcard and the readings differ", () => {
    const tag = { "aws:PrincipalTag/p": "a*", "aws:UserAgent": "abc" };
    expect(outcome({ StringLike: { "aws:UserAgent": "${aws:PrincipalTag/p}" } }, tag)).toBe(
      "variable-wildcard",
    );
    expect(outcome({ StringEquals: { "aws:UserAgent": "${aws:PrincipalTag/p}" } }, tag)).toBe("deny");
    expect(
      outcome(
        { StringLike: { "aws:UserAgent": "${aws:PrincipalTag/p}" } },
        { ...tag, "aws:UserAgent": "a*" },
      ),
    ).toBe("allow");
    expect(
      outcome({ StringLike: { "aws:UserAgent": "${aws:PrincipalTag/p}" } }, { ...tag, "aws:UserAgent": "x" }),
    ).toBe("deny");
  });

  it("work in ARNs and booleans, and not in numbers", () => {
    const arn = { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::${aws:ResourceAccount}:user/*" } };
    expect(outcome(arn)).toBe("allow");
    expect(outcome({ Bool: { "aws:ViaAWSService": "${aws:PrincipalIsAWSService}" } })).toBe("allow");
    expect(outcome({ NumericEquals: { "aws:EpochTime": "${aws:EpochTime}" } })).toBe("deny");
  });
});

describe("variables in Resource", () => {
  const arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  const outcomeOf = (resource: string, context: Context = {}): string =>
    evaluate(request(USER, { context }), keyWith([allow({ Resource: resource })])).outcome;

  it("are filled in", () => {
    expect(outcomeOf(arn.replace("111122223333", "${aws:PrincipalAccount}"))).toBe("allow");
    expect(outcomeOf("arn:aws:kms:us-east-1:111122223333:alias/${aws:username}")).toBe("deny");
  });
});
