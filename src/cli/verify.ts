import type { Command } from "commander";
import {
  addCloudFlags,
  addJournalFlag,
  cloudFlags,
  rawOptions,
  textOf,
  withoutEffect,
} from "./change/flags.js";
import type { Io } from "./command.js";
import { repeated, strings } from "./options.js";

const HELP = `
Reads every key of the run or plan again: is the policy as it was written, are the revoked grants gone, is it exposed? Then
reads the evidence for requests that were denied since: who was shut out, did the plan foresee it, and what would let
exactly them in again, or everybody as before.

CloudTrail delivers within minutes, mostly: no denials yet is not a proof. Needs kms:GetKeyPolicy and kms:ListGrants; with
--lookup-events cloudtrail:LookupEvents. Exit code 1: a key is exposed; 4: a key is not as it was written; 3: a key could not
be read, somebody of the zone of trust was shut out and nobody foresaw it, or the evidence does not cover a key; 5: keyward's two
engines disagreed about a key.`;

/** `keyward verify`: what a change came to. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("verify")
    .argument("<run|plan>", "a run of the journal, or a plan file")
    .summary("after a change: is it as written, is it closed, and who was shut out")
    .description("Look at the keys of a run or plan again, and at who was denied since.");
  addCloudFlags(addJournalFlag(command))
    .option(
      "--cloudtrail <path>",
      "folder or file with CloudTrail logs, or s3://…; may be repeated",
      repeated(),
    )
    .option("--lookup-events", "CloudTrail's event history")
    .option("--usage <file>", "a usage file, as keyward usage --output writes it")
    .option(
      "--denied <file>",
      "write the evidence since the change to this usage file, for keyward plan --readd",
    )
    .option("--estate <snapshot>", "organizations and resource control policies, and what aliases stand for")
    .addHelpText("after", HELP)
    .action(async (target: string) => {
      const raw = rawOptions(command);
      const cloudtrail = strings(raw["cloudtrail"]);
      const lookupEvents = raw["lookupEvents"] === true;
      const usage = textOf(raw["usage"]);
      const denied = textOf(raw["denied"]);
      const events = cloudtrail.length > 0 || lookupEvents;
      if (usage !== undefined && events) {
        const next = "leave one out, or have keyward usage put everything into one file";
        throw withoutEffect(
          "--usage",
          "one kind of evidence: --usage, or --cloudtrail and --lookup-events",
          next,
        );
      }
      if (denied !== undefined && !events) {
        const next = "name the evidence; a usage file goes into keyward plan --readd as it is";
        throw withoutEffect("--denied", "--cloudtrail PATH or --lookup-events", next);
      }
      const { verify } = await import("./change/verify.js");
      io.exit(
        await verify(
          target,
          {
            ...cloudFlags(command),
            journal: textOf(raw["journal"]) ?? "",
            cloudtrail,
            lookupEvents,
            usage,
            denied,
            estate: textOf(raw["estate"]),
          },
          io,
        ),
      );
    });
}
