import type { Condition } from "../policy/ast.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { type KeyValue, testAbsent, testCondition } from "./condition.js";
import { type Lit, satisfies } from "./scalar.js";
import type { Mode } from "./truth.js";

/**
 * Policy variables that stand for something the search chooses, such as `${aws:PrincipalTag/team}`. They are decided in
 * two steps: an outline, in which each may hold anything (if that gets nobody in, nobody gets in), then the values that
 * the outline suggests, one after the other, as constants.
 */
export interface Pin {
  /** In lower case. */
  readonly key: string;
  readonly value: KeyValue;
}

/** How many combinations of values are tried before the answer is "not decided". */
export const MOST_PINNINGS = 48;
/** How many variables that stand for chosen values are decided together. */
export const MOST_VARIABLES = 12;

/** Every combination of the values. */
export function* pinnings(
  choices: readonly { readonly key: string; readonly values: readonly KeyValue[] }[],
): Generator<Pin[]> {
  const [first, ...rest] = choices;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const value of first.values) {
    for (const more of pinnings(rest)) yield [{ key: first.key, value }, ...more];
  }
}

/** The condition that a key has the value of the pin. */
export function pinCondition(p: Pin): Condition {
  const base = { qualifier: undefined, ifExists: false, key: p.key, keyLower: p.key, path: [] } as const;
  return typeof p.value === "string"
    ? { ...base, operator: "StringEquals", values: [p.value] }
    : { ...base, operator: "Null", values: ["true"] };
}

/** Each once, in order. */
export function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}

/**
 * A literal with open variables, widened: one that has to match keeps the outline of its values, one that must not
 * match forgets them (another value of the variable would not match).
 */
export function outlined(l: Lit): Lit {
  if (!l.c.tests.some((t) => t.open === true) || l.want !== l.c.negated) return l;
  return { want: l.want, c: { ...l.c, tests: l.c.tests.filter((t) => t.open !== true) } };
}

/** The variable of a value that is nothing but a variable, in lower case. */
function plainVariable(value: string | undefined): string | undefined {
  return /^\$\{\s*([^\s{},'*?$]+)\s*\}$/.exec(value ?? "")?.[1]?.toLowerCase();
}

/** The variable that a literal makes equal to its key, where both must then be there. */
function tiedTo(l: Lit, must: readonly Lit[], mode: Mode): string | undefined {
  const { source, negated } = l.c;
  if (l.want === negated || source.values.length !== 1 || source.qualifier !== undefined) return undefined;
  if (l.want && source.ifExists && mayBeAbsent(must, source.keyLower, mode)) return undefined;
  if (!l.c.tests.some((t) => t.open === true)) return undefined;
  const exact = /^String(Not)?Equals$/.test(source.operator);
  // A * inside the variable may be a wildcard: where that is allowed for, the two need not be the same.
  const like = /^String(Not)?Like$/.test(source.operator) && mode === "certain";
  const variable = exact || like ? plainVariable(source.values[0]) : undefined;
  return variable === source.keyLower ? undefined : variable;
}

/** What is required of one of two equal keys is required of the other one, too; and both are there. */
export function withTies(must: readonly Lit[], mode: Mode, chosen: (key: string) => boolean): Lit[] {
  const out = [...must];
  for (const tie of must) {
    const variable = tiedTo(tie, must, mode);
    if (variable === undefined) continue;
    const { keyLower } = tie.c.source;
    out.push(...present(variable));
    for (const l of must) {
      if (l === tie || l.c.source.qualifier !== undefined || l.c.tests.some((t) => t.open === true)) continue;
      if (l.c.source.keyLower === keyLower) out.push(onKey(l, variable));
      else if (l.c.source.keyLower === variable && chosen(keyLower)) out.push(onKey(l, keyLower));
    }
  }
  return out;
}

function mayBeAbsent(must: readonly Lit[], key: string, mode: Mode): boolean {
  return must.every((l) => l.c.source.keyLower !== key || satisfies(testAbsent(l.c), l.want, mode));
}

function onKey(l: Lit, key: string): Lit {
  return {
    want: l.want,
    c: { ...l.c, source: { ...l.c.source, key, keyLower: key }, facts: conditionKeyFacts(key) },
  };
}

function present(key: string): Lit[] {
  const source: Condition = {
    operator: "Null",
    qualifier: undefined,
    ifExists: false,
    key,
    keyLower: key,
    values: ["false"],
    path: [],
  };
  return [
    {
      want: true,
      c: {
        source,
        facts: conditionKeyFacts(key),
        family: "null",
        negated: false,
        tests: [],
        literals: undefined,
        open: [],
      },
    },
  ];
}

/** The values that a variable would need for a condition's key to match as it stands. */
export function suggested(c: Condition, variable: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  return c.values.flatMap((pattern) => {
    const parts = pattern.split(/\$\{\s*([^\s{},'*?$]+)[^{}]*\}/);
    const names = parts.filter((_, i) => i % 2 === 1).map((n) => n.toLowerCase());
    // More would make the expression slow, and nobody writes it.
    if (!names.includes(variable) || names.length + pattern.split("*").length > 4) return [];
    const source = parts.map((part, i) => (i % 2 === 1 ? "(.*?)" : globSource(part))).join("");
    const groups = new RegExp(`^${source}$`, "s").exec(value);
    return groups?.[names.indexOf(variable) + 1] ?? [];
  });
}

function globSource(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, (ch) => (ch === "*" ? ".*?" : ch === "?" ? "." : `\\${ch}`));
}

/**
 * A comparison of a key with itself says whether the key is there: `K = ${K}` where it is, `K != ${K}` where it is not.
 * `same`: the variable holds what the key holds.
 */
export function selfComparison(c: Condition, same: (variable: string) => boolean): Condition | undefined {
  if (c.qualifier !== undefined || c.values.length !== 1) return undefined;
  const m = /^String(Not)?(Equals(IgnoreCase)?|Like)$/.exec(c.operator);
  const variable = plainVariable(c.values[0]);
  if (m === null || variable === undefined || !same(variable)) return undefined;
  const values = m[1] !== undefined ? ["true"] : c.ifExists ? ["true", "false"] : ["false"];
  return { ...c, operator: "Null", ifExists: false, values };
}

/**
 * All values that a key can have where it must meet these literals, if they list them: then to try each is to try all.
 * Undefined: there may be others.
 */
export function onlyValues(must: readonly Lit[], key: string, mode: Mode): KeyValue[] | undefined {
  const own = must.filter(
    (l) =>
      l.c.source.keyLower === key && l.c.source.qualifier === undefined && !l.c.tests.some((t) => t.open),
  );
  const absent = own.every((l) => satisfies(testAbsent(l.c), l.want, mode));
  if (own.some((l) => l.c.family === "null" && !satisfies(testCondition(l.c, "x"), l.want, mode))) {
    return [undefined];
  }
  for (const { c, want } of own) {
    if (c.family !== "string" || want === c.negated || c.source.values.length === 0) continue;
    const texts = c.tests.map((t) =>
      t.doubtful === undefined && t.glob?.fold === false ? t.glob.literal : undefined,
    );
    const known = texts.filter((t) => t !== undefined);
    if (known.length === texts.length) return absent ? [...known, undefined] : known;
  }
  return undefined;
}
