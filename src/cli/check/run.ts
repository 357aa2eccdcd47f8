import { stat } from "node:fs/promises";
import type { Problem } from "../../domain/result.js";
import { KeywardError, formatProblem } from "../../domain/result.js";
import { inert } from "../../domain/inert.js";
import type { IncompleteLine, KeyLine, SnapshotLine } from "../../snapshot/lines.js";
import { audit } from "../audit.js";
import type { CheckFlags } from "./flags.js";
import type { Io } from "../command.js";
import { loadConfigFile } from "../config-file.js";
import type { ExitCode } from "../exit.js";
import type { CommonOptions } from "../options.js";
import type { AuditLine } from "../estate/read-judged.js";
import type { KeyThreads, WorkerStart } from "../estate/threads.js";
import { findInputs } from "./inputs.js";
import type { Input, Inputs } from "./inputs.js";
import type { Assumption } from "./policy-file.js";
import { readPolicyFile } from "./policy-file.js";

/** Judges the files and folders that `paths` name. The exit code is that of the audit. */
export async function runCheck(
  paths: readonly string[],
  flags: CheckFlags,
  common: CommonOptions,
  realIo: Io,
): Promise<ExitCode> {
  // One time for the whole run, whichever thread asks.
  const started = realIo.now();
  const io: Io = { ...realIo, now: () => started };
  const config = await loadConfigFile(common.config);
  const inputs = await findInputs(paths, io.stdin ?? process.stdin);
  const threads = new LazyThreads(
    { config, now: Math.floor(started / 1000), failOn: common.failOn },
    flags.threads,
  );
  try {
    const check = new Check(inputs, flags, io, common.format === "json" ? threads : undefined);
    await check.refuse();
    return await audit(check.lines(), {
      io,
      common,
      config,
      notes: () => check.notes(),
      fileOf: (line) => check.fileOf(line),
    });
  } finally {
    await threads.close();
    await inputs.dispose();
  }
}

/** Bytes of a snapshot from which on more than one thread is worth its start. */
const LARGE = 1024 * 1024;

/** Threads that are started when the first large snapshot is met. */
class LazyThreads {
  private threads: KeyThreads | undefined;

  constructor(
    private readonly start: WorkerStart,
    private readonly wanted: number | undefined,
  ) {}

  async forFile(path: string): Promise<KeyThreads | undefined> {
    if ((await stat(path)).size < LARGE) return undefined;
    const { KeyThreads } = await import("../estate/threads.js");
    const count = this.wanted ?? KeyThreads.good();
    if (count < 2) return undefined;
    return (this.threads ??= new KeyThreads(this.start, count));
  }

  async close(): Promise<void> {
    await this.threads?.close();
  }
}

/** One run: what was met and what was taken for granted on the way. */
class Check {
  private readonly policies: readonly Input[];
  private readonly snapshots: readonly Input[];
  private readonly files = new WeakMap<KeyLine, string>();
  private readonly assumed = new Map<Assumption, Input[]>();
  private readonly accounts = new Set<string>();
  private readonly skipped: Input[] = [];
  private judged = 0;

  constructor(
    private readonly inputs: Inputs,
    private readonly flags: CheckFlags,
    private readonly io: Io,
    /** Undefined: everything is done in this thread. */
    private readonly threads: LazyThreads | undefined,
  ) {
    // Policies first: what a snapshot says about organizations is about its own keys.
    this.policies = inputs.files.filter((f) => f.kind === "policy");
    this.snapshots = inputs.files.filter((f) => f.kind === "snapshot");
  }

  /** Throws where there is nothing to check, so that a slip on the command line is not taken for a result. */
  async refuse(): Promise<void> {
    const { files, problems } = this.inputs;
    if (files.length === 0) {
      const [first] = problems;
      if (first !== undefined) throw new KeywardError(first);
      throw new KeywardError({
        what: "there is nothing to check",
        expected: "folders with *.json, *.ndjson or *.jsonl files",
        next: "name a key policy or a snapshot",
      });
    }
    if (this.flags.keyId !== undefined && this.policies.length > 1) {
      throw new KeywardError({
        what: "--key-id can only be said for one policy",
        got: `${this.policies.length} policy files`,
        next: "leave it away, or check the files one by one",
      });
    }
    const [only, ...more] = this.policies;
    if (only === undefined || more.length > 0 || this.snapshots.length > 0 || problems.length > 0) return;
    const read = await readPolicyFile(only, this.flags);
    if (!read.ok) throw new KeywardError(read.error);
  }

