import { describe, expect, it } from "vitest";
import { matches, plainGlob } from "../../src/access/glob.js";
import { globMatches, globsIntersect, parseGlob } from "../../src/semantics/glob.js";
import { Random } from "../generators/random.js";
import { arnGlob, patternRegExp, texts } from "./brute.js";

describe("patterns against regular expressions", () => {
  it("match the same texts: every pattern of up to 3 signs, every text of up to 4 letters", () => {
    for (const pattern of texts("ab*?", 0, 3)) {
      const reading = patternRegExp(pattern);
      const glob = plainGlob(pattern);
      const reference = parseGlob(pattern);
      for (const text of texts("ab", 0, 4)) {
        const wanted = reading.test(text);
        if (matches(glob, text) !== wanted) expect.fail(`engine: ${pattern} on ${text}`);
        if (globMatches(reference, text) !== wanted) expect.fail(`reference: ${pattern} on ${text}`);
      }
    }
  });

  it("match by part in ARN operators", () => {
    const r = new Random(1);
    let hits = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const parts = (letters: string, n: number): string =>
        Array.from({ length: n }, () => r.text(letters, r.int(3))).join(":");
      const pattern = parts("a*?", 6 + r.int(2));
      const text = parts("ab", 6 + r.int(2));
      const wanted = patternRegExp(pattern, true).test(text);
      if (wanted) hits += 1;
      if (matches(arnGlob(pattern), text) !== wanted) expect.fail(`${pattern} on ${text}`);
    }
    expect(hits).toBeGreaterThan(40);
  });

  it("intersect iff some text fits both", () => {
    const words = texts("ab", 0, 6);
    const patterns = texts("ab*?", 0, 3).filter((p) => !p.includes("**"));
    const fitting = new Map(
      patterns.map((p) => {
        const reading = patternRegExp(p);
        return [p, new Set(words.filter((w) => reading.test(w)))] as const;
      }),
    );
    for (const left of patterns) {
      for (const right of patterns) {
        const both = [...(fitting.get(left) ?? [])].some((w) => fitting.get(right)?.has(w));
        if (globsIntersect(parseGlob(left), parseGlob(right)) !== both) expect.fail(`${left} and ${right}`);
      }
    }
  });
});
