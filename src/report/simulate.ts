import type { KeyFacts } from "../domain/key.js";
import { inert } from "../domain/inert.js";
import type { Doubt } from "../domain/verdict.js";
import type { Statement } from "../policy/ast.js";
import { countedFromOne, enumerate, quote } from "../rules/words.js";
import { conditionHolds, describeCondition } from "../semantics/condition-match.js";
import { deriveContext, type RequestContext } from "../semantics/derive-context.js";
import { evaluate } from "../semantics/evaluate.js";
import { waysNamed } from "../semantics/principal-match.js";
import type { AccessRequest, Decision, KeyDocument, Source, TraceStep } from "../semantics/request.js";
import { statementFits } from "../semantics/statement-match.js";
import { wrap } from "./wrap.js";

export const SIMULATION_SCHEMA = "keyward.simulation/1";

/** The answer to one request. */
export interface Simulation {
  readonly schema: typeof SIMULATION_SCHEMA;
  readonly id?: string;
  readonly key: string;
  readonly decision: "allow" | "deny" | "unknown";
  readonly reason: string;
  readonly sources: readonly Source[];
  readonly doubts: readonly Doubt[];
  readonly trace: readonly TraceStep[];
  /** Each statement of the key policy against the request. */
  readonly statements: readonly StatementAnswer[];
  /** Which part to change for the opposite result. */
  readonly change: readonly string[];
  readonly notes: readonly string[];
}

/** Whether one statement fits, part by part. */
export interface StatementAnswer {
  readonly index: number;
  readonly sid: string | null;
  readonly effect: "Allow" | "Deny";
  readonly namesCaller: "yes" | "no" | "doubtful";
  readonly fits: "yes" | "no" | "doubtful";
  readonly conditions: readonly { readonly holds: "yes" | "no" | "doubtful"; readonly text: string }[];
}

/** What is asked. */
export interface SimulationInput {
  readonly id: string | undefined;
  readonly request: AccessRequest;
  readonly identityUnknown: boolean;
  readonly document: KeyDocument;
  /** A resource control policy was not understood: it may deny whatever seems to be allowed. */
  readonly denialsUnread: boolean;
  readonly notes: readonly string[];
}

/** Judges a request by the reference, and finds out which part decides. */
export function simulate(x: SimulationInput): Simulation {
  const { request, document } = x;
  let decision = evaluate(request, document);
  let open = false;
  if (x.identityUnknown) {
    const helped = evaluate({ ...request, identity: { kind: "allow" } }, document);
    open = helped.outcome !== decision.outcome;
    if (open)
      decision = {
        ...helped,
        outcome: "unknown",
        reason: "identity-policies-unknown",
        certainty: "possible",
      };
  }
  const hidden = x.denialsUnread && decision.outcome === "allow";
  if (hidden) {
    decision = {
      ...decision,
      outcome: "unknown",
      reason: "resource-control-policy-not-understood",
      certainty: "possible",
    };
  }
  const change = hidden
    ? [
        "A resource control policy of the snapshot was not understood, and may deny this: correct it, or scan again.",
      ]
    : open
      ? [
          "The answer depends on the caller's identity policies, which were not given: say what they are with --identity-policy, or --identity allow or none.",
        ]
      : whatToChange(decision, request, document);
  return {
    schema: SIMULATION_SCHEMA,
    ...(x.id === undefined ? {} : { id: x.id }),
    key: document.facts.arn,
    decision: decision.outcome,
    reason: decision.reason,
    sources: decision.sources,
    doubts: decision.doubts,
    trace: decision.trace,
    statements: statementAnswers(request, document),
    change,
    notes: x.notes,
  };
}

function statementAnswers(request: AccessRequest, key: KeyDocument): StatementAnswer[] {
  const context = deriveContext(request, key);
  return key.policy.statements.map((s) => {
    const ways = waysNamed(s.principal, s.effect, request);
    const names = ways.some((w) => w.matches.value === "yes") ? "yes" : ways.length > 0 ? "doubtful" : "no";
    const target = { action: request.action, facts: key.facts, context };
    return {
      index: s.index,
      sid: s.sid ?? null,
      effect: s.effect,
      namesCaller: names,
      fits: statementFits(s, key.policy.version, target, "key-policy").fits.value,
      conditions: conditionsOf(s, key, context),
    };
  });
}

function conditionsOf(
  s: Statement,
  key: KeyDocument,
  context: RequestContext,
): StatementAnswer["conditions"] {
  return s.conditions.map((c) => ({
    holds: conditionHolds(c, key.policy.version, context).value,
    text: describeCondition(c, context),
  }));
}

/** Which part to change for the opposite result: found by changing parts and asking the reference again. */
export function whatToChange(decision: Decision, request: AccessRequest, key: KeyDocument): string[] {
  switch (decision.outcome) {
    case "allow":
      return decision.sources.length === 0
        ? []
        : [
            `${enumerate(decision.sources.map((s) => sourceName(s, key)))} ${decision.sources.length === 1 ? "allows" : "allow"} it: take the caller or ${request.action} out of ${decision.sources.length === 1 ? "it" : "each of them"}, or add a Deny.`,
          ];
    case "unknown":
      return decision.doubts.map((d) => `It depends on this: ${d.text}`);
    case "deny":
      break;
  }
  if (decision.reason === "explicit-deny") {
    return decision.sources.map(
      (s) =>
        `${sourceName(s, key)} denies it: remove it, or except this request from it. A Deny beats every Allow and every grant.`,
    );
  }
  if (decision.reason !== "implicit-deny") return [kmsRule(decision.reason, key.facts)];
  return missingAllow(request, key);
}

