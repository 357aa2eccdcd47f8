import type { Command } from "commander";
import { argument } from "../options.js";

/** The flags of `keyward scan` beside the shared ones, parsed. */
export interface ScanFlags {
  readonly profile: string | undefined;
  /** Empty: all Regions of the partition. */
  readonly regions: readonly string[];
  readonly endpointUrl: string | undefined;
  readonly snapshot: string | undefined;
  readonly tags: boolean;
  /** Keys that are read at the same time in each Region. */
  readonly concurrency: number | undefined;
  readonly progress: boolean;
}

/** More keys at once than any quota can serve would only be throttled. */
const MOST_AT_ONCE = 256;

const region = argument(
  (text) => (/^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$/.test(text) ? text : undefined),
  "a Region such as eu-west-1",
);
const keysAtOnce = argument((text) => {
  const number = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= MOST_AT_ONCE ? number : undefined;
}, `a number from 1 to ${MOST_AT_ONCE}`);

/** Adds the flags to the command. */
export function addScanFlags(command: Command): Command {
  return command
    .option("--profile <name>", "profile of the AWS configuration files (default: AWS_PROFILE)")
    .option(
      "--region <region>",
      "scan only this Region; may be repeated (default: all Regions of the account)",
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), region(text)],
    )
    .option("--endpoint-url <url>", "send all calls to this address, such as a sandbox")
    .option("--snapshot <file>", "also write what was read to this file; gzipped if its name ends in .gz")
    .option("--tags", "also read the tags of each key (kms:ListResourceTags)")
    .option(
      "--concurrency <n>",
      "keys that are read at the same time in each Region (default: 16)",
      keysAtOnce,
    )
    .option("--no-progress", "no progress bar, even on a terminal");
}

/** The flags out of what commander parsed. */
export function scanFlags(command: Command): ScanFlags {
  const raw = command.opts<Readonly<Record<string, unknown>>>();
  const text = (name: string): string | undefined => {
    const value = raw[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const regions = raw["region"];
  const concurrency = raw["concurrency"];
  return {
    profile: text("profile"),
    regions: Array.isArray(regions) ? regions.filter((r) => typeof r === "string") : [],
    endpointUrl: text("endpointUrl"),
    snapshot: text("snapshot"),
    tags: raw["tags"] === true,
    concurrency: typeof concurrency === "number" ? concurrency : undefined,
    progress: raw["progress"] !== false,
  };
}
