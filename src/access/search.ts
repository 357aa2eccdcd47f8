import type { Condition } from "../policy/ast.js";
import { ALL_IDS, type IdRange, idTest, inBoth, rangeGlobs } from "./account-numbers.js";
import { ACCOUNT_SEGMENT_NAME } from "./alphabets.js";
import { showsChain, shownOf, solveChain } from "./called-via.js";
import {
  type Compiled,
  compileCondition,
  type KeyValue,
  type Resolution,
  testAbsent,
  testCondition,
  testUnknown,
} from "./condition.js";
import { type KeyModel, timeText } from "./key-models.js";
import { type Domain, type Lit, meets, satisfies, solveScalar, solveSet, wordConstraints } from "./scalar.js";
import type { Shape } from "./shape.js";
import type { Mode, Truth } from "./truth.js";
import { lacksZone, parseDate } from "./typed.js";
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
import { type Budget, literalGlob, matches } from "./glob.js";
import { type View, viewText, type WordConstraint } from "./views.js";
import { solveWords } from "./words.js";

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

/** What a request of the shape has to hold: values of the segments, and of the keys that were asked about. */
export interface Solution {
  readonly values: readonly string[];
  /** By key in lower case; `name` as the policy writes it. */
  readonly keys: ReadonlyMap<string, { readonly name: string; readonly value: KeyValue }>;
  readonly time: number;
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

/** The keys that show one list of services are decided together. */
const CHAIN = "called via";

class Search {
  #doubtful = false;
  #exhausted = false;
  /** Variables that had to be guessed: then "impossible" is not proved. */
  #guessed = false;
  /** What the outline has to meet. */
  #outlined: readonly Lit[] = [];
  readonly #lits = new Map<string, Lit[]>();

  constructor(readonly q: Query) {}

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
    if (this.#exhausted) return this.#answer(undefined);
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
    if (this.#exhausted || this.#guessed) return { kind: "exhausted" };
    return { kind: "impossible", doubtful: this.#doubtful };
  }

  /** Values of a variable that are worth trying, those first that the outline suggests. */
  #pinValues(key: string, conditions: readonly Condition[], outline: Solution): KeyValue[] {
    this.q.budget.left -= conditions.reduce((n, c) => n + c.values.length, 0);
    if (this.q.budget.left < 0) {
      this.#exhausted = true;
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
        this.#presentPairs ??= new Map();
        this.#presentPairs.set(keyLower, { key, model });
      }
    } else if (model.kind === "const") truth = testCondition(l.c, model.value);
    else if (model.kind === "doubtful") truth = testUnknown(l.c, model.present === true, model.doubt);
    else if (model.kind === "perhaps") {
      const [there, absent] = [testCondition(l.c, model.value), testAbsent(l.c)];
      truth = there === absent ? there : { doubtful: model.doubt };
    } else return undefined;
    if (typeof truth === "object") this.#doubtful = true;
    this.#remember(l.c, model);
    return satisfies(truth, l.want, this.q.mode);
  }

  /** Pairs of the encryption context that are settled beforehand: what a service fills in for a known account. */
  #settledPairs: Map<string, { readonly name: string; readonly value: string }> | undefined;

  /** Names of pairs that are left out beforehand: no list of the context's keys holds them. */
  #missingPairs: Set<string> | undefined;

  /** Pairs that hold an identity, of which conditions ask whether they are there. */
  #presentPairs:
    | Map<string, { readonly key: string; readonly model: Extract<KeyModel, { kind: "word" }> }>
    | undefined;

  #remember(c: Compiled, model: KeyModel): void {
    const { key, keyLower } = c.source;
    if (model.kind !== "const" || !keyLower.startsWith("kms:encryptioncontext:")) return;
    if (typeof model.value === "string") {
      this.#settledPairs ??= new Map();
      this.#settledPairs.set(keyLower, { name: key, value: model.value });
    } else if (model.value === undefined) {
      this.#missingPairs ??= new Set();
      this.#missingPairs.add(key.slice("kms:EncryptionContext:".length));
    }
  }

