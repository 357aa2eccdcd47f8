import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Policy, PrincipalEntry } from "./ast.js";
import { DIAGNOSTIC_CODES } from "./codes.js";
import { policyDoubts } from "./doubtful.js";
import { locate } from "./locate.js";
import { parsePolicy, parsePolicyValue } from "./parse.js";

const RUNS = 2000;

/** Policies to start from: those of the cases, and one with everything. */
const SEEDS: readonly unknown[] = [
  ...readFileSync(new URL("../../test/cases/key-policies.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { policy: unknown }).policy),
  {
    Version: "2012-10-17",
    Id: "all",
    Statement: [
      {
        Sid: "a",
        Effect: "Allow",
        Principal: {
          AWS: ["111122223333", "arn:aws:iam::111122223333:role/x/App", "AIDACKCEVSQ6C2EXAMPLE"],
          Service: "s3.amazonaws.com",
        },
        NotAction: ["kms:PutKeyPolicy"],
        NotResource: "arn:aws:kms:us-east-1:111122223333:key/mrk-1",
        Condition: {
          "ForAnyValue:StringLikeIfExists": { "aws:CalledVia": ["s3.*", "x"] },
          Bool: { "aws:SecureTransport": true },
          NumericLessThan: { "aws:MultiFactorAuthAge": 3600 },
          Null: { "aws:userid": "false" },
        },
      },
      { Effect: "Deny", NotPrincipal: { AWS: "*" }, Action: "*", Resource: ["*"] },
    ],
  },
];

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const oddText = fc.oneof(
  fc.constantFrom(
    ...[
      "",
      "*",
      "__proto__",
      "constructor",
      "toString",
      "Effect",
      "effect",
      "Resorce",
      "AWS",
      "aws",
      "Allow",
      "allow",
    ],
    ...[
      "StringEquals",
      "stringequals",
      "StringEqual",
      "NullIfExists",
      "ForAllValues:Null",
      "ForAnyValue:ArnLike",
    ],
    ...[
      "2008-10-17",
      "kms:*",
      "kms:ReEncrypt",
      "${aws:userid}",
      "arn:aws:iam::*:root",
      "arn:aws:iam::1:root",
    ],
    ...[
      "\u202e",
      "\ud800",
      "\u0000",
      "密钥",
      "kms:EncryptionContext:a",
      "Condition",
      "Statement",
      "NotAction",
    ],
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const oddValue: fc.Arbitrary<Json> = fc.oneof(
  oddText,
  fc.constantFrom<Json>(
    null,
    true,
    false,
    0,
    -0,
    1e21,
    111122223333,
    [],
    {},
    [[]],
    [{}],
    ["*", 1],
    { AWS: "*" },
    { a: { b: {} } },
  ),
  fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as Json),
);

interface Place {
  readonly holder: Json[] | { [name: string]: Json };
  readonly name: string | number;
}

/** Every member and item of a value. */
function places(value: Json): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const names = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  return names.flatMap((name) => [{ holder: value, name }, ...places(read(value, name))]);
}

function read(holder: Place["holder"], name: string | number): Json {
  return (holder as Record<string | number, Json>)[name] ?? null;
}

/** Sets an own member, also one named __proto__. */
function write(holder: Place["holder"], name: string | number, value: Json): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

interface Mutation {
  readonly how: "replace" | "delete" | "rename" | "wrap" | "add" | "copy" | "case";
  readonly where: number;
  readonly from: number;
  readonly text: string;
  readonly value: Json;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  how: fc.constantFrom<Mutation["how"]>("replace", "delete", "rename", "wrap", "add", "copy", "case"),
  where: fc.nat(),
  from: fc.nat(),
  text: oddText,
  value: oddValue,
});

function mutate(root: Json, { how, where, from, text, value }: Mutation): void {
  const all = places(root);
  const place = all[where % Math.max(1, all.length)];
  const other = all[from % Math.max(1, all.length)];
  if (place === undefined || other === undefined) return;
  const { holder, name } = place;
  const old = read(holder, name);
  switch (how) {
    case "replace": {
      write(holder, name, structuredClone(value));
      return;
    }
    case "delete":
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else Reflect.deleteProperty(holder, name);
      return;
    case "rename":
      if (Array.isArray(holder)) {
        write(holder, name, text);
        return;
      }
      Reflect.deleteProperty(holder, name);
      {
        write(holder, text, old);
        return;
      }
    case "wrap": {
      write(holder, name, [old]);
      return;
    }
    case "add":
      if (Array.isArray(holder)) holder.push(structuredClone(value));
      else write(holder, text, structuredClone(value));
      return;
    case "copy": {
      write(holder, name, structuredClone(read(other.holder, other.name)));
      return;
    }
    case "case": {
      if (typeof old === "string") {
        write(holder, name, old.toUpperCase());
        return;
      }
      if (Array.isArray(holder)) return;
      Reflect.deleteProperty(holder, name);
      write(holder, String(name).toUpperCase(), old);
      return;
    }
  }
}

const mutatedValue = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([seed, mutations]) => {
    const value = JSON.parse(JSON.stringify(seed)) as Json;
    for (const one of mutations) mutate(value, one);
    return value;
  });

