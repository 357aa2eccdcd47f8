import { exposureDrafts } from "./exposure-draft.js";
import type { AccessGroup } from "./groups.js";
import type { Rule, RuleInput } from "./rule.js";
import { sourceText } from "./words.js";

/** Any principal can use the key, but only from fixed addresses, VPCs or endpoints. */
export const networkBoundAccess: Rule = {
  id: "network-bound-access",
  title: "Bound by the network only",
  find: (input) => exposureDrafts(input, "network", "network-bound-access", remedy),
};

function remedy(group: AccessGroup, input: RuleInput): string {
  const index = group.source.kind === "statement" ? group.source.index : 0;
  const where = sourceText({ kind: "statement", index }, input.parsed.policy?.statements ?? []);
  return `In ${where}, bind the caller too: StringEquals on aws:PrincipalOrgID or aws:PrincipalAccount beside the network condition.`;
}
