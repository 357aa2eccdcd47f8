import type { KeyFacts } from "../domain/key.js";
import { CAPABILITIES, type Certainty, type Doubt } from "../domain/verdict.js";
import type { Condition } from "../policy/ast.js";
import { inconsistencies } from "../semantics/consistency.js";
import { doubt } from "../semantics/doubts.js";
import { evaluate } from "../semantics/evaluate.js";
import type { AccessRequest, Decision, Source } from "../semantics/request.js";
import { type Asks, asksOf } from "./asks.js";
import type { CallerClass } from "./callers.js";
import type { Compiled } from "./condition.js";
import { conditionText, denyHead, type Side, type SignedDeny, type SignedEntrance } from "./diff-side.js";
import type { ActionGroup } from "./entrances.js";
import type { Solution } from "./finish.js";
import type { NamedNetworks } from "./environments.js";
import type { Environment } from "./key-models.js";
import type { Reach, Who } from "./matrix.js";
import type { Mentions } from "./mentions.js";
import { nameWho } from "./access-words.js";
import { satisfies } from "./scalar.js";
import { type Answer, type Clause, type Refusal, search } from "./search.js";
import type { Shape, ShapeContext } from "./shape.js";
import { shapes } from "./shapes.js";
import { allOf, type Mode, type Truth } from "./truth.js";
import { buildRequest } from "./witness.js";
import type { Budget } from "./glob.js";

/** Why the older documents do not allow a request. */
export type Before =
  | { readonly kind: "not-allowed" }
  /** Something allowed it, and this Deny stood in the way. */
  | { readonly kind: "denied"; readonly by: Source };

/** A request that one side allows and the other does not, and the class of callers that it stands for. */
export interface Change {
  readonly who: Who;
  /** Whether that class is inside the zone of trust. */
  readonly trusted: boolean;
  /** The statement or grant of the newer documents that lets it in. */
  readonly source: Source;
  readonly before: Before;
  readonly actions: readonly string[];
  /** Of the actions, worst first, without repetition. */
  readonly capabilities: readonly (typeof CAPABILITIES)[number][];
  /** `certain`: allowed for sure under the newer documents and denied for sure under the older. */
  readonly certainty: Certainty;
  readonly doubts: readonly Doubt[];
  readonly reach: Reach;
  readonly witness: {
    readonly request: AccessRequest;
    /** The reference's answers. */
    readonly older: Decision;
    readonly newer: Decision;
  };
}

export type Step =
  | { readonly kind: "change"; readonly change: Omit<Change, "trusted"> }
  | { readonly kind: "none" }
  | { readonly kind: "exhausted" };

/** What a comparison in one direction rests on. */
export interface DiffContext {
  readonly facts: KeyFacts;
  readonly older: Side;
  readonly newer: Side;
  readonly olderEntrances: readonly SignedEntrance[];
  readonly mentions: Mentions;
  readonly networks: NamedNetworks;
  readonly now: number;
  readonly budget: Budget;
}

/** How the older side may refuse what the newer side allows. */
type Branch = { readonly kind: "not-allowed" } | { readonly kind: "denied"; readonly deny: SignedDeny };

/**
 * Looks for requests that a way in of the newer side lets in, that no Deny of it stops, and that the older side refuses:
 * either none of its ways in lets them in, or one of its Denies stops them. Doubts: first all against the claim, then
 * all in its favour, except that one and the same doubt is settled alike on both sides.
 */
export class DiffProver {
  /** Where the reference did not bear out a proof: bugs in keyward. */
  readonly disagreements: string[] = [];
  readonly #compiled = new Map<Condition, Compiled>();
  readonly #texts = new Map<Condition, string>();
  #doubtSeen = false;

  readonly #asks: Asks;

  constructor(readonly x: DiffContext) {
    this.#asks = asksOf(x.mentions.keys);
  }

