import type { Command } from "commander";
import { Option } from "commander";
import type { Io } from "./command.js";
import { addUsageFlags, usageFlags } from "./usage/flags.js";

const HELP = `
Evidence, one or several of:
  --cloudtrail logs/                 CloudTrail log files (.json.gz, also .json) in a folder, with all folders in it
  --cloudtrail s3://BUCKET/PREFIX    the same in a bucket (s3:ListBucket, s3:GetObject, and kms:Decrypt if encrypted)
  --lookup-events --region REGION    CloudTrail's event history: 90 days, one account, 2 requests a second, so slow
                                     (cloudtrail:LookupEvents)
  --athena --database D --table T    aggregated by Athena where the logs lie; see also --print-sql
                                     (athena:StartQueryExecution, GetQueryExecution, GetQueryResults, StopQueryExecution)

What is not in the evidence was not seen, which does not mean that it was not used: the result says of every key which
days and accounts the evidence does not cover. Details: docs/usage.md.

Exit codes here: 0 all evidence was read, 3 some of it could not be used, 2 wrong usage or a failure.`;

/** `keyward usage`: who uses which key how, from CloudTrail. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("usage")
    .summary("who uses which key how, from CloudTrail")
    .description(
      "Reads CloudTrail and says for every key who used it how, and what that evidence does not cover.",
    );
  addUsageFlags(command)
    .addOption(
      new Option("--format <format>", "what goes to stdout").choices(["table", "ndjson"]).default("table"),
    )
    .addHelpText("after", HELP)
    .action(async () => {
      const { runUsage } = await import("./usage/run.js");
      io.exit(await runUsage(usageFlags(command), io));
    });
}
