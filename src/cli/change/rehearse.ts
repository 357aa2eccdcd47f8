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
import { callerName, replay, type Replayed } from "../../apply/replay.js";
import { runTasks } from "../../apply/run.js";
import type { TaskList } from "../../apply/tasks.js";
import type { Connection } from "../../aws/connect.js";
import { connect } from "../../aws/connect.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import { inert } from "../../domain/inert.js";
import type { PlanFile } from "../../repair/plan-file.js";
import { planText } from "../../repair/plan-text.js";
import type { Sandbox } from "../../sandbox/index.js";
import { startSandbox } from "../../sandbox/index.js";
import { Estate } from "../../snapshot/key-record.js";
import type { KeyLine } from "../../snapshot/lines.js";
import { openUsage } from "../../usage/read.js";
import type { UsageEntry } from "../../usage/types.js";
import type { Io } from "../command.js";
import { EXIT, type ExitCode } from "../exit.js";
import { openOutput } from "../output.js";
import { toolVersion } from "../version.js";
import { loadPlan } from "./apply.js";
import { portsIn } from "./cloud.js";
import { benchOf } from "./estate.js";

/** What a rehearsal found, as it is attached to the plan. */
export type Rehearsal = Readonly<Record<string, unknown>> & {
  readonly schema: "keyward.rehearsal/1";
  readonly passed: boolean;
};

interface BrokenUse {
  readonly key: string;
  readonly principal: string;
  readonly action: string;
  readonly count: number;
  readonly lastSeen: string;
  readonly after: Replayed;
  /** The plan lists it under willBreak. */
  readonly foreseen: boolean;
}

/**
 * Carries a plan out in a local KMS with a snapshot loaded, over HTTP and through the same code as in AWS, replays the
 * observed requests before and after, rolls back, and compares byte for byte. The result is written into the plan.
 */
