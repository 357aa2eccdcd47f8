import type { Command } from "commander";
import { parseAccountId } from "../domain/ids.js";
import { addCloudFlags, cloudFlags } from "./change/flags.js";
import type { Io } from "./command.js";
import { addCommonOptions, argument, commonOptions } from "./options.js";

/** `keyward explain`: one key, in words. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("explain")
    .summary("one key: who can do what, through what, and the proof")
    .description(
      "Explains one key of a snapshot (ARN, key id or alias, then the snapshot), or a key policy file: who can do what through which statement or grant, why, with a request that proves it; what conditions fail to do; what keeps outsiders out of a closed key; which changes would close an open one; and which users and roles of the account can use it, through which policy. Each of these changes is tried on the key before it is shown.",
    )
    .argument("<key>", "ARN, key id or alias of a key; or a key policy file")
    .argument(
      "[snapshot]",
      "the snapshot that holds the key; without it, a key named by its ARN is read from AWS",
    )
    .option("--live", "read the key from AWS, also where it is named by its id or alias")
    .option(
      "--account <id>",
      "the account that a bare policy belongs to (default: told from the policy)",
      argument(parseAccountId, "twelve digits"),
    )
    .option("--region <region>", "the Region of a bare policy, or of a key id or alias with --live")
    .option("--key-id <id>", "the key id of a bare policy")
    .option("--all", "everything: all callers, the whole proof and trace (default: what fits on a screen)");
  addCommonOptions(addCloudFlags(command)).action(async (key: string, snapshot: string | undefined) => {
    const raw = command.opts<Partial<Record<"account" | "region" | "keyId", string>>>();
    const { all, live } = command.opts<{ all?: boolean; live?: boolean }>();
    const flags = {
      ...cloudFlags(command),
      account: raw.account,
      region: raw.region,
      keyId: raw.keyId,
      all: all === true,
      live: live === true,
    };
    const { runExplain } = await import("./explain/run.js");
    io.exit(await runExplain(key, snapshot, flags, commonOptions(command), io));
  });
}
