import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCallers } from "./callers-file.js";
import { KMS_OPERATIONS } from "./operations/index.js";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the documentation lists the operations that there are", () => {
  const row = /^\| KMS \| (.*) \|$/m.exec(read("docs/sandbox.md"))?.[1] ?? "";
  expect(row.split(", ")).toEqual([...KMS_OPERATIONS.keys()].sort());
});

test("the sample callers file is one", () => {
  const file = parseCallers(JSON.parse(read("examples/callers.json")), "callers.json");
  expect(file.accessKeys.size).toBe(4);
  expect([...file.roles.keys()]).toEqual(["arn:aws:iam::222233334444:role/audit/keyward"]);
});
