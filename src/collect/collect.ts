import { partitionOfRegion } from "../domain/ids.js";
import { KeywardError } from "../domain/result.js";
import type { CoverageLine, RegionCoverage, SnapshotLine } from "../snapshot/lines.js";
import { snapshotHeader } from "../snapshot/write.js";
import { Channel } from "./channel.js";
import type { CallFailure, CloudPort } from "./ports.js";
import { readRegion } from "./region.js";
import { builtInRegions } from "./regions.js";
import type { CollectListener } from "./run.js";
import { ABANDONED, Run } from "./run.js";
import { Workers } from "./workers.js";

/** Bounds of a scan. */
export interface Limits {
  readonly regionsAtOnce: number;
  /** Keys that are read at the same time in each Region. */
  readonly keysAtOnce: number;
  /** Lines that may wait for the consumer. */
  readonly buffer: number;
}

/**
 * All Regions of a partition at once: they share no quota. 16 keys at once reach ListGrants' quota of 100 a second in
 * each Region even where a call takes 150 ms. Source of the quota: KMS Developer Guide, "Request quotas".
 */
export const DEFAULT_LIMITS: Limits = { regionsAtOnce: 64, keysAtOnce: 16, buffer: 256 };

/** What {@link collect} needs. */
export interface CollectOptions {
  readonly cloud: CloudPort;
  /** Empty: all Regions of the partition. */
  readonly regions: readonly string[];
  /** Also ask for tags: one more call a key. */
  readonly tags: boolean;
  /** `keyward 0.1.0`. */
  readonly tool: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Aborted: ask nothing more, write what is known, and report the rest as incomplete. */
  readonly interrupt: AbortSignal;
  readonly listener?: CollectListener;
  readonly limits?: Partial<Limits>;
}

/**
 * Scans an account: yields the lines of a snapshot as AWS answers, header first and coverage last, keys in no
 * particular order. Regions and keys do not wait for each other; a slow consumer slows the calls down. What AWS refuses
 * becomes an `incomplete` line. Throws {@link KeywardError} where the scan cannot even begin: credentials that AWS
 * does not accept, an AWS that cannot be reached at all, a partition without known Regions.
 */
export async function* collect(options: CollectOptions): AsyncGenerator<SnapshotLine, void, undefined> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const channel = new Channel<SnapshotLine>(limits.buffer);
  const run = new Run(channel, options.listener ?? {}, options.interrupt);
  const work = scan(run, options, limits).then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  try {
    yield* channel;
  } finally {
    // After an end of its own this changes nothing; a consumer that left early has no use for more calls.
    run.stop(ABANDONED);
    channel.close();
    await work;
  }
}

async function scan(run: Run, options: CollectOptions, limits: Limits): Promise<void> {
  const { cloud } = options;
  const startedAt = options.now();
  await run.emit(snapshotHeader(startedAt, options.tool));
  const identity = await run.ask("sts:GetCallerIdentity", (signal) => cloud.identity(signal));
  if (identity.ok) run.account = identity.value.account;
  else if (identity.error.kind === "credentials") throw refused(identity.error);
  const partition = identity.ok
    ? identity.value.partition
    : partitionOfRegion(options.regions[0] ?? cloud.homeRegion);
  const plan = await planRegions(run, options, partition);

  run.listener.regions?.(plan.scan);
  const coverage = new Map<string, RegionCoverage>();
  for (const region of plan.notEnabled) coverage.set(region, untouched(region));
  const failures: (CallFailure | undefined)[] = [];
  const workers = new Workers(limits.regionsAtOnce);
  for (const region of plan.scan) {
    await workers.start(async () => {
      const result = await readRegion(run, cloud.kms(region), region, {
        keysAtOnce: limits.keysAtOnce,
        tags: options.tags,
        surelyEnabled: plan.from === "ec2:DescribeRegions" || plan.from === "account:ListRegions",
      });
      coverage.set(region, result.coverage);
      failures.push(result.failure);
      run.listener.region?.(result.coverage);
    });
  }
  await workers.settled();
  if (!identity.ok && identity.error.kind === "unreachable") {
    const first = failures[0];
    if (first !== undefined && failures.every((f) => f?.kind === "unreachable")) throw unreachable(first);
  }

  const last: CoverageLine = {
    type: "coverage",
    ...(run.account === undefined ? {} : { accountId: run.account }),
    partition,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(options.now()).toISOString(),
    interrupted: run.stopped !== undefined,
    regionsFrom: plan.from,
    regions: [...coverage.values()].sort((a, b) => (a.region < b.region ? -1 : 1)),
    missingDetails: run.missingDetails,
    calls: run.calls,
  };
  await run.emit(last);
}

interface RegionPlan {
  readonly from: CoverageLine["regionsFrom"];
  readonly scan: readonly string[];
  /** Regions of which the account says that it does not use them: no call needed. */
  readonly notEnabled: readonly string[];
}

/** The Regions to scan: those that the user names, else those the account says it has, else those that are known. */
async function planRegions(run: Run, options: CollectOptions, partition: string): Promise<RegionPlan> {
  const { cloud } = options;
  if (options.regions.length > 0) {
    return { from: "command-line", scan: [...new Set(options.regions)], notEnabled: [] };
  }
  const sources = [
    ["ec2:DescribeRegions", (signal: AbortSignal) => cloud.describeRegions(signal)],
    ["account:ListRegions", (signal: AbortSignal) => cloud.listRegions(signal)],
  ] as const;
  const refusals: string[] = [];
  for (const [from, ask] of sources) {
    const answer = await run.ask(from, ask);
    // An account without any Region does not exist; an empty answer comes from something that is not AWS.
    if (answer.ok && answer.value.length > 0) {
      const names = (enabled: boolean): string[] =>
        answer.value.filter((r) => r.enabled === enabled).map((r) => r.name);
      return { from, scan: names(true), notEnabled: names(false) };
    }
    refusals.push(`${from}: ${answer.ok ? "empty answer" : answer.error.code}`);
  }
  const known = builtInRegions(partition);
  if (known.length === 0) {
    throw new KeywardError({
      what: "the Regions to scan are not known",
      where: `partition ${partition}`,
      got: refusals.join(", "),
      next: "name them with --region, or permit ec2:DescribeRegions",
    });
  }
  if (run.stopped === undefined) {
    run.listener.note?.(
      `The account's Regions could not be listed (${refusals.join(", ")}); scanning the ${known.length} Regions of ${partition} that this version of keyward knows.`,
    );
  }
  return { from: "built-in", scan: known, notEnabled: [] };
}

function untouched(region: string): RegionCoverage {
  return { region, status: "not-enabled", listed: 0, written: 0, awsManaged: 0, deleted: 0 };
}

function refused(failure: CallFailure): KeywardError {
  return new KeywardError({
    what: "AWS does not accept the credentials",
    got: `${failure.code}: ${failure.message}`,
    ...(failure.help === undefined ? {} : { next: failure.help }),
  });
}

function unreachable(failure: CallFailure): KeywardError {
  return new KeywardError({
    what: "AWS cannot be reached",
    got: `${failure.code}: ${failure.message}`,
    ...(failure.help === undefined ? {} : { next: failure.help }),
  });
}
