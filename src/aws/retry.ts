import type { Sleep } from "./pacer.js";
import { Pacer } from "./pacer.js";

/** The parts of the SDK's RetryToken and RetryErrorInfo that are used here. */
export interface RetryToken {
  getRetryCount(): number;
  getRetryDelay(): number;
}
export interface RetryFailure {
  readonly errorType: "TRANSIENT" | "THROTTLING" | "SERVER_ERROR" | "CLIENT_ERROR";
  readonly retryAfterHint?: Date;
}

/** What the strategy needs of the outside; tests pass their own. */
export interface RetryEnvironment {
  readonly now: () => number;
  readonly sleep: Sleep;
  /** From 0 to 1, as Math.random. */
  readonly random: () => number;
}

/** Attempts in all. Throttling passes, so it is waited out longer: about a minute. */
export const ATTEMPTS = { throttling: 10, other: 4 } as const;
/** Milliseconds: the longest first wait, which doubles with each attempt, and the longest wait of all. */
export const FIRST_WAIT = { throttling: 500, other: 100 } as const;
export const LONGEST_WAIT = 20_000;

/**
 * How failed calls are tried again: bounded attempts, exponential waits with full jitter (a random share of the whole
 * wait, so that calls which failed together do not come back together), and a pace for all calls of a client. Not the
 * SDK's own strategies: they share one budget of retries among all calls of a client, which a long scan under
 * throttling uses up, so that keys would be left out although waiting would have read them; and their waits keep a
 * program that was stopped alive. It is a RetryStrategyV2 of the SDK. Source of the method: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
export class PacedRetry {
  private readonly pacer: Pacer;

  constructor(private readonly environment: RetryEnvironment) {
    this.pacer = new Pacer(environment.now, environment.sleep);
  }

  async acquireInitialRetryToken(): Promise<RetryToken> {
    await this.pacer.turn();
    return token(0);
  }

  /** Waits until the next attempt; throws when there is none, and the SDK then reports the call's own failure. */
  async refreshRetryTokenForRetry(last: RetryToken, failure: RetryFailure): Promise<RetryToken> {
    const kind = failure.errorType === "THROTTLING" ? "throttling" : "other";
    if (kind === "throttling") this.pacer.throttled();
    const made = last.getRetryCount() + 1;
    if (failure.errorType === "CLIENT_ERROR" || made >= ATTEMPTS[kind]) throw new Error("no more attempts");
    const { now, random, sleep } = this.environment;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT[kind] * 2 ** (made - 1));
    const hinted = failure.retryAfterHint === undefined ? 0 : failure.retryAfterHint.getTime() - now();
    await sleep(Math.max(random() * longest, Math.min(hinted, LONGEST_WAIT)));
    await this.pacer.turn();
    return token(made);
  }

  recordSuccess(): void {
    this.pacer.succeeded();
  }
}

/** The waiting is done here, so the SDK has none left to do. */
function token(retries: number): RetryToken {
  return { getRetryCount: () => retries, getRetryDelay: () => 0 };
}
