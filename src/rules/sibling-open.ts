import type { Exposure, Severity } from "../domain/verdict.js";
import { EXPOSURES, SEVERITIES } from "../domain/verdict.js";
import type { Finding, KeyReport, Waiver } from "./finding.js";
import { findingId } from "./identity.js";
import { verdictOf } from "./judge.js";
import type { Draft } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { weakens } from "./severity.js";

/**
 * Multi-Region keys share their key material, while policy and grants are each Region's own: ciphertext of one is read
 * with any other. So data is as exposed as the most open of the siblings. Source: KMS Developer Guide, "Controlling
 * access to multi-Region keys".
 */
const MULTI_REGION = /:key\/mrk-[0-9a-f]+$/;

/** Whether a key has, or may have, siblings in other Regions. */
export function isMultiRegion(arn: string): boolean {
  return MULTI_REGION.test(arn);
}

/** What all Regions' copies of a multi-Region key have in common: the ARN without its Region. */
export function familyOf(arn: string): string {
  return arn.replace(/^(arn:[^:]+:kms:)[^:]+:/, "$1");
}

/** Looks up the exception for a finding about a key. */
export type WaiverOf = (report: KeyReport, draft: Draft) => Waiver | null;

/**
 * Adds `sibling-open` to each multi-Region key that is less exposed than one of its siblings.
 *
 * @param reports every multi-Region key that was judged, and nothing else
 */
export function withSiblings(reports: readonly KeyReport[], waiverOf: WaiverOf): readonly KeyReport[] {
  const families = new Map<string, KeyReport[]>();
  for (const report of reports) {
    const family = familyOf(report.arn);
    const members = families.get(family);
    if (members === undefined) families.set(family, [report]);
    else members.push(report);
  }
  return reports.map((report) => {
    const members = families.get(familyOf(report.arn)) ?? [];
    return withSibling(report, members, waiverOf);
  });
}

function withSibling(report: KeyReport, family: readonly KeyReport[], waiverOf: WaiverOf): KeyReport {
  const worst = family
    .filter((other) => other !== report && worse(other.exposure, report.exposure))
    .sort((a, b) => rank(a.exposure) - rank(b.exposure) || (a.arn < b.arn ? -1 : 1))[0];
  const through = worst?.findings.filter((f) => f.exposure === worst.exposure && sharesMaterial(f)) ?? [];
  if (worst === undefined || through.length === 0) return report;
  const draft: Draft = {
    ...HYGIENE,
    rule: "sibling-open",
    severity: worstSeverity(through),
    who: through[0]?.who ?? null,
    capabilities: through[0]?.capabilities ?? [],
    actions: through[0]?.actions ?? [],
    source: { kind: "key", arn: worst.arn },
    reason: `What is encrypted under this key can be read in ${worst.region} as well, where the same multi-Region key is open (${worst.exposure}).`,
    remedy: `Close ${worst.arn}; policies and grants of multi-Region keys are kept apart, each Region needs its own repair.`,
  };
  const finding: Finding = {
    ...draft,
    id: findingId(report.arn, { rule: draft.rule, who: null }, `key ${worst.arn}`),
    source: { kind: "key", arn: worst.arn },
    witness: null,
    waiver: waiverOf(report, draft),
  };
  return amended(report, [...report.findings, finding]);
}

/** What another Region's copy gives that concerns this one: its key material. */
function sharesMaterial(finding: Finding): boolean {
  return finding.capabilities.some(
    (c) => c === "decrypt" || c === "sign" || c === "share" || c === "encrypt",
  );
}

function worse(a: Exposure, b: Exposure): boolean {
  // `latent` cannot be used today; `invalid` and `unknown` prove nothing.
  return rank(a) < rank(b) && rank(a) < EXPOSURES.indexOf("latent");
}

function rank(e: Exposure): number {
  return EXPOSURES.indexOf(e);
}

function worstSeverity(findings: readonly Finding[]): Severity {
  return SEVERITIES.find((s) => findings.some((f) => f.severity === s)) ?? "low";
}

function amended(report: KeyReport, findings: readonly Finding[]): KeyReport {
  const sorted = [...findings].sort(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  );
  const verdict = verdictOf(report.exposure, sorted);
  const counting = sorted.filter((f) => weakens(f.severity));
  return {
    ...report,
    verdict,
    waived: verdict !== "clear" && counting.length > 0 && counting.every((f) => f.waiver !== null),
    findings: sorted,
  };
}
