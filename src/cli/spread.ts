import { applyEdits, format } from "jsonc-parser";

/**
 * A policy that stands on one line, spread over lines for a person to read; undefined for one that has lines of its own.
 * White space alone is added: what is shown is what is there, members that stand twice included.
 */
export function spread(text: string): string | undefined {
  if (/[\n\r]/.test(text.trim())) return undefined;
  const edits = format(text, undefined, {
    insertSpaces: true,
    tabSize: 2,
    eol: "\n",
    insertFinalNewline: true,
  });
  return applyEdits(text, edits);
}
