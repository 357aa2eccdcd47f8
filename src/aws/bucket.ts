/** Waits for milliseconds; ends early when the session is closed or the signal aborted. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** Share of the rate that remains after a throttled call. */
const BACK_OFF = 0.7;
/** Share of the full rate that each second without throttling gives back. */
const RECOVER = 0.05;
/** Share of the full rate below which no throttling pushes. */
const SLOWEST = 0.1;
/** Milliseconds within which throttled calls count as one: they were sent before the first of them was answered. */
const BURST = 500;
/** Seconds' worth of requests that may go out at once. Short, so that no single second exceeds the share by much. */
const DEPTH = 0.1;

/**
 * The pace of one operation in one account and Region: a token bucket that never refills faster than its full rate, and
 * slower after throttling (additive increase, multiplicative decrease), since the account's other programs draw on the
 * same quota. Waiting calls go in the order in which they came.
 */
export class Bucket {
  private rate: number;
  /** When the next request may go if all before it went in time. */
  private nextAt = -Infinity;
  private loweredAt = -Infinity;
  private raisedAt = 0;

  /** @param full requests a second */
  constructor(
    private readonly full: number,
    private readonly now: () => number,
    private readonly sleep: Sleep,
  ) {
    this.rate = full;
  }

  /** Requests a second at present. */
  get limit(): number {
    return this.rate;
  }

  /** Waits for this request's turn. */
  async turn(signal?: AbortSignal): Promise<void> {
    const now = this.now();
    this.recover(now);
    const interval = 1000 / this.rate;
    const burst = Math.max(0, DEPTH * 1000 - interval);
    const at = Math.max(this.nextAt, now - burst);
    this.nextAt = at + interval;
    if (at > now) await this.sleep(at - now, signal);
  }

  /** A request was throttled. */
  throttled(): void {
    const now = this.now();
    if (now - this.loweredAt < BURST) return;
    this.recover(now);
    this.rate = Math.max(this.full * SLOWEST, this.rate * BACK_OFF);
    this.loweredAt = now;
    this.raisedAt = now;
  }

  private recover(now: number): void {
    if (this.rate < this.full) {
      const seconds = Math.max(0, now - this.raisedAt) / 1000;
      this.rate = Math.min(this.full, this.rate + this.full * RECOVER * seconds);
    }
    this.raisedAt = now;
  }
}
