import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { KeywardError } from "../../domain/result.js";
import type { AthenaTarget } from "../../usage/athena-sql.js";
import { isIdentifier } from "../../usage/athena-sql.js";
import { argument, repeated, strings } from "../options.js";

/** The flags of `keyward usage`, parsed. */
export interface UsageFlags {
  /** Folders, files and s3:// addresses. */
  readonly cloudtrail: readonly string[];
  readonly lookupEvents: boolean;
  readonly maxEvents: number;
  readonly athena: AthenaFlags | undefined;
  readonly printSql: boolean;
  /** Days, `YYYY-MM-DD`, both included. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** A snapshot whose keys tell what aliases stand for. */
  readonly snapshot: string | undefined;
  readonly output: string | undefined;
  readonly format: "table" | "ndjson";
  readonly profile: string | undefined;
  readonly regions: readonly string[];
  readonly endpointUrl: string | undefined;
  readonly progress: boolean;
}

/** Where and how Athena is asked. */
export interface AthenaFlags extends AthenaTarget {
  readonly workgroup: string | undefined;
  readonly queryOutput: string | undefined;
}

const DEFAULT_MAX_EVENTS = 100_000;

const day = argument((text) => {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? undefined : text;
}, "a day, such as 2026-11-23");
const region = argument(
  (text) => (/^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$/.test(text) ? text : undefined),
  "a Region such as eu-west-1",
);
const identifier = argument(
  (text) => (isIdentifier(text) ? text : undefined),
  "a name of letters, digits and underscores",
);
const many = argument((text) => {
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  return number > 0 ? number : undefined;
}, "a number above 0");

/** Adds the flags to the command. */
export function addUsageFlags(command: Command): Command {
  return command
    .option(
      "--cloudtrail <path>",
      "folder, file or s3://BUCKET/PREFIX with CloudTrail log files; may be repeated",
      repeated(),
    )
    .option("--lookup-events", "ask CloudTrail's event history in each --region")
    .option(
      "--max-events <n>",
      `events of one Region that --lookup-events reads (default: ${DEFAULT_MAX_EVENTS})`,
      many,
    )
    .option("--athena", "let Athena aggregate a table of CloudTrail logs")
    .option("--database <name>", "the database of that table", identifier)
    .option("--table <name>", "the table of CloudTrail logs, with the columns that AWS documents", identifier)
    .option(
      "--date-partition <column>",
      "its partition column of the form 2026/11/23, to read only those days",
      identifier,
    )
    .option("--workgroup <name>", "the workgroup of Athena", workgroup)
    .option(
      "--query-output <s3-uri>",
      "where Athena puts its results (default: the workgroup's place)",
      s3Uri,
    )
    .option("--print-sql", "print the queries for Athena and stop; needs no AWS")
    .option("--from <day>", "leave out what is older, as 2026-08-01 (UTC)", day)
    .option("--to <day>", "leave out what is newer", day)
    .option("--snapshot <file>", "a snapshot of the keys, to know what aliases stand for")
    .option("--output <file>", "write the usage file here: newline-delimited JSON")
    .option("--profile <name>", "profile of the AWS configuration files (default: AWS_PROFILE)")
    .option(
      "--region <region>",
      "Region for --lookup-events (may be repeated) or of Athena",
      repeated(region),
    )
    .option("--endpoint-url <url>", "send all calls to this address")
    .option("--no-progress", "say nothing about the progress");
}

function workgroup(text: string): string {
  if (/^[A-Za-z0-9._-]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected the name of a workgroup.");
}

function s3Uri(text: string): string {
  if (/^s3:\/\/[a-z0-9][a-z0-9.-]{1,62}(\/.*)?$/.test(text)) return text;
  throw new InvalidArgumentError("Expected s3://BUCKET/PREFIX.");
}

/** The flags out of what commander parsed. Throws KeywardError where they do not fit together. */
export function usageFlags(command: Command): UsageFlags {
  const raw = command.opts<Readonly<Record<string, unknown>>>();
  const text = (name: string): string | undefined => {
    const value = raw[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const texts = (name: string): readonly string[] => strings(raw[name]);
  const printSql = raw["printSql"] === true;
  const flags: UsageFlags = {
    cloudtrail: texts("cloudtrail"),
    lookupEvents: raw["lookupEvents"] === true,
    maxEvents: typeof raw["maxEvents"] === "number" ? raw["maxEvents"] : DEFAULT_MAX_EVENTS,
    athena: raw["athena"] === true || printSql ? athena(text) : undefined,
    printSql,
    from: text("from"),
    to: text("to"),
    snapshot: text("snapshot"),
    output: text("output"),
    format: raw["format"] === "ndjson" ? "ndjson" : "table",
    profile: text("profile"),
    regions: texts("region"),
    endpointUrl: text("endpointUrl"),
    progress: raw["progress"] !== false,
  };
  check(flags);
  return flags;
}

function athena(text: (name: string) => string | undefined): AthenaFlags {
  const database = text("database");
  const table = text("table");
  if (database === undefined || table === undefined) {
    throw new KeywardError({
      what: "Athena needs to know which table holds the logs",
      expected: "--database NAME and --table NAME",
      next: "docs/usage.md says how to make such a table",
    });
  }
  return {
    database,
    table,
    datePartition: text("datePartition"),
    workgroup: text("workgroup"),
    queryOutput: text("queryOutput"),
  };
}

function check(flags: UsageFlags): void {
  if (flags.cloudtrail.length === 0 && !flags.lookupEvents && flags.athena === undefined) {
    throw new KeywardError({
      what: "no evidence is named",
      expected: "--cloudtrail PATH, --lookup-events or --athena",
      next: "keyward usage --help shows what each takes",
    });
  }
  if (flags.from !== undefined && flags.to !== undefined && flags.from > flags.to) {
    throw new KeywardError({
      what: "the first day is after the last",
      where: "--from, --to",
      got: `${flags.from} to ${flags.to}`,
    });
  }
  if (flags.output?.endsWith(".gz") === true) {
    throw new KeywardError({
      what: "a usage file is not compressed when it is written",
      where: `--output ${flags.output}`,
      next: "name a file such as usage.ndjson; keyward reads it gzipped as well",
    });
  }
}
