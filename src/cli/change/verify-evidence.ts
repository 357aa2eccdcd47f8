import { createReadStream } from "node:fs";
import type { TaskList } from "../../apply/tasks.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { UsageAggregator } from "../../usage/aggregate.js";
import { generalCaveats, keyCaveats } from "../../usage/coverage.js";
import { openUsage } from "../../usage/read.js";
import type { UsageCoverage, UsageEntry } from "../../usage/types.js";
import { usageFile } from "../../usage/write.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { writeOutput } from "../output.js";
import { aliasesOf } from "../usage/aliases.js";
import type { UsageFlags } from "../usage/flags.js";
import { readEvidence } from "../usage/run.js";
import { toolVersion } from "../version.js";
import type { VerifyFlags } from "./flags.js";

/** What is looked at. */
export interface Target {
  readonly tasks: TaskList;
  /** RFC 3339, to the second: since when denials count. */
  readonly since: string;
  readonly run: string | undefined;
}

/** What the evidence says of the keys since a change. */
export interface EvidenceSince {
  readonly entries: ReadonlyMap<string, readonly UsageEntry[]>;
  /** Sentences: why somebody could have been denied and not been seen. */
  readonly notCovered: readonly string[];
}

/** Reads the evidence that the flags name; undefined: none. With `--denied` it is written to a usage file. */
export async function evidenceSince(
  target: Target,
  flags: VerifyFlags,
  io: Io,
): Promise<EvidenceSince | undefined> {
  const keys = new Set(target.tasks.tasks.map((t) => t.key));
  const found = new Map<string, { readonly entries: readonly UsageEntry[]; readonly omitted: number }>();
  if (flags.usage !== undefined) {
    const file = await openUsage(createReadStream(flags.usage), flags.usage);
    for await (const key of file.keys) if (keys.has(key.key)) found.set(key.key, key);
    return told(file.coverage, keys, found);
  }
  if (flags.cloudtrail.length === 0 && !flags.lookupEvents) return undefined;
  const aggregator = new UsageAggregator();
  const since = Date.parse(target.since) / 1000;
  const sources = await readEvidence(
    {
      flags: usageFlags(target, flags),
      aggregator,
      span: { since, until: undefined },
      signal: new AbortController().signal,
      say: () => undefined,
    },
    io,
  );
  const { coverage, keys: all } = aggregator.finish(sources, await aliasesOf(flags.estate));
  const mine = [...all].filter((k) => keys.has(k.key));
  for (const key of mine) found.set(key.key, key);
  for (const gap of coverage.gaps) sayTo(io.stderr)(`gap in the evidence: ${gap.where}: ${gap.detail}`);
  if (flags.denied !== undefined) {
    const lines = usageFile(coverage, mine, io.now(), `keyward ${toolVersion()}`);
    await writeOutput(lines, flags.denied, io);
  }
  return told(coverage, keys, found);
}

function told(
  coverage: UsageCoverage,
  keys: ReadonlySet<string>,
  found: ReadonlyMap<string, { readonly entries: readonly UsageEntry[]; readonly omitted: number }>,
): EvidenceSince {
  // How far back an event history reaches says nothing about the time since a change.
  const sources = coverage.sources.filter((s) => s.kind !== "lookup-events");
  const caveats = new Set(generalCaveats({ ...coverage, sources }));
  for (const name of keys) {
    const key = parseKeyArn(name);
    if (key === undefined) continue;
    for (const caveat of keyCaveats(coverage, key, found.get(name)?.omitted ?? 0)) caveats.add(caveat);
  }
  return {
    entries: new Map([...found].map(([key, { entries }]) => [key, entries])),
    notCovered: [...caveats],
  };
}

function usageFlags(target: Target, flags: VerifyFlags): UsageFlags {
  const regions = target.tasks.tasks.flatMap((t) => {
    const arn = parseKeyArn(t.key);
    return arn === undefined ? [] : [keyArnParts(arn).region];
  });
  return {
    cloudtrail: flags.cloudtrail,
    lookupEvents: flags.lookupEvents,
    maxEvents: 100_000,
    athena: undefined,
    printSql: false,
    from: target.since.slice(0, 10),
    to: undefined,
    snapshot: flags.estate,
    output: undefined,
    format: "table",
    profile: flags.profile,
    regions: [...new Set(regions)],
    endpointUrl: flags.endpointUrl,
    progress: false,
  };
}
