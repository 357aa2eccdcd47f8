import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileCondition, type KeyValue, testCondition } from "../../src/access/condition.js";
import { type Domain, type Lit, meets, solveScalar, solveSet } from "../../src/access/scalar.js";
import { parseIpRange } from "../../src/access/typed.js";
import type { Truth } from "../../src/access/truth.js";
import { type Condition, type Operator, OPERATORS } from "../../src/policy/ast.js";
import { conditionHolds } from "../../src/semantics/condition-match.js";
import { deriveContext } from "../../src/semantics/derive-context.js";
import { parseInstant } from "../../src/semantics/operators/date.js";
import { parseIpBlock } from "../../src/semantics/operators/ip.js";
import { parseDecimal } from "../../src/semantics/operators/number.js";
import { allow, keyWith, request } from "../requests.js";
import { asCondition } from "./brute.js";

/**
 * What conditions on one key mean, over constants from the edges of each type: both engines say the same of every value,
 * what the solver finds meets everything, and what it calls impossible no value of a domain that holds the edges does.
 */
const SOMEBODY = request("arn:aws:iam::444455556666:user/ann");
const SOME_KEY = keyWith([allow()]);

type Answer = "yes" | "no" | "doubtful";

function reference(c: Condition, value: KeyValue): Answer {
  const context = deriveContext({ ...SOMEBODY, context: { [c.key]: value ?? [] } }, SOME_KEY);
  return conditionHolds(c, "2012-10-17", context).value;
}

const compiled = (c: Condition): Lit["c"] => compileCondition(c, false, () => ({ kind: "absent" }));
const plain = (t: Truth): Answer => (typeof t === "string" ? t : "doubtful");

interface Kind {
  readonly key: string;
  readonly type: Domain["type"];
  readonly operators: readonly Operator[];
  readonly constants: readonly string[];
  /** Values at and beside the edges that the constants make. */
  readonly values: readonly string[];
  readonly multivalued?: true;
}

const starting = (...prefixes: readonly string[]): Operator[] =>
  OPERATORS.filter((o) => prefixes.some((p) => o.startsWith(p)));

const NUMBERS = [
  "0",
  "-0",
  "+1",
  "1.0",
  "1e3",
  "1000",
  "999.5",
  "1E-3",
  ".5",
  "7.",
  "07",
  " 7 ",
  "-1",
  "9007199254740992",
  "9007199254740993",
  "9007199254740992.5",
  "1e400",
  "x",
  "",
  "1e",
  "0x10",
  "1,5",
] as const;

