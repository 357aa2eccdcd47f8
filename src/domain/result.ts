import { printable } from "./inert.js";

/** The outcome of something that can fail in an expected way. Bugs throw; expected failures are values. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** A success. */
export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

/** An expected failure. */
export function err<E>(error: E): Result<never, E> {
  return { ok: false, error };
}

/**
 * What a user is told when something goes wrong: what, where, what was expected, what was found, what to do next.
 * The wording is an interface: tests hold it.
 */
export interface Problem {
  readonly what: string;
  /** File with line and column, JSON path, or ARN. */
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly next?: string;
}

/** A failure of a user's input or environment, to be shown without a stack trace. */
export class KeywardError extends Error {
  override readonly name = "KeywardError";
  constructor(readonly problem: Problem) {
    super(formatProblem(problem));
  }
}

/** One problem as the lines that a user reads. */
export function formatProblem(p: Problem): string {
  const lines = [p.where === undefined ? p.what : `${oneLine(p.where)}: ${p.what}`];
  if (p.expected !== undefined) lines.push(`  expected: ${p.expected}`);
  if (p.got !== undefined) lines.push(`  got:      ${oneLine(p.got)}`);
  if (p.next !== undefined) lines.push(`  next:     ${oneLine(p.next)}`);
  return printable(lines.join("\n"));
}

/** What was found, and where, is foreign text: a line feed in it could fake a line, which some readers of logs obey. */
function oneLine(text: string): string {
  return text.replace(/\n/g, "\\n");
}
