import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ActionName } from "../src/domain/ids.js";
import type { Policy, Statement } from "../src/policy/ast.js";
import { parsePolicy } from "../src/policy/parse.js";
import { deriveContext, knownContext } from "../src/semantics/derive-context.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest, Decision, IdentitySide, KeyDocument, Limit } from "../src/semantics/request.js";
import { grantArb, policyArb } from "./generators/policies.js";
import { requestArb as callArb } from "./generators/requests.js";
import { keyFacts, type FactsOver } from "./requests.js";

const policies = policyArb.map((text): Policy => {
  const { policy } = parsePolicy(text);
  if (policy === undefined) throw new Error(`no policy: ${text}`);
  return policy;
});

const limits = fc.constantFrom<Limit>({ kind: "absent" }, { kind: "allow" }, { kind: "implicit-deny" });
const requests: fc.Arbitrary<AccessRequest> = fc
  .tuple(callArb, fc.constantFrom<IdentitySide>({ kind: "allow" }, { kind: "none" }), limits, limits)
  .map(([request, identity, boundary, sessionPolicy]) => ({ ...request, identity, boundary, sessionPolicy }));

const keys: fc.Arbitrary<KeyDocument> = fc
  .tuple(policies, fc.array(grantArb, { maxLength: 2 }))
  .map(([policy, grants]) => ({ facts: keyFacts(), policy, grants, resourceControlPolicies: [] }));

function withStatements(key: KeyDocument, statements: readonly Statement[]): KeyDocument {
  return { ...key, policy: { ...key.policy, statements: statements.map((s, index) => ({ ...s, index })) } };
}

/** Outcome and doubts, without the order of the doubts. */
function answer(decision: Decision): string {
  return [decision.outcome, ...decision.doubts.map((d) => d.id).sort()].join(" ");
}

const RANK = { deny: 0, unknown: 1, allow: 2 } as const;

describe("laws of the reference", () => {
  it("a further Deny never widens access, a further Allow never narrows it", () => {
    fc.assert(
      fc.property(keys, policies, requests, (key, more, request) => {
        const before = RANK[evaluate(request, key).outcome];
        for (const effect of ["Deny", "Allow"] as const) {
          const added = more.statements.map((s) => ({ ...s, effect }));
          const after =
            RANK[evaluate(request, withStatements(key, [...key.policy.statements, ...added])).outcome];
          // A Deny that may match can turn an Allow into a question, and nothing into an Allow.
          if (effect === "Deny") expect(after).toBeLessThanOrEqual(before);
          else expect(after).toBeGreaterThanOrEqual(before);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("the order of statements and grants changes nothing", () => {
    fc.assert(
      fc.property(keys, requests, (key, request) => {
        const turned = withStatements(
          { ...key, grants: [...key.grants].reverse() },
          [...key.policy.statements].reverse(),
        );
        expect(answer(evaluate(request, turned))).toBe(answer(evaluate(request, key)));
      }),
      { numRuns: 500 },
    );
  });

  it("the case of actions and of condition keys changes nothing", () => {
    fc.assert(
      fc.property(keys, requests, (key, request) => {
        const loud = withStatements(
          key,
          key.policy.statements.map((s) => ({
            ...s,
            action:
              s.action.kind === "missing"
                ? s.action
                : { ...s.action, patterns: s.action.patterns.map((p) => p.toUpperCase()) },
            conditions: s.conditions.map((c) => ({ ...c, key: c.key.toUpperCase() })),
          })),
        );
        const asked = {
          ...request,
          action: request.action.toLowerCase() as ActionName,
          context: Object.fromEntries(
            Object.entries(request.context).map(([name, value]) => [name.toLowerCase(), value]),
          ),
        };
        expect(answer(evaluate(asked, loud))).toBe(answer(evaluate(request, key)));
      }),
      { numRuns: 500 },
    );
  });

  it("an answer is unknown iff it names doubts, and only then possible", () => {
    fc.assert(
      fc.property(keys, requests, (key, request) => {
        const decision = evaluate(request, key);
        expect(decision.doubts.length > 0).toBe(decision.outcome === "unknown");
        expect(decision.certainty).toBe(decision.outcome === "unknown" ? "possible" : "certain");
        if (decision.outcome !== "deny") expect(decision.sources.length).toBeGreaterThan(0);
        expect(decision.trace.at(-1)?.outcome).toBe(
          decision.outcome === "unknown" ? "doubtful" : decision.outcome,
        );
      }),
      { numRuns: 500 },
    );
  });

  it("an answer that is certain without the facts of the key is the answer with any facts", () => {
    const unread: FactsOver = {
      organization: { kind: "unknown" },
      tags: undefined,
      aliases: undefined,
      multiRegion: undefined,
      origin: undefined,
    };
    const read = fc.constantFrom<FactsOver>(
      {},
      { tags: { team: "a" }, multiRegion: true, multiRegionKeyType: "PRIMARY" },
      { organization: { kind: "absent" }, aliases: ["alias/a"], origin: "EXTERNAL" },
    );
    fc.assert(
      fc.property(keys, requests, read, (key, request, over) => {
        const before = evaluate(request, { ...key, facts: keyFacts(unread) });
        const after = evaluate(request, { ...key, facts: keyFacts(over) });
        if (before.outcome !== "unknown") expect(after.outcome).toBe(before.outcome);
      }),
      { numRuns: 1000 },
    );
  });

  it("an answer that is certain although a statement was not understood is the answer when it is", () => {
    fc.assert(
      fc.property(keys, requests, fc.nat(3), (key, request, index) => {
        const before = evaluate(request, { ...key, doubtfulStatements: new Set([index]) });
        if (index < key.policy.statements.length && before.outcome !== "unknown") {
          expect(evaluate(request, key).outcome).toBe(before.outcome);
        }
        const lost = withStatements(
          key,
          key.policy.statements.filter((s) => s.index !== key.policy.statements.length - 1),
        );
        const number = key.policy.statements.length - 1;
        const without = evaluate(request, { ...lost, doubtfulStatements: new Set([number]) });
        if (without.outcome !== "unknown") expect(evaluate(request, key).outcome).toBe(without.outcome);
      }),
      { numRuns: 1000 },
    );
  });

  it("to state the keys that follow from caller and key changes nothing", () => {
    fc.assert(
      fc.property(keys, requests, (key, request) => {
        const stated = { ...request, context: knownContext(deriveContext(request, key)) };
        expect(answer(evaluate(stated, key))).toBe(answer(evaluate(request, key)));
      }),
      { numRuns: 500 },
    );
  });
});
