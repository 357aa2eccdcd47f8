import { readFileSync, readdirSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { SCHEMA_FOLDER, jsonSchemas } from "./schemas.js";

const EXAMPLES = new URL("../../examples/", import.meta.url);

function validator(name: string): ValidateFunction {
  const schema = JSON.parse(readFileSync(new URL(name, SCHEMA_FOLDER), "utf8")) as Record<string, unknown>;
  return new Ajv2020({ allErrors: true, strict: false }).compile(schema);
}

describe("the JSON Schemas", () => {
  test("that are shipped are fresh: run npm run schemas", () => {
    for (const [name, text] of jsonSchemas()) {
      expect(readFileSync(new URL(name, SCHEMA_FOLDER), "utf8"), name).toBe(text);
    }
    expect(readdirSync(SCHEMA_FOLDER).filter((f) => jsonSchemas().has(f))).toHaveLength(jsonSchemas().size);
  });

  test("accept the examples", () => {
    const snapshot = validator("snapshot.schema.json");
    const config = validator("config.schema.json");
    let lines = 0;
    for (const file of readdirSync(EXAMPLES).filter((name) => name.includes("."))) {
      const text = readFileSync(new URL(file, EXAMPLES), "utf8");
      if (file.endsWith(".ndjson")) {
        for (const line of text.split("\n").filter((l) => l.trim() !== "")) {
          lines++;
          snapshot(JSON.parse(line));
          expect(snapshot.errors ?? [], `${file}: ${line.slice(0, 100)}`).toEqual([]);
        }
      } else if (/^keyward.*\.yaml$/.test(file)) {
        config(parse(text));
        expect(config.errors ?? [], file).toEqual([]);
      }
    }
    expect(lines).toBeGreaterThan(0);
  });

  test.each([
    ["snapshot.schema.json", { type: "key", arn: "arn:aws:kms:…" }],
    ["snapshot.schema.json", { type: "organization", id: "o-own1234567", more: 1 }],
    ["config.schema.json", { trust: { acounts: [] } }],
    ["config.schema.json", { exceptions: [{ key: "alias/x", rule: "nonsense" }] }],
    ["report.schema.json", { schema: "keyward.report/2" }],
  ])("%s refuses %j", (name, value) => {
    expect(validator(name)(value)).toBe(false);
  });
});
