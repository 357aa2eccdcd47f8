import { describe, expect, it } from "vitest";
import { analyze } from "../src/access/analyze.js";
import { gains } from "../src/access/diff.js";
import type { KeyRecord } from "../src/domain/key.js";
import { VERDICT_OF_EXPOSURE } from "../src/domain/verdict.js";
import { parsePolicy } from "../src/policy/parse.js";
import { STRATEGIES, type StrategyChoice } from "../src/repair/plan-file.js";
import { type KeyOutcome, planKey } from "../src/repair/plan-key.js";
import { evaluate } from "../src/semantics/evaluate.js";
import { parseCaller } from "../src/semantics/arn.js";
import { KMS_KEY_ACTIONS } from "../src/semantics/actions.js";
import {
  classifyVectors,
  VECTOR_OWNER,
  VECTOR_TIME,
  type ClassifyVector,
  vectorFacts,
  vectorKeyDocument,
  vectorZone,
} from "./vectors.js";

const EXPOSED = classifyVectors().filter((v) => VERDICT_OF_EXPOSURE[v.expect.exposure] === "exposed");

function record(v: ClassifyVector): KeyRecord {
  return {
    facts: vectorFacts(v),
    manager: "CUSTOMER",
    description: undefined,
    policy: { kind: "present", value: JSON.stringify(v.policy, null, 2) },
    grants: { kind: "present", value: vectorKeyDocument(v).grants },
    resourceControlPolicies:
      v.rcp === undefined ? [] : [JSON.stringify({ Version: "2012-10-17", Statement: v.rcp })],
  };
}

function plan(v: ClassifyVector, strategy: StrategyChoice): KeyOutcome {
  return planKey(record(v), {
    trust: {
      facts: vectorFacts(v),
      zone: vectorZone(v),
      organizationOf: new Map(),
      ownOrganizationAssumed: false,
    },
    now: VECTOR_TIME,
    strategy,
    usage: undefined,
    weak: false,
  });
}

describe("a plan for every exposed case", () => {
  const outcomes = new Map<string, number>();

  it.each(EXPOSED.flatMap((v) => (["auto", ...STRATEGIES] as const).map((s) => [v.id, s, v] as const)))(
    "%s, %s",
    (_id, strategy, v) => {
      const outcome = plan(v, strategy);
      outcomes.set(`${strategy} ${outcome.kind}`, (outcomes.get(`${strategy} ${outcome.kind}`) ?? 0) + 1);
      if (outcome.kind === "refused") {
        console.log(
          v.id,
          strategy,
          outcome.key.kind,
          outcome.key.reason,
          JSON.stringify(v.policy).slice(0, 400),
        );
      }
      // An answer that AWS does not document may be "unknown", and then nothing is planned.
      if (outcome.kind !== "change") return;
      const { change } = outcome;
      const old = record(v);
      const oldText = old.policy.kind === "present" ? old.policy.value : "";
      const text = change.policy?.text ?? oldText;
      const revoked = new Set(change.revokeGrants.map((g) => g.grantId));
      const before = vectorKeyDocument(v);
      const grants = before.grants.filter((g) => !revoked.has(g.GrantId));
      const parsed = parsePolicy(text, { kind: "key", partition: "aws" });
      expect(parsed.policy).toBeDefined();
      const matrix = analyze({
        facts: vectorFacts(v),
        policy: parsed,
        grants,
        resourceControlPolicies: before.resourceControlPolicies,
        zone: vectorZone(v),
        organizationOf: new Map(),
        now: VECTOR_TIME,
        scope: "outside",
      });
      expect(["exposed", "not-assessed"]).not.toContain(VERDICT_OF_EXPOSURE[matrix.exposure]);
      const gained = gains({
        facts: vectorFacts(v),
        old: { policy: old.policy, grants: old.grants, resourceControlPolicies: old.resourceControlPolicies },
        new: {
          policy: { kind: "present", value: text },
          grants: { kind: "present", value: grants },
          resourceControlPolicies: old.resourceControlPolicies,
        },
        zone: vectorZone(v),
        organizationOf: new Map(),
        now: VECTOR_TIME,
      });
      expect(gained.verdict).toBe("nothing");
      const after = { ...before, policy: parsed.policy ?? before.policy, grants };
      let manager = false;
      for (const principal of [
        `arn:aws:iam::${VECTOR_OWNER}:root`,
        `arn:aws:iam::${VECTOR_OWNER}:role/App`,
      ]) {
        const caller = parseCaller(principal);
        if (!caller.ok) throw new Error(principal);
        for (const action of KMS_KEY_ACTIONS) {
          const request = {
            caller: caller.value,
            action: action.name,
            context: {},
            time: VECTOR_TIME,
            identity: { kind: "allow" },
            boundary: { kind: "absent" },
            sessionPolicy: { kind: "absent" },
            serviceControlPolicies: [],
          } as const;
          const now = evaluate(request, after).outcome;
          if (action.name === "kms:PutKeyPolicy" && now === "allow") manager = true;
          // Bounding to the zone takes nothing from the key's own account.
          if (strategy === "bound" && evaluate(request, before).outcome === "allow") {
            expect(now, `${principal} ${action.name}\n${text}`).toBe("allow");
          }
        }
      }
      expect(manager || change.obligations.some((o) => o.id === "manageable" && o.result === "proved")).toBe(
        true,
      );
    },
  );

  it("is made for most of them", () => {
    console.log(Object.fromEntries(outcomes));
    expect(EXPOSED.length).toBeGreaterThan(100);
  });
});
