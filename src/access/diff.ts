import type { AccountId, OrganizationId } from "../domain/ids.js";
import type { KeyFacts } from "../domain/key.js";
import { CAPABILITIES } from "../domain/verdict.js";
import { EMPTY_ZONE, type Zone } from "../domain/zone.js";
import { INPUT_DOUBTS } from "../semantics/doubts.js";
import type { AccessRequest, Source } from "../semantics/request.js";
import { classesOf, namedBy } from "./classes.js";
import { namesOf } from "./covered-callers.js";
import { Coverage } from "./coverage.js";
import { type Change, type DiffContext, DiffProver } from "./diff-prover.js";
import { type DiffSide, readSide, type Side, type SignedEntrance, signedEntrances } from "./diff-side.js";
import { type ActionGroup, actionGroups, actionSignatures } from "./entrances.js";
import { environmentFacts } from "./environments.js";
import type { Who } from "./matrix.js";
import { collectMentions, type Mentions } from "./mentions.js";
import { EVERYBODY, type RankedClass } from "./known-ids.js";
import { inShares } from "./shares.js";

export type { Before, Change } from "./diff-prover.js";
export type { DiffSide } from "./diff-side.js";

/** What a comparison is about: two states of the documents of one key. */
export interface DiffInput {
  /** Facts about the key, the same for both sides. */
  readonly facts: KeyFacts;
  readonly old: DiffSide;
  readonly new: DiffSide;
  /** Only names things: callers inside the zone are compared as well, and marked as trusted. */
  readonly zone: Zone;
  /** Organization of accounts, as far as it is known. `null`: in no organization. */
  readonly organizationOf: ReadonlyMap<
    AccountId,
    { readonly id: OrganizationId; readonly path?: string } | null
  >;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Bound on the search in each direction; when it is used up the rest is undecided. */
  readonly maxSteps?: number;
}

/** Something that could not be compared. */
export interface Uncompared {
  readonly who: Who | undefined;
  /** The way in of the newer side, where the question is about one. */
  readonly source: Source | undefined;
  readonly reason: string;
}

/**
 * The answer to "does the newer side allow anything that the older does not?".
 *
 * - `nothing`: proved for every caller, action and context; `changes` and `undecided` are empty.
 * - `something`: `changes` holds at least one request that the newer side allows and the older does not, replayed
 *   through the reference on both sides. Such a change can still be `possible` only: then it rests on a rule that AWS
 *   does not document, which its doubts name.
 * - `unknown`: nothing is known to be gained, but `undecided` (or a change that rests on a part of the input that
 *   was not understood or read) says what stands in the way of a proof.
 */
export interface Gains {
  readonly verdict: "nothing" | "something" | "unknown";
  /** Each class of callers with each way in. Worst capability first. */
  readonly changes: readonly Change[];
  readonly undecided: readonly Uncompared[];
  /** Not empty: a bug in keyward, and nothing here may be relied on. */
  readonly disagreements: readonly string[];
  /** Search steps taken. */
  readonly steps: number;
}

/** Both directions. */
export interface Difference {
  readonly gained: Gains;
  readonly lost: Gains;
  /** Proved: every request is answered alike on both sides. */
  readonly sameMeaning: boolean;
}

/** Twice what one analysis may take: two documents are in play. */
export const DEFAULT_DIFF_STEPS = 120_000;

/**
 * Compares two states of a key's documents (policy, grants, resource control policies) exactly, in both directions.
 * A request is "allowed" as if the caller's own account helped with whatever is needed there (identity policy, no
 * boundary, no SCP), and whether KMS offers the operation across accounts or in the key's state is left to
 * {@link Change.reach}. `kms:RetireGrant` is not compared: the right to retire a grant comes and goes with the grant.
 *
 * Never throws for what stands in the documents.
 */
export function diffDocuments(input: DiffInput): Difference {
  const gained = gains(input);
  const lost = losses(input);
  return { gained, lost, sameMeaning: gained.verdict === "nothing" && lost.verdict === "nothing" };
}

/** What `old` allows and `new` does not: {@link gains} with the roles exchanged. */
export function losses(input: DiffInput): Gains {
  return compared({ ...input, old: input.new, new: input.old }, { older: "new", newer: "old" });
}

/** Whether `new` allows anything that `old` does not: see {@link diffDocuments} for what that means. */
export function gains(input: DiffInput): Gains {
  return compared(input, { older: "old", newer: "new" });
}

