import type { Command } from "commander";
import type { ExitCode } from "./exit.js";

/** Where a command reads and writes. Tests pass their own. */
export interface Io {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Undefined: the process's own. */
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called with a command's exit code when it has ended. */
  readonly exit: (code: ExitCode) => void;
}

/** A command file exports one of these; main.ts registers it. Heavy imports belong inside the action. */
export interface CommandModule {
  readonly register: (program: Command, io: Io) => void;
}
