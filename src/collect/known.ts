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
  private readonly metKeys = new Set<string>();
  private readonly metRegions = new Set<string>();
  /** The earlier scan read all that this one wants, so its word that a Region is done holds. */
  private sameDetails = false;
  /** When the earlier scan began, as its header says. */
  createdAt: string | undefined;
  /** Accounts of which all of IAM was read, and those of which that is not sure yet; see {@link settle}. */
  private readonly iamAccounts = new Set<string>();
  private readonly iamSeen = new Set<string>();
  /** Accounts of which it is known whether they are in an organization. */
  private readonly memberships = new Set<string>();

  /** @param iam whether this scan wants IAM */
  constructor(
    private readonly details: Details,
    private readonly iam = true,
  ) {}

  /**
   * Takes a line. True: it is to stand in the new snapshot as it is. Of lines about IAM that can be told only when all
   * have been taken; see {@link keepsIam}.
   */
  add(line: SnapshotLine): boolean {
    if (line.type === "key" || line.type === "region" || line.type === "coverage") this.settle();
    switch (line.type) {
      case "snapshot":
        this.createdAt = line.createdAt;
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
      case "user":
      case "role":
      case "group":
      case "managed-policy":
        return false;
      case "account":
        if (this.iam && line.iam?.kind === "present") this.iamSeen.add(line.id);
        if (line.organization !== undefined && line.organization.kind !== "unreadable") {
          this.memberships.add(line.id);
        }
        return false;
    }
  }

  /** All of the account's IAM was read: it is not asked. */
  hasIam(account: string): boolean {
    return this.iamAccounts.has(account);
  }

  /** The account has told which organization it is in, and the line that says so stands in the new snapshot. */
  hasMembership(account: string): boolean {
    return this.hasIam(account) && this.memberships.has(account);
  }

  /** After all lines were taken: whether this one is about IAM that is not asked again, and stands in the new snapshot. */
  keepsIam(line: SnapshotLine): boolean {
    switch (line.type) {
      case "account":
        return this.hasIam(line.id);
      case "user":
      case "role":
      case "group":
      case "managed-policy": {
        const owner = iamAccountOf(line.arn);
        // AWS's own policies belong to all accounts.
        return owner === "aws" ? this.iamAccounts.size > 0 : owner !== undefined && this.hasIam(owner);
      }
      default:
        return false;
    }
  }

  /**
   * The Region was done: nothing in it is asked. Not where lines of keys are missing that were written then, because
   * somebody took them out: its keys are listed again.
   */
  doneRegion(account: string, region: string): RegionCoverage | undefined {
    const place = `${account}/${region}`;
    const done = this.regions.get(place);
    const there = (this.whole.get(place)?.size ?? 0) + (this.parts.get(place)?.size ?? 0);
    return done === undefined || there < done.written ? undefined : done;
  }

  isWholeKey(account: string, region: string, id: string): boolean {
    return this.whole.get(`${account}/${region}`)?.has(id) === true;
  }

  /** What is known of a key that is not whole. */
  part(account: string, region: string, arn: string): KeyLine | undefined {
    return this.parts.get(`${account}/${region}`)?.get(arn);
  }

  /** A key of the new scan's listing: its line is written. */
  met(arn: string): void {
    this.metKeys.add(arn);
  }

  /** The keys of a Region were all listed: a part of a key that is not among them is of a key that is gone. */
  metRegion(account: string | undefined, region: string): void {
    if (account !== undefined) this.metRegions.add(`${account}/${region}`);
  }

  /** Parts of keys that the new scan did not get to: it stopped before, or could not list them. */
  *leftovers(): Iterable<KeyLine> {
    for (const [place, parts] of this.parts) {
      if (this.metRegions.has(place)) continue;
      for (const [arn, line] of parts) if (!this.metKeys.has(arn)) yield line;
    }
  }

  /** All keys of a Region that are not whole. */
  partsOf(account: string, region: string): Iterable<KeyLine> {
    return this.parts.get(`${account}/${region}`)?.values() ?? [];
  }

  /**
   * The account's line says that its identities are all there. In the order in which a scan writes they stand before it,
   * and in the order of a finished snapshot after it, but in both before what this is called for: a file that was cut
   * off among them does not count.
   */
  private settle(): void {
    for (const account of this.iamSeen) this.iamAccounts.add(account);
    this.iamSeen.clear();
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

/** The account part of an ARN of IAM: twelve digits, or `aws` for AWS's own policies. */
export function iamAccountOf(arn: string): string | undefined {
  return /^arn:[a-z-]+:iam::([0-9]{12}|aws):/.exec(arn)?.[1];
}

function withAccount(coverage: RegionCoverage, line: CoverageLine): RegionCoverage {
  return coverage.account === undefined && line.accountId !== undefined
    ? { ...coverage, account: line.accountId }
    : coverage;
}