  /** One class of callers, one way in, actions that no document tells apart. */
  prove(cls: CallerClass, signed: SignedEntrance, group: ActionGroup): Step {
    const branches = this.branches(signed, group);
    if (branches.length === 0) return { kind: "none" };
    let exhausted = false;
    for (const time of this.x.networks.time ? (["now", "later"] as const) : (["now"] as const)) {
      this.#doubtSeen = false;
      for (const mode of ["certain", "possible"] as const) {
        if (mode === "possible" && !this.#doubtSeen) continue;
        const step = this.#find(cls, signed, group, branches, mode, time);
        if (step.kind === "change") return step;
        if (step.kind === "exhausted") exhausted = true;
      }
    }
    return exhausted ? { kind: "exhausted" } : { kind: "none" };
  }

  /** Empty: what the way in lets in, the older side lets in, too. */
  branches(signed: SignedEntrance, group: ActionGroup): Branch[] {
    const { older, newer, olderEntrances } = this.x;
    const covers = (d: SignedDeny): boolean => d.prepared.actions[group.index] === true;
    const kept = new Set(newer.denies.filter(covers).map((d) => d.signature));
    const denied = older.denies
      .filter((d) => covers(d) && !kept.has(d.signature))
      .map((deny): Branch => ({ kind: "denied", deny }));
    const known = olderEntrances.some(
      (o) => o.signature === signed.signature && o.entrance.actions.some((a) => group.actions.includes(a)),
    );
    return known ? denied : [{ kind: "not-allowed" }, ...denied];
  }

  #find(
    cls: CallerClass,
    signed: SignedEntrance,
    group: ActionGroup,
    branches: readonly Branch[],
    mode: Mode,
    time: Environment["time"],
  ): Step {
    const { x } = this;
    const { entrance } = signed;
    const [action] = group.actions;
    if (action === undefined) return { kind: "none" };
    const environment: Environment = {
      network: "any",
      now: x.now,
      time,
      fixed: x.networks.fixed,
      ranges: x.networks.ranges,
    };
    const context: ShapeContext = {
      facts: x.facts,
      action,
      environment,
      mode,
      keys: x.mentions.keys,
      asks: this.#asks,
      named: x.mentions.principals,
      sourcePrefixes: x.mentions.sourcePrefixes,
      omissible: x.mentions.omissible,
      notPrincipal: x.mentions.notPrincipal,
    };
    let exhausted = false;
    for (const shape of shapes(cls, context)) {
      const head = allOf([shape.principal(entrance.principal, "Allow"), entrance.holds]);
      this.#note(head);
      if (shape.kind === "service" && this.#asks.sourceArn) this.#doubtSeen = true;
      if (!satisfies(head, true, mode)) continue;
      for (const branch of branches) {
        const answer = this.#try(shape, signed, head, group, branch, mode);
        if (answer === undefined) continue;
        if (answer.kind === "exhausted") exhausted = true;
        else if (answer.kind === "found") {
          const found = this.#change(cls, signed, group, branch, mode, time, shape, answer.solution);
          if (found !== undefined) return { kind: "change", change: found };
          exhausted = true;
        } else if (answer.doubtful) this.#doubtSeen = true;
      }
    }
    return exhausted ? { kind: "exhausted" } : { kind: "none" };
  }

  #note(t: Truth): void {
    if (typeof t === "object") this.#doubtSeen = true;
  }

