import { readFile } from "node:fs/promises";
import { tasksOfPlan } from "../../apply/from-plan.js";
import { Journal } from "../../apply/journal/journal.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import type { PlanFile } from "../../repair/plan-file.js";
import { readPlan } from "../../repair/plan-text.js";
import type { Io } from "../command.js";
import type { ExitCode } from "../exit.js";
import { journalFolder } from "./copy.js";
import type { ChangeFlags } from "./flags.js";
import { change } from "./run.js";

/** Carries out a plan file. */
export async function applyPlan(path: string, flags: ChangeFlags, io: Io): Promise<ExitCode> {
  if (flags.journal.startsWith("s3://")) {
    throw new KeywardError({
      what: "a journal is a folder on this machine",
      where: "--journal",
      got: inert(flags.journal, { max: 200 }),
      next: `name the bucket with --journal-copy ${inert(flags.journal, { max: 200 })}: every backup is copied there`,
    });
  }
  const plan = await loadPlan(path);
  const tasks = tasksOfPlan(plan, flags.keys);
  const strange = [...(flags.keys ?? [])].find((key) => !tasks.tasks.some((t) => t.key === key));
  if (strange !== undefined) {
    throw new KeywardError({
      what: "the plan changes no such key",
      where: path,
      got: inert(strange, { max: 200 }),
      next: "leave --key out, or name a key that the plan lists under changes",
    });
  }
  return change({ kind: "new", tasks, of: path }, flags, io);
}

/** Goes on with a run. */
export async function resumeRun(id: string, flags: ChangeFlags, io: Io): Promise<ExitCode> {
  const journal = await journalFolder(flags.journal, flags, io);
  const run = await new Journal(journal).read(id);
  return change({ kind: "resume", run }, { ...flags, journal }, io);
}

/** Reads a plan file. Throws {@link KeywardError} for what is none. */
export async function loadPlan(path: string): Promise<PlanFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new KeywardError({
      what: "the plan cannot be read",
      where: path,
      got: error.message,
      next: "write one with keyward plan",
    });
  }
  const plan = readPlan(text, path);
  if (!plan.ok) throw new KeywardError(plan.error);
  return plan.value;
}
