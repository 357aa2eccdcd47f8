import { inert } from "../../domain/inert.js";
import { UsageAggregator } from "../../usage/aggregate.js";
import { coverageSql, usageSql } from "../../usage/athena-sql.js";
import { logFiles } from "../../usage/folder.js";
import { readLogs } from "../../usage/logs.js";
import type { TimeSpan } from "../../usage/part.js";
import type { UsageSource } from "../../usage/types.js";
import { usageFile } from "../../usage/write.js";
import type { Io } from "../command.js";
import type { ExitCode } from "../exit.js";
import { EXIT } from "../exit.js";
import { writeOutput } from "../output.js";
import { onFirstInterrupt } from "../scan/interrupt.js";
import { toolVersion } from "../version.js";
import { aliasesOf } from "./aliases.js";
import type { UsageFlags } from "./flags.js";
import type { Reading } from "./reading.js";
import { summary } from "./summary.js";

/** Reads all evidence that the flags name, and writes what it says. Throws KeywardError where it cannot begin. */
export async function runUsage(flags: UsageFlags, io: Io): Promise<ExitCode> {
  if (flags.printSql && flags.athena !== undefined) {
    io.stdout.write(`-- who used which key how\n${usageSql(flags.athena, flags)};\n\n`);
    io.stdout.write(`-- what the table covers\n${coverageSql(flags.athena, flags)};\n`);
    return EXIT.clear;
  }
  const resolve = await aliasesOf(flags.snapshot);
  const aggregator = new UsageAggregator();
  const stop = new AbortController();
  const say = (text: string): void => void io.stderr.write(`${inert(text)}\n`);
  const release = onFirstInterrupt(() => {
    say("Stopping. What was not read is a gap in the evidence. Ctrl-C again quits at once.");
    stop.abort();
  });
  let sources: readonly UsageSource[];
  try {
    sources = await readEvidence(
      {
        flags,
        aggregator,
        span: spanOf(flags),
        signal: stop.signal,
        say: flags.progress ? say : () => undefined,
      },
      io,
    );
  } finally {
    release();
  }
  const { coverage, keys } = aggregator.finish(sources, resolve);
  const known = [...keys];
  const lines = (): Iterable<string> => usageFile(coverage, known, io.now(), `keyward ${toolVersion()}`);
  if (flags.output !== undefined) {
    await writeOutput(lines(), flags.output, io);
    say(`Usage file: ${flags.output}`);
  }
  await writeOutput(
    flags.format === "ndjson" ? lines() : summary(coverage, known, io.stdout.columns),
    undefined,
    io,
  );
  return coverage.gapCount > 0 || coverage.omitted > 0 ? EXIT.incomplete : EXIT.clear;
}

/** Reads all evidence that the flags name; where it came from. */
export async function readEvidence(reading: Reading, io: Io): Promise<readonly UsageSource[]> {
  const { flags, aggregator, span, signal } = reading;
  const sources: UsageSource[] = [];
  const local = flags.cloudtrail.filter((path) => !path.startsWith("s3://"));
  for (const path of local) {
    let files = 0;
    await readLogs(logFiles(path), aggregator, span, signal, {
      file: () => {
        files++;
        if (files % 1000 === 0) reading.say(`${files} files read in ${path}`);
      },
    });
    sources.push({ kind: "folder", path });
  }
  if (local.length < flags.cloudtrail.length || flags.lookupEvents || flags.athena !== undefined) {
    // Loads the SDK, which files do without.
    const { readRemote } = await import("./remote.js");
    sources.push(...(await readRemote(reading, io)));
  }
  return sources;
}

function spanOf(flags: UsageFlags): TimeSpan {
  return {
    since: flags.from === undefined ? undefined : Date.parse(`${flags.from}T00:00:00Z`) / 1000,
    until: flags.to === undefined ? undefined : Date.parse(`${flags.to}T23:59:59Z`) / 1000,
  };
}
