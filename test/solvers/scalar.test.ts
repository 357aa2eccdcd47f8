import { describe, expect, it } from "vitest";
import { compileCondition, type KeyValue } from "../../src/access/condition.js";
import { type Domain, type Lit, meets, solveScalar, solveSet } from "../../src/access/scalar.js";
import { formatIp, parseIpRange } from "../../src/access/typed.js";
import type { Condition, Operator } from "../../src/policy/ast.js";
import { OPERATORS } from "../../src/policy/ast.js";
import { conditionHolds } from "../../src/semantics/condition-match.js";
import { deriveContext } from "../../src/semantics/derive-context.js";
import { Random } from "../generators/random.js";
import { allow, keyWith, request } from "../requests.js";
import { asCondition, somePattern, texts } from "./brute.js";

const SOMEBODY = request("arn:aws:iam::444455556666:role/app");
const SOME_KEY = keyWith([allow()]);

/** The reference's answer for one value of one key. */
function reference(c: Condition, value: KeyValue): "yes" | "no" | "doubtful" {
  const context = deriveContext({ ...SOMEBODY, context: { [c.key]: value ?? [] } }, SOME_KEY);
  return conditionHolds(c, "2012-10-17", context).value;
}

interface Kind {
  readonly key: string;
  readonly type: Domain["type"];
  readonly operators: readonly Operator[];
  readonly constants: (r: Random) => string;
  /** Values among which there is one of every region that the constants can cut out. */
  readonly values: readonly string[];
  readonly set?: true;
}

const starting = (prefix: string): Operator[] => OPERATORS.filter((o) => o.startsWith(prefix));
const numbers = Array.from({ length: 25 }, (_, i) => String(i / 4 - 1));
const days = Array.from({ length: 9 }, (_, i) => new Date(Date.UTC(2026, 0, 1, 0, 0, i)).toISOString());
const v4 = Array.from({ length: 64 }, (_, i) => formatIp(4, 0xcb007100n + BigInt(i)));
const v6 = Array.from({ length: 16 }, (_, i) => formatIp(6, (0x20010db8n << 96n) + BigInt(i)));

const KINDS: Readonly<Record<string, Kind>> = {
  text: {
    key: "aws:PrincipalTag/team",
    type: "string",
    operators: [...starting("String"), "Null"],
    constants: (r) => somePattern(r, "ab", 3),
    values: texts("ab*?x", 1, 3),
  },
  number: {
    key: "aws:MultiFactorAuthAge",
    type: "number",
    operators: [...starting("Numeric"), "Null"],
    constants: (r) => r.pick(["0", "1", "2", "2.5", "3", "1.5"]),
    values: numbers,
  },
  date: {
    key: "aws:TokenIssueTime",
    type: "date",
    operators: [...starting("Date"), "Null"],
    constants: (r) => r.pick(days.slice(2, 7)),
    values: days,
  },
  bool: {
    key: "aws:MultiFactorAuthPresent",
    type: "bool",
    operators: ["Bool", "Null"],
    constants: (r) => r.pick(["true", "false", "TRUE"]),
    values: ["true", "false"],
  },
  "address v4": {
    key: "aws:Ec2InstanceSourcePrivateIPv4",
    type: "ip",
    operators: ["IpAddress", "NotIpAddress", "Null"],
    constants: (r) => `203.0.113.${r.int(64)}/${26 + r.int(7)}`,
    values: v4,
  },
  "address v6": {
    key: "aws:Ec2InstanceSourcePrivateIPv4",
    type: "ip",
    operators: ["IpAddress", "NotIpAddress", "Null"],
    constants: (r) => `2001:db8::${r.int(16).toString(16)}/${124 + r.int(5)}`,
    values: v6,
  },
  set: {
    key: "aws:TagKeys",
    type: "string",
    operators: [...starting("String"), "Null"],
    constants: (r) => somePattern(r, "ab", 2),
    values: texts("abx", 1, 2),
    set: true,
  },
};

function condition(r: Random, k: Kind): Condition {
  const operator = r.pick(k.operators);
  const values = operator === "Null" ? [r.pick(["true", "false"])] : r.list(1, 2, () => k.constants(r));
  const qualifier =
    k.set === true || r.chance(15) ? r.pick(["ForAllValues", "ForAnyValue"] as const) : undefined;
  return asCondition(operator, k.key, values, {
    ...(qualifier === undefined ? {} : { qualifier }),
    ifExists: operator !== "Null" && r.chance(20),
  });
}

/** Every value of the small domain: absent, one, and for sets one or two. */
function values(k: Kind): KeyValue[] {
  if (k.set !== true) return [undefined, ...k.values];
  const pairs = k.values.flatMap((a) => k.values.filter((b) => a < b).map((b) => [a, b]));
  return [undefined, ...k.values.map((v) => [v]), ...pairs];
}

describe("one key against trying every value of a small domain", () => {
  it.each(Object.entries(KINDS))("%s", (_name, k) => {
    const r = new Random(k.values.length, k.operators.length);
    const all = values(k);
    const answers = { found: 0, impossible: 0 };
    for (let i = 0; i < 500; i += 1) {
      const lits: (Lit & { readonly source: Condition })[] = r.list(1, 3, () => {
        const source = condition(r, k);
        return { source, c: compileCondition(source, false, () => ({ kind: "absent" })), want: r.chance(65) };
      });
      const block = parseIpRange(k.values[0] ?? "");
      const domain: Domain = {
        type: k.type,
        mayBeAbsent: r.chance(70),
        mayBePresent: true,
        guess: k.values[0] ?? "",
        excludedGlobs: [],
        excludedRanges: [],
      };
      const said = JSON.stringify([domain.mayBeAbsent, lits.map((l) => [l.source, l.want])]);
      for (const mode of ["certain", "possible"] as const) {
        const budget = { left: 200_000 };
        const answer =
          k.set === true
            ? solveSet(lits, domain, mode, budget, { must: [], mustNot: [] })
            : solveScalar(lits, domain, mode, budget);
        expect(answer.kind, said).not.toBe("exhausted");
        const good = (v: KeyValue): boolean =>
          lits.every((l) => {
            const truth = reference(l.source, v);
            return truth === "doubtful" ? mode === "possible" : (truth === "yes") === l.want;
          });
        if (answer.kind === "found") {
          answers.found += 1;
          expect(good(answer.value), `${mode} ${said} gives ${JSON.stringify(answer.value)}`).toBe(true);
          expect(meets(lits, answer.value, mode)).toBe(true);
          if (answer.value === undefined) expect(domain.mayBeAbsent).toBe(true);
        } else {
          answers.impossible += 1;
          const witness = all.find((v) => (v === undefined ? domain.mayBeAbsent : true) && good(v));
          // An address of the other family would do as well; the small domain has one family only.
          if (witness !== undefined || all.some((v) => v === undefined && domain.mayBeAbsent && good(v)))
            expect.fail(`${mode} ${said} is not impossible: ${JSON.stringify(witness)}`);
        }
      }
      expect(k.type === "ip").toBe(block !== undefined);
    }
    expect(answers.found).toBeGreaterThan(50);
    expect(answers.impossible).toBeGreaterThan(20);
  });
});
