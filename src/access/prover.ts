import type { KeyFacts } from "../domain/key.js";
import { CAPABILITIES, type Doubt, type Exposure } from "../domain/verdict.js";
import type { Condition, PrincipalElement } from "../policy/ast.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { doubt } from "../semantics/doubts.js";
import { evaluate } from "../semantics/evaluate.js";
import type { KeyDocument } from "../semantics/request.js";
import { comparesNumbers } from "./account-numbers.js";
import { hasUsualLength } from "./alphabets.js";
import { type Asks, asksOf } from "./asks.js";
import type { AccountChoice, CallerClass, OrganizationChoice } from "./callers.js";
import type { Compiled } from "./condition.js";
import { surenessOf } from "./coverage.js";
import { principalTruth, serviceEntry } from "./covered-callers.js";
import type { ActionGroup, Entrance } from "./entrances.js";
import type { NamedNetworks } from "./environments.js";
import type { Environment } from "./key-models.js";
import type { Access, Reach, ResidualCondition, Undecided, Who } from "./matrix.js";
import type { Mentions } from "./mentions.js";
import { replay } from "./replay.js";
import { Replayable } from "./replayable.js";
import { satisfies } from "./scalar.js";
import { type Refusal, type Solution, search } from "./search.js";
import { mayBear } from "./ordinary-shape.js";
import type { Shape, ShapeContext } from "./shape.js";
import { shapes } from "./shapes.js";
import { type Prepared, RESOURCE_KEY } from "./statements.js";
import type { Mode } from "./truth.js";
import { buildRequest } from "./witness.js";
import type { Budget } from "./glob.js";
import { viewText } from "./views.js";

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
  readonly #forStrangers: readonly Setting[];
  readonly #forOthers: readonly Setting[];

  constructor(readonly x: ProverContext) {
    this.#asks = asksOf(x.mentions.keys);
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
      const escape = this.#refusals(shape, group);
      if (escape === undefined) continue;
      // Whom NotPrincipal lists by an id is left out.
      const spared =
        e.principal.kind === "not-principal" && shape.mayBearNamedId
          ? this.#bearer(e.principal, shape)
          : undefined;
      const conditions = spared === undefined ? e.conditions : [...e.conditions, spared];
      const answer = search({
        shape,
        mode: s.mode,
        require: [{ conditions, variables: e.variables }],
        escape,
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

  /** The Deny statements in the way; undefined where one cannot be escaped. */
  #refusals(shape: Shape, group: ActionGroup): Refusal[] | undefined {
    const out: Refusal[] = [];
    const bearing = this.x.mentions.uniqueIds.size > 0 && shape.mayBearNamedId;
    const add = (p: Prepared): void => {
      if (p.statement.effect !== "Deny" || p.actions[group.index] !== true || p.resource === "no") return;
      let principal = shape.principal(p.statement.principal, "Deny");
      const ids = bearing ? this.#bearer(p.statement.principal, shape) : undefined;
      if (principal === "no" && ids === undefined) return;
      let { conditions } = p;
      // Whether the Deny covers the caller depends on the id that the caller is given.
      if (ids !== undefined && principal === (ids.operator === "StringLike" ? "no" : "yes")) {
        principal = "yes";
        conditions = [ids, ...conditions];
      }
      // What is doubtful about the statement is doubtful about the whole of it.
      if (principal === "yes" && p.doubt !== undefined) principal = { doubtful: p.doubt };
      if (principal === "yes" && typeof p.resource === "object") principal = p.resource;
      if (typeof principal === "object") this.#doubtSeen = true;
      out.push({ principal, conditions, variables: p.variables });
    };
    for (const p of this.x.statements) add(p);
    const retire = group.actions.some((a) => (a.name as string) === "kms:RetireGrant");
    if (!retire) for (const rcp of this.x.rcps) for (const p of rcp) add(p);
    return out;
  }

  /** That the caller has (NotPrincipal: has not) one of the unique ids that an element names, as a condition. */
  #bearer(principal: PrincipalElement, shape: Shape): Condition | undefined {
    if (principal.kind === "missing") return undefined;
    const session = shape.kind === "session";
    const ids = principal.entries.flatMap((e) =>
      e.kind === "unique-id" && e.id.startsWith(session ? "AROA" : "AIDA") ? [e.id] : [],
    );
    if (ids.length === 0) return undefined;
    const known = this.#bearers.get(principal)?.get(shape.kind);
    if (known !== undefined) return known;
    const made: Condition = {
      operator: principal.kind === "principal" ? "StringLike" : "StringNotLike",
      qualifier: undefined,
      ifExists: false,
      key: "aws:userid",
      keyLower: "aws:userid",
      values: ids.map((id) => (session ? `${id}:*` : id)),
      path: [],
    };
    this.#bearers.set(principal, new Map([...(this.#bearers.get(principal) ?? []), [shape.kind, made]]));
    return made;
  }

  /** Some statement wants one measurement that a parent alone can give. */
  get #fixesParent(): boolean {
    return this.x.statements.some((p) =>
      p.conditions.some((c) => PARENT.test(c.keyLower) && !/Not|Null/.test(c.operator)),
    );
  }

  get #denialDoubtful(): boolean {
    return this.x.rcps.some((rcp) => rcp.some((p) => p.doubt === "denial-not-understood"));
  }

  readonly #bearers = new Map<PrincipalElement, ReadonlyMap<Shape["kind"], Condition>>();

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

