import fc from "fast-check";
import { type DiffInput, type DiffSide, type Gains, gains } from "../src/access/diff.js";
import type { Grant } from "../src/domain/grant.js";
import { policyDoubts } from "../src/policy/doubtful.js";
import { parsePolicy } from "../src/policy/parse.js";
import { inconsistencies } from "../src/semantics/consistency.js";
import { evaluate } from "../src/semantics/evaluate.js";
import type { AccessRequest, KeyDocument } from "../src/semantics/request.js";
import { grantArb, policyArb, statementArb } from "./generators/policies.js";
import { requestArb } from "./generators/requests.js";
import { FACTS, NOW, ZONE } from "./generators/world.js";

/** One side as a test writes it. */
export interface Docs {
  readonly policy: string;
  readonly grants: readonly Grant[];
}

export function side(docs: Docs): DiffSide {
  return {
    policy: { kind: "present", value: docs.policy },
    grants: { kind: "present", value: docs.grants },
    resourceControlPolicies: [],
  };
}

export function diffInput(old: Docs, next: Docs): DiffInput {
  return { facts: FACTS, old: side(old), new: side(next), zone: ZONE, organizationOf: new Map(), now: NOW };
}

function document(docs: Docs): KeyDocument | undefined {
  const parsed = parsePolicy(docs.policy);
  if (parsed.policy === undefined) return undefined;
  const reading = policyDoubts(parsed);
  return {
    facts: FACTS,
    policy: parsed.policy,
    grants: docs.grants,
    resourceControlPolicies: [],
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
}

export type Statements = readonly Record<string, unknown>[];

export const docsOf = (statements: Statements, grants: readonly Grant[] = []): Docs => ({
  policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
  grants,
});

function without(s: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(s).filter(([k]) => !names.includes(k)));
}

export const statementsArb = fc.array(statementArb, { minLength: 1, maxLength: 4 });

/** The same statements with something small changed: where exactness shows. */
export const nearArb: fc.Arbitrary<readonly [Docs, Docs]> = fc
  .tuple(statementsArb, statementArb, fc.nat(9), fc.nat(9), fc.array(grantArb, { maxLength: 2 }))
  .map(([statements, other, at, what, grants]): readonly [Docs, Docs] => {
    const i = at % statements.length;
    const [first] = statements.slice(i);
    const replaced = (s: Record<string, unknown>): Statements => [
      ...statements.slice(0, i),
      s,
      ...statements.slice(i + 1),
    ];
    const old = docsOf(statements, grants);
    if (first === undefined) return [old, old];
    const condition = other["Condition"];
    switch (what) {
      case 0:
        return [old, docsOf([...statements, other], grants)];
      case 1:
        return [
          old,
          docsOf(
            statements.filter((_, k) => k !== i),
            grants,
          ),
        ];
      case 2: {
        return [old, docsOf(replaced(without(first, ["Condition"])), grants)];
      }
      case 3:
        return [
          old,
          docsOf(
            replaced({ ...first, ...(condition === undefined ? {} : { Condition: condition }) }),
            grants,
          ),
        ];
      case 4:
        return [old, docsOf(replaced({ ...first, Action: "kms:*" }), grants)];
      case 5:
        return [old, docsOf(statements, grants.slice(1))];
      case 6: {
        const rest = without(first, ["Principal", "NotPrincipal"]);
        const who =
          "Principal" in other ? { Principal: other["Principal"] } : { NotPrincipal: other["NotPrincipal"] };
        return [old, docsOf(replaced({ ...rest, ...who }), grants)];
      }
      default: {
        // One value of one condition is replaced by a wider or a narrower one.
        const text = JSON.stringify(first["Condition"] ?? {});
        const changed = text.replace(/"([^"]*[a-z0-9])\*?"\]/, (_, v: string) =>
          what % 2 === 0 ? `"${v}*"]` : `"${v.slice(0, -1)}*"]`,
        );
        const next: unknown = JSON.parse(changed);
        return [old, docsOf(replaced({ ...first, Condition: next }), grants)];
      }
    }
  });

const farArb: fc.Arbitrary<readonly [Docs, Docs]> = fc.tuple(
  fc.record({ policy: policyArb, grants: fc.array(grantArb, { maxLength: 1 }) }),
  fc.record({ policy: policyArb, grants: fc.array(grantArb, { maxLength: 1 }) }),
);

export const pairArb = fc.oneof({ arbitrary: nearArb, weight: 3 }, { arbitrary: farArb, weight: 1 });
export const requestsArb = fc.array(requestArb, { minLength: 30, maxLength: 30 });

export interface DiffTally {
  compared: number;
  gained: number;
  nothing: number;
  unknown: number;
  discarded: number;
}

/** What is wrong with the answer for two documents and some requests, or undefined. */
export function checkGains(
  old: Docs,
  next: Docs,
  requests: readonly AccessRequest[],
  tally: DiffTally,
): string | undefined {
  const answer = gains(diffInput(old, next));
  const before = document(old);
  const after = document(next);
  if (before === undefined || after === undefined) return "the generator made no policy";
  const wrong = checkWitnesses(answer);
  if (wrong !== undefined) return wrong;
  tally[answer.verdict === "nothing" ? "nothing" : answer.verdict === "unknown" ? "unknown" : "gained"] += 1;
  for (const r of requests) {
    if (inconsistencies(r, after).length > 0) {
      tally.discarded += 1;
      continue;
    }
    tally.compared += 1;
    const newly = evaluate(r, after).outcome === "allow" && evaluate(r, before).outcome === "deny";
    if (!newly) continue;
    if (answer.verdict === "nothing") return `nothing gained, but: ${JSON.stringify(r)}`;
    if (answer.undecided.length > 0) continue;
    if (!answer.changes.some((c) => c.certainty === "certain" && c.actions.includes(r.action))) {
      return `surely gained, and no change says so: ${JSON.stringify(r)}\n${brief(answer)}`;
    }
  }
  return undefined;
}

export function brief(answer: Gains): string {
  return JSON.stringify(
    answer.changes.map((c) => [c.who, c.source, c.actions, c.certainty, c.doubts.map((d) => d.id)]),
  );
}

function checkWitnesses(answer: Gains): string | undefined {
  if (answer.disagreements.length > 0) return `disagreement: ${answer.disagreements.join("; ")}`;
  for (const c of answer.changes) {
    const { older, newer } = c.witness;
    if (newer.outcome === "deny" || older.outcome === "allow") return "a witness does not replay";
    if (c.certainty === "certain" && (newer.outcome !== "allow" || older.outcome !== "deny")) {
      return "a certain witness is doubtful";
    }
  }
  return undefined;
}