/** What a reader calls the two sides of one direction. */
interface SideNames {
  readonly older: string;
  readonly newer: string;
}

function compared(input: DiffInput, names: SideNames): Gains {
  const { facts } = input;
  const older = readSide(input.old, facts);
  const newer = readSide(input.new, facts);
  const grants = [...older.grants, ...newer.grants];
  const policies = [...older.policies, ...newer.policies];
  const mentions = withZone(collectMentions(policies, grants), input);
  const entrances = signedEntrances(newer, input.new.policy, facts, mentions.keys);
  const olderEntrances = signedEntrances(older, input.old.policy, facts, mentions.keys);
  const limit = input.maxSteps ?? DEFAULT_DIFF_STEPS;
  const budget = { left: limit };
  const context: DiffContext = {
    facts,
    older,
    newer,
    olderEntrances,
    mentions,
    networks: environmentFacts(policies, input.facts),
    now: input.now,
    budget,
  };
  const prover = new DiffProver(context);
  const collected = new Map<string, Change>();
  const ask = questions(context, entrances, input);
  /** Looks for changes through one way in; gives what stayed undecided. */
  const visit = (signed: SignedEntrance): Uncompared[] => {
    const open: Uncompared[] = [];
    const canName = namesOf(signed.entrance.principal);
    for (const group of ask.groups(signed)) {
      if (prover.branches(signed, group).length === 0) continue;
      const covered = new Coverage();
      for (const ranked of ask.classes) {
        if (!canName(ranked.cls)) continue;
        const before = covered.of(ranked.group);
        if (before === "certain") continue;
        const step = prover.prove(ranked.cls, signed, group);
        if (step.kind === "exhausted") {
          open.push({
            who: ranked.cls.who,
            source: signed.entrance.source,
            reason: "the search for a request that is new was not finished",
          });
        }
        if (step.kind !== "change") continue;
        const change = {
          ...step.change,
          trusted: isTrusted(step.change.who, step.change.witness.request, input),
        };
        if (before === undefined || change.certainty === "certain") collect(collected, change);
        const { group: own, covers } = ranked;
        covered.add(own === "anyone" ? [...covers, EVERYBODY] : covers, change.certainty);
      }
    }
    return open;
  };
  // Against a policy that was not read nothing is known to be new: it may have allowed all of it.
  const blind = policyUnknown(older);
  const undecided = [
    ...uncompared(older, newer, names),
    ...(blind ? [] : inShares(entrances, budget, visit)),
  ];
  const changes = [...collected.values()].sort((a, b) => rank(a) - rank(b));
  return {
    verdict: verdictOf(changes, undecided),
    changes,
    undecided: [...new Map(undecided.map((u) => [JSON.stringify(u), u])).values()],
    disagreements: prover.disagreements,
    steps: limit - budget.left,
  };
}

interface Questions {
  readonly classes: Iterable<RankedClass>;
  /** The groups of actions of a way in that neither side's documents can tell apart. */
  readonly groups: (signed: SignedEntrance) => readonly ActionGroup[];
}

/** What is asked of the ways in of the newer side. */
function questions(x: DiffContext, entrances: readonly SignedEntrance[], input: DiffInput): Questions {
  const { older, newer, mentions, facts } = x;
  const signatures = actionSignatures(
    [...older.statements, ...newer.statements],
    [...older.rcps, ...newer.rcps],
    mentions.keys,
    facts,
  );
  // Everybody is compared, so nobody is told apart by the zone of trust.
  const classes = classesOf(
    { facts, zone: EMPTY_ZONE, mentions, organizationOf: input.organizationOf },
    true,
    namedBy(entrances.map((e) => e.entrance.principal)),
  ).all;
  return {
    classes,
    groups: ({ entrance }) =>
      actionGroups(entrance, signatures).flatMap((group) => byOlderWaysIn(group, x.olderEntrances)),
  };
}

/** The actions of a group, apart where a way in of the older side covers some of them only. */
function byOlderWaysIn(group: ActionGroup, older: readonly SignedEntrance[]): ActionGroup[] {
  const parts = new Map<string, ActionGroup["actions"][number][]>();
  for (const a of group.actions) {
    if ((a.name as string) === "kms:RetireGrant") continue;
    const key = older.map((o) => (o.entrance.actions.includes(a) ? "1" : "0")).join("");
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [a]);
    else part.push(a);
  }
  return [...parts.values()].map((actions) => ({ ...group, actions }));
}

