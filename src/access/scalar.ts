import { type Compiled, type KeyValue, testAbsent, testCondition, testElement } from "./condition.js";
import { type Budget, type Glob, GlobBuilder, literalGlob, matches, matchingCost, samples } from "./glob.js";
import type { Mode, Truth } from "./truth.js";
import {
  compareNumbers,
  type Exact,
  exact,
  floorOf,
  formatIp,
  formatNumber,
  type IpRange,
  inRange,
  isWhole,
  mappedV4,
  middle,
  parseDate,
  parseIpRange,
  parseNumber,
  textOfMoment,
} from "./typed.js";
import { fits, type Segment, viewText, type WordConstraint } from "./views.js";
import { solveWords } from "./words.js";

/** A condition, and whether the request has to meet it or to miss it. */
export interface Lit {
  readonly c: Compiled;
  readonly want: boolean;
}

/** The values that a condition key can take in the requests that are looked for. */
export interface Domain {
  readonly type: "string" | "arn" | "number" | "date" | "bool" | "ip" | "binary";
  readonly mayBeAbsent: boolean;
  readonly mayBePresent: boolean;
  /** A believable value to try first. */
  readonly guess: string;
  /** Values that are not looked at, such as the fixed networks that a policy names. */
  readonly excludedGlobs: readonly Glob[];
  readonly excludedRanges: readonly IpRange[];
  /** What every value looks like. */
  readonly shape?: Glob;
  /** What every value is made of; without it, any text. */
  readonly form?: { readonly segment: Segment; readonly prefix: string };
  /** Where only these exist. */
  readonly only?: readonly string[];
  /** Tried first: what the key usually holds. */
  readonly usual?: readonly string[];
  /** What every whole number is within. */
  readonly range?: { readonly least: number; readonly most: number };
  /** `only`, `shape` and `range` hold as far as AWS documents it: beyond is a doubt. */
  readonly documented?: true;
  /** For dates: nothing earlier, nothing later (seconds since the epoch). */
  readonly earliest?: number;
  readonly latest?: number;
}

export type ScalarAnswer =
  | { readonly kind: "found"; readonly value: KeyValue }
  | { readonly kind: "impossible" }
  | { readonly kind: "exhausted" };

const IMPOSSIBLE: ScalarAnswer = { kind: "impossible" };

/** Whether a truth is what is wanted, in a mode. */
export function satisfies(t: Truth, want: boolean, mode: Mode): boolean {
  if (t === "yes") return want;
  if (t === "no") return !want;
  return mode === "possible";
}

/** Whether a value meets every literal. */
export function meets(lits: readonly Lit[], value: KeyValue, mode: Mode): boolean {
  return lits.every((l) => satisfies(testCondition(l.c, value), l.want, mode));
}

/** Decides a single-valued key. */
export function solveScalar(lits: readonly Lit[], d: Domain, mode: Mode, budget: Budget): ScalarAnswer {
  if (d.mayBeAbsent && lits.every((l) => satisfies(testAbsent(l.c), l.want, mode))) {
    return { kind: "found", value: undefined };
  }
  if (!d.mayBePresent) return IMPOSSIBLE;
  return solvePresent(lits, d, mode, budget, testCondition);
}

/** Decides a multivalued key: a set with a witness for each "some value" and all of them within each "all values". */
export function solveSet(
  lits: readonly Lit[],
  d: Domain,
  mode: Mode,
  budget: Budget,
  /** Sets that must hold, or must not hold, certain values (case is ignored): keys of an encryption context. */
  linked: { readonly must: readonly string[]; readonly mustNot: readonly string[] },
): ScalarAnswer {
  const absentOk = lits.every((l) => satisfies(testAbsent(l.c), l.want, mode));
  if (d.mayBeAbsent && absentOk && linked.must.length === 0) return { kind: "found", value: undefined };
  if (!d.mayBePresent) return IMPOSSIBLE;
  const answer = solvePresentSet(lits, d, mode, budget, linked);
  // An empty value alone may count as no value at all: then it is in no "all values", and is a value all the same.
  if (answer.kind !== "impossible" || mode === "certain" || linked.must.length > 0) return answer;
  return allowedByDomain("", d) && meets(lits, EMPTY_SET, mode)
    ? { kind: "found", value: EMPTY_SET }
    : answer;
}

const EMPTY_SET: readonly string[] = [""];

