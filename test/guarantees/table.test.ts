import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GUARANTEES } from "./registry.js";
import { guaranteesPage, taggedTests } from "./table.js";

describe("docs/guarantees.md", () => {
  const page = new URL("../../docs/guarantees.md", import.meta.url);

  it("every promise has a test", () => {
    const held = new Set(taggedTests().map((t) => t.id));
    expect(Object.keys(GUARANTEES).filter((id) => !held.has(id))).toEqual([]);
  });

  it("every tag names a promise", () => {
    expect(taggedTests().filter((t) => !(t.id in GUARANTEES))).toEqual([]);
  });

  it("is what the tests say (else: npm run guarantees)", () => {
    if (process.env["KEYWARD_WRITE_GUARANTEES"] === "1") writeFileSync(page, guaranteesPage());
    expect(readFileSync(page, "utf8")).toBe(guaranteesPage());
  });
});
