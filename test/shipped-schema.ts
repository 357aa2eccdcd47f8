import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** A JSON Schema as the package ships it, ready to validate with: `schemas/NAME.schema.json`. */
export function shippedSchema(name: string): ValidateFunction {
  const file = new URL(`../schemas/${name}.schema.json`, import.meta.url);
  const schema = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  return new Ajv2020({ allErrors: true, strict: false }).compile(schema);
}
