import { type Condition, OPERATORS, type PrincipalEntry, type Statement } from "../../src/policy/ast.js";
import { parsePolicy } from "../../src/policy/parse.js";
import { actionCovered } from "../../src/semantics/action-match.js";
import { actionFacts } from "../../src/semantics/actions.js";
import { CONDITION_KEYS, conditionKeyFacts } from "../../src/semantics/condition-keys.js";
import { conditionHolds } from "../../src/semantics/condition-match.js";
import { contextEntry, deriveContext } from "../../src/semantics/derive-context.js";
import { evaluate } from "../../src/semantics/evaluate.js";
import { grantAllows, grantLetsRetire } from "../../src/semantics/grants.js";
import { boundarySays, identitySays, sessionPolicySays } from "../../src/semantics/identity.js";
import { entryNames, waysNamed } from "../../src/semantics/principal-match.js";
import type { AccessRequest, KeyDocument } from "../../src/semantics/request.js";
import { resourceCovered } from "../../src/semantics/resource-match.js";
import type { Tri } from "../../src/semantics/tri.js";
import { expand } from "../../src/semantics/variables.js";
import { wayIn } from "../../src/semantics/way-in.js";
import { call } from "../generators/calls.js";
import { withOwnSide } from "../generators/own-side.js";
import { Random } from "../generators/random.js";
import { topicsOf } from "../generators/topics.js";
import { type World, world as randomWorld } from "../generators/worlds.js";

/** How often each rule of the reference gave each answer. A rule is `group/name`, an answer `yes`, `no` or `doubtful`. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  count(rule: string, answer: string): void {
    const cell = `${rule} ${answer}`;
    this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
  }

  of(rule: string, answer: string): number {
    return this.#counts.get(`${rule} ${answer}`) ?? 0;
  }

  /** Rules in order, with the counts of their answers. */
  table(): readonly (readonly [string, string])[] {
    const rules = new Map<string, string[]>();
    for (const [cell, n] of [...this.#counts].sort()) {
      const at = cell.lastIndexOf(" ");
      const rule = cell.slice(0, at);
      rules.set(rule, [...(rules.get(rule) ?? []), `${cell.slice(at + 1)} ${n}`]);
    }
    return [...rules].map(([rule, answers]) => [rule, answers.join(", ")]);
  }
}

/** Puts the requests of random worlds to every rule of the reference by itself, and counts its answers. */
export function measure(seed: number, worlds: number, requests: number): Coverage {
  const coverage = new Coverage();
  for (let index = 0; index < worlds; index += 1) {
    const r = new Random(seed, index);
    const world = randomWorld(r);
    const topics = topicsOf(world);
    const document = documentOf(world);
    for (let i = 0; i < requests; i += 1) {
      observe(withOwnSide(r, call(r, world, topics), world.facts), document, coverage);
    }
  }
  return coverage;
}

function documentOf(world: World): KeyDocument {
  const { policy } = parsePolicy(world.policy, { kind: "key", partition: world.facts.partition });
  if (policy === undefined) throw new Error(`no policy: ${world.policy}`);
  const rcps = world.resourceControlPolicies.map((t) => parsePolicy(t, { kind: "rcp" }).policy);
  return {
    facts: world.facts,
    policy,
    grants: world.grants,
    resourceControlPolicies: rcps.flatMap((p) => p ?? []),
  };
}

function observe(request: AccessRequest, document: KeyDocument, coverage: Coverage): void {
  const { facts, policy } = document;
  const context = deriveContext(request, document);
  const target = { action: request.action, facts, context };
  const side = {
    identity: identitySays(request.identity, request.caller, target),
    boundary: boundarySays(request, target),
    session: sessionPolicySays(request, target),
  };
  const say = (rule: string, answer: Tri): void => coverage.count(rule, answer.value);
  const own =
    request.caller.kind === "service"
      ? "service"
      : request.caller.account === facts.account
        ? "own"
        : "other";
  const statement = (s: Statement): void => {
    say(`action/${s.action.kind}`, actionCovered(s.action, request.action));
    say(
      `resource/${s.resource.kind}`,
      resourceCovered(s.resource, facts, policy.version, context, "key-policy"),
    );
    const { principal } = s;
    if (principal.kind === "principal") {
      for (const e of principal.entries)
        say(`principal/${s.effect} ${entryName(e)}`, entryNames(e, s.effect, request.caller).matches);
    }
    const ways = waysNamed(principal, s.effect, request);
    if (principal.kind === "not-principal") {
      coverage.count(`not-principal/${s.effect}`, ways[0]?.matches.value ?? "no");
    }
    if (s.effect === "Allow") {
      for (const w of ways)
        say(`decision-table/${own} ${w.way}`, wayIn(w.way, request.caller, facts, side).open);
    }
    for (const c of s.conditions) condition(c);
  };
  const condition = (c: Condition): void => {
    const holds = conditionHolds(c, policy.version, context);
    say(`operator/${formOf(c)}`, holds);
    say(`key/${conditionKeyFacts(c.key)?.origin ?? "unknown"}`, holds);
    coverage.count("presence", contextEntry(context, c.key).kind);
    for (const v of c.values) {
      if (!v.includes("${")) continue;
      const mode = { version: policy.version, wildcards: c.operator.includes("Like"), variables: true };
      const e = expand(v, mode, context);
      coverage.count("variable", e.kind === "operands" ? `operands-${e.readings.length}` : e.kind);
    }
  };
  policy.statements.forEach(statement);
  const action = actionFacts(request.action);
  for (const grant of action === undefined ? [] : document.grants) {
    const {
      EncryptionContextEquals: equals,
      EncryptionContextSubset: subset,
      SourceArn,
    } = grant.Constraints ?? {};
    const bound = [equals && "equals", subset && "subset", SourceArn && "source"].filter(Boolean).join("+");
    const at = { request, action: action!, facts, context, side };
    if (request.action === "kms:RetireGrant") say("grant/retire", grantLetsRetire(grant, at).allows);
    else say(`grant/${bound === "" ? "free" : bound}`, grantAllows(grant, at).allows);
  }
  const decision = evaluate(request, document);
  coverage.count(`decision/${decision.reason}`, decision.outcome);
}

