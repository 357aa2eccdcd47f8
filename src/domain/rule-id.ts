/** The rules about exposure: who outside the zone of trust can use the key. */
export const EXPOSURE_RULE_IDS = [
  "public-access",
  "external-access",
  "service-access",
  "network-bound-access",
  "latent-access",
  "closed-by-rcp",
  "invalid-policy",
  "not-assessed",
] as const;

/**
 * The rules that a finding can come from. Each has a row in docs/rules/README.md; the ids stand in reports and in the
 * exceptions of keyward.yaml, so they are never renamed.
 */
export const RULE_IDS = [
  ...EXPOSURE_RULE_IDS,
  // Hygiene of the key policy.
  "full-control-non-root",
  "unconditioned-trusted-account",
  "everyone-in-own-account",
  "orphaned-principal",
  "unmanageable-key",
  "ineffective-condition",
  "ineffective-statement",
  // Hygiene of the grants.
  "broad-grant",
  "reshareable-grant",
  "outsider-issued-grant",
  "foreign-retiring-principal",
  // Several keys together.
  "sibling-open",
  // IAM in the key's account.
  "outsider-assumable-role",
  "identity-reads-all-keys",
  "identity-shares-all-keys",
  "identity-controls-all-keys",
  // keyward.yaml itself.
  "expired-exception",
  "unused-exception",
] as const;
export type RuleId = (typeof RULE_IDS)[number];
