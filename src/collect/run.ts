import { setMaxListeners } from "node:events";
import { err } from "../domain/result.js";
import type { IncompleteLine, MissingDetail, RegionCoverage, SnapshotLine } from "../snapshot/lines.js";
import type { Channel } from "./channel.js";
import type { Asked, CallFailure } from "./ports.js";

/** How one key of a listing ended. */
export type KeyOutcome = "written" | "aws-managed" | "deleted";

/** What a scan tells while it runs; for progress, not for results. */
export interface CollectListener {
  /** Once, before the first Region. */
  readonly regions?: (names: readonly string[]) => void;
  readonly listed?: (region: string, keys: number) => void;
  readonly key?: (region: string, outcome: KeyOutcome) => void;
  readonly region?: (coverage: RegionCoverage) => void;
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
} as const;
export type DetailCall = keyof typeof DETAILS;

/** The state that all parts of one scan share. */
export class Run {
  /** Twelve digits, once anything has named them. */
  account: string | undefined;
  private made = 0;
  private readonly details = new Map<string, MissingDetail>();
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

  /** Ends all open calls; those that are asked from now on fail at once with the same reason. */
  stop(reason: CallFailure): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.stopper.abort();
  }

  /**
   * Makes one call. Once the scan has stopped, every failure is its reason: what a call that was cut off says about
   * itself would only confuse. Credentials that have expired stop the scan.
   */
  async ask<T>(call: string, send: (signal: AbortSignal) => Promise<Asked<T>>): Promise<Asked<T>> {
    if (this.reason !== undefined) return err({ ...this.reason, call });
    this.made += 1;
    const answer = await send(this.signal);
    if (answer.ok) return answer;
    if (answer.error.kind === "credentials") this.stop(answer.error);
    const stopped = this.stopped;
    return stopped === undefined ? answer : err({ ...stopped, call });
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

  /** Remembers that a detail could not be read. Of a scan that was stopped, the gaps are told and not these. */
  missDetail(call: DetailCall, code: string): void {
    if (this.reason !== undefined) return;
    const id = `${call} ${code}`;
    const count = (this.details.get(id)?.count ?? 0) + 1;
    this.details.set(id, { call, code, count, effect: DETAILS[call] });
  }

  get missingDetails(): readonly MissingDetail[] {
    return [...this.details.values()];
  }

  /** How an `incomplete` line names a Region. */
  place(region: string): string {
    return this.account === undefined ? region : `${this.account}/${region}`;
  }
}

const INTERRUPTED: CallFailure = {
  kind: "stopped",
  call: "",
  code: "Interrupted",
  message: "The scan was stopped before this was read.",
  help: "Run the scan again and let it finish.",
};

/** For a consumer that has left: nobody reads the reason. */
export const ABANDONED: CallFailure = { ...INTERRUPTED, code: "Abandoned" };
