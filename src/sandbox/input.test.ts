import { describe, expect, test } from "vitest";
import { Input, parseJsonBody } from "./input.js";

describe("Input", () => {
  const input = new Input({
    Text: "abc",
    Number: 3,
    Half: 1.5,
    None: null,
    List: ["a", 1],
    Map: { a: 1 },
    Bytes: "YQ==",
  });

  test("null is absent, and inherited members are not there", () => {
    expect(input.has("None")).toBe(false);
    expect(input.has("toString")).toBe(false);
    expect(() => input.string("constructor")).toThrow("Value null at 'constructor'");
  });

  test("checks types as the protocol does", () => {
    expect(() => input.string("Number")).toThrow("NUMBER_VALUE can not be converted to a String");
    expect(() => input.optionalInteger("Half", 0, 9)).toThrow("an Integer");
    expect(() => input.flag("Text")).toThrow("a Boolean");
    expect(() => input.strings("List")).toThrow("a String");
    expect(() => input.strings("Text")).toThrow("a list");
    expect(() => input.stringMap("Map")).toThrow("a String");
    expect(() => input.structure("List")).toThrow("LIST_VALUE");
  });

  test("checks constraints and names the member", () => {
    expect(() => input.string("Text", { max: 2 })).toThrow("'abc' at 'text'");
    expect(() => input.string("Text", { min: 4 })).toThrow("greater than or equal to 4");
    expect(() => input.string("Text", { pattern: /^x/ })).toThrow("regular expression pattern: ^x");
    expect(() => input.string("Text", { oneOf: ["x"] })).toThrow("enum value set: [x]");
    expect(() => input.bytes("Text", 9)).not.toThrow();
    expect(input.bytes("Bytes", 1).toString()).toBe("a");
    expect(() => new Input({ B: "YWI=" }).bytes("B", 1)).toThrow("less than or equal to 1");
    expect(() => new Input({ B: "!" }).bytes("B", 1)).toThrow("not base64");
  });

  test("nested members are named by their path", () => {
    const [first] = new Input({ Tags: [{ TagKey: "" }] }).structures("Tags") ?? [];
    expect(() => first?.string("TagKey", { min: 1 })).toThrow("at 'tags.1.member.tagKey'");
  });

  test("an empty body is an empty structure", () => {
    expect(parseJsonBody(Buffer.from("")).has("x")).toBe(false);
    expect(() => parseJsonBody(Buffer.from("[]"))).toThrow("Expected a JSON object");
  });
});
