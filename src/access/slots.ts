import { ALL_IDS, type IdRange, idTest, inBoth, rangeGlobs } from "./account-numbers.js";
import { ACCOUNT_SEGMENT_NAME } from "./alphabets.js";
import { showsChain, shownOf, solveChain } from "./called-via.js";
import { type KeyValue, testCondition } from "./condition.js";
import { type Budget, literalGlob, matches } from "./glob.js";
import { timeText } from "./key-models.js";
import { type Domain, type Lit, meets, satisfies, solveScalar, solveSet, wordConstraints } from "./scalar.js";
import type { Shape } from "./shape.js";
import type { Mode } from "./truth.js";
import { lacksZone, parseDate } from "./typed.js";
import { type View, viewText, type WordConstraint } from "./views.js";
import { solveWords } from "./words.js";

/** What is asked, as far as single keys look at it. */
export interface Asked {
  readonly shape: Shape;
  readonly mode: Mode;
  readonly now: number;
  readonly budget: Budget;
}

/** The keys that show one list of services are decided together. */
export const CHAIN = "called via";

/**
 * What a request has to meet, by key, and whether some value of each key does. Keys whose values are tied to each other
 * share a slot and are decided together.
 */
export class Slots {
  /** A doubt was settled on the way. */
  doubtful = false;
  /** Something was left undecided. */
  exhausted = false;
  readonly #lits = new Map<string, Lit[]>();

  constructor(readonly q: Asked) {}

  clear(): void {
    this.#lits.clear();
  }

  keys(): IterableIterator<string> {
    return this.#lits.keys();
  }

  get(slot: string): readonly Lit[] | undefined {
    return this.#lits.get(slot);
  }

  consistent(slot: string): boolean {
    if (slot === "words") return this.solveWords() !== undefined;
    if (slot === "time") return this.solveTime() !== undefined;
    if (slot === CHAIN) return this.solveChain() !== undefined;
    return this.solveKey(slot, { must: [], mustNot: [] }) !== undefined;
  }

  solveKey(
    key: string,
    linked: { must: readonly string[]; mustNot: readonly string[] },
    mustBePresent = false,
  ): { value: KeyValue } | undefined {
    const m = this.q.shape.model(key);
    const lits = this.#lits.get(key) ?? [];
    if (m.kind !== "scalar" && m.kind !== "set") return undefined;
    if (goesBeyond(lits, m.domain) || lits.some((l) => hasDoubt(l))) this.doubtful = true;
    const a =
      m.kind === "scalar"
        ? solveScalar(
            lits,
            mustBePresent ? { ...m.domain, mayBeAbsent: false } : m.domain,
            this.q.mode,
            this.q.budget,
          )
        : solveSet(lits, m.domain, this.q.mode, this.q.budget, linked);
    if (a.kind === "exhausted") this.exhausted = true;
    return a.kind === "found" ? { value: a.value } : undefined;
  }

  /** The keys that show through which services the call came, as far as they are asked for. */
  solveChain(): ReadonlyMap<string, { readonly name: string; readonly value: KeyValue }> | undefined {
    const lits = this.#lits.get(CHAIN) ?? [];
    const model = this.q.shape.model("aws:calledvia");
    if (model.kind !== "set") return undefined;
    if (goesBeyond(lits, model.domain) || lits.some(hasDoubt)) this.doubtful = true;
    const a = solveChain(lits, model.domain, this.q.mode, this.q.budget);
    if (a.kind === "exhausted") this.exhausted = true;
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

  solveWords(): readonly string[] | undefined {
    const constraints: WordConstraint[] = [...this.q.shape.base];
    /** Operators of another type than identities have: tested on the result. */
    const oddOnes: Lit[] = [];
    /** Bytes that a bare name has to spell: the same text does, and perhaps others. */
    let spelt = false;
    /** What comparisons of account ids as numbers leave, by segment. */
    const ranges = new Map<number, IdRange>();
    for (const l of this.#lits.get("words") ?? []) {
      const m = this.q.shape.model(l.c.source.keyLower);
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
      if (hasDoubt(l)) this.doubtful = true;
      if (m.list && l.c.source.qualifier === undefined && l.c.family === "string") {
        // Doubtful at best where it matches, so: a match is possible, a miss is certain.
        this.doubtful = true;
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
    if (a.kind === "exhausted" || (spelt && a.kind !== "found")) this.exhausted = true;
    if (a.kind !== "found") return undefined;
    for (const l of oddOnes) {
      const m = this.q.shape.model(l.c.source.keyLower);
      if (m.kind !== "word") continue;
      const text = viewText(m.view, a.values);
      const truth = testCondition(l.c, m.list ? [text] : text);
      if (typeof truth === "object") this.doubtful = true;
      if (satisfies(truth, l.want, this.q.mode)) continue;
      // ARNs and ids are never numbers, dates or addresses, so any value would fail alike; a bare name could be one.
      if (isBare(m.view)) this.exhausted = true;
      return undefined;
    }
    return a.values;
  }

  solveTime(from = this.q.now + 1): number | undefined {
    const lits = this.#lits.get("time") ?? [];
    if (lits.some(hasDoubt)) this.doubtful = true;
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
        this.exhausted = true;
        return undefined;
      }
      if (lits.every((l) => meets([l], timeText(l.c.source.keyLower, p), this.q.mode))) return p;
    }
    // Between the moments that documents name, only a pattern on the text could tell one from another.
    const odd = lits.some((l) => l.c.family !== "date" && l.c.family !== "number" && l.c.family !== "null");
    if (odd) this.exhausted = true;
    return undefined;
  }

  push(l: Lit): void {
    const key = this.slot(l.c.source.keyLower);
    const list = this.#lits.get(key);
    if (list === undefined) this.#lits.set(key, [l]);
    else list.push(l);
  }

  /** A key as it was written last. */
  nameOf(slot: string): string {
    return this.#lits.get(slot)?.at(-1)?.c.source.key ?? slot;
  }

  pop(l: Lit): void {
    this.#lits.get(this.slot(l.c.source.keyLower))?.pop();
  }

  /** Keys that are decided together share a slot. */
  slot(key: string): string {
    const m = this.q.shape.model(key);
    if (m.kind === "word") return "words";
    return m.kind === "time" ? "time" : showsChain(key) ? CHAIN : key;
  }
}

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
export function moments(text: string): number[] {
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
    // An empty value may be no value at all.
    l.c.source.qualifier === "ForAllValues" ||
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
