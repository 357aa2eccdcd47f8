import { describe, expect, it } from "vitest";
import { idTest } from "../../src/access/account-numbers.js";
import { compileCondition } from "../../src/access/condition.js";
import { matches } from "../../src/access/glob.js";
import { OPERATORS } from "../../src/policy/ast.js";
import { conditionHolds } from "../../src/semantics/condition-match.js";
import { deriveContext } from "../../src/semantics/derive-context.js";
import { Random } from "../generators/random.js";
import { allow, keyWith, request } from "../requests.js";
import { asCondition } from "./brute.js";

const KEY = keyWith([allow()]);
const NUMBERS = OPERATORS.filter((o) => /^(Numeric|Date)/.test(o));
const CONSTANTS = [
  "0",
  "7",
  "99.5",
  "100",
  "1000",
  "999999999998",
  "1000000000000",
  "-3",
  "2026",
  "1e3",
  "x",
];

/** Ids of every stretch between the constants, and the neighbours of each. */
const IDS = [0, 1, 6, 7, 8, 98, 99, 100, 101, 999, 1000, 1001, 2025, 2026, 2027]
  .concat([1767225599, 1767225600, 1767225601, 500_000_000_000, 999_999_999_997, 999_999_999_998])
  .concat([999_999_999_999])
  .map((n) => String(n).padStart(12, "0"));

describe("account ids compared as numbers and dates", () => {
  it.each(NUMBERS)("%s selects the ids that the reference selects", (operator) => {
    const r = new Random(7, OPERATORS.indexOf(operator));
    let decided = 0;
    for (let i = 0; i < 60; i += 1) {
      const values = r.list(1, 3, () => r.pick([...CONSTANTS, r.pick(IDS)]));
      const source = asCondition(operator, "kms:CallerAccount", values);
      const c = compileCondition(source, false, () => ({ kind: "open" }));
      for (const want of [true, false]) {
        const test = idTest(c, want);
        if (test === undefined) continue;
        decided += 1;
        for (const id of IDS) {
          const asked = request(`arn:aws:iam::${id}:role/app`);
          const truth = conditionHolds(source, "2012-10-17", deriveContext(asked, KEY)).value;
          const said =
            test.kind === "range"
              ? test.range.first <= Number(id) && Number(id) <= test.range.last
              : test.ids.some((g) => matches(g, id)) === (test.kind === "one-of");
          expect(said, `${operator} ${JSON.stringify(values)} ${id} ${want}`).toBe(
            truth === (want ? "yes" : "no"),
          );
        }
      }
    }
    expect(decided).toBeGreaterThan(40);
  });
});
