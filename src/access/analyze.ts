import type { Grant } from "../domain/grant.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Doubt } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";
import { doubt } from "../semantics/doubts.js";
import type { KeyDocument } from "../semantics/request.js";
import { classesOf, EVERYBODY, type RankedClass } from "./classes.js";
import { environmentFacts } from "./environments.js";
import { Merger } from "./merge.js";
import type { AccessMatrix, Undecided } from "./matrix.js";
import { collectMentions } from "./mentions.js";
import { type Attempt, Prover } from "./prover.js";
import { overallExposure } from "./rollup.js";
import { type ActionGroup, actionGroups, grantEntrances, statementEntrances } from "./entrances.js";
import { doubtfulStatements, prepare } from "./statements.js";

/** What an analysis is about. */
export interface AnalysisInput {
  readonly facts: KeyFacts;
  readonly policy: ParsedPolicy;
  /** Undefined: they could not be read, and the caller must say so. */
  readonly grants: readonly Grant[] | undefined;
  readonly resourceControlPolicies: readonly Policy[];
  readonly zone: Zone;
  /** Organization of accounts, as far as it is known. `null`: in no organization. */
  readonly organizationOf: ReadonlyMap<
    AccountId,
    { readonly id: OrganizationId; readonly path?: string } | null
  >;
  /** Seconds since the epoch. */
  readonly now: number;
  /** `outside`: only callers outside the zone of trust (enough for a verdict). `all`: everybody (explain). */
  readonly scope: "outside" | "all";
  /** Bound on the search; when it is used up the rest is undecided. */
  readonly maxSteps?: number;
}

/** Enough for any policy that people write; a hostile one runs into it and is reported as undecided. */
export const DEFAULT_MAX_STEPS = 60_000;

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Computes who can use a key. Never throws for what stands in a policy. */
export function analyze(input: AnalysisInput): AccessMatrix {
  const { facts, now } = input;
  const policy = input.policy.policy ?? NO_POLICY;
  const grants = input.grants ?? [];
  const doubts = doubtfulStatements(input.policy);
  const statements = prepare(policy, facts, doubts);
  const rcps = input.resourceControlPolicies.map((p) => prepare(p, facts, new Map()));
  const mentions = collectMentions([policy, ...input.resourceControlPolicies], grants);
  const document: KeyDocument = {
    facts,
    policy,
    grants,
    resourceControlPolicies: input.resourceControlPolicies,
    doubtfulStatements: new Set([...doubts].flatMap(([i, d]) => (d === "not-understood" ? [i] : []))),
    refusedStatements: new Set([...doubts].flatMap(([i, d]) => (d === "refused-statement" ? [i] : []))),
  };
  const budget = { left: input.maxSteps ?? DEFAULT_MAX_STEPS };
  const prover = new Prover({
    facts,
    document,
    statements,
    rcps,
    mentions,
    networks: environmentFacts([policy, ...input.resourceControlPolicies]),
    now,
    budget,
  });
  const classes = classesOf(
    { facts, zone: input.zone, mentions, organizationOf: input.organizationOf },
    input.scope === "all",
  );
  const merger = new Merger();
  const undecided: Undecided[] = notUnderstood(input.policy);
  for (const entrance of [
    ...statementEntrances(statements),
    ...grantEntrances(grants, facts, mentions.keys),
  ]) {
    for (const group of actionGroups(entrance, statements, rcps, mentions.keys, facts)) {
      const covered = new Set<string>();
      for (const ranked of classes) {
        if (covered.has(EVERYBODY) || covered.has(ranked.group)) continue;
        if (!worthTrying(ranked, group, facts)) continue;
        const attempt: Attempt = prover.prove(ranked.cls, entrance, group);
        if (attempt.kind === "access") {
          merger.add(attempt.access);
          if (attempt.access.exposure !== "network" || ranked.group !== "anyone") {
            for (const c of ranked.covers) covered.add(c);
          }
          if (ranked.group === "anyone") covered.add("anyone");
        } else if (attempt.kind === "undecided") {
          undecided.push(attempt.undecided);
        }
      }
    }
  }
  const accesses = merger.accesses();
  return {
    accesses,
    undecided: dedupe(undecided),
    exposure: overallExposure(accesses, undecided, input.policy),
    disagreements: prover.disagreements,
    steps: (input.maxSteps ?? DEFAULT_MAX_STEPS) - budget.left,
  };
}

/** Services call what services call: management calls by a service principal are not a way to a key. */
function worthTrying(ranked: RankedClass, group: ActionGroup, facts: KeyFacts): boolean {
  const { cls } = ranked;
  if (cls.kind === "service") return group.crossAccount;
  if (group.crossAccount) return true;
  // What only the key's own account can do is looked at for outsiders too: it is latent access.
  return cls.account.kind === "fresh" || cls.account.id !== facts.account || cls.trusted;
}

/** Parts of the policy that no syntax tree stands for. */
function notUnderstood(parsed: ParsedPolicy): Undecided[] {
  const out: Undecided[] = [];
  const known = new Set(parsed.policy?.statements.map((s) => s.index) ?? []);
  for (const d of parsed.diagnostics) {
    const lost = d.statement !== undefined && !known.has(d.statement);
    if (d.level !== "malformed" && d.level !== "not-understood" && !(d.level === "refused" && lost)) continue;
    const refused = d.level === "refused";
    const reason: Doubt = doubt(refused ? "refused-statement" : "not-understood");
    out.push({
      who: undefined,
      source:
        d.statement === undefined ? undefined : { kind: "statement", index: d.statement, sid: undefined },
      reason: d.message,
      doubts: [reason],
    });
  }
  return out;
}

function dedupe(list: readonly Undecided[]): Undecided[] {
  const seen = new Map<string, Undecided>();
  for (const u of list) seen.set(JSON.stringify([u.who, u.source, u.reason]), u);
  return [...seen.values()];
}
