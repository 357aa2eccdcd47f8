import type { Sleep } from "./bucket.js";
import { Bucket } from "./bucket.js";
import type { Action } from "./permissions.js";
import { quotaOf } from "./quotas.js";
import { Slots } from "./slots.js";

/** What the scheduler needs of the outside; tests pass their own. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly sleep: Sleep;
  /** From 0 to 1, as Math.random. */
  readonly random: () => number;
}

/** Where a call goes: quotas and places are kept by this. */
export interface Target {
  /** The account whose quota the call uses. */
  readonly account: string;
  readonly region: string;
}

/** Open calls of the whole scan, and of one account in one Region. */
const OPEN = { total: 400, each: 64 } as const;

/** How one attempt ended, as far as the next ones are concerned. */
export type AttemptEnd = "answered" | "throttled" | "no-answer";

/**
 * Decides when each request goes out: never faster than the share of its operation's quota in its account and Region,
 * and fairly between those. Every attempt is paid for, the repeated ones too, as AWS counts them too.
 */
export class Scheduler {
  private readonly buckets = new Map<string, Bucket>();
  private readonly slots = new Slots(OPEN.total, OPEN.each);

  /** @param share of each quota that may be used, above 0 and up to 1 */
  constructor(
    private readonly share: number,
    readonly surroundings: Surroundings,
  ) {}

  /** Makes one attempt in its turn. `endOf` tells from what it came to how it ended. */
  async attempt<T>(
    target: Target,
    action: Action,
    signal: AbortSignal,
    send: () => Promise<T>,
    endOf: (result: T) => AttemptEnd,
  ): Promise<T> {
    const bucket = this.bucket(target, action);
    // A scan that was stopped makes no calls: `send` fails at once, so nothing has to wait for its turn.
    if (!signal.aborted) await bucket.turn(signal);
    const name = `${target.account}/${target.region}`;
    await this.slots.enter(name);
    let end: AttemptEnd = "answered";
    try {
      const result = await send();
      end = endOf(result);
      if (end === "throttled") bucket.throttled();
      return result;
    } finally {
      this.slots.leave(name, end !== "no-answer");
    }
  }

  /** The account's Region is done: its pace is forgotten. */
  forget(target: Target): void {
    const prefix = `${target.account}/${target.region}/`;
    for (const name of this.buckets.keys()) if (name.startsWith(prefix)) this.buckets.delete(name);
  }

  private bucket(target: Target, action: Action): Bucket {
    const name = `${target.account}/${target.region}/${action}`;
    let bucket = this.buckets.get(name);
    if (bucket === undefined) {
      const { now, sleep } = this.surroundings;
      bucket = new Bucket(quotaOf(action) * this.share, now, sleep);
      this.buckets.set(name, bucket);
    }
    return bucket;
  }
}
