import type { KeyFacts } from "../domain/key.js";
import { CAPABILITIES, type Doubt } from "../domain/verdict.js";
import type { Condition } from "../policy/ast.js";
import { doubt } from "../semantics/doubts.js";
import { evaluate } from "../semantics/evaluate.js";
import type { KeyDocument } from "../semantics/request.js";
import { exposureOf, isStranger, nameWho, residual } from "./access-words.js";
import { hasUsualLength } from "./alphabets.js";
import { type Asks, asksOf } from "./asks.js";
import type { CallerClass, OrganizationChoice } from "./callers.js";
import type { Compiled } from "./condition.js";
import { surenessOf } from "./coverage.js";
import { principalTruth, serviceEntry } from "./covered-callers.js";
import type { ActionGroup, Entrance } from "./entrances.js";
import type { NamedNetworks } from "./environments.js";
import type { Solution } from "./finish.js";
import { accountOf, excluding, freshChoice, only } from "./fresh-accounts.js";
import type { Environment } from "./key-models.js";
import type { Access, Reach, Undecided } from "./matrix.js";
import type { Mentions } from "./mentions.js";
import { Refusals } from "./refusals.js";
import { replay } from "./replay.js";
import { Replayable } from "./replayable.js";
import { satisfies } from "./scalar.js";
import { search } from "./search.js";
import { mayBear } from "./ordinary-shape.js";
import type { Shape, ShapeContext } from "./shape.js";
import { shapes } from "./shapes.js";
import type { Prepared } from "./statements.js";
import type { Mode } from "./truth.js";
import { buildRequest } from "./witness.js";
import type { Budget } from "./glob.js";

/** Everything that a proof rests on. */
export interface ProverContext {
  readonly facts: KeyFacts;
  readonly document: KeyDocument;
  readonly statements: readonly Prepared[];
  readonly rcps: readonly (readonly Prepared[])[];
  readonly mentions: Mentions;
  readonly networks: NamedNetworks;
  readonly now: number;
  readonly budget: Budget;
  /** Whether it is known in which organization an account is: then it is not one that nobody named. */
  readonly isKnown: (account: string) => boolean;
  /** What the organization of an account can be that is not of the zone; undefined for one that is. */
  readonly organizationsOfOutsider: (account: string) => readonly OrganizationChoice[] | undefined;
  /** What it takes to put a request to the reference, in steps. */
  readonly weight: number;
}

export type Attempt =
  /** `certain`: beside something worse that is only possible. */
  | { readonly kind: "access"; readonly access: Access; readonly certain?: Access }
  | { readonly kind: "closed" }
  | { readonly kind: "undecided"; readonly undecided: Undecided };

/** Said where the steps were used up. */
export const SEARCH_NOT_FINISHED = "the search for a request that gets in was not finished";

interface Setting {
  readonly mode: Mode;
  readonly network: Environment["network"];
  readonly time: Environment["time"];
}

const NOW: readonly Environment["time"][] = ["now"];
const BOTH_TIMES: readonly Environment["time"][] = ["now", "later"];

/** In each time and network, first what is certain, then what is only possible. */
function settings(
  times: readonly Environment["time"][],
  networks: readonly Environment["network"][],
): Setting[] {
  return times.flatMap((time) =>
    networks.flatMap((network): Setting[] => [
      { mode: "certain", network, time },
      { mode: "possible", network, time },
    ]),
  );
}

type Found =
  | { readonly kind: "found"; readonly shape: Shape; readonly solution: Solution }
  | { readonly kind: "closed"; readonly doubtful: boolean }
  | { readonly kind: "exhausted" };

/** Answers "can a caller of this class get in here, for these actions?", and proves a yes. */
export class Prover {
  /** Where the reference did not bear out a proof: bugs in keyward. */
  readonly disagreements: string[] = [];
  readonly #asks: Asks;
  readonly #refusals: Refusals;
  readonly #forStrangers: readonly Setting[];
  readonly #forOthers: readonly Setting[];

  constructor(readonly x: ProverContext) {
    this.#asks = asksOf(x.mentions.keys);
    this.#refusals = new Refusals(x);
    const { networks } = x;
    const times = networks.time ? BOTH_TIMES : NOW;
    this.#forOthers = settings(times, networks.any ? ["any"] : ["open"]);
    this.#forStrangers = networks.any ? settings(times, ["open", "any"]) : this.#forOthers;
  }