/** A policy text with a few characters changed, cut or doubled. */
const mutatedText = fc
  .tuple(
    fc.constantFrom(...SEEDS),
    fc.boolean(),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(12),
        fc.constantFrom("", '"', ":", ",", "{", "}", "[", "]", "\\", " ", "e", "1", "\n", "\ud800", "*"),
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  )
  .map(([seed, pretty, edits]) => {
    let text = pretty ? JSON.stringify(seed, null, 2) : JSON.stringify(seed);
    for (const [where, length, insert] of edits) {
      const at = where % (text.length + 1);
      text = text.slice(0, at) + insert + text.slice(at + (length > 8 ? length - 8 : 0));
    }
    return text;
  });

// --- an oracle of its own: what the text says and what the AST says, brought to one form

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function record(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [["?", value]];
}

/** The text's side. Knows nothing of what is right: anything odd stays and will differ from the AST's side. */
function ofValue(value: unknown): unknown {
  const root = Object.fromEntries(record(value));
  return {
    ...root,
    Statement: list(root["Statement"]).map((statement) => {
      const parts = Object.fromEntries(record(statement));
      const form: Record<string, unknown> = { ...parts };
      for (const name of ["Action", "NotAction", "Resource", "NotResource"]) {
        if (name in parts) form[name] = list(parts[name]);
      }
      for (const name of ["Principal", "NotPrincipal"]) {
        if (name in parts) {
          const principal = parts[name] === "*" ? { AWS: "*" } : parts[name];
          form[name] = record(principal)
            .flatMap(([type, texts]) => list(texts).map((text) => `${type}=${String(text)}`))
            .sort();
        }
      }
      if ("Condition" in parts) {
        form["Condition"] = record(parts["Condition"])
          .flatMap(([operator, block]) =>
            record(block).map(
              ([key, values]) =>
                `${operator.toLowerCase()} ${key} ${JSON.stringify(list(values).map(String))}`,
            ),
          )
          .sort();
      } else {
        form["Condition"] = [];
      }
      return form;
    }),
  };
}

/** The AST's side. */
function ofPolicy(policy: Policy): unknown {
  const type = (entry: PrincipalEntry): string => (entry.kind === "service" ? "Service" : "AWS");
  return {
    ...(policy.version === undefined ? {} : { Version: policy.version }),
    ...(policy.id === undefined ? {} : { Id: policy.id }),
    Statement: policy.statements.map(({ sid, effect, principal, action, resource, conditions }) => ({
      ...(sid === undefined ? {} : { Sid: sid }),
      Effect: effect,
      ...(principal.kind === "missing"
        ? {}
        : {
            [principal.kind === "principal" ? "Principal" : "NotPrincipal"]: principal.entries
              .map((entry) => `${type(entry)}=${entry.text}`)
              .sort(),
          }),
      ...(action.kind === "missing"
        ? {}
        : { [action.kind === "listed" ? "Action" : "NotAction"]: action.patterns }),
      ...(resource.kind === "missing"
        ? {}
        : { [resource.kind === "listed" ? "Resource" : "NotResource"]: resource.patterns }),
      Condition: conditions
        .map(({ operator, qualifier, ifExists, key, values }) => {
          const name = `${qualifier === undefined ? "" : `${qualifier}:`}${operator}${ifExists ? "IfExists" : ""}`;
          return `${name.toLowerCase()} ${key} ${JSON.stringify(values)}`;
        })
        .sort(),
    })),
  };
}

