import { setTimeout as sleep } from "node:timers/promises";
import type { UsageConnection } from "../../aws/usage.js";
import { connectUsage } from "../../aws/usage.js";
import { KeywardError } from "../../domain/result.js";
import { queryUsage } from "../../usage/athena.js";
import { bucketFiles, parseS3 } from "../../usage/bucket.js";
import { timeName } from "../../usage/days.js";
import { readLogs } from "../../usage/logs.js";
import { HISTORY_DAYS, lookUp } from "../../usage/lookup.js";
import type { Wait } from "../../usage/ports.js";
import type { UsageSource } from "../../usage/types.js";
import { parseAccountId } from "../../domain/ids.js";
import type { Io } from "../command.js";
import { toolVersion } from "../version.js";
import type { Reading } from "./reading.js";

/** Reads the evidence that lies in AWS. */
export async function readRemote(reading: Reading, io: Io): Promise<readonly UsageSource[]> {
  const { flags } = reading;
  const connection = await connectUsage({
    profile: flags.profile,
    region: flags.regions[0],
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
  });
  try {
    return [
      ...(await buckets(reading, connection)),
      ...(flags.lookupEvents ? await history(reading, connection, io.now()) : []),
      ...(await athena(reading, connection)),
    ];
  } finally {
    connection.close();
  }
}

async function buckets(reading: Reading, connection: UsageConnection): Promise<readonly UsageSource[]> {
  const sources: UsageSource[] = [];
  for (const uri of reading.flags.cloudtrail.filter((path) => path.startsWith("s3://"))) {
    const place = parseS3(uri);
    if (place === undefined) {
      throw new KeywardError({
        what: "no address of a bucket",
        where: "--cloudtrail",
        expected: "s3://BUCKET/PREFIX",
        got: uri,
      });
    }
    let files = 0;
    await readLogs(
      bucketFiles(connection.buckets(), place, reading.signal),
      reading.aggregator,
      reading.span,
      reading.signal,
      {
        file: () => {
          files++;
          if (files % 1000 === 0) reading.say(`${files} objects read in ${uri}`);
        },
      },
    );
    sources.push({ kind: "s3", uri });
  }
  return sources;
}

async function history(
  reading: Reading,
  connection: UsageConnection,
  now: number,
): Promise<readonly UsageSource[]> {
  const { flags, aggregator, signal, say, span } = reading;
  const who = await connection.identity(signal);
  if (!who.ok) {
    throw new KeywardError({
      what: "the account of the credentials cannot be told",
      got: `${who.error.code}: ${who.error.message}`,
      ...(who.error.help === undefined ? {} : { next: who.error.help }),
    });
  }
  const to = Math.min(now, (span.until ?? now) * 1000);
  const from = Math.max(now - HISTORY_DAYS * 86_400_000, (span.since ?? 0) * 1000);
  if (from > to) {
    throw new KeywardError({
      what: `the event history holds the last ${HISTORY_DAYS} days`,
      where: "--from, --to",
      next: "read the log files of a trail for older events: --cloudtrail",
    });
  }
  const sources: UsageSource[] = [];
  for (const region of flags.regions.length === 0 ? [connection.homeRegion] : flags.regions) {
    const lookup = { account: who.value.account, region, from, to, maxEvents: flags.maxEvents };
    await lookUp(connection.history(region), lookup, aggregator, { wait, signal, say });
    const account = parseAccountId(who.value.account);
    sources.push({
      kind: "lookup-events",
      ...(account === undefined ? {} : { account }),
      region,
      from: timeName(Math.floor(from / 1000)),
      to: timeName(Math.floor(to / 1000)),
    });
  }
  return sources;
}

async function athena(reading: Reading, connection: UsageConnection): Promise<readonly UsageSource[]> {
  const { flags, aggregator, signal, say } = reading;
  const target = flags.athena;
  if (target === undefined) return [];
  const run = {
    target,
    days: { from: flags.from, to: flags.to },
    workgroup: target.workgroup,
    output: target.queryOutput,
  };
  await queryUsage(connection.queries(flags.regions[0] ?? connection.homeRegion), run, aggregator, {
    wait,
    signal,
    say,
  });
  return [
    {
      kind: "athena",
      database: target.database,
      table: target.table,
      ...(flags.from === undefined ? {} : { from: `${flags.from}T00:00:00Z` }),
      ...(flags.to === undefined ? {} : { to: `${flags.to}T23:59:59Z` }),
    },
  ];
}

const wait: Wait = async (ms, signal) => {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
  }
};
