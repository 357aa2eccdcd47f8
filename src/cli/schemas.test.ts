import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { shippedSchema } from "../../test/shipped-schema.js";
import { SCHEMA_FOLDER, jsonSchemas } from "./schemas.js";

const EXAMPLES = new URL("../../examples/", import.meta.url);

describe("the JSON Schemas", () => {
  test("that are shipped are fresh: run npm run schemas", () => {
    for (const [name, text] of jsonSchemas()) {
      expect(readFileSync(new URL(name, SCHEMA_FOLDER), "utf8"), name).toBe(text);
    }
    expect(readdirSync(SCHEMA_FOLDER).sort()).toEqual([...jsonSchemas().keys()].sort());
  });

  test("accept the examples", () => {
    const snapshot = shippedSchema("snapshot");
    const config = shippedSchema("config");
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
    ["snapshot", { type: "key", arn: "arn:aws:kms:…" }],
    ["snapshot", { type: "organization", id: "o-own1234567", more: 1 }],
    ["config", { trust: { acounts: [] } }],
    ["config", { exceptions: [{ key: "alias/x", rule: "nonsense" }] }],
    ["report", { schema: "keyward.report/2" }],
    ["plan", { schema: "keyward.plan/1" }],
    ["usage", { type: "usage", key: "arn:aws:kms:…" }],
    ["explanation", { schema: "keyward.explanation/1" }],
    ["simulation", { schema: "keyward.simulation/1", decision: "allow" }],
  ])("%s refuses %j", (name, value) => {
    expect(shippedSchema(name)(value)).toBe(false);
  });
});