/** The accounts and organizations of the zone, and the key's own, are callers to ask about though nobody names them. */
function withZone(m: Mentions, { zone, facts }: DiffInput): Mentions {
  const own = facts.organization.kind === "present" ? [facts.organization.value.id] : [];
  return {
    ...m,
    accounts: new Set([...m.accounts, ...zone.accounts]),
    organizations: new Set([...m.organizations, ...zone.organizations, ...own]),
  };
}

/** What stands in the way of a proof that nothing is gained, before anything was searched. */
function uncompared(older: Side, newer: Side, names: SideNames): Uncompared[] {
  const out: Uncompared[] = [];
  const say = (side: string, reason: string): void => {
    out.push({ who: undefined, source: undefined, reason: `${side}: ${reason}` });
  };
  const unread = (s: Side): boolean => s.gaps.has("policy");
  for (const [key, reason] of newer.gaps) {
    // What was not read may differ; what was read and not understood is the same if its text is the same.
    if (key === "policy" || key === "grants" || !older.gaps.has(key)) say(names.newer, reason);
  }
  for (const [key, reason] of older.gaps) {
    // Grants that the older side may have had only make less of what is new.
    if (key === "grants") continue;
    if (key === "policy" || !newer.gaps.has(key)) say(names.older, reason);
  }
  const shared = [...newer.gaps.keys()].some((k) => older.gaps.has(k));
  const kept = new Set(newer.denies.map((d) => d.signature));
  if (shared && !unread(older) && older.denies.some((d) => !kept.has(d.signature))) {
    say("both", "a part that was not understood may allow what a changed Deny used to stop");
  }

  return out;
}

/** Whether a side's policy was not read, or is none at all. */
function policyUnknown(side: Side): boolean {
  return side.gaps.has("policy") || side.parsed.policy === undefined;
}

function verdictOf(changes: readonly Change[], undecided: readonly Uncompared[]): Gains["verdict"] {
  const solid = (c: Change): boolean =>
    !c.doubts.some((d) => INPUT_DOUBTS.has(d.id) || d.id === "grants-unread");
  if (changes.some(solid)) return "something";
  return changes.length > 0 || undecided.length > 0 ? "unknown" : "nothing";
}

function isTrusted(who: Who, request: AccessRequest, input: DiffInput): boolean {
  const { zone, facts, organizationOf } = input;
  const organizations = new Set<unknown>(zone.organizations);
  const account = (id: string): boolean => {
    if (id === facts.account || zone.accounts.some((a) => a === id)) return true;
    const known = organizationOf.get(id as AccountId);
    return known !== undefined && known !== null && organizations.has(known.id);
  };
  switch (who.kind) {
    case "anyone":
    case "pattern":
    case "unresolved":
      return false;
    case "organization":
      return organizations.has(who.id);
    case "account":
      return account(who.id) || organizations.has(request.context["aws:PrincipalOrgID"]);
    case "principal":
      return account(who.account) || zone.principals.includes(who.arn);
    case "service": {
      const { source, name } = who;
      if (name !== undefined && zone.services.includes(name)) return true;
      if (source.kind === "account") return account(source.id);
      return source.kind === "organization" && organizations.has(source.id);
    }
  }
}

function collect(into: Map<string, Change>, c: Change): void {
  const key = JSON.stringify([c.who, c.source, c.before, c.certainty, c.reach, c.doubts.map((d) => d.id)]);
  const old = into.get(key);
  if (old === undefined) {
    into.set(key, c);
    return;
  }
  const worse = rank(c) < rank(old) ? c : old;
  into.set(key, {
    ...worse,
    actions: [...new Set([...old.actions, ...c.actions])],
    capabilities: CAPABILITIES.filter((k) => old.capabilities.includes(k) || c.capabilities.includes(k)),
  });
}

/** Worst capability first; what works today before what does not, what is certain before what is possible. */
function rank(c: Change): number {
  const [worst] = c.capabilities;
  const capability = worst === undefined ? CAPABILITIES.length : CAPABILITIES.indexOf(worst);
  return (c.reach.kind === "now" ? 0 : 200) + (c.certainty === "certain" ? 0 : 100) + capability;
}