  /** The worst way in, if there is one. */
  prove(cls: CallerClass, e: Entrance, group: ActionGroup, tries = 0): Attempt {
    let exhausted = false;
    let possible: Access | undefined;
    for (const setting of this.#settings(cls)) {
      if (setting.mode === "certain") this.#doubtSeen = false;
      if (setting.mode === "possible" && (possible !== undefined || !this.#doubtSeen)) continue;
      const found = this.#find(cls, e, group, setting);
      if (found.kind === "found") {
        // An account that a pattern selects must not be one that is known: look for another.
        const account = freshChoice(cls) ? accountOf(found.shape, found.solution) : undefined;
        if (account !== undefined && this.x.isKnown(account)) {
          if (tries < MOST_KNOWN) return this.#beside(account, cls, e, group, tries + 1);
          exhausted = true;
          continue;
        }
        const access = this.#access(cls, e, group, setting, found.shape, found.solution);
        if (access?.certainty === "certain") {
          return {
            kind: "access",
            ...(possible === undefined ? { access } : { access: possible, certain: access }),
          };
        }
        if (access === undefined) exhausted = true;
        possible ??= access;
      } else if (found.kind === "exhausted") exhausted = true;
    }
    if (possible !== undefined) return { kind: "access", access: this.#clearer(cls, e, group, possible) };
    if (!exhausted) return { kind: "closed" };
    return {
      kind: "undecided",
      undecided: {
        who: cls.who,
        source: e.source,
        reason: SEARCH_NOT_FINISHED,
        doubts: [],
      },
    };
  }

  /** Another account than a known one; where there is none, the known one itself, if it is not of the zone. */
  #beside(account: string, cls: CallerClass, e: Entrance, group: ActionGroup, tries: number): Attempt {
    const others = this.prove(excluding(cls, account), e, group, tries);
    if (others.kind !== "closed") return others;
    const organizations = this.x.organizationsOfOutsider(account);
    return organizations === undefined ? others : this.prove(only(cls, account, organizations), e, group);
  }

  /** Where an access rests on what is not understood: another one, by whoever has an id that documents name. */
  #clearer(cls: CallerClass, e: Entrance, group: ActionGroup, access: Access): Access {
    const { uniqueIds } = this.x.mentions;
    if (uniqueIds.size === 0 || uniqueIds.size > MOST_IDS || surenessOf(access) !== "unclear") return access;
    if (cls.kind !== "ordinary" || cls.uniqueId !== undefined || !mayBear(cls)) return access;
    for (const uniqueId of uniqueIds) {
      const attempt = this.prove({ ...cls, uniqueId }, e, group);
      if (attempt.kind === "access" && surenessOf(attempt.access) !== "unclear") return attempt.access;
    }
    return access;
  }

  #doubtSeen = false;

  /** What is tried, worst first. A setting that the documents cannot tell from an earlier one is left out. */
  #settings(cls: CallerClass): readonly Setting[] {
    return isStranger(cls) ? this.#forStrangers : this.#forOthers;
  }

