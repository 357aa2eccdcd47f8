import type { Who } from "../access/matrix.js";
import type { IamPrincipal } from "../domain/iam.js";
import { CAPABILITIES } from "../domain/verdict.js";
import type { Outsider } from "../iam/trust.js";
import type { KeyUse } from "../iam/use.js";
import type { KeyDocument } from "../semantics/request.js";
import { findingCondition } from "./groups.js";
import type { IamView } from "./iam-view.js";
import type { Draft } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, canDo, enumerate, knownAs, name, quote, whoText } from "./words.js";

/**
 * An outsider can assume a role of the key's account, and that role can use the key. The key's own exposure stays what
 * it is: the way leads through the role's trust policy. Source: IAM User Guide, "IAM role trust policies".
 */
export const OUTSIDER_ASSUMABLE_ROLE = {
  id: "outsider-assumable-role",
  title: "An outsider can assume a role that can use the key",
} as const;

/** A way to a key: somebody outside the zone of trust, the role that it can assume, and what the role can do. */
export interface RolePath {
  readonly outsider: Outsider;
  readonly role: IamPrincipal;
  /** Of the role. Not empty. */
  readonly uses: readonly KeyUse[];
}

/** The ways to a key through roles of its account; roles that can only look at the key are left out. */
export function rolePaths(key: KeyDocument, view: IamView): readonly RolePath[] {
  return view.openRoles.flatMap(({ role, outsiders }) => {
    const uses = view.analysis.usesOf(role, key).filter((u) => u.capabilities.some((c) => c !== "inspect"));
    return uses.length === 0 ? [] : outsiders.map((outsider) => ({ outsider, role, uses }));
  });
}

/** One finding for each role and outsider. */
export function outsiderAssumableRole(key: KeyDocument, view: IamView | undefined): readonly Draft[] {
  if (view === undefined) return [];
  return rolePaths(key, view).map(({ role, outsider, uses }) => draft(role, outsider, uses, view));
}

function draft(role: IamPrincipal, outsider: Outsider, uses: readonly KeyUse[], view: IamView): Draft {
  const who = whoOf(outsider);
  const sure = uses.filter((u) => u.certainty === "certain");
  const certain = outsider.certain && sure.length > 0;
  const shown = certain ? sure : uses;
  const capabilities = CAPABILITIES.filter((c) => shown.some((u) => u.capabilities.includes(c)));
  const actions = shown.flatMap((u) => u.actions);
  const documents = view.analysis
    .documentsOf(role)
    .filter((o) => shown.some((u) => u.documents.includes(o.kms)))
    .map((o) => quote(o.document.name));
  const through =
    documents.length === 0
      ? ""
      : `, by its ${documents.length === 1 ? "policy" : "policies"} ${enumerate(documents.slice(0, 3))}`;
  const broad = who.kind === "anyone" || who.kind === "pattern";
  const external = outsider.externalId
    ? " (an external id is asked for, which does not stop whoever was told it)"
    : "";
  return {
    ...HYGIENE,
    rule: "outsider-assumable-role",
    // Whom nobody named is worse than an account that somebody chose to trust.
    severity: severityOf(broad ? "external" : "service", capabilities),
    certainty: certain ? "certain" : "possible",
    who,
    capabilities,
    actions,
    source: { kind: "identity", arn: role.arn, policy: null },
    conditions: outsider.conditions.map((c) => findingCondition(c, "caller")),
    reason: `${whoText(who)} ${certain ? "can" : "may be able to"} assume the role ${name(role.name)}${external}, and the role ${canDo(capabilities, certain ? "certain" : "possible")} (${actionsText(actions)})${through}.`,
    remedy: remedy(role, outsider),
    doubts: [],
  };
}

/** An outsider as findings name callers. */
export function whoOf({ who }: Outsider): Who {
  return who.kind === "identities" ? { kind: "pattern", pattern: `any identity of ${who.provider}` } : who;
}

function remedy(role: IamPrincipal, { who, statement }: Outsider): string {
  const where = `statement ${statement + 1} of the trust policy of ${name(role.name)}`;
  switch (who.kind) {
    case "anyone":
      return `In ${where}, name the principals that need the role, or require aws:PrincipalOrgID with StringEquals.`;
    case "identities":
      return `In ${where}, require the claim that says whose identity it is (such as ${name(who.provider)}:sub) with a fixed owner.`;
    case "account":
      return `If account ${name(who.id)}${knownAs(who.id)} is meant to have the role, add it to trust.accounts in keyward.yaml or write an exception; if not, take it out of ${where}.`;
    case "organization":
      return `If organization ${name(who.id)} is meant to have the role, add it to trust.organizations in keyward.yaml or write an exception; if not, take it out of ${where}.`;
    case "principal":
      return `If it is meant to have the role, add it to trust.principals in keyward.yaml or write an exception; if not, take it out of ${where}.`;
  }
}
