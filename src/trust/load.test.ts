import { describe, expect, test } from "vitest";
import type { Problem } from "../domain/result.js";
import { formatProblem } from "../domain/result.js";
import type { Config } from "./config.js";
import { loadConfig } from "./load.js";

function good(text: string): Config {
  const result = loadConfig(text, "keyward.yaml");
  if (!result.ok) throw new Error(result.error.map(formatProblem).join("\n"));
  return result.value;
}

function bad(text: string): readonly Problem[] {
  const result = loadConfig(text, "keyward.yaml");
  if (result.ok) throw new Error("accepted");
  for (const p of result.error) {
    expect(p.where, p.what).toMatch(/^keyward\.yaml:\d+:\d+$/);
    expect(p.got, p.what).toBeDefined();
    expect(p.next, p.what).toBeDefined();
  }
  return result.error;
}

const FULL = `trust:
  organizations: [o-own1234567]
  accounts:
    - { id: "222233334444", name: logs }
    - "333344445555"
  principals: ["arn:aws:iam::444455556666:role/Backup"]
  services: [logs.us-east-1.amazonaws.com]
exceptions:
  - key: "arn:aws:kms:*:111122223333:key/1234*"
    rule: external-access
    who: "444455556666"
    reason: partner settlement, contract 17
    owner: pay-team@example.com
    expires: 2027-03-31
`;

describe("what is accepted", () => {
  test("the documented example", () => {
    expect(good(FULL)).toEqual({
      where: "keyward.yaml",
      trust: {
        organizations: ["o-own1234567"],
        accounts: [{ id: "222233334444", name: "logs" }, { id: "333344445555" }],
        principals: ["arn:aws:iam::444455556666:role/Backup"],
        services: ["logs.us-east-1.amazonaws.com"],
      },
      exceptions: [
        {
          key: "arn:aws:kms:*:111122223333:key/1234*",
          rule: "external-access",
          who: "444455556666",
          reason: "partner settlement, contract 17",
          owner: "pay-team@example.com",
          expires: "2027-03-31",
          where: "keyward.yaml:9:5",
        },
      ],
    });
  });

  test.each(["", "# nothing yet\n", "trust:\nexceptions:\n", "trust:\n  accounts:\n"])(
    "a file that says nothing trusts nobody: %j",
    (text) => {
      const config = good(text);
      expect(config.trust).toEqual({ organizations: [], accounts: [], principals: [], services: [] });
      expect(config.exceptions).toEqual([]);
    },
  );

  test("organizations: auto", () => {
    expect(good("trust:\n  organizations: auto\n").trust.organizations).toBe("auto");
  });

  test("an account id without quotes keeps its digits, a leading zero too", () => {
    const text = "trust:\n  accounts:\n    - { id: 012345678901 }\n    - 222233334444\n";
    expect(good(text).trust.accounts.map((a) => a.id)).toEqual(["012345678901", "222233334444"]);
  });

  test("an exception for an alias, for whoever", () => {
    const [e] = good(
      "exceptions:\n  - { key: alias/app, rule: service-access, reason: r, owner: o, expires: 2027-01-01 }\n",
    ).exceptions;
    expect(e).toMatchObject({ key: "alias/app", who: undefined });
  });
});

