import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { CoverageLine, KeyLine, RegionCoverage, SnapshotLine } from "../snapshot/lines.js";
import type { Details } from "./key.js";
import { isWhole } from "./key.js";

/**
 * What an earlier scan that did not end has left, so that it is not asked again: whole keys, parts of keys, and Regions
 * that were done. Fill it from the lines of that scan's snapshot with {@link add}; whole keys are not kept in memory.
 */
export class Known {
  /** Ids of whole keys, by `account/region`. */
  private readonly whole = new Map<string, Set<string>>();
  /** Keys that are not whole, by place and ARN. */
  private readonly parts = new Map<string, Map<string, KeyLine>>();
  private readonly regions = new Map<string, RegionCoverage>();
  /** The earlier scan read all that this one wants, so its word that a Region is done holds. */
  private sameDetails = false;

  constructor(private readonly details: Details) {}

  /** Takes a line. True: it is to stand in the new snapshot as it is. */
  add(line: SnapshotLine): boolean {
    switch (line.type) {
      case "snapshot":
        this.sameDetails = detailNames(this.details).every((name) => line.details?.includes(name) === true);
        return false;
      case "key":
        return this.key(line);
      case "region":
        this.region(line);
        return false;
      case "coverage":
        for (const coverage of line.regions) this.region(withAccount(coverage, line));
        return false;
      // Asked again: what was missing may be there now, and the rest takes few calls.
      case "incomplete":
      case "organization":
      case "resource-control-policy":
      case "service-control-policy":
      case "account":
      case "user":
      case "role":
      case "group":
      case "managed-policy":
        return false;
    }
  }

  /** The Region was done: nothing in it is asked. */
  doneRegion(account: string, region: string): RegionCoverage | undefined {
    return this.regions.get(`${account}/${region}`);
  }

  isWholeKey(account: string, region: string, id: string): boolean {
    return this.whole.get(`${account}/${region}`)?.has(id) === true;
  }

  /** What is known of a key that is not whole. */
  part(account: string, region: string, arn: string): KeyLine | undefined {
    return this.parts.get(`${account}/${region}`)?.get(arn);
  }

  /** All keys of a Region that are not whole. */
  partsOf(account: string, region: string): Iterable<KeyLine> {
    return this.parts.get(`${account}/${region}`)?.values() ?? [];
  }

  private key(line: KeyLine): boolean {
    const arn = parseKeyArn(line.arn);
    if (arn === undefined) return false;
    const { account, region, keyId } = keyArnParts(arn);
    const place = `${account}/${region}`;
    const ids = this.whole.get(place) ?? new Set();
    this.whole.set(place, ids);
    if (ids.has(keyId)) return false;
    if (!isWhole(line, this.details)) {
      const parts = this.parts.get(place) ?? new Map<string, KeyLine>();
      this.parts.set(place, parts.set(line.arn, line));
      return false;
    }
    this.parts.get(place)?.delete(line.arn);
    ids.add(keyId);
    return true;
  }

  private region(coverage: RegionCoverage): void {
    // Only of a scan of one account nobody knows which, if STS did not answer.
    if (!this.sameDetails || coverage.status !== "scanned" || coverage.account === undefined) return;
    this.regions.set(`${coverage.account}/${coverage.region}`, coverage);
  }
}

/** The names of the details that are wanted, as a snapshot's header lists them. */
export function detailNames(details: Details): readonly string[] {
  return (["tags", "rotation", "lastUsage"] as const).filter((name) => details[name]);
}

function withAccount(coverage: RegionCoverage, line: CoverageLine): RegionCoverage {
  return coverage.account === undefined && line.accountId !== undefined
    ? { ...coverage, account: line.accountId }
    : coverage;
}
