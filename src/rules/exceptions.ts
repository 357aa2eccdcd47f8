import type { Severity } from "../domain/verdict.js";
import type { Exception } from "../trust/config.js";
import type { ExceptionBook } from "../trust/exceptions.js";
import { name, quote } from "./words.js";

/** What is to be said about an exception of keyward.yaml. */
export interface ExceptionNotice {
  readonly rule: "expired-exception" | "unused-exception";
  readonly severity: Severity;
  readonly exception: Exception;
  readonly reason: string;
  readonly remedy: string;
}

/**
 * Exceptions that have run out, and exceptions that no finding needed. To be asked after the last key: before, none
 * has been needed.
 */
export function exceptionNotices(book: ExceptionBook): readonly ExceptionNotice[] {
  return [
    ...book.expired().map(({ exception, needed }): ExceptionNotice => {
      const what = `The exception of ${name(exception.owner)} for ${exception.rule} on ${name(exception.key)} ran out on ${exception.expires}`;
      return {
        rule: "expired-exception",
        severity: needed ? "low" : "info",
        exception,
        reason: needed
          ? `${what}, and what it covered is still there.`
          : `${what}, and nothing needs it any more.`,
        remedy: needed
          ? "Repair the key, or have its owner decide again and set a new date."
          : "Remove it from keyward.yaml.",
      };
    }),
    ...book.unused().map(
      (exception): ExceptionNotice => ({
        rule: "unused-exception",
        severity: "info",
        exception,
        reason: `No finding of this run needed the exception for ${exception.rule} on ${name(exception.key)}${exception.who === undefined ? "" : ` for ${quote(exception.who)}`}.`,
        remedy:
          "If this run saw everything that it speaks of, remove it from keyward.yaml; else check its key, rule and who for a slip.",
      }),
    ),
  ];
}
