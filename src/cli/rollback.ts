import type { Command } from "commander";
import { addChangeFlags, changeFlags, rawOptions } from "./change/flags.js";
import type { Io } from "./command.js";

const HELP = `
Puts back, byte for byte, the policies that the keys of a run had before it, and makes revoked grants anew with the same
terms (their ids, tokens and issuing accounts are new). Shows the difference and what becomes exposed again, and asks.
A rollback is a run like any other: it is journaled, can be resumed, and can be rolled back itself.

Without RUN, --key names keys, and for each the newest run that wrote to it is undone.

KMS refuses a policy that names deleted users or roles. --without leaves a principal out of the old policy; unique ids
(AROA…, AIDA…), which are what is left of deleted principals, are left out with --without-missing.

Needs kms:GetKeyPolicy, kms:ListGrants and kms:PutKeyPolicy; kms:CreateGrant and kms:RevokeGrant where grants changed.`;

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
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    )
    .option("--without-missing", "leave unique ids of deleted principals out of the old policies")
    .addHelpText("after", HELP)
    .action(async (run: string | undefined) => {
      const raw = rawOptions(command);
      const without = raw["without"];
      const { rollBack } = await import("./change/rollback.js");
      io.exit(
        await rollBack(
          run,
          {
            overLaterChanges: raw["overLaterChanges"] === true,
            without: Array.isArray(without) ? without.filter((w) => typeof w === "string") : [],
            withoutMissing: raw["withoutMissing"] === true,
          },
          changeFlags(command),
          io,
        ),
      );
    });
}
