import type { Condition } from "../policy/ast.js";
import { type ConditionKeyFacts, conditionKeyFacts } from "../semantics/condition-keys.js";
import type { DoubtId } from "../semantics/doubts.js";
import { type Glob, GlobBuilder, matches } from "./glob.js";
import { OTHER_KEY_MARK, RESOURCE_KEY } from "./statements.js";
import { allOf, anyOf, negate, type Truth } from "./truth.js";
import {
  compareNumbers,
  inRange,
  lacksZone,
  mappedV4,
  parseBase64,
  parseDate,
  parseIpRange,
  parseNumber,
} from "./typed.js";

/**
 * A condition made ready for the search: its values parsed for its operator, its variables replaced where they are
 * constants. It can be tested on a value, and (strings and ARNs) turned into globs.
 */
export interface Compiled {
  readonly source: Condition;
  readonly facts: ConditionKeyFacts | undefined;
  readonly family: Family;
  readonly negated: boolean;
  readonly tests: readonly ValueTest[];
  /** The values where all are plain text to be compared with case: a long list is looked up, not walked through. */
  readonly literals: ReadonlySet<string> | undefined;
  /** Variables that could not be replaced yet: keys, in lower case. */
  readonly open: readonly string[];
}

export type Family = "string" | "number" | "date" | "bool" | "binary" | "ip" | "null";

/** One value of a condition. `glob` is there for strings and ARNs. */
export interface ValueTest {
  readonly text: string;
  readonly glob?: Glob;
  readonly test: (value: string) => Truth;
  /** Nothing can be said of this value: it may match anything. */
  readonly doubtful?: DoubtId;
  /** A variable in it is not chosen yet: the test accepts at least what any choice of it would accept. */
  readonly open?: true;
}

/**
 * What a policy variable stands for. `open`: not known before a request is chosen; `outline` is what is known of it, a
 * row of fixed texts with undefined for "any text".
 */
export type Resolution =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "absent" }
  | { readonly kind: "doubtful"; readonly doubt: DoubtId }
  | { readonly kind: "open"; readonly outline?: readonly (string | undefined)[] };
export type Resolver = (keyLower: string) => Resolution;

const NEGATED = new Set([
  "StringNotEquals",
  "StringNotEqualsIgnoreCase",
  "StringNotLike",
  "NumericNotEquals",
  "DateNotEquals",
  "NotIpAddress",
  "ArnNotEquals",
  "ArnNotLike",
]);

function familyOf(operator: string): Family {
  if (operator.startsWith("String") || operator.startsWith("Arn")) return "string";
  if (operator.startsWith("Numeric")) return "number";
  if (operator.startsWith("Date")) return "date";
  if (operator === "Bool") return "bool";
  if (operator === "BinaryEquals") return "binary";
  if (operator === "Null") return "null";
  return "ip";
}

/** Prepares a condition. `variables`: the policy's version allows `${…}`. */
export function compileCondition(source: Condition, variables: boolean, resolve: Resolver): Compiled {
  const family = familyOf(source.operator);
  const open: string[] = [];
  const tests: ValueTest[] = [];
  for (const value of source.values) {
    const t =
      family === "string"
        ? source.keyLower === RESOURCE_KEY && value.startsWith(OTHER_KEY_MARK)
          ? doubtfulTest(value, "key-arn-resource")
          : stringTest(source.operator, value, variables, resolve, open)
        : typedTest(family, source.operator, value, variables, resolve, open);
    if (t === undefined) continue;
    tests.push(t);
    if (t.open === true && mayBeNoArn(source.operator, value)) {
      tests.push({ ...doubtfulTest(value, "arn-operator-non-arn"), open: true });
    }
  }
  return {
    source,
    literals: literalsOf(source, tests),
    facts: conditionKeyFacts(source.keyLower),
    family,
    negated: NEGATED.has(source.operator),
    tests,
    open,
  };
}

/** Whether it depends on what is filled in for a variable whether a value for an ARN operator has the parts of an ARN. */
function mayBeNoArn(operator: string, value: string): boolean {
  return operator.startsWith("Arn") && value.replace(/\$\{[^}]*\}/g, "").split(":").length < 6;
}

