import type { Command } from "commander";
import { Option } from "commander";
import { addChangeFlags, changeFlags, rawOptions, textOf, withoutEffect } from "./change/flags.js";
import type { FormerSource } from "./change/former.js";
import type { Io } from "./command.js";
import { argument, repeated, strings } from "./options.js";

const HELP = `
Puts back, byte for byte, the policies that the keys of a run had before it, and makes revoked grants anew with the same
terms (their ids, tokens and issuing accounts are new). Shows the difference and what becomes exposed again, and asks.
A rollback is a run like any other: it is journaled, can be resumed, and can be rolled back itself.

Without RUN, --key names keys, and for each the newest run that wrote to it is undone. For keys that keyward has not
changed, --from cloudtrail takes the policy before the present one (or with --at, the one in force then) from PutKeyPolicy
and CreateKey events in --cloudtrail logs or the event history; --from config takes it from AWS Config's items, where they
carry the policy, in --config-history files or from AWS Config itself; --policy FILE takes it from a file, such as a backup.

KMS refuses a policy that names deleted users or roles. --without leaves a principal out of the old policy; unique ids
(AROA…, AIDA…), which are what is left of deleted principals, are left out with --without-missing.

Needs kms:GetKeyPolicy, kms:ListGrants and kms:PutKeyPolicy; kms:CreateGrant and kms:RevokeGrant where grants changed;
for --from cloudtrail:LookupEvents or config:GetResourceConfigHistory.`;

/** `keyward rollback`: the way back. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("rollback")
    .argument("[run]", "the run to undo, see: keyward journal list")
    .summary("put back what keys had before a run")
    .description("Put back the policies and grants that keys had before a run, from the journal.");
  addChangeFlags(command)
    .option("--over-later-changes", "put the old policy even where somebody has changed the key since")
    .option(
      "--without <arn>",
      "leave this deleted principal out of the old policies; may be repeated",
      repeated(),
    )
    .option("--without-missing", "leave unique ids of deleted principals out of the old policies")
    .addOption(
      new Option("--from <source>", "take the former policy from there").choices(["cloudtrail", "config"]),
    )
    .option(
      "--cloudtrail <path>",
      "with --from: folder or file with CloudTrail logs; may be repeated (default: the event history)",
      repeated(),
    )
    .option(
      "--config-history <path>",
      "with --from config: folder or file that AWS Config has delivered, or a saved answer of aws configservice get-resource-config-history; may be repeated (default: AWS Config is asked)",
      repeated(),
    )
    .option(
      "--at <time>",
      "with --from: the policy that was in force at this time (UTC, such as 2026-11-23T10:00:00Z)",
      time,
    )
    .option("--policy <file>", "take the former policy from this file")
    .addHelpText("after", HELP)
    .action(async (run: string | undefined) => {
      const raw = rawOptions(command);
      const former = formerSource(raw);
      const { rollBack } = await import("./change/rollback.js");
      io.exit(
        await rollBack(
          run,
          {
            overLaterChanges: raw["overLaterChanges"] === true,
            without: strings(raw["without"]),
            withoutMissing: raw["withoutMissing"] === true,
            former,
          },
          changeFlags(command),
          io,
        ),
      );
    });
}

/** Where the former policies are; undefined: in the journal. Throws KeywardError for flags that do not go together. */
function formerSource(raw: Readonly<Record<string, unknown>>): FormerSource | undefined {
  const from = raw["from"];
  const cloudtrail = strings(raw["cloudtrail"]);
  const config = strings(raw["configHistory"]);
  const policyFile = textOf(raw["policy"]);
  const at = textOf(raw["at"]);
  if (cloudtrail.length > 0 && from !== "cloudtrail") {
    throw withoutEffect("--cloudtrail", "--from cloudtrail", "add it, or leave --cloudtrail out");
  }
  if (config.length > 0 && from !== "config") {
    throw withoutEffect("--config-history", "--from config", "add it, or leave --config-history out");
  }
  if (at !== undefined && from === undefined) {
    throw withoutEffect("--at", "--from cloudtrail or --from config", "add one of them, or leave --at out");
  }
  if (policyFile !== undefined && from !== undefined) {
    throw withoutEffect("--policy", "one source: --policy or --from", "leave one of the two out");
  }
  if (from === undefined && policyFile === undefined) return undefined;
  return {
    cloudtrail,
    config,
    lookupEvents: from === "cloudtrail" && cloudtrail.length === 0,
    askConfig: from === "config" && config.length === 0,
    policyFile,
    at,
  };
}

const time = argument(
  (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? text : undefined),
  "a time in UTC, such as 2026-11-23T10:00:00Z",
);
