import { Command, CommanderError } from "commander";
import { printable } from "../domain/inert.js";
import { KeywardError } from "../domain/result.js";
import * as apply from "./apply.js";
import * as check from "./check.js";
import type { CommandModule, Io } from "./command.js";
import * as diff from "./diff.js";
import * as doctor from "./doctor.js";
import { EXIT, type ExitCode } from "./exit.js";
import * as explain from "./explain.js";
import * as plan from "./plan.js";
import * as journal from "./journal.js";
import * as rollback from "./rollback.js";
import * as sandbox from "./sandbox.js";
import * as scan from "./scan.js";
import * as simulate from "./simulate.js";
import * as usage from "./usage.js";
import * as verify from "./verify.js";
import { toolVersion } from "./version.js";

const COMMANDS: readonly CommandModule[] = [
  scan,
  check,
  explain,
  simulate,
  diff,
  usage,
  plan,
  apply,
  verify,
  rollback,
  journal,
  sandbox,
  doctor,
];

const EXIT_CODES = `
Exit codes:
  0  clear
  1  exposed, or what --fail-on names
  2  wrong usage, or a failure of keyward
  3  incomplete: something could not be assessed, and nothing is known to be exposed
  4  refused by a safety check
  5  keyward's two engines disagreed: a bug, nothing may be relied on`;

/** The command line with all its commands. Nothing runs until it is parsed. */
export function buildProgram(io: Io): Command {
  const program = new Command("keyward")
    .description("Finds every AWS KMS key that somebody outside your zone of trust can use, and proves it.")
    .version(toolVersion(), "-V, --version")
    .option("--debug", "show the stack of an unexpected failure")
    .enablePositionalOptions()
    .showHelpAfterError("(add --help for the options)")
    .addHelpText("after", EXIT_CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // It repeats arguments, which a script may have had from others.
      writeErr: (text) => void io.stderr.write(printable(text)),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const command of COMMANDS) command.register(program, io);
  for (const command of program.commands) {
    command.option("--debug", "show the stack of an unexpected failure");
  }
  return program;
}

/**
 * Runs one command line (`argv` as in `process.argv`) and reports its exit code to `io.exit`, exactly once for a
 * failure; a command that ends by itself has called `io.exit` with its verdict. Never throws.
 */
export async function run(argv: readonly string[], io: Io): Promise<void> {
  try {
    await buildProgram(io).parseAsync([...argv]);
  } catch (error) {
    io.exit(report(error, wantsStack(argv, io), io));
  }
}

function wantsStack(argv: readonly string[], io: Io): boolean {
  return argv.includes("--debug") || (io.env["KEYWARD_DEBUG"] ?? "") !== "";
}

/** Tells the user about a failure; the exit code that it means. */
function report(error: unknown, debug: boolean, io: Io): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has already written its message, or the help or version that was asked for.
    return error.exitCode === 0 ? EXIT.clear : EXIT.failure;
  }
  if (error instanceof KeywardError) {
    io.stderr.write(`${error.message}\n`);
    if (debug && error.stack !== undefined) io.stderr.write(`${error.stack}\n`);
    return EXIT.failure;
  }
  const text = error instanceof Error ? error.message : String(error);
  const [first = ""] = text.split("\n");
  io.stderr.write(
    `keyward: unexpected failure, please report it (run again with --debug): ${printable(first)}\n`,
  );
  if (debug && error instanceof Error && error.stack !== undefined) io.stderr.write(`${error.stack}\n`);
  return EXIT.failure;
}
