import type { Diagnostic, JsonPath, ParsedPolicy, Policy, Statement } from "./ast.js";
import { isList, isObject, quote, report, typeName } from "./context.js";
import type { ParseContext, PolicyKind } from "./context.js";
import { duplicateMembers, numberSources, pathKey, syntaxProblem, treeOf } from "./json.js";
import { lintPolicy } from "./lint.js";
import { scanText } from "./scan.js";
import { parseStatement, reportUnknownElement } from "./statement.js";

/** How to read a policy. */
export interface ParseOptions {
  /** What kind of policy it is; default `key`. */
  readonly kind?: PolicyKind;
  /** Partition of the key (`aws`, `aws-cn`, ...): principals of another one are refused. Default: any. */
  readonly partition?: string;
}

/** Longest text that the KMS API carries, in characters. Source: KMS API reference, PutKeyPolicy, `Policy`. */
export const MAX_POLICY_LENGTH = 131_072;
/** Default quota of a key policy, in bytes. Source: KMS Developer Guide, "Resource quotas". */
export const POLICY_QUOTA_BYTES = 32_768;
/** A policy nests 7 levels; more than this is an attack or a mistake. */
const MAX_DEPTH = 32;

const POLICY_ELEMENTS = ["Version", "Id", "Statement"] as const;
const BYTE_ORDER_MARK = "\ufeff";
const ROOT: JsonPath = [];

/**
 * Reads the text of a policy into a closed AST. Never throws for what stands in the text: what is wrong with it is in
 * the diagnostics, and nothing is left out of the AST without one.
 */
export function parsePolicy(text: string, options: ParseOptions = {}): ParsedPolicy {
  const diagnostics: Diagnostic[] = [];
  let source = text;
  let numbers: ReadonlyMap<string, string> | undefined;
  const context: ParseContext = {
    kind: options.kind ?? "key",
    partition: options.partition,
    diagnostics,
    members: 0,
    numberText: (value, path) => {
      if (facts.plainNumbers && Number.isSafeInteger(value)) return String(value);
      numbers ??= numberSources(source, treeOf(source));
      return numbers.get(pathKey(path)) ?? String(value);
    },
  };
  if (text.length > MAX_POLICY_LENGTH) {
    const message = `The policy has ${text.length} characters; KMS accepts at most ${MAX_POLICY_LENGTH}.`;
    report(context, "too-large", message, ROOT);
    return { policy: undefined, diagnostics };
  }
  if (text.startsWith(BYTE_ORDER_MARK)) {
    const message =
      "The text starts with a byte order mark, which KMS refuses. Save it as UTF-8 without one.";
    report(context, "byte-order-mark", message, ROOT);
    source = text.slice(1);
  }
  const facts = scanText(source);
  if (facts.depth > MAX_DEPTH) {
    report(
      context,
      "too-deep",
      `The text nests ${facts.depth} levels deep; a policy needs 7, and at most ${MAX_DEPTH} are read.`,
      ROOT,
    );
    return { policy: undefined, diagnostics };
  }
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    diagnostics.push(syntaxDiagnostic(source, error.message, text.length - source.length));
    return { policy: undefined, diagnostics };
  }
  const shift = text.length - source.length;
  reportText(context, source, shift);
  const policy = buildPolicy(context, value);
  if (policy !== undefined && context.members !== facts.members)
    reportDuplicates(context, source, shift, value);
  return { policy, diagnostics };
}

/** Like {@link parsePolicy} for a JSON value that was parsed elsewhere. Doubled members can no longer be seen there. */
export function parsePolicyValue(value: unknown, options: ParseOptions = {}): ParsedPolicy {
  const context: ParseContext = {
    kind: options.kind ?? "key",
    partition: options.partition,
    diagnostics: [],
    members: 0,
    numberText: (number) => String(number),
  };
  return { policy: buildPolicy(context, value), diagnostics: context.diagnostics };
}

function syntaxDiagnostic(source: string, failure: string, shift: number): Diagnostic {
  const { reason, offset } = syntaxProblem(source, failure);
  const diagnostic = {
    level: "malformed",
    code: "json-syntax",
    message: `The policy is not JSON: ${reason}.`,
    path: ROOT,
  } as const;
  return offset === undefined ? diagnostic : { ...diagnostic, offset: offset + shift };
}

