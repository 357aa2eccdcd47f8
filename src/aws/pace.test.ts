import { describe, expect, it } from "vitest";
import type { Ask } from "./ask.js";
import { pacedAsker } from "./ask.js";
import { Bucket } from "./bucket.js";
import type { Credentials } from "./credentials.js";
import { RenewableCredentials } from "./credentials.js";
import { DEFAULT_QUOTA_SHARE, quotaOf } from "./quotas.js";
import { Scheduler } from "./scheduler.js";
import { Slots } from "./slots.js";

/** A clock that moves only by sleeping. */
class Clock {
  now = 1_000;
  readonly time = (): number => this.now;
  readonly sleep = (ms: number): Promise<void> => {
    this.now += ms;
    return Promise.resolve();
  };
}

describe("a bucket", () => {
  it.each([100, 50, 5, 2.5])(
    "lets no more than its rate of %s a second go, and a tenth at once",
    async (rate) => {
      const clock = new Clock();
      const bucket = new Bucket(rate, clock.time, clock.sleep);
      const start = clock.now;
      const at: number[] = [];
      for (let i = 0; i < rate * 10; i++) {
        await bucket.turn();
        at.push(clock.now - start);
      }
      const first = at.filter((t) => t === 0).length;
      expect(first).toBeLessThanOrEqual(Math.max(1, rate / 10));
      expect(at.at(-1)).toBeCloseTo((10 - Math.max(1, rate / 10) / rate) * 1000, 3);
    },
  );

  it("goes slower after throttling, not below a tenth, and comes back with time", async () => {
    const clock = new Clock();
    const bucket = new Bucket(100, clock.time, clock.sleep);
    bucket.throttled();
    bucket.throttled();
    expect(bucket.limit).toBeCloseTo(70);
    for (let i = 0; i < 30; i++) {
      clock.now += 600;
      bucket.throttled();
    }
    expect(bucket.limit).toBeGreaterThanOrEqual(10);
    expect(bucket.limit).toBeLessThan(20);
    clock.now += 60_000;
    await bucket.turn();
    expect(bucket.limit).toBe(100);
  });
});

describe("the places for open calls", () => {
  it("go to the target with the fewest, so that a flood of one does not shut out another", async () => {
    const slots = new Slots(4, 4);
    const order: string[] = [];
    const enter = (name: string): Promise<void> => slots.enter(name).then(() => void order.push(name));
    const entered = [1, 2, 3, 4, 5, 6].map(() => enter("flood"));
    await Promise.all(entered.slice(0, 4));
    const other = enter("other");
    expect(order).toEqual(["flood", "flood", "flood", "flood"]);
    slots.leave("flood", true);
    await other;
    expect(order.at(-1)).toBe("other");
    slots.leave("flood", true);
    await entered[4];
    expect(order).toHaveLength(6);
  });

  it("become fewer for a target that does not answer, down to one", async () => {
    const slots = new Slots(100, 8);
    for (let round = 0; round < 4; round++) {
      await slots.enter("dead");
      slots.leave("dead", false);
    }
    await slots.enter("dead");
    let second = false;
    const waiting = slots.enter("dead").then(() => (second = true));
    await Promise.resolve();
    expect(second).toBe(false);
    slots.leave("dead", true);
    await waiting;
    expect(second).toBe(true);
  });
});

describe("the quotas", () => {
  it("are AWS's, and half of them is used", () => {
    // KMS Developer Guide, "Request quotas".
    expect(["kms:ListGrants", "kms:GetKeyPolicy", "kms:ListKeys", "kms:DescribeKey"] as const).toSatisfy(
      (actions: readonly Parameters<typeof quotaOf>[0][]) =>
        JSON.stringify(actions.map(quotaOf)) === "[100,1000,500,2000]",
    );
    expect(quotaOf("kms:GetKeyLastUsage")).toBe(5);
    expect(DEFAULT_QUOTA_SHARE).toBe(0.5);
  });
});

