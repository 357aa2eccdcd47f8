import { describe, expect, it } from "vitest";
import type { ServiceControl } from "../domain/iam.js";
import { account } from "../../test/judging.js";
import { Estate } from "./key-record.js";
import type { OrganizationLine } from "./lines.js";
import { ServiceControlLines } from "./service-control.js";

const MANAGEMENT = "111122223333";
const MEMBER = "222233334444";
const ORGANIZATION: OrganizationLine = {
  type: "organization",
  id: "o-own1234567",
  managementAccountId: MANAGEMENT,
  accounts: [{ id: MEMBER, path: "o-own1234567/r-ab12/ou-ab12-11111111/" }, { id: "333344445555" }],
};

/** What stands above an account where policies stand at these places, each with its own text. */
function above(
  id: string,
  targets: readonly string[],
  organization: OrganizationLine | undefined = ORGANIZATION,
): ServiceControl {
  const estate = new Estate();
  const lines = new ServiceControlLines(estate);
  if (organization !== undefined) {
    estate.add(organization);
    lines.add(organization);
  }
  for (const target of targets) lines.add({ type: "service-control-policy", target, text: `at ${target}` });
  return lines.of(account(id));
}
const ALL = ["r-ab12", "ou-ab12-11111111", MEMBER];

describe("the service control policies above an account", () => {
  it("are those of each level from the root down", () => {
    expect(above(MEMBER, ALL)).toEqual({ kind: "levels", levels: ALL.map((t) => [`at ${t}`]), targets: ALL });
  });

  it("are none for the management account, which they never bind, and where the type is not enabled", () => {
    expect(above(MANAGEMENT, [...ALL, MANAGEMENT])).toEqual({ kind: "none" });
    expect(above(MEMBER, ALL, { ...ORGANIZATION, policyTypes: [] })).toEqual({ kind: "none" });
  });

  it("are unknown where a level was not read, but for what was", () => {
    expect(above(MEMBER, ["r-ab12", MEMBER])).toEqual({
      kind: "unknown",
      levels: [["at r-ab12"], [`at ${MEMBER}`]],
    });
    expect(above(MEMBER, [])).toEqual({ kind: "unknown" });
  });

  it("are unknown where the place of the account is, or its organization, but for its own", () => {
    expect(above("333344445555", ALL)).toEqual({ kind: "unknown" });
    expect(above("333344445555", ["r-ab12", "333344445555"])).toEqual({
      kind: "unknown",
      levels: [["at 333344445555"]],
    });
    const nowhere: OrganizationLine = { type: "organization", id: "o-other12345" };
    expect(above(MEMBER, ALL, nowhere)).toEqual({ kind: "unknown", levels: [[`at ${MEMBER}`]] });
  });
});
