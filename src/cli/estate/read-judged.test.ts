import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { estateLines } from "../../../bench/estate-lines.mjs";
import { KeywardError } from "../../domain/result.js";
import { readSnapshotItems } from "../../snapshot/read.js";
import { NO_CONFIG } from "../../trust/config.js";
import type { JudgedKeys } from "./batch.js";
import { judgeKeys } from "./batch.js";
import { KeyJudge } from "./key-judge.js";
import { readJudged } from "./read-judged.js";

const NOW = Date.UTC(2026, 10, 23) / 1000;
const LINES = [...estateLines({ keys: 300, seed: 5 })].filter(
  (l) => !l.includes('"resource-control-policy"'),
);

interface Read {
  readonly arns: readonly string[];
  readonly multiRegion: readonly string[];
  readonly counted: number;
  readonly problem: string | undefined;
  /** How many keys each judge was asked about. */
  readonly asked: readonly number[];
}

/** Reads lines with so many judges; each answers later than the next one. */
async function read(lines: readonly string[], count: number): Promise<Read> {
  const judges = Array.from({ length: count }, () => new KeyJudge(NO_CONFIG, NOW));
  const asked = judges.map(() => 0);
  const all: JudgedKeys[] = [];
  let problem: string | undefined;
  try {
    const items = readSnapshotItems(Readable.from([`${lines.join("\n")}\n`]), "s");
    for await (const line of readJudged(items, "s", {
      count,
      ahead: 2,
      judge: async (keys, which) => {
        asked[which] = (asked[which] ?? 0) + keys.lines.length;
        await new Promise((resolve) => setTimeout(resolve, (count - which) * 2));
        const judge = judges[which];
        if (judge === undefined) throw new Error("no judge");
        return judgeKeys(keys, judge, "exposed");
      },
    })) {
      if (line.type === "judged") all.push(line.keys);
    }
  } catch (error) {
    if (!(error instanceof KeywardError)) throw error;
    problem = error.problem.where;
  }
  const text = all.map((k) => Buffer.from(k.members).toString("utf8")).join("");
  return {
    arns: [...text.matchAll(/\{"arn":"([^"]*)"/g)].map((m) => m[1] ?? ""),
    multiRegion: all.flatMap((k) => k.multiRegion.map((m) => m.arn)),
    counted: all.reduce((n, k) => n + Object.values(k.counts.verdicts).reduce((a, b) => a + b, 0), 0),
    problem,
    asked,
  };
}

const arnsOf = (lines: readonly string[]): string[] =>
  lines.flatMap((l) => /"arn":"([^"]*)"/.exec(l)?.[1] ?? []);

describe("keys that several judge", () => {
  test.each([1, 2, 3])("%d: come in the order of the file, each once", async (count) => {
    const { arns, multiRegion, counted, asked } = await read(LINES, count);
    const expected = arnsOf(LINES);
    expect(expected).toHaveLength(300);
    expect(arns).toEqual(expected.filter((a) => !a.includes("/mrk-")));
    expect(multiRegion).toEqual(expected.filter((a) => a.includes("/mrk-")));
    expect(counted).toBe(arns.length);
    expect(Math.min(...asked)).toBeGreaterThan(0);
  });

  test.each([1, 2, 3])("%d: up to a line that is wrong, and none after it", async (count) => {
    for (const wrong of [3, 60, 211]) {
      const damaged = LINES.map((l, i) => (i === wrong ? l.replace('"state"', '"stat"') : l));
      const { arns, multiRegion, counted, problem } = await read(damaged, count);
      const expected = arnsOf(LINES.slice(0, wrong));
      expect(problem).toBe(`s:${wrong + 1}`);
      expect([...arns, ...multiRegion].sort()).toEqual([...expected].sort());
      expect(counted).toBe(arns.length);
    }
  });

  test("go to the same one where they have the same policy in other accounts", async () => {
    const [head = "", organization = "", first = ""] = LINES;
    const id = /:([0-9]{12}):key/.exec(first)?.[1] ?? "";
    const same = Array.from({ length: 40 }, (_, i) => first.replaceAll(id, `${300_000_000_000 + i * 7919}`));
    const { asked } = await read([head, organization, ...same], 3);
    expect([...asked].sort()).toEqual([0, 0, 40]);
  });
});