  #text(c: Condition, variables: boolean): string {
    let text = this.#texts.get(c);
    if (text === undefined) {
      text = conditionText(c, variables);
      this.#texts.set(c, text);
    }
    return text;
  }

  /** Undefined: there can be no such request. */
  #try(
    shape: Shape,
    signed: SignedEntrance,
    head: Truth,
    group: ActionGroup,
    branch: Branch,
    mode: Mode,
  ): Answer | undefined {
    const { x } = this;
    const { entrance } = signed;
    const require: Clause[] = [{ conditions: entrance.conditions, variables: entrance.variables }];
    const met = new Set(entrance.conditions.map((c) => this.#text(c, entrance.variables)));
    let denied: SignedDeny | undefined;
    if (branch.kind === "denied") {
      const { deny } = branch;
      const { statement, conditions, variables } = deny.prepared;
      const applies = denyHead(deny, shape.principal(statement.principal, "Deny"));
      this.#note(applies);
      if (!satisfies(applies, true, mode)) return undefined;
      require.push({ conditions, variables });
      for (const c of conditions) met.add(this.#text(c, variables));
      denied = deny;
    }
    const escape: Refusal[] = [];
    /** A condition that is met on one side is met on the other. */
    const open = (conditions: readonly Condition[], variables: boolean): Condition[] =>
      conditions.filter((c) => !met.has(this.#text(c, variables)));
    const add = (principal: Truth, conditions: readonly Condition[], variables: boolean): boolean => {
      this.#note(principal);
      if (principal === "no") return true;
      const left = open(conditions, variables);
      if (left.length === 0 && principal === "yes") return false;
      escape.push({ principal, conditions: left, variables });
      return true;
    };
    for (const d of x.newer.denies) {
      const { statement, conditions, variables, actions } = d.prepared;
      if (actions[group.index] !== true) continue;
      let applies = denyHead(d, shape.principal(statement.principal, "Deny"));
      // What is assumed of the older side's Deny holds for this one, which names the same callers.
      if (typeof applies === "object" && d.head === denied?.head) applies = "yes";
      if (!add(applies, conditions, variables)) return undefined;
    }
    if (branch.kind === "not-allowed") {
      const [action] = group.actions;
      for (const o of x.olderEntrances) {
        if (action === undefined || !o.entrance.actions.includes(action)) continue;
        let names = allOf([shape.principal(o.entrance.principal, "Allow"), o.entrance.holds]);
        if (typeof names === "object" && typeof head === "object" && o.head === signed.head) names = "yes";
        if (sameDoubtAboutServices(names, head)) names = "yes";
        if (!add(names, o.entrance.conditions, o.entrance.variables)) return undefined;
      }
    }
    return search({ shape, mode, require, escape, now: x.now, budget: x.budget, compiled: this.#compiled });
  }

  #change(
    cls: CallerClass,
    signed: SignedEntrance,
    group: ActionGroup,
    branch: Branch,
    mode: Mode,
    time: Environment["time"],
    shape: Shape,
    solution: Solution,
  ): Omit<Change, "trusted"> | undefined {
    const { x } = this;
    const { entrance } = signed;
    const [action] = group.actions;
    if (action === undefined) return undefined;
    const request = buildRequest(shape, solution, action, entrance.encryptionContext);
    // What KMS offers across accounts and in the key's state is the same on both sides: `reach` tells it.
    const options = { ignoreCrossAccount: true, ignoreKeyState: true };
    const older = evaluate(request, x.older.document, options);
    const newer = evaluate(request, x.newer.document, options);
    const odd = inconsistencies(request, x.newer.document);
    const hidden = branch.kind === "denied" && branch.deny.prepared.doubt !== undefined;
    if (odd.length > 0 || newer.outcome === "deny" || (older.outcome === "allow" && !hidden)) {
      const why =
        odd.length > 0
          ? `no such request can be made: ${odd.join("; ")}`
          : `the reference answers ${older.outcome} before and ${newer.outcome} after`;
      this.disagreements.push(`${JSON.stringify(entrance.source)} ${JSON.stringify(cls.who)}: ${why}`);
      return undefined;
    }
    const doubts = new Map([...older.doubts, ...newer.doubts].map((d) => [d.id, d]));
    if (hidden) doubts.set("not-understood", doubt("not-understood"));
    if (cls.kind === "ordinary" && cls.uniqueId !== undefined) {
      doubts.set("unique-id-account", doubt("unique-id-account"));
    }
    if (mode === "possible" && doubts.size === 0) {
      const id = cls.kind === "service" ? "source-arn-colon" : "not-understood";
      doubts.set(id, doubt(id));
    }
    const sure = doubts.size === 0 && older.outcome === "deny" && newer.outcome === "allow";
    return {
      who: nameWho(cls, entrance),
      source: entrance.source,
      before: branch.kind === "denied" ? { kind: "denied", by: branch.deny.source } : { kind: "not-allowed" },
      actions: group.actions.map((a) => a.name),
      capabilities: CAPABILITIES.filter((c) => group.actions.some((a) => a.capability === c)),
      certainty: sure ? "certain" : "possible",
      doubts: [...doubts.values()],
      reach: this.#reach(request, group, time, solution),
      witness: { request, older, newer },
    };
  }

  #reach(request: AccessRequest, group: ActionGroup, time: Environment["time"], s: Solution): Reach {
    const { facts } = this.x;
    const { caller } = request;
    const foreign = caller.kind !== "service" && caller.account !== facts.account;
    if (foreign && !group.crossAccount) return { kind: "not-across-accounts" };
    if (!group.usable) return { kind: "key-state", state: facts.state ?? "unknown" };
    return time === "later" ? { kind: "not-before", time: s.time } : { kind: "now" };
  }
}

/** Whether `*` in an Allow means services, too, is one question with one answer. */
function sameDoubtAboutServices(a: Truth, b: Truth): boolean {
  const asks = (t: Truth): boolean => typeof t === "object" && t.doubtful === "everyone-includes-services";
  return asks(a) && asks(b);
}
