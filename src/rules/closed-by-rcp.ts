import { itemsRead } from "../domain/fetched.js";
import type { Exposure } from "../domain/verdict.js";
import { EXPOSURES, VERDICT_OF_EXPOSURE } from "../domain/verdict.js";
import { evaluate } from "../semantics/evaluate.js";
import type { KeyDocument } from "../semantics/request.js";
import { draftSource } from "./exposure-draft.js";
import type { AccessGroup } from "./groups.js";
import { groupAccesses } from "./groups.js";
import type { CountedPolicy, Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { actionsText, canDo, enumerate, name, quote, sourceText, whoText } from "./words.js";

/**
 * The key policy or a grant lets an outsider in, and only a resource control policy of the organization stands in the
 * way: whoever detaches it, or moves the account out of its reach, opens the key. Source: AWS Organizations User Guide,
 * "Resource control policies (RCPs)".
 */
export const closedByRcp: Rule = {
  id: "closed-by-rcp",
  title: "Only a resource control policy closes the key",
  find: (input) => {
    if (input.withoutRcps === input.outside) return [];
    return groupAccesses(input.withoutRcps)
      .filter((g) => isOpen(g.exposure) && !input.groups.some((still) => sameDoor(still, g)))
      .map((g) => draft(g, input));
  },
};

/** Latent access is not worth a second line of defence; what proves nothing is told elsewhere. */
function isOpen(exposure: Exposure): boolean {
  return VERDICT_OF_EXPOSURE[exposure] === "exposed" || exposure === "service" || exposure === "network";
}

/** The same people still come in the same way, with as much; or that they do not is not known. */
function sameDoor(still: AccessGroup, closed: AccessGroup): boolean {
  return (
    JSON.stringify([still.source, still.who]) === JSON.stringify([closed.source, closed.who]) &&
    (still.exposure === "unknown" ||
      EXPOSURES.indexOf(still.exposure) <= EXPOSURES.indexOf(closed.exposure)) &&
    closed.actions.every((a) => still.actions.includes(a))
  );
}

function draft(group: AccessGroup, input: RuleInput): Draft {
  const through = sourceText(draftSource(group.source), input.parsed.policy?.statements ?? []);
  const closing = closingPolicies(group, input);
  const [first] = closing;
  const policies =
    first === undefined ? "a resource control policy" : enumerate(closing.map((c) => policyText(c, input)));
  const several = closing.length > 1;
  const opened = `${whoText(group.who)} ${canDo(group.capabilities, group.certainty)} (${actionsText(group.actions)})`;
  return {
    ...HYGIENE,
    rule: "closed-by-rcp",
    severity: severityOf("latent", group.capabilities),
    certainty: group.certainty,
    who: group.who,
    capabilities: group.capabilities,
    actions: group.actions,
    source: draftSource(group.source),
    conditions: group.conditions,
    reason: `Closed by ${policies}. Without ${several ? "them" : "it"} the key is ${group.exposure}: ${opened} through ${through}.${linkedRoles(group, input)}`,
    remedy: `Close ${through} itself, so that the key does not open when ${several ? "the last of these policies" : "the policy"} is detached or the account is moved.`,
    doubts: group.doubts,
    part: JSON.stringify([group.exposure, group.certainty, group.reach]),
  };
}

function documentOf({ record, parsed, rcps }: RuleInput): KeyDocument {
  return {
    facts: record.facts,
    policy: parsed.policy ?? { version: "2012-10-17", id: undefined, statements: [] },
    grants: itemsRead(record.grants),
    resourceControlPolicies: rcps.map((r) => r.policy),
  };
}

/** Any service-linked role will do: all have this path. Source: IAM User Guide, "Service-linked roles". */
const LINKED_ROLE = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";

/**
 * What stays open: a resource control policy does not bind service-linked roles. Said where the request that it closes
 * gets in when such a role of the same account makes it. docs/decisions/service-linked-roles.md has the reasons.
 */
function linkedRoles(group: AccessGroup, input: RuleInput): string {
  const { request } = group.witness;
  const { caller } = request;
  if (caller.kind === "service" || group.who.kind === "principal") return "";
  const { account, partition } = caller;
  const role = { kind: "session", account, partition, role: LINKED_ROLE, session: "AutoScaling" } as const;
  const asked = evaluate({ ...request, caller: role }, documentOf(input), { ignoreKeyState: true });
  if (asked.outcome === "deny") return "";
  return " Resource control policies do not bind service-linked roles: an AWS service that has one in such an account can still use the key through it.";
}

/** The policies that deny the request by which the group would get in. Each of them alone keeps the key closed. */
function closingPolicies(group: AccessGroup, input: RuleInput): readonly CountedPolicy[] {
  const { rcps } = input;
  const { sources } = evaluate(group.witness.request, documentOf(input), { ignoreKeyState: true });
  const numbers = sources.flatMap((s) => (s.kind === "resource-control-policy" ? [s.policy] : []));
  return [...new Set(numbers)].flatMap((n) => rcps[n] ?? []);
}

/** `RCP "Perimeter" at the root (r-ab12)`. */
function policyText({ text }: CountedPolicy, input: RuleInput): string {
  const places = (input.record.resourceControlPlaces ?? []).filter((p) => p.text === text);
  const label = places[0]?.name ?? places[0]?.id;
  const at = [...new Set(places.map((p) => placeText(p.target)))];
  const called = label === undefined ? "a resource control policy" : `RCP ${quote(label)}`;
  return at.length === 0 ? called : `${called} at ${enumerate(at)}`;
}

function placeText(target: string): string {
  if (target.startsWith("r-")) return `the root ${name(target)}`;
  if (target.startsWith("ou-")) return `the organizational unit ${name(target)}`;
  if (target.startsWith("o-")) return `the organization ${name(target)}`;
  return `account ${name(target)}`;
}
