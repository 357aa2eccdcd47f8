import type { Command } from "commander";
import { Option } from "commander";
import { addCloudFlags, cloudFlags } from "./change/flags.js";
import type { Io } from "./command.js";
import { EXIT } from "./exit.js";
import { repeated } from "./options.js";
import { region, scopeFlags } from "./scan/flags.js";

const PURPOSES = ["scan", "organization", "plan", "apply", "rollback", "journal-copy"] as const;

/** `keyward doctor`: what the credentials can read, and what to permit. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("doctor")
    .description(
      "Try what the credentials can read in each account and Region, say what a gap costs, and print the least-privilege policy or a StackSet template.",
    )
    .addOption(new Option("--for <purpose>", "print the IAM policy to attach for this").choices(PURPOSES))
    .option("--stackset", "print a CloudFormation template of the read-only role for every account")
    .option(
      "--region <region>",
      "try only this Region; may be repeated (default: all Regions of each account)",
      repeated(region),
    )
    .option("--accounts <list>", "try these accounts: ids separated by commas, or a file with one a line")
    .option("--organization", "try all accounts of the organization");
  addCloudFlags(command).action(async () => {
    const raw = command.opts<Readonly<Record<string, unknown>>>();
    const purpose = PURPOSES.find((p) => p === raw["for"]);
    if (purpose !== undefined || raw["stackset"] === true) {
      const { leastPrivilege, stackSetTemplate } = await import("../aws/least-privilege.js");
      io.stdout.write(purpose === undefined ? stackSetTemplate() : `${leastPrivilege(purpose)}\n`);
      io.exit(EXIT.clear);
      return;
    }
    const accounts = typeof raw["accounts"] === "string" ? raw["accounts"] : undefined;
    const scope = scopeFlags(raw["organization"] === true, accounts, [], []);
    const regions = Array.isArray(raw["region"]) ? raw["region"].filter((r) => typeof r === "string") : [];
    const { runDoctor } = await import("./doctor/run.js");
    io.exit(await runDoctor({ ...cloudFlags(command), scope, regions }, io));
  });
}
