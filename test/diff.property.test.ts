import fc from "fast-check";
import { expect, test } from "vitest";
import { diffDocuments, gains, losses } from "../src/access/diff.js";
import {
  checkGains,
  diffInput,
  type Docs,
  docsOf,
  type DiffTally,
  pairArb,
  requestsArb,
  statementsArb,
} from "./diff.js";
import { grantArb, statementArb } from "./generators/policies.js";
import { holds } from "./guarantees/guarantee.js";

/** By hand: KEYWARD_DIFFS=20000 KEYWARD_SEED=7 npx vitest run --project fast test/diff.property.test.ts */
const runs = Number(process.env["KEYWARD_DIFFS"] ?? 120);
const seed = Number(process.env["KEYWARD_SEED"] ?? 20261124);
const options = { numRuns: runs, seed, endOnFailure: false };
const timeout = 3_600_000;

test(holds(["diff-is-sound"], "random pairs of policies and random requests"), { timeout }, () => {
  const tally: DiffTally = { compared: 0, gained: 0, nothing: 0, unknown: 0, discarded: 0 };
  fc.assert(
    fc.property(pairArb, requestsArb, ([old, next], requests) => {
      const wrong = checkGains(old, next, requests, tally);
      if (wrong !== undefined)
        throw new Error(`${wrong}\nold ${JSON.stringify(old)}\nnew ${JSON.stringify(next)}`);
    }),
    options,
  );
  process.stderr.write(`${JSON.stringify(tally)}\n`);
  // Pairs of which most are alike, or most are undecided, would prove nothing.
  expect(tally.gained).toBeGreaterThan(runs / 10);
  expect(tally.nothing).toBeGreaterThan(runs / 10);
  expect(tally.unknown).toBeLessThan(runs / 10);
});

const docsArb: fc.Arbitrary<Docs> = fc
  .tuple(statementsArb, fc.array(grantArb, { maxLength: 2 }))
  .map(([statements, grants]) => docsOf(statements, grants));

test("a document does not differ from itself", { timeout }, () => {
  fc.assert(
    fc.property(docsArb, (d) => {
      expect(diffDocuments(diffInput(d, d))).toMatchObject({ sameMeaning: true, gained: { steps: 0 } });
    }),
    options,
  );
});

const denyArb = statementArb.map((s) => ({ ...s, Effect: "Deny" }));

test("adding a Deny gains nothing, and removing one loses nothing", { timeout }, () => {
  fc.assert(
    fc.property(statementsArb, denyArb, fc.nat(4), (statements, deny, at) => {
      const without = docsOf(statements);
      const withIt = docsOf([...statements.slice(0, at), deny, ...statements.slice(at)]);
      expect(gains(diffInput(without, withIt)).verdict).toBe("nothing");
      expect(losses(diffInput(withIt, without)).verdict).toBe("nothing");
    }),
    options,
  );
});

test("adding an Allow loses nothing", { timeout }, () => {
  fc.assert(
    fc.property(statementsArb, statementArb, (statements, s) => {
      const withIt = docsOf([...statements, { ...s, Effect: "Allow" }]);
      expect(losses(diffInput(docsOf(statements), withIt)).verdict).toBe("nothing");
    }),
    options,
  );
});

test("narrowing an Allow by one more condition gains nothing", { timeout }, () => {
  fc.assert(
    fc.property(
      statementsArb,
      fc.constantFrom("aws:PrincipalOrgID", "kms:ViaService", "aws:SourceAccount"),
      fc.nat(4),
      (statements, key, at) => {
        const i = at % statements.length;
        const narrowed = statements.map((s, k) => {
          if (k !== i || s["Effect"] !== "Allow") return s;
          const block = (s["Condition"] ?? {}) as Record<string, Record<string, unknown>>;
          const more = { ...block["StringEqualsIfExists"], [key]: "x" };
          return { ...s, Condition: { ...block, StringEqualsIfExists: more } };
        });
        // Where the operator tests the key already, the value is replaced: that is another question.
        if (statements.some((s) => JSON.stringify(s).includes("StringEqualsIfExists"))) return;
        expect(gains(diffInput(docsOf(statements), docsOf(narrowed))).verdict).toBe("nothing");
      },
    ),
    options,
  );
});

test("order, Sids and repetition change nothing", { timeout }, () => {
  fc.assert(
    fc.property(pairArb, fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), ([old, next], keys) => {
      const parsed = JSON.parse(next.policy) as { Statement: Record<string, unknown>[] };
      const shuffled = parsed.Statement.map((s, i) => ({ s, k: keys[i] ?? 0 }))
        .sort((a, b) => a.k - b.k)
        .map(({ s }, i) => ({ Sid: `S${i}`, ...s }));
      const moved: Docs = {
        ...next,
        policy: JSON.stringify({
          ...parsed,
          Statement: [...shuffled, ...shuffled.slice(0, 1).map((s) => ({ ...s, Sid: "Again" }))],
        }),
      };
      expect(diffDocuments(diffInput(next, moved)).sameMeaning).toBe(true);
      const plain = gains(diffInput(old, next));
      const again = gains(diffInput(old, moved));
      expect(again.verdict).toBe(plain.verdict);
    }),
    options,
  );
});
