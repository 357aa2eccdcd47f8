import { partitionOfRegion } from "../domain/ids.js";
import { KeywardError } from "../domain/result.js";
import type { CoverageLine, RegionCoverage } from "../snapshot/lines.js";
import type { IamRun } from "./iam.js";
import { readIam } from "./iam.js";
import type { Details } from "./key.js";
import type { Known } from "./known.js";
import { askMembership } from "./membership.js";
import type { CallFailure, CloudPort, IamPort } from "./ports.js";
import { readRegion } from "./region.js";
import { builtInRegions } from "./regions.js";
import type { AccountRun } from "./run.js";
import { Workers } from "./workers.js";

/** What an account is scanned with. */
export interface AccountOptions {
  /** Empty: all Regions of the account. */
  readonly regions: readonly string[];
  readonly regionsAtOnce: number;
  readonly keysAtOnce: number;
  readonly details: Details;
  /** Also read IAM. */
  readonly iam: boolean;
  /** Also ask each account of which IAM is read which organization it is in. False: somebody else tells it. */
  readonly membership: boolean;
  readonly known: Known | undefined;
}

/** What became of an account. */
export interface AccountResult {
  readonly regionsFrom: CoverageLine["regionsFrom"];
  readonly regions: readonly RegionCoverage[];
  /** Of each Region that was tried: why its listing failed, if it did. */
  readonly failures: readonly (CallFailure | undefined)[];
}

/**
 * Scans the Regions of one account, all at once as far as `regionsAtOnce` permits: they share no quota. Throws
 * KeywardError where the Regions of the partition are not known.
 */
export async function scanAccount(
  account: AccountRun,
  cloud: CloudPort,
  partition: string,
  options: AccountOptions,
): Promise<AccountResult> {
  const { listener } = account.run;
  const plan = await planRegions(account, cloud, options.regions, partition);
  listener.regions?.(plan.scan);
  const coverage = new Map<string, RegionCoverage>();
  for (const region of plan.notEnabled) coverage.set(region, untouched(region));
  const failures: (CallFailure | undefined)[] = [];
  // An account with thousands of roles has hundreds of pages, for which no Region has to wait.
  const iam = new Workers(1);
  await iam.start(() => scanIam(account, cloud, options));
  const workers = new Workers(options.regionsAtOnce);
  for (const region of plan.scan) {
    await workers.start(async () => {
      const result = await readRegion(account, cloud.kms(region), region, {
        keysAtOnce: options.keysAtOnce,
        details: options.details,
        // A Region that the user names is wanted: that it cannot be read is a gap, whatever the reason.
        wanted: plan.from !== "built-in",
        known: options.known,
      });
      coverage.set(region, result.coverage);
      failures.push(result.failure);
      cloud.done?.(region);
      listener.region?.(result.coverage);
    });
  }
  await Promise.all([workers.settled(), iam.settled()]);
  const regions = [...coverage.values()].sort((a, b) => (a.region < b.region ? -1 : 1));
  return { regionsFrom: plan.from, regions, failures };
}

/** IAM of the account and its place in an organization, as far as an earlier scan has not read them. */
async function scanIam(account: AccountRun, cloud: CloudPort, options: AccountOptions): Promise<void> {
  if (!options.iam || cloud.iam === undefined) return;
  const { account: id } = account;
  if (id === undefined) {
    await account.run.emitIncomplete("the account of the credentials", UNNAMED);
    return;
  }
  await Promise.all([
    options.membership ? readMembership(account, id, cloud, options.known) : undefined,
    options.known?.hasIam(id) === true ? undefined : readEntities(account, id, await cloud.iam()),
  ]);
}

async function readEntities(account: AccountRun, id: string, iam: IamPort): Promise<void> {
  const reading: IamRun = {
    ask: (call, send) => account.ask(call, send),
    emit: (line) => account.run.emit(line),
    emitIncomplete: (where, failure) => account.run.emitIncomplete(where, failure),
  };
  await readIam(reading, iam, id);
}

/** A line of its own, because nothing else waits for the answer. */
async function readMembership(
  account: AccountRun,
  id: string,
  cloud: CloudPort,
  known: Known | undefined,
): Promise<void> {
  if (known?.hasMembership(id) === true) return;
  const organization = await askMembership(account, cloud);
  if (organization !== undefined) await account.run.emit({ type: "account", id, organization });
}

const UNNAMED: CallFailure = {
  kind: "other",
  call: "iam:GetAccountAuthorizationDetails",
  code: "AccountUnknown",
  message: "STS did not name the account, so IAM was not asked.",
  help: "Permit sts:GetCallerIdentity, or leave IAM out with --no-iam.",
};

/** The partition that a scan is in where STS does not tell. */
export function likelyPartition(cloud: CloudPort, regions: readonly string[]): string {
  return partitionOfRegion(regions[0] ?? cloud.homeRegion);
}

interface RegionPlan {
  readonly from: CoverageLine["regionsFrom"];
  readonly scan: readonly string[];
  /** Regions of which the account says that it does not use them: no call needed. */
  readonly notEnabled: readonly string[];
}

/** The Regions to scan: those that the user names, else those the account says it has, else those that are known. */
async function planRegions(
  account: AccountRun,
  cloud: CloudPort,
  named: readonly string[],
  partition: string,
): Promise<RegionPlan> {
  if (named.length > 0) return { from: "command-line", scan: [...new Set(named)], notEnabled: [] };
  const sources = [
    ["ec2:DescribeRegions", (signal: AbortSignal) => cloud.describeRegions(signal)],
    ["account:ListRegions", (signal: AbortSignal) => cloud.listRegions(signal)],
  ] as const;
  const refusals: string[] = [];
  for (const [from, ask] of sources) {
    const answer = await account.ask(from, ask);
    // An account without any Region does not exist; an empty answer comes from something that is not AWS.
    if (answer.ok && answer.value.length > 0) {
      const names = (enabled: boolean): string[] =>
        answer.value.filter((r) => r.enabled === enabled).map((r) => r.name);
      return { from, scan: names(true), notEnabled: names(false) };
    }
    refusals.push(`${from}: ${answer.ok ? "empty answer" : answer.error.code}`);
  }
  const known = builtInRegions(partition);
  if (known.length === 0 && account.stopped !== undefined) {
    // Not a reason to lose what other accounts have told.
    await account.run.emitIncomplete(account.account ?? "the account of the credentials", {
      ...account.stopped,
      call: "ec2:DescribeRegions",
    });
  } else if (known.length === 0) {
    throw new KeywardError({
      what: "the Regions to scan are not known",
      where: `partition ${partition}`,
      got: refusals.join(", "),
      next: "name them with --region, or permit ec2:DescribeRegions",
    });
  }
  if (account.stopped === undefined) {
    account.run.listener.note?.(
      `The account's Regions could not be listed (${refusals.join(", ")}); scanning the ${known.length} Regions of ${partition} that this version of keyward knows.`,
    );
  }
  return { from: "built-in", scan: known, notEnabled: [] };
}

function untouched(region: string): RegionCoverage {
  return { region, status: "not-enabled", listed: 0, written: 0, awsManaged: 0, deleted: 0 };
}
