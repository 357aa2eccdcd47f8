import { assess, type Bench, disagreementText, isAsPlanned } from "../../apply/assess.js";
import { tasksOfPlan } from "../../apply/from-plan.js";
import { eventsOf, isRunId, Journal } from "../../apply/journal/journal.js";
import { readDescribed, samePolicy } from "../../apply/read.js";
import { type ShutOut, shutOut } from "../../apply/shut-out.js";
import type { KeyTask, TaskList } from "../../apply/tasks.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { loadPlan } from "./apply.js";
import type { ChangeCloud } from "./cloud.js";
import { openCloud } from "./cloud.js";
import { journalFolder } from "./copy.js";
import { benchOf } from "./estate.js";
import type { VerifyFlags } from "./flags.js";
import { evidenceSince, type Target } from "./verify-evidence.js";

/** Looks at the keys of a run or plan again, and at who was denied since. */
export async function verify(target: string, given: VerifyFlags, io: Io): Promise<ExitCode> {
  const flags = { ...given, journal: await journalFolder(given.journal, given, io) };
  const found = await resolve(target, flags.journal);
  const say = sayTo(io.stdout);
  const first = parseKeyArn(found.tasks.tasks[0]?.key ?? "");
  const cloud = await openCloud(flags, io, first === undefined ? undefined : keyArnParts(first).region);
  const bench = await benchOf(found.tasks, flags.estate, io.now);
  let keys: KeysSeen;
  try {
    keys = await look(found.tasks, cloud, bench, say);
  } finally {
    cloud.close();
  }
  const evidence = await evidenceSince(found, flags, io);
  if (evidence === undefined) {
    say(
      "No evidence was named, so who was denied since is not known: add --cloudtrail, --lookup-events or --usage.",
    );
  }
  const denials = found.tasks.tasks.flatMap((task) => {
    const { zone, estate } = bench(task);
    return shutOut(task, evidence?.entries.get(task.key) ?? [], zone, found.since, estate.organizationOf);
  });
  if (evidence !== undefined) tellDenials(denials, found, flags, say);
  const notCovered = evidence?.notCovered ?? [];
  for (const caveat of notCovered) say(`not covered by the evidence: ${caveat}`);
  if (keys.disagreements > 0) return EXIT.disagreement;
  if (keys.exposed > 0) return EXIT.exposed;
  if (keys.different > 0) return EXIT.refused;
  const unforeseen = denials.some((d) => d.trusted && !d.foreseen);
  return keys.unread > 0 || unforeseen || notCovered.length > 0 ? EXIT.incomplete : EXIT.clear;
}

async function resolve(target: string, folder: string): Promise<Target> {
  if (!isRunId(target)) {
    const plan = await loadPlan(target);
    return { tasks: tasksOfPlan(plan, undefined), since: plan.createdAt, run: undefined };
  }
  const journal = new Journal(folder);
  const run = await journal.read(target);
  const tasks = await journal.tasks(run);
  // Keys that the run did not change are none of its business.
  const written = tasks.tasks.filter((t) =>
    eventsOf(run.log, t.key).some((e) => e.type === "intent" || e.type === "done"),
  );
  const since = `${(run.log.entries[0]?.at ?? "").slice(0, 19)}Z`;
  return { tasks: { ...tasks, tasks: written }, since, run: target };
}

interface KeysSeen {
  readonly exposed: number;
  readonly different: number;
  readonly unread: number;
  /** Keys about which keyward's two engines disagree. */
  readonly disagreements: number;
}

async function look(
  tasks: TaskList,
  cloud: ChangeCloud,
  bench: (task: KeyTask) => Bench,
  say: (text: string) => void,
): Promise<KeysSeen> {
  const { signal } = new AbortController();
  const seen = { exposed: 0, different: 0, unread: 0, disagreements: 0 };
  for (const task of tasks.tasks) {
    const ports = await cloud.portsOf(task.key);
    if (typeof ports === "string") {
      seen.unread++;
      say(`not read: ${task.key}: ${ports}`);
      continue;
    }
    const read = await readDescribed(ports.read, task.key, signal);
    if (!read.ok) {
      seen.unread++;
      const { call, code, message, help } = read.error;
      const words = `${call}: ${code}: ${message.replace(/[.\s]+$/, "")}.`;
      say(`not read: ${task.key}: ${words}${help === undefined ? "" : ` Next: ${help}`}`);
      continue;
    }
    const live = read.value;
    const now = assess({ arn: task.key, ...live }, bench(task));
    const { exposure, verdict } = now;
    const disagreement = disagreementText(now);
    if (disagreement !== undefined) seen.disagreements++;
    const asPlanned = isAsPlanned(task, exposure);
    if (verdict === "exposed" && !asPlanned) seen.exposed++;
    if (verdict === "not-assessed") seen.unread++;
    const wrong = differences(task, live.policy, new Set(live.grants.map((g) => g.GrantId)));
    if (wrong.length > 0) seen.different++;
    const planned = asPlanned ? ", as planned: exceptions let somebody stay" : "";
    say(
      `${wrong.length === 0 ? "as written" : "changed since"}: ${task.key}: ${exposure} (${verdict})${planned}`,
    );
    for (const sentence of [...wrong, ...(disagreement === undefined ? [] : [disagreement])])
      say(`  ${sentence}`);
  }
  return seen;
}

function differences(task: KeyTask, policy: string, grants: ReadonlySet<string>): readonly string[] {
  const wrong: string[] = [];
  if (task.policy !== null && !samePolicy(policy, task.policy, task.key)) {
    wrong.push(
      "Its policy is not the one that was to be put: it was not applied, or somebody has changed it since.",
    );
  }
  for (const id of task.revoke) if (grants.has(id)) wrong.push(`The grant ${id} is still there.`);
  return wrong;
}

function tellDenials(
  denials: readonly ShutOut[],
  target: Target,
  flags: VerifyFlags,
  say: (text: string) => void,
): void {
  const outsiders = denials.filter((d) => !d.trusted);
  const trusted = denials.filter((d) => d.trusted);
  if (denials.length === 0) say(`Nobody was seen to be denied since ${target.since}.`);
  for (const d of outsiders) say(`kept out, as meant: ${words(d)}`);
  for (const d of trusted) {
    const foreseen = d.foreseen ? "foreseen by the plan" : "NOT foreseen";
    say(`shut out (${foreseen}): ${words(d)}`);
    if (d.byOther !== undefined)
      say(`  It was refused by a ${d.byOther} policy: no change of the key helps.`);
  }
  if (!trusted.some((d) => d.byOther === undefined)) return;
  const keys = [...new Set(trusted.map((d) => d.key))].map((key) => `--key ${key}`).join(" ");
  const usage = flags.denied ?? flags.usage;
  say(
    "To let exactly them in again, with the operations that were denied, take a new snapshot and plan from it:",
  );
  say("  keyward scan --snapshot now.ndjson");
  say(`  keyward plan now.ndjson --usage ${usage ?? "DENIED"} --readd ${keys} --output readd.yaml`);
  if (usage === undefined) say("  (DENIED is what keyward verify --denied FILE writes)");
  if (target.run !== undefined)
    say(`Or put everything back as it was: keyward rollback ${target.run} ${keys}`);
}

function words({ principal, action, via, key, count, lastSeen }: ShutOut): string {
  const through = via === undefined ? "" : ` through ${via}`;
  return `${principal}: ${action}${through} on ${key}, ${count} times, last ${lastSeen}`;
}
