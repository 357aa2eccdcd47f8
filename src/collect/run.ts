import { setMaxListeners } from "node:events";
import { err } from "../domain/result.js";
import type { IncompleteLine, RegionCoverage, SnapshotLine } from "../snapshot/lines.js";
import type { Channel } from "./channel.js";
import type { Asked, CallFailure } from "./ports.js";

/** How one key of a listing ended. */
export type KeyOutcome = "written" | "aws-managed" | "deleted";

/** What a scan tells while it runs; for progress, not for results. */
export interface CollectListener {
  /** So many accounts are known to be scanned; grows while an organization is listed. */
  readonly accounts?: (count: number) => void;
  /** For each account, before its first Region. */
  readonly regions?: (names: readonly string[]) => void;
  readonly listed?: (region: string, keys: number) => void;
  readonly key?: (region: string, outcome: KeyOutcome) => void;
  readonly region?: (coverage: RegionCoverage) => void;
  readonly account?: (id: string) => void;
  /** A sentence that a user wants to read although it is no failure. */
  readonly note?: (text: string) => void;
}

/** Details that keys can be judged without, and what is lost. */
export const DETAILS = {
  "kms:DescribeKey":
    "State, type and manager of these keys are not known: keys that AWS manages cannot always be left out, and a disabled key counts as if it could be enabled.",
  "kms:ListAliases":
    "The names of the keys are not known, and policies that test them are judged for every name.",
  "kms:ListResourceTags":
    "The tags of these keys are not known, and policies that test them are judged for every tag.",
  "kms:GetKeyRotationStatus": "Whether these keys are rotated is not known; no verdict needs it.",
  "kms:GetKeyLastUsage": "When these keys were last used is not known; no verdict needs it.",
} as const;
export type DetailCall = keyof typeof DETAILS;

/** The state that all parts of one scan share. */
export class Run {
  private made = 0;
  private readonly stopper = new AbortController();
  private reason: CallFailure | undefined;

  constructor(
    private readonly channel: Channel<SnapshotLine>,
    readonly listener: CollectListener,
    interrupt: AbortSignal,
  ) {
    // Each open call listens; there are some hundreds, and no leak.
    setMaxListeners(0, this.stopper.signal);
    const onInterrupt = (): void => this.stop(INTERRUPTED);
    if (interrupt.aborted) onInterrupt();
    else interrupt.addEventListener("abort", onInterrupt, { once: true, signal: this.stopper.signal });
  }

  /** Aborted when the scan stops early, for whatever reason. */
  get signal(): AbortSignal {
    return this.stopper.signal;
  }

  /** Why the scan stopped early; undefined while it runs and after it ended by itself. */
  get stopped(): CallFailure | undefined {
    return this.reason;
  }

  get calls(): number {
    return this.made;
  }

  /** Counts one call. */
  count(): void {
    this.made += 1;
  }

  /** Ends all open calls; those that are asked from now on fail at once with the same reason. */
  stop(reason: CallFailure): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.stopper.abort();
  }

  async emit(line: SnapshotLine): Promise<void> {
    await this.channel.push(line);
  }

  async emitIncomplete(where: string, failure: CallFailure): Promise<void> {
    const line: IncompleteLine = {
      type: "incomplete",
      where,
      call: failure.call,
      code: failure.code,
      message: failure.message,
      ...(failure.help === undefined ? {} : { help: failure.help }),
    };
    await this.emit(line);
  }
}

/** What one account's part of a scan shares. */
export class AccountRun {
  private reason: CallFailure | undefined;

  /**
   * @param account twelve digits; undefined until anything has named them
   * @param borrowed its credentials are its own: that they are refused says nothing about other accounts
   */
  constructor(
    readonly run: Run,
    public account: string | undefined,
    private readonly borrowed: boolean,
  ) {}

  /** Why nothing more of this account is asked. */
  get stopped(): CallFailure | undefined {
    return this.run.stopped ?? this.reason;
  }

  /**
   * Makes one call. Once the scan has stopped, every failure is its reason: what a call that was cut off says about
   * itself would only confuse. Credentials that have expired and cannot be renewed stop the account, or the scan if
   * they are the scan's own.
   */
  async ask<T>(call: string, send: (signal: AbortSignal) => Promise<Asked<T>>): Promise<Asked<T>> {
    const before = this.stopped;
    if (before !== undefined) return err({ ...before, call });
    this.run.count();
    const answer = await send(this.run.signal);
    if (answer.ok) return answer;
    if (answer.error.kind === "credentials") {
      if (this.borrowed) this.reason ??= answer.error;
      else this.run.stop(answer.error);
    }
    const stopped = this.stopped;
    return stopped === undefined ? answer : err({ ...stopped, call });
  }

  /** How an `incomplete` line names a Region. */
  place(region: string): string {
    return this.account === undefined ? region : `${this.account}/${region}`;
  }
}

/** What the reading of one Region shares. */
export class RegionRun {
  private readonly details = new Map<string, { call: DetailCall; code: string; count: number }>();

  constructor(
    readonly of: AccountRun,
    readonly region: string,
  ) {}

  get stopped(): CallFailure | undefined {
    return this.of.stopped;
  }

  get listener(): CollectListener {
    return this.of.run.listener;
  }

  /** See {@link AccountRun.ask}. */
  ask<T>(call: string, send: (signal: AbortSignal) => Promise<Asked<T>>): Promise<Asked<T>> {
    return this.of.ask(call, send);
  }

  emit(line: SnapshotLine): Promise<void> {
    return this.of.run.emit(line);
  }

  emitIncomplete(where: string, failure: CallFailure): Promise<void> {
    return this.of.run.emitIncomplete(where, failure);
  }

  get place(): string {
    return this.of.place(this.region);
  }

  /** Remembers that a detail could not be read. Of a scan that was stopped, the gaps are told and not these. */
  missDetail(call: DetailCall, code: string): void {
    if (this.stopped !== undefined) return;
    const id = `${call} ${code}`;
    const count = (this.details.get(id)?.count ?? 0) + 1;
    this.details.set(id, { call, code, count });
  }

  get missing(): NonNullable<RegionCoverage["missing"]> {
    return [...this.details.keys()].sort().flatMap((id) => this.details.get(id) ?? []);
  }
}

const INTERRUPTED: CallFailure = {
  kind: "stopped",
  call: "",
  code: "Interrupted",
  message: "The scan was stopped before this was read.",
  help: "Run the scan again with --resume and the snapshot of this one, and let it finish.",
};

/** For a consumer that has left: nobody reads the reason. */
export const ABANDONED: CallFailure = { ...INTERRUPTED, code: "Abandoned" };