describe("renewable credentials", () => {
  const named = (name: string, expiration?: Date): Credentials => ({
    accessKeyId: name,
    secretAccessKey: "x",
    ...(expiration === undefined ? {} : { expiration }),
  });

  it("are fetched once for all who wait, kept, and fetched again before they expire", async () => {
    let now = 0;
    let fetched = 0;
    const credentials = new RenewableCredentials(
      () => Promise.resolve(named(`k${++fetched}`, new Date(now + 3_600_000))),
      () => now,
    );
    const all = await Promise.all([credentials.get(), credentials.get(), credentials.get()]);
    expect(new Set(all.map((c) => c.accessKeyId))).toEqual(new Set(["k1"]));
    now = 3_600_000 - 5 * 60_000 - 1;
    expect((await credentials.get()).accessKeyId).toBe("k1");
    now += 1;
    expect((await credentials.get()).accessKeyId).toBe("k2");
  });

  it("are renewed once for all whose calls were refused with the same ones", async () => {
    let fetched = 0;
    const credentials = new RenewableCredentials(() => Promise.resolve(named(`k${++fetched}`)));
    await credentials.get();
    const { stamp } = credentials;
    expect(await Promise.all([credentials.renew(stamp), credentials.renew(stamp)])).toEqual([true, true]);
    expect(await credentials.renew(stamp)).toBe(true);
    expect(fetched).toBe(2);
  });

  it("that do not change are told as the same", async () => {
    const credentials = new RenewableCredentials(() => Promise.resolve(named("fixed")));
    await credentials.get();
    expect(await credentials.renew(credentials.stamp)).toBe(false);
  });
});

describe("a paced call", () => {
  const failure = (name: string, status = 400): Error =>
    Object.assign(new Error("because"), { name, $metadata: { httpStatusCode: status } });

  interface Setup {
    readonly ask: Ask;
    readonly clock: Clock;
  }
  function setup(fetch: () => Promise<Credentials>): Setup {
    const clock = new Clock();
    const surroundings = { now: clock.time, sleep: clock.sleep, random: () => 0.5 };
    const credentials = new RenewableCredentials(fetch);
    const target = { account: "111122223333", region: "eu-west-1" };
    const scheduler = new Scheduler(0.5, surroundings);
    return { clock, ask: pacedAsker({ scheduler, target, credentials, profile: undefined }) };
  }
  let serial = 0;
  const fresh = (): Promise<Credentials> =>
    Promise.resolve({ accessKeyId: `k${++serial}`, secretAccessKey: "x" });

  async function attempts(errors: readonly Error[], fetch = fresh): Promise<[answer: unknown, sent: number]> {
    const waiting = [...errors];
    let sent = 0;
    const { ask } = setup(fetch);
    const answer = await ask("kms:ListGrants", new AbortController().signal, () => {
      sent += 1;
      const error = waiting.shift();
      return error === undefined ? Promise.resolve("done") : Promise.reject(error);
    });
    return [answer.ok ? answer.value : answer.error.code, sent];
  }

  it.each<[string, readonly Error[]]>([
    ["throttling", Array.from({ length: 11 }, () => failure("ThrottlingException"))],
    ["failures of the service", Array.from({ length: 5 }, () => failure("InternalFailure", 500))],
    [
      "cut connections",
      Array.from({ length: 5 }, () => Object.assign(new Error("x"), { code: "ECONNRESET" })),
    ],
    ["expired credentials", Array.from({ length: 3 }, () => failure("ExpiredTokenException"))],
    [
      "all of them, each counted by itself",
      [3, 3, 3]
        .flatMap(() => [
          failure("ThrottlingException"),
          failure("InternalFailure", 500),
          failure("ExpiredTokenException"),
          Object.assign(new Error("x"), { code: "ECONNRESET" }),
        ])
        .slice(0, 9),
    ],
  ])("survives %s", async (_name, errors) => {
    expect(await attempts(errors)).toEqual(["done", errors.length + 1]);
  });

  it.each<[string, Error, number]>([
    ["what is refused at once", failure("AccessDeniedException"), 1],
    ["throttling without end", failure("ThrottlingException"), 12],
    ["a service that goes on failing", failure("KMSInternalException", 500), 6],
    ["an endpoint that does not answer", failure("TimeoutError"), 3],
  ])("ends with %s", async (_name, error, sent) => {
    const [answer, made] = await attempts(Array.from({ length: 50 }, () => error));
    expect(answer).toBe(error.name);
    expect(made).toBe(sent);
  });

  it("gives up where renewed credentials are the same and refused again", async () => {
    const same = (): Promise<Credentials> => Promise.resolve({ accessKeyId: "k", secretAccessKey: "x" });
    const errors = Array.from({ length: 9 }, () => failure("ExpiredTokenException"));
    expect(await attempts(errors, same)).toEqual(["ExpiredTokenException", 2]);
  });

  it("pays for every attempt out of the bucket of its operation", async () => {
    const { ask, clock } = setup(fresh);
    const { signal } = new AbortController();
    const start = clock.now;
    for (let i = 0; i < 100; i++) await ask("kms:ListGrants", signal, () => Promise.resolve(i));
    // 50 a second; a tenth of a second's worth may go at once.
    expect(clock.now - start).toBeGreaterThanOrEqual(1_880);
    const after = clock.now;
    for (let i = 0; i < 100; i++) await ask("kms:GetKeyPolicy", signal, () => Promise.resolve(i));
    expect(clock.now - after).toBeLessThan(200);
  });
});
