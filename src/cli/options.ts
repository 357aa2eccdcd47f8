import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Severity, Verdict } from "../domain/verdict.js";
import { SEVERITIES } from "../domain/verdict.js";
import type { Io } from "./command.js";

/** What `--format` takes. */
export const FORMATS = ["table", "json"] as const;
export type Format = (typeof FORMATS)[number];

/**
 * What `--fail-on` takes: a verdict (that one or a worse one), a severity (a finding that bad or worse, waived ones
 * aside), or `never`.
 */
export const FAIL_ON = ["exposed", "weak", "not-assessed", ...SEVERITIES, "never"] as const;
export type FailOn = Exclude<Verdict, "clear"> | Severity | "never";

/** The flags that every auditing command shares, parsed. */
export interface CommonOptions {
  /** Path of keyward.yaml. `undefined`: the one in the current folder, if there is one. */
  readonly config: string | undefined;
  readonly format: Format;
  /** The result goes to this file instead of stdout. */
  readonly output: string | undefined;
  readonly failOn: FailOn;
  /** False: `--no-color`. See {@link wantsColor} for the rest of the rule. */
  readonly color: boolean;
}

/** Adds the shared flags to a command. Read them back with {@link commonOptions}. */
export function addCommonOptions(command: Command): Command {
  return command
    .option("--config <file>", "zone of trust and exceptions (default: keyward.yaml, if there is one)")
    .addOption(new Option("--format <format>", "how the result is written").choices(FORMATS).default("table"))
    .option("--output <file>", "write the result to this file instead of stdout")
    .addOption(
      new Option("--fail-on <what>", "exit with 1 from this verdict or severity on")
        .choices(FAIL_ON)
        .default("exposed"),
    )
    .option("--no-color", "no colour, even on a terminal");
}

/** The shared flags out of what commander parsed; it has checked the choices. */
export function commonOptions(command: Command): CommonOptions {
  const raw = command.opts<Readonly<Record<string, unknown>>>();
  const format = FORMATS.find((f) => f === raw["format"]) ?? "table";
  const failOn = FAIL_ON.find((f) => f === raw["failOn"]) ?? "exposed";
  return {
    config: textOption(raw["config"]),
    format,
    output: textOption(raw["output"]),
    failOn,
    color: raw["color"] !== false,
  };
}

function textOption(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/**
 * Colour only on a terminal, and never against NO_COLOR (https://no-color.org: set and not empty) or `--no-color`.
 */
export function wantsColor(options: Pick<CommonOptions, "color" | "output">, io: Io): boolean {
  if (!options.color || options.output !== undefined) return false;
  if ((io.env["NO_COLOR"] ?? "") !== "" || io.env["TERM"] === "dumb") return false;
  return io.stdout.isTTY === true;
}

/** A commander parser from one of keyward's: `parse` gives undefined for what it does not accept. */
export function argument<T>(
  parse: (text: string) => T | undefined,
  expected: string | ((text: string) => string),
): (text: string) => T {
  return (text) => {
    const value = parse(text);
    if (value === undefined) {
      const what = typeof expected === "string" ? expected : expected(text);
      throw new InvalidArgumentError(`Expected ${what}${what.endsWith("?") ? "" : "."}`);
    }
    return value;
  };
}

/** A commander parser for a flag that may be given several times. */
export function repeated(
  parse: (text: string) => string = (text) => text,
): (text: string, before: readonly string[] | undefined) => readonly string[] {
  return (text, before) => [...(before ?? []), parse(text)];
}

/** The values of a flag that may be given several times. */
export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
