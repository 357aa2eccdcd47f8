import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, type Tally, trialArb } from "./differential.js";

/** By hand: KEYWARD_COMPARISONS=100000 KEYWARD_SEED=7 npx vitest run --project fast test/differential.test.ts */
const comparisons = Number(process.env["KEYWARD_COMPARISONS"] ?? 12_000);
const seed = Number(process.env["KEYWARD_SEED"] ?? 20261123);
const PER_POLICY = 20;

test("the reference and the symbolic engine agree on random policies and requests", {
  timeout: 3_600_000,
}, () => {
  const tally: Tally = { compared: 0, allowed: 0, unknown: 0, undecided: 0, discarded: 0 };
  fc.assert(
    fc.property(trialArb(PER_POLICY), (t) => {
      const wrong = compare(t, tally);
      if (wrong !== undefined)
        throw new Error(`${wrong}\npolicy ${t.policy}\ngrants ${JSON.stringify(t.grants)}`);
    }),
    { numRuns: Math.ceil((comparisons * 2) / PER_POLICY), seed, endOnFailure: false },
  );
  process.stderr.write(`${JSON.stringify(tally)}\n`);
  // A generator whose requests are all refused would prove nothing.
  expect(tally.allowed).toBeGreaterThan(tally.compared / 50);
  expect(tally.undecided).toBeLessThan(tally.compared / 50);
});