/** A decimal text of `digits` divided by ten to the power of `scale`. */
function decimal(digits: bigint, scale: number): string {
  const sign = digits < 0n ? "-" : "";
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

/** Every number of the list, one below, one above, and the middle of each two. */
function aroundNumbers(texts: readonly string[]): string[] {
  const parsed = texts.flatMap((t) => parseDecimal(t) ?? []);
  const scale = Math.max(...parsed.map((d) => d.scale));
  const units = parsed.map((d) => d.digits * 10n ** BigInt(scale - d.scale));
  const one = 10n ** BigInt(scale);
  const near = units.flatMap((n) => [n, n - one, n + one].map((x) => decimal(x, scale)));
  const middles = units.flatMap((a) => units.map((b) => decimal((a + b) * 5n, scale + 1)));
  return [...new Set([...near, ...middles])];
}

const DATES = [
  "2026-01-01",
  "2026-01",
  "2026",
  "2026-01-01T00:00:00Z",
  "2026-01-01T01:00:00+01:00",
  "2025-12-31T18:30:00-05:30",
  "2026-01-01t00:00:00z",
  "2026-01-01T00:00:00",
  "2026-01-01T00:00Z",
  "2026-01-01T00:00:00.999Z",
  "1767225600",
  "1767225601",
  "1767225600.0004",
  "0",
  "-1",
  "0001-01-01T00:00:00Z",
  "0050-06-01",
  "9999-12-31T23:59:59Z",
  "2024-02-29",
  "2026-02-29",
  "2026-13-01",
  "2026-01-01T24:00:00Z",
  "yesterday",
  "",
] as const;

/** Every whole second at and beside the instants of the list. */
function aroundDates(texts: readonly string[]): string[] {
  const seconds = texts.flatMap((t) => {
    const instant = parseInstant(t);
    return instant === undefined ? [] : [Math.floor(instant.milliseconds / 1000)];
  });
  const shown = seconds.flatMap((s) =>
    [s - 1, s, s + 1].map((x) => new Date(x * 1000).toISOString()).filter((t) => /^\d{4}-/.test(t)),
  );
  return [...new Set(shown)];
}

const BLOCKS = [
  "0.0.0.0/0",
  "0.0.0.0/1",
  "128.0.0.0/1",
  "203.0.113.7",
  "203.0.113.7/32",
  "203.0.113.77/24",
  "203.0.113.0/25",
  "203.0.113.128/25",
  "255.255.255.255",
  "0.0.0.0/32",
  "::/0",
  "8000::/1",
  "2001:db8::/32",
  "2001:db8::1",
  "2001:DB8:0:0:0:0:0:1/127",
  "2001:db8::1/128",
  "::ffff:203.0.113.7",
  "::ffff:0:0/96",
  "::FFFF:cb00:7107/120",
  "::ffff:203.0.113.7/95",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "::1/129",
  "300.1.1.1",
  "010.0.0.1",
  "1.2.3",
  "1.2.3.4/24/8",
  "1.2.3.4/",
  " 1.2.3.4",
  "x",
  "",
] as const;

function address(bits: number, value: bigint): string {
  const [size, count, base, separator] = bits === 32 ? [8n, 4n, 10, "."] : [16n, 8n, 16, ":"];
  const parts: string[] = [];
  for (let i = count - 1n; i >= 0n; i -= 1n)
    parts.push(((value >> (size * i)) & ((1n << size) - 1n)).toString(base));
  return parts.join(separator);
}

/** The first and last address of every block, and those beside them; of mapped blocks the IPv4 ones, too. */
function aroundBlocks(texts: readonly string[]): string[] {
  const out: string[] = [];
  const edges = (bits: number, first: bigint, free: number): void => {
    for (const v of [first, first + (1n << BigInt(free)) - 1n].flatMap((e) => [e - 1n, e, e + 1n]))
      if (v >= 0n && v < 1n << BigInt(bits)) out.push(address(bits, v));
  };
  for (const t of texts) {
    const block = parseIpBlock(t);
    if (block === undefined) continue;
    const free = block.bits - block.prefix;
    const first = (block.address >> BigInt(free)) << BigInt(free);
    edges(block.bits, first, free);
    if (block.bits === 128 && first >> 32n === 0xffffn && free <= 32) edges(32, first & 0xffffffffn, free);
  }
  // No request shows an address as IPv4-mapped.
  const shown = out.filter((a) => (parseIpBlock(a)?.address ?? 0n) >> 32n !== 0xffffn || !a.includes(":"));
  return [...new Set([...shown, "8.8.8.8", "2600::8888"])];
}

const ARNS = [
  "arn:aws:sns:us-east-1:444455556666:topic",
  "arn:aws:sns:*:444455556666:topic",
  "arn:*:*:*:*:*",
  "arn:aws:sns:us-east-1:*:t*",
  "arn:aws:sns:us-????-1:444455556666:*",
  "*:444455556666:*",
  "arn:aws:sns",
  "*",
  "",
] as const;

const MAPPED = [parseIpRange("::ffff:0:0/96")].flatMap((r) => r ?? []);
const TEXTS = ["?*", "a", "A", "b", "ab", "a*", "?", "*", "a?b", "", "*b", "é"] as const;
const FLAGS = ["true", "false", "TRUE", "False", "yes", "1", "0", ""] as const;

const KINDS: Readonly<Record<string, Kind>> = {
  number: {
    key: "aws:PrincipalTag/level",
    type: "number",
    operators: starting("Numeric", "Null"),
    constants: NUMBERS,
    values: aroundNumbers(NUMBERS),
  },
  date: {
    key: "aws:TokenIssueTime",
    type: "date",
    operators: starting("Date", "Null"),
    constants: DATES,
    values: aroundDates(DATES),
  },
  address: {
    key: "aws:VpcSourceIp",
    type: "ip",
    operators: starting("IpAddress", "NotIpAddress", "Null"),
    constants: BLOCKS,
    values: aroundBlocks(BLOCKS),
  },
  flag: {
    key: "aws:AssumedRoot",
    type: "bool",
    operators: starting("Bool", "Null"),
    constants: FLAGS,
    values: ["true", "false"],
  },
  "flag as text": {
    key: "aws:AssumedRoot",
    type: "bool",
    operators: starting("String"),
    constants: FLAGS,
    values: ["true", "false"],
  },
  arn: {
    key: "aws:ChatbotSourceArn",
    type: "arn",
    operators: starting("Arn", "Null"),
    constants: ARNS,
    values: [
      "arn:aws:sns:us-east-1:444455556666:topic",
      "arn:aws:sns:us-east-1:444455556666:other",
      "arn:aws:sns:us-east-1:555566667777:topic",
      "arn:aws:sns:us-west-1:444455556666:x:y",
      "arn:aws:s3:::bucket",
      "arn:x:x:x:x:444455556666:x",
      "x",
    ],
  },
  text: {
    key: "aws:PrincipalTag/team",
    type: "string",
    operators: starting("String", "Null"),
    constants: TEXTS,
    values: ["a", "A", "b", "B", "ab", "aB", "a*", "?", "axb", "x", "xb", "é", "É", "xy", ""],
  },
  "set of texts": {
    key: "aws:TagKeys",
    type: "string",
    operators: starting("String", "Null"),
    constants: TEXTS,
    values: ["a", "A", "b", "ab", "a*", "axb", "x", "xb", ""],
    multivalued: true,
  },
};

const NULLS = ["true", "false", "TRUE", "False", "x"] as const;

function conditionOf(k: Kind): fc.Arbitrary<Condition> {
  const qualifier = fc.constantFrom(undefined, undefined, "ForAnyValue" as const, "ForAllValues" as const);
  return fc.constantFrom(...k.operators).chain((operator) => {
    const constants = operator === "Null" ? NULLS : k.constants;
    return fc
      .record({
        values: fc.array(fc.constantFrom(...constants), { minLength: 0, maxLength: 3 }),
        qualifier,
        ifExists: operator === "Null" ? fc.constant(false) : fc.boolean(),
      })
      .map((c) =>
        asCondition(operator, k.key, c.values, {
          ...(c.qualifier === undefined ? {} : { qualifier: c.qualifier }),
          ifExists: c.ifExists,
        }),
      );
  });
}

function valueOf(k: Kind): fc.Arbitrary<KeyValue> {
  const one = fc.constantFrom(...k.values);
  if (k.multivalued !== true) return fc.option(one, { nil: undefined, freq: 6 });
  return fc.option(fc.uniqueArray(one, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 6 });
}

const RUNS = { numRuns: 400, seed: 20_261_125 };

describe.each(Object.entries(KINDS))("conditions on a %s", (_name, k) => {
  test("mean the same to both engines, whatever the key holds", () => {
    fc.assert(
      fc.property(conditionOf(k), valueOf(k), (c, value) => {
        expect(plain(testCondition(compiled(c), value))).toBe(reference(c, value));
      }),
      { ...RUNS, numRuns: 3000 },
    );
  });

  test("have the presence of the key as the documentation has it", () => {
    fc.assert(
      fc.property(conditionOf(k), (c) => {
        fc.pre(c.values.length > 0 && c.operator !== "Null");
        const absent = plain(testCondition(compiled(c), undefined));
        const negated = /Not/.test(c.operator);
        if (c.qualifier === "ForAllValues") expect(absent).toBe("yes");
        else if (c.qualifier === "ForAnyValue") expect(absent).toBe(c.ifExists ? "doubtful" : "no");
        else expect(absent).toBe(c.ifExists || negated ? "yes" : "no");
      }),
      RUNS,
    );
  });

  test("are decided as trying every value decides them", () => {
    const sets: KeyValue[] =
      k.multivalued === true
        ? k.values.flatMap((a) => [[a], ...k.values.filter((b) => a < b).map((b) => [a, b])])
        : [...k.values];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(conditionOf(k), fc.boolean()), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.constantFrom("certain" as const, "possible" as const),
        (list, mayBeAbsent, mode) => {
          const lits = list.map(([source, want]) => ({ source, c: compiled(source), want }));
          const domain: Domain = {
            type: k.type,
            mayBeAbsent,
            mayBePresent: true,
            guess: k.values[0] ?? "",
            excludedGlobs: [],
            excludedRanges: MAPPED,
          };
          const budget = { left: 500_000 };
          const answer =
            k.multivalued === true
              ? solveSet(lits, domain, mode, budget, { must: [], mustNot: [] })
              : solveScalar(lits, domain, mode, budget);
          const good = (v: KeyValue): boolean =>
            lits.every(({ source, want }) => {
              const said = reference(source, v);
              return said === "doubtful" ? mode === "possible" : (said === "yes") === want;
            });
          if (answer.kind === "found") {
            expect(good(answer.value), JSON.stringify(answer.value)).toBe(true);
            expect(meets(lits, answer.value, mode)).toBe(true);
            if (answer.value === undefined) expect(mayBeAbsent).toBe(true);
            return;
          }
          expect(answer.kind).toBe("impossible");
          const witness = [...(mayBeAbsent ? [undefined] : []), ...sets].find(good);
          expect(witness).toBeUndefined();
          if (mayBeAbsent) expect(good(undefined)).toBe(false);
        },
      ),
      RUNS,
    );
  });
});