function entryName(e: PrincipalEntry): string {
  return e.kind === "refused" ? `refused ${e.reach}` : e.kind;
}

function formOf(c: Pick<Condition, "operator" | "qualifier" | "ifExists">): string {
  return `${c.qualifier === undefined ? "" : `${c.qualifier}:`}${c.operator}${c.ifExists ? "IfExists" : ""}`;
}

/** The cells that a run must reach; a rule with one answer only is listed with that one. */
export function required(): readonly (readonly [string, string])[] {
  const both = (rule: string): (readonly [string, string])[] => [
    [rule, "yes"],
    [rule, "no"],
  ];
  const operators = OPERATORS.filter((o) => o !== "Null").flatMap((operator) =>
    ([undefined, "ForAnyValue", "ForAllValues"] as const).flatMap((qualifier) =>
      [false, true].flatMap((ifExists) => both(`operator/${formOf({ operator, qualifier, ifExists })}`)),
    ),
  );
  const origins = new Set(CONDITION_KEYS.map((k) => k.origin));
  const entries = ["account", "user", "role", "session", "federated-user", "service"];
  return [
    ...operators,
    ...both("operator/Null"),
    ["operator/Null", "doubtful"],
    ["operator/ForAllValues:Null", "yes"],
    ["operator/ForAnyValue:Null", "no"],
    ...[...origins].flatMap((o) => both(`key/${o}`)),
    ["key/key", "doubtful"],
    ["key/unknown", "doubtful"],
    ...["absent", "values", "unknown"].map((p) => ["presence", p] as const),
    ...["operands-1", "operands-2", "missing", "doubtful"].map((v) => ["variable", v] as const),
    ...["listed", "not-listed"].flatMap((k) => [...both(`action/${k}`), ...both(`resource/${k}`)]),
    ["resource/listed", "doubtful"],
    ["action/missing", "no"],
    ["resource/missing", "no"],
    ...["Allow", "Deny"].flatMap((e) => [
      ...entries.flatMap((k) => both(`principal/${e} ${k}`)),
      [`principal/${e} everyone`, "yes"] as const,
      [`principal/${e} refused nobody`, "no"] as const,
      [`principal/${e} refused unknown`, "doubtful"] as const,
    ]),
    ...both("principal/Allow unique-id"),
    ["principal/Allow everyone", "doubtful"],
    ["not-principal/Allow", "no"],
    ["not-principal/Allow", "doubtful"],
    ...["yes", "no", "doubtful"].map((a) => ["not-principal/Deny", a] as const),
    ...["everyone", "account", "user", "role", "session", "federated-user"].map(
      (w) => [`decision-table/own ${w}`, "yes"] as const,
    ),
    ...["account", "role", "user-of-session"].map((w) => [`decision-table/own ${w}`, "no"] as const),
    ...["everyone", "account", "user", "role", "session", "federated-user"].flatMap((w) =>
      both(`decision-table/other ${w}`),
    ),
    ["decision-table/service service", "yes"],
    ["decision-table/service everyone", "yes"],
    ["decision-table/other account", "doubtful"],
    ...["free", "equals", "subset", "source", "retire"].flatMap((g) => both(`grant/${g}`)),
    ...["free", "equals", "subset"].map((g) => [`grant/${g}`, "doubtful"] as const),
    ["decision/key-policy", "allow"],
    ["decision/grant", "allow"],
    ["decision/retire-grant", "allow"],
    ["decision/explicit-deny", "deny"],
    ["decision/implicit-deny", "deny"],
    ["decision/cross-account", "deny"],
    ["decision/key-state", "deny"],
    ["decision/key-type", "deny"],
    ["decision/doubtful", "unknown"],
  ];
}
