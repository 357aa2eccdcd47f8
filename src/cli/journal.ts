import type { Command } from "commander";
import { addJournalFlag, rawOptions, textOf } from "./change/flags.js";
import type { Io } from "./command.js";

const HELP = `
The journal is a folder of plain files: backups of policies byte for byte and of grants, named by their SHA-256, and for
each run a log and a RESTORE.md, which says how to restore with nothing but the AWS CLI. See docs/apply.md.`;

/** `keyward journal`: what was changed, and whether the backups are unharmed. */
export function register(program: Command, io: Io): void {
  const journal = program
    .command("journal")
    .summary("list and verify the backups and logs of apply and rollback")
    .description("Look at the journal of apply and rollback.")
    .addHelpText("after", HELP);
  const list = reachable(journal.command("list")).description("List the runs and what they did to each key.");
  list.action(async () => {
    const { listRuns, withJournal } = await import("./change/journal.js");
    await withJournal(placeOf(list), io, (folder) => listRuns(folder, io));
  });
  const verify = reachable(journal.command("verify")).description(
    "Check every checksum, the chain of every log, and that every write has its backup before it.",
  );
  verify.action(async () => {
    const { verifyJournal, withJournal } = await import("./change/journal.js");
    await withJournal(placeOf(verify), io, (folder) => verifyJournal(folder, io));
  });
}

/** What reaching a copy takes. */
function reachable(command: Command): Command {
  return addJournalFlag(command)
    .option("--profile <name>", "with s3://…: profile of the AWS configuration files (default: AWS_PROFILE)")
    .option("--endpoint-url <url>", "with s3://…: send all calls to this address");
}

function placeOf(command: Command): {
  readonly journal: string;
  readonly profile: string | undefined;
  readonly endpointUrl: string | undefined;
} {
  const raw = rawOptions(command);
  return {
    journal: textOf(raw["journal"]) ?? "",
    profile: textOf(raw["profile"]),
    endpointUrl: textOf(raw["endpointUrl"]),
  };
}
