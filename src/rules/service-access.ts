import { exposureDrafts } from "./exposure-draft.js";
import type { AccessGroup } from "./groups.js";
import type { Rule, RuleInput } from "./rule.js";
import { name, sourceText } from "./words.js";

/** An AWS service can use the key on behalf of somebody outside the zone (the confused deputy). */
export const serviceAccess: Rule = {
  id: "service-access",
  title: "A service can be used as a deputy",
  find: (input) => exposureDrafts(input, "service", "service-access", remedy),
};

function remedy(group: AccessGroup, input: RuleInput): string {
  const { account } = input.record.facts;
  if (group.source.kind !== "statement") {
    return "Revoke the grant and let the service create one that is bound to a source in your accounts.";
  }
  const where = sourceText(
    { kind: "statement", index: group.source.index },
    input.parsed.policy?.statements ?? [],
  );
  if (group.who.kind === "service" && group.who.source.kind === "account") {
    return `In ${where}, take account ${name(group.who.source.id)} out of the source condition, or trust it in keyward.yaml.`;
  }
  if (group.who.kind === "service" && group.who.source.kind === "organization") {
    return `In ${where}, take organization ${name(group.who.source.id)} out of the source condition, or trust it in keyward.yaml.`;
  }
  return `In ${where}, require aws:SourceAccount ${account} with StringEquals, or aws:SourceArn of the resource that the service acts for.`;
}
