import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_LINE, chainLine, readChain, sha256 } from "./chain.js";
import type { JournalEvent } from "./events.js";

const EVENTS: readonly JournalEvent[] = [
  {
    type: "run",
    schema: "keyward.journal/1",
    run: "r",
    kind: "apply",
    tool: "t",
    tasks: "a".repeat(64),
    of: 'p","sum":"x',
  },
  { type: "backup", key: "k", policy: "b".repeat(64), grants: "c".repeat(64) },
  { type: "intent", key: "k", action: "put-policy", from: "b".repeat(64), to: "d".repeat(64) },
  { type: "done", key: "k", action: "put-policy", how: "answered", grantId: null },
  { type: "key-end", key: "k", outcome: "done", reason: "é ümlaut" },
  { type: "end", complete: true },
];

function written(): Buffer {
  let prev = NO_LINE;
  let text = "";
  for (const [i, event] of EVENTS.entries()) {
    const line = chainLine(i, "2026-11-23T10:00:00.000Z", prev, event);
    text += line.text;
    prev = line.sum;
  }
  return Buffer.from(text);
}

describe("a chained log", () => {
  it("reads back as it was written", () => {
    const log = readChain(written());
    expect(log.entries.map((e) => e.event)).toEqual(EVENTS);
    expect([log.torn, log.faults]).toEqual([false, []]);
  });

  it("shows every changed byte: as a fault, or as a last line that was cut off", () => {
    const good = written();
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ by;
        const log = readChain(bad);
        expect(log.torn || log.faults.length > 0).toBe(true);
        // What stands before the change is still good.
        const line = good.subarray(0, at).toString().split("\n").length - 1;
        expect(log.entries.map((e) => e.event)).toEqual(EVENTS.slice(0, line));
      }),
      { seed: 5, numRuns: 600 },
    );
  });

  it("keeps every whole line of a log that was cut anywhere", () => {
    const good = written();
    for (let length = 0; length <= good.length; length++) {
      const log = readChain(good.subarray(0, length));
      const whole = good.subarray(0, length).toString().split("\n").length - 1;
      expect(log.entries.length).toBe(whole);
      expect(log.faults).toEqual([]);
      expect(log.torn).toBe(log.goodBytes !== length);
    }
  });

  it("takes no line for good because its checksum is right: one that is no JSON, or of another form", () => {
    for (const body of ['{"seq":0,"at":}', '{"seq":0,"at":"","prev":"","event":null}', '{"a":1}']) {
      const line = `${body.slice(0, -1)},"sum":"${sha256(body)}"}\n`;
      expect(readChain(Buffer.from(line))).toMatchObject({
        entries: [],
        faults: [expect.stringMatching(/^line 1: /)],
      });
    }
  });

  it("shows a line that is missing, repeated or out of order", () => {
    const lines = written().toString().trimEnd().split("\n");
    const faults = (order: readonly number[]): readonly string[] =>
      readChain(Buffer.from(order.map((i) => `${lines[i] ?? ""}\n`).join(""))).faults;
    expect(faults([0, 1, 2, 3, 4, 5])).toEqual([]);
    for (const order of [
      [1, 2],
      [0, 2],
      [0, 1, 1],
      [0, 2, 1],
      [0, 1, 2, 3, 5],
    ]) {
      expect(faults(order)[0]).toContain("it does not follow the line before");
    }
  });
});