export async function rehearsePlan(
  path: string,
  snapshot: string,
  usage: string | undefined,
  io: Io,
): Promise<ExitCode> {
  const plan = await loadPlan(path);
  const tasks = tasksOfPlan(plan, undefined);
  const bugs: unknown[] = [];
  const sandbox = await startSandbox({ snapshot, now: io.now, onBug: (bug) => bugs.push(bug) });
  const folder = await mkdtemp(join(tmpdir(), "keyward-rehearsal-"));
  const accounts = new Map<string, Promise<Connection>>();
  try {
    const portsOf = localPorts(sandbox, accounts, io);
    const journal = new Journal(folder);
    const before = keyLines(sandbox);
    const applied = await carryOut(journal, tasks, snapshot, portsOf, io);
    const after = keyLines(sandbox);
    const uses = usage === undefined ? undefined : await replayed(usage, plan, before, after, sandbox, io);
    const back = await rollbackTasks(journal, await journal.read(applied.run), {
      keys: undefined,
      overLaterChanges: false,
    });
    if (back.tasks.length > 0) await carryOut(journal, back, snapshot, portsOf, io);
    const now = keyLines(sandbox);
    const different = tasks.tasks
      .map((t) => t.key)
      .filter((key) => !samePolicyText(before.get(key), now.get(key)));
    const [bug] = bugs;
    if (bug !== undefined) throw bug instanceof Error ? bug : new Error("the local KMS failed");
    const notDone = applied.ends.filter((end) => end.outcome !== "done");
    const unforeseen = uses?.broken.filter((use) => !use.foreseen) ?? [];
    const passed =
      notDone.length === 0 && applied.exposed === 0 && different.length === 0 && unforeseen.length === 0;
    const rehearsal: Rehearsal = {
      schema: "keyward.rehearsal/1",
      at: new Date(io.now()).toISOString(),
      snapshot,
      passed,
      keys: applied.ends.map(({ key, outcome, reason }) => ({ key, outcome, reason })),
      exposedAfter: applied.exposed,
      uses: uses ?? null,
      rollback: { identical: tasks.tasks.length - different.length, different },
    };
    await attach(plan, rehearsal, path, io);
    report(rehearsal, applied.ends, uses, different, io);
    if (notDone.some((end) => end.outcome === "failed")) return EXIT.failure;
    if (applied.exposed > 0) return EXIT.exposed;
    return passed ? EXIT.clear : EXIT.refused;
  } finally {
    for (const connection of accounts.values()) (await connection).close();
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ports to the sandbox, as the administrator of each key's account. */
function localPorts(
  sandbox: Sandbox,
  accounts: Map<string, Promise<Connection>>,
  io: Io,
): (arn: string) => Promise<KeyPorts | string> {
  return async (arn) => {
    const key = parseKeyArn(arn);
    if (key === undefined) return "This is no ARN of a key.";
    const { account, region } = keyArnParts(key);
    const connection =
      accounts.get(account) ??
      connect({
        endpointUrl: sandbox.url,
        region,
        version: toolVersion(),
        env: io.env,
        fixedCredentials: { accessKeyId: `AKIA${account}`, secretAccessKey: "rehearsal" },
      });
    accounts.set(account, connection);
    return portsIn(await connection, region);
  };
}

interface CarriedOut {
  readonly run: string;
  readonly ends: readonly KeyEnd[];
  readonly exposed: number;
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
    return { run: writer.id, ends, exposed: result.exposed };
  } finally {
    await writer.close();
  }
}

function keyLines(sandbox: Sandbox): ReadonlyMap<string, KeyLine> {
  const lines = [...sandbox.snapshot()].flatMap((l) => (l.type === "key" ? [[l.arn, l] as const] : []));
  return new Map(lines);
}

function samePolicyText(a: KeyLine | undefined, b: KeyLine | undefined): boolean {
  return a?.policy.kind === "present" && b?.policy.kind === "present" && a.policy.text === b.policy.text;
}

interface Uses {
  readonly evidence: string;
  readonly kept: number;
  /** Allowed before; denied after, or not to be told. */
  readonly broken: readonly BrokenUse[];
  /** Not allowed, or not to be told, before the change: nothing follows from them. */
  readonly notReplayable: number;
}

async function replayed(
  path: string,
  plan: PlanFile,
  before: ReadonlyMap<string, KeyLine>,
  after: ReadonlyMap<string, KeyLine>,
  sandbox: Sandbox,
  io: Io,
): Promise<Uses> {
  const estate = new Estate();
  for (const line of sandbox.snapshot()) {
    if (line.type === "organization" || line.type === "resource-control-policy") estate.add(line);
  }
  const changes = new Map(plan.changes.map((c) => [c.key.arn, c]));
  const now = Math.floor(io.now() / 1000);
  let kept = 0;
  let notReplayable = 0;
  const broken: BrokenUse[] = [];
  const file = await openUsage(createReadStream(path), path);
  for await (const { key, entries } of file.keys) {
    const change = changes.get(key);
    const [old, fresh] = [before.get(key), after.get(key)];
    if (change === undefined || old === undefined || fresh === undefined) continue;
    for (const entry of entries) {
      if (entry.outcome.kind !== "allowed") continue;
      if (replay(entry, old, estate, now) !== "allow") {
        notReplayable += entry.count;
        continue;
      }
      const then = replay(entry, fresh, estate, now);
      if (then === "allow") kept += entry.count;
      else {
        const principal = callerName(entry.principal, "aws") ?? entry.principal.kind;
        const foreseen = change.willBreak.some((use) => foretells(use, entry, principal));
        const { action, count, lastSeen } = entry;
        broken.push({ key, principal, action, count, lastSeen, after: then, foreseen });
      }
    }
  }
  return { evidence: path, kept, broken, notReplayable };
}

function foretells(
  use: PlanFile["changes"][number]["willBreak"][number],
  entry: UsageEntry,
  principal: string,
): boolean {
  if (use.action !== entry.action) return false;
  return use.principal === principal || (use.account !== null && use.account === entry.account);
}

/** Writes the plan again, in the form that it has. */
async function attach(plan: PlanFile, rehearsal: Rehearsal, path: string, io: Io): Promise<void> {
  const format = /^\s*\{/.test(await readFile(path, "utf8")) ? "json" : "yaml";
  const output = await openOutput(path, io);
  try {
    await output.write(planText({ ...plan, rehearsal }, format));
    await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
}

function report(
  rehearsal: Rehearsal,
  ends: readonly KeyEnd[],
  uses: Uses | undefined,
  different: readonly string[],
  io: Io,
): void {
  const say = (text: string): void => void io.stdout.write(`${inert(text)}\n`);
  for (const { outcome, key, reason } of ends) say(`${outcome}: ${key}: ${reason}`);
  if (uses === undefined) say("No usage file: no observed request was replayed.");
  else {
    say(
      `Observed requests that were allowed before: ${uses.kept} still are; ${uses.notReplayable} could not be replayed (CloudTrail does not show all that decides).`,
    );
    for (const use of uses.broken) {
      const how = use.after === "deny" ? "will be refused" : "may be refused";
      const foreseen = use.foreseen ? "foreseen by the plan" : "NOT foreseen by the plan";
      say(
        `  ${how}: ${use.action} on ${use.key} by ${use.principal}, ${use.count} times, last ${use.lastSeen} (${foreseen})`,
      );
    }
  }
  for (const key of different) say(`not rolled back byte for byte: ${key}`);
  say(`Rehearsal ${rehearsal.passed ? "passed" : "did not pass"}; the result stands in the plan.`);
}
