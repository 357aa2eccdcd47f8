import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inert, printable } from "./inert.js";

const ESC = String.fromCharCode(0x1b);

describe("inert", () => {
  it.each([
    [
      "plain ASCII stays",
      "arn:aws:iam::111122223333:role/App_1 (x)",
      "arn:aws:iam::111122223333:role/App_1 (x)",
    ],
    ["letters of any script stay", "Schlüssel ключ 密钥 مفتاح กุญแจ", "Schlüssel ключ 密钥 مفتاح กุญแจ"],
    ["emoji stay", "🔑", "🔑"],
    ["a combining mark on its letter stays", "e\u0301", "e\u0301"],
    ["line ends and tabs", "a\nb\r\nc\td", "a\\nb\\r\\nc\\td"],
    ["terminal colours", `${ESC}[31mred${ESC}[0m`, "\\u{1b}[31mred\\u{1b}[0m"],
    ["a terminal hyperlink", `${ESC}]8;;http://x${ESC}\\`, "\\u{1b}]8;;http://x\\u{1b}\\\\"],
    ["NUL, backspace, DEL", "\0\b\x7f", "\\u{0}\\u{8}\\u{7f}"],
    ["C1 controls (CSI in one byte)", "\u009b31m\u0085", "\\u{9b}31m\\u{85}"],
    ["bidi overrides", "a\u202eb\u2066c\u200fd\u061ce", "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{61c}e"],
    ["zero width", "a\u200bb\u200dc\u2060d\ufeffe", "a\\u{200b}b\\u{200d}c\\u{2060}d\\u{feff}e"],
    ["soft hyphen and invisible operators", "a\u00adb\u2062", "a\\u{ad}b\\u{2062}"],
    ["line and paragraph separators", "a\u2028b\u2029", "a\\u{2028}b\\u{2029}"],
    ["spaces that look like a space", "a\u00a0b\u3000c\u2003", "a\\u{a0}b\\u{3000}c\\u{2003}"],
    ["fillers that look like nothing", "\u3164\u115f\u2800\uffa0", "\\u{3164}\\u{115f}\\u{2800}\\u{ffa0}"],
    ["variation selectors", "a\ufe0fb\u{e0101}", "a\\u{fe0f}b\\u{e0101}"],
    ["tag characters", "a\u{e0041}\u{e007f}", "a\\u{e0041}\\u{e007f}"],
    ["lone surrogates", "a\ud800b\udc00", "a\\u{d800}b\\u{dc00}"],
    ["private use", "\ue000\u{f0000}", "\\u{e000}\\u{f0000}"],
    ["unassigned and non-characters", "\u0378\uffff", "\\u{378}\\u{ffff}"],
    ["a faked escape", "\\u{1b}\\n", "\\\\u{1b}\\\\n"],
    ["a mark that would join what is printed before", "\u0301a", "\\u{301}a"],
    ["marks piled on one letter", "a\u0301\u0301\u0301\u0301\u0301", "a\u0301\u0301\u0301\\u{301}\\u{301}"],
    ["nothing", "", ""],
  ])("%s", (_what, text, expected) => {
    expect(inert(text)).toBe(expected);
  });

  it.each([
    ["as long as allowed", "abcde", 5, "abcde"],
    ["longer", "abcdef", 5, "abcd…"],
    ["counts code points", "ключи", 4, "клю…"],
    ["counts code points beyond the basic plane", "🔑🔑🔑", 2, "🔑…"],
    ["never cuts an escape", `ab${ESC}cdef`, 6, "ab…"],
    ["keeps an escape that fits", `a${ESC}c`, 8, "a\\u{1b}c"],
    ["a single place", "abc", 1, "…"],
  ])("max: %s", (_what, text, max, expected) => {
    expect(inert(text, { max })).toBe(expected);
  });

  it("leaves nothing unsafe of any text, and never exceeds max", () => {
    const unsafe = /[\p{C}\p{Zl}\p{Zp}]/u;
    const options = { seed: 7, numRuns: 2000 };
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 30 }), (text, max) => {
        expect(inert(text)).not.toMatch(unsafe);
        expect(Array.from(inert(text, { max })).length).toBeLessThanOrEqual(max);
      }),
      options,
    );
  });

  it("shows different texts differently", () => {
    const unit = fc.constantFrom("a", "\\", "n", "u", "{", "1", "b", "}", "\n", "\x1b", "\u202e", "\ud800");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 6 }), fc.string({ unit, maxLength: 6 }), (a, b) => {
        expect(inert(a) === inert(b)).toBe(a === b);
      }),
      { seed: 8, numRuns: 3000 },
    );
  });
});

describe("printable", () => {
  it("escapes what a terminal would obey, and keeps line feeds and escapes that are there already", () => {
    expect(printable(`a\nb${ESC}[31m\u202e\r\u0007\\n`)).toBe("a\nb\\u{1b}[31m\\u{202e}\\r\\u{7}\\n");
  });
});
