import type { AccountId, ActionName, KeyArn } from "../src/domain/ids.js";
import { keyCoverage } from "../src/usage/coverage.js";
import type { ObservedKeyUsage, UsageCoverage, UsageEntry, UsagePrincipal } from "../src/usage/types.js";
import { account, ARN, OWNER } from "./judging.js";

/** A use that was allowed, by somebody of the key's own account. */
export function entry(principal: UsagePrincipal, action: string, more: Partial<UsageEntry> = {}): UsageEntry {
  return {
    principal,
    account: account(OWNER),
    action: action as ActionName,
    contextKeys: [],
    sourceNetwork: { kind: "unknown" },
    outcome: { kind: "allowed" },
    count: 3,
    firstSeen: "2026-11-01T00:00:00Z",
    lastSeen: "2026-11-20T00:00:00Z",
    ...more,
  };
}

/** Evidence of the owner's trail in these Regions, without a gap. */
export function wholeCoverage(
  regions: readonly string[] = ["us-east-1"],
  owner: AccountId = account(OWNER),
): UsageCoverage {
  return {
    sources: [{ kind: "folder", path: "logs" }],
    from: "2026-11-01T00:00:00Z",
    to: "2026-11-20T00:00:00Z",
    trails: regions.map((region) => ({
      account: owner,
      region,
      days: [{ from: "2026-11-01", to: "2026-11-20" }],
      kmsEvents: 10,
      kmsExcludedAt: [],
    })),
    gaps: [],
    gapCount: 0,
    files: 20,
    records: 100,
    kmsEvents: 10,
    unattributed: 0,
    omitted: 0,
    notDeduplicated: 0,
  };
}

/** What was seen of the key, in evidence that covers its trail without a gap. */
export function usage(...entries: readonly UsageEntry[]): ObservedKeyUsage {
  const key = ARN as KeyArn;
  return { key, entries, omitted: 0, coverage: keyCoverage(wholeCoverage(), key, 0) };
}
