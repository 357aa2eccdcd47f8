import type { Command } from "commander";
import type { Io } from "./command.js";
import { addCommonOptions, commonOptions } from "./options.js";
import { addScanFlags, scanFlags } from "./scan/flags.js";

const HELP = `
Needs kms:ListKeys, kms:GetKeyPolicy and kms:ListGrants. More exact with ec2:DescribeRegions (or account:ListRegions),
kms:DescribeKey, kms:ListAliases, iam:GetAccountAuthorizationDetails and organizations:DescribeOrganization (which
--no-iam leaves out).

Examples:
  keyward scan --profile audit
  keyward scan --accounts 111122223333,222233334444 --role KeywardReader --external-id 5f1c
  keyward scan --organization --role KeywardReader --snapshot estate.ndjson.gz
  keyward scan --organization --ou ou-ab12-11112222 --account-tag stage=prod --role KeywardReader
  keyward scan --organization --role KeywardReader --resume estate.ndjson.gz --snapshot estate.ndjson.gz

A scan uses at most half of AWS's request quotas (--quota-share), so that it does not throttle production.

Ctrl-C stops asking and reports what was read; everything that was not is reported as not assessed. A second Ctrl-C
kills; with --snapshot, what a killed scan has read is kept for --resume.`;

/** `keyward scan`: reads the keys of accounts in AWS and judges them. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("scan")
    .description("Read the keys of AWS accounts, and find those that outsiders can use.");
  addCommonOptions(addScanFlags(command))
    .addHelpText("after", HELP)
    .action(async () => {
      // Loads the SDK, which other commands do without.
      const { runScan } = await import("./scan/run.js");
      io.exit(await runScan(scanFlags(command), commonOptions(command), io));
    });
}
