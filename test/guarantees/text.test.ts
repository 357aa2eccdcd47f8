import fc from "fast-check";
import { describe, expect } from "vitest";
import type { KeyReport } from "../../src/rules/finding.js";
import { worldArb, recordOf, reportOf, textOf, withText, type World } from "./worlds.js";
import { guarantee } from "./guarantee.js";
import { policyText, allow, root } from "../judging.js";
import { OWN, PARTNER } from "../generators/world.js";

const SEED = Number(process.env["KEYWARD_SEED"] ?? 20261123);
/** More by hand: KEYWARD_SCALE=20 npx vitest run --project fast test/guarantees */
const SCALE = Number(process.env["KEYWARD_SCALE"] ?? 1);

type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json };
type Path = readonly (string | number)[];

/** Every place in a JSON value, the value itself included. */
function places(value: Json, path: Path = []): Path[] {
  if (value === null || typeof value !== "object") return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([k, v]) => places(v, [...path, isList(value) ? Number(k) : k])),
  ];
}

const isList = (v: Json): v is readonly Json[] => Array.isArray(v);

/** The value with another one in a place. */
function put(value: Json, path: Path, other: Json): Json {
  const [first, ...rest] = path;
  if (first === undefined) return other;
  if (isList(value)) return value.map((v, i) => (i === first ? put(v, rest, other) : v));
  if (value === null || typeof value !== "object") throw new Error("no such place");
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) => [k, k === first ? put(v, rest, other) : v]),
  );
}

/** Values that stand nowhere in the policy language. */
const DAMAGE: readonly Json[] = [null, [null], [[]], [["x"]], { x: null }, [{}], { x: { y: { z: [] } } }];

describe("damage", () => {
  guarantee("damage-is-not-clear", "values of the wrong kind at every place of random policies", () => {
    let damaged = 0;
    fc.assert(
      fc.property(worldArb, fc.nat(), (w, n) => {
        const whole = JSON.parse(textOf(w)) as Json;
        for (const [i, place] of places(whole).entries()) {
          const bad = DAMAGE[(i + n) % DAMAGE.length] ?? null;
          const text = JSON.stringify(put(whole, place, bad));
          expect(reportOf(withText(text)).verdict, text).not.toBe("clear");
          damaged += 1;
        }
      }),
      { numRuns: 12 * SCALE, seed: SEED },
    );
    expect(damaged).toBeGreaterThan(400);
  });

  guarantee(
    "damage-is-not-clear",
    "random policies cut off anywhere, and with a character too much or too few",
    () => {
      let damaged = 0;
      fc.assert(
        fc.property(
          worldArb,
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.constantFrom("{", "]", ",", ":", "\\"),
          (w, at, c) => {
            const text = textOf(w);
            const i = Math.floor(at * (text.length - 1));
            for (const bad of [
              text.slice(0, i),
              text.slice(i + 1),
              `${text.slice(0, i)}\u0001${text.slice(i)}`,
              c + text,
              text + c,
            ]) {
              expect(reportOf(withText(bad)).verdict, bad).not.toBe("clear");
              damaged += 1;
            }
          },
        ),
        { numRuns: 150 * SCALE, seed: SEED },
      );
      expect(damaged).toBe(750 * SCALE);
    },
  );

  guarantee(
    "damage-is-not-clear",
    "elements, effects, operators and principal kinds that do not exist",
    () => {
      fc.assert(
        fc.property(worldArb, fc.nat(3), (w, n) => {
          const at = n % w.statements.length;
          const change = (more: Readonly<Record<string, unknown>>): World => ({
            ...w,
            statements: w.statements.map((s, i) => (i === at ? { ...s, ...more } : s)),
          });
          for (const more of [
            { Efect: "Deny" },
            { Effect: "allow" },
            { Effect: "Permit" },
            { Effect: undefined },
            { Conditions: {} },
            { principal: "*" },
            { Principal: { IAM: "*" }, NotPrincipal: undefined },
            { Principal: "nobody", NotPrincipal: undefined },
            { Action: "kms:*", NotAction: "kms:*" },
            { Condition: { StringMatches: { "kms:CallerAccount": OWN } } },
          ]) {
            const changed = change(more);
            expect(reportOf(recordOf(changed)).verdict, textOf(changed)).not.toBe("clear");
          }
        }),
        { numRuns: 12 * SCALE, seed: SEED },
      );
    },
  );

  guarantee(
    "unknown-is-not-safe",
    "one condition of a random policy becomes one that keyward does not know",
    () => {
      let clear = 0;
      fc.assert(
        fc.property(worldArb, fc.nat(), (w, n) => {
          const at = n % w.statements.length;
          const statement = w.statements[at] ?? {};
          const strange = {
            ...statement,
            Condition: {
              ...(statement["Condition"] as object | undefined),
              StringEquals: { "aws:PrincipalOrganisation": "x" },
            },
          };
          const unknown = { ...w, statements: w.statements.map((s, i) => (i === at ? strange : s)) };
          if (reportOf(recordOf(unknown)).exposure !== "none") return;
          clear += 1;
          // Nobody gets in, so nobody may get in where the condition holds for everybody, and where it never holds.
          const others = Object.fromEntries(
            Object.entries(strange.Condition).filter(([operator]) => operator !== "StringEquals"),
          );
          const always = {
            ...w,
            statements: w.statements.map((s, i) => (i === at ? { ...statement, Condition: others } : s)),
          };
          const never = { ...w, statements: w.statements.filter((_s, i) => i !== at) };
          for (const other of [always, never]) {
            if (other.statements.length === 0) continue;
            expect(reportOf(recordOf(other)).exposure, textOf(unknown)).toBe("none");
          }
        }),
        { numRuns: 80 * SCALE, seed: SEED },
      );
      expect(clear).toBeGreaterThan(10);
    },
  );
});

