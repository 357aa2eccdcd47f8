import type { Command } from "commander";
import { Option } from "commander";
import { parseAccountId } from "../domain/ids.js";
import { STRATEGY_CHOICES } from "../repair/strategy-names.js";
import type { Io } from "./command.js";
import { argument } from "./options.js";
import type { PlanFlags } from "./plan/flags.js";

const HELP = `
Examples:
  keyward plan estate.ndjson.gz --usage usage.ndjson --output plan.yaml
  keyward plan policy.json --strategy bound
  keyward plan estate.ndjson.gz --usage denied.ndjson --readd --output readd.yaml

Strategies: narrow (to the principals and operations that were seen), bound (callers must be of the zone of trust),
remove (statements that let in whoever comes). auto takes the one that closes the key and breaks no use that was seen.
Named outsiders are taken out under each of them. A plan changes nothing; keyward apply does. Details: docs/plan.md.

Exit codes here: 0 planned (or nothing to do), 2 wrong usage or a failure, 3 some key could not be planned, 4 a key was
refused because the change would leave it without a manager, 5 keyward's two engines disagreed.`;

/** `keyward plan`: from what is exposed, whom you trust and who uses it to a plan file. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("plan")
    .summary("a plan that closes exposed keys, with proof and with what it breaks")
    .description(
      "Plans the smallest change of policy and grants that closes each exposed key of a snapshot or key policy file, shows that it does, and says who loses what. Nothing is written to AWS.",
    )
    .argument("<path...>", "snapshots or key policies; - reads stdin")
    .option("--config <file>", "zone of trust and strategies (default: keyward.yaml, if there is one)")
    .option("--usage <file>", "observed use, as keyward usage --output writes it")
    .option("--key <key...>", "only these keys: ARN, key id or alias; weak ones, too")
    .addOption(new Option("--strategy <strategy>", "how exposures are closed").choices(STRATEGY_CHOICES))
    .option("--weak", "plan for weak keys as well (services on anybody's behalf, networks, latent access)")
    .option("--readd", "re-admit principals of the zone that --usage shows as denied")
    .option(
      "--account <id>",
      "the account that bare policies belong to (default: told from the policy)",
      argument(parseAccountId, "twelve digits"),
    )
    .option("--region <region>", "the Region of bare policies")
    .option("--key-id <id>", "the key id of a bare policy")
    .addOption(
      new Option("--format <format>", "what goes to stdout: a summary, or the plan")
        .choices(["table", "yaml", "json"])
        .default("table"),
    )
    .option("--output <file>", "write the plan to this file; .json is JSON, anything else YAML")
    .option("--no-color", "no colour, even on a terminal")
    .addHelpText("after", HELP);
  command.action(async (paths: string[]) => {
    const raw = command.opts<{
      readonly config?: string;
      readonly usage?: string;
      readonly key?: string[];
      readonly strategy?: PlanFlags["strategy"];
      readonly weak?: boolean;
      readonly readd?: boolean;
      readonly account?: string;
      readonly region?: string;
      readonly keyId?: string;
      readonly format: PlanFlags["format"];
      readonly output?: string;
      readonly color: boolean;
    }>();
    const flags: PlanFlags = {
      config: raw.config,
      usage: raw.usage,
      keys: raw.key ?? [],
      strategy: raw.strategy,
      weak: raw.weak === true,
      readd: raw.readd === true,
      account: raw.account,
      region: raw.region,
      keyId: raw.keyId,
      format: raw.format,
      output: raw.output,
      color: raw.color,
    };
    const { runPlan } = await import("./plan/run.js");
    io.exit(await runPlan(paths, flags, io));
  });
}
