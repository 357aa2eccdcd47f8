import { describe, expect, test } from "vitest";
import type { JournalEvent } from "./events.js";
import { endOf, type RunEnd } from "./journal.js";

const resumed: JournalEvent = { type: "resumed", pid: 1 };
const end = (complete: boolean): JournalEvent => ({ type: "end", complete });
const key: JournalEvent = { type: "key-end", key: "k", outcome: "done", reason: "" };

describe("how a run ended", () => {
  test.each<[string, readonly JournalEvent[], RunEnd]>([
    ["with all keys", [key, end(true)], "complete"],
    ["before its end", [key, end(false)], "stopped"],
    ["killed", [key], "killed"],
    ["gone on with, and killed then", [end(false), resumed, key], "killed"],
    ["gone on with, to its end", [end(false), resumed, key, end(true)], "complete"],
    ["nothing was written", [], "killed"],
  ])("%s", (_what, events, expected) => {
    const entries = events.map((event, seq) => ({ seq, at: "2026-11-23T10:00:00Z", event }));
    expect(endOf({ entries })).toBe(expected);
  });
});