/** What PutKeyPolicy checks of the text itself. Source: KMS API reference, PutKeyPolicy, `Policy`. */
function reportText(context: ParseContext, source: string, shift: number): void {
  if (context.kind !== "key") return;
  const wide = /[^\0-\xff]/u.exec(source);
  if (wide !== null) {
    const message = `The text holds the character ${quote(wide[0])}; PutKeyPolicy accepts only U+0009, U+000A, U+000D and U+0020 to U+00FF. Write it as a JSON escape, or leave it out.`;
    const level = "refused";
    context.diagnostics.push({ level, code: "characters", message, path: ROOT, offset: wide.index + shift });
  }
  if (source.length > POLICY_QUOTA_BYTES / 3) {
    const bytes = new TextEncoder().encode(source).length;
    if (bytes > POLICY_QUOTA_BYTES) {
      const message = `The policy has ${bytes} bytes; the default quota is ${POLICY_QUOTA_BYTES}.`;
      report(context, "policy-long", message, ROOT);
    }
  }
}

function buildPolicy(context: ParseContext, value: unknown): Policy | undefined {
  if (!isObject(value)) {
    const message = `The policy is ${typeName(value)}; expected an object with "Version" and "Statement".`;
    report(context, "not-an-object", message, ROOT);
    return undefined;
  }
  const names = Object.keys(value);
  context.members += names.length;
  let version: Policy["version"];
  let unknownVersion = false;
  let id: string | undefined;
  let statements: readonly Statement[] | undefined;
  for (const name of names) {
    const member = value[name];
    switch (name) {
      case "Version":
        if (member === "2012-10-17" || member === "2008-10-17") version = member;
        else {
          unknownVersion = true;
          const got = typeof member === "string" ? quote(member) : typeName(member);
          report(context, "unknown-version", `Version is ${got}; expected "2012-10-17".`, ["Version"]);
        }
        break;
      case "Id":
        if (typeof member === "string") id = member;
        else report(context, "wrong-type", `Id is ${typeName(member)}; expected a string.`, ["Id"]);
        break;
      case "Statement":
        statements = parseStatements(context, member);
        break;
      default:
        reportUnknownElement(context, name, POLICY_ELEMENTS, ROOT);
    }
  }
  if (statements === undefined) {
    report(context, "no-statement", `The policy has no "Statement"; expected at least one statement.`, ROOT);
  }
  const policy: Policy = { version, id, statements: statements ?? [] };
  lintPolicy(context, policy, unknownVersion);
  return policy;
}

function parseStatements(context: ParseContext, value: unknown): readonly Statement[] {
  if (!isList(value)) {
    const only = parseStatement(context, value, 0, ["Statement"]);
    return only === undefined ? [] : [only];
  }
  if (value.length === 0) {
    report(context, "no-statement", `"Statement" is empty; expected at least one statement.`, ["Statement"]);
  }
  const statements: Statement[] = [];
  for (let i = 0; i < value.length; i++) {
    const statement = parseStatement(context, value[i], i, ["Statement", i]);
    if (statement !== undefined) statements.push(statement);
  }
  return statements;
}

/**
 * Runs only when text and value do not have the same number of members: either one is doubled, or an object stands
 * where the language has none (which was reported).
 */
function reportDuplicates(context: ParseContext, source: string, shift: number, value: unknown): void {
  const tree = treeOf(source);
  if (tree === undefined) return;
  const single = isObject(value) && isObject(value["Statement"]);
  for (const { path, offset } of duplicateMembers(tree)) {
    const name = String(path.at(-1));
    const message = `The member ${quote(name)} stands twice in one object; which of them counts is not defined. Keep one of them.`;
    const [first, index] = path;
    const statement = single && path.length > 1 ? 0 : typeof index === "number" ? index : undefined;
    const diagnostic = {
      level: "refused",
      code: "duplicate-member",
      message,
      path,
      offset: offset + shift,
    } as const;
    context.diagnostics.push(
      first === "Statement" && statement !== undefined ? { ...diagnostic, statement } : diagnostic,
    );
    if (path.length === 1 && (name === "Statement" || name === "Version")) {
      report(context, "ambiguous-document", `Two ${name} elements: what the policy says is not known.`, path);
    }
  }
}
