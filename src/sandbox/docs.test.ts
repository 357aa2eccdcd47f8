import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCallers } from "./callers-file.js";
import { IAM_OPERATIONS } from "./iam/index.js";
import { KMS_OPERATIONS } from "./operations/index.js";
import { ORG_OPERATIONS } from "./organizations/index.js";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test.each<[string, ReadonlyMap<string, unknown>]>([
  ["KMS", KMS_OPERATIONS],
  ["Organizations", ORG_OPERATIONS],
  ["IAM", IAM_OPERATIONS],
])("the documentation lists the operations of %s that there are", (service, operations) => {
  const row = new RegExp(`^\\| ${service} \\| (.*) \\|$`, "m").exec(read("docs/sandbox.md"))?.[1] ?? "";
  expect(row.split(", ")).toEqual([...operations.keys()].sort());
});

test("the sample callers file is one", () => {
  const file = parseCallers(JSON.parse(read("examples/callers.json")), "callers.json");
  expect(file.accessKeys.size).toBe(4);
  expect([...file.roles.keys()]).toEqual(["arn:aws:iam::222233334444:role/audit/keyward"]);
});
