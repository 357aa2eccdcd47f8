import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { parseAccountId } from "../domain/ids.js";
import { inert } from "../domain/inert.js";
import { KeywardError } from "../domain/result.js";
import type { RequestEvent, SandboxOptions } from "../sandbox/index.js";
import type { Io } from "./command.js";
import { EXIT } from "./exit.js";

/** What commander parsed. */
interface Flags {
  readonly snapshot?: string;
  readonly port: number;
  readonly account?: string;
  readonly callers?: string;
  readonly onlyCallers?: true;
  readonly principals?: string;
  readonly quotas?: true;
  readonly quota?: Readonly<Record<string, number>>;
  readonly latency: number;
  readonly stale: number;
  readonly fault: readonly string[];
  readonly seed: number;
  readonly sessionSeconds?: number;
  readonly regionDisabled?: readonly string[];
  readonly log?: true;
}

const HELP = `
One line of JSON on standard output says where it listens: {"url":"http://127.0.0.1:PORT",…}. Point any AWS SDK at it:

  AWS_ENDPOINT_URL=http://127.0.0.1:PORT AWS_REGION=us-east-1 \\
  AWS_ACCESS_KEY_ID=AKIA111122223333 AWS_SECRET_ACCESS_KEY=any  aws kms list-keys

The access key says who calls: AKIA and an account number is the administrator of that account. Other callers come
from a --callers file or from sts:AssumeRole. http://127.0.0.1:PORT/_sandbox/stats counts the requests, and
/_sandbox/snapshot is the present state as a snapshot. Ctrl-C ends it; nothing is kept.

Faults: [OPERATION=]WHAT[:PROBABILITY][#TIMES][@TARGET]. WHAT: throttle, reset, hang, truncate, meddle, slow-MS, stale-MS,
a status from 500, after-500 (the error comes after the operation was done), after-reset, or an error code.
  --fault 'GetKeyPolicy=AccessDeniedException@arn:aws:kms:*:key/1234*'   --fault '*=throttle:0.2'   --fault reset:0.01`;

/** `keyward sandbox`: a local KMS. */
export function register(program: Command, io: Io): void {
  program
    .command("sandbox")
    .summary("a local KMS that enforces key policies and grants")
    .description(
      "Starts a local KMS (and the STS calls that belong to it) on 127.0.0.1 that enforces key policies and grants as AWS documents them, with a snapshot loaded: rehearse a repair against a copy of the estate, with any AWS SDK.",
    )
    .option("--snapshot <file>", "the estate to load (default: an empty one)")
    .option("--port <number>", "port on 127.0.0.1; 0 takes a free one", whole(0, 65_535), 0)
    .option(
      "--account <id>",
      "account of access keys that name none (default: that of the first key)",
      account,
    )
    .option("--callers <file>", "JSON: access keys and roles, and what they may do")
    .option("--only-callers", "refuse access keys that are not in the --callers file")
    .option("--principals <file>", "ARNs that exist, one a line; key policies that name others are refused")
    .option("--quotas", "enforce AWS's default request quotas")
    .option(
      "--quota <operation=n>",
      "like --quotas, with another number for one operation (repeatable)",
      collectQuota,
    )
    .option("--latency <ms>", "milliseconds that every answer waits", whole(0, 600_000), 0)
    .option(
      "--stale <ms>",
      "milliseconds for which reads show the state before a change",
      whole(0, 3_600_000),
      0,
    )
    .addOption(
      new Option("--fault <spec>", "let requests fail, see below (repeatable)")
        .argParser(collect)
        .default([], "none"),
    )
    .option("--seed <number>", "seed of chance and of key material", whole(0, 4_294_967_295), 1)
    .option(
      "--region-disabled <region>",
      "an opt-in Region that is not enabled: REGION, or ACCOUNT/REGION (repeatable)",
      collectRegions,
    )
    .option("--session-seconds <n>", "credentials of AssumeRole end after so many seconds", whole(1, 43_200))
    .option("--log", "write a line for each request to standard error")
    .addHelpText("after", HELP)
    .action(async (flags: Flags) => run(flags, io));
}

async function run(flags: Flags, io: Io): Promise<void> {
  const { startSandbox } = await import("../sandbox/index.js");
  const sandbox = await startSandbox(await options(flags, io));
  const stopped = stopSignal();
  io.stdout.write(
    `${JSON.stringify({ url: sandbox.url, port: sandbox.port, pid: process.pid, keys: sandbox.keys })}\n`,
  );
  io.stderr.write(`A local KMS with ${sandbox.keys} keys listens at ${sandbox.url}. Ctrl-C ends it.\n`);
  const signal = await stopped;
  await sandbox.close();
  io.stderr.write(`Stopped by ${signal} after ${sandbox.stats().requests} requests.\n`);
  io.exit(EXIT.clear);
}

async function options(flags: Flags, io: Io): Promise<SandboxOptions> {
  return {
    port: flags.port,
    latencyMs: flags.latency,
    staleMs: flags.stale,
    faults: flags.fault,
    seed: flags.seed,
    quotas: flags.quota ?? flags.quotas ?? false,
    onlyCallers: flags.onlyCallers ?? false,
    ...(flags.snapshot === undefined ? {} : { snapshot: flags.snapshot }),
    ...(flags.account === undefined ? {} : { account: flags.account }),
    ...(flags.sessionSeconds === undefined ? {} : { sessionSeconds: flags.sessionSeconds }),
    ...(flags.regionDisabled === undefined ? {} : { disabledRegions: flags.regionDisabled }),
    ...(flags.callers === undefined
      ? {}
      : { callers: await readJson(flags.callers), callersFrom: flags.callers }),
    ...(flags.principals === undefined ? {} : { principals: await readLines(flags.principals) }),
    ...(flags.log === undefined
      ? {}
      : { onRequest: (event: RequestEvent) => void io.stderr.write(logLine(event)) }),
    onBug: (error) => {
      io.stderr.write(
        `keyward: unexpected failure, please report it: ${inert(String(error), { max: 500 })}\n`,
      );
    },
  };
}

/** Names come from clients and from the snapshot, so they are made inert. */
function logLine(event: RequestEvent): string {
  const parts = [event.operation, event.result, event.target ?? "-", event.caller ?? "-"];
  return `${parts.map((part) => inert(part, { max: 200 })).join("  ")}\n`;
}

/** The signal that ends the program. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new KeywardError({ what: "cannot be read", where: path, got: error.message });
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new KeywardError({ what: "not JSON", where: path, got: inert(error.message, { max: 200 }) });
  }
}

/** One item a line; empty lines and lines that start with # are for people. */
async function readLines(path: string): Promise<readonly string[]> {
  const lines = (await readText(path)).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return value;
  };
}

function account(text: string): string {
  if (parseAccountId(text) === undefined) throw new InvalidArgumentError("Expected twelve digits.");
  return text;
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function collectQuota(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const match = /^([a-z0-9]+:)?([A-Za-z]+)=([0-9]{1,7})$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Expected OPERATION=NUMBER, such as ListGrants=50.");
  const [, service = "kms:", name = "", number = ""] = match;
  return { ...before, [`${service}${name}`]: Number(number) };
}

function collectRegions(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^([0-9]{12}\/)?[a-z]{2}(-[a-z]+)+-[0-9]$/.test(text))
    throw new InvalidArgumentError("Expected a Region, such as af-south-1.");
  return [...before, text];
}
