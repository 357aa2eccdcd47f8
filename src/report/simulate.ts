import type { Problem } from "../domain/result.js";
import type { Doubt } from "../domain/verdict.js";
import type { Policy } from "../policy/ast.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Decision, KeyDocument, Source, TraceStep } from "../semantics/request.js";
import { type NamedPolicy, type PolicyAnswer, policyAnswers } from "./policy-answers.js";
import { whatToChange } from "./simulate-change.js";
import { type StatementAnswer, statementAnswers } from "./statement-answers.js";

export const SIMULATION_SCHEMA = "keyward.simulation/1";

/** The answer to one request. */
export interface Simulation {
  readonly schema: typeof SIMULATION_SCHEMA;
  readonly id?: string;
  /** Of many requests: the line of the file, from 1. */
  readonly line?: number;
  readonly key: string;
  readonly decision: "allow" | "deny" | "unknown";
  readonly reason: string;
  readonly sources: readonly Source[];
  readonly doubts: readonly Doubt[];
  readonly trace: readonly TraceStep[];
  /** Each statement of the key policy against the request. */
  readonly statements: readonly StatementAnswer[];
  /** Each policy beside the key policy against the request. */
  readonly policies: readonly PolicyAnswer[];
  /** Which part to change for the opposite result. */
  readonly change: readonly string[];
  readonly notes: readonly string[];
}

/** A line of many requests that is no request. */
export interface SimulationError {
  readonly schema: typeof SIMULATION_SCHEMA;
  readonly id?: string;
  readonly line: number;
  readonly error: Problem;
}

/** A part of the caller's side of which it is not known, or not fully, what it says. */
export type OpenPart = "identity" | "boundary" | "service-control-policies";

/** What is asked. */
export interface SimulationInput {
  readonly id: string | undefined;
  readonly line?: number;
  readonly request: AccessRequest;
  readonly open: readonly OpenPart[];
  readonly document: KeyDocument;
  /** The policies beside the key policy, by name. */
  readonly policies: readonly NamedPolicy[];
  /** A resource control policy was not understood: it may deny whatever seems to be allowed. */
  readonly denialsUnread: boolean;
  readonly notes: readonly string[];
}

/** Judges a request by the reference, and finds out which part decides. */
export function simulate(x: SimulationInput): Simulation {
  const { request, document } = x;
  const policies = policyAnswers(x.policies, request, document);
  const first = withOpenParts(x);
  const hidden = x.denialsUnread && first.decision.outcome === "allow";
  const decision: Decision = hidden
    ? {
        ...first.decision,
        outcome: "unknown",
        reason: "resource-control-policy-not-understood",
        certainty: "possible",
      }
    : first.decision;
  const change = hidden
    ? ["A resource control policy was not understood, and may deny this: correct it, or scan again."]
    : first.decides.length > 0
      ? first.decides.map((part) => OPEN[part].next)
      : whatToChange(decision, request, document, policies);
  const mayDeny = decision.outcome === "allow" && x.open.includes("identity");
  return {
    schema: SIMULATION_SCHEMA,
    ...(x.id === undefined ? {} : { id: x.id }),
    ...(x.line === undefined ? {} : { line: x.line }),
    key: document.facts.arn,
    decision: decision.outcome,
    reason: decision.reason,
    sources: decision.sources,
    doubts: decision.doubts,
    trace: decision.trace,
    statements: statementAnswers(request, document),
    policies,
    change,
    notes: [
      ...x.notes,
      ...(mayDeny
        ? ["Not all of the caller's identity policies are known: a Deny in one of them would deny it."]
        : []),
    ],
  };
}

const ALLOWS: Policy = {
  version: "2012-10-17",
  id: undefined,
  statements: [
    {
      index: 0,
      sid: undefined,
      effect: "Allow",
      principal: { kind: "missing" },
      action: { kind: "listed", patterns: ["*"] },
      resource: { kind: "listed", patterns: ["*"] },
      conditions: [],
      path: [],
    },
  ],
};
const SILENT: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** What is not known of the caller's side, at its best and at its worst for the caller; what is known of it stays. */
const OPEN: Readonly<
  Record<
    OpenPart,
    {
      readonly reason: string;
      readonly next: string;
      readonly best: (r: AccessRequest) => AccessRequest;
      readonly worst: (r: AccessRequest) => AccessRequest;
    }
  >
> = {
  identity: {
    reason: "identity-policies-unknown",
    next: "The answer depends on the caller's identity policies, which were not given: say what they are with --identity-policy, or --identity allow or none.",
    best: (r) =>
      r.identity.kind === "policies"
        ? { ...r, identity: { kind: "policies", policies: [...r.identity.policies, ALLOWS] } }
        : { ...r, identity: { kind: "allow" } },
    worst: (r) => r,
  },
  boundary: {
    reason: "boundary-unknown",
    next: "The answer depends on the caller's permissions boundary, which is not known: give it with --boundary.",
    best: (r) =>
      r.boundary.kind === "policy"
        ? { ...r, boundary: { kind: "policy", policy: and(r.boundary.policy) } }
        : r,
    worst: (r) => ({ ...r, boundary: { kind: "implicit-deny" } }),
  },
  "service-control-policies": {
    reason: "service-control-policies-unknown",
    next: "The answer depends on the service control policies above the caller's account, which are not all known: give them with --scp.",
    best: (r) => ({ ...r, serviceControlPolicies: r.serviceControlPolicies.map(and) }),
    worst: (r) => ({ ...r, serviceControlPolicies: [...r.serviceControlPolicies, SILENT] }),
  },
};

function and(policy: Policy): Policy {
  return { ...policy, statements: [...policy.statements, ...ALLOWS.statements] };
}

/** The answer, and the parts that are not known and decide it. More on the caller's side never takes access away. */
function withOpenParts(x: SimulationInput): {
  readonly decision: Decision;
  readonly decides: readonly OpenPart[];
} {
  const { request, document, open } = x;
  const asked = (side: (part: OpenPart) => "best" | "worst"): Decision =>
    evaluate(
      open.reduce((r, part) => OPEN[part][side(part)](r), request),
      document,
    );
  if (open.length === 0) return { decision: evaluate(request, document), decides: [] };
  const best = asked(() => "best");
  if (best.outcome === asked(() => "worst").outcome) {
    return { decision: evaluate(request, document), decides: [] };
  }
  const alone = open.filter((part) => asked((p) => (p === part ? "worst" : "best")).outcome !== best.outcome);
  const decides = alone.length > 0 ? alone : open;
  const [first = "identity"] = decides;
  return {
    decision: { ...best, outcome: "unknown", reason: OPEN[first].reason, certainty: "possible" },
    decides,
  };
}
