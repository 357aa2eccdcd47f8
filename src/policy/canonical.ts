import { createHash } from "node:crypto";
import type {
  Condition,
  PatternElement,
  Policy,
  PrincipalElement,
  PrincipalEntry,
  Statement,
} from "./ast.js";
import { asciiLower } from "./case.js";

/**
 * A text that is equal for policies which differ only in what AWS does not look at: order of statements, principals,
 * actions, resources, conditions and values; repetition; one value or a list of it; the letter case of actions,
 * condition keys and truth values; `arn:P:iam::A:root` or the account number; Id and Sid.
 *
 * It is for comparison only (the evidence is the raw text, see {@link policyDigest}). It is itself a policy, and the
 * canonical text of that policy is the same text, unless the policy has refused principals. Policies with diagnostics
 * beyond warnings are not fully in the AST: comparing their canonical texts does not compare them.
 */
export function canonicalPolicy(policy: Policy): string {
  const statements = sorted(policy.statements.map(canonicalStatement));
  return `{"Version":"${policy.version ?? "2008-10-17"}","Statement":[${statements.join(",")}]}`;
}

/** SHA-256 of the UTF-8 bytes of a policy's text, in lower-case hexadecimal. A byte more or less is another digest. */
export function policyDigest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function canonicalStatement(statement: Statement): string {
  const members = [
    `"Effect":"${statement.effect}"`,
    canonicalPrincipal(statement.principal),
    canonicalPatterns("Action", statement.action, asciiLower),
    canonicalPatterns("Resource", statement.resource, (resource) => resource),
    canonicalConditions(statement.conditions),
  ];
  return `{${members.filter((member) => member !== undefined).join(",")}}`;
}

function canonicalPrincipal(principal: PrincipalElement): string | undefined {
  if (principal.kind === "missing") return undefined;
  const name = principal.kind === "principal" ? "Principal" : "NotPrincipal";
  if (principal.entries.length > 0 && principal.entries.every((entry) => entry.kind === "everyone")) {
    return `"${name}":"*"`;
  }
  const byMember = new Map<string, string[]>();
  for (const entry of principal.entries) {
    const [member, text] = canonicalEntry(entry);
    const texts = byMember.get(member);
    if (texts === undefined) byMember.set(member, [text]);
    else texts.push(text);
  }
  const members = [...byMember].map(([member, texts]) => `${JSON.stringify(member)}:${list(texts)}`);
  return `"${name}":{${sorted(members).join(",")}}`;
}

/** The member of the Principal object and the text under it. */
function canonicalEntry(entry: PrincipalEntry): readonly [string, string] {
  switch (entry.kind) {
    case "everyone":
      return ["AWS", "*"];
    case "account":
      return ["AWS", entry.account];
    case "user":
    case "role":
    case "session":
    case "federated-user":
    case "unique-id":
      return ["AWS", entry.text];
    case "service":
      return ["Service", entry.name];
    case "refused":
      return [entry.why, entry.text];
  }
}

function canonicalPatterns(
  name: "Action" | "Resource",
  element: PatternElement,
  fold: (pattern: string) => string,
): string | undefined {
  if (element.kind === "missing") return undefined;
  return `"${element.kind === "listed" ? name : `Not${name}`}":${list(element.patterns.map(fold))}`;
}

function canonicalConditions(conditions: readonly Condition[]): string | undefined {
  if (conditions.length === 0) return undefined;
  const byOperator = new Map<string, string[]>();
  for (const condition of conditions) {
    const qualifier = condition.qualifier === undefined ? "" : `${condition.qualifier}:`;
    const operator = `${qualifier}${condition.operator}${condition.ifExists ? "IfExists" : ""}`;
    const truth = condition.operator === "Bool" || condition.operator === "Null";
    const values = truth ? condition.values.map(asciiLower) : condition.values;
    const member = `${JSON.stringify(condition.keyLower)}:${list(values)}`;
    const members = byOperator.get(operator);
    if (members === undefined) byOperator.set(operator, [member]);
    else members.push(member);
  }
  const blocks = [...byOperator].map(([operator, members]) => `"${operator}":{${sorted(members).join(",")}}`);
  return `"Condition":{${sorted(blocks).join(",")}}`;
}

function list(texts: readonly string[]): string {
  return `[${sorted(texts.map((text) => JSON.stringify(text))).join(",")}]`;
}

/** By code units, each once. */
function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
