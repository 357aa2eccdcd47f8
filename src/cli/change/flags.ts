import type { Command } from "commander";
import { DEFAULT_JOURNAL } from "../../apply/journal/place.js";
import { parseKeyArn } from "../../domain/ids.js";
import { KeywardError } from "../../domain/result.js";
import { argument, repeated, strings } from "../options.js";
import type { RoleFlags } from "../role-flags.js";
import { addRoleFlags, roleFlags } from "../role-flags.js";

/** The flags that commands which change keys share, parsed. */
export interface ChangeFlags extends CloudFlags {
  readonly journal: string;
  /** `s3://BUCKET/PREFIX`; undefined: nowhere. */
  readonly journalCopy: string | undefined;
  readonly yes: boolean;
  readonly maxKeys: number | undefined;
  readonly dryRun: boolean;
  readonly keepGoing: boolean;
  /** Undefined: all keys. */
  readonly keys: ReadonlySet<string> | undefined;
  /** Milliseconds. */
  readonly settleMs: number;
  /** A snapshot that tells organizations and resource control policies. */
  readonly estate: string | undefined;
}

/** How AWS is reached. */
export interface CloudFlags extends RoleFlags {
  readonly profile: string | undefined;
  readonly endpointUrl: string | undefined;
}

/** The flags of `keyward verify`, parsed. */
export interface VerifyFlags extends CloudFlags {
  readonly journal: string;
  readonly cloudtrail: readonly string[];
  readonly lookupEvents: boolean;
  readonly usage: string | undefined;
  readonly denied: string | undefined;
  readonly estate: string | undefined;
}

const DEFAULT_SETTLE_SECONDS = 60;

const keyArn = argument(
  (text) => parseKeyArn(text),
  "the ARN of a key, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-…",
);
const number = argument((text) => {
  const value = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  return value > 0 ? value : undefined;
}, "a number above 0");
const seconds = argument((text) => {
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}, "a number of seconds up to 9999");

/** Adds the flags that say how AWS is reached. */
export function addCloudFlags(command: Command): Command {
  const profile = command.option(
    "--profile <name>",
    "profile of the AWS configuration files (default: AWS_PROFILE)",
  );
  const role = "role to assume in each key's account (default: the credentials' own account)";
  return addRoleFlags(profile, role).option(
    "--endpoint-url <url>",
    "send all calls to this address, such as a sandbox",
  );
}

/** Adds the folder of the journal. */
export function addJournalFlag(command: Command): Command {
  return command.option(
    "--journal <place>",
    "where backups and logs are: a folder, or s3://BUCKET/PREFIX of a copy, which is brought to this machine",
    DEFAULT_JOURNAL,
  );
}

/** Adds the flags to a command that changes keys. */
export function addChangeFlags(command: Command): Command {
  return addCloudFlags(
    addJournalFlag(command)
      .option("--key <arn>", "only this key; may be repeated", repeated(keyArn))
      .option(
        "--journal-copy <uri>",
        "copy every backup to s3://BUCKET/PREFIX, and confirm it, before the write that it protects",
      )
      .option("--yes", "ask nothing; needs --max-keys")
      .option("--max-keys <n>", "refuse to begin if more keys than this would be changed", number)
      .option("--dry-run", "everything but the calls that change something")
      .option("--keep-going", "go on with the next key after an unexpected failure")
      .option(
        "--settle <seconds>",
        `how long a change may stay invisible to reads (default: ${DEFAULT_SETTLE_SECONDS})`,
        seconds,
      )
      .option(
        "--estate <snapshot>",
        "organizations, resource control policies, users and roles, by which keys are judged, from this snapshot",
      ),
  );
}

/** The flags out of what commander parsed. */
export function cloudFlags(command: Command): CloudFlags {
  const raw = rawOptions(command);
  return {
    profile: textOf(raw["profile"]),
    endpointUrl: textOf(raw["endpointUrl"]),
    ...roleFlags(raw),
  };
}

/** The flags out of what commander parsed. Throws {@link KeywardError} for `--yes` without a bound. */
export function changeFlags(command: Command): ChangeFlags {
  const raw = rawOptions(command);
  const maxKeys = raw["maxKeys"];
  const settle = raw["settle"];
  const yes = raw["yes"] === true;
  if (yes && typeof maxKeys !== "number") {
    throw new KeywardError({
      what: "a run that asks nothing needs a bound",
      where: "--yes",
      expected: "--max-keys N: more keys than that and nothing is begun",
      next: "add --max-keys with the number of keys that you expect to change",
    });
  }
  return {
    ...cloudFlags(command),
    journal: textOf(raw["journal"]) ?? DEFAULT_JOURNAL,
    journalCopy: textOf(raw["journalCopy"]),
    yes,
    maxKeys: typeof maxKeys === "number" ? maxKeys : undefined,
    dryRun: raw["dryRun"] === true,
    keepGoing: raw["keepGoing"] === true,
    keys: raw["key"] === undefined ? undefined : new Set(strings(raw["key"])),
    settleMs: (typeof settle === "number" ? settle : DEFAULT_SETTLE_SECONDS) * 1000,
    estate: textOf(raw["estate"]),
  };
}

/**
 * A flag that the command would pass over. Whoever wrote it relies on it, and a command that changes keys must not do
 * something else instead: so it is an error.
 *
 * @param expected what the flag goes with
 */
export function withoutEffect(flag: string, expected: string, next: string): KeywardError {
  return new KeywardError({ what: `${flag} has no effect here`, where: flag, expected, next });
}

/** Values of a command's options. */
export function rawOptions(command: Command): Readonly<Record<string, unknown>> {
  return command.opts<Readonly<Record<string, unknown>>>();
}

/** A text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
