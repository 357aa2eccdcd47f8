import { describe, expect, test } from "vitest";
import { z } from "zod";
import { records } from "./records.js";

const texts = records(z.string());
const parsed = (json: string): unknown => JSON.parse(json);

describe("records whose names other people choose", () => {
  test.each([`{}`, `{"__proto__":"a"}`, `{"__proto__":"a","constructor":"b","toString":"c"}`])(
    "keep every member: %s",
    (json) => {
      expect(JSON.stringify(texts.parse(parsed(json)))).toBe(json);
      expect(JSON.stringify(z.strictObject({ at: texts.exactOptional() }).parse({ at: parsed(json) }))).toBe(
        `{"at":${json}}`,
      );
    },
  );

  test.each([
    [`{"a":1}`, ["a"]],
    [`{"__proto__":1}`, ["__proto__"]],
    [`{"__proto__":{}}`, ["__proto__"]],
    [`[]`, []],
    [`null`, []],
    [`"a"`, []],
  ])("refuse what is none, and say where: %s", (json, path) => {
    expect(texts.safeParse(parsed(json)).error?.issues.map((issue) => issue.path)).toEqual([path]);
  });

  test("may be left out where they are optional, and only there", () => {
    expect(z.strictObject({ at: texts.exactOptional() }).safeParse({}).success).toBe(true);
    expect(z.strictObject({ at: texts }).safeParse({}).success).toBe(false);
  });

  test("have the JSON Schema of records", () => {
    const of = (schema: z.ZodType): unknown => z.toJSONSchema(schema, { io: "input" });
    expect(of(z.strictObject({ at: texts.exactOptional() }))).toEqual(
      of(z.strictObject({ at: z.record(z.string(), z.string()).exactOptional() })),
    );
  });
});
