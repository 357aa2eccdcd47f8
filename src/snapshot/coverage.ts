import type { AccountCoverage, CoverageLine, IncompleteLine, RegionCoverage } from "./lines.js";

/** What a report says about a scan beside its keys: what was left out on purpose, and what was not read. */
export function coverageNotes(coverage: CoverageLine): readonly string[] {
  const { regions } = coverage;
  const notes: string[] = [];
  const names = (status: RegionCoverage["status"]): string =>
    places(regions.filter((r) => r.status === status));
  if (coverage.interrupted) notes.push("The scan was stopped before its end.");
  if (coverage.accounts !== undefined) notes.push(...accountNotes(coverage.accounts));
  if (coverage.chosenFrom !== undefined) {
    notes.push(
      `Only accounts of the units and tags that were named: the organization has ${counted(coverage.chosenFrom, "account")}.`,
    );
  }
  if (coverage.regionsFrom === "command-line")
    notes.push(`Only these Regions were scanned: ${scanned(regions)}.`);
  if (names("not-enabled") !== "") {
    notes.push(
      `Not enabled in the account, so not read: ${names("not-enabled")}. Keys that were made there before stay: enable the Region and scan again if there are any.`,
    );
  }
  if (names("incomplete") !== "") notes.push(`Not everything could be read in: ${names("incomplete")}.`);
  if (names("not-seen") !== "") notes.push(`Not begun: ${names("not-seen")}.`);
  const managed = total(regions, "awsManaged");
  if (managed > 0) {
    notes.push(`Left out ${counted(managed, "key")} that AWS manages: nobody can change who uses them.`);
  }
  const deleted = total(regions, "deleted");
  if (deleted > 0) notes.push(`Deleted during the scan, and so left out: ${counted(deleted, "key")}.`);
  return notes;
}

/**
 * What a scan asked for beside what verdicts need and did not get, place by place: details of keys, and the list of
 * Regions. The keys have verdicts all the same; what the gap costs is said with it.
 */
export function coverageGaps(coverage: CoverageLine): readonly IncompleteLine[] {
  const effects = new Map(coverage.missingDetails.map((d) => [d.call, d.effect]));
  const own = coverage.accountId;
  const details = coverage.regions.flatMap(({ account = own, region, missing = [] }) =>
    missing.map(
      ({ call, code, count }): IncompleteLine => ({
        type: "incomplete",
        where: account === undefined ? region : `${account}/${region}`,
        call,
        code,
        help: `Failed ${counted(count, "time")}. ${effects.get(call) ?? ""} Permit ${call} to the scanning principal.`,
      }),
    ),
  );
  // A scan of another version may tell only how often, and not where.
  const placed = new Set(details.map((d) => `${d.call} ${d.code}`));
  for (const { call, code, count, effect } of coverage.missingDetails) {
    if (placed.has(`${call} ${code}`)) continue;
    const help = `Failed ${counted(count, "time")}. ${effect} Permit ${call} to the scanning principal.`;
    details.push({ type: "incomplete", where: own ?? "the scan", call, code, help });
  }
  const unlisted =
    coverage.accounts === undefined
      ? coverage.regionsFrom === "built-in"
        ? [own ?? "the account of the credentials"]
        : []
      : coverage.accounts.filter((a) => a.regionsFrom === "built-in").map((a) => a.id);
  return [
    ...details,
    ...unlisted.map(
      (where): IncompleteLine => ({
        type: "incomplete",
        where,
        call: "ec2:DescribeRegions",
        code: "RegionsNotListed",
        help: "The scan took the Regions that keyward knows: keys in a newer one would be missing. Permit ec2:DescribeRegions or account:ListRegions, or name the Regions with --region.",
      }),
    ),
  ];
}

/**
 * The Regions that accounts have not enabled, each with the fix. They are told, but are no gaps: AWS enables no Region
 * that it opened since 2019 by itself, so nearly every account has some in which nothing was ever made. Source: AWS
 * Account Management Reference Guide, "Enable or disable AWS Regions in your account" (disabling a Region ends the
 * access to what is in it and deletes nothing), read 2026-12-01.
 */
