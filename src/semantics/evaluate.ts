import { actionFacts, type ActionFacts } from "./actions.js";
import { deriveContext, onKeySide, withOpenKeys, withUnknownKeys } from "./derive-context.js";
import type { DoubtId } from "./doubts.js";
import { grantAllows, grantLetsRetire } from "./grants.js";
import {
  boundarySays,
  identitySays,
  serviceControlSays,
  serviceLinkedRole,
  sessionPolicySays,
} from "./identity.js";
import {
  crossAccountRefusal,
  keyStateRefusal,
  keyTypeRefusal,
  unknownAction,
  type KmsRefusal,
} from "./kms-rules.js";
import { waysNamed } from "./principal-match.js";
import { type Question, questionableKeys } from "./questionable.js";
import type { AccessRequest, Decision, KeyDocument, Source, TraceStep } from "./request.js";
import { statementFits, type StatementTarget } from "./statement-match.js";
import { all, any, doubtful, namedDoubts, NO, YES, type Tri } from "./tri.js";
import { wayIn, type CallerSide } from "./way-in.js";
import type { Policy, Statement } from "../policy/ast.js";

/** Something that allows or denies a request, surely or perhaps. */
interface Voice {
  /** Undefined: a document that was not read. */
  readonly source: Source | undefined;
  readonly says: Tri;
  /** For Allow: the name of the way in. */
  readonly reason: string;
}

