import type { Grant } from "../domain/grant.js";
import type { AccountId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";
import { doubt, type DoubtId } from "../semantics/doubts.js";
import type { KeyDocument } from "../semantics/request.js";
import type { CallerClass } from "./callers.js";
import { classesOf, namedBy } from "./classes.js";
import type { RankedClass } from "./known-ids.js";
import { namesOf } from "./covered-callers.js";
import { Coverage, surenessOf, surer } from "./coverage.js";
import { environmentFacts } from "./environments.js";
import { Merger } from "./merge.js";
import { type Access, type AccessMatrix, type Undecided, withoutRepeats } from "./matrix.js";
import { type PolicyDoubts, policyDoubts } from "../policy/doubtful.js";
import { separated, undecidedGrants } from "./grant-forms.js";
import { type AnalysisInput, DEFAULT_MAX_STEPS, type Part } from "./analysis-input.js";
import { analyzeApart } from "./many-grants.js";
import { collectMentions } from "./mentions.js";
import { type Attempt, Prover, SEARCH_NOT_FINISHED } from "./prover.js";
import { overallExposure } from "./rollup.js";
import {
  type ActionGroup,
  type Entrance,
  actionGroups,
  actionSignatures,
  grantEntrances,
  statementEntrances,
} from "./entrances.js";
import type { Replayable } from "./replayable.js";
import { inShares } from "./shares.js";
import { doubtfulStatements, prepare } from "./statements.js";
import type { Budget } from "./glob.js";

/** Each of so many is tried with what the others name, which tells more, and takes time that grows with their square. */
const MOST_GRANTS_TOGETHER = 8;

const NO_POLICY: Policy = { version: "2012-10-17", id: undefined, statements: [] };

/** Computes who can use a key. Never throws for what stands in a policy. */
export function analyze(input: AnalysisInput): AccessMatrix {
  const many = (input.grants?.length ?? 0) > (input.grantsTogether ?? MOST_GRANTS_TOGETHER);
  return many ? analyzeApart(input, analyzeTogether) : analyzeTogether(input);
}

/** A key with few grants: everything that is named anywhere may be tried at every way in. */
function analyzeTogether(input: AnalysisInput): AccessMatrix {
  const { facts, now } = input;
  const policy = input.policy.policy ?? NO_POLICY;
  const grants = separated(input.grants ?? []);
  const reading = policyDoubts(input.policy);
  const doubts = doubtfulStatements(reading);
  const statements = prepare(policy, facts, doubts, "key-policy");
  const doubtful = input.doubtfulDenials ?? [];
  const documents = [policy, ...input.resourceControlPolicies, ...doubtful];
  const rcps = [
    ...input.resourceControlPolicies.map((p) => prepare(p, facts, new Map(), "other")),
    ...doubtful.map((p) => prepare(p, facts, allDoubtful(p), "other")),
  ];
  const mentions = collectMentions(documents, grants, facts.tags);
  const document: KeyDocument = {
    facts,
    policy,
    grants,
    resourceControlPolicies: input.resourceControlPolicies,
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
  };
  const limit = input.maxSteps ?? DEFAULT_MAX_STEPS;
  const budget = { left: limit };
  const prover = new Prover({
    facts,
    document,
    statements,
    rcps,
    mentions,
    networks: environmentFacts(documents, facts),
    now,
    budget,
    isKnown: (account) => input.organizationOf.has(account as AccountId),
    organizationsOfOutsider: (account) => classes.organizationsOfOutsider(account),
    weight: weightOf(documents, grants),
  });
  const entrances = [...statementEntrances(statements), ...grantEntrances(grants, facts, mentions.keys)];
  const classes = classesOf(
    { facts, zone: input.zone, mentions, organizationOf: input.organizationOf },
    input.scope === "all",
    namedBy(entrances.map((e) => e.principal)),
  );
  const signatures = actionSignatures(statements, rcps, mentions.keys, facts);
  const merger = new Merger();
  const undecided: Undecided[] = [...notUnderstood(input.policy, reading), ...undecidedGrants(grants, facts)];

  /** Looks for accesses through one way in; gives what stayed undecided. */
  const visit = (entrance: Entrance): Undecided[] => {
    const open: Undecided[] = [];
    const named = new NamedClasses(classes.all, entrance, budget);
    for (const group of actionGroups(entrance, signatures)) {
      if (!isOf(group, input.only)) continue;
      const covered = new Coverage();
      /** What is answered for later, while today may be another matter for those who are named. */
      const later = new Coverage();
      for (let i = 0; !covered.everybody; i += 1) {
        const ranked = named.at(i);
        if (ranked === undefined) break;
        if (input.only?.trusted === true && !ranked.cls.trusted) continue;
        if (budget.left < 0) return [...open, unfinished(entrance)];
        const before = covered.of(ranked.group);
        if (before === "certain" || !worthTrying(ranked, entrance, group, facts)) continue;
        const attempt: Attempt = prover.prove(ranked.cls, entrance, group);
        if (attempt.kind === "undecided") open.push(attempt.undecided);
        if (attempt.kind !== "access") continue;
        for (const access of [attempt.access, attempt.certain]) {
          if (access === undefined) continue;
          const sureness = surenessOf(access);
          if (access.reach.kind === "not-before") {
            if (later.of(ranked.group) === "certain") continue;
            later.add(itselfAndCovered(ranked), sureness);
          }
          // A named class tells more than "anyone, possibly" only if it is surer.
          if (surer(sureness, before)) merger.add(access);
          covered.add(answered(ranked, access), sureness);
        }
      }
    }
    return open;
  };

  const outside = input.scope === "outside";
  const asked = entrances.filter(
    (e) => isThrough(e, input.only) && !(outside && classes.spared(e.principal)),
  );
  undecided.push(...inShares(asked, budget, visit));
  const accesses = merger.accesses();
  return {
    accesses,
    undecided: withoutRepeats(undecided),
    exposure: overallExposure(accesses, undecided, reading),
    disagreements: prover.disagreements,
    steps: limit - budget.left,
  };
}

function isThrough({ source }: Entrance, part: Part | undefined): boolean {
  if (part?.statement === undefined) return true;
  if (part.statement === "none") return source.kind === "grant";
  return source.kind === "statement" && source.index === part.statement;
}

function isOf(group: ActionGroup, part: Part | undefined): boolean {
  const { actions } = part ?? {};
  return actions === undefined || group.actions.some((a) => actions.includes(a.name));
}

function unfinished(entrance: Entrance): Undecided {
  return { who: undefined, source: entrance.source, reason: SEARCH_NOT_FINISHED, doubts: [] };
}

/** The classes that a way in can name, found as far as they are asked for. */
class NamedClasses {
  readonly #kept: RankedClass[] = [];
  #next = 0;
  readonly #canName: (cls: CallerClass) => boolean;

  constructor(
    readonly all: Replayable<RankedClass>,
    entrance: Entrance,
    readonly budget: Budget,
  ) {
    this.#canName = namesOf(entrance.principal);
  }

  at(place: number): RankedClass | undefined {
    while (this.#kept.length <= place) {
      const ranked = this.all.at(this.#next);
      if (ranked === undefined) return undefined;
      this.#next += 1;
      this.budget.left -= 1 / 8;
      if (this.#canName(ranked.cls)) this.#kept.push(ranked);
    }
    return this.#kept[place];
  }
}

/** The groups that need no answer any more once a class got in. */
function answered(ranked: RankedClass, { exposure, reach }: Access): readonly string[] {
  // From a fixed network only, or later, "anyone" is less than an account that gets in from everywhere today.
  const less = exposure === "network" || reach.kind === "not-before";
  return less ? [itself(ranked)] : itselfAndCovered(ranked);
}

function itselfAndCovered(ranked: RankedClass): readonly string[] {
  return [itself(ranked), ...ranked.covers];
}

function itself({ group }: RankedClass): string {
  return group === "anyone" ? "anyone" : `${group} itself`;
}

/** What a request costs the reference: it hears every statement and grant, and matches patterns sign by sign. */
function weightOf(policies: readonly Policy[], grants: readonly Grant[]): number {
  let items = 2 * grants.length;
  let plain = 0;
  let patterns = 0;
  const add = (text: string): void => {
    if (/[*?]/.test(text)) patterns += text.length;
    else plain += text.length;
  };
  for (const p of policies) {
    items += 2 * p.statements.length;
    for (const s of p.statements) {
      for (const c of s.conditions) {
        items += c.values.length;
        c.values.forEach(add);
      }
      if (s.principal.kind !== "missing") items += s.principal.entries.length / 4;
      if (s.action.kind !== "missing") s.action.patterns.forEach(add);
    }
  }
  return 4 + items + (plain >> 6) + (patterns >> 2);
}

/** Services call what services call: management calls by a service principal are not a way to a key. */
function worthTrying(ranked: RankedClass, entrance: Entrance, group: ActionGroup, facts: KeyFacts): boolean {
  const { cls } = ranked;
  if (cls.kind === "service") return group.crossAccount && !entrance.housekeeping;
  if (group.crossAccount) return true;
  // What only the key's own account can do is looked at for outsiders too: it is latent access.
  return cls.account.kind === "fresh" || cls.account.id !== facts.account || cls.trusted;
}

function allDoubtful(policy: Policy): ReadonlyMap<number, DoubtId> {
  return new Map(policy.statements.map((s) => [s.index, "denial-not-understood"]));
}

/** Parts of the policy that no syntax tree stands for: they may allow anything. */
function notUnderstood(parsed: ParsedPolicy, reading: PolicyDoubts): Undecided[] {
  return parsed.diagnostics.flatMap((d): Undecided[] => {
    const { level, statement } = d;
    const lost = statement !== undefined && reading.unread.has(statement);
    const whole = statement === undefined && level !== "refused" && level !== "warning";
    if (!lost && !whole) return [];
    return [
      {
        who: undefined,
        source: statement === undefined ? undefined : { kind: "statement", index: statement, sid: undefined },
        reason: d.message,
        doubts: [doubt(level === "refused" ? "refused-statement" : "not-understood")],
      },
    ];
  });
}
