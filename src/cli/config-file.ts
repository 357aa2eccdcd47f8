import { readFile } from "node:fs/promises";
import type { Problem } from "../domain/result.js";
import { KeywardError, formatProblem } from "../domain/result.js";
import type { Config } from "../trust/config.js";
import { NO_CONFIG } from "../trust/config.js";

/** Where the configuration is looked for if nobody says where it is. */
export const DEFAULT_CONFIG = "keyward.yaml";

/**
 * The configuration of a run: the named file, else keyward.yaml of the current folder, else none. Throws a
 * {@link KeywardError} that lists every mistake in the file.
 */
export async function loadConfigFile(path: string | undefined): Promise<Config> {
  const file = path ?? DEFAULT_CONFIG;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (path === undefined && isCode(error, "ENOENT")) return NO_CONFIG;
    throw new KeywardError({
      what: "the configuration cannot be read",
      where: file,
      got: error instanceof Error ? error.message : String(error),
      next: "name it with --config, or leave the flag away to run without one",
    });
  }
  // Only now: YAML and zod take longer to load than most files take to judge.
  const { loadConfig } = await import("../trust/load.js");
  const loaded = loadConfig(text, file);
  if (!loaded.ok) throw severalProblems(loaded.error);
  return loaded.value;
}

/** One error for several problems; all of them stand in its message. */
function severalProblems(problems: readonly Problem[]): KeywardError {
  const [first = { what: "the configuration is wrong" }] = problems;
  const error = new KeywardError(first);
  error.message = problems.map(formatProblem).join("\n");
  return error;
}

/** Whether something thrown is a failure of the operating system with this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
