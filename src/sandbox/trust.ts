import type { Diagnostic, Policy, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { RequestContext } from "../semantics/derive-context.js";
import { type Way, entryNames } from "../semantics/principal-match.js";
import { all } from "../semantics/tri.js";
import type { Identity } from "./identity.js";
import { PolicyCache } from "./policy-cache.js";

/**
 * What a role's trust policy says to a caller. `named`: it allows the caller itself, so that inside the account no
 * identity policy is needed; `role`: the role of its session, which a boundary or session policy limits all the same.
 * `account`: it allows the caller's account, which must allow it by identity policies.
 */
export type Trust = "named" | "role" | "account" | "none" | "deny";

/** What is left to reading trust policies: they repeat across an estate. */
const PARSED = new PolicyCache({ kind: "key" });

/** Whether a statement covers an action and its conditions hold; its principals set aside. */
function fitter(
  policy: Policy,
  diagnostics: readonly Diagnostic[],
  action: string,
  context: RequestContext,
): (statement: Statement) => "yes" | "no" | "doubtful" {
  const unclear = new Set(
    diagnostics.flatMap((d) => (d.level === "not-understood" ? (d.statement ?? []) : [])),
  );
  return (statement) =>
    unclear.has(statement.index)
      ? "doubtful"
      : all([
          actionCovered(statement.action, action),
          ...statement.conditions.map((c) => conditionHolds(c, policy.version, context)),
        ]).value;
}

/**
 * Whether a trust policy lets in whom an identity provider vouches for. It has to name the provider's ARN; a Deny for
 * everybody, or that names the provider, wins.
 */
export function providerTrusted(
  text: string,
  provider: string,
  action: string,
  context: RequestContext,
): boolean {
  const { policy, diagnostics } = PARSED.parse(text);
  if (policy === undefined) return false;
  const fits = fitter(policy, diagnostics, action, context);
  let allowed = false;
  for (const statement of policy.statements) {
    const { principal } = statement;
    if (principal.kind === "missing") continue;
    const listed = principal.entries.some(
      (e) => e.text === provider || (e.kind === "everyone" && statement.effect === "Deny"),
    );
    if (statement.effect === "Deny") {
      if (listed === (principal.kind === "principal") && fits(statement) !== "no") return false;
    } else if (principal.kind === "principal" && listed && fits(statement) === "yes") allowed = true;
  }
  return allowed;
}

/**
 * Judges a trust policy. It has no Resource; a statement that was not understood, or a condition that may or may not
 * hold, allows nothing and denies.
 * Source: IAM User Guide, "How to use trust policies with IAM roles"; "Cross-account policy evaluation logic".
 */
export function trustSays(text: string, identity: Identity, action: string, context: RequestContext): Trust {
  const { policy, diagnostics } = PARSED.parse(text);
  if (policy === undefined) return "none";
  const fits = fitter(policy, diagnostics, action, context);
  const ways = new Set<Way>();
  for (const statement of policy.statements) {
    const { principal } = statement;
    if (principal.kind === "missing") continue;
    const named = principal.entries
      .map((entry) => entryNames(entry, statement.effect, identity.caller))
      .filter((n) => n.matches.value !== "no");
    const hit = principal.kind === "principal" ? named.length > 0 : named.length === 0;
    if (!hit) continue;
    const fit = fits(statement);
    if (statement.effect === "Deny") {
      if (fit !== "no") return "deny";
    } else if (fit === "yes" && principal.kind === "principal") {
      for (const n of named) if (n.matches.value === "yes") ways.add(n.way);
    }
  }
  if (ways.size === 0) return "none";
  if ([...ways].some((way) => way !== "account" && way !== "role")) return "named";
  return ways.has("role") ? "role" : "account";
}