function freshChoice(cls: CallerClass): Extract<AccountChoice, { kind: "fresh" }> | undefined {
  const choice = cls.kind === "service" ? cls.source.account : cls.account;
  return choice.kind === "fresh" ? choice : undefined;
}

function excluding(cls: CallerClass, id: string): CallerClass {
  const choice = freshChoice(cls);
  if (choice === undefined) return cls;
  const account: AccountChoice = { kind: "fresh", not: [...choice.not, id] };
  return cls.kind === "service" ? { ...cls, source: { ...cls.source, account } } : { ...cls, account };
}

/** The class narrowed to one account. */
function only(cls: CallerClass, id: string, organizations: readonly OrganizationChoice[]): CallerClass {
  const account: AccountChoice = { kind: "literal", id };
  if (cls.kind === "ordinary") return { ...cls, who: { kind: "account", id }, account, organizations };
  const source = { kind: "account", id } as const;
  return {
    ...cls,
    who: { ...cls.who, source },
    source: { kind: "account", account, organizations },
  };
}

/** The caller's account, or that of a service's source. */
function accountOf(shape: Shape, solution: Solution): string | undefined {
  if (shape.kind !== "service") {
    const caller = shape.caller(solution.values);
    return caller.kind === "service" ? undefined : caller.account;
  }
  const source = shape.standing.find(([name]) => name === "aws:SourceAccount");
  return source === undefined ? undefined : viewText(source[1], solution.values);
}

function unique(doubts: readonly Doubt[]): readonly Doubt[] {
  if (doubts.length < 2) return doubts;
  return [...new Map(doubts.map((d) => [d.id, d])).values()];
}

function isStranger(cls: CallerClass): boolean {
  return cls.kind === "ordinary" && (cls.who.kind === "anyone" || cls.who.kind === "pattern");
}

function exposureOf(cls: CallerClass, reach: Reach, networkBound: boolean): Exposure {
  if (cls.trusted) return "none";
  if (reach.kind !== "now") return "latent";
  if (cls.kind === "service") return "service";
  if (cls.who.kind === "anyone" || cls.who.kind === "pattern") return networkBound ? "network" : "public";
  return "external";
}

const IDENTITY_KEYS = new Set([
  "kms:calleraccount",
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:userid",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourceorgid",
  "aws:sourceorgpaths",
]);

/** A pattern class is named by the pattern of the entrance that lets it in. */
export function nameWho(cls: CallerClass, e: Entrance): Who {
  const pattern = (): string => {
    const found = e.conditions
      .filter((c) => IDENTITY_KEYS.has(c.keyLower))
      .flatMap((c) =>
        c.values
          .filter((v) => /[*?]/.test(v) || comparesNumbers(c))
          .map((v) => `${conditionKeyFacts(c.keyLower)?.name ?? c.key} ${c.operator} ${v}`),
      );
    return found.length > 0 ? found.join(", ") : "accounts that a pattern selects";
  };
  const { who } = cls;
  if (who.kind === "pattern") return { kind: "pattern", pattern: pattern() };
  if (who.kind === "service" && who.source.kind === "pattern") {
    return { ...who, source: { kind: "pattern", pattern: pattern() } };
  }
  return who;
}

/** What a condition of the entrance is worth. Constants of the key are left out: they hold or there is no access. */
function residual(condition: Condition, networkBound: boolean): ResidualCondition[] {
  if (condition.keyLower === RESOURCE_KEY) return [];
  const f = conditionKeyFacts(condition.keyLower);
  const kind = ((): ResidualCondition["kind"] | undefined => {
    switch (f?.origin) {
      case "network":
        return networkBound ? "fixed-network" : "free";
      case "path":
        return "path";
      case "time":
        return "time";
      case "caller":
        return "caller";
      case "service-source":
        return "source";
      case "key":
      case "transport":
        return undefined;
      case "caller-account":
      case "request":
      case "free":
      case "never":
      case undefined:
        return "free";
    }
  })();
  return kind === undefined ? [] : [{ condition, kind }];
}

/** Measurements of an enclave that only its parent's own role or instance can give. */
const PARENT = /^kms:RecipientAttestation:PCR[34]$/i;
