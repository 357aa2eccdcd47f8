import { describe, expect, it } from "vitest";
import { analyze } from "../src/access/analyze.js";
import type { Who } from "../src/access/matrix.js";
import { parsePolicy } from "../src/policy/parse.js";
import { guarantee } from "./guarantees/guarantee.js";
import { evaluate } from "../src/semantics/evaluate.js";
import {
  type ClassifyVector,
  classifyVectors,
  VECTOR_TIME,
  vectorFacts,
  vectorKeyDocument,
  vectorZone,
} from "./vectors.js";

describe("the symbolic engine gives every classified case its exposure", () => {
  it.each(classifyVectors().map((v) => [v.id, v] as const))("%s", (_id, v) => check(v));

  guarantee("hand-derived", "every case of test/cases that AWS's documentation decides", () => {
    const sure = classifyVectors().filter((v) => v.sure);
    for (const v of sure) check(v);
    expect(sure.length).toBeGreaterThan(250);
  });

  guarantee("who-exactly", "the cases of test/cases that list everybody who gets in", () => {
    const listed = classifyVectors().filter((v) => v.expect.everybody !== undefined);
    for (const v of listed) check(v);
    expect(listed.length).toBeGreaterThan(30);
  });
});

function check(v: ClassifyVector): void {
  const document = vectorKeyDocument(v);
  const matrix = analyze({
    facts: vectorFacts(v),
    policy: parsePolicy(JSON.stringify(v.policy)),
    grants: document.grants,
    resourceControlPolicies: document.resourceControlPolicies,
    zone: vectorZone(v),
    organizationOf: new Map(),
    now: VECTOR_TIME,
    scope: "outside",
  });
  expect(matrix.disagreements).toEqual([]);
  const worst = matrix.accesses.filter((a) => a.exposure === matrix.exposure);
  const certain = worst.some((a) => a.certainty === "certain");
  // Where AWS is not clear, "possible" and "unknown" are answers; the opposite for certain is not.
  const hedged = !v.sure && (matrix.exposure === "unknown" || (worst.length > 0 && !certain));
  if (!hedged) expect(matrix.exposure, v.why).toBe(v.expect.exposure);
  if (v.sure && v.expect.exposure !== "none") expect(certain, "no certain proof").toBe(true);
  if (v.expect.everybody !== undefined) {
    const now = matrix.accesses.filter((a) => a.reach.kind === "now" && a.exposure !== "none");
    expect([...new Set(now.map((a) => label(a.who)))].sort(), v.why).toEqual([...v.expect.everybody].sort());
  }
  for (const a of worst.filter((w) => w.reach.kind === "now")) {
    expect(evaluate(a.witness.request, document).outcome).not.toBe("deny");
  }
}

/** As test/cases/README.md names callers. */
function label(who: Who): string {
  switch (who.kind) {
    case "anyone":
    case "pattern":
      return who.kind;
    case "account":
    case "unresolved":
      return who.id;
    case "organization":
      return `organization ${who.id}`;
    case "principal":
      return who.arn;
    case "service":
      return `service ${who.name ?? "(any)"}`;
  }
}
