import type { Command } from "commander";
import { Option } from "commander";
import { parseAccountId } from "../domain/ids.js";
import { KEY_STATES } from "../domain/key.js";
import type { Io } from "./command.js";
import type { SimulateFlags } from "./simulate/flags.js";
import { argument, FORMATS } from "./options.js";

const HELP = `
Examples:
  keyward simulate policy.json --principal arn:aws:iam::111122223333:role/App --action kms:Decrypt --identity allow
  keyward simulate estate.ndjson.gz --key alias/app --principal logs.us-east-1.amazonaws.com --action kms:Decrypt \\
      --context aws:SourceAccount=111122223333
  keyward simulate policy.json --requests requests.jsonl > answers.jsonl

What the flags leave out is taken from the snapshot: the caller's identity policies, permissions boundary, tags and
organization, service and resource control policies, grants. Where neither says what the identity policies are, the
answer is "unknown" if it depends on them. Details: docs/simulate.md.

Exit codes here: 0 allowed, 1 denied, 2 wrong usage or a failure, 3 undecided. With --requests: 0 all allowed, 1 some
denied, 3 some undecided and none denied, 2 some lines are no requests (they are told, the others are answered).`;

const several = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** `keyward simulate`: one concrete request, or many. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("simulate")
    .summary("one request: allowed or denied, the trace, and what to change")
    .description("Judges requests to one key of a snapshot, or to the key that a policy file belongs to.")
    .argument("<file>", "key policy or snapshot")
    .option("--key <key>", "ARN, key id or alias of the key in the snapshot")
    .option("--principal <arn>", "who calls: ARN, account root, or a service's name")
    .option("--action <action>", "for example kms:Decrypt")
    .addOption(
      new Option("--identity <what>", "what the caller's identity policies say").choices([
        "allow",
        "none",
        "deny",
      ]),
    )
    .option("--identity-policy <file>", "an identity policy of the caller (repeatable)", several, [])
    .option("--boundary <file>", "the caller's permissions boundary; none: there is none")
    .option("--session-policy <file>", "the session policy")
    .option("--scp <file>", "a service control policy of the caller's account (repeatable)", several, [])
    .option("--rcp <file>", "a resource control policy of the key's account (repeatable)", several, [])
    .option("--management-account", "the caller is in the management account: SCPs do not bind it")
    .option("--grants <file>", "grants as ListGrants returns them")
    .option("--context <key=value>", "a condition key; twice for two values (repeatable)", several, [])
    .option("--encryption-context <key=value>", "a pair of the encryption context (repeatable)", several, [])
    .addOption(new Option("--key-state <state>", "state of the key").choices(KEY_STATES))
    .option("--time <time>", "RFC 3339 (default: now)")
    .option("--request <file>", "one request with everything in it, instead of the flags above")
    .option("--requests <file>", "many requests, one a line; - reads stdin; the answers are JSON lines")
    .option(
      "--account <id>",
      "the account that a bare policy belongs to (default: told from the policy)",
      argument(parseAccountId, "twelve digits"),
    )
    .option("--region <region>", "the Region of a bare policy")
    .option("--key-id <id>", "the key id of a bare policy")
    .addOption(new Option("--format <format>", "how the answer is written").choices(FORMATS).default("table"))
    .option("--output <file>", "write the answer to this file instead of stdout")
    .addHelpText("after", HELP);
  command.action(async (file: string) => {
    const { runSimulate } = await import("./simulate/run.js");
    io.exit(await runSimulate(file, command.opts<SimulateFlags>(), io));
  });
}
