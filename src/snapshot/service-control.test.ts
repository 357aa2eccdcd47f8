import { describe, expect, it } from "vitest";
import type { ServiceControl } from "../domain/iam.js";
import { account } from "../../test/judging.js";
import { Estate } from "./key-record.js";
import type { AccountLine, OrganizationLine } from "./lines.js";
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
      organization: "o-own1234567",
    });
    expect(above(MEMBER, [])).toEqual({ kind: "unknown", organization: "o-own1234567" });
  });

  it("are unknown where the place of the account is, or its organization, but for its own", () => {
    const whose = { organization: "o-own1234567" };
    expect(above("333344445555", ALL)).toEqual({ kind: "unknown", ...whose });
    expect(above("333344445555", ["r-ab12", "333344445555"])).toEqual({
      kind: "unknown",
      levels: [["at 333344445555"]],
      ...whose,
    });
    const nowhere: OrganizationLine = { type: "organization", id: "o-other12345" };
    expect(above(MEMBER, ALL, nowhere)).toEqual({ kind: "unknown", levels: [[`at ${MEMBER}`]] });
  });
});

describe("what an account says of its own organization", () => {
  const control = (...said: readonly AccountLine["organization"][]): ServiceControl => {
    const estate = new Estate();
    const lines = new ServiceControlLines(estate);
    for (const organization of said) {
      if (organization === undefined) continue;
      const line: AccountLine = { type: "account", id: MEMBER, organization };
      estate.add(line);
      lines.add(line);
    }
    return lines.of(account(MEMBER));
  };
  const member = { kind: "present", id: "o-own1234567", managementAccountId: MANAGEMENT } as const;

  it("leaves the policies above a member unread, and says whose they are", () => {
    expect(control(member)).toEqual({ kind: "unknown", organization: "o-own1234567" });
  });

  it("is that none binds it: in no organization, its management account, one that only shares the bill", () => {
    expect(control({ kind: "absent" })).toEqual({ kind: "none" });
    expect(control({ ...member, managementAccountId: MEMBER })).toEqual({ kind: "none" });
    expect(control({ ...member, featureSet: "CONSOLIDATED_BILLING" })).toEqual({ kind: "none" });
    expect(control({ ...member, featureSet: "ALL" })).toMatchObject({ kind: "unknown" });
  });

  it("is not known where AWS refused it, unless it was told another time", () => {
    const refused = { kind: "unreadable", code: "AccessDeniedException" } as const;
    expect(control(undefined)).toEqual({ kind: "unknown" });
    expect(control(refused)).toEqual({ kind: "unknown", refused: "AccessDeniedException" });
    expect(control(refused, { kind: "absent" })).toEqual({ kind: "none" });
    expect(control({ kind: "absent" }, refused)).toEqual({ kind: "none" });
    expect(control({ kind: "absent" }, member)).toMatchObject({ kind: "unknown" });
  });
});
