import { describe, expect, it } from "vitest";
import { scanText } from "./scan.js";

describe("scanText", () => {
  it.each([
    ["", 0, 0],
    ["7", 0, 0],
    ["{}", 0, 1],
    ['{"a":1}', 1, 1],
    ['{"a" : {"b":[1,[2]]},"c":"d"}', 3, 4],
    ["[[],[[]],[]]", 0, 3],
    ['{"a:b":":::"}', 1, 1],
    ['{"a":"{[{["}', 1, 1],
    ['{"a\\"":":"}', 1, 1],
    ['{"a":"\\":[[[","b":1}', 2, 1],
    ['{"a":"\\\\","b":":"}', 2, 1],
    ['{"a":"\\u0022:[[","b":1}', 2, 1],
    ['{"a', 0, 1],
    ['"\\', 0, 0],
  ])("%s has %i members and %i levels", (text, members, depth) => {
    expect(scanText(text)).toMatchObject({ members, depth });
  });

  it.each(["7", "[0, 12, 345]", '{"a":true,"b":false,"c":null}', '{"a":"1.5e-3"}', '"-1"'])(
    "%s has plain numbers only",
    (text) => {
      expect(scanText(text).plainNumbers).toBe(true);
    },
  );

  it.each(["1.0", "-1", "1e2", "[1E2]", "[0,1e+2]", '{"a":-0}'])("%s has other numbers", (text) => {
    expect(scanText(text).plainNumbers).toBe(false);
  });
});
