import type { RuleId } from "../domain/rule-id.js";
import type { Severity } from "../domain/verdict.js";
import type { Diagnostic, Statement } from "../policy/ast.js";
import type { DIAGNOSTIC_CODES, DiagnosticCode } from "../policy/codes.js";
import { offsetOf, partOf } from "./invalid-policy.js";
import type { Draft, DraftSource, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";

/** Codes of the parser at level `warning`, by the rule that reports them. */
type WarningCode = {
  [C in DiagnosticCode]: (typeof DIAGNOSTIC_CODES)[C]["level"] extends "warning" ? C : never;
}[DiagnosticCode];

type LintRule = Extract<RuleId, "ineffective-condition" | "ineffective-statement" | "orphaned-principal">;

/** How bad: `deny-only`: low in a Deny, on which somebody relies, and info in an Allow, which merely gives less. */
type Level = Severity | "deny-only";

/**
 * What each warning is worth. `low`: surely not what its author meant. `info`: may be meant so; if it opens the key,
 * the exposure rules say it with a proof.
 */
export const LINTS: Readonly<Record<WarningCode, readonly [LintRule, Level]>> = {
  "operator-case": ["ineffective-condition", "info"],
  "variable-old-version": ["ineffective-condition", "low"],
  "variable-unsupported": ["ineffective-condition", "low"],
  "wildcard-literal": ["ineffective-condition", "low"],
  "if-exists": ["ineffective-condition", "info"],
  "for-all-values": ["ineffective-condition", "info"],
  "negated-allow": ["ineffective-condition", "info"],
  "deny-for-any-value": ["ineffective-condition", "low"],
  "null-qualifier": ["ineffective-condition", "low"],
  "contradicting-values": ["ineffective-condition", "low"],
  "value-type": ["ineffective-condition", "low"],
  "value-never": ["ineffective-condition", "low"],
  "empty-values": ["ineffective-condition", "low"],
  "condition-key-form": ["ineffective-condition", "low"],
  "key-policy-key": ["ineffective-condition", "info"],
  "version-old": ["ineffective-condition", "info"],
  "policy-long": ["ineffective-statement", "info"],
  "duplicate-sid": ["ineffective-statement", "info"],
  "no-action": ["ineffective-statement", "deny-only"],
  "no-resource": ["ineffective-statement", "deny-only"],
  "not-principal-allow": ["ineffective-statement", "low"],
  "not-principal-deny": ["ineffective-statement", "info"],
  "service-name": ["ineffective-statement", "info"],
  "action-no-prefix": ["ineffective-statement", "deny-only"],
  "action-other-service": ["ineffective-statement", "deny-only"],
  "action-no-permission": ["ineffective-statement", "deny-only"],
  "action-not-on-key": ["ineffective-statement", "info"],
  "resource-alias": ["ineffective-statement", "deny-only"],
  "resource-other": ["ineffective-statement", "deny-only"],
  "unique-id": ["orphaned-principal", "low"],
};

/** The warnings of the parser that belong to a rule, as findings. */
export function lintDrafts(input: RuleInput, rule: LintRule, remedy: string): readonly Draft[] {
  return input.parsed.diagnostics.flatMap((diagnostic) => {
    if (diagnostic.level !== "warning" || !isWarning(diagnostic.code)) return [];
    const [belongs, level] = LINTS[diagnostic.code];
    if (belongs !== rule) return [];
    const statement = input.parsed.policy?.statements.find((s) => s.index === diagnostic.statement);
    return [
      {
        ...HYGIENE,
        rule,
        severity: severity(level, statement),
        source: lintSource(diagnostic),
        path: diagnostic.path,
        reason: diagnostic.message,
        remedy,
        part: partOf(diagnostic),
      },
    ];
  });
}

function isWarning(code: string): code is WarningCode {
  return Object.hasOwn(LINTS, code);
}

function severity(level: Level, statement: Statement | undefined): Severity {
  if (level !== "deny-only") return level;
  return statement?.effect === "Deny" ? "low" : "info";
}

function lintSource(d: Diagnostic): DraftSource {
  return d.statement === undefined
    ? { kind: "policy", path: d.path, ...offsetOf(d) }
    : { kind: "statement", index: d.statement };
}
