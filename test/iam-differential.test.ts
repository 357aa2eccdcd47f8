import fc from "fast-check";
import { expect, test } from "vitest";
import { AccountAnalysis } from "../src/iam/account.js";
import { callerOf } from "../src/iam/caller.js";
import { parsePolicy } from "../src/policy/parse.js";
import { KMS_KEY_ACTIONS } from "../src/semantics/actions.js";
import { inconsistencies } from "../src/semantics/consistency.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest } from "../src/semantics/request.js";
import { policyArb, statementArb } from "./generators/policies.js";
import { requestArb } from "./generators/requests.js";
import { OWN } from "./generators/world.js";
import { iamRole, keyDocument } from "./iam-setting.js";

const RUNS = Number(process.env["KEYWARD_COMPARISONS"] ?? 700);
const SEED = Number(process.env["KEYWARD_SEED"] ?? 20261124);

const ROOT = {
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${OWN}:root` },
  Action: "kms:*",
  Resource: "*",
};

/** A statement of an identity policy or SCP: without principals, for any key or for some. */
const identityStatement = fc
  .tuple(statementArb, fc.constantFrom("*", "*", "arn:aws:kms:*:*:key/*", "arn:aws:kms:eu-west-1:*:key/*"))
  .map(([statement, Resource]) => ({
    ...Object.fromEntries(Object.entries(statement).filter(([name]) => !name.endsWith("Principal"))),
    Resource,
  }));
const document = fc
  .array(identityStatement, { minLength: 1, maxLength: 3 })
  .map((Statement) => JSON.stringify({ Version: "2012-10-17", Statement }));
const ALLOW_ALL = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});
const keyPolicy = fc.tuple(policyArb, fc.boolean()).map(([text, delegates]) => {
  if (!delegates) return text;
  const policy = JSON.parse(text) as { Statement: unknown[] };
  return JSON.stringify({ ...policy, Statement: [ROOT, ...policy.Statement] });
});
const situation = fc.record({
  keyPolicy,
  documents: fc.array(fc.oneof(document, fc.constant(ALLOW_ALL)), { maxLength: 2 }),
  boundary: fc.option(fc.oneof(document, fc.constant(ALLOW_ALL)), { nil: undefined, freq: 3 }),
  scp: fc.option(document, { nil: undefined, freq: 3 }),
  request: requestArb,
  session: fc.constantFrom("s1", "session"),
});

test("the analysis covers whatever the reference allows a role, and what it calls certain, the reference allows", () => {
  const counts = { allowed: 0, certain: 0, conditional: 0 };
  fc.assert(
    fc.property(situation, (s) => {
      const key = keyDocument(s.keyPolicy);
      const app = iamRole("app", s.documents, {
        uniqueId: "AROAAPPAPPAPPAPPAPPAP",
        boundary: s.boundary === undefined ? { kind: "absent" } : { kind: "present", value: s.boundary },
      });
      const scps = s.scp === undefined ? [] : [[ALLOW_ALL, s.scp]];
      const analysis = new AccountAnalysis(
        { state: { kind: "complete" }, principals: [app] },
        scps.length === 0 ? { kind: "none" } : { kind: "levels", levels: scps },
      );
      const uses = analysis.usesOf(app, key);
      const read = (
        text: string,
        kind: "identity" | "scp",
      ): NonNullable<ReturnType<typeof parsePolicy>["policy"]> => parsePolicy(text, { kind }).policy!;
      const merged = scps.map((level) => ({
        version: "2012-10-17" as const,
        id: undefined,
        statements: level.flatMap((t) => read(t, "scp").statements),
      }));
      const concrete = (more: Partial<AccessRequest>): AccessRequest => ({
        ...s.request,
        caller: callerOf(app, s.session),
        identity: { kind: "policies", policies: s.documents.map((t) => read(t, "identity")) },
        boundary:
          s.boundary === undefined
            ? { kind: "absent" }
            : { kind: "policy", policy: read(s.boundary, "identity") },
        sessionPolicy: { kind: "absent" },
        serviceControlPolicies: merged,
        ...more,
      });
      const request = concrete({});
      if (inconsistencies(request, key).length === 0) {
        const answer = evaluate(request, key);
        if (answer.outcome === "allow") {
          counts.allowed += 1;
          expect(uses.flatMap((u) => u.actions)).toContain(request.action);
        }
      }
      for (const use of uses) {
        if (use.certainty === "conditional") counts.conditional += 1;
        if (use.certainty !== "certain") continue;
        counts.certain += 1;
        for (const action of use.actions) {
          const plain = concrete({ action, context: {}, caller: callerOf(app) });
          const named = concrete({ action, context: {}, caller: callerOf(app, "s1") });
          delete (plain as { encryptionContext?: unknown }).encryptionContext;
          const outcomes = [evaluate(plain, key).outcome, evaluate(named, key).outcome];
          expect(outcomes, action).toContain("allow");
        }
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // The comparison must have had something to compare.
  expect(counts.allowed).toBeGreaterThan(RUNS / 100);
  expect(counts.certain).toBeGreaterThan(RUNS / 10);
  expect(counts.conditional).toBeGreaterThan(RUNS / 20);
  expect(KMS_KEY_ACTIONS.length).toBeGreaterThan(30);
});
