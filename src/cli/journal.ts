import type { Command } from "commander";
import { checkJournal } from "../apply/journal/check.js";
import { Journal, eventsOf } from "../apply/journal/journal.js";
import { inert } from "../domain/inert.js";
import { addJournalFlag, rawOptions, textOf } from "./change/flags.js";
import type { Io } from "./command.js";
import { EXIT } from "./exit.js";

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
  const list = addJournalFlag(journal.command("list")).description(
    "List the runs and what they did to each key.",
  );
  list.action(async () => {
    const target = new Journal(textOf(rawOptions(list)["journal"]) ?? "");
    for (const id of await target.runs()) io.stdout.write(await runText(target, id));
    io.exit(EXIT.clear);
  });
  const verify = addJournalFlag(journal.command("verify")).description(
    "Check every checksum, the chain of every log, and that every write has its backup before it.",
  );
  verify.action(async () => {
    const target = new Journal(textOf(rawOptions(verify)["journal"]) ?? "");
    const check = await checkJournal(target);
    for (const note of check.notes) io.stdout.write(`note: ${inert(note)}\n`);
    for (const fault of check.faults) io.stdout.write(`damaged: ${inert(fault)}\n`);
    io.stdout.write(
      `${check.runs} runs, ${check.events} events, ${check.objects} objects: ${check.faults.length === 0 ? "all unharmed" : `${check.faults.length} faults`}.\n`,
    );
    io.exit(check.faults.length === 0 ? EXIT.clear : EXIT.failure);
  });
}

async function runText(journal: Journal, id: string): Promise<string> {
  const run = await journal.read(id);
  const first = run.log.entries[0];
  if (first?.event.type !== "run") return `${id}  (no readable log: keyward journal verify)\n`;
  const ended = run.log.entries.some((e) => e.event.type === "end");
  const { kind, of } = first.event;
  const lines = [`${id}  ${kind} of ${inert(of ?? "-", { max: 200 })}${ended ? "" : "  (did not end)"}`];
  const keys = new Set(run.log.entries.flatMap(({ event }) => ("key" in event ? [event.key] : [])));
  for (const key of keys) {
    const events = eventsOf(run.log, key);
    const end = events.findLast((e) => e.type === "key-end");
    const backup = events.find((e) => e.type === "backup");
    const outcome = end?.type === "key-end" ? end.outcome : "not finished";
    const where = backup?.type === "backup" ? `  backup: ${inert(journal.objectPath(backup.policy))}` : "";
    lines.push(`  ${outcome}  ${inert(key)}${where}`);
  }
  return `${lines.join("\n")}\n`;
}
