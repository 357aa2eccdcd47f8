import { LineCounter, isMap, isNode, isPair, isScalar, parseDocument, visit } from "yaml";
import type { Document, YAMLError } from "yaml";
import type { z } from "zod";
import { inert } from "../domain/inert.js";
import type { Problem, Result } from "../domain/result.js";
import { err, ok } from "../domain/result.js";
import type { Config, Exception } from "./config.js";
import type { RawConfig } from "./schema.js";
import { checkedAccount, checkedOrganization, configSchema } from "./schema.js";

type Path = readonly PropertyKey[];

/**
 * Reads keyward.yaml. Every mistake is reported, each with its place, not only the first. An exception that has
 * expired is no mistake: it is a finding of the audit.
 *
 * @param where how messages name the file
 */
export function loadConfig(text: string, where: string): Result<Config, Problem[]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${where}:${line}:${col}`;
  };
  if (document.errors.length > 0) return err(document.errors.map((e) => syntaxProblem(e, at)));
  keepNumbersAsWritten(document);
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    // The only failure that toJS has of its own: aliases that multiply without end.
    if (!(error instanceof ReferenceError)) throw error;
    return err([
      {
        what: "too many YAML aliases",
        where,
        expected: "at most 100 uses of an anchor",
        next: "write the values out",
      },
    ]);
  }
  const place = (path: Path): string => at(offsetOf(document, path));
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) {
    return err(parsed.error.issues.flatMap((issue) => issueProblems(issue, raw, document, place, at)));
  }
  const duplicates = duplicateProblems(parsed.data, place);
  if (duplicates.length > 0) return err(duplicates);
  return ok(normalized(parsed.data, where, place));
}

function normalized(raw: RawConfig, where: string, place: (path: Path) => string): Config {
  const trust = raw.trust ?? {};
  return {
    where,
    trust: {
      organizations:
        trust.organizations === "auto" ? "auto" : (trust.organizations ?? []).map(checkedOrganization),
      accounts: (trust.accounts ?? []).map((a) =>
        typeof a === "string" ? { id: checkedAccount(a) } : { ...a, id: checkedAccount(a.id) },
      ),
      principals: trust.principals ?? [],
      services: trust.services ?? [],
    },
    exceptions: (raw.exceptions ?? []).map(
      (e, i): Exception => ({ ...e, who: e.who, where: place(["exceptions", i]) }),
    ),
    ...(raw.repair === undefined || raw.repair === null ? {} : { repair: raw.repair }),
  };
}

/**
 * `id: 222233334444` is a number to YAML, and `012345678901` would lose its zero. No field of keyward.yaml is a
 * number, so numbers stay the text that was written.
 */
function keepNumbersAsWritten(document: Document): void {
  visit(document, {
    Scalar(_key, node) {
      if ((typeof node.value === "number" || typeof node.value === "bigint") && node.source !== undefined) {
        node.value = node.source;
      }
    },
  });
}

function syntaxProblem(error: YAMLError, at: (offset: number) => string): Problem {
  return {
    what: error.code === "DUPLICATE_KEY" ? "a field stands here twice" : "not YAML",
    where: at(error.pos[0]),
    got: inert(error.message, { max: 200 }),
    next: "correct it; docs/configuration.md shows the format",
  };
}

/** Where a value stands; of a missing one, where the mapping stands that lacks it. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function issueProblems(
  issue: z.core.$ZodIssue,
  raw: unknown,
  document: Document,
  place: (path: Path) => string,
  at: (offset: number) => string,
): Problem[] {
  const deep = deepest(issue, raw);
  if (deep.code === "unrecognized_keys") {
    return deep.keys.map((key) => ({
      what: `unknown field ${quote(key)}${deep.path.length === 0 ? "" : ` in ${fieldName(deep.path)}`}`,
      where: at(offsetOfKey(document, deep.path, key) ?? offsetOf(document, deep.path)),
      expected: fieldsAt(deep.path),
      got: quote(key),
      next: "remove it or correct its name",
    }));
  }
  const value = valueAt(raw, deep.path);
  const name = fieldName(deep.path);
  return [
    value === undefined
      ? {
          what: `${name} is missing`,
          where: place(deep.path),
          expected: deep.message,
          got: "nothing",
          next: "add it",
        }
      : {
          what: deep.path.length === 0 ? "not a keyward configuration" : `${name} is wrong`,
          where: place(deep.path),
          expected: deep.message,
          got: show(value),
          next: nextStep(name, value),
        },
  ];
}

/** What an author most likely meant. */
function nextStep(name: string, value: unknown): string {
  if (typeof value === "string" && /^arn:aws[a-z-]*:iam::[0-9]{12}:root$/.test(value)) {
    return "list the account under trust.accounts instead";
  }
  if (name.startsWith("trust.principals") && typeof value === "string" && /[*?]/.test(value)) {
    return "name each principal, or trust the account under trust.accounts";
  }
  if (name.startsWith("trust.services") && value === "*") return "name each service";
  return "correct it; docs/configuration.md shows the format";
}

/** Of the branches of a union, the one that the value was meant to be: an object if it is an object. */
function deepest(issue: z.core.$ZodIssue, raw: unknown): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const value = valueAt(raw, issue.path);
  if (typeof value !== "object" || value === null) return issue;
  for (const branch of issue.errors) {
    const inner = branch.find((i) => i.path.length > 0 || i.code === "unrecognized_keys");
    if (inner !== undefined) return deepest({ ...inner, path: [...issue.path, ...inner.path] }, raw);
  }
  return issue;
}

function offsetOfKey(document: Document, path: Path, key: string): number | undefined {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

/** The fields that a mapping of the file can have, for messages. */
function fieldsAt(path: Path): string {
  if (path.length === 0) return "trust, exceptions, repair";
  if (path[0] === "repair") return "key, strategy";
  if (path[0] === "exceptions") return "key, rule, who, reason, owner, expires";
  return path.length === 1 ? "organizations, accounts, principals, services" : "id, name";
}

function duplicateProblems(raw: RawConfig, place: (path: Path) => string): Problem[] {
  const problems: Problem[] = [];
  const once = (path: Path, keys: readonly string[], what: string): void => {
    const first = new Map<string, number>();
    keys.forEach((key, i) => {
      const before = first.get(key);
      if (before === undefined) {
        first.set(key, i);
        return;
      }
      problems.push({
        what: `${what} stands twice`,
        where: place([...path, i]),
        expected: "each one once",
        got: `the same as at ${place([...path, before])}`,
        next: "remove one of them",
      });
    });
  };
  const trust = raw.trust ?? {};
  if (Array.isArray(trust.organizations)) {
    once(["trust", "organizations"], trust.organizations, "an organization");
  }
  once(
    ["trust", "accounts"],
    (trust.accounts ?? []).map((a) => (typeof a === "string" ? a : a.id)),
    "an account",
  );
  once(["trust", "principals"], trust.principals ?? [], "a principal");
  once(["trust", "services"], trust.services ?? [], "a service");
  once(
    ["exceptions"],
    (raw.exceptions ?? []).map((e) => JSON.stringify([e.key, e.rule, e.who ?? null])),
    "an exception for the same key, rule and who",
  );
  return problems;
}

function fieldName(path: Path): string {
  return path
    .map((p, i) =>
      typeof p === "number" ? `[${p}]` : `${i === 0 ? "" : "."}${inert(String(p), { max: 60 })}`,
    )
    .join("");
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function show(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return quote(typeof value === "string" ? value : JSON.stringify(value));
}

function quote(text: string): string {
  return `"${inert(text, { max: 80 })}"`;
}