  #find(cls: CallerClass, e: Entrance, group: ActionGroup, s: Setting): Found {
    const { x } = this;
    const [action] = group.actions;
    if (action === undefined) return { kind: "closed", doubtful: false };
    x.budget.left -= 1;
    const environment = this.#environment(s);
    if (typeof e.holds === "object") this.#doubtSeen = true;
    if (!satisfies(e.holds, true, s.mode)) return { kind: "closed", doubtful: this.#doubtSeen };
    if (cls.kind === "service") {
      // Whom an element names among services does not depend on the request.
      const named = principalTruth(
        e.principal,
        "Allow",
        (p, as) => serviceEntry(p, cls, as),
        undefined,
        "service",
      );
      if (typeof named === "object") this.#doubtSeen = true;
      if (!satisfies(named, true, s.mode)) return { kind: "closed", doubtful: this.#doubtSeen };
    }
    const context: ShapeContext = {
      facts: x.facts,
      action,
      environment,
      mode: s.mode,
      keys: x.mentions.keys,
      asks: this.#asks,
      named: x.mentions.principals,
      sourcePrefixes: x.mentions.sourcePrefixes,
      omissible: x.mentions.omissible,
      notPrincipal: x.mentions.notPrincipal,
    };
    let exhausted = false;
    const all = this.#shapes(cls, context, group);
    for (let i = 0; ; i += 1) {
      const shape = all.at(i);
      if (shape === undefined) break;
      x.budget.left -= 4 + (x.mentions.principals.length + x.statements.length) / 8;
      if (x.budget.left < 0) return { kind: "exhausted" };
      const principal = shape.principal(e.principal, "Allow");
      if (typeof principal === "object") this.#doubtSeen = true;
      // Whether the resource in a source ARN can hold a colon depends on the service.
      if (shape.kind === "service" && this.#asks.sourceArn) this.#doubtSeen = true;
      if (x.mentions.uniqueIds.size > 0 && mayBear(cls)) this.#doubtSeen = true;
      // How long a unique id can be is not quite sure.
      if (cls.kind === "ordinary" && x.mentions.keys.has("aws:userid")) this.#doubtSeen = true;
      if (!satisfies(principal, true, s.mode)) continue;
      const refusals = this.#refusals.of(shape, group);
      if (refusals.doubtful) this.#doubtSeen = true;
      // Whom NotPrincipal lists by an id is left out.
      const spared =
        e.principal.kind === "not-principal" && shape.mayBearNamedId
          ? this.#refusals.bearer(e.principal, shape)
          : undefined;
      const conditions = spared === undefined ? e.conditions : [...e.conditions, spared];
      const answer = search({
        shape,
        mode: s.mode,
        require: [{ conditions, variables: e.variables }],
        escape: refusals.list,
        now: x.now,
        budget: x.budget,
        compiled: this.#compiled,
      });
      if (answer.kind === "found") return { kind: "found", shape, solution: answer.solution };
      if (answer.kind === "exhausted") exhausted = true;
      else if (answer.doubtful) this.#doubtSeen = true;
    }
    return exhausted ? { kind: "exhausted" } : { kind: "closed", doubtful: this.#doubtSeen };
  }

  #environment({ network, time }: Setting): Environment {
    for (const known of this.#environments) {
      if (known.network === network && known.time === time) return known;
    }
    const { now, networks } = this.x;
    const made = { network, now, time, fixed: networks.fixed, ranges: networks.ranges };
    this.#environments.push(made);
    return made;
  }

  readonly #environments: Environment[] = [];

  /** The shapes of a class, made once for all entrances. */
  #shapes(cls: CallerClass, context: ShapeContext, group: ActionGroup): Replayable<Shape> {
    const { mode, environment } = context;
    const setting =
      (mode === "certain" ? 0 : 1) +
      (environment.network === "open" ? 0 : 2) +
      (environment.time === "now" ? 0 : 4);
    let ofClass = this.#shapesOf.get(cls);
    if (ofClass === undefined) {
      ofClass = [];
      this.#shapesOf.set(cls, ofClass);
    }
    for (const known of ofClass) {
      if (known.setting === setting && known.parameters === group.parameters) return known.shapes;
    }
    const made = new Replayable(shapes(cls, context));
    ofClass.push({ setting, parameters: group.parameters, shapes: made });
    return made;
  }

  readonly #shapesOf = new Map<
    CallerClass,
    { readonly setting: number; readonly parameters: string; readonly shapes: Replayable<Shape> }[]
  >();
  readonly #compiled = new Map<Condition, Compiled>();

  /** Some statement wants one measurement that a parent alone can give. */
  get #fixesParent(): boolean {
    return this.x.statements.some((p) =>
      p.conditions.some((c) => PARENT.test(c.keyLower) && !/Not|Null/.test(c.operator)),
    );
  }

