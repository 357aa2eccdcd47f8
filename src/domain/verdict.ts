/** Exposure of a key, worst first; the last two are no answer about exposure. Meaning: docs/verdicts.md. */
export const EXPOSURES = [
  "public",
  "external",
  "service",
  "network",
  "latent",
  "none",
  "invalid",
  "unknown",
] as const;
export type Exposure = (typeof EXPOSURES)[number];

export const VERDICTS = ["exposed", "weak", "not-assessed", "clear"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The verdict that an exposure alone gives; a hygiene finding can turn `clear` into `weak`. */
export const VERDICT_OF_EXPOSURE: Readonly<Record<Exposure, Verdict>> = {
  public: "exposed",
  external: "exposed",
  service: "weak",
  network: "weak",
  latent: "weak",
  none: "clear",
  invalid: "weak",
  unknown: "not-assessed",
};

export const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What a group of actions lets its holder do. Order: worst first. */
export const CAPABILITIES = ["decrypt", "sign", "share", "manage", "destroy", "encrypt", "inspect"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** `certain`: holds however AWS decides the doubtful rules. `possible`: depends on a doubt, which is named. */
export type Certainty = "certain" | "possible";

/**
 * A rule of AWS that is documented badly, in contradiction, or not at all, and that decided an answer.
 * The ids are explained in docs/doubts.md.
 */
export interface Doubt {
  readonly id: string;
  readonly text: string;
}
