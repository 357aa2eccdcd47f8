import { describe, expect, it } from "vitest";
import { plainGlob } from "../../src/access/glob.js";
import { type Segment, type View, viewText, type WordConstraint } from "../../src/access/views.js";
import { solveWords } from "../../src/access/words.js";
import { Random } from "../generators/random.js";
import { arnGlob, patternRegExp, somePattern, texts } from "./brute.js";

const LETTERS = "ab";

/** A segment over two letters (and, for ARNs, colons) of 0 to 3 characters. */
function segment(r: Random, letters: string): Segment {
  const min = r.int(3);
  const max = min + r.int(2);
  return {
    name: "s",
    alphabet: { has: (c) => letters.includes(c), fillers: Array.from(letters) },
    min,
    max,
    guess: r.text(letters, min),
  };
}

interface Problem {
  readonly segments: readonly Segment[];
  readonly constraints: readonly (WordConstraint & { readonly patterns: readonly RegExp[] })[];
}

function problem(r: Random, arn: boolean): Problem {
  const letters = arn ? `${LETTERS}:` : LETTERS;
  const segments = r.list(1, 3, () => segment(r, letters));
  const view = (): View => {
    const chosen = segments.map((_, i) => i).filter(() => r.chance(70));
    const out: (string | number)[] = arn ? ["a:b:", "a:"] : [];
    for (const i of chosen.length === 0 ? [0] : chosen) {
      if (r.chance(40)) out.push(r.text(letters, 1));
      out.push(i);
    }
    if (r.chance(30)) out.push(r.text(letters, 1));
    return out;
  };
  const constraints = r.list(1, 4, () => {
    const head = arn ? r.pick(["a:b:a:", "*:?:a:", "a:*:*:"]) : "";
    const texts = r.list(1, 3, () => head + somePattern(r, letters, arn ? 6 : 5));
    return {
      view: view(),
      mode: r.chance(60) ? ("oneOf" as const) : ("noneOf" as const),
      globs: texts.map((t) => (arn ? arnGlob(t) : plainGlob(t))),
      patterns: texts.map((t) => patternRegExp(t, arn)),
    };
  });
  return { segments, constraints };
}

/** Rows of segments between colons, as in ARNs and ids, most of which cannot hold a colon themselves. */
function rows(r: Random): Problem {
  const segments = r.list(2, 3, () => segment(r, r.chance(75) ? LETTERS : `${LETTERS}:`));
  const view = (): View => {
    const out: (string | number)[] = r.chance(50) ? [r.pick(["a:", "a:b:", ":", "ab:"])] : [];
    for (const i of segments.keys()) {
      if (!r.chance(85)) continue;
      out.push(i);
      if (r.chance(80)) out.push(r.pick([":", ":", ":a", "b:", ":a:", "::"]));
    }
    return out.length === 0 ? [0] : out;
  };
  const constraints = r.list(1, 4, () => {
    const arn = r.chance(50);
    const texts = r.list(1, 3, () =>
      r.list(1, 4, () => r.pick(["*", "*", "a", "b", "?", "", "a*", "*b", "?b", "**"])).join(":"),
    );
    return {
      view: view(),
      mode: r.chance(60) ? ("oneOf" as const) : ("noneOf" as const),
      globs: texts.map((t) => (arn ? arnGlob(t) : plainGlob(t))),
      patterns: texts.map((t) => patternRegExp(t, arn)),
    };
  });
  return { segments, constraints };
}

function meetsAll(p: Problem, values: readonly string[]): boolean {
  return p.constraints.every(({ view, mode, patterns }) => {
    const text = viewText(view, values);
    return patterns.some((re) => re.test(text)) === (mode === "oneOf");
  });
}

/** Whether some values of the segments meet all, by trying them all. */
function possible(p: Problem): boolean {
  const choices = p.segments.map((s) => texts(s.alphabet.fillers.join(""), s.min, s.max));
  const go = (at: number, values: readonly string[]): boolean => {
    const mine = choices[at];
    if (mine === undefined) return meetsAll(p, values);
    return mine.some((v) => go(at + 1, [...values, v]));
  };
  return go(0, []);
}

function hold(p: Problem): "found" | "impossible" {
  const answer = solveWords(p.segments, p.constraints, { left: 100_000 });
  const wanted = possible(p);
  const said = JSON.stringify(p.constraints.map((c) => [c.view, c.mode, c.globs.map((g) => g.text)]));
  const lengths = JSON.stringify(p.segments.map((s) => [s.min, s.max]));
  if (answer.kind === "found") {
    expect(meetsAll(p, answer.values), `${said} ${lengths} gives ${JSON.stringify(answer.values)}`).toBe(
      true,
    );
    for (const [i, s] of p.segments.entries()) {
      const value: string = answer.values[i] ?? "";
      if (value.length < s.min || value.length > s.max) expect.fail(`${said}: ${value} is too short or long`);
    }
    return "found";
  }
  expect(answer.kind, `${said} ${lengths}`).toBe("impossible");
  expect(wanted, `${said} ${lengths} is not impossible`).toBe(false);
  return "impossible";
}

describe("words with shared segments against trying every value", () => {
  it.each([
    ["patterns and negated patterns", 2, 4000, (r: Random) => problem(r, false)],
    ["patterns of ARN operators", 3, 1200, (r: Random) => problem(r, true)],
    ["rows of segments between colons", 4, 4000, rows],
  ] as const)("%s", (_name, seed, runs, make) => {
    const r = new Random(seed);
    const answers = { found: 0, impossible: 0 };
    for (let i = 0; i < runs; i += 1) answers[hold(make(r))] += 1;
    expect(answers.found).toBeGreaterThan(runs / 10);
    expect(answers.impossible).toBeGreaterThan(runs / 10);
  });
});