/** An ARN operator asks whether the value is an ARN at all, so it is not for this. */
function literalsOf(source: Condition, tests: readonly ValueTest[]): ReadonlySet<string> | undefined {
  if (tests.length < 4 || !source.operator.startsWith("String")) return undefined;
  const out = new Set<string>();
  for (const { glob, doubtful } of tests) {
    if (glob?.literal === undefined || glob.fold || doubtful !== undefined) return undefined;
    out.add(glob.literal);
  }
  return out;
}

/** A value cut at its variables. */
type Piece = { readonly text: string } | { readonly key: string; readonly fallback: string | undefined };

function cut(value: string, variables: boolean): Piece[] {
  if (!variables || !value.includes("${")) return [{ text: value }];
  const out: Piece[] = [];
  let at = 0;
  for (const m of value.matchAll(/\$\{([^}]*)\}/g)) {
    if (m.index > at) out.push({ text: value.slice(at, m.index) });
    const [, inner = ""] = m;
    const d = /^\s*([^\s,']+)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inner);
    out.push({ key: d?.[1] ?? "", fallback: d?.[2] });
    at = m.index + m[0].length;
  }
  if (at < value.length) out.push({ text: value.slice(at) });
  return out;
}

/** What one piece of a value stands for, where wildcards do not matter. */
function pieceText(
  p: Piece,
  resolve: Resolver,
):
  | Exclude<Resolution, { kind: "open" }>
  | {
      readonly kind: "open";
      readonly key: string;
      readonly outlined: boolean;
    } {
  if ("text" in p) return { kind: "value", value: p.text };
  if (p.key === "*" || p.key === "?" || p.key === "$") return { kind: "value", value: p.key };
  if (p.key === "") return { kind: "doubtful", doubt: "not-understood" };
  const key = p.key.toLowerCase();
  const r = resolve(key);
  if (r.kind === "open") return { kind: "open", key, outlined: r.outline !== undefined };
  if (r.kind === "absent" && p.fallback !== undefined) return { kind: "value", value: p.fallback };
  return r;
}

function stringTest(
  operator: string,
  value: string,
  variables: boolean,
  resolve: Resolver,
  open: string[],
): ValueTest | undefined {
  const arn = operator.startsWith("Arn");
  const like = operator.includes("Like");
  const fold = operator.includes("IgnoreCase");
  const b = new GlobBuilder(fold);
  let colons = 0;
  let wildcardInVariable = false;
  let isOpen = false;
  const literal = (text: string): void => {
    if (arn) for (let i = 0; i < text.length; i += 1) if (text[i] === ":") colons += 1;
    b.literal(text);
  };
  const pattern = (text: string): void => {
    if ((!arn && !like) || !/[*?]/.test(text)) {
      literal(text);
      return;
    }
    let from = 0;
    for (let i = 0; i < text.length; i += 1) {
      const c = text[i];
      if (c !== "*" && c !== "?") continue;
      if (i > from) literal(text.slice(from, i));
      const inPart = arn && colons < 5 && !isOpen;
      if (c === "*") b.wildcard(inPart ? "star-in-part" : "star");
      else b.wildcard(inPart ? "one-in-part" : "one");
      from = i + 1;
    }
    if (from < text.length) literal(text.slice(from));
  };
  for (const p of cut(value, variables)) {
    if ("text" in p) {
      pattern(p.text);
      continue;
    }
    if (p.key === "*" || p.key === "?" || p.key === "$") {
      literal(p.key);
      continue;
    }
    if (p.key === "") return doubtfulTest(value, "not-understood");
    const r = resolve(p.key.toLowerCase());
    switch (r.kind) {
      case "value":
        if ((arn || like) && /[*?]/.test(r.value)) wildcardInVariable = true;
        literal(r.value);
        break;
      case "absent":
        // A variable without a value matches nothing (IAM User Guide, "Policy variables").
        if (p.fallback === undefined) return undefined;
        if ((arn || like) && /[*?]/.test(p.fallback)) wildcardInVariable = true;
        literal(p.fallback);
        break;
      case "doubtful":
        return doubtfulTest(value, r.doubt);
      case "open":
        open.push(p.key.toLowerCase());
        if (r.outline === undefined) return doubtfulTest(value, "not-understood");
        isOpen = true;
        for (const piece of r.outline) {
          if (piece === undefined) b.wildcard("star");
          else literal(piece);
        }
    }
  }
  if (isOpen) {
    const outline = b.build(value);
    return { text: value, glob: outline, test: (v) => yesNo(matches(outline, v)), open: true };
  }
  if (wildcardInVariable) return doubtfulTest(value, "variable-wildcard");
  if (arn && colons < 5) return doubtfulTest(value, "arn-operator-non-arn");
  const glob = b.build(value);
  if (!arn) return { text: value, glob, test: (v) => (matches(glob, v) ? "yes" : "no") };
  return {
    text: value,
    glob,
    test: (v) =>
      v.split(":").length < 6 ? { doubtful: "arn-operator-non-arn" } : matches(glob, v) ? "yes" : "no",
  };
}

function doubtfulTest(text: string, doubt: DoubtId): ValueTest {
  return { text, test: () => ({ doubtful: doubt }), doubtful: doubt };
}

const yesNo = (b: boolean): Truth => (b ? "yes" : "no");
const WRONG_TYPE: Truth = { doubtful: "wrong-type-value" };
const MAPPED: Truth = { doubtful: "mapped-address" };

function typedTest(
  family: Family,
  operator: string,
  raw: string,
  variables: boolean,
  resolve: Resolver,
  open: string[],
): ValueTest | undefined {
  let value = raw;
  if (family === "bool") {
    value = "";
    let isOpen = false;
    for (const p of cut(raw, variables)) {
      const piece = pieceText(p, resolve);
      if (piece.kind === "absent") return undefined;
      if (piece.kind === "open") {
        open.push(piece.key);
        if (!piece.outlined) return doubtfulTest(raw, "not-understood");
        isOpen = true;
      } else if (piece.kind === "value") value += piece.value;
      else return doubtfulTest(raw, piece.doubt);
    }
    if (isOpen) return { text: raw, test: () => "yes", open: true };
  }
  // A value that is not of the operator's type never matches; for a negated operator AWS does not say.
  const never: ValueTest = {
    text: raw,
    test: () => (NEGATED.has(operator) ? WRONG_TYPE : "no"),
  };
  switch (family) {
    case "number": {
      const want = parseNumber(value);
      if (want === undefined) return never;
      return {
        text: raw,
        test: (v) => {
          const got = parseNumber(v);
          return compare(operator, got === undefined ? undefined : compareNumbers(got, want));
        },
      };
    }
    case "date": {
      const want = parseDate(value);
      if (want === undefined) return never;
      const doubtful = (v: string): boolean => lacksZone(raw) || lacksZone(v);
      return {
        text: raw,
        test: (v) => {
          const got = parseDate(v);
          if (got !== undefined && doubtful(v)) return WRONG_TYPE;
          return compare(operator, got === undefined ? undefined : got - want);
        },
      };
    }
    case "bool": {
      const want = value.toLowerCase();
      if (want !== "true" && want !== "false") return never;
      return { text: raw, test: (v) => yesNo(v.toLowerCase() === want) };
    }
    case "ip": {
      const want = parseIpRange(value);
      if (want === undefined) return never;
      const mapped = mappedV4(want);
      return {
        text: raw,
        test: (v) => {
          const got = parseIpRange(v);
          if (got === undefined) return operator === "NotIpAddress" ? WRONG_TYPE : "no";
          if (inRange(want, got)) return "yes";
          const other = mapped ?? want;
          const same = mappedV4(got) ?? got;
          return (mapped !== undefined || same !== got) && inRange(other, same) ? MAPPED : "no";
        },
      };
    }
    case "binary": {
      const want = parseBase64(value);
      return { text: raw, test: (v) => yesNo(want !== undefined && parseBase64(v) === want) };
    }
    case "string":
    case "null":
      return { text: raw, test: (v) => yesNo(v === value) };
  }
}

/** `order`: negative where the value is less than what is wanted; undefined where it is of another type. */
function compare(operator: string, order: number | undefined): Truth {
  if (order === undefined) return NEGATED.has(operator) ? WRONG_TYPE : "no";
  if (operator.endsWith("LessThan")) return yesNo(order < 0);
  if (operator.endsWith("LessThanEquals")) return yesNo(order <= 0);
  if (operator.endsWith("GreaterThan")) return yesNo(order > 0);
  if (operator.endsWith("GreaterThanEquals")) return yesNo(order >= 0);
  return yesNo(order === 0);
}

/** A value of a key: absent, one string, or several. */
export type KeyValue = undefined | string | readonly string[];

/** Whether one value of the key meets the condition, its qualifier left aside. */
export function testElement(c: Compiled, value: string): Truth {
  if (c.literals !== undefined) return yesNo(c.literals.has(value) !== c.negated);
  const hit = anyOf(c.tests.map((t) => t.test(value)));
  return c.negated ? negate(hit) : hit;
}

/** Whether a condition holds for a value. Source of the table: IAM User Guide, "Condition operators"; see docs. */
export function testCondition(c: Compiled, value: KeyValue): Truth {
  const { source } = c;
  if (c.family === "null") return testNull(c, value !== undefined);
  if (value === undefined) return testAbsent(c);
  if (source.values.length === 0) return emptyList(c);
  const values = typeof value === "string" ? [value] : value;
  if (values.length === 0) return testAbsent(c);
  switch (source.qualifier) {
    case "ForAllValues": {
      const all = allOf(values.map((v) => testElement(c, v)));
      return all !== "yes" && values.every((v) => v === "") ? { doubtful: "null-set-data" } : all;
    }
    case "ForAnyValue":
      return anyOf(values.map((v) => testElement(c, v)));
    case undefined: {
      if (c.facts?.multivalued !== true) return allOf(values.map((v) => testElement(c, v)));
      // A multivalued key without a qualifier: whether any match is enough is not documented; none is too few.
      return anyOf(values.map((v) => testElement(c, v))) === "no"
        ? "no"
        : { doubtful: "set-operator-missing" };
    }
  }
}

/** Whether a condition holds where its key is absent. */
export function testAbsent(c: Compiled): Truth {
  const { source } = c;
  if (c.family === "null") return testNull(c, false);
  if (source.values.length === 0 && (source.qualifier === "ForAnyValue" || !source.ifExists)) {
    return source.qualifier === "ForAllValues" ? "yes" : emptyList(c);
  }
  if (source.qualifier === "ForAnyValue") {
    return source.ifExists ? { doubtful: "for-any-value-if-exists" } : "no";
  }
  if (source.qualifier === "ForAllValues" || source.ifExists) return "yes";
  return yesNo(c.negated);
}

/** Whether a condition holds where the value of its key is not known, or (`present`) only that there is one. */
export function testUnknown(c: Compiled, present: boolean, doubt: DoubtId): Truth {
  const { source } = c;
  if (c.family === "null" && (present || source.qualifier !== undefined || source.values.length === 0)) {
    return testNull(c, present);
  }
  if (c.family !== "null" && source.values.length === 0) {
    const either = emptyList(c);
    if (present || source.qualifier === "ForAnyValue" || typeof either === "object") return either;
  }
  return { doubtful: doubt };
}

function emptyList(c: Compiled): Truth {
  if (c.source.qualifier === "ForAnyValue") return "no";
  if (c.source.qualifier === "ForAllValues" || c.source.ifExists) return "no";
  return { doubtful: "empty-value-list" };
}

function testNull(c: Compiled, isPresent: boolean): Truth {
  if (c.source.qualifier === "ForAllValues") return "yes";
  if (c.source.qualifier === "ForAnyValue") return "no";
  if (c.source.values.length === 0) return { doubtful: "empty-value-list" };
  return anyOf(
    c.source.values.map((v): Truth => {
      const want = v.toLowerCase();
      if (want === "true") return yesNo(!isPresent);
      if (want === "false") return yesNo(isPresent);
      return { doubtful: "wrong-type-value" };
    }),
  );
}