  async *lines(): AsyncGenerator<AuditLine> {
    for (const problem of this.inputs.problems) yield this.gap(problem);
    for (const input of this.policies) yield* this.policy(input);
    for (const input of this.snapshots) yield* this.snapshot(input);
  }

  private async *policy(input: Input): AsyncGenerator<SnapshotLine> {
    const read = await readPolicyFile(input, this.flags);
    if (!read.ok) {
      if (!input.named && isOtherJson(read.error)) this.skipped.push(input);
      else yield this.gap(read.error);
      return;
    }
    const { line, assumptions, account } = read.value;
    for (const a of assumptions) this.assume(a, input);
    this.judged++;
    this.files.set(line, input.name);
    if (!assumptions.has("account-unknown")) this.accounts.add(account);
    yield line;
  }

  private assume(assumption: Assumption, input: Input): void {
    const same = this.assumed.get(assumption);
    if (same === undefined) this.assumed.set(assumption, [input]);
    else same.push(input);
  }

  private async *snapshot(input: Input): AsyncGenerator<AuditLine> {
    // Only now: a bare policy needs neither zod nor gzip.
    const { judgedLines, snapshotLines, unreadableSnapshot } = await import("./snapshot-file.js");
    try {
      const threads = await this.threads?.forFile(input.path);
      yield* threads === undefined ? snapshotLines(input) : judgedLines(input, threads);
    } catch (error) {
      if (!(error instanceof KeywardError)) throw error;
      this.io.stderr.write(`${error.message}\n`);
      yield unreadableSnapshot(error, input);
    }
  }

  /** Tells about a file that cannot be judged, on stderr and in the result. */
  private gap(problem: Problem): IncompleteLine {
    this.io.stderr.write(`${formatProblem(problem)}\n`);
    return {
      type: "incomplete",
      where: problem.where ?? "",
      call: "read",
      code: "Unreadable",
      help: `${problem.what}; ${problem.next ?? "correct it and run again"}`,
    };
  }

  fileOf(line: KeyLine): string | undefined {
    return this.files.get(line);
  }

  notes(): string[] {
    const notes: string[] = [];
    const accounts = [...this.accounts];
    const told = this.assumed.get("account-from-root") ?? [];
    if (told.length > 0) {
      notes.push(
        `The account of ${files(told)} was told from the policy (${list(accounts)}): the only account root that is allowed kms:*. Use --account if that is not the owner.`,
      );
    }
    const unknown = this.assumed.get("account-unknown") ?? [];
    if (unknown.length > 0) {
      notes.push(
        `The account of ${files(unknown)} cannot be told from the text; 000000000000 stands for it.`,
      );
    }
    const named = this.assumed.get("arn-from-resource") ?? [];
    if (named.length > 0) notes.push(`The key of ${files(named)} was told from Resource.`);
    const made = this.assumed.get("made-up-key-id") ?? [];
    if (made.length > 0) {
      notes.push(`The key id of ${files(made)} comes from the file's name; use --key-id if it matters.`);
    }
    if (this.judged > 0) {
      notes.push("Policy files hold no grants: somebody may have access to the keys through grants.");
    }
    if (this.skipped.length > 0) {
      notes.push(`Passed over, as neither a key policy nor a snapshot: ${files(this.skipped)}.`);
    }
    return notes;
  }
}

function isOtherJson(problem: Problem): boolean {
  return problem.what === "neither a key policy nor a snapshot";
}

function files(inputs: readonly Input[]): string {
  const [first, ...more] = inputs;
  const name = inert(first?.name ?? "", { max: 120 });
  return more.length === 0 ? name : `${name} and ${more.length} more`;
}

function list(accounts: readonly string[]): string {
  return accounts.length <= 3 ? accounts.join(", ") : `${accounts.slice(0, 3).join(", ")} and others`;
}