/** The same for a set that is there. */
function solvePresentSet(
  lits: readonly Lit[],
  d: Domain,
  mode: Mode,
  budget: Budget,
  linked: { readonly must: readonly string[]; readonly mustNot: readonly string[] },
): ScalarAnswer {
  const parts = asOfElements(lits, mode);
  if (parts === undefined) return IMPOSSIBLE;
  const { every, some } = parts;
  const elementDomain: Domain = {
    ...d,
    excludedGlobs: [
      ...d.excludedGlobs,
      ...[...linked.mustNot, ...linked.must].map((k) => new GlobBuilder(true).literal(k).build(k)),
    ],
  };
  // Names that must be there are compared without case by who asks for them, and with case by the conditions here.
  const spelt = new Map<string, string | undefined>(linked.must.map((k) => [k, undefined]));
  const out: string[] = [];
  let exhausted = false;
  const find = (lits: readonly Lit[], domain: Domain): string | undefined => {
    const e = solvePresent(lits, domain, mode, budget, testElement);
    if (e.kind === "exhausted") exhausted = true;
    return e.kind === "found" && typeof e.value === "string" ? e.value : undefined;
  };
  const like = (k: string): Domain => ({ ...d, shape: new GlobBuilder(true).literal(k).build(k) });
  for (const l of some) {
    if (out.some((v) => satisfies(testElement(l.c, v), l.want, mode))) continue;
    const wanted = [...every, l];
    const open = [...spelt].flatMap(([k, chosen]) => (chosen === undefined ? [k] : []));
    // Another spelling comes last: a grant may want the name as it is written.
    let value = open.find((k) => wanted.every((w) => satisfies(testElement(w.c, k), w.want, mode)));
    if (value !== undefined) spelt.set(value, value);
    value ??= find(wanted, elementDomain);
    for (const k of open) {
      if (value !== undefined) break;
      value = find(wanted, like(k));
      if (value !== undefined) spelt.set(k, value);
    }
    // A name that has been spelt for one condition might have been spelt for this one.
    if (value === undefined) {
      const otherwise = [...spelt.values()].some((v) => v !== undefined);
      return exhausted || otherwise ? { kind: "exhausted" } : IMPOSSIBLE;
    }
    out.push(value);
  }
  for (const [k, chosen] of spelt) {
    if (chosen !== undefined) continue;
    const plain = every.every((l) => satisfies(testElement(l.c, k), l.want, mode));
    const value = plain ? k : find(every, like(k));
    if (value === undefined) return exhausted ? { kind: "exhausted" } : IMPOSSIBLE;
    out.push(value);
  }
  if (out.length === 0) {
    const value = find(every, elementDomain);
    if (value === undefined) return exhausted ? { kind: "exhausted" } : IMPOSSIBLE;
    out.push(value);
  }
  if (!meets(lits, out, mode)) {
    // Nothing but empty values may count as no values at all: another value settles it, if one may be there.
    const nonEmpty = { ...elementDomain, excludedGlobs: [...elementDomain.excludedGlobs, EMPTY] };
    const value = find(every, nonEmpty);
    if (value === undefined) return exhausted ? { kind: "exhausted" } : IMPOSSIBLE;
    out.push(value);
    if (!meets(lits, out, mode)) return { kind: "exhausted" };
  }
  return { kind: "found", value: out };
}

const EMPTY: Glob = literalGlob("");

/**
 * What is asked of a set that is there: of every value, and of some value. Undefined: no set meets it.
 */
export function asOfElements(
  lits: readonly Lit[],
  mode: Mode,
): { readonly every: readonly Lit[]; readonly some: readonly Lit[] } | undefined {
  const every: Lit[] = [];
  const some: Lit[] = [];
  for (const l of lits) {
    const { qualifier, values } = l.c.source;
    if (l.c.family === "null" || values.length === 0) {
      // Nothing about the values decides it: the set is merely there.
      if (!satisfies(testCondition(l.c, ["x"]), l.want, mode)) return undefined;
    } else if (qualifier === undefined) {
      // Doubtful at best where some value matches, so: a match is possible, a miss is certain.
      if (l.want && mode === "certain") return undefined;
      if (l.want) some.push(l);
      else if (mode === "certain") every.push(l);
    } else if ((qualifier === "ForAllValues") === l.want) every.push(l);
    else some.push(l);
  }
  return { every, some };
}

type Tester = (c: Compiled, value: string) => Truth;