  /** `outline`: variables that are not pinned may have any value, in each place another one. */
  #prepare(pins: readonly Pin[], open: Set<string>, outline = false): Solution | undefined {
    this.#lits.clear();
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
      if (typeof r.principal === "object") this.#doubtful = true;
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
      if (s === undefined) this.#push(l);
    }
    // Without a choice to make, finishing asks the same.
    if (choices.length === 0) return this.#finish();
    for (const key of [...this.#lits.keys()]) if (!this.#consistent(key)) return undefined;
    choices.sort((a, b) => a.length - b.length);
    return this.#choose(choices, 0);
  }

  #push(l: Lit): void {
    const key = this.#slot(l.c.source.keyLower);
    const list = this.#lits.get(key);
    if (list === undefined) this.#lits.set(key, [l]);
    else list.push(l);
  }

  /** A key as it was written last. */
  #nameOf(slot: string): string {
    return this.#lits.get(slot)?.at(-1)?.c.source.key ?? slot;
  }

  #pop(l: Lit): void {
    this.#lits.get(this.#slot(l.c.source.keyLower))?.pop();
  }

  /** Keys that are decided together share a slot. */
  #slot(key: string): string {
    const m = this.#model(key);
    if (m.kind === "word") return "words";
    return m.kind === "time" ? "time" : showsChain(key) ? CHAIN : key;
  }

  #choose(choices: readonly Alternative[][], at: number): Solution | undefined {
    const alternatives = choices[at];
    if (alternatives === undefined) return this.#finish();
    for (const a of alternatives) {
      this.q.budget.left -= 1;
      if (this.q.budget.left < 0) {
        this.#exhausted = true;
        return undefined;
      }
      for (const l of a) this.#push(l);
      const fine = a.every((l) => this.#consistent(this.#slot(l.c.source.keyLower)));
      const found = fine ? this.#choose(choices, at + 1) : undefined;
      for (const l of [...a].reverse()) this.#pop(l);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #consistent(slot: string): boolean {
    if (slot === "words") return this.#solveWords() !== undefined;
    if (slot === "time") return this.#solveTime() !== undefined;
    if (slot === CHAIN) return this.#solveChain() !== undefined;
    return this.#solveKey(slot, { must: [], mustNot: [] }) !== undefined;
  }

  #solveKey(
    key: string,
    linked: { must: readonly string[]; mustNot: readonly string[] },
    mustBePresent = false,
  ): { value: KeyValue } | undefined {
    const m = this.#model(key);
    const lits = this.#lits.get(key) ?? [];
    if (m.kind !== "scalar" && m.kind !== "set") return undefined;
    if (goesBeyond(lits, m.domain) || lits.some((l) => hasDoubt(l))) this.#doubtful = true;
    const a =
      m.kind === "scalar"
        ? solveScalar(
            lits,
            mustBePresent ? { ...m.domain, mayBeAbsent: false } : m.domain,
            this.q.mode,
            this.q.budget,
          )
        : solveSet(lits, m.domain, this.q.mode, this.q.budget, linked);
    if (a.kind === "exhausted") this.#exhausted = true;
    return a.kind === "found" ? { value: a.value } : undefined;
  }

  /** The keys that show through which services the call came, as far as they are asked for. */
  #solveChain(): ReadonlyMap<string, { readonly name: string; readonly value: KeyValue }> | undefined {
    const lits = this.#lits.get(CHAIN) ?? [];
    const model = this.#model("aws:calledvia");
    if (model.kind !== "set") return undefined;
    if (goesBeyond(lits, model.domain) || lits.some(hasDoubt)) this.#doubtful = true;
    const a = solveChain(lits, model.domain, this.q.mode, this.q.budget);
    if (a.kind === "exhausted") this.#exhausted = true;
    if (a.kind !== "found") return undefined;
    const { services } = a;
    const names = new Map(lits.map((l) => [l.c.source.keyLower, l.c.source.key]));
    // Whoever sees an end of the list sees the list.
    if (services !== undefined && !names.has("aws:calledvia")) names.set("aws:calledvia", "aws:CalledVia");
    return new Map(
      [...names].map(([key, name]) => [
        key,
        { name, value: services === undefined ? undefined : shownOf(services, key) },
      ]),
    );
  }

  #solveWords(): readonly string[] | undefined {
    const constraints: WordConstraint[] = [...this.q.shape.base];
    /** Operators of another type than identities have: tested on the result. */
    const oddOnes: Lit[] = [];
    /** Bytes that a bare name has to spell: the same text does, and perhaps others. */
    let spelt = false;
    /** What comparisons of account ids as numbers leave, by segment. */
    const ranges = new Map<number, IdRange>();
    for (const l of this.#lits.get("words") ?? []) {
      const m = this.#model(l.c.source.keyLower);
      if (m.kind !== "word") continue;
      const isArn = typeof m.view[0] === "string" && m.view[0].startsWith("arn:");
      const odd =
        (l.c.family !== "string" && l.c.family !== "null") ||
        (l.c.source.operator.startsWith("Arn") && !isArn);
      if (odd) {
        const account = accountIndex(m.view, this.q.shape);
        const test = account === undefined ? undefined : idTest(l.c, l.want);
        if (account === undefined || test === undefined) {
          oddOnes.push(l);
          if (l.c.family === "binary" && l.want && !l.c.negated && isBare(m.view)) {
            spelt = true;
            const globs = l.c.source.values.map((v) => literalGlob(v));
            constraints.push({ view: m.view, mode: "oneOf", globs });
          }
        } else if (test.kind === "range") {
          ranges.set(account, inBoth(ranges.get(account) ?? ALL_IDS, test.range));
        } else if (test.ids.length > 0) {
          constraints.push({
            view: m.view,
            mode: test.kind === "one-of" ? "oneOf" : "noneOf",
            globs: test.ids,
          });
        } else if (test.kind === "one-of") return undefined;
        continue;
      }
      if (hasDoubt(l)) this.#doubtful = true;
      if (m.list && l.c.source.qualifier === undefined && l.c.family === "string") {
        // Doubtful at best where it matches, so: a match is possible, a miss is certain.
        this.#doubtful = true;
        if (l.want && this.q.mode === "certain") return undefined;
        if (!l.want && this.q.mode === "possible") continue;
      }
      const more = wordConstraints([withoutQualifier(l)], this.q.mode, m.view);
      if (more === undefined) return undefined;
      constraints.push(...more);
    }
    for (const [account, range] of ranges) {
      if (range.first > range.last) return undefined;
      constraints.push({ view: [account], mode: "oneOf", globs: rangeGlobs(range) });
    }
    const a = solveWords(this.q.shape.segments, constraints, this.q.budget);
    if (a.kind === "exhausted" || (spelt && a.kind !== "found")) this.#exhausted = true;
    if (a.kind !== "found") return undefined;
    for (const l of oddOnes) {
      const m = this.#model(l.c.source.keyLower);
      if (m.kind !== "word") continue;
      const text = viewText(m.view, a.values);
      const truth = testCondition(l.c, m.list ? [text] : text);
      if (typeof truth === "object") this.#doubtful = true;
      if (satisfies(truth, l.want, this.q.mode)) continue;
      // ARNs and ids are never numbers, dates or addresses, so any value would fail alike; a bare name could be one.
      if (isBare(m.view)) this.#exhausted = true;
      return undefined;
    }
    return a.values;
  }

  #solveTime(from = this.q.now + 1): number | undefined {
    const lits = this.#lits.get("time") ?? [];
    if (lits.some(hasDoubt)) this.#doubtful = true;
    const points = new Set<number>([from]);
    for (const l of lits) {
      for (const t of l.c.tests) for (const p of moments(t.glob?.literal ?? t.text)) points.add(p);
    }
    const { budget } = this.q;
    const each = lits.reduce((n, l) => n + l.c.tests.length, 1);
    const later = [...points].filter((p) => p >= from).sort((a, b) => a - b);
    for (const p of later) {
      budget.left -= each;
      if (budget.left < 0) {
        this.#exhausted = true;
        return undefined;
      }
      if (lits.every((l) => meets([l], timeText(l.c.source.keyLower, p), this.q.mode))) return p;
    }
    // Between the moments that documents name, only a pattern on the text could tell one from another.
    const odd = lits.some((l) => l.c.family !== "date" && l.c.family !== "number" && l.c.family !== "null");
    if (odd) this.#exhausted = true;
    return undefined;
  }

  /**
   * Pairs of the encryption context are left out where they may be; a list of its keys can ask for one all the same.
   * Then they are put in, in every combination.
   */
  #finish(): Solution | undefined {
    if ((this.#lits.get("kms:encryptioncontextkeys")?.length ?? 0) === 0) return this.#finishWith(NO_PAIRS);
    const optional = [...this.#lits.keys()].filter(
      (k) => k.startsWith("kms:encryptioncontext:") && (this.#lits.get(k)?.length ?? 0) > 0,
    );
    for (let i = 0; i < 2 ** Math.min(optional.length, 5); i += 1) {
      const found = this.#finishWith(new Set(optional.filter((_, bit) => ((i >> bit) & 1) === 1)));
      if (found !== undefined) return found;
    }
    if (optional.length > 5) this.#exhausted = true;
    return undefined;
  }

  #finishWith(forced: ReadonlySet<string>): Solution | undefined {
    const values = this.#solveWords();
    if (values === undefined) return undefined;
    const keys = new Map<string, { name: string; value: KeyValue }>();
    let time = this.q.now;
    const contextKeys: string[] = [];
    const absentContextKeys: string[] = [...(this.#missingPairs ?? [])];
    for (const [key, pair] of this.#settledPairs ?? []) {
      keys.set(key, pair);
      contextKeys.push(pair.name.slice("kms:EncryptionContext:".length));
    }
    for (const [keyLower, { key, model }] of this.#presentPairs ?? []) {
      keys.set(keyLower, { name: key, value: viewText(model.view, values) });
      contextKeys.push(key.slice("kms:EncryptionContext:".length));
    }
    for (const l of this.#lits.get("words") ?? []) {
      const { keyLower, key } = l.c.source;
      const m = this.#model(keyLower);
      if (m.kind !== "word") continue;
      const text = viewText(m.view, values);
      keys.set(keyLower, { name: key, value: m.list ? [text] : text });
      if (keyLower.startsWith("kms:encryptioncontext:")) {
        contextKeys.push(key.slice("kms:EncryptionContext:".length));
      }
    }
    for (const slot of this.#lits.keys()) {
      if (slot === "words" || (this.#lits.get(slot)?.length ?? 0) === 0) continue;
      if (slot === "time") {
        const t = this.#solveTime();
        if (t === undefined) return undefined;
        time = t;
        continue;
      }
      if (slot === CHAIN) {
        const chain = this.#solveChain();
        if (chain === undefined) return undefined;
        for (const [key, shown] of chain) keys.set(key, shown);
        continue;
      }
      if (this.#model(slot).kind === "set") continue;
      const s = this.#solveKey(slot, { must: [], mustNot: [] }, forced.has(slot));
      if (s === undefined) return undefined;
      const name = this.#nameOf(slot);
      keys.set(slot, { name, value: s.value });
      const tail = /^kms:encryptioncontext:(.+)$/i.exec(name)?.[1];
      if (tail !== undefined) (s.value === undefined ? absentContextKeys : contextKeys).push(tail);
    }
    for (const slot of this.#lits.keys()) {
      if (slot === "words" || slot === "time" || slot === CHAIN) continue;
      if ((this.#lits.get(slot)?.length ?? 0) === 0) continue;
      if (this.#model(slot).kind !== "set") continue;
      const linked =
        slot === "kms:encryptioncontextkeys"
          ? { must: contextKeys, mustNot: absentContextKeys }
          : { must: [], mustNot: [] };
      const s = this.#solveKey(slot, linked);
      if (s === undefined) return undefined;
      keys.set(slot, { name: this.#nameOf(slot), value: s.value });
    }
    const token = keys.get("aws:tokenissuetime")?.value;
    const issued = typeof token === "string" ? parseDate(token) : undefined;
    if (issued !== undefined && issued > time) {
      const later = this.#solveTime(Math.ceil(issued));
      if (later === undefined) {
        // Another moment of issue might do.
        this.#exhausted = true;
        return undefined;
      }
      time = later;
    }
    return { values, keys, time };
  }
}

const NO_PAIRS: ReadonlySet<string> = new Set();

/** Whether a view is a name or an id alone, which may look like a number, a date or bytes. */
function isBare(view: View): boolean {
  return !view.some((p) => typeof p === "string" && /[a-z:]/i.test(p));
}

/** The segment that a view shows, if it is an account id and nothing else. */
function accountIndex(view: View, shape: Shape): number | undefined {
  const [only, ...more] = view;
  if (typeof only !== "number" || more.length > 0) return undefined;
  return shape.segments[only]?.name === ACCOUNT_SEGMENT_NAME ? only : undefined;
}

/** The moments around the one that a text names, or with which a pattern begins. */
function moments(text: string): number[] {
  const fixed = /^[^*?]*/.exec(text)?.[0] ?? "";
  // A pattern may break off anywhere in a date: cut back to the last whole part.
  const s = parseDate(text) ?? parseDate(/^\d{4}(-\d\d(-\d\d)?)?/.exec(fixed)?.[0] ?? "");
  return s === undefined ? [] : [s - 1, s, s + 1].map(Math.floor);
}

function hasDoubt(l: Lit): boolean {
  return (
    l.c.tests.some((t) => t.doubtful !== undefined) ||
    l.c.source.values.length === 0 ||
    (l.c.source.ifExists && l.c.source.qualifier === "ForAnyValue") ||
    (l.c.facts?.multivalued === true && l.c.source.qualifier === undefined) ||
    l.c.negated ||
    l.c.family === "null" ||
    // A time of day without a zone is not of the documented form.
    (l.c.family === "date" && l.c.tests.some((t) => lacksZone(t.text))) ||
    l.c.source.operator.startsWith("Arn") ||
    // IPv4-mapped addresses.
    (l.c.family === "ip" && l.c.source.values.some((v) => /:ffff:/i.test(v)))
  );
}

/**
 * Whether a value that AWS does not document may be an answer: not where a condition wants one of some texts that it
 * does document.
 */
function goesBeyond(lits: readonly Lit[], d: Domain): boolean {
  if (d.documented !== true) return false;
  const documented = (text: string): boolean =>
    d.only === undefined ? d.shape === undefined || matches(d.shape, text) : d.only.includes(text);
  return !lits.some(
    (l) =>
      l.c.family === "string" &&
      l.want !== l.c.negated &&
      l.c.source.qualifier === undefined &&
      l.c.tests.length > 0 &&
      l.c.tests.every(
        (t) => t.doubtful === undefined && t.glob?.literal !== undefined && documented(t.glob.literal),
      ),
  );
}

/** On a key that holds exactly one value, the qualifiers say the same as none. */
function withoutQualifier(l: Lit): Lit {
  if (l.c.source.qualifier === undefined || l.c.source.values.length === 0) return l;
  const { facts } = l.c;
  return {
    want: l.want,
    c: {
      ...l.c,
      source: { ...l.c.source, qualifier: undefined },
      facts: facts === undefined ? undefined : { ...facts, multivalued: false },
    },
  };
}
