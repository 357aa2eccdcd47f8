/** Waits for milliseconds; ends early when the session is closed. */
export type Sleep = (ms: number) => Promise<void>;

/** Share of the rate that remains after a throttled call. */
const BACK_OFF = 0.7;
/** Calls a second that each second without throttling adds. */
const RECOVER = 5;
/** Calls a second that are made in any case. */
const SLOWEST = 5;
/** Milliseconds within which throttled calls count as one: they were sent before the first of them was answered. */
const BURST = 500;

/**
 * Finds the rate of calls that a service accepts: no limit until the first call is throttled, then a little less than
 * was reached, then slowly more. One for each client, since AWS counts quotas by Region. Blind retries would use up
 * what other programs of the account need.
 */
export class Pacer {
  private rate: number | undefined;
  /** When the next call may be sent. */
  private nextAt = 0;
  private loweredAt = -Infinity;
  private raisedAt = 0;
  /** Answered calls in this second and in the one before. */
  private second = 0;
  private count = 0;
  private before = 0;

  constructor(
    private readonly now: () => number,
    private readonly sleep: Sleep,
  ) {}

  /** Calls a second that are made at most; undefined: no limit yet. */
  get limit(): number | undefined {
    return this.rate;
  }

  /** Waits for this call's turn. */
  async turn(): Promise<void> {
    if (this.rate === undefined) return;
    const now = this.now();
    const at = Math.max(now, this.nextAt);
    this.nextAt = at + 1000 / this.rate;
    if (at > now) await this.sleep(at - now);
  }

  /** A call was answered. */
  succeeded(): void {
    this.measure();
    this.count += 1;
    if (this.rate === undefined) return;
    const now = this.now();
    this.rate += (RECOVER * Math.min(now - this.raisedAt, 1000)) / 1000;
    this.raisedAt = now;
  }

  /** A call was throttled. */
  throttled(): void {
    this.measure();
    const now = this.now();
    if (now - this.loweredAt < BURST) return;
    const reached = Math.min(this.rate ?? Infinity, Math.max(this.count, this.before));
    this.rate = Math.max(SLOWEST, BACK_OFF * reached);
    this.loweredAt = now;
    this.raisedAt = now;
  }

  private measure(): void {
    const second = Math.floor(this.now() / 1000);
    if (second === this.second) return;
    this.before = second === this.second + 1 ? this.count : 0;
    this.count = 0;
    this.second = second;
  }
}
