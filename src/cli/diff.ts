import type { Command } from "commander";
import { Option } from "commander";
import { parseAccountId } from "../domain/ids.js";
import type { Io } from "./command.js";
import type { DiffFlags } from "./diff/flags.js";
import { argument, FORMATS } from "./options.js";

const HELP = `
Examples:
  keyward diff old.json new.json --account 111122223333
  keyward diff monday.ndjson.gz tuesday.ndjson.gz --format json

What is compared is what the documents mean, not their text: a wider pattern, a wider address range or a Deny that is
gone is seen, another order of statements is not a difference. Callers inside the zone of trust are compared, too.
Details: docs/diff.md.

Exit codes here: 0 nothing was gained, 1 something was, 2 wrong usage or a failure, 3 something could not be compared
and nothing is known to be gained, 5 keyward's two engines disagreed.`;

/** `keyward diff`: who gains and who loses what. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("diff")
    .summary("who gains and who loses what between two policies or snapshots")
    .description(
      "Compares two key policies, or two snapshots key by key: who can do something that they could not do before, who lost something, each with a request that proves it.",
    )
    .argument("<old>", "key policy or snapshot; - reads stdin")
    .argument("<new>", "the same kind of file")
    .option(
      "--account <id>",
      "the account that bare policies belong to (default: told from the policy)",
      argument(parseAccountId, "twelve digits"),
    )
    .option("--region <region>", "the Region of bare policies")
    .option("--key-id <id>", "the key id of bare policies")
    .option("--config <file>", "zone of trust (default: keyward.yaml, if there is one)")
    .addOption(new Option("--format <format>", "how the result is written").choices(FORMATS).default("table"))
    .option("--output <file>", "write the result to this file instead of stdout")
    .option("--no-color", "no colour, even on a terminal")
    .addHelpText("after", HELP);
  command.action(async (older: string, newer: string) => {
    const raw = command.opts<
      Partial<Record<"account" | "region" | "keyId" | "config" | "format" | "output", string>> & {
        readonly color: boolean;
      }
    >();
    const flags: DiffFlags = {
      account: raw.account,
      region: raw.region,
      keyId: raw.keyId,
      config: raw.config,
      format: raw.format === "json" ? "json" : "table",
      output: raw.output,
      color: raw.color,
    };
    const { runDiff } = await import("./diff/run.js");
    io.exit(await runDiff(older, newer, flags, io));
  });
}
