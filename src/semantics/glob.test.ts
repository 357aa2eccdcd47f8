import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arnParts, globMatches, globsIntersect, globText, literalGlob, parseGlob } from "./glob.js";

/** The same pattern as a regular expression: an independent oracle. */
function regex(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "su");
}

const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 6 });
const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 6 });

describe("globs", () => {
  it("match what the same regular expression matches", () => {
    fc.assert(
      fc.property(patterns, letters, (pattern, text) => {
        expect(globMatches(parseGlob(pattern), text)).toBe(regex(pattern).test(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("take a character beyond the basic plane for one", () => {
    const odd = fc.string({ unit: fc.constantFrom("a", "\u{1f511}", "\ud800"), maxLength: 5 });
    const patternsToo = fc.string({ unit: fc.constantFrom("a", "\u{1f511}", "*", "?"), maxLength: 5 });
    fc.assert(
      fc.property(patternsToo, odd, (pattern, text) => {
        expect(globMatches(parseGlob(pattern), text)).toBe(regex(pattern).test(text));
      }),
      { numRuns: 1000 },
    );
  });

  it("take any text in a literal", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), (text) => {
        expect(globMatches(literalGlob(text), text)).toBe(true);
        expect(globText(literalGlob(text))).toBe(text);
      }),
    );
    expect(globMatches(literalGlob("*"), "a")).toBe(false);
  });

  it("intersect iff a text fits both", () => {
    // Two patterns of at most 4 tokens that have a common text have one of at most 8 letters.
    const texts = [""];
    for (let i = 0; i < texts.length && (texts[i] ?? "").length < 8; i++)
      texts.push(`${texts[i] ?? ""}a`, `${texts[i] ?? ""}b`);
    const short = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 4 });
    fc.assert(
      fc.property(short, short, (left, right) => {
        const both = texts.some((text) => regex(left).test(text) && regex(right).test(text));
        expect(globsIntersect(parseGlob(left), parseGlob(right))).toBe(both);
      }),
      { numRuns: 300 },
    );
  });

  it("are cut at the first five colons", () => {
    const parts = arnParts(parseGlob("arn:aws:lambda:*:111122223333:function:f:?"));
    expect(parts?.map(globText)).toEqual(["arn", "aws", "lambda", "*", "111122223333", "function:f:?"]);
    expect(arnParts(parseGlob("arn:aws:iam::*"))).toBeUndefined();
  });
});
