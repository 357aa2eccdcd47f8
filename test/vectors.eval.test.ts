import { describe, expect, it } from "vitest";
import { evaluate } from "../src/semantics/evaluate.js";
import { evalVectors, vectorKeyDocument, vectorRequest } from "./vectors.js";

describe("the reference answers the vectors that judge one request", () => {
  const vectors = evalVectors();

  it("finds the vectors", () => {
    expect(vectors.length).toBeGreaterThanOrEqual(21);
  });

  it.each(vectors.map((v) => [v.id, v.why, v] as const))("%s: %s", (_id, _why, v) => {
    const decision = evaluate(vectorRequest(v), vectorKeyDocument(v));
    const wanted = v.expect.decision.toLowerCase();
    expect(v.sure ? [wanted] : [wanted, "unknown"]).toContain(decision.outcome);
  });
});
