import { hash } from "node:crypto";
import type { Policy, Statement } from "../policy/ast.js";
import { canonicalPolicy } from "../policy/canonical.js";
import type { Draft, DraftSource } from "./rule.js";

/**
 * Names statements so that the name survives when statements are added, removed or moved: the Sid where it is the only
 * one of its kind, else the statement's canonical text, numbered where it stands there more than once.
 */
export function statementNames(policy: Policy | undefined): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const seen = new Map<string, number>();
  const sids = new Map<string, number>();
  const statements = policy?.statements ?? [];
  for (const s of statements) {
    if (s.sid !== undefined) sids.set(s.sid, (sids.get(s.sid) ?? 0) + 1);
  }
  for (const s of statements) {
    const base = s.sid !== undefined && s.sid !== "" && sids.get(s.sid) === 1 ? `sid:${s.sid}` : textName(s);
    const count = seen.get(base) ?? 0;
    seen.set(base, count + 1);
    names.set(s.index, count === 0 ? base : `${base}#${count}`);
  }
  return names;
}

function textName(statement: Statement): string {
  return `text:${canonicalPolicy({ version: "2012-10-17", id: undefined, statements: [statement] })}`;
}

/** The id of a finding: 20 hexadecimal digits, made of the key, the rule, who, and what it goes through. */
export function findingId(arn: string, draft: Pick<Draft, "rule" | "who" | "part">, source: string): string {
  return hashedId(identityText(arn, draft, source));
}

/** What a finding's id is made of. */
export function identityText(
  arn: string,
  draft: Pick<Draft, "rule" | "who" | "part">,
  source: string,
): string {
  return JSON.stringify([arn, draft.rule, draft.who, source, draft.part ?? ""]);
}

/** The id that {@link identityText} gives. */
export function hashedId(text: string): string {
  return hash("sha256", text, "hex").slice(0, 20);
}

/** What a finding goes through, named so that it stays the same from run to run. */
export function sourceName(source: DraftSource, names: ReadonlyMap<number, string>): string {
  switch (source.kind) {
    case "statement":
      return `statement ${names.get(source.index) ?? source.index}`;
    case "grant":
      return `grant ${source.grantId}`;
    case "key":
      return `key ${source.arn}`;
    case "identity":
      return `identity ${source.arn} ${source.policy ?? ""}`;
    case "policy":
    case "grants":
      return source.kind;
  }
}
