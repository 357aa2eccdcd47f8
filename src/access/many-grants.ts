import { policyDoubts } from "../policy/doubtful.js";
import { type AnalysisInput, DEFAULT_MAX_STEPS } from "./analysis-input.js";
import { type AccessMatrix, withoutRepeats } from "./matrix.js";
import { Merger } from "./merge.js";
import { overallExposure } from "./rollup.js";

/** Steps that each grant adds to the bound of all; most take a few dozen. */
const STEPS_PER_GRANT = 100;
/** The part of the bound that a single grant may use up. */
const SHARE = 1 / 10;

/**
 * A key with many grants: the policy by itself, then each grant by itself. Grants only allow, and what one allows does
 * not depend on another, so the union of the answers is the answer; whom a grant alone names is for the policy like
 * everybody whom it does not name. KMS lets a key have 50,000 grants: this takes time and memory in proportion to them.
 */
export function analyzeApart(
  input: AnalysisInput,
  analyze: (part: AnalysisInput) => AccessMatrix,
): AccessMatrix {
  const { grants = [], only = {} } = input;
  const limit = input.maxSteps ?? DEFAULT_MAX_STEPS;
  const most = Math.floor(limit * SHARE);
  const policy = only.statement === "none" ? undefined : analyze({ ...input, grants: [] });
  const merger = new Merger();
  const undecided = [...(policy?.undecided ?? [])];
  const disagreements = [...(policy?.disagreements ?? [])];
  for (const access of policy?.accesses ?? []) merger.add(access);
  let left = limit + grants.length * STEPS_PER_GRANT;
  let dearest = 0;
  for (const grant of typeof only.statement === "number" ? [] : grants) {
    const maxSteps = Math.max(0, Math.min(most, left));
    const one = analyze({ ...input, grants: [grant], only: { ...only, statement: "none" }, maxSteps });
    left -= one.steps;
    dearest = Math.max(dearest, one.steps);
    for (const access of one.accesses) merger.add(access);
    undecided.push(...one.undecided);
    disagreements.push(...one.disagreements);
  }
  const accesses = merger.accesses();
  const open = withoutRepeats(undecided);
  return {
    accesses,
    undecided: open,
    exposure: overallExposure(accesses, open, policyDoubts(input.policy)),
    disagreements,
    // As near to the bound as the part that came nearest to its own.
    steps: Math.max(policy?.steps ?? 0, dearest / SHARE),
  };
}