/** Finds a value for a key that is there. `test` says what a condition makes of a value. */
export function solvePresent(
  lits: readonly Lit[],
  d: Domain,
  mode: Mode,
  budget: Budget,
  test: Tester,
): ScalarAnswer {
  const ok = (v: string): boolean =>
    allowedByDomain(v, d) && lits.every((l) => satisfies(test(l.c, v), l.want, mode));
  const tried = new Set<string>();
  const each = 1 + (testsOf(lits) + numbersIn(lits) + d.excludedGlobs.length + d.excludedRanges.length) / 8;
  for (const v of candidates(lits, d)) {
    if (tried.has(v)) continue;
    tried.add(v);
    budget.left -= each + costOf(lits, v);
    if (budget.left < 0) return { kind: "exhausted" };
    if (ok(v)) return { kind: "found", value: v };
  }
  // For typed domains the candidates hold a point of every region that the constants cut out: the answer is exact.
  if (d.only !== undefined || d.type === "bool") return IMPOSSIBLE;
  const typed = lits.some((l) => l.c.family !== "string" && l.c.family !== "null");
  const strings = lits.some((l) => l.c.family === "string");
  if (!strings) return IMPOSSIBLE;
  if (typed || d.type === "number" || d.type === "date" || d.type === "ip") {
    return lits.some((l) => l.c.tests.some((t) => t.glob !== undefined && t.glob.literal === undefined))
      ? { kind: "exhausted" }
      : IMPOSSIBLE;
  }
  const view = d.form === undefined ? [0] : [d.form.prefix, 0];
  const constraints = wordConstraints(lits, mode, view);
  if (constraints === undefined) return IMPOSSIBLE;
  if (d.excludedGlobs.length > 0) constraints.push({ view, mode: "noneOf", globs: d.excludedGlobs });
  if (d.shape !== undefined) constraints.push({ view, mode: "oneOf", globs: [d.shape] });
  const needsArn = lits.some((l) => l.c.source.operator.startsWith("Arn")) && mode === "certain";
  if (needsArn) constraints.push({ view, mode: "oneOf", globs: [ANY_ARN] });
  const answer = solveWords([d.form?.segment ?? ANY_TEXT], constraints, budget);
  if (answer.kind !== "found") return answer;
  const value = viewText(view, answer.values);
  return ok(value) ? { kind: "found", value } : { kind: "exhausted" };
}

function testsOf(lits: readonly Lit[]): number {
  let n = 0;
  for (const l of lits) n += l.c.tests.length;
  return n;
}

/** Constants that are compared as numbers of any length, which takes three times as long. */
function numbersIn(lits: readonly Lit[]): number {
  let n = 0;
  for (const l of lits) if (l.c.family === "number") n += 2 * l.c.tests.length;
  return n;
}

/** Long patterns cost more than a step. */
function costOf(lits: readonly Lit[], value: string): number {
  let n = 0;
  for (const l of lits) {
    for (const t of l.c.tests) if (t.glob !== undefined) n += matchingCost(t.glob, value.length) / 4;
  }
  return n;
}

const ANY_TEXT: Segment = {
  name: "value",
  alphabet: {
    has: (c: string) => c >= " " && c !== "\u007f",
    fillers: Array.from("xyz0123456789abcdefghijklmnopqrstuvw-_ÿĀ"),
  },
  min: 1,
  max: 4096,
  guess: "x",
};

const ANY_ARN = ((): Glob => {
  const b = new GlobBuilder(false);
  for (let i = 0; i < 5; i += 1) b.wildcard("star-in-part").literal(":");
  return b.wildcard("star").build("*:*:*:*:*:*");
})();

/**
 * The literals as constraints on a view, doubts settled for the mode; undefined if one of them cannot be met.
 * Only for string and ARN conditions and a key that is present.
 */
export function wordConstraints(
  lits: readonly Lit[],
  mode: Mode,
  view: readonly (string | number)[],
): WordConstraint[] | undefined {
  const out: WordConstraint[] = [];
  for (const { c, want } of lits) {
    if (c.family === "null") {
      if (!satisfies(testCondition(c, "x"), want, mode)) return undefined;
      continue;
    }
    if (c.source.values.length === 0) {
      if (!satisfies(testCondition(c, ["x"]), want, mode)) return undefined;
      continue;
    }
    const match = want !== c.negated;
    const globs: Glob[] = [];
    let settled = false;
    for (const t of c.tests) {
      if (t.glob !== undefined && t.doubtful === undefined) globs.push(t.glob);
      else if (match ? mode === "possible" : mode === "certain") settled = true;
    }
    if (settled) {
      // A doubtful value meets "match" at once in favour, and spoils "no match" for certain.
      if (match) continue;
      return undefined;
    }
    if (match && globs.length === 0) return undefined;
    if (globs.length > 0) out.push({ view, mode: match ? "oneOf" : "noneOf", globs });
  }
  return out;
}