export function disabledRegions(coverage: CoverageLine): readonly IncompleteLine[] {
  const closed = coverage.regions.filter((r) => r.status === "not-enabled");
  return closed.map(({ account = coverage.accountId, region }): IncompleteLine => {
    const from = coverage.accounts?.find((a) => a.id === account)?.regionsFrom ?? coverage.regionsFrom;
    return {
      type: "incomplete",
      where: account === undefined ? region : `${account}/${region}`,
      call: from === "account:ListRegions" || from === "ec2:DescribeRegions" ? from : "kms:ListKeys",
      code: "RegionNotEnabled",
      help: "The account has not enabled this Region, and keys that were made there before it was disabled stay. If there are any, enable the Region and scan again; if not, there is nothing to do.",
    };
  });
}

/** Names that a note lists one by one; more are counted. */
const LISTED = 20;

function accountNotes(accounts: readonly AccountCoverage[]): readonly string[] {
  const notes: string[] = [];
  const ids = (which: (a: AccountCoverage) => boolean): readonly string[] =>
    accounts.filter(which).map((a) => a.id);
  const unseen = ids((a) => a.status === "not-scanned");
  const seen = accounts.length - unseen.length;
  notes.push(`Scanned ${seen.toLocaleString("en-US")} of ${counted(accounts.length, "account")}.`);
  if (unseen.length > 0) notes.push(`Nothing could be read in the accounts ${listed(unseen)}.`);
  const own = ids((a) => a.through === "own");
  if (own.length > 0 && accounts.some((a) => a.through !== undefined && a.through !== "own")) {
    notes.push(`Scanned with the credentials themselves, not through the role: ${listed(own)}.`);
  }
  return notes;
}

/** Regions, and in how many accounts, where there are several. */
function places(regions: readonly RegionCoverage[]): string {
  const accounts = new Map<string, string[]>();
  for (const { account, region } of regions) {
    const of = accounts.get(region) ?? [];
    accounts.set(region, of);
    if (account !== undefined) of.push(account);
  }
  return [...accounts.keys()]
    .sort()
    .map((region) => {
      const [first, ...more] = accounts.get(region) ?? [];
      if (first === undefined) return region;
      return more.length === 0
        ? `${region} of ${first}`
        : `${region} of ${counted(more.length + 1, "account")}`;
    })
    .join(", ");
}

function listed(names: readonly string[]): string {
  const rest = names.length - LISTED;
  return rest <= 0 ? names.join(", ") : `${names.slice(0, LISTED).join(", ")} and ${rest} more`;
}

/** The one sentence with which a scan ends: how much was read, and what it took. */
export function coverageSentence(coverage: CoverageLine): string {
  const looked = coverage.regions.filter((r) => r.status === "scanned" || r.status === "incomplete");
  const regions = new Set(looked.map((r) => r.region)).size;
  const seconds = (Date.parse(coverage.finishedAt) - Date.parse(coverage.startedAt)) / 1000;
  const entered = coverage.accounts?.filter((a) => a.status !== "not-scanned").length;
  const account =
    entered !== undefined
      ? ` of ${counted(entered, "account")}`
      : coverage.accountId === undefined
        ? ""
        : ` of account ${coverage.accountId}`;
  const keys = counted(total(coverage.regions, "written"), "key");
  return `Scanned ${keys} in ${counted(regions, "Region")}${account}: ${counted(coverage.calls, "call")}, ${seconds.toFixed(1)} s.`;
}

function scanned(regions: readonly RegionCoverage[]): string {
  return [...new Set(regions.map((r) => r.region))].sort().join(", ");
}

function total(regions: readonly RegionCoverage[], field: "written" | "awsManaged" | "deleted"): number {
  return regions.reduce((sum, r) => sum + r[field], 0);
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
