import { inert } from "../domain/inert.js";
import type { Diagnostic, JsonPath } from "./ast.js";
import { DIAGNOSTIC_CODES } from "./codes.js";
import type { DiagnosticCode } from "./codes.js";

/** Which kind of policy a text is: the elements that it may have differ. */
export type PolicyKind = "key" | "identity" | "scp" | "rcp";

/** What a parse knows and collects. One per parse, never shared. */
export interface ParseContext {
  readonly kind: PolicyKind;
  /** Partition of the key; undefined: not known, principals of every partition are accepted. */
  readonly partition: string | undefined;
  readonly diagnostics: Diagnostic[];
  /** Members of the objects that were visited; compared with the members in the text to find duplicates. */
  members: number;
  /** The spelling of the number at this path in the text. */
  readonly numberText: (value: number, path: JsonPath) => string;
}

/** Adds a diagnostic at the level that its code has. */
export function report(
  context: ParseContext,
  code: DiagnosticCode,
  message: string,
  path: JsonPath,
  statement?: number,
): void {
  const { level } = DIAGNOSTIC_CODES[code];
  context.diagnostics.push(
    statement === undefined ? { level, code, message, path } : { level, code, message, path, statement },
  );
}

/** Attacker-controlled text as it may stand in a message. */
export function quote(text: string): string {
  return `"${inert(text, { max: 100 })}"`;
}

/** The JSON type of a value in words. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "object":
      return "an object";
    case "string":
      return "a string";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "no JSON value";
  }
}

/** A JSON object: its own members only may be looked at. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list, without the `any` of Array.isArray. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Looking for what may have been meant is slow: a text full of mistakes gets it for the first ones only. */
const MAX_SUGGESTIONS = 20;

/** Whether a diagnostic may still say what was meant. */
export function maySuggest(context: ParseContext): boolean {
  return context.diagnostics.length < MAX_SUGGESTIONS;
}
