import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KeyPorts, RunContext } from "../../apply/context.js";
import { rollbackTasks } from "../../apply/from-journal.js";
import { tasksOfPlan } from "../../apply/from-plan.js";
import type { KeyEnd } from "../../apply/journal/events.js";
import { Journal } from "../../apply/journal/journal.js";
import { zoneOfTask } from "../../apply/assess.js";
import { runTasks } from "../../apply/run.js";
import type { KeyTask, TaskList } from "../../apply/tasks.js";
import { isUniqueId, withoutPrincipals } from "../../apply/without.js";
import type { Connection } from "../../aws/connect.js";
import { connect } from "../../aws/connect.js";
import { type KeyArn, keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { foretold, principalText } from "../../repair/observed.js";
import type { PlanFile } from "../../repair/plan-file.js";
import { planText } from "../../repair/plan-text.js";
import { REHEARSAL_SCHEMA, type Rehearsal, type RehearsedUses } from "../../repair/rehearsal.js";
import type { Sandbox } from "../../sandbox/index.js";
import { startSandbox } from "../../sandbox/index.js";
import { Estate, isEstateLine, keyRecord } from "../../snapshot/key-record.js";
import type { KeyLine } from "../../snapshot/lines.js";
import { readSnapshot } from "../../snapshot/read.js";
import { assumeOwnOrganization } from "../../trust/zone.js";
import { openUsage } from "../../usage/read.js";
import type { UsageEntry } from "../../usage/types.js";
import { sayTo } from "../say.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { writeOutput } from "../output.js";
import { toolVersion } from "../version.js";
import { loadPlan } from "./apply.js";
import { portsIn } from "./cloud.js";
import { benchOf } from "./estate.js";
import { changerOf, LocalAccessKeys, type LocalCaller } from "./rehearsal-callers.js";
import { callerOfUse, type Tried, tryUse } from "./rehearsal-replay.js";

/**
 * Carries a plan out in a local KMS with a snapshot loaded, over HTTP and through the same code as in AWS, as somebody
 * who may; replays the observed requests before and after, each as its caller; rolls back, and compares byte for byte.
 * The result is written into the plan.
 */
export async function rehearsePlan(
  path: string,
  snapshot: string,
  usage: string | undefined,
  io: Io,
): Promise<ExitCode> {
  const plan = await loadPlan(path);
  const tasks = tasksOfPlan(plan, undefined);
  const estate = new Estate();
  const changers = await changersOf(plan, snapshot, estate, io);
  const observed = usage === undefined ? undefined : await observedUse(usage, plan);
  const keys = new LocalAccessKeys();
  for (const changer of changers.values()) keys.of(changer);
  for (const { key, entry } of observed ?? []) {
    const caller = callerOfUse(entry, key);
    if (caller !== undefined) keys.of(caller);
  }
  const bugs: unknown[] = [];
  const sandbox = await startSandbox({
    snapshot,
    callers: keys.file(),
    now: io.now,
    onBug: (bug) => bugs.push(bug),
  });
  const folder = await mkdtemp(join(tmpdir(), "keyward-rehearsal-"));
  const connections = new Map<string, Promise<Connection>>();
  try {
    const portsOf = localPorts(sandbox, changers, keys, connections, io);
    const journal = new Journal(folder);
    const at = { url: sandbox.url, keys, now: Math.floor(io.now() / 1000) };
    const before = keyLines(sandbox);
    const then = observed === undefined ? [] : await tryAll(observed, before, estate, at);
    const applied = await carryOut(journal, tasks, snapshot, portsOf, io);
    const after = keyLines(sandbox);
    const uses =
      observed === undefined
        ? undefined
        : usesOf(observed, then, await tryAll(observed, after, estate, at), plan, usage ?? "");
    const undo = await rollbackTasks(journal, await journal.read(applied.run), {
      keys: undefined,
      overLaterChanges: false,
    });
    const back: TaskList = { ...undo, tasks: undo.tasks.map(withoutMissing) };
    if (back.tasks.length > 0) await carryOut(journal, back, snapshot, portsOf, io);
    const now = keyLines(sandbox);
    const wanted = new Map(back.tasks.map((t) => [t.key, t.policy]));
    const different = tasks.tasks
      .map((t) => t.key)
      .filter((key) => policyTextOf(now.get(key)) !== (wanted.get(key) ?? policyTextOf(before.get(key))));
    const without = back.tasks.filter((t, i) => t.policy !== undo.tasks[i]?.policy).map((t) => t.key);
    const [bug] = bugs;
    if (bug !== undefined) throw bug instanceof Error ? bug : new Error("the local KMS failed");
    const notDone = applied.ends.filter((end) => end.outcome !== "done");
    const unforeseen = uses?.broken.filter((use) => !use.foreseen) ?? [];
    const passed =
      notDone.length === 0 &&
      applied.exposed === 0 &&
      applied.disagreements === 0 &&
      different.length === 0 &&
      unforeseen.length === 0;
    const rehearsal: Rehearsal = {
      schema: REHEARSAL_SCHEMA,
      at: new Date(io.now()).toISOString(),
      snapshot,
      passed,
      keys: applied.ends.map(({ key, outcome, reason }) => ({
        key,
        outcome,
        reason,
        by: changers.get(key)?.arn ?? null,
      })),
      exposedAfter: applied.exposed,
      uses: uses ?? null,
      rollback: {
        identical: tasks.tasks.length - different.length - without.length,
        withoutDeletedPrincipals: without,
        different,
      },
    };
    await attach(plan, rehearsal, path, io);
    report(rehearsal, applied.ends, uses, { different, without }, io);
    if (applied.disagreements > 0) return EXIT.disagreement;
    if (notDone.some((end) => end.outcome === "failed")) return EXIT.failure;
    if (applied.exposed > 0) return EXIT.exposed;
    return passed ? EXIT.clear : EXIT.refused;
  } finally {
    for (const connection of connections.values()) (await connection).close();
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Who carries the change of each key out; reads organizations and the like into the estate on the way. */
async function changersOf(
  plan: PlanFile,
  snapshot: string,
  estate: Estate,
  io: Io,
): Promise<ReadonlyMap<string, LocalCaller>> {
  const changes = new Map(plan.changes.map((c) => [c.key.arn, c]));
  const tasks = tasksOfPlan(plan, undefined);
  const taskOf = new Map(tasks.tasks.map((t) => [t.key, t]));
  const found = new Map<string, LocalCaller>();
  for await (const line of readSnapshot(createReadStream(snapshot), snapshot)) {
    if (isEstateLine(line)) estate.add(line);
    if (line.type !== "key" || line.policy.kind !== "present") continue;
    const change = changes.get(line.arn);
    const task = taskOf.get(line.arn);
    if (change === undefined || task === undefined) continue;
    const read = keyRecord(line, estate);
    const { facts } = assumeOwnOrganization(read.facts, zoneOfTask(task, tasks), estate.listed);
    const record = { ...read, facts };
    const texts = [line.policy.text, ...(change.policy === null ? [] : [change.policy.text])];
    found.set(line.arn, changerOf(record, texts, estate.organizationOf, Math.floor(io.now() / 1000)));
  }
  return found;
}

/** Ports to the sandbox, as whoever changes the key. */
function localPorts(
  sandbox: Sandbox,
  changers: ReadonlyMap<string, LocalCaller>,
  keys: LocalAccessKeys,
  connections: Map<string, Promise<Connection>>,
  io: Io,
): (arn: string) => Promise<KeyPorts | string> {
  return async (arn) => {
    const key = parseKeyArn(arn);
    if (key === undefined) return "This is no ARN of a key.";
    const changer = changers.get(arn);
    if (changer === undefined) return "The snapshot has no such key, or not its policy.";
    const { region } = keyArnParts(key);
    const accessKeyId = keys.of(changer);
    const connection =
      connections.get(accessKeyId) ??
      connect({
        endpointUrl: sandbox.url,
        // Nobody else shares these quotas.
        quotaShare: 1,
        region,
        version: toolVersion(),
        env: io.env,
        fixedCredentials: { accessKeyId, secretAccessKey: "rehearsal" },
      });
    connections.set(accessKeyId, connection);
    return portsIn(await connection, region);
  };
}

interface CarriedOut {
  readonly run: string;
  readonly ends: readonly KeyEnd[];
  readonly exposed: number;
  readonly disagreements: number;
}

async function carryOut(
  journal: Journal,
  tasks: TaskList,
  snapshot: string,
  portsOf: RunContext["portsOf"],
  io: Io,
): Promise<CarriedOut> {
  const ends: KeyEnd[] = [];
  const writer = await journal.begin(tasks, {
    tool: `keyward ${toolVersion()}`,
    of: "rehearsal",
    suffix: randomBytes(3).toString("hex"),
    now: io.now,
  });
  try {
    const pending = tasks.tasks.map((task) => ({ task, backup: undefined }));
    const result = await runTasks(pending, {
      kind: tasks.kind,
      portsOf,
      recorder: writer,
      confirm: () => Promise.resolve("yes"),
      tell: (end) => ends.push(end),
      bench: await benchOf(tasks, snapshot, io.now),
      dryRun: false,
      keepGoing: true,
      settleMs: 10_000,
      now: () => performance.now(),
      sleep: (ms) => sleep(ms),
      signal: new AbortController().signal,
      stopping: () => false,
    });
    return { run: writer.id, ends, exposed: result.exposed, disagreements: result.disagreements };
  } finally {
    await writer.close();
  }
}

function keyLines(sandbox: Sandbox): ReadonlyMap<string, KeyLine> {
  const lines = [...sandbox.snapshot()].flatMap((l) => (l.type === "key" ? [[l.arn, l] as const] : []));
  return new Map(lines);
}

function policyTextOf(line: KeyLine | undefined): string | undefined {
  return line?.policy.kind === "present" ? line.policy.text : undefined;
}

/** KMS takes no policy with ids of deleted principals: the rollback of such a key goes as --without-missing says. */
function withoutMissing(task: KeyTask): KeyTask {
  if (task.policy === null) return task;
  const left = withoutPrincipals(task.policy, isUniqueId);
  return typeof left === "string" ? task : { ...task, policy: left.text };
}

interface Observed {
  readonly key: KeyArn;
  readonly entry: UsageEntry;
}

/** What was seen to be allowed on the keys of the plan. */
async function observedUse(path: string, plan: PlanFile): Promise<readonly Observed[]> {
  const wanted = new Set(plan.changes.map((c) => c.key.arn));
  const found: Observed[] = [];
  const file = await openUsage(createReadStream(path), path);
  for await (const { key, entries } of file.keys) {
    if (!wanted.has(key)) continue;
    for (const entry of entries) if (entry.outcome.kind === "allowed") found.push({ key, entry });
  }
  return found;
}

async function tryAll(
  observed: readonly Observed[],
  lines: ReadonlyMap<string, KeyLine>,
  estate: Estate,
  at: Parameters<typeof tryUse>[4],
): Promise<readonly Tried[]> {
  const found: Tried[] = [];
  for (const { key, entry } of observed) {
    const line = lines.get(key);
    found.push(
      line === undefined ? { answer: "untold", sent: false } : await tryUse(key, entry, line, estate, at),
    );
  }
  return found;
}

function usesOf(
  observed: readonly Observed[],
  before: readonly Tried[],
  after: readonly Tried[],
  plan: PlanFile,
  evidence: string,
): RehearsedUses {
  const changes = new Map(plan.changes.map((c) => [c.key.arn, c]));
  let kept = 0;
  let notReplayable = 0;
  let overHttp = 0;
  let byReference = 0;
  const broken: RehearsedUses["broken"][number][] = [];
  for (const [i, { key, entry }] of observed.entries()) {
    const { action, count, lastSeen } = entry;
    const then = after[i];
    const change = changes.get(key);
    if (then === undefined || change === undefined || before[i]?.answer !== "allow") {
      notReplayable += count;
      continue;
    }
    if (then.sent) overHttp++;
    else byReference++;
    if (then.answer === "allow") kept += count;
    else {
      const { partition } = keyArnParts(key);
      const principal = principalText(entry.principal, partition);
      const foreseen = foretold(change.willBreak, entry, partition);
      broken.push({ key, principal, action, count, lastSeen, after: then.answer, foreseen });
    }
  }
  return { evidence, kept, broken, notReplayable, overHttp, byReference };
}

/** Writes the plan again, in the form that it has. */
async function attach(plan: PlanFile, rehearsal: Rehearsal, path: string, io: Io): Promise<void> {
  const format = /^\s*\{/.test(await readFile(path, "utf8")) ? "json" : "yaml";
  await writeOutput([planText({ ...plan, rehearsal }, format)], path, io);
}

function report(
  rehearsal: Rehearsal,
  ends: readonly KeyEnd[],
  uses: RehearsedUses | undefined,
  { different, without }: { readonly different: readonly string[]; readonly without: readonly string[] },
  io: Io,
): void {
  const say = sayTo(io.stdout);
  for (const { outcome, key, reason } of ends) say(`${outcome}: ${key}: ${reason}`);
  if (uses === undefined) say("No usage file: no observed request was replayed.");
  else {
    say(
      `Observed requests that were allowed before: ${uses.kept} still are; ${uses.notReplayable} could not be replayed (CloudTrail does not show all that decides).`,
    );
    say(
      `Of the different ones ${uses.overHttp} went over HTTP, each as its caller; ${uses.byReference} were put to the reference alone.`,
    );
    for (const use of uses.broken) {
      const how = use.after === "deny" ? "will be refused" : "may be refused";
      const foreseen = use.foreseen ? "foreseen by the plan" : "NOT foreseen by the plan";
      say(
        `  ${how}: ${use.action} on ${use.key} by ${use.principal}, ${use.count} times, last ${use.lastSeen} (${foreseen})`,
      );
    }
  }
  for (const key of without) {
    say(
      `rolled back without deleted principals, whose ids KMS does not take: ${key} (keyward rollback --without-missing)`,
    );
  }
  for (const key of different) say(`not rolled back byte for byte: ${key}`);
  say(`Rehearsal ${rehearsal.passed ? "passed" : "did not pass"}; the result stands in the plan.`);
}
