import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkJournal, objectNames } from "../../apply/journal/check.js";
import { endOf, eventsOf, Journal } from "../../apply/journal/journal.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { EXIT } from "../exit.js";

/** A journal to look at: a folder, or a copy in a bucket, which is brought into a folder of its own for as long as that takes. */
export async function withJournal(
  place: {
    readonly journal: string;
    readonly profile: string | undefined;
    readonly endpointUrl: string | undefined;
  },
  io: Io,
  look: (folder: string) => Promise<void>,
): Promise<void> {
  if (!place.journal.startsWith("s3://")) {
    await mustBeJournal(place.journal);
    return look(place.journal);
  }
  const folder = await mkdtemp(join(tmpdir(), "keyward-journal-"));
  try {
    const { bring } = await import("./copy.js");
    await look(await bring(place.journal, folder, place, io));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A folder that is not there, or holds something else, has no damage, and no backup either. */
async function mustBeJournal(folder: string): Promise<void> {
  const journal = new Journal(folder);
  if ((await journal.runs()).length > 0 || (await objectNames(journal)).length > 0) return;
  throw new KeywardError({
    what: "there is no journal",
    where: inert(folder, { max: 200 }),
    expected:
      "the folder that keyward apply or keyward rollback has written: runs/RUN/log.ndjson and objects/…",
    next: "name it with --journal, or name a copy: --journal s3://BUCKET/PREFIX",
  });
}

/** `keyward journal list`: the runs of a journal, and what they did to each key. */
export async function listRuns(folder: string, io: Io): Promise<void> {
  const target = new Journal(folder);
  const say = sayTo(io.stdout);
  for (const id of await target.runs()) for (const line of await runLines(target, id)) say(line);
  io.exit(EXIT.clear);
}

/** `keyward journal verify`: whether every checksum, chain and backup is as it was written. */
export async function verifyJournal(folder: string, io: Io): Promise<void> {
  const check = await checkJournal(new Journal(folder));
  const say = sayTo(io.stdout);
  for (const note of check.notes) say(`note: ${note}`);
  for (const fault of check.faults) say(`damaged: ${fault}`);
  const outcome = check.faults.length === 0 ? "all unharmed" : `${check.faults.length} faults`;
  say(`${check.runs} runs, ${check.events} events, ${check.objects} objects: ${outcome}.`);
  io.exit(check.faults.length === 0 ? EXIT.clear : EXIT.failure);
}

async function runLines(journal: Journal, id: string): Promise<readonly string[]> {
  const run = await journal.read(id);
  const first = run.log.entries[0];
  if (first?.event.type !== "run") return [`${id}  (no readable log: keyward journal verify)`];
  const ended = { complete: "", stopped: "  (stopped before its end)", killed: "  (did not end)" }[
    endOf(run.log)
  ];
  const { kind, of } = first.event;
  const lines = [`${id}  ${kind} of ${inert(of ?? "-", { max: 200 })}${ended}`];
  const keys = new Set(run.log.entries.flatMap(({ event }) => ("key" in event ? [event.key] : [])));
  for (const key of keys) {
    const events = eventsOf(run.log, key);
    const end = events.findLast((e) => e.type === "key-end");
    const backup = events.find((e) => e.type === "backup");
    const outcome = end?.type === "key-end" ? end.outcome : "not finished";
    lines.push(`  ${outcome}  ${inert(key)}`);
    if (backup?.type === "backup") {
      lines.push(`    backup: ${inert(journal.objectPath(backup.policy))}`);
    }
  }
  return lines;
}
