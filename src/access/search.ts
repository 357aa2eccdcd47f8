import type { Condition } from "../policy/ast.js";
import {
  type Compiled,
  compileCondition,
  type KeyValue,
  type Resolution,
  testAbsent,
  testCondition,
  testUnknown,
} from "./condition.js";
import { finish, type KnownPairs, type Solution } from "./finish.js";
import { type KeyModel, timeText } from "./key-models.js";
import { type Lit, satisfies } from "./scalar.js";
import type { Shape } from "./shape.js";
import { moments, Slots } from "./slots.js";
import type { Mode, Truth } from "./truth.js";
import {
  MOST_PINNINGS,
  MOST_VARIABLES,
  onlyValues,
  outlined,
  type Pin,
  pinCondition,
  pinnings,
  selfComparison,
  suggested,
  unique,
  withTies,
} from "./tied-variables.js";
import type { Budget } from "./glob.js";
import { viewText } from "./views.js";

/** A conjunction of conditions under one policy version. */
export interface Clause {
  readonly conditions: readonly Condition[];
  /** Whether `${…}` are variables (Version 2012-10-17). */
  readonly variables: boolean;
}

/** A Deny that must not apply: `principal` says whether it covers the caller; some condition must fail. */
export interface Refusal extends Clause {
  readonly principal: Truth;
}

/** "Is there a request of this shape that meets the clauses and escapes every refusal?" */
export interface Query {
  readonly shape: Shape;
  readonly mode: Mode;
  readonly require: readonly Clause[];
  readonly escape: readonly Refusal[];
  readonly now: number;
  readonly budget: Budget;
  /** Conditions without variables, made ready once for many queries. */
  readonly compiled: Map<Condition, Compiled>;
}

export type Answer =
  | { readonly kind: "found"; readonly solution: Solution }
  /** `settled`: doubts were settled against it on the way. */
  | { readonly kind: "impossible"; readonly doubtful: boolean }
  | { readonly kind: "exhausted" };

/** Decides a query. */
export function search(q: Query): Answer {
  return new Search(q).run();
}

type Alternative = readonly Lit[];

class Search {
  /** Variables that had to be guessed: then "impossible" is not proved. */
  #guessed = false;
  /** What the outline has to meet. */
  #outlined: readonly Lit[] = [];
  readonly #slots: Slots;
  readonly #pairs: KnownPairs = { settled: new Map(), present: new Map(), missing: new Set() };

  constructor(readonly q: Query) {
    this.#slots = new Slots(q);
  }

