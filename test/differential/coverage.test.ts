import { expect, it } from "vitest";
import { measure, required } from "./coverage.js";

/** `npm run fuzz -- --coverage 6000` prints the table. */
it("random worlds reach every rule of the reference with every answer it has", { timeout: 600_000 }, () => {
  const coverage = measure(1, 6000, 12);
  const missing = required().filter(([rule, answer]) => coverage.of(rule, answer) === 0);
  expect(missing.map(([rule, answer]) => `${rule}: ${answer}`)).toEqual([]);
});
