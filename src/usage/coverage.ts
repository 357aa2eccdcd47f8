import type { KeyArn } from "../domain/ids.js";
import { keyArnParts } from "../domain/ids.js";
import { missing } from "./days.js";
import type { DayRange, KeyCoverage, TrailCoverage, UsageCoverage } from "./types.js";

/** Days without any event of KMS after which a trail is suspected of leaving them out. */
const SUSPICIOUS_DAYS = 7;

/**
 * What the evidence does not cover, seen from one key. A call on a key stands in the trail of the key's account in the
 * key's Region; so that trail decides. Denied calls from other accounts stand in the caller's trail alone, which is said
 * always and does not make the coverage incomplete: such a call used nothing. Source: KMS Developer Guide, "Logging AWS
 * KMS API calls with AWS CloudTrail".
 */
export function keyCoverage(coverage: UsageCoverage, key: KeyArn, omitted: number): KeyCoverage {
  const span = spanOf(coverage);
  const own = keyCaveats(coverage, key, omitted);
  const caveats = [...own, ...generalCaveats(coverage)];
  return {
    ...(span === undefined ? {} : { span }),
    missingDays: span === undefined ? [] : missing(span, trailOf(coverage, key)?.days ?? []),
    caveats: [...caveats, DENIED_ELSEWHERE],
    complete: caveats.length === 0,
  };
}

/** The caveats that hold for this key alone. */
export function keyCaveats(coverage: UsageCoverage, key: KeyArn, omitted: number): readonly string[] {
  const { account, region } = keyArnParts(key);
  const span = spanOf(coverage);
  if (span === undefined) return ["There is no evidence at all."];
  const trail = trailOf(coverage, key);
  const caveats: string[] = [];
  if (trail === undefined) {
    caveats.push(
      `There is no evidence from the trail of account ${account} in ${region}: only calls that other accounts made and logged themselves can be seen.`,
    );
  } else {
    const missingDays = missing(span, trail.days);
    if (missingDays.length > 0) {
      caveats.push(
        `No evidence from account ${account} in ${region} on ${dayList(missingDays)}, within ${span.from} to ${span.to}.`,
      );
    }
    if (trail.kmsExcludedAt.length > 0) {
      caveats.push(
        `A trail of account ${account} in ${region} was told to leave out events of KMS at ${trail.kmsExcludedAt.slice(0, 3).join(", ")}.`,
      );
    } else if (trail.kmsEvents === 0 && days(trail.days) >= SUSPICIOUS_DAYS) {
      caveats.push(
        `The evidence from account ${account} in ${region} holds no event of KMS at all on ${days(trail.days)} days: the trail may leave them out (excludeManagementEventSources).`,
      );
    }
  }
  if (omitted > 0) caveats.push(`${omitted} calls on this key are not listed because a limit was reached.`);
  return caveats;
}

function trailOf(coverage: UsageCoverage, key: KeyArn): TrailCoverage | undefined {
  const { account, region } = keyArnParts(key);
  return coverage.trails.find((t) => t.account === account && t.region === region);
}

function spanOf({ from, to }: UsageCoverage): DayRange | undefined {
  return from === undefined || to === undefined
    ? undefined
    : { from: from.slice(0, 10), to: to.slice(0, 10) };
}

/** Always so, and so no sign of a gap. */
export const DENIED_ELSEWHERE =
  "Calls from other accounts that were denied are logged in the caller's account only.";

/** The caveats that hold for every key. */
export function generalCaveats(coverage: UsageCoverage): readonly string[] {
  const caveats: string[] = [];
  if (coverage.gapCount > 0) {
    caveats.push(
      `Some evidence could not be used (${coverage.gapCount} ${coverage.gapCount === 1 ? "gap" : "gaps"}: ${problems(coverage)}).`,
    );
  }
  if (coverage.unattributed > 0) {
    caveats.push(
      `${coverage.unattributed} calls of KMS do not tell on which key they were (an alias that is not known, or a denied request).`,
    );
  }
  if (coverage.omitted > 0) {
    caveats.push(`${coverage.omitted} calls in all are not listed because a limit was reached.`);
  }
  for (const source of coverage.sources) {
    if (source.kind === "lookup-events") {
      caveats.push(
        `The event history of ${source.region} reaches back 90 days at most: use that is rarer is not in it.`,
      );
    }
  }
  return caveats;
}

function problems(coverage: UsageCoverage): string {
  return [...new Set(coverage.gaps.map((g) => g.problem))].sort().join(", ");
}

function dayList(list: readonly DayRange[]): string {
  const shown = list.slice(0, 5).map((r) => (r.from === r.to ? r.from : `${r.from} to ${r.to}`));
  const more = list.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

function days(list: readonly DayRange[]): number {
  return list.reduce((sum, r) => sum + (Date.parse(r.to) - Date.parse(r.from)) / 86_400_000 + 1, 0);
}