  run(): Answer {
    const open = new Set<string>();
    const first = this.#prepare([], open);
    if (open.size === 0) return this.#answer(first);
    // A variable stands for something that the search chooses. If even "any value at all" does not get in, nothing does.
    const outline = this.#prepare([], open, true);
    if (outline === undefined) return this.#answer(undefined);
    if (open.size > MOST_VARIABLES) return this.#tryWithout([...open]);
    // Else choose the variable first, then go on with it as a constant.
    const conditions = [...this.q.require, ...this.q.escape].flatMap((c) => c.conditions);
    const must = this.#outlined;
    const choices = [...open].map((key) => {
      const only = onlyValues(must, key, this.q.mode);
      if (only === undefined) this.#guessed = true;
      return { key, values: only ?? this.#pinValues(key, conditions, outline) };
    });
    if (this.#slots.exhausted) return this.#answer(undefined);
    let tries = MOST_PINNINGS;
    for (const pins of pinnings(choices)) {
      if (tries-- === 0) {
        this.#guessed = true;
        break;
      }
      const found = this.#prepare(pins, new Set());
      if (found !== undefined) return { kind: "found", solution: found };
    }
    return this.#answer(undefined);
  }

  /** Nobody writes so many variables, and each multiplies what there is to try: only "all of them absent" is tried. */
  #tryWithout(open: readonly string[]): Answer {
    this.#guessed = true;
    const guess = this.q.shape.segments.map((s) => s.guess);
    const pins = open.map((key): Pin => {
      const m = this.#model(key);
      if (m.kind === "word") return { key, value: viewText(m.view, guess) };
      if (m.kind === "time") return { key, value: timeText(key, this.q.now + 1) };
      return { key, value: m.kind !== "scalar" || m.domain.mayBeAbsent ? undefined : m.domain.guess };
    });
    return this.#answer(this.#prepare(pins, new Set()));
  }

  #answer(found: Solution | undefined): Answer {
    if (found !== undefined) return { kind: "found", solution: found };
    if (this.#slots.exhausted || this.#guessed) return { kind: "exhausted" };
    return { kind: "impossible", doubtful: this.#slots.doubtful };
  }

  /** Values of a variable that are worth trying, those first that the outline suggests. */
  #pinValues(key: string, conditions: readonly Condition[], outline: Solution): KeyValue[] {
    this.q.budget.left -= conditions.reduce((n, c) => n + c.values.length, 0);
    if (this.q.budget.left < 0) {
      this.#slots.exhausted = true;
      return [];
    }
    const model = this.#model(key);
    if (model.kind === "word") {
      const guess = this.q.shape.segments.map((s) => s.guess);
      const said = conditions.flatMap((c) => suggested(c, key, this.#valueIn(c.keyLower, outline)));
      return unique([viewText(model.view, outline.values), ...said, viewText(model.view, guess)]);
    }
    if (model.kind === "time") {
      const texts = conditions.flatMap((c) => [
        ...suggested(c, key, this.#valueIn(c.keyLower, outline)),
        ...c.values.filter((v) => !/[*?$]/.test(v)),
      ]);
      const named = texts.flatMap((t) => moments(t)).filter((t) => t > this.q.now);
      return unique([outline.time, ...named, this.q.now + 1].map((t) => timeText(key, t)));
    }
    if (model.kind !== "scalar") return [undefined];
    const facts = ["aws:resourceaccount", "aws:resourceorgid"].map((k) => this.#valueIn(k, outline));
    const texts = unique([
      ...conditions.flatMap((c) => suggested(c, key, this.#valueIn(c.keyLower, outline))),
      outline.keys.get(key)?.value,
      model.domain.guess,
      ...conditions.flatMap((c) => c.values.filter((v) => !/[*?$]/.test(v))).slice(0, 8),
      ...facts,
      "y",
      "true",
      "false",
    ]);
    const present = texts.filter((v) => v !== undefined);
    return model.domain.mayBeAbsent ? [...present, undefined] : present;
  }

  /** The one value that a key has in a solution, as far as it was asked about. */
  #valueIn(key: string, s: Solution): string | undefined {
    const m = this.#model(key);
    if (m.kind === "time") return timeText(key, s.time);
    const value =
      m.kind === "word" ? viewText(m.view, s.values) : m.kind === "const" ? m.value : s.keys.get(key)?.value;
    return typeof value === "string" ? value : undefined;
  }

  #model(key: string): KeyModel {
    return this.q.shape.model(key);
  }

  #resolver(pins: readonly Pin[], open: Set<string>, outline: boolean): (key: string) => Resolution {
    return (key) => {
      const pin = pins.find((p) => p.key === key);
      if (pin !== undefined) {
        return typeof pin.value === "string" ? { kind: "value", value: pin.value } : { kind: "absent" };
      }
      const m = this.#model(key);
      switch (m.kind) {
        case "const":
          // Only single-valued keys can be variables: a list is no value.
          return typeof m.value === "string" ? { kind: "value", value: m.value } : { kind: "absent" };
        case "doubtful":
          return { kind: "doubtful", doubt: m.doubt };
        case "perhaps":
          return typeof m.value === "string" ? { kind: "doubtful", doubt: m.doubt } : { kind: "absent" };
        case "word":
          if (m.list) return { kind: "absent" };
          open.add(key);
          return outline
            ? { kind: "open", outline: m.view.map((p) => (typeof p === "string" ? p : undefined)) }
            : { kind: "open" };
        case "scalar":
          open.add(key);
          return outline ? { kind: "open", outline: [undefined] } : { kind: "open" };
        case "set":
          return { kind: "absent" };
        case "time":
          open.add(key);
          return outline ? { kind: "open", outline: [undefined] } : { kind: "open" };
      }
    };
  }

  #compile(
    c: Condition,
    variables: boolean,
    pins: readonly Pin[],
    open: Set<string>,
    outline: boolean,
  ): Compiled {
    const known = this.q.compiled.get(c);
    if (known !== undefined) return known;
    if (!variables || !c.values.some((v) => v.includes("${"))) {
      const ready = compileCondition(c, false, () => ({ kind: "open" }));
      this.q.compiled.set(c, ready);
      return ready;
    }
    this.q.budget.left -= c.values.length;
    const swapped = selfComparison(c, (v) => this.#same(v, c.keyLower)) ?? this.#swap(c);
    if (swapped !== undefined) return compileCondition(swapped, false, () => ({ kind: "open" }));
    const model = this.#model(c.keyLower);
    if (model.kind === "const") {
      // An absent key, or a value beside the variable, may decide it whatever the variable holds.
      const anyhow = compileCondition(c, variables, this.#resolver(pins, new Set(), false));
      if (typeof testCondition(anyhow, model.value) === "string") return anyhow;
    }
    return compileCondition(c, variables, this.#resolver(pins, open, outline));
  }

  /** Whether two keys hold the same in every request of the shape. */
  #same(a: string, b: string): boolean {
    const [x, y] = [this.#model(a), this.#model(b)];
    if (x.kind === "word" && y.kind === "word" && !x.list && !y.list) {
      return x.view.length === y.view.length && x.view.every((p, i) => p === y.view[i]);
    }
    return a === b && x.kind === "scalar";
  }

  /**
   * `K op ${V}` with a constant K is the same as `V op K`: equality looks the same from both sides, and an absent V
   * fails a positive operator and passes a negated one from either side.
   */
  #swap(c: Condition): Condition | undefined {
    if (c.qualifier !== undefined || c.values.length !== 1) return undefined;
    if (!/^String(Not)?(Equals(IgnoreCase)?|Like)$/.test(c.operator)) return undefined;
    const variable = /^\$\{([^{},*?$]+)\}$/.exec(c.values[0] ?? "")?.[1]?.trim();
    if (variable === undefined) return undefined;
    const model = this.#model(c.keyLower);
    if (model.kind !== "const" || typeof model.value !== "string") return undefined;
    const other = this.#model(variable.toLowerCase());
    if (other.kind !== "word" && other.kind !== "scalar" && other.kind !== "time") return undefined;
    // Only single-valued keys can be variables.
    if (other.kind === "word" && other.list) return undefined;
    const operator = c.operator.replace("Like", "Equals") as Condition["operator"];
    return {
      ...c,
      operator,
      ifExists: false,
      key: variable,
      keyLower: variable.toLowerCase(),
      values: [model.value],
    };
  }

  /** A literal as true, false or open. */
  #settle(l: Lit): boolean | undefined {
    this.q.budget.left -= l.c.literals === undefined ? l.c.tests.length / 8 : 1 / 8;
    const model = this.#model(l.c.source.keyLower);
    // An identity is always there: its presence is no open question.
    let truth: Truth;
    if (model.kind === "word" && l.c.family === "null") {
      truth = testCondition(l.c, "x");
      // A pair that is asked about must be in the request, whatever it holds.
      const { key, keyLower } = l.c.source;
      if (keyLower.startsWith("kms:encryptioncontext:")) {
        this.#pairs.present.set(keyLower, { key, model });
      }
    } else if (model.kind === "const") truth = testCondition(l.c, model.value);
    else if (model.kind === "doubtful") truth = testUnknown(l.c, model.present === true, model.doubt);
    else if (model.kind === "perhaps") {
      const [there, absent] = [testCondition(l.c, model.value), testAbsent(l.c)];
      truth = there === absent ? there : { doubtful: model.doubt };
    } else return undefined;
    if (typeof truth === "object") this.#slots.doubtful = true;
    this.#remember(l.c, model);
    return satisfies(truth, l.want, this.q.mode);
  }

  #remember(c: Compiled, model: KeyModel): void {
    const { key, keyLower } = c.source;
    if (model.kind !== "const" || !keyLower.startsWith("kms:encryptioncontext:")) return;
    if (typeof model.value === "string") {
      this.#pairs.settled.set(keyLower, { name: key, value: model.value });
    } else if (model.value === undefined) {
      this.#pairs.missing.add(key.slice("kms:EncryptionContext:".length));
    }
  }

  /** `outline`: variables that are not pinned may have any value, in each place another one. */
  #prepare(pins: readonly Pin[], open: Set<string>, outline = false): Solution | undefined {
    this.#slots.clear();
    let must: Lit[] = [];
    for (const clause of this.q.require) {
      for (const c of clause.conditions) {
        must.push(outlined({ c: this.#compile(c, clause.variables, pins, open, outline), want: true }));
      }
    }
    for (const p of pins) {
      const pinned = pinCondition(p);
      must.push({ c: compileCondition(pinned, false, () => ({ kind: "open" })), want: true });
    }
    const choices: Alternative[][] = [];
    for (const r of this.q.escape) {
      if (typeof r.principal === "object") this.#slots.doubtful = true;
      if (satisfies(r.principal, false, this.q.mode)) continue;
      const alternatives: Alternative[] = [];
      let escaped = false;
      for (const c of r.conditions) {
        const l = outlined({ c: this.#compile(c, r.variables, pins, open, outline), want: false });
        const s = this.#settle(l);
        if (s === true) escaped = true;
        if (s === undefined) alternatives.push([l]);
      }
      const [only, ...more] = alternatives;
      if (escaped) continue;
      if (only !== undefined && more.length === 0) must.push(...only);
      else choices.push(alternatives);
    }
    if (open.size > 0 && !outline) return undefined;
    if (outline) {
      must = withTies(must, this.q.mode, (key) => this.#model(key).kind !== "const");
      this.#outlined = must;
    }
    if (choices.some((a) => a.length === 0)) return undefined;
    for (const l of must) {
      const s = this.#settle(l);
      if (s === false) return undefined;
      if (s === undefined) this.#slots.push(l);
    }
    // Without a choice to make, finishing asks the same.
    if (choices.length === 0) return finish(this.#slots, this.#pairs);
    for (const key of [...this.#slots.keys()]) if (!this.#slots.consistent(key)) return undefined;
    choices.sort((a, b) => a.length - b.length);
    return this.#choose(choices, 0);
  }

  #choose(choices: readonly Alternative[][], at: number): Solution | undefined {
    const alternatives = choices[at];
    if (alternatives === undefined) return finish(this.#slots, this.#pairs);
    for (const a of alternatives) {
      this.q.budget.left -= 1;
      if (this.q.budget.left < 0) {
        this.#slots.exhausted = true;
        return undefined;
      }
      for (const l of a) this.#slots.push(l);
      const fine = a.every((l) => this.#slots.consistent(this.#slots.slot(l.c.source.keyLower)));
      const found = fine ? this.#choose(choices, at + 1) : undefined;
      for (const l of [...a].reverse()) this.#slots.pop(l);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
