import type { CoverageLine, RegionCoverage } from "./lines.js";

/** What a report says about a scan beside its keys: what was left out on purpose, and what was not read. */
export function coverageNotes(coverage: CoverageLine): readonly string[] {
  const { regions } = coverage;
  const notes: string[] = [];
  const names = (status: RegionCoverage["status"]): string =>
    regions
      .filter((r) => r.status === status)
      .map((r) => r.region)
      .join(", ");
  if (coverage.interrupted) notes.push("The scan was stopped before its end.");
  if (coverage.regionsFrom === "command-line")
    notes.push(`Only these Regions were scanned: ${scanned(regions)}.`);
  if (coverage.regionsFrom === "built-in") {
    notes.push(
      "The Regions of the account could not be listed: the scan took those that keyward knows, and a newer Region would be missing. Permit ec2:DescribeRegions or account:ListRegions.",
    );
  }
  if (names("not-enabled") !== "") {
    notes.push(`Not enabled in the account, so without keys: ${names("not-enabled")}.`);
  }
  if (names("incomplete") !== "") notes.push(`Not everything could be read in: ${names("incomplete")}.`);
  if (names("not-seen") !== "") notes.push(`Not begun: ${names("not-seen")}.`);
  const managed = total(regions, "awsManaged");
  if (managed > 0) {
    notes.push(`Left out ${counted(managed, "key")} that AWS manages: nobody can change who uses them.`);
  }
  const deleted = total(regions, "deleted");
  if (deleted > 0) notes.push(`Deleted during the scan, and so left out: ${counted(deleted, "key")}.`);
  for (const detail of coverage.missingDetails) {
    notes.push(`${detail.call} failed ${counted(detail.count, "time")} (${detail.code}). ${detail.effect}`);
  }
  return notes;
}

/** The one sentence with which a scan ends: how much was read, and what it took. */
export function coverageSentence(coverage: CoverageLine): string {
  const looked = coverage.regions.filter((r) => r.status === "scanned" || r.status === "incomplete");
  const seconds = (Date.parse(coverage.finishedAt) - Date.parse(coverage.startedAt)) / 1000;
  const account = coverage.accountId === undefined ? "" : ` of account ${coverage.accountId}`;
  const keys = counted(total(coverage.regions, "written"), "key");
  return `Scanned ${keys} in ${counted(looked.length, "Region")}${account}: ${counted(coverage.calls, "call")}, ${seconds.toFixed(1)} s.`;
}

function scanned(regions: readonly RegionCoverage[]): string {
  return regions.map((r) => r.region).join(", ");
}

function total(regions: readonly RegionCoverage[], field: "written" | "awsManaged" | "deleted"): number {
  return regions.reduce((sum, r) => sum + r[field], 0);
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
