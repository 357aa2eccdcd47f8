import type { Command } from "commander";
import type { Io } from "./command.js";
import { addCommonOptions, commonOptions } from "./options.js";
import { addScanFlags, scanFlags } from "./scan/flags.js";

const HELP = `
Needs kms:ListKeys, kms:GetKeyPolicy and kms:ListGrants. More exact with ec2:DescribeRegions (or account:ListRegions),
kms:DescribeKey and kms:ListAliases.

Ctrl-C stops asking and reports what was read; everything that was not is reported as not assessed. A second Ctrl-C
kills.`;

/** `keyward scan`: reads the keys of an account in AWS and judges them. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("scan")
    .description("Read the keys of an AWS account, and find those that outsiders can use.");
  addCommonOptions(addScanFlags(command))
    .addHelpText("after", HELP)
    .action(async () => {
      // Loads the SDK, which other commands do without.
      const { runScan } = await import("./scan/run.js");
      io.exit(await runScan(scanFlags(command), commonOptions(command), io));
    });
}
