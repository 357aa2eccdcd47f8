import type { Capability, Exposure, Severity } from "../domain/verdict.js";
import { SEVERITIES } from "../domain/verdict.js";

/** What the worst capability of a finding is worth to an outsider. */
type Weight = "grave" | "serious" | "slight";

const WEIGHT: Readonly<Record<Capability, Weight>> = {
  decrypt: "grave",
  sign: "grave",
  share: "grave",
  manage: "grave",
  destroy: "serious",
  encrypt: "serious",
  inspect: "slight",
};

const TABLE: Readonly<Record<Exposure, Readonly<Record<Weight, Severity>>>> = {
  public: { grave: "critical", serious: "high", slight: "medium" },
  external: { grave: "high", serious: "medium", slight: "low" },
  service: { grave: "medium", serious: "low", slight: "low" },
  network: { grave: "medium", serious: "medium", slight: "low" },
  latent: { grave: "low", serious: "low", slight: "low" },
  none: { grave: "low", serious: "low", slight: "info" },
  invalid: { grave: "low", serious: "low", slight: "low" },
  unknown: { grave: "medium", serious: "medium", slight: "medium" },
};

/**
 * How bad a finding is: a question of exposure and capability alone, never of the rule's name. The table is documented
 * in docs/rules/README.md.
 */
export function severityOf(exposure: Exposure, capabilities: readonly Capability[]): Severity {
  const weights = new Set(capabilities.map((c) => WEIGHT[c]));
  const weight = weights.has("grave") ? "grave" : weights.has("serious") ? "serious" : "slight";
  return TABLE[exposure][weight];
}

/** Negative: `a` is worse. */
export function compareSeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b);
}

/** Whether a finding of this severity turns a clear key into a weak one: all but `info` do. */
export function weakens(severity: Severity): boolean {
  return severity !== "info";
}
