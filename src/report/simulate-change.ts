import { inert } from "../domain/inert.js";
import type { KeyFacts } from "../domain/key.js";
import { enumerate, quote } from "../rules/words.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Decision, KeyDocument, Source } from "../semantics/request.js";
import { decidersText, type PolicyAnswer, type PolicyKindBeside, silentText } from "./policy-answers.js";
import { statementAnswers } from "./statement-answers.js";

/** Which part to change for the opposite result: found by changing parts and asking the reference again. */
export function whatToChange(
  decision: Decision,
  request: AccessRequest,
  key: KeyDocument,
  policies: readonly PolicyAnswer[],
): string[] {
  const named = (s: Source): string => sourceName(s, key, policies);
  switch (decision.outcome) {
    case "allow":
      return decision.sources.length === 0
        ? []
        : [
            `${capital(enumerate(decision.sources.map(named)))} ${decision.sources.length === 1 ? "allows" : "allow"} it: take the caller or ${request.action} out of ${decision.sources.length === 1 ? "it" : "each of them"}, or add a Deny.`,
          ];
    case "unknown":
      return decision.doubts.map((d) => `It depends on this: ${d.text}`);
    case "deny":
      break;
  }
  if (decision.reason === "explicit-deny") {
    return decision.sources.map(
      (s) =>
        `${capital(named(s))} denies it: remove it, or except this request from it. A Deny beats every Allow and every grant.`,
    );
  }
  if (decision.reason !== "implicit-deny") return [kmsRule(decision.reason, key.facts)];
  return missingAllow(request, key, policies);
}

interface Part {
  readonly name: string;
  readonly kind: PolicyKindBeside;
  readonly apply: (r: AccessRequest) => AccessRequest;
}

const PARTS: readonly Part[] = [
  {
    name: "an identity policy of the caller must allow",
    kind: "identity",
    apply: (r) => ({ ...r, identity: { kind: "allow" } }),
  },
  {
    name: "the permissions boundary of the caller must allow",
    kind: "boundary",
    apply: (r) => ({ ...r, boundary: { kind: "allow" } }),
  },
  {
    name: "the session policy must allow",
    kind: "session-policy",
    apply: (r) => ({ ...r, sessionPolicy: { kind: "allow" } }),
  },
  {
    name: "the service control policies of the caller's account must all allow",
    kind: "service-control-policy",
    apply: (r) => ({ ...r, serviceControlPolicies: [] }),
  },
];

/** Every choice of parts, small ones first. */
const COMBINATIONS: readonly (readonly Part[])[] = Array.from({ length: 2 ** PARTS.length - 1 }, (_, i) =>
  PARTS.filter((_part, bit) => (((i + 1) >> bit) & 1) === 1),
).sort((a, b) => a.length - b.length);

/** The fewest parts of the caller's side that make it allowed; else what the key policy lacks. */
function missingAllow(request: AccessRequest, key: KeyDocument, policies: readonly PolicyAnswer[]): string[] {
  const helped = (parts: readonly Part[]): Decision =>
    evaluate(
      parts.reduce((r, p) => p.apply(r), request),
      key,
    );
  // Where all parts together do not help, none of them alone does.
  const combinations = helped(PARTS).outcome === "deny" ? [] : COMBINATIONS;
  for (const parts of combinations) {
    const now = helped(parts);
    if (now.outcome === "deny") continue;
    const statements = now.sources.filter((s) => s.kind === "statement");
    const foreign = request.caller.kind !== "service" && request.caller.account !== key.facts.account;
    const why =
      statements.length === 0
        ? ""
        : `${capital(enumerate(statements.map((s) => sourceName(s, key, policies))))} ${foreign ? `${statements.length === 1 ? "names" : "name"} a caller of another account, who needs that account's permission as well` : `${statements.length === 1 ? "does" : "do"} not suffice alone for this caller`}, so `;
    return [
      `${why}${parts.map((p) => `${p.name} ${request.action}${silentText(policies, p.kind)}`).join(", and ")}.`,
    ];
  }
  const near = statementAnswers(request, key).filter(
    (s) => s.effect === "Allow" && s.namesCaller !== "no" && s.fits === "no",
  );
  const out = near.map((s) => {
    const failed = s.conditions.filter((c) => c.holds === "no").map((c) => inert(c.text, { max: 600 }));
    const name = capital(
      sourceName({ kind: "statement", index: s.index, sid: s.sid ?? undefined }, key, policies),
    );
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

/** A part of the documents in words; a policy on the caller's side by its name, where it is known. */
function sourceName(s: Source, key: KeyDocument, policies: readonly PolicyAnswer[]): string {
  switch (s.kind) {
    case "statement": {
      const sid = key.policy.statements.find((x) => x.index === s.index)?.sid;
      return `key policy statement ${s.index + 1}${sid === undefined || sid === "" ? "" : ` (${quote(sid)})`}`;
    }
    case "grant":
      return `grant ${inert(s.grantId, { max: 80 })}`;
    case "resource-control-policy": {
      const own = policies.filter((p) => p.kind === s.kind)[s.policy];
      const called = own === undefined ? "" : ` (${inert(own.name, { max: 120 })})`;
      return `resource control policy ${s.policy + 1}${called}, statement ${s.statement + 1}`;
    }
    case "identity":
      return decidersText(policies, s.kind, "deny") ?? "an identity policy";
    case "boundary":
      return decidersText(policies, s.kind, "deny") ?? "the permissions boundary";
    case "session-policy":
      return decidersText(policies, s.kind, "deny") ?? "the session policy";
    case "service-control-policy":
      return decidersText(policies, s.kind, "deny") ?? "a service control policy";
    case "kms-rule":
      return "a rule of KMS";
  }
}

const capital = (t: string): string => t.charAt(0).toUpperCase() + t.slice(1);
