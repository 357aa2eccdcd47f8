import { inert } from "../domain/inert.js";
import type { Policy, Statement } from "../policy/ast.js";
import { enumerate, quote } from "../rules/words.js";
import { deriveContext } from "../semantics/derive-context.js";
import { waysNamed } from "../semantics/principal-match.js";
import type { AccessRequest, KeyDocument } from "../semantics/request.js";
import { statementFits } from "../semantics/statement-match.js";
import { serviceLinkedRole } from "../semantics/identity.js";

/** What kind of policy beside the key policy. */
export const POLICY_KINDS = [
  "identity",
  "boundary",
  "session-policy",
  "service-control-policy",
  "resource-control-policy",
] as const;
export type PolicyKindBeside = (typeof POLICY_KINDS)[number];

/** A policy beside the key policy that a request is judged with, and what a reader calls it. */
export interface NamedPolicy {
  readonly kind: PolicyKindBeside;
  /** A file, an ARN, the name of an inline policy. Foreign text. */
  readonly name: string;
  /** Where it is attached: a group, or an account, unit or root of the organization. Foreign text. */
  readonly at?: string;
  readonly policy: Policy;
}

/** What one of them says to the request. */
export interface PolicyAnswer {
  readonly kind: PolicyKindBeside;
  readonly name: string;
  readonly at?: string;
  /** `nothing`: no statement fits. `doubtful`: one may fit. */
  readonly says: "allow" | "deny" | "nothing" | "doubtful";
  /** The statements that fit, or may fit. */
  readonly statements: readonly {
    readonly index: number;
    readonly sid: string | null;
    readonly effect: "Allow" | "Deny";
    readonly fits: "yes" | "doubtful";
  }[];
}

/** What each policy beside the key policy says to a request; those that do not bind its caller are left out. */
export function policyAnswers(
  policies: readonly NamedPolicy[],
  request: AccessRequest,
  key: KeyDocument,
): PolicyAnswer[] {
  const bound = policies.filter((p) => binds(p.kind, request));
  if (bound.length === 0) return [];
  const target = { action: request.action, facts: key.facts, context: deriveContext(request, key) };
  return bound.map(({ kind, name, at, policy }) => {
    const statements = policy.statements.flatMap((s) => {
      if (kind === "resource-control-policy" && !deniesCaller(s, request)) return [];
      const fits = statementFits(s, policy.version, target, "other").fits.value;
      return fits === "no" ? [] : [{ index: s.index, sid: s.sid ?? null, effect: s.effect, fits }];
    });
    return { kind, name, ...(at === undefined ? {} : { at }), says: sum(statements), statements };
  });
}

function deniesCaller(s: Statement, request: AccessRequest): boolean {
  return s.effect === "Deny" && waysNamed(s.principal, s.effect, request).length > 0;
}

/** The same rules as in the reference: who is bound by what. */
function binds(kind: PolicyKindBeside, { caller, action }: AccessRequest): boolean {
  switch (kind) {
    case "identity":
      return caller.kind !== "service";
    case "boundary":
      return caller.kind !== "service" && caller.kind !== "root";
    case "session-policy":
      return caller.kind === "session" || caller.kind === "federated-user";
    case "service-control-policy":
      return caller.kind !== "service" && serviceLinkedRole(caller) !== "yes";
    case "resource-control-policy":
      return serviceLinkedRole(caller) !== "yes" && action.toLowerCase() !== "kms:retiregrant";
  }
}

function sum(statements: PolicyAnswer["statements"]): PolicyAnswer["says"] {
  const has = (effect: "Allow" | "Deny", fits: "yes" | "doubtful"): boolean =>
    statements.some((s) => s.effect === effect && s.fits === fits);
  if (has("Deny", "yes")) return "deny";
  if (has("Deny", "doubtful")) return "doubtful";
  if (has("Allow", "yes")) return "allow";
  return has("Allow", "doubtful") ? "doubtful" : "nothing";
}

const KIND_TEXT: Readonly<Record<PolicyKindBeside, string>> = {
  identity: "identity policy",
  boundary: "permissions boundary",
  "session-policy": "session policy",
  "service-control-policy": "service control policy",
  "resource-control-policy": "resource control policy",
};

/** `identity policy "a.json", statement 2 ("Sid")`. Inert. */
export function policyAnswerText(a: PolicyAnswer): string {
  const effects = a.says === "doubtful" ? ["Deny", "Allow"] : [a.says === "deny" ? "Deny" : "Allow"];
  const shown = a.statements.filter((s) => effects.includes(s.effect)).slice(0, 3);
  const parts = shown.map(
    (s) => `${s.index + 1}${s.sid === null || s.sid === "" ? "" : ` (${quote(s.sid)})`}`,
  );
  const statements =
    parts.length === 0 ? "" : `, ${parts.length === 1 ? "statement" : "statements"} ${enumerate(parts)}`;
  return `${policyName(a)}${statements}`;
}

/** `identity policy "a.json"`. Inert. */
export function policyName(a: Pick<PolicyAnswer, "kind" | "name" | "at">): string {
  const at =
    a.at === undefined ? "" : ` ${a.kind === "identity" ? "of group" : "at"} ${inert(a.at, { max: 80 })}`;
  return `${KIND_TEXT[a.kind]} ${inert(a.name, { max: 120 })}${at}`;
}

/** The policies of one kind that decide in a direction, in words; undefined where none is known. */
export function decidersText(
  answers: readonly PolicyAnswer[],
  kind: PolicyKindBeside,
  says: "allow" | "deny",
): string | undefined {
  const found = answers.filter((a) => a.kind === kind && a.says === says);
  return found.length === 0 ? undefined : enumerate(found.slice(0, 3).map(policyAnswerText));
}

/**
 * ` (now silent: …)`: which policies of a kind, all of which are needed, allow nothing here. Of service control
 * policies one at each level is enough.
 */
export function silentText(answers: readonly PolicyAnswer[], kind: PolicyKindBeside): string {
  if (kind === "identity") return "";
  const mine = answers.filter((a) => a.kind === kind);
  const allows = new Set(mine.filter((a) => a.says === "allow").map((a) => a.at));
  const silent = mine.filter((a) => a.says === "nothing" && (a.at === undefined || !allows.has(a.at)));
  return silent.length === 0 ? "" : ` (now silent: ${enumerate(silent.slice(0, 3).map(policyName))})`;
}
