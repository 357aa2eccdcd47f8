import { describe, expect, test } from "vitest";
import { parseCallers } from "./callers-file.js";

const USER = "arn:aws:iam::111122223333:user/x";
const KEY = "AKIAEXAMPLE000000001";

describe("parseCallers", () => {
  test("reads access keys and roles", () => {
    const file = parseCallers(
      {
        [KEY]: { arn: USER, identity: "none", deny: ["kms:Get*"], context: { "aws:SourceVpce": "vpce-1" } },
        "arn:aws:iam::111122223333:role/p/audit": { trust: ["222233334444"] },
      },
      "callers.json",
    );
    expect(file.accessKeys.get(KEY)).toMatchObject({
      arn: USER,
      account: "111122223333",
      policies: { kind: "none" },
      deny: ["kms:Get*"],
      // Through a VPC endpoint there is no public address.
      context: { "aws:SourceVpce": "vpce-1" },
    });
    expect(file.roles.get("arn:aws:iam::111122223333:role/p/audit")?.trust).toEqual(["222233334444"]);
  });

  test("a service principal can be a caller", () => {
    const file = parseCallers(
      { [KEY]: { arn: "cloudtrail.amazonaws.com", context: { "aws:SourceAccount": "1" } } },
      "f",
    );
    expect(file.accessKeys.get(KEY)).toMatchObject({ account: undefined, caller: { kind: "service" } });
  });

  test.each([
    [[], "not a callers file"],
    [{ short: { arn: USER } }, "neither an access key id nor a role ARN"],
    [{ [KEY]: {} }, "arn is wrong"],
    [{ [KEY]: { arn: "arn:aws:iam::111122223333:group/g" } }, "arn is not that of a caller"],
    [{ [KEY]: { arn: USER, allow: ["*"] } }, "entry is wrong"],
    [{ [KEY]: { arn: USER, identity: "allow", policies: [] } }, "exclude each other"],
    [
      { [KEY]: { arn: USER, policies: [{ Statement: [{ Effect: "allow", Action: "*", Resource: "*" }] }] } },
      "Effect",
    ],
  ])("refuses %j", (value, message) => {
    expect(() => parseCallers(value, "callers.json")).toThrow(message);
    expect(() => parseCallers(value, "callers.json")).toThrow("callers.json");
  });
});
