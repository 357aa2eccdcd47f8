import { KeywardError } from "../domain/result.js";
import type { OrganizationFilter, ReadOrganization } from "./organization.js";

/**
 * Throws KeywardError where what the user has named chooses nothing: a unit that is not in the tree, or units and tags
 * that no account meets. A scan that looked at nothing would end like one that found nothing. Where a part of the tree
 * was not read, the unit may stand in that part, and nothing is said.
 */
export function checkChosen(filter: OrganizationFilter, read: ReadOrganization): void {
  const { id, units, accounts = [] } = read.line;
  if (units !== undefined) {
    const steps = new Set([...units, ...accounts].flatMap(({ path = "" }) => path.split("/")));
    const unknown = filter.units.filter((unit) => !steps.has(unit));
    if (unknown.length > 0) {
      throw new KeywardError({
        what: `${id} has no such unit`,
        where: "--ou",
        got: unknown.join(", "),
        next: "aws organizations list-organizational-units-for-parent lists the units below a root (r-…) or a unit",
      });
    }
  }
  if (read.accounts.length > 0) return;
  const tags = filter.tags.map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
  throw new KeywardError({
    what: `no account of ${id} is chosen, so there is nothing to scan`,
    where:
      filter.units.length === 0 ? "--account-tag" : tags.length === 0 ? "--ou" : "--ou and --account-tag",
    got: [...filter.units, ...tags].join(", "),
    next: "correct it; names and values of tags are case-sensitive, and an account needs all of the tags that are named",
  });
}
