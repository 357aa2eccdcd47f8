import { describe, expect, test } from "vitest";
import { allow, policyText } from "../../test/judging.js";
import { parseOrganizationId } from "../domain/ids.js";
import { Estate } from "../snapshot/key-record.js";
import type { OrganizationLine } from "../snapshot/lines.js";
import { assess } from "./assess.js";

const ORGANIZATION = "o-own1234567";
const organization = parseOrganizationId(ORGANIZATION);

/** What a key is that lets members of its own organization in, where one organization is trusted. */
function exposure(line: Partial<OrganizationLine>): string {
  const estate = new Estate();
  estate.add({ type: "organization", id: ORGANIZATION, ...line });
  const condition = { StringEquals: { "aws:PrincipalOrgID": "${aws:ResourceOrgID}" } };
  const documents = {
    arn: "arn:aws:kms:us-east-1:111122223333:key/1234abcd",
    description: undefined,
    policy: policyText(allow("*", "kms:Decrypt", { Condition: condition })),
    grants: [],
  };
  const organizations = organization === undefined ? [] : [organization];
  const zone = { organizations, accounts: [], principals: [], services: [] };
  return assess(documents, { zone, estate, own: () => undefined, now: 0 }).exposure;
}

describe("the organization of a key that is changed", () => {
  test("is the only trusted one, where nothing speaks against it", () => {
    expect(exposure({})).toBe("none");
  });

  test("is not known where that organization's accounts are listed and the key's is not among them", () => {
    expect(exposure({ accounts: [{ id: "222233334444" }] })).not.toBe("none");
  });
});
