import type { Who } from "../access/matrix.js";
import { exposureDrafts } from "./exposure-draft.js";
import type { AccessGroup } from "./groups.js";
import type { Rule, RuleInput } from "./rule.js";
import { name, quote, sourceText } from "./words.js";

/** An account, organization or principal outside the zone of trust can use the key. */
export const externalAccess: Rule = {
  id: "external-access",
  title: "Access from outside the zone of trust",
  find: (input) => exposureDrafts(input, "external", "external-access", remedy),
};

function remedy(group: AccessGroup, input: RuleInput): string {
  const keep = `If ${subject(group.who)} is meant to have it, ${trustIt(group.who)} or write an exception; if not, `;
  if (group.source.kind === "grant") {
    const { arn, region } = input.record.facts;
    return `${keep}revoke the grant: aws kms revoke-grant --region ${region} --key-id ${arn} --grant-id ${name(group.source.grantId)}`;
  }
  const index = group.source.kind === "statement" ? group.source.index : 0;
  const where = sourceText({ kind: "statement", index }, input.parsed.policy?.statements ?? []);
  return `${keep}take it out of ${where}.`;
}

function subject(who: Who): string {
  switch (who.kind) {
    case "account":
      return `account ${name(who.id)}`;
    case "organization":
      return `organization ${name(who.id)}`;
    case "principal":
      return name(who.arn);
    case "pattern":
      return `everybody who matches ${quote(who.pattern)}`;
    case "unresolved":
      return `the owner of the id ${name(who.id)}`;
    case "service":
      return who.name === undefined ? "every AWS service" : name(who.name);
    case "anyone":
      return "everybody";
  }
}

function trustIt(who: Who): string {
  switch (who.kind) {
    case "account":
      return "add it to trust.accounts in keyward.yaml";
    case "organization":
      return "add it to trust.organizations in keyward.yaml";
    case "principal":
      return "add it to trust.principals in keyward.yaml";
    case "unresolved":
      return "write its ARN instead of the id, trust that in keyward.yaml";
    case "anyone":
    case "pattern":
    case "service":
      return "name it exactly, trust it in keyward.yaml";
  }
}
