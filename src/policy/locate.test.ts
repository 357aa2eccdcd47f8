import { describe, expect, it } from "vitest";
import { locate, locator, positionAt } from "./locate.js";

describe("positionAt", () => {
  const text = "ab\ncd\r\ne\rf\n";
  it.each([
    [0, 1, 1],
    [2, 1, 3],
    [3, 2, 1],
    [5, 2, 3],
    [6, 2, 4], // between CR and LF
    [7, 3, 1],
    [9, 4, 1],
    [11, 5, 1],
  ])("offset %i is %i:%i", (offset, line, column) => {
    expect(positionAt(text, offset)).toEqual({ line, column, offset });
  });

  it.each([
    [-5, 0],
    [99, 11],
    [Number.NaN, 0],
    [2.9, 2],
  ])("takes %d for the nearest offset that there is", (offset, expected) => {
    expect(positionAt(text, offset).offset).toBe(expected);
  });

  it("counts UTF-16 code units in columns", () => {
    expect(positionAt("🔑x", 2)).toEqual({ line: 1, column: 3, offset: 2 });
  });
});

describe("locate", () => {
  const text = `{
  "Statement": [
    { "Effect": "Allow",
      "Action": ["kms:Decrypt", "kms:Encrypt"],
      "Condition": { "StringEquals": { "__proto__": "x", "aws:userid": 1e3 } } },
    7
  ]
}`;
  it.each([
    [[], 1, 1],
    [["Statement"], 2, 16],
    [["Statement", 0], 3, 5],
    [["Statement", 0, "Effect"], 3, 17],
    [["Statement", 0, "Action", 1], 4, 33],
    [["Statement", 0, "Condition", "StringEquals", "__proto__"], 5, 53],
    [["Statement", 0, "Condition", "StringEquals", "aws:userid"], 5, 72],
    [["Statement", 1], 6, 5],
  ])("%j is at %i:%i", (path, line, column) => {
    expect(locate(text, path)).toMatchObject({ line, column });
  });

  it.each([[["Version"]], [["Statement", 2]], [["Statement", "0"]], [["Statement", 0, "Effect", "x"]]])(
    "%j is nowhere",
    (path) => {
      expect(locate(text, path)).toBeUndefined();
    },
  );

  it("counts a byte order mark as a character", () => {
    expect(locate('\ufeff{"Id":"a"}', ["Id"])).toEqual({ line: 1, column: 8, offset: 7 });
  });

  it("finds what stands before a mistake", () => {
    expect(locate('{"Id": "a", "Version": }', ["Id"])).toMatchObject({ column: 8 });
  });

  it.each(["", "[".repeat(100_000), `{"a":`.repeat(30_000), `"\n${"[".repeat(50_000)}`])(
    "does not fall over text that is no policy",
    (broken) => {
      expect(locate(broken, ["Id"])).toBeUndefined();
    },
  );

  it("reads a text once for many paths", () => {
    const at = locator(text);
    expect(at(["Statement"])).toEqual(locate(text, ["Statement"]));
    expect(at(["Statement", 1])).toEqual(locate(text, ["Statement", 1]));
  });
});

it("gives no place in a text that is too deep to be read", () => {
  const deep = `${"[".repeat(60_000)}${"]".repeat(60_000)}`;
  expect(locate(deep, [0])).toBeUndefined();
});
