import type { Command } from "commander";
import { KeywardError } from "../../domain/result.js";
import { argument, repeated, strings } from "../options.js";
import { expectedRegion, parseRegion } from "../region-name.js";
import type { RoleFlags } from "../role-flags.js";
import { addRoleFlags, roleFlags } from "../role-flags.js";

/** The flags of `keyward scan` beside the shared ones, parsed. */
export interface ScanFlags extends RoleFlags {
  readonly profile: string | undefined;
  /** Empty: all Regions of the partition. */
  readonly regions: readonly string[];
  readonly endpointUrl: string | undefined;
  readonly scope: ScopeFlags;
  readonly snapshot: string | undefined;
  readonly resume: string | undefined;
  readonly tags: boolean;
  readonly iam: boolean;
  readonly rotation: boolean;
  readonly lastUsage: boolean;
  /** Above 0, up to 1. */
  readonly quotaShare: number | undefined;
  /** Keys that are read at the same time in each Region. */
  readonly concurrency: number | undefined;
  readonly progress: boolean;
}

/** Which accounts the user wants. */
export type ScopeFlags =
  | { readonly kind: "own" }
  /** Ids separated by commas, or a file with one a line. */
  | { readonly kind: "accounts"; readonly text: string }
  | { readonly kind: "organization"; readonly units: readonly string[]; readonly tags: readonly string[] };

/** More keys at once than any quota can serve would only be throttled. */
const MOST_AT_ONCE = 256;

/** Parses the name of a Region. */
export const region = argument(parseRegion, expectedRegion);
const keysAtOnce = argument((text) => {
  const number = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= MOST_AT_ONCE ? number : undefined;
}, `a number from 1 to ${MOST_AT_ONCE}`);
const share = argument((text) => {
  const match = /^([0-9]{1,3}(?:\.[0-9]{1,3})?|\.[0-9]{1,3})(%?)$/.exec(text);
  const value = Number(match?.[1]) / (match?.[2] === "%" ? 100 : 1);
  return value > 0 && value <= 1 ? value : undefined;
}, "a share of AWS's quotas such as 50% or 0.5, at most 1");
const unit = argument(
  (text) => (/^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$/.test(text) ? text : undefined),
  "the id of an organizational unit such as ou-ab12-11112222",
);
const tag = argument(
  (text) => (/^[^=]{1,128}(=.{0,256})?$/.test(text) ? text : undefined),
  "NAME=VALUE, or NAME alone for any value",
);

/** Adds the flags to the command. */
export function addScanFlags(command: Command): Command {
  return addRoleFlags(addScope(command), "role to assume in each account")
    .option("--endpoint-url <url>", "send all calls to this address, such as a sandbox")
    .option("--snapshot <file>", "also write what was read to this file; gzipped if its name ends in .gz")
    .option("--resume <snapshot>", "go on from the snapshot of a scan that was stopped or killed")
    .option("--no-iam", "do not read IAM (iam:GetAccountAuthorizationDetails)")
    .option("--tags", "also read the tags of each key (kms:ListResourceTags)")
    .option("--rotation", "also read whether each key is rotated (kms:GetKeyRotationStatus)")
    .option("--last-usage", "also read when each key was last used (kms:GetKeyLastUsage; 5 a second at most)")
    .option("--quota-share <share>", "use at most this share of AWS's request quotas (default: 50%)", share)
    .option(
      "--concurrency <n>",
      "keys that are read at the same time in each Region (default: 32)",
      keysAtOnce,
    )
    .option("--no-progress", "no progress bar, even on a terminal");
}

/** Which accounts and Regions. */
function addScope(command: Command): Command {
  return command
    .option("--profile <name>", "profile of the AWS configuration files (default: AWS_PROFILE)")
    .option(
      "--region <region>",
      "scan only this Region; may be repeated (default: all Regions of the account)",
      repeated(region),
    )
    .option("--accounts <list>", "scan these accounts: ids separated by commas, or a file with one a line")
    .option("--organization", "scan all accounts of the organization")
    .option(
      "--ou <id>",
      "of these, only those below this organizational unit; may be repeated",
      repeated(unit),
    )
    .option(
      "--account-tag <name=value>",
      "of these, only those with this tag; may be repeated",
      repeated(tag),
    );
}

/** The flags out of what commander parsed. Throws KeywardError for those that contradict each other. */
export function scanFlags(command: Command): ScanFlags {
  const raw = command.opts<Readonly<Record<string, unknown>>>();
  const text = (name: string): string | undefined => {
    const value = raw[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const list = (name: string): readonly string[] => strings(raw[name]);
  const number = (name: string): number | undefined => {
    const value = raw[name];
    return typeof value === "number" ? value : undefined;
  };
  const flags: ScanFlags = {
    profile: text("profile"),
    regions: list("region"),
    endpointUrl: text("endpointUrl"),
    scope: scopeFlags(raw["organization"] === true, text("accounts"), list("ou"), list("accountTag")),
    ...roleFlags(raw),
    snapshot: text("snapshot"),
    resume: text("resume"),
    tags: raw["tags"] === true,
    iam: raw["iam"] !== false,
    rotation: raw["rotation"] === true,
    lastUsage: raw["lastUsage"] === true,
    quotaShare: number("quotaShare"),
    concurrency: number("concurrency"),
    progress: raw["progress"] !== false,
  };
  if (flags.role !== undefined && flags.scope.kind === "own") {
    throw new KeywardError({
      what: "there is no account in which to assume the role",
      where: "--role",
      next: "say which accounts to scan with --accounts or --organization; for one role by its ARN use --via",
    });
  }
  return flags;
}

/** Which accounts are wanted. Throws KeywardError for flags that contradict each other. */
export function scopeFlags(
  organization: boolean,
  accounts: string | undefined,
  units: readonly string[],
  tags: readonly string[],
): ScopeFlags {
  if (organization && accounts !== undefined) {
    throw new KeywardError({
      what: "two answers to which accounts to scan",
      where: "--accounts and --organization",
      next: "name one of them",
    });
  }
  if (!organization && (units.length > 0 || tags.length > 0)) {
    throw new KeywardError({
      what: "only the accounts of an organization can be chosen so",
      where: units.length > 0 ? "--ou" : "--account-tag",
      next: "add --organization",
    });
  }
  if (organization) return { kind: "organization", units, tags };
  return accounts === undefined ? { kind: "own" } : { kind: "accounts", text: accounts };
}
