import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DOUBTS } from "../src/semantics/doubts.js";

it("docs/doubts.md names every doubt with its meaning, and no other", () => {
  const page = readFileSync(new URL("../docs/doubts.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.*?) \| makes/gm)].map((m) => [m[1], m[2]]);
  expect(rows).toEqual(Object.entries(DOUBTS));
});
