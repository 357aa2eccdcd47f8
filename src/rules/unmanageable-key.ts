import type { Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { allowedEntries, statements } from "./principals.js";
import type { Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";

const POLICY = "kms:PutKeyPolicy";

/**
 * Nobody in the key's account can change its policy: only AWS Support can help then. Source: KMS Developer Guide,
 * "Default key policy", risk of a key becoming unmanageable.
 */
export const unmanageableKey: Rule = {
  id: "unmanageable-key",
  title: "Nobody can change the key policy",
  find: (input) =>
    hasManager(input)
      ? []
      : [
          {
            ...HYGIENE,
            rule: "unmanageable-key",
            severity: "medium",
            actions: [POLICY],
            source: { kind: "policy" },
            reason: `Nobody in account ${input.record.facts.account} is allowed ${POLICY}, so the key policy can never be changed again.`,
            remedy: `Add a statement that allows kms:* to the root of account ${input.record.facts.account}; on a live key, ask AWS Support to do so.`,
          },
        ],
};

/** What was not read or not decided might allow it. */
function hasManager(input: RuleInput): boolean {
  const { parsed, record } = input;
  if (parsed.policy === undefined || record.policy.kind !== "present") return true;
  if (isPlain(input)) return true;
  const { accesses, undecided } = input.everybody({ actions: [POLICY] });
  if (undecided.length > 0) return true;
  return accesses.some(
    (a) =>
      a.actions.some((action) => action === POLICY) &&
      // Where anyone is let in, so is everybody in the own account.
      (a.who.kind === "anyone" || (a.trusted && a.reach.kind === "now")),
  );
}

/** The case of nearly all keys, told without a search: the own account may, and it is denied to nobody. */
function isPlain(input: RuleInput): boolean {
  if (input.record.resourceControlPolicies.length > 0) return false;
  const all = statements(input);
  const denied = (s: Statement): boolean =>
    s.effect === "Deny" && actionCovered(s.action, POLICY).value !== "no";
  if (all.some(denied)) return false;
  return all.some(
    (s) =>
      s.conditions.length === 0 &&
      s.resource.kind === "listed" &&
      s.resource.patterns.includes("*") &&
      allowedEntries(s).some((e) => e.kind === "account" && e.account === input.record.facts.account) &&
      actionCovered(s.action, POLICY).value === "yes",
  );
}
