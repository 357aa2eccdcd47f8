import type { Grant } from "../domain/grant.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import type { Certainty } from "../domain/verdict.js";
import type { Zone } from "../domain/zone.js";
import type { ParsedPolicy, Policy } from "../policy/ast.js";
import { doubt } from "../semantics/doubts.js";
import type { KeyDocument } from "../semantics/request.js";
import { classesOf, EVERYBODY, groupsAround, namedBy, type RankedClass } from "./classes.js";
import { environmentFacts } from "./environments.js";
import { Merger } from "./merge.js";
import type { Access, AccessMatrix, Undecided } from "./matrix.js";
import { type PolicyDoubts, policyDoubts } from "../policy/doubtful.js";
import { collectMentions } from "./mentions.js";
import { type Attempt, Prover } from "./prover.js";
import { overallExposure } from "./rollup.js";
import {
  type ActionGroup,
  type Entrance,
  actionGroups,
  actionSignatures,
  grantEntrances,
  grantsForNobodyKnown,
  statementEntrances,
} from "./entrances.js";
import { Replayable } from "./replayable.js";
import { canName } from "./shape.js";
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
  const reading = policyDoubts(input.policy);
  const doubts = doubtfulStatements(reading);
  const statements = prepare(policy, facts, doubts, "key-policy");
  const rcps = input.resourceControlPolicies.map((p) => prepare(p, facts, new Map(), "other"));
  const mentions = collectMentions([policy, ...input.resourceControlPolicies], grants, facts.tags);
  const document: KeyDocument = {
    facts,
    policy,
    grants,
    resourceControlPolicies: input.resourceControlPolicies,
    doubtfulStatements: reading.notUnderstood,
    refusedStatements: reading.refused,
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
    isKnown: (account) => input.organizationOf.has(account as AccountId),
  });
  const entrances = [...statementEntrances(statements), ...grantEntrances(grants, facts, mentions.keys)];
  const classes = classesOf(
    { facts, zone: input.zone, mentions, organizationOf: input.organizationOf },
    input.scope === "all",
    namedBy(entrances.map((e) => e.principal)),
  );
  const signatures = actionSignatures(statements, rcps, mentions.keys, facts);
  const merger = new Merger();
  const undecided: Undecided[] = [
    ...notUnderstood(input.policy, reading),
    ...grantsForNobodyKnown(grants).map((g) => ({
      who: undefined,
      source: { kind: "grant", grantId: g.GrantId } as const,
      reason: "the grant does not say whom it is for",
      doubts: [doubt("key-fact-unknown")],
    })),
  ];
  for (const entrance of entrances) {
    if (input.scope === "outside" && classes.spared(entrance.principal)) continue;
    const named = new Replayable(namedClasses(classes.all, entrance));
    for (const group of actionGroups(entrance, signatures)) {
      const covered = new Coverage();
      for (const ranked of named) {
        if (covered.everybody) break;
        const before = covered.of(ranked.group);
        if (before === "certain" || !worthTrying(ranked, entrance, group, facts)) continue;
        const attempt: Attempt = prover.prove(ranked.cls, entrance, group);
        if (attempt.kind === "undecided") undecided.push(attempt.undecided);
        if (attempt.kind !== "access") continue;
        for (const access of [attempt.access, attempt.certain]) {
          if (access === undefined) continue;
          // A named class tells more than "anyone, possibly" only if it is certain.
          if (before === undefined || access.certainty === "certain") merger.add(access);
          covered.add(ranked, access);
        }
      }
    }
  }
  const accesses = merger.accesses();
  return {
    accesses,
    undecided: dedupe(undecided),
    exposure: overallExposure(accesses, undecided, reading),
    disagreements: prover.disagreements,
    steps: (input.maxSteps ?? DEFAULT_MAX_STEPS) - budget.left,
  };
}

function* namedClasses(classes: Iterable<RankedClass>, entrance: Entrance): Generator<RankedClass> {
  for (const c of classes) if (canName(entrance.principal, c.cls)) yield c;
}

/** Which groups of classes have got in through one entrance already, and how surely. */
class Coverage {
  readonly #groups = new Map<string, Certainty>();

  get everybody(): boolean {
    return this.#groups.get(EVERYBODY) === "certain";
  }

  of(group: string): Certainty | undefined {
    let best = this.#groups.get(group);
    for (const around of groupsAround(group)) {
      const its = this.#groups.get(around);
      if (its === "certain") return its;
      best ??= its;
    }
    return best;
  }

  add({ group, covers }: RankedClass, access: Access): void {
    const { certainty, exposure } = access;
    this.#put(group === "anyone" ? "anyone" : `${group} itself`, certainty);
    // From a fixed network only, "anyone" is less than an account that gets in from everywhere.
    if (exposure === "network") return;
    for (const c of covers) this.#put(c, certainty);
  }

  #put(group: string, certainty: Certainty): void {
    if (this.#groups.get(group) !== "certain") this.#groups.set(group, certainty);
  }
}

/** Services call what services call: management calls by a service principal are not a way to a key. */
function worthTrying(ranked: RankedClass, entrance: Entrance, group: ActionGroup, facts: KeyFacts): boolean {
  const { cls } = ranked;
  if (cls.kind === "service") return group.crossAccount && !entrance.housekeeping;
  if (group.crossAccount) return true;
  // What only the key's own account can do is looked at for outsiders too: it is latent access.
  return cls.account.kind === "fresh" || cls.account.id !== facts.account || cls.trusted;
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

function dedupe(list: readonly Undecided[]): Undecided[] {
  const seen = new Map<string, Undecided>();
  for (const u of list) seen.set(JSON.stringify([u.who, u.source, u.reason]), u);
  return [...seen.values()];
}