  get #denialDoubtful(): boolean {
    return this.x.rcps.some((rcp) => rcp.some((p) => p.doubt === "denial-not-understood"));
  }

  #access(
    cls: CallerClass,
    e: Entrance,
    group: ActionGroup,
    s: Setting,
    shape: Shape,
    solution: Solution,
  ): Access | undefined {
    const { x } = this;
    const [first] = group.actions;
    if (first === undefined) return undefined;
    const request = buildRequest(shape, solution, first, e.encryptionContext);
    // The state of the key and the reach of the operation are judged apart: the proof is about who is allowed.
    x.budget.left -= x.weight;
    const answer = replay(request, x.document, group);
    if (answer.kind === "disagreement") {
      this.disagreements.push(`${JSON.stringify(e.source)} ${JSON.stringify(cls.who)}: ${answer.text}`);
      return undefined;
    }
    const { decision } = answer;
    const doubts: Doubt[] = [...decision.doubts];
    const { caller } = request;
    const id = caller.kind === "user" || caller.kind === "session" ? caller.uniqueId : undefined;
    if (id !== undefined && x.mentions.uniqueIds.has(id)) doubts.push(doubt("unique-id-account"));
    else if (id !== undefined && !hasUsualLength(id)) doubts.push(doubt("unique-id-length"));
    // Source: KMS Developer Guide, "AWS KMS condition keys for AWS Nitro Enclaves".
    if (this.#fixesParent && Object.keys(request.context).some((k) => PARENT.test(k)))
      doubts.push(doubt("attested-parent-account"));
    // Something else may allow the same request for certain: this way in is doubtful all the same.
    if (s.mode === "possible" && doubts.length === 0) {
      doubts.push(...evaluate(request, alone(x.document, e.source), REGARDLESS).doubts);
    }
    if (s.mode === "possible" && doubts.length === 0) {
      // The reference is not given what of a resource control policy was not understood.
      if (this.#denialDoubtful) doubts.push(doubt("denial-not-understood"));
      else doubts.push(doubt(cls.kind === "service" ? "source-arn-colon" : "not-understood"));
    }
    if (
      typeof e.holds === "object" &&
      !doubts.some((d) => d.id === (e.holds as { doubtful: string }).doubtful)
    ) {
      doubts.push(doubt(e.holds.doubtful));
    }
    const certainty = doubts.length === 0 && decision.outcome === "allow" ? "certain" : "possible";
    const networkBound = s.network === "any" && x.networks.any && isStranger(cls);
    const reach = this.#reach(cls, group, s, solution);
    const who = nameWho(cls, e);
    return {
      who,
      trusted: cls.trusted,
      source: e.source,
      actions: group.actions.map((a) => a.name),
      capabilities: CAPABILITIES.filter((c) => group.actions.some((a) => a.capability === c)),
      certainty,
      doubts: unique(doubts),
      reach,
      networkBound,
      conditions: e.conditions.flatMap((c) => residual(c, networkBound)),
      exposure: exposureOf(cls, reach, networkBound),
      witness: { request, decision },
    };
  }

  #reach(cls: CallerClass, group: ActionGroup, s: Setting, solution: Solution): Reach {
    const { facts } = this.x;
    const own = cls.kind === "ordinary" && cls.account.kind === "literal" && cls.account.id === facts.account;
    if (!own && !group.crossAccount) return { kind: "not-across-accounts" };
    if (!group.usable) return { kind: "key-state", state: facts.state ?? "unknown" };
    if (s.time === "later") return { kind: "not-before", time: solution.time };
    return { kind: "now" };
  }
}

const REGARDLESS = { ignoreCrossAccount: true, ignoreKeyState: true };

/** A key with one way in, and every Deny. */
function alone(document: KeyDocument, source: Entrance["source"]): KeyDocument {
  const { policy, grants } = document;
  const statements = policy.statements.filter(
    (s) => s.effect === "Deny" || (source.kind === "statement" && s.index === source.index),
  );
  return {
    ...document,
    policy: { ...policy, statements },
    grants: grants.filter((g) => source.kind === "grant" && g.GrantId === source.grantId),
  };
}

/** Each id is one more search. */
const MOST_IDS = 4;

/** How many known accounts in a row may turn up where an unknown one is wanted. */
const MOST_KNOWN = 8;

function unique(doubts: readonly Doubt[]): readonly Doubt[] {
  if (doubts.length < 2) return doubts;
  return [...new Map(doubts.map((d) => [d.id, d])).values()];
}

/** Measurements of an enclave that only its parent's own role or instance can give. */
const PARENT = /^kms:RecipientAttestation:PCR[34]$/i;