interface Part {
  readonly name: string;
  readonly apply: (r: AccessRequest) => AccessRequest;
}

const PARTS: readonly Part[] = [
  {
    name: "an identity policy of the caller must allow",
    apply: (r) => ({ ...r, identity: { kind: "allow" } }),
  },
  {
    name: "the permissions boundary of the caller must allow",
    apply: (r) => ({ ...r, boundary: { kind: "allow" } }),
  },
  { name: "the session policy must allow", apply: (r) => ({ ...r, sessionPolicy: { kind: "allow" } }) },
  {
    name: "the service control policies of the caller's account must all allow",
    apply: (r) => ({ ...r, serviceControlPolicies: [] }),
  },
];

/** The fewest parts of the caller's side that make it allowed; else what the key policy lacks. */
function missingAllow(request: AccessRequest, key: KeyDocument): string[] {
  const combinations = Array.from({ length: 2 ** PARTS.length - 1 }, (_, i) =>
    PARTS.filter((_part, bit) => (((i + 1) >> bit) & 1) === 1),
  ).sort((a, b) => a.length - b.length);
  for (const parts of combinations) {
    const changed = parts.reduce((r, p) => p.apply(r), request);
    const now = evaluate(changed, key);
    if (now.outcome === "deny") continue;
    const statements = now.sources.filter((s) => s.kind === "statement");
    const foreign = request.caller.kind !== "service" && request.caller.account !== key.facts.account;
    const why =
      statements.length === 0
        ? ""
        : `${capital(enumerate(statements.map((s) => sourceName(s, key))))} ${foreign ? `${statements.length === 1 ? "names" : "name"} a caller of another account, who needs that account's permission as well` : `${statements.length === 1 ? "does" : "do"} not suffice alone for this caller`}, so `;
    return [`${why}${parts.map((p) => `${p.name} ${request.action}`).join(", and ")}.`];
  }
  const near = statementAnswers(request, key).filter(
    (s) => s.effect === "Allow" && s.namesCaller !== "no" && s.fits === "no",
  );
  const out = near.map((s) => {
    const failed = s.conditions.filter((c) => c.holds === "no").map((c) => c.text);
    const name = capital(sourceName({ kind: "statement", index: s.index, sid: s.sid ?? undefined }, key));
    return failed.length > 0
      ? `${name} names the caller, but this does not hold: ${failed.join("; ")}`
      : `${name} names the caller, but does not cover ${request.action}: add the action there.`;
  });
  if (out.length === 0) {
    out.push(
      `No statement of the key policy names the caller and no grant lists it: add the caller to a statement that allows ${request.action}, or create a grant. An identity policy alone is void for a KMS key.`,
    );
  }
  return out;
}

function kmsRule(reason: string, facts: KeyFacts): string {
  switch (reason) {
    case "cross-account":
      return "KMS does not offer this operation on a key of another account: no policy changes that. Call it with a principal of the key's account.";
    case "key-state":
      return `The state of the key (${facts.state ?? "unknown"}) forbids it: enable the key or cancel its deletion.`;
    case "key-type":
      return "A key of this type cannot do this: use another key.";
    default:
      return "This is no permission on a KMS key: check the name of the action.";
  }
}

function sourceName(s: Source, key: KeyDocument): string {
  switch (s.kind) {
    case "statement": {
      const sid = key.policy.statements.find((x) => x.index === s.index)?.sid;
      return `key policy statement ${s.index + 1}${sid === undefined || sid === "" ? "" : ` (${quote(sid)})`}`;
    }
    case "grant":
      return `grant ${inert(s.grantId, { max: 80 })}`;
    case "resource-control-policy":
      return `resource control policy ${s.policy + 1}, statement ${s.statement + 1}`;
    case "identity":
      return "an identity policy";
    case "boundary":
      return "the permissions boundary";
    case "session-policy":
      return "the session policy";
    case "service-control-policy":
      return "a service control policy";
    case "kms-rule":
      return "a rule of KMS";
  }
}

const capital = (t: string): string => t.charAt(0).toUpperCase() + t.slice(1);

/** One answer in words. */
export function simulationText(s: Simulation, width: number): string {
  const out: string[] = [];
  const add = (text: string, indent = ""): void => {
    for (const line of wrap(text, Math.max(30, width - indent.length))) out.push(indent + line);
  };
  add(`${s.decision.toUpperCase()}  ${s.reason}`);
  add(inert(s.key));
  out.push("", "TRACE");
  for (const t of s.trace) {
    add(`${t.outcome}: ${inert(countedFromOne(t.text))}`, "  ");
    const { source } = t;
    if (
      source?.kind !== "statement" ||
      t.rule !== "key-policy" ||
      (t.outcome === "no-match" && /does not name/.test(t.text))
    )
      continue;
    const answer = s.statements.find((a) => a.index === source.index);
    for (const c of answer?.conditions ?? []) add(`${MARK[c.holds]}: ${inert(c.text)}`, "      ");
  }
  if (s.change.length > 0) {
    out.push("", "WHAT TO CHANGE FOR THE OPPOSITE RESULT");
    for (const c of s.change) add(`- ${inert(c)}`, "  ");
  }
  if (s.doubts.length > 0) {
    out.push("", "NOT CERTAIN");
    for (const d of s.doubts) add(`${d.id}: ${d.text}`, "  ");
  }
  for (const n of s.notes) {
    out.push("");
    add(`Note: ${inert(n)}`);
  }
  return `${out.join("\n")}\n`;
}

const MARK = { yes: "holds", no: "does not hold", doubtful: "not certain" } as const;
