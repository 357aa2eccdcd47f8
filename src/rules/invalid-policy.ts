import type { Diagnostic } from "../policy/ast.js";
import { exposureDrafts } from "./exposure-draft.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";

/** KMS would refuse to store the policy, so what it says about access is a guess. Only files can hold such policies. */
export const invalidPolicy: Rule = {
  id: "invalid-policy",
  title: "KMS would refuse this policy",
  find: (input) => [...refusals(input).map(draft), ...accessDrafts(input)],
};

/** What a refused part of the policy would give, if KMS took it as it seems to be meant. */
function accessDrafts(input: RuleInput): readonly Draft[] {
  return exposureDrafts(
    input,
    "invalid",
    "invalid-policy",
    () => "Write it in a form that KMS accepts, for exactly those who need the key.",
  );
}

/** What KMS would refuse about the policy. */
export function refusals(input: Pick<RuleInput, "parsed">): readonly Diagnostic[] {
  return input.parsed.diagnostics.filter((d) => d.level === "refused");
}

function draft(diagnostic: Diagnostic): Draft {
  return {
    ...HYGIENE,
    rule: "invalid-policy",
    severity: "low",
    exposure: "invalid",
    source:
      diagnostic.statement === undefined
        ? { kind: "policy", path: diagnostic.path, ...offsetOf(diagnostic) }
        : { kind: "statement", index: diagnostic.statement },
    path: diagnostic.path,
    reason: diagnostic.message,
    remedy: "Correct it before the policy is stored: KMS answers MalformedPolicyDocumentException.",
    part: partOf(diagnostic),
  };
}

/** What tells two diagnostics of one statement apart, without the statement's position. */
export function partOf(d: Diagnostic): string {
  const path = d.path[0] === "Statement" ? d.path.slice(2) : d.path;
  return JSON.stringify([d.code, path]);
}

/** The offset of a diagnostic, where the parser has it. */
export function offsetOf(d: Diagnostic): { readonly offset?: number } {
  return d.offset === undefined ? {} : { offset: d.offset };
}