function allowedByDomain(v: string, d: Domain): boolean {
  if (d.only !== undefined && !d.only.includes(v)) return false;
  if (d.shape !== undefined && !matches(d.shape, v)) return false;
  if (d.form !== undefined) {
    const { prefix, segment } = d.form;
    if (!v.startsWith(prefix) || !fits(segment, v.slice(prefix.length))) return false;
  }
  if (d.excludedGlobs.some((g) => matches(g, v))) return false;
  if (v === "" && (d.form !== undefined || !TEXTUAL.has(d.type))) return false;
  if (d.type === "ip") {
    const a = parseIpRange(v);
    if (a === undefined || a.first !== a.last || v.includes("/")) return false;
    if (d.excludedRanges.some((r) => inRange(r, a))) return false;
  }
  if (d.type === "number") {
    const n = parseNumber(v);
    if (n === undefined) return false;
    if (d.range !== undefined) {
      const { least, most } = d.range;
      if (!isWhole(n) || compareNumbers(n, exact(least)) < 0 || compareNumbers(n, exact(most)) > 0)
        return false;
    }
  }
  if (d.type === "date") {
    const t = parseDate(v);
    if (t === undefined) return false;
    if (d.earliest !== undefined && t < d.earliest) return false;
    if (d.latest !== undefined && t > d.latest) return false;
  }
  return true;
}

/** Types whose values may be empty. */
const TEXTUAL: ReadonlySet<Domain["type"]> = new Set<Domain["type"]>(["string", "binary"]);

/** Points worth trying: every constant, its neighbours, and believable values. */
function* candidates(lits: readonly Lit[], d: Domain): Generator<string> {
  if (d.only !== undefined) {
    yield* d.only;
    return;
  }
  if (d.type === "bool") {
    yield "true";
    yield "false";
    return;
  }
  yield d.guess;
  if (d.usual !== undefined) yield* d.usual;
  if (d.range !== undefined) yield* [String(d.range.least), String(d.range.most)];
  for (const { c } of lits) {
    for (const t of c.tests) {
      if (t.glob !== undefined) yield* samples(t.glob);
      else if (t.doubtful === undefined) yield t.text;
      switch (c.family) {
        case "number": {
          const n = parseNumber(t.text);
          if (n !== undefined) yield* numbersAround(n);
          break;
        }
        case "date": {
          const s = parseDate(t.text);
          if (s === undefined) break;
          for (const x of [s, s - 1, s + 1]) {
            yield textOfMoment(x);
            // Where a number is compared as a date, it is seconds since the epoch.
            if (d.type === "number") yield String(Math.floor(x));
          }
          break;
        }
        case "ip": {
          const r = parseIpRange(t.text);
          if (r !== undefined) {
            yield* ipNeighbours(r);
            const mapped = mappedV4(r);
            if (mapped !== undefined) yield* ipNeighbours(mapped);
          }
          break;
        }
        case "string":
        case "bool":
        case "binary":
        case "null":
          break;
      }
    }
  }
  if (d.type === "ip") {
    for (const r of d.excludedRanges) yield* ipNeighbours(r);
    // One of each family, where no constant cuts it up.
    yield* ["8.8.8.8", "2600::8888"];
  }
  if (d.type === "number") yield* ["0", "1", "1000000"];
  // A wrong guess is tested like any other: these only widen the reach of the cheap part.
  yield* ["x", "y", "true", "false", "0", ""];
  for (const { c } of lits) {
    for (const t of c.tests) {
      // Numbers between two constants.
      const a = c.family === "number" ? parseNumber(t.text) : undefined;
      if (a === undefined) continue;
      for (const o of lits) {
        for (const u of o.c.tests) {
          const b = o.c.family === "number" ? parseNumber(u.text) : undefined;
          if (b !== undefined && compareNumbers(a, b) !== 0) yield* [middle(a, b)].flatMap(asTexts);
        }
      }
    }
  }
}

/** The number, the whole ones beside it, and one at a distance on each side. */
function* numbersAround(n: Exact): Generator<string> {
  const floor = floorOf(n);
  for (const x of [floor - 1n, floor, floor + 1n, floor + 2n]) yield String(x);
  yield formatNumber({ digits: n.digits * 2n - 10n ** BigInt(n.scale), scale: n.scale + 1 });
}

/** A number, and the whole one below it. */
function asTexts(n: Exact): readonly string[] {
  return [formatNumber(n), String(floorOf(n))];
}

function* ipNeighbours(r: IpRange): Generator<string> {
  const max = r.family === 4 ? (1n << 32n) - 1n : (1n << 128n) - 1n;
  for (const v of [r.first, r.last, r.first - 1n, r.last + 1n]) {
    if (v >= 0n && v <= max) yield formatIp(r.family, v);
  }
}