describe("what is refused, with its place", () => {
  test("a field that does not exist", () => {
    expect(bad("trust:\n  acounts: []\n")).toEqual([
      {
        what: 'unknown field "acounts" in trust',
        where: "keyward.yaml:2:3",
        expected: "organizations, accounts, principals, services",
        got: '"acounts"',
        next: "remove it or correct its name",
      },
    ]);
  });

  test("an unknown field inside an account and at the root", () => {
    const problems = bad('trust:\n  accounts:\n    - { id: "222233334444", nam: x }\nexception: []\n');
    expect(problems.map((p) => [p.what, p.where])).toEqual([
      ['unknown field "nam" in trust.accounts[0]', "keyward.yaml:3:29"],
      ['unknown field "exception"', "keyward.yaml:4:1"],
    ]);
  });

  test.each([
    ["trust:\n  accounts: [12345]\n", "keyward.yaml:2:14", "an account id: twelve digits", '"12345"'],
    [
      "trust:\n  organizations: [o-OWN1234567]\n",
      "keyward.yaml:2:19",
      "an organization id",
      '"o-OWN1234567"',
    ],
    ["trust:\n  organizations: own\n", "keyward.yaml:2:18", "auto, or a list", '"own"'],
    ['trust:\n  principals: ["alice"]\n', "keyward.yaml:2:16", "the ARN of one user", '"alice"'],
    ["trust:\n  services: [s3]\n", "keyward.yaml:2:14", "a service principal", '"s3"'],
    ["trust: everybody\n", "keyward.yaml:1:8", "a mapping with organizations", '"everybody"'],
    ["- trust\n", "keyward.yaml:1:1", "a mapping with trust, exceptions and repair", "a list"],
    ["trust:\n  accounts: true\n", "keyward.yaml:2:13", "a list of accounts", '"true"'],
  ])("%j", (text, where, expected, got) => {
    const [problem] = bad(text);
    expect(problem?.where).toBe(where);
    expect(problem?.expected).toContain(expected);
    expect(problem?.got).toBe(got);
  });

  test.each([
    ["2027-02-30", "a date that exists"],
    ["31.3.2027", "a date that exists"],
    ["2027-13-01", "a date that exists"],
    ["2027-3-1", "a date that exists"],
  ])("the date %s", (date, expected) => {
    const [problem] = bad(FULL.replace("2027-03-31", date));
    expect(problem).toMatchObject({ what: "exceptions[0].expires is wrong", where: "keyward.yaml:14:14" });
    expect(problem?.expected).toContain(expected);
  });

  test.each(["key", "rule", "reason", "owner", "expires"])("an exception without %s", (field) => {
    const [problem] = bad(FULL.replace(new RegExp(`^( *)(- )?${field}:.*$`, "m"), "$1$2"));
    expect(problem?.what).toBe(`exceptions[0].${field} is missing`);
    expect(problem?.where).toMatch(/^keyward\.yaml:(9|10):5$/);
  });

  test("a rule that does not exist", () => {
    const [problem] = bad(FULL.replace("external-access", "everything"));
    expect(problem).toMatchObject({ what: "exceptions[0].rule is wrong", where: "keyward.yaml:10:11" });
  });

  test("the account principal among the principals", () => {
    const [problem] = bad('trust:\n  principals: ["arn:aws:iam::444455556666:root"]\n');
    expect(problem?.next).toBe("list the account under trust.accounts instead");
  });

  test("a wildcard among the principals", () => {
    const [problem] = bad('trust:\n  principals: ["arn:aws:iam::444455556666:role/*"]\n');
    expect(problem?.next).toContain("name each principal");
  });

  test("duplicates, each with the place of the first", () => {
    const text = `trust:
  accounts: ["222233334444", { id: "222233334444" }]
  services: [a.amazonaws.com, a.amazonaws.com]
`;
    expect(bad(text).map((p) => [p.what, p.where, p.got])).toEqual([
      ["an account stands twice", "keyward.yaml:2:30", "the same as at keyward.yaml:2:14"],
      ["a service stands twice", "keyward.yaml:3:31", "the same as at keyward.yaml:3:14"],
    ]);
  });

  test("two exceptions for the same thing", () => {
    const again = FULL.slice(FULL.indexOf("  - key"));
    expect(bad(FULL + again)[0]).toMatchObject({
      what: "an exception for the same key, rule and who stands twice",
      where: "keyward.yaml:15:5",
    });
  });

  test("a field that stands twice", () => {
    expect(bad("trust:\n  services: []\n  services: [a.b]\n")[0]).toMatchObject({
      what: "a field stands here twice",
      where: "keyward.yaml:3:3",
    });
  });

  test("text that is not YAML", () => {
    expect(bad("trust: [\n")[0]?.what).toBe("not YAML");
  });

  test("all mistakes at once", () => {
    expect(bad("trust:\n  accounts: [1]\n  services: [x]\n  foo: 1\n")).toHaveLength(3);
  });

  test("aliases that multiply", () => {
    const levels = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [name, of] of ["ba", "cb", "dc", "ed", "fe"]) {
      levels.push(`${name}: &${name} [${Array(9).fill(`*${of}`).join(",")}]`);
    }
    const result = loadConfig(levels.join("\n"), "keyward.yaml");
    expect(!result.ok && result.error[0]?.what).toBe("too many YAML aliases");
  });

  test("what the file says cannot act on a terminal", () => {
    for (const text of ['"\\e[31m": 1\n', 'trust:\n  services: ["\\e]0;x\\a"]\n', '"\\u202e": 1\n']) {
      for (const p of bad(text)) {
        expect(formatProblem(p)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
    }
  });
});