interface Hearing {
  readonly allows: Voice[];
  readonly denies: Voice[];
  readonly trace: TraceStep[];
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** Everything about a request that the single steps need. */
interface Case {
  readonly request: AccessRequest;
  readonly key: KeyDocument;
  readonly action: ActionFacts;
  readonly target: StatementTarget;
  /** As policies of the key's side see it. */
  readonly keySide: StatementTarget;
  readonly side: CallerSide;
}

/**
 * Decides one request to KMS as AWS documents it: an explicit Deny anywhere wins; otherwise the key policy or a grant
 * must allow, with what the caller needs on its own side; SCPs must allow; and KMS itself must offer the operation.
 * Source: IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Determining access to AWS KMS keys"
 * (text of 2026).
 */
export function evaluate(request: AccessRequest, key: KeyDocument, options: EvaluateOptions = {}): Decision {
  const decided = decideRequest(request, key, options, NO_QUESTIONS);
  if (decided.outcome === "deny") return decided;
  const questions = questionableKeys(request, key.facts);
  if (questions.size === 0) return decided;
  // What such a key holds is only a guess of the request: the answer is sure where it is the same for anything else.
  const otherwise = decideRequest(request, key, options, questions);
  return otherwise.outcome === "allow" ? decided : asDoubtfulAs(decided, otherwise);
}

/** How to judge a request otherwise than KMS does now. */
export interface EvaluateOptions {
  /** Judge who is allowed, although KMS does not offer the operation across accounts, or in the key's state. */
  readonly ignoreCrossAccount?: boolean;
  readonly ignoreKeyState?: boolean;
  /** Condition keys, in lower case, of which the request does not say what they hold: see withOpenKeys. */
  readonly openKeys?: ReadonlySet<string>;
}

const NO_QUESTIONS: ReadonlyMap<string, Question> = new Map();

/** An answer that is not a denial, with the doubts that come up where the questionable keys hold something else. */
function asDoubtfulAs(decided: Decision, otherwise: Decision): Decision {
  const known = new Set(decided.doubts.map((d) => d.id));
  const more = otherwise.doubts.filter((d) => QUESTIONS.has(d.id) && !known.has(d.id));
  if (more.length === 0) return decided;
  const text = "the answer depends on a condition key that requests may not hold as this one does";
  return {
    ...decided,
    outcome: "unknown",
    reason: "doubtful",
    doubts: [...decided.doubts, ...more],
    certainty: "possible",
    trace: [...decided.trace, { rule: "decision", outcome: "doubtful", text }],
  };
}

const QUESTIONS: ReadonlySet<string> = new Set<DoubtId>(["undocumented-value", "sts-key", "mfa-of-session"]);

function decideRequest(
  request: AccessRequest,
  key: KeyDocument,
  options: EvaluateOptions,
  questions: ReadonlyMap<string, Question>,
): Decision {
  const action = actionFacts(request.action);
  if (action === undefined) return refused(unknownAction(request.action), []);
  const crossAccount = crossAccountRefusal(action, request.caller, key.facts);
  if (crossAccount !== undefined && options.ignoreCrossAccount !== true) return refused(crossAccount, []);

  const known = withUnknownKeys(deriveContext(request, key), questions);
  const context = withOpenKeys(known, options.openKeys ?? NO_KEYS);
  const target: StatementTarget = { action: action.name, facts: key.facts, context };
  const side: CallerSide = {
    identity: identitySays(request.identity, request.caller, target),
    boundary: boundarySays(request, target),
    session: sessionPolicySays(request, target),
  };
  const aliased = onKeySide(context, key.facts);
  const keySide: StatementTarget = aliased === context ? target : { ...target, context: aliased };
  const matter: Case = { request, key, action, target, keySide, side };
  const hearing: Hearing = { allows: [], denies: [], trace: [] };
  hearKeyPolicy(matter, hearing);
  hearResourceControlPolicies(matter, hearing);
  hearCallerSide(matter, hearing);
  hearGrants(matter, hearing);
  const decided = decide(hearing, serviceControlSays(request, target).allows);
  return afterKmsRules(decided, matter, options.ignoreKeyState === true);
}

/** Every statement of the key policy. RetireGrant is not effective in one, whatever it says. */
function hearKeyPolicy(matter: Case, hearing: Hearing): void {
  const { key, action } = matter;
  if (!action.keyPolicy) {
    hearing.trace.push(info("key-policy", `${action.name} is not effective in a key policy: it has no say`));
    return;
  }
  for (const statement of key.policy.statements) {
    const source: Source = { kind: "statement", index: statement.index, sid: statement.sid };
    const doubt = statementDoubt(key, statement.index);
    hearStatement(matter, hearing, statement, key.policy.version, source, doubt, "key-policy");
  }
  hearLostStatements(matter, hearing);
}

/** Statements that the parser could not build at all may be anything, an Allow or a Deny. */
function hearLostStatements({ key }: Case, hearing: Hearing): void {
  const built = new Set(key.policy.statements.map((statement) => statement.index));
  const flagged = [...(key.doubtfulStatements ?? []), ...(key.refusedStatements ?? [])];
  for (const index of new Set(flagged.filter((number) => !built.has(number)))) {
    const source: Source = { kind: "statement", index, sid: undefined };
    const says = statementDoubt(key, index);
    hearing.allows.push({ source, says, reason: "key-policy" });
    hearing.denies.push({ source, says, reason: "explicit-deny" });
    const text = `statement ${index}: it could not be read, so it may allow or deny anything`;
    hearing.trace.push({ rule: "key-policy", source, outcome: "doubtful", text });
  }
}

/** A statement that KMS would refuse, or that was not understood, matches at most doubtfully. */
function statementDoubt(key: KeyDocument, index: number): Tri {
  if (key.doubtfulStatements?.has(index) === true) return doubtful("not-understood");
  return key.refusedStatements?.has(index) === true ? doubtful("refused-statement") : YES;
}

/**
 * Resource control policies can only take away. They do not bind service-linked roles and not kms:RetireGrant.
 * Source: Organizations User Guide, "Resource control policies"; KMS Developer Guide, "Resource control policies in
 * AWS KMS" (text of 2026).
 */
function hearResourceControlPolicies(matter: Case, hearing: Hearing): void {
  const { key, action, request } = matter;
  const linked = serviceLinkedRole(request.caller);
  if (!action.keyPolicy || linked === "yes") return;
  const binds = linked === "perhaps" ? doubtful("rcp-service-linked-role") : YES;
  key.resourceControlPolicies.forEach((policy: Policy, number) => {
    for (const statement of policy.statements.filter((s) => s.effect === "Deny")) {
      const source: Source = { kind: "resource-control-policy", policy: number, statement: statement.index };
      hearStatement(matter, hearing, statement, policy.version, source, binds, "resource-control-policy");
    }
  });
}

/** One statement with principals: whether it fits, in which way it names the caller, and what that is worth. */
function hearStatement(
  matter: Case,
  hearing: Hearing,
  statement: Statement,
  version: Policy["version"],
  source: Source,
  binds: Tri,
  rule: "key-policy" | "resource-control-policy",
): void {
  const { request, key, keySide, side } = matter;
  const home = rule === "key-policy" ? "key-policy" : "other";
  const name = `${statement.effect} ${statementName(statement)}`;
  const ways = waysNamed(statement.principal, statement.effect, request);
  if (ways.length === 0) {
    hearing.trace.push({ rule, source, outcome: "no-match", text: `${name}: it does not name the caller` });
    return;
  }
  const { fits, why } = statementFits(statement, version, keySide, home);
  const matches = all([binds, fits, any(ways.map((named) => named.matches))]);
  hearing.trace.push({ rule, source, outcome: outcomeOf(matches), text: `${name}: ${why}` });
  if (matches.value === "no") return;
  if (statement.effect === "Deny") {
    hearing.denies.push({ source, says: matches, reason: "explicit-deny" });
    return;
  }
  for (const named of ways) {
    const entrance = wayIn(named.way, request.caller, key.facts, side);
    const says = all([binds, fits, named.matches, entrance.open]);
    hearing.allows.push({ source, says, reason: "key-policy" });
    const outcome = says.value === "yes" ? "allow" : outcomeOf(says);
    hearing.trace.push({ rule: "caller-side", source, outcome, text: entrance.why });
  }
}

/** Explicit denials in the policies of the caller. */
function hearCallerSide(matter: Case, hearing: Hearing): void {
  const { request, target, side } = matter;
  const documents = [
    ["identity", side.identity.denies],
    ["boundary", side.boundary.denies],
    ["session-policy", side.session.denies],
    ["service-control-policy", serviceControlSays(request, target).denies],
  ] as const;
  for (const [kind, says] of documents) {
    if (says.value === "no") continue;
    hearing.denies.push({ source: { kind }, says, reason: "explicit-deny" });
    hearing.trace.push({
      rule: kind,
      source: { kind },
      outcome: outcomeOf(says),
      text: "it denies the request",
    });
  }
}

/** Grants allow beside the key policy. RetireGrant follows from the grants alone. */
function hearGrants(matter: Case, hearing: Hearing): void {
  const { key, action } = matter;
  const retire = action.lower === "kms:retiregrant";
  if (key.grantsUnread === true && action.grantable) {
    hearing.allows.push({ source: undefined, says: doubtful("grants-unread"), reason: "grant" });
    hearing.trace.push({ rule: "grant", outcome: "doubtful", text: "the grants of the key were not read" });
  }
  if (key.grants.length === 0) return;
  const { request, side, target: asked } = matter;
  const target = { request, action, context: asked.context, facts: key.facts, side };
  const each = key.grants.length <= MOST_GRANTS_TOLD;
  let unfit = 0;
  for (const grant of key.grants) {
    const { allows, why } = (retire ? grantLetsRetire : grantAllows)(grant, target);
    if (!each && allows.value === "no") {
      unfit += 1;
      continue;
    }
    const source: Source = { kind: "grant", grantId: grant.GrantId };
    const outcome = allows.value === "yes" ? "allow" : outcomeOf(allows);
    hearing.trace.push({
      rule: "grant",
      source,
      outcome,
      text: `grant ${JSON.stringify(grant.GrantId)}: ${why}`,
    });
    if (allows.value !== "no")
      hearing.allows.push({ source, says: allows, reason: retire ? "retire-grant" : "grant" });
  }
  if (unfit > 0) {
    const text = `${unfit} grants: each has another grantee, other operations or a constraint that is not met`;
    hearing.trace.push({ rule: "grant", outcome: outcomeOf(NO), text });
  }
}

/** Of more grants only those that may matter have a line of their own in the trace. */
const MOST_GRANTS_TOLD = 20;

/** A sure Deny wins; then a sure Allow that no Deny may touch; what is left open is unknown. */
function decide(hearing: Hearing, organizationAllows: Tri): Decision {
  const { allows, denies, trace } = hearing;
  const denied = any(denies.map((d) => d.says));
  const allowed = all([any(allows.map((a) => a.says)), organizationAllows]);
  const sure = (voices: readonly Voice[]): Voice[] => voices.filter((v) => v.says.value === "yes");
  const open = (voices: readonly Voice[]): Voice[] => voices.filter((v) => v.says.value !== "no");
  if (denied.value === "yes")
    return decision("deny", "explicit-deny", sure(denies), [], trace, "an explicit Deny matches");
  if (allowed.value === "no") {
    const lacking = organizationAllows.value === "no" && allows.some((a) => a.says.value !== "no");
    const sources: Voice[] = lacking
      ? [{ source: { kind: "service-control-policy" }, says: NO, reason: "implicit-deny" }]
      : [];
    const text = lacking ? "a service control policy does not allow it" : "nothing allows it";
    return decision("deny", "implicit-deny", sources, [], trace, text);
  }
  if (allowed.value === "yes" && denied.value === "no") {
    const ways = sure(allows);
    return decision(
      "allow",
      ways[0]?.reason ?? "key-policy",
      ways,
      [],
      trace,
      "it is allowed, and nothing denies it",
    );
  }
  const doubts = [allowed, denied];
  const voices = [...(allowed.value === "yes" ? sure(allows) : open(allows)), ...open(denies)];
  return decision(
    "unknown",
    "doubtful",
    voices,
    doubts,
    trace,
    "the answer depends on what AWS does not document, or on facts that are not known",
  );
}

function decision(
  outcome: Decision["outcome"],
  reason: string,
  voices: readonly Voice[],
  doubts: readonly Tri[],
  trace: readonly TraceStep[],
  text: string,
): Decision {
  const step: TraceStep = { rule: "decision", outcome: outcome === "unknown" ? "doubtful" : outcome, text };
  return {
    outcome,
    reason,
    sources: distinct(voices.flatMap((v) => v.source ?? [])),
    doubts: namedDoubts(doubts),
    certainty: outcome === "unknown" ? "possible" : "certain",
    trace: [...trace, step],
  };
}

/** What is authorised can still be impossible: by the type of the key or by its state. */
function afterKmsRules(decided: Decision, { action, key }: Case, anyState: boolean): Decision {
  if (decided.outcome === "deny") return decided;
  const refusal =
    keyTypeRefusal(action, key.facts) ?? (anyState ? undefined : keyStateRefusal(action, key.facts));
  return refusal === undefined ? decided : refused(refusal, decided.trace);
}

function refused(refusal: KmsRefusal, trace: readonly TraceStep[]): Decision {
  const source: Source = { kind: "kms-rule", rule: refusal.rule };
  return {
    outcome: "deny",
    reason: refusal.rule,
    sources: [source],
    doubts: [],
    certainty: "certain",
    trace: [...trace, { rule: "kms", source, outcome: "deny", text: refusal.why }],
  };
}

function distinct(sources: readonly Source[]): readonly Source[] {
  if (sources.length < 2) return sources;
  const seen = new Map(sources.map((source) => [JSON.stringify(source), source]));
  return [...seen.values()];
}

function outcomeOf(value: Tri): TraceStep["outcome"] {
  return value.value === "yes" ? "match" : value.value === "no" ? "no-match" : "doubtful";
}

function info(rule: string, text: string): TraceStep {
  return { rule, outcome: "info", text };
}

function statementName(statement: Statement): string {
  const sid = statement.sid === undefined ? "" : ` ${JSON.stringify(statement.sid)}`;
  return `statement ${statement.index}${sid}`;
}