/**
 * What must stay when a policy is only written in another way. Witnesses are examples, and may be others. Ids stay when
 * the order changes; those of findings about the text itself follow its letter case.
 */
function gist(r: KeyReport, ids = true): unknown {
  return {
    verdict: r.verdict,
    exposure: r.exposure,
    findings: r.findings
      .map((f) =>
        JSON.stringify([ids ? f.id : "", f.rule, f.severity, f.exposure, f.certainty, [...f.actions].sort()]),
      )
      .sort(),
  };
}

/** The same JSON with its lists and members in another order. */
function shuffled(value: Json, turn: number): Json {
  if (value === null || typeof value !== "object") return value;
  const rotate = <T>(list: readonly T[]): T[] => {
    const k = list.length === 0 ? 0 : turn % list.length;
    const turned = [...list.slice(k), ...list.slice(0, k)];
    return turn % 2 === 0 ? turned.reverse() : turned;
  };
  if (isList(value)) return rotate(value.map((v) => shuffled(v, turn)));
  return Object.fromEntries(rotate(Object.entries(value)).map(([k, v]) => [k, shuffled(v, turn)]));
}

describe("ways of writing", () => {
  guarantee("order", "random policies and grants in another order", () => {
    fc.assert(
      fc.property(worldArb, fc.nat(11), (w, turn) => {
        const other = JSON.stringify(shuffled(JSON.parse(textOf(w)) as Json, turn));
        const grants = [...w.grants].reverse();
        expect(
          gist(reportOf({ ...recordOf(w), ...pick(other), grants: { kind: "present", value: grants } })),
        ).toEqual(gist(reportOf(recordOf(w))));
      }),
      { numRuns: 60 * SCALE, seed: SEED },
    );
  });

  guarantee("case-ignored", "actions and names of condition keys of random policies in capitals", () => {
    fc.assert(
      fc.property(worldArb, (w) => {
        const loud = (s: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
          ...s,
          ...up(s, "Action"),
          ...up(s, "NotAction"),
          ...(s["Condition"] === undefined ? {} : { Condition: upKeys(s["Condition"] as Blocks) }),
        });
        const other = { ...w, statements: w.statements.map(loud) };
        expect(gist(reportOf(recordOf(other)), false)).toEqual(gist(reportOf(recordOf(w)), false));
      }),
      { numRuns: 60 * SCALE, seed: SEED },
    );
  });

  guarantee("case-minded", "each place where case counts, once right and once wrong", () => {
    const role = (name: string): unknown => ({ AWS: `arn:aws:iam::${PARTNER}:role/${name}` });
    const deny = (principal: unknown): Readonly<Record<string, unknown>> => ({
      ...allow(principal, "kms:*"),
      Effect: "Deny",
    });
    const verdict = (...s: readonly Readonly<Record<string, unknown>>[]): string =>
      reportOf(withText(policyText(...s))).exposure;
    expect(verdict(allow(role("App"), "kms:Decrypt"), deny(role("App")))).toBe("none");
    expect(verdict(allow(role("App"), "kms:Decrypt"), deny(role("app")))).toBe("external");
    const org = (operator: string, id: string): Readonly<Record<string, unknown>> =>
      allow("*", "kms:Decrypt", { Condition: { [operator]: { "aws:PrincipalOrgID": id } } });
    expect(verdict(org("StringEquals", "o-partner0001"))).toBe("external");
    expect(verdict(org("StringEquals", "O-partner0001"))).toBe("none");
    expect(verdict(org("StringEqualsIgnoreCase", "O-partner0001"))).toBe("external");
    expect(verdict({ ...allow({ AWS: root(OWN) }, "kms:Decrypt"), Effect: "allow" })).not.toBe("none");
    expect(verdict({ Effect: "Allow", principal: "*", Action: "kms:Decrypt", Resource: "*" })).not.toBe(
      "none",
    );
  });
});

type Blocks = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function up(s: Readonly<Record<string, unknown>>, element: string): Readonly<Record<string, unknown>> {
  const v = s[element];
  return Array.isArray(v) ? { [element]: v.map((a) => String(a).toUpperCase()) } : {};
}

function upKeys(blocks: Blocks): Blocks {
  return Object.fromEntries(
    Object.entries(blocks).map(([op, keys]) => [
      op,
      Object.fromEntries(Object.entries(keys).map(([k, v]) => [k.toUpperCase(), v])),
    ]),
  );
}

function pick(text: string): Pick<ReturnType<typeof recordOf>, "policy"> {
  return { policy: withText(text).policy };
}