function check(text: string): "clean" | "flawed" | "malformed" {
  const parsed = parsePolicy(text, { partition: "aws" });
  const { policy, diagnostics } = parsed;
  for (const { level, code, path, statement, offset, message } of diagnostics) {
    expect(DIAGNOSTIC_CODES).toHaveProperty(code);
    expect(message).not.toMatch(/\p{C}/u);
    expect(policy === undefined).toBe(diagnostics.some((d) => d.level === "malformed"));
    if (offset !== undefined) expect(offset).toBeLessThanOrEqual(text.length);
    if (level === "malformed") continue;
    // A diagnostic of a statement names it, and its place (or, for something missing, the place around) can be found.
    if (path[0] === "Statement" && path.length > 1) expect(statement).toBeDefined();
    expect(locate(text, path) ?? locate(text, path.slice(0, -1))).toBeDefined();
  }
  if (policy === undefined) {
    expect(diagnostics.length).toBeGreaterThan(0);
    return "malformed";
  }
  const flawed = diagnostics.some((diagnostic) => diagnostic.level !== "warning");
  const value: unknown = JSON.parse(text);
  if (!flawed) {
    // Nothing was said to be wrong: then nothing of the text may be missing from the AST.
    expect(ofPolicy(policy)).toEqual(ofValue(value));
    return "clean";
  }
  // Statements without any flaw must be whole, whatever is wrong elsewhere.
  const doubts = policyDoubts(parsed);
  const said = ofValue(value) as { Statement: unknown[] };
  const understood = ofPolicy(policy) as { Statement: unknown[] };
  policy.statements.forEach((statement, i) => {
    const stored = diagnostics.every((d) => d.statement !== statement.index || d.level === "warning");
    if (stored) expect(understood.Statement[i]).toEqual(said.Statement[statement.index]);
  });
  // A statement that is not in the AST is known to be missing.
  const root = value as { Statement?: unknown };
  const count = "Statement" in root ? list(root.Statement).length : 0;
  const built = new Set(policy.statements.map((statement) => statement.index));
  for (let i = 0; i < count; i++) if (!built.has(i)) expect(doubts.unread).toContain(i);
  return "flawed";
}

describe("mutated policies", () => {
  it("never throw, and lose nothing without saying so", () => {
    const seen = { clean: 0, flawed: 0, malformed: 0 };
    fc.assert(
      fc.property(mutatedValue, (value) => {
        seen[check(JSON.stringify(value))]++;
        // The same as a value; only what concerns the text itself (its characters) differs.
        const ofText = parsePolicy(JSON.stringify(value), { kind: "rcp" });
        expect(parsePolicyValue(JSON.parse(JSON.stringify(value)), { kind: "rcp" })).toEqual(ofText);
      }),
      { seed: 20261123, numRuns: RUNS },
    );
    // The test means something only if it meets both.
    expect(seen.clean).toBeGreaterThan(RUNS / 20);
    expect(seen.flawed).toBeGreaterThan(RUNS / 4);
  });

  it("in their characters", () => {
    const seen = { clean: 0, flawed: 0, malformed: 0 };
    fc.assert(
      fc.property(mutatedText, (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        const result = check(text);
        seen[result]++;
        if (!isJson) expect(result).toBe("malformed");
      }),
      { seed: 20261124, numRuns: RUNS },
    );
    expect(seen.malformed).toBeGreaterThan(RUNS / 4);
    expect(seen.clean + seen.flawed).toBeGreaterThan(RUNS / 10);
  });

  it("are noticed when a member is doubled, wherever and however it is written", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SEEDS),
        fc.nat(),
        fc.constantFrom("", " ", "\n\t"),
        fc.boolean(),
        (seed, where, space, pretty) => {
          const marked = JSON.parse(JSON.stringify(seed)) as Json;
          const objects = places({ root: marked }).filter(
            ({ holder, name }) => !Array.isArray(holder) && name !== "root",
          );
          const place = objects[where % objects.length];
          if (place === undefined || Array.isArray(place.holder)) return;
          // A marker that becomes a second member of the same name.
          write(place.holder, "@twin@", read(place.holder, place.name));
          const json = pretty ? JSON.stringify(marked, null, 1) : JSON.stringify(marked);
          const text = json.replace(/"@twin@":/, () => `${JSON.stringify(place.name)}${space}:${space}`);
          const found = parsePolicy(text).diagnostics.filter((d) => d.code === "duplicate-member");
          expect(found.map((d) => d.path.at(-1))).toEqual([place.name]);
        },
      ),
      { seed: 20261125, numRuns: 500 },
    );
  });

  it("any text at all", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.json()), (text) => {
        const { policy, diagnostics } = parsePolicy(text);
        expect(policy === undefined).toBe(diagnostics.some((d) => d.level === "malformed"));
        expect(diagnostics.length).toBeGreaterThan(0);
      }),
      { seed: 20261126, numRuns: RUNS },
    );
  });
});
