import type { CoverageLine, RegionCoverage } from "../../snapshot/lines.js";

/**
 * The last sentences of a scan: how much was read, and everything that was not. `gaps` counts the `incomplete` lines.
 */
export function scanSummary(coverage: CoverageLine, gaps: number): readonly string[] {
  const read = coverage.regions.filter((r) => r.status !== "not-enabled");
  const keys = sum(read, "written");
  const seconds = (Date.parse(coverage.finishedAt) - Date.parse(coverage.startedAt)) / 1000;
  const account = coverage.accountId === undefined ? "" : ` of account ${coverage.accountId}`;
  const lines = [
    `Scanned ${counted(keys, "key")} in ${counted(read.length, "Region")}${account}: ${counted(coverage.calls, "call")}, ${seconds.toFixed(1)} s.`,
  ];
  const managed = sum(read, "awsManaged");
  if (managed > 0) {
    lines.push(`Left out ${counted(managed, "key")} that AWS manages: nobody can change who uses them.`);
  }
  const deleted = sum(read, "deleted");
  if (deleted > 0) lines.push(`${counted(deleted, "key")} had been deleted when it was read.`);
  const off = coverage.regions.filter((r) => r.status === "not-enabled");
  if (off.length > 0) {
    lines.push(`Not enabled in this account, so without keys: ${off.map((r) => r.region).join(", ")}.`);
  }
  for (const detail of coverage.missingDetails) {
    lines.push(`${detail.call} failed ${counted(detail.count, "time")} (${detail.code}). ${detail.effect}`);
  }
  if (coverage.interrupted) lines.push("The scan was stopped before its end.");
  if (gaps > 0) {
    const places = coverage.regions.filter((r) => r.status === "incomplete" || r.status === "not-seen");
    const named = places
      .map((r) => (r.status === "not-seen" ? `${r.region} (not begun)` : r.region))
      .join(", ");
    lines.push(
      `Incomplete: ${counted(gaps, "read")} failed, in ${named}. What could not be read is not assessed.`,
    );
  }
  return lines;
}

function sum(regions: readonly RegionCoverage[], field: "written" | "awsManaged" | "deleted"): number {
  return regions.reduce((total, r) => total + r[field], 0);
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
