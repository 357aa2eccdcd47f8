import type { Command } from "commander";
import { parseAccountId } from "../domain/ids.js";
import type { Io } from "./command.js";
import { addCommonOptions, argument, commonOptions } from "./options.js";

import type { CheckFlags } from "./check/flags.js";

/** `keyward check`: the verdicts of a scan, for files. */
export function register(program: Command, io: Io): void {
  const command = program
    .command("check")
    .summary("the same verdicts for files: key policies and snapshots")
    .description(
      "Judges key policies (JSON) and snapshots (newline-delimited JSON, also gzipped). A folder stands for all such files in it, - for stdin. A policy file says nothing of grants, so they are not judged.",
    )
    .argument("<path...>", "files or folders; - reads stdin")
    .option(
      "--account <id>",
      "the account that bare policies belong to (default: told from the policy)",
      argument(parseAccountId, "twelve digits"),
    )
    .option(
      "--region <region>",
      "the Region of bare policies",
      argument((r) => (/^[a-z]{2,5}(-[a-z]+)+-\d+$/.test(r) ? r : undefined), "a Region, such as eu-west-1"),
    )
    .option(
      "--key-id <id>",
      "the key id of a bare policy",
      argument(
        (id) => (/^[A-Za-z0-9-]+$/.test(id) ? id : undefined),
        "a key id, without the rest of the ARN",
      ),
    )
    .option(
      "--threads <n>",
      "threads that judge a large snapshot for a JSON report (default: one for each processor, at most 4)",
      argument((n) => (/^[1-9][0-9]?$/.test(n) ? n : undefined), "a number from 1 to 99"),
    );
  addCommonOptions(command).action(async (paths: string[]) => {
    const raw = command.opts<Partial<Record<"account" | "region" | "keyId" | "threads", string>>>();
    const threads = raw.threads === undefined ? undefined : Number(raw.threads);
    const flags: CheckFlags = { account: raw.account, region: raw.region, keyId: raw.keyId, threads };
    const { runCheck } = await import("./check/run.js");
    io.exit(await runCheck(paths, flags, commonOptions(command), io));
  });
}
