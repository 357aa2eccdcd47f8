import { expect, test } from "vitest";
import { checkChosen } from "./chosen.js";
import type { ReadOrganization } from "./organization.js";

const PAY = { id: "111122223333", path: "o-own1234567/r-ab12/ou-ab12-11111111/" } as const;
const UNITS = [{ id: "ou-ab12-11111111", path: PAY.path }];

function read(accounts: readonly string[], units: ReadOrganization["line"]["units"]): ReadOrganization {
  const line = {
    type: "organization",
    id: "o-own1234567",
    accounts: [PAY],
    ...(units === undefined ? {} : { units }),
  } as const;
  const chosen = accounts.map((id) => ({ id, name: undefined, status: "ACTIVE" }));
  return { line, accounts: chosen, managementAccountId: undefined, gaps: [] };
}

test("a unit that the organization does not have is refused, also beside one that it has", () => {
  const filter = { units: ["ou-ab12-11111111", "ou-ab12-99999999"], tags: [] };
  expect(() => {
    checkChosen(filter, read([PAY.id], UNITS));
  }).toThrow(/^--ou: o-own1234567 has no such unit\n.*ou-ab12-99999999\n/);
});

test("a unit of the tree and the root are taken, and any unit where a part of the tree was not read", () => {
  checkChosen({ units: ["r-ab12", "ou-ab12-11111111"], tags: [] }, read([PAY.id], UNITS));
  checkChosen({ units: ["ou-ab12-99999999"], tags: [] }, read([PAY.id], undefined));
  checkChosen({ units: [], tags: [] }, read([PAY.id], UNITS));
});

test("units and tags that choose no account are refused", () => {
  const none = read([], UNITS);
  expect(() => {
    checkChosen({ units: [], tags: [["stage", "Prod"]] }, none);
  }).toThrow(/^--account-tag: no account of o-own1234567 is chosen.*\n.*stage=Prod\n/);
  expect(() => {
    checkChosen({ units: ["r-ab12"], tags: [["stage", undefined]] }, none);
  }).toThrow(/^--ou and --account-tag: .*\n.*r-ab12, stage\n/);
});
