import type { Fetched } from "../domain/fetched.js";
import { inert } from "../domain/inert.js";
import type { Diagnostic } from "../policy/ast.js";
import { REFUSED_DOUBTS } from "../semantics/doubts.js";
import { draftSource } from "./exposure-draft.js";
import { offsetOf } from "./invalid-policy.js";
import type { Draft, Rule, RuleInput } from "./rule.js";
import { HYGIENE } from "./rule.js";
import { severityOf } from "./severity.js";
import { canDo, actionsText, name, sourceText, whoText } from "./words.js";

/** Something could not be read or not be decided, and it could make the key worse than what was proved. */
export const notAssessed: Rule = {
  id: "not-assessed",
  title: "Not assessed",
  find: (input) => [
    ...policyDrafts(input),
    ...grantDrafts(input),
    ...undecidedDrafts(input),
    ...doubtfulDrafts(input),
  ],
};

const UNKNOWN = {
  ...HYGIENE,
  rule: "not-assessed",
  severity: severityOf("unknown", []),
  exposure: "unknown",
  certainty: "possible",
} as const;

function policyDrafts(input: RuleInput): Draft[] {
  const { policy } = input.record;
  if (policy.kind === "present") return input.parsed.diagnostics.filter(isMalformed).map(malformed);
  return [
    {
      ...UNKNOWN,
      source: { kind: "policy" },
      ...unread(policy, "key policy", "kms:GetKeyPolicy"),
    },
  ];
}

function isMalformed(d: Diagnostic): boolean {
  return d.level === "malformed";
}

function malformed(d: Diagnostic): Draft {
  return {
    ...UNKNOWN,
    source: { kind: "policy", path: d.path, ...offsetOf(d) },
    reason: `The key policy cannot be understood: ${d.message}`,
    remedy: "Correct the text; what it should have said cannot be guessed.",
    part: d.code,
  };
}

function grantDrafts(input: RuleInput): Draft[] {
  const { grants } = input.record;
  if (grants.kind === "present" || grants.kind === "absent") return [];
  return [{ ...UNKNOWN, source: { kind: "grants" }, ...unread(grants, "grants", "kms:ListGrants") }];
}

function unread(
  fetched: Exclude<Fetched<unknown>, { kind: "present" }>,
  what: string,
  call: string,
): Pick<Draft, "reason" | "remedy"> {
  switch (fetched.kind) {
    case "unreadable":
      return {
        reason: `${readSoFar(fetched.part, what)} (${inert(fetched.code, { max: 80 })}).`,
        remedy: readAgain(fetched.code, call),
      };
    case "absent":
      return {
        reason: `The key has no ${what}, which AWS does not allow: the data is not complete.`,
        remedy: `Read the key again with ${call}.`,
      };
    case "unknown":
      return {
        reason: `The ${what} of the key were not read, and somebody could have access through them.`,
        remedy: `Read them with ${call}; keyward scan does.`,
      };
  }
}

function readSoFar(part: unknown, what: string): string {
  return Array.isArray(part) && part.length > 0
    ? `Only ${part.length} of the ${what} could be read`
    : `The ${what} could not be read`;
}

/** What to do about a failed read. */
export function readAgain(code: string, call: string): string {
  if (/AccessDenied|NotAuthorized|UnauthorizedOperation/i.test(code)) {
    return `Allow ${call} for the identity that keyward runs as, in its IAM policy and in the key policy, and run it again.`;
  }
  if (/Throttl|Timeout|Unavailable|Internal|Network|ECONN|ETIMEDOUT/i.test(code))
    return "Run it again later.";
  if (code === "Interrupted")
    return "The scan was stopped: run keyward scan again with --resume and the snapshot of that scan.";
  if (/NotFound/i.test(code))
    return "Run it again: the key was deleted in the meantime, or is in another Region.";
  return `Find out why ${call} failed and run it again.`;
}

function undecidedDrafts(input: RuleInput): Draft[] {
  const { undecided } = input.outside;
  // What only rests on refused input is invalid-policy's; what is malformed was said above.
  const open = undecided.filter((u) => !isRefused(u.doubts) && input.parsed.policy !== undefined);
  return open.map((u) => ({
    ...UNKNOWN,
    who: u.who ?? null,
    source: u.source === undefined ? { kind: "policy" } : draftSource(u.source),
    reason: sentence(u.reason),
    remedy: "Write the statement so that it can be decided, or judge it by hand and write an exception.",
    doubts: u.doubts,
    part: u.reason,
  }));
}

function isRefused(doubts: Draft["doubts"]): boolean {
  return doubts.length > 0 && doubts.every((d) => REFUSED_DOUBTS.has(d.id));
}

/** Accesses that rest on a part of the policy that keyward does not understand. */
function doubtfulDrafts(input: RuleInput): Draft[] {
  return input.groups
    .filter((g) => g.exposure === "unknown")
    .map((g) => {
      const source = draftSource(g.source);
      const where = sourceText(source, input.parsed.policy?.statements ?? []);
      return {
        ...UNKNOWN,
        who: g.who,
        capabilities: g.capabilities,
        actions: g.actions,
        source,
        conditions: g.conditions,
        witness: g.witness,
        reason: `${whoText(g.who)} ${canDo(g.capabilities, "possible")} (${actionsText(g.actions)}) through ${where}, of which keyward does not understand a part: ${g.doubts.map((d) => d.text).join(" ")}`,
        remedy: `Correct what stands in ${where}; if it is right, update keyward.`,
        doubts: g.doubts,
        part: JSON.stringify(g.reach),
      };
    });
}

function sentence(text: string): string {
  const said = name(text);
  const upper = said.charAt(0).toUpperCase() + said.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}
