import { exposureDrafts } from "./exposure-draft.js";
import type { AccessGroup } from "./groups.js";
import type { Rule, RuleInput } from "./rule.js";
import { actionsText, name, sourceText } from "./words.js";

/** Outsiders are allowed something that they cannot do today, and could do tomorrow. */
export const latentAccess: Rule = {
  id: "latent-access",
  title: "Access that could come alive",
  find: (input) => exposureDrafts(input, "latent", "latent-access", remedy),
};

function remedy(group: AccessGroup, input: RuleInput): string {
  const source =
    group.source.kind === "grant"
      ? ({ kind: "grant", grantId: group.source.grantId } as const)
      : ({ kind: "statement", index: group.source.kind === "statement" ? group.source.index : 0 } as const);
  const where = sourceText(source, input.parsed.policy?.statements ?? []);
  switch (group.today?.kind) {
    case "denied-by-scp":
      return `Close ${where} as well: it opens when the policy is detached, or the account is moved or leaves the organization. Service-linked roles are not bound by it.`;
    case "no-such-account":
      return `Close ${where}, or correct the path: it opens when an account is created there or moved to it.`;
    case "accounts":
    case undefined:
      break;
  }
  switch (group.reach.kind) {
    case "not-across-accounts":
      return `Take ${actionsText(group.actions)} out of ${where}: across accounts they have no effect, and whoever wrote them meant to give them.`;
    case "key-state":
      return `Close ${where} before the key leaves the state ${name(group.reach.state)}.`;
    case "not-before":
      return `Close ${where} before ${new Date(group.reach.time * 1000).toISOString()}.`;
    case "now":
      return `Close ${where}.`;
  }
}
