import { applyEdits, type FormattingOptions, modify } from "jsonc-parser";
import type { JsonPath } from "../policy/ast.js";

/** One edit of a JSON value: `undefined` takes the member or item out. The path starts at that value. */
export interface Edit {
  readonly path: JsonPath;
  readonly value: unknown;
}

/** What becomes of one statement: nothing of it is left, or it is edited and copies of it stand behind it. */
export interface StatementEdits {
  readonly index: number;
  /** Empty: the statement goes. The first is made in place; each further one is made to a copy. */
  readonly parts: readonly (readonly Edit[])[];
}

/**
 * Edits the text of a policy and leaves every other byte of it as it was: formatting, order and spelling are the
 * author's. New text is indented as the rest is; a policy on one line stays on one line.
 */
export function editPolicy(text: string, statements: readonly StatementEdits[]): string {
  const options = formatting(text);
  const root = JSON.parse(text) as unknown;
  const whole: unknown = isRecord(root) ? root["Statement"] : undefined;
  const list = Array.isArray(whole);
  let out = text;
  // From the last to the first: the places of those before do not move.
  for (const { index, parts } of [...statements].sort((a, b) => b.index - a.index)) {
    const at: JsonPath = list ? ["Statement", index] : ["Statement"];
    const original: unknown = list ? whole[index] : whole;
    const [inPlace, ...copies] = parts;
    if (inPlace === undefined) {
      out = change(out, list ? at : ["Statement"], list ? undefined : [], options);
      continue;
    }
    const values = copies.map((edits) => editValue(original, edits));
    if (!list && values.length > 0) {
      out = change(out, ["Statement"], [editValue(original, inPlace), ...values], options);
      continue;
    }
    [...values].reverse().forEach((value) => {
      out = applyEdits(
        out,
        modify(out, ["Statement", index + 1], value, { isArrayInsertion: true, ...options }),
      );
    });
    for (const edit of inPlace) out = change(out, [...at, ...edit.path], edit.value, options);
  }
  return out;
}

/** Puts a statement behind all others. */
export function appendStatement(text: string, statement: unknown): string {
  const options = formatting(text);
  const root = JSON.parse(text) as unknown;
  const whole: unknown = isRecord(root) ? root["Statement"] : undefined;
  if (!Array.isArray(whole)) return change(text, ["Statement"], [whole, statement], options);
  return applyEdits(
    text,
    modify(text, ["Statement", whole.length], statement, { isArrayInsertion: true, ...options }),
  );
}

function change(
  text: string,
  path: JsonPath,
  value: unknown,
  options: { readonly formattingOptions?: FormattingOptions },
): string {
  return applyEdits(text, modify(text, [...path], value, options));
}

/** The edits made to a value. */
export function editValue(value: unknown, edits: readonly Edit[]): unknown {
  let text = JSON.stringify(value);
  for (const edit of edits) text = change(text, edit.path, edit.value, {});
  return JSON.parse(text) as unknown;
}

/** How the text is written; a text on one line is left on one line. */
function formatting(text: string): { readonly formattingOptions?: FormattingOptions } {
  if (!text.trimEnd().includes("\n")) return {};
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return {
    formattingOptions: {
      insertSpaces: !indent.startsWith("\t"),
      tabSize: indent.startsWith("\t") ? 4 : indent.length,
      eol: text.includes("\r\n") ? "\r\n" : "\n",
    },
  };
}

/** An object of a JSON text. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
