import type { Command } from "commander";
import { Option } from "commander";
import { partitionOfRegion } from "../domain/ids.js";
import { addCloudFlags, cloudFlags, withoutEffect } from "./change/flags.js";
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
      refuseIdle(command, purpose);
      const { leastPrivilege, stackSetTemplate } = await import("../aws/least-privilege.js");
      const roles = purpose === "organization" ? rolesToAssume(command, io) : [];
      io.stdout.write(purpose === undefined ? stackSetTemplate() : `${leastPrivilege(purpose, roles)}\n`);
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

/** Throws KeywardError for a flag that would be passed over: a policy or a template is printed without looking at AWS. */
function refuseIdle(command: Command, purpose: string | undefined): void {
  const printing = purpose === undefined ? "--stackset" : `--for ${purpose}`;
  const used =
    purpose === "organization"
      ? ["for", "role", "via", "debug"]
      : [purpose === undefined ? "stackset" : "for", "debug"];
  const idle = command.options.find(
    (o) => !used.includes(o.attributeName()) && command.getOptionValueSource(o.attributeName()) === "cli",
  );
  if (idle === undefined) return;
  const next =
    "leave it away, or run keyward doctor without --for and --stackset to try what the credentials can read";
  throw withoutEffect(idle.long ?? "", `${printing} alone: it prints a text and asks AWS nothing`, next);
}

/** The roles of `--role`, in every account of the partition that AWS_REGION is in, and of `--via`. */
function rolesToAssume(command: Command, io: Io): readonly string[] {
  const { role, via } = cloudFlags(command);
  const home = io.env["AWS_REGION"] ?? io.env["AWS_DEFAULT_REGION"];
  const partition = via[0]?.split(":")[1] ?? (home === undefined ? "aws" : partitionOfRegion(home));
  return [...(role === undefined ? [] : [`arn:${partition}:iam::*:role/${role}`]), ...via];
}
