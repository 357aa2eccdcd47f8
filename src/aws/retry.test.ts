import { describe, expect, it } from "vitest";
import { Pacer } from "./pacer.js";
import type { RetryFailure } from "./retry.js";
import { ATTEMPTS, LONGEST_WAIT, PacedRetry } from "./retry.js";

/** A clock that only sleeping moves. */
class Clock {
  ms = 1_800_000_000_000;
  readonly slept: number[] = [];
  readonly now = (): number => this.ms;
  readonly sleep = (ms: number): Promise<void> => {
    this.slept.push(ms);
    this.ms += ms;
    return Promise.resolve();
  };
}

function strategyOn(clock: Clock, random: number): PacedRetry {
  return new PacedRetry({ now: clock.now, sleep: clock.sleep, random: () => random });
}

/** Attempts until the strategy gives up, and the waits between them. */
async function attempts(
  failure: RetryFailure,
  random: number,
): Promise<{ made: number; waits: readonly number[] }> {
  const clock = new Clock();
  const strategy = strategyOn(clock, random);
  let token = await strategy.acquireInitialRetryToken();
  for (let made = 1; ; made++) {
    try {
      token = await strategy.refreshRetryTokenForRetry(token, failure);
    } catch {
      return { made, waits: clock.slept };
    }
    expect(token.getRetryCount()).toBe(made);
    expect(token.getRetryDelay()).toBe(0);
  }
}

describe("PacedRetry", () => {
  it("makes a bounded number of attempts, more of them where AWS throttles", async () => {
    expect((await attempts({ errorType: "THROTTLING" }, 0.5)).made).toBe(ATTEMPTS.throttling);
    expect((await attempts({ errorType: "TRANSIENT" }, 0.5)).made).toBe(ATTEMPTS.other);
    expect((await attempts({ errorType: "SERVER_ERROR" }, 0.5)).made).toBe(ATTEMPTS.other);
    expect((await attempts({ errorType: "CLIENT_ERROR" }, 0.5)).made).toBe(1);
  });

  it("doubles the wait, and takes a random share of the whole of it", async () => {
    expect((await attempts({ errorType: "TRANSIENT" }, 1)).waits).toEqual([100, 200, 400]);
    expect((await attempts({ errorType: "TRANSIENT" }, 0.25)).waits).toEqual([25, 50, 100]);
    expect((await attempts({ errorType: "TRANSIENT" }, 0)).waits).toEqual([0, 0, 0]);
    const { waits } = await attempts({ errorType: "THROTTLING" }, 1);
    expect(waits.filter((w) => w >= 500)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000, 20_000,
    ]);
  });

  it("waits as long as the service asks, within bounds", async () => {
    const clock = new Clock();
    const strategy = strategyOn(clock, 0);
    const ask = async (ms: number): Promise<number | undefined> => {
      const token = await strategy.acquireInitialRetryToken();
      const retryAfterHint = new Date(clock.ms + ms);
      await strategy.refreshRetryTokenForRetry(token, { errorType: "TRANSIENT", retryAfterHint });
      return clock.slept.at(-1);
    };
    expect(await ask(3000)).toBe(3000);
    expect(await ask(3_600_000)).toBe(LONGEST_WAIT);
    expect(await ask(-5000)).toBe(0);
  });
});

describe("Pacer", () => {
  /**
   * Callers who call without pause against a service that answers `quota` calls in each second and throttles the rest;
   * per second of the last half of the time.
   */
  async function against(quota: number, seconds: number): Promise<{ answered: number; throttled: number }> {
    const clock = new Clock();
    const pacer = new Pacer(clock.now, clock.sleep);
    const start = clock.ms;
    let [second, used, answered, throttled] = [0, 0, 0, 0];
    while (clock.ms < start + seconds * 1000) {
      await pacer.turn();
      clock.ms += 1; // what a call takes, all callers together
      const now = Math.floor(clock.ms / 1000);
      if (now !== second) [second, used] = [now, 0];
      const late = clock.ms > start + (seconds * 1000) / 2;
      if (++used <= quota) {
        pacer.succeeded();
        if (late) answered += 1;
      } else {
        pacer.throttled();
        if (late) throttled += 1;
      }
    }
    return { answered: answered / (seconds / 2), throttled: throttled / (seconds / 2) };
  }

  it("does not slow anything down before the first throttled call", async () => {
    const clock = new Clock();
    const pacer = new Pacer(clock.now, clock.sleep);
    for (let i = 0; i < 1000; i++) {
      await pacer.turn();
      pacer.succeeded();
    }
    expect(clock.slept).toEqual([]);
    expect(pacer.limit).toBeUndefined();
  });

  it.each([40, 100, 300])("settles near a quota of %i a second, with few calls throttled", async (quota) => {
    const { answered, throttled } = await against(quota, 120);
    expect(answered).toBeGreaterThan(quota * 0.75);
    expect(throttled).toBeLessThan(quota * 0.05);
  });

  it("takes the throttled calls of one burst for one, and never stops", () => {
    const clock = new Clock();
    const pacer = new Pacer(clock.now, clock.sleep);
    for (let i = 0; i < 100; i++) pacer.succeeded();
    for (let i = 0; i < 50; i++) pacer.throttled();
    expect(pacer.limit).toBeCloseTo(70);
    for (let i = 0; i < 50; i++) {
      clock.ms += 1000;
      pacer.throttled();
    }
    expect(pacer.limit).toBeGreaterThanOrEqual(5);
  });
});
