import { literalGlob } from "./glob.js";
import { testAbsent, testCondition, testElement } from "./condition.js";
import {
  asOfElements,
  type Domain,
  type Lit,
  meets,
  type ScalarAnswer,
  satisfies,
  solvePresent,
} from "./scalar.js";
import type { Mode } from "./truth.js";
import type { Budget } from "./glob.js";

/**
 * The services that called each other with the caller's rights. Three condition keys show one list: `aws:CalledVia` all
 * of it, in order; `aws:CalledViaFirst` and `aws:CalledViaLast` its ends. They come together or not at all, so they are
 * decided together. Source: IAM User Guide, "AWS global condition context keys", aws:CalledVia (text of 2026).
 */
const WHOLE = "aws:calledvia";
const FIRST = "aws:calledviafirst";
const LAST = "aws:calledvialast";

/** Whether a key, in lower case, shows the list of services. */
export function showsChain(key: string): boolean {
  return key === WHOLE || key === FIRST || key === LAST;
}

/** What a key shows of the list. */
export function shownOf(services: readonly string[], key: string): string | readonly string[] | undefined {
  return key === FIRST ? services[0] : key === LAST ? services.at(-1) : services;
}

export type ChainAnswer =
  /** Undefined: nobody was called through. */
  | { readonly kind: "found"; readonly services: readonly string[] | undefined }
  | Exclude<ScalarAnswer, { readonly kind: "found" }>;

/**
 * Decides what is asked of the list. Between its ends it may hold any number of services, so each end and each "some
 * value of the list" is decided by itself, and all of them within each "all values of the list".
 */
export function solveChain(lits: readonly Lit[], d: Domain, mode: Mode, budget: Budget): ChainAnswer {
  if (lits.every((l) => satisfies(testAbsent(l.c), l.want, mode))) {
    return { kind: "found", services: undefined };
  }
  const of = (key: string): Lit[] => lits.filter((l) => l.c.source.keyLower === key);
  const parts = asOfElements(of(WHOLE), mode);
  if (parts === undefined) return { kind: "impossible" };
  const { every, some } = parts;
  const single = new Set([...of(FIRST), ...of(LAST)].map((l) => l.c));
  const find = (wanted: readonly Lit[], domain = d): ScalarAnswer =>
    solvePresent([...every, ...wanted], domain, mode, budget, (c, v) =>
      single.has(c) ? testCondition(c, v) : testElement(c, v),
    );
  const services: string[] = [];
  for (const wanted of [of(FIRST), ...some.map((l) => [l]), of(LAST)]) {
    const answer = find(wanted);
    if (answer.kind !== "found") return answer;
    if (typeof answer.value === "string") services.push(answer.value);
  }
  const short = services.slice(0, 1);
  const fits = (list: readonly string[]): boolean =>
    lits.every((l) => meets([l], shownOf(list, l.c.source.keyLower), mode));
  for (const list of [short, services.slice(-1), services]) {
    if (fits(list)) return { kind: "found", services: list };
  }
  // Nothing but empty values may count as no values at all: another value settles it, if one may be there.
  const other = find([], { ...d, excludedGlobs: [...d.excludedGlobs, literalGlob("")] });
  if (other.kind !== "found" || typeof other.value !== "string") return { kind: "exhausted" };
  const longer = [...short, other.value, ...services.slice(1)];
  return fits(longer) ? { kind: "found", services: longer } : { kind: "exhausted" };
}
