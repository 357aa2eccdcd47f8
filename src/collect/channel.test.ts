import { describe, expect, it } from "vitest";
import { Channel } from "./channel.js";
import { Workers } from "./workers.js";

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Channel", () => {
  it("gives every item in order, and holds producers at its capacity", async () => {
    const channel = new Channel<{ n: number }>(2);
    let pushed = 0;
    const producer = (async () => {
      for (let n = 0; n < 50; n++) {
        await channel.push({ n });
        pushed = n + 1;
      }
      channel.end();
    })();
    await later();
    expect(pushed).toBe(2);
    const got: number[] = [];
    for await (const { n } of channel) {
      got.push(n);
      await later();
      expect(pushed - got.length).toBeLessThanOrEqual(2);
    }
    await producer;
    expect(got).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it("gives what is queued before a failure", async () => {
    const channel = new Channel<{ n: number }>(9);
    await channel.push({ n: 1 });
    channel.fail(new Error("broken"));
    const got: number[] = [];
    const reading = (async () => {
      for await (const { n } of channel) got.push(n);
    })();
    await expect(reading).rejects.toThrow("broken");
    expect(got).toEqual([1]);
  });

  it("lets all waiting producers go when it is closed", async () => {
    const channel = new Channel<{ n: number }>(1);
    await channel.push({ n: 0 });
    const waiting = [1, 2, 3].map((n) => channel.push({ n }));
    channel.close();
    await Promise.all(waiting);
    await channel.push({ n: 4 });
  });
});

describe("Workers", () => {
  it("runs at most so many tasks at once, and all of them", async () => {
    const workers = new Workers(3);
    let open = 0;
    let most = 0;
    let done = 0;
    for (let i = 0; i < 20; i++) {
      await workers.start(async () => {
        most = Math.max(most, ++open);
        await later();
        open -= 1;
        done += 1;
      });
    }
    await workers.settled();
    expect([most, done]).toEqual([3, 20]);
  });

  it("tells of a task that threw, after the others have ended", async () => {
    const workers = new Workers(2);
    let done = 0;
    await workers.start(() => Promise.reject(new Error("bug")));
    await workers.start(async () => {
      await later();
      done += 1;
    });
    await expect(workers.settled()).rejects.toThrow("bug");
    expect(done).toBe(1);
  });
});