describe("numbers, exactly", () => {
  const number = fc
    .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 20 }))
    .map(([digits, scale]) => decimal(digits, scale));
  test("one of less, equal and greater holds, and its negation does not", () => {
    fc.assert(
      fc.property(number, number, (value, wanted) => {
        const said = (operator: Operator): Answer =>
          plain(testCondition(compiled(asCondition(operator, "aws:PrincipalTag/n", [wanted])), value));
        const three = [said("NumericLessThan"), said("NumericEquals"), said("NumericGreaterThan")];
        expect(three.filter((a) => a === "yes")).toHaveLength(1);
        expect(said("NumericNotEquals")).toBe(said("NumericEquals") === "yes" ? "no" : "yes");
        expect(said("NumericLessThanEquals")).toBe(said("NumericGreaterThan") === "yes" ? "no" : "yes");
        expect(said("NumericGreaterThanEquals")).toBe(said("NumericLessThan") === "yes" ? "no" : "yes");
      }),
      RUNS,
    );
  });
});

describe("blocks of addresses", () => {
  const v4 = fc.tuple(fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), fc.integer({ min: 0, max: 32 }));
  test("an address is in a block or outside it, and in the two halves of the block once", () => {
    fc.assert(
      fc.property(v4, fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), ([base, prefix], other) => {
        const inBlock = (block: string, negated = false): Answer => {
          const operator = negated ? "NotIpAddress" : "IpAddress";
          return plain(
            testCondition(compiled(asCondition(operator, "aws:VpcSourceIp", [block])), address(32, other)),
          );
        };
        const whole = `${address(32, base)}/${prefix}`;
        expect(inBlock(whole, true)).toBe(inBlock(whole) === "yes" ? "no" : "yes");
        if (prefix === 32) return;
        const bit = 1n << BigInt(31 - prefix);
        const halves = [base & ~bit, base | bit].map((b) => inBlock(`${address(32, b)}/${prefix + 1}`));
        expect(halves.filter((h) => h === "yes")).toHaveLength(inBlock(whole) === "yes" ? 1 : 0);
      }),
      RUNS,
    );
  });
});
