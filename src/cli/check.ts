import type { Command } from "commander";
import type { Io } from "./command.js";
import { EXIT } from "./exit.js";
import { addCommonOptions } from "./options.js";

/** `keyward check`: verdicts for files. */
export function register(program: Command, io: Io): void {
  addCommonOptions(program.command("check")).action(() => io.exit(EXIT.clear));
}
