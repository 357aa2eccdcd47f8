import { Readable, Writable } from "node:stream";
import type { Io } from "../src/cli/command.js";
import type { ExitCode } from "../src/cli/exit.js";
import { run } from "../src/cli/program.js";

/** What a command line did. */
export interface Outcome {
  readonly code: ExitCode | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command line is run. */
export interface Surroundings {
  readonly stdin?: string;
  /** Standard input that says it is a terminal, in place of `stdin`. */
  readonly terminal?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Milliseconds since the epoch. */
  readonly now?: number;
}

class Collector extends Writable {
  text = "";
  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs keyward in this process: `args` are what a user types after its name. */
export async function keyward(args: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  const stdout = new Collector();
  const stderr = new Collector();
  const codes: ExitCode[] = [];
  const facts = {
    isTTY: around.isTTY ?? false,
    ...(around.columns === undefined ? {} : { columns: around.columns }),
  };
  const io: Io = {
    stdin: around.terminal ?? Readable.from([around.stdin ?? ""]),
    stdout: Object.assign(stdout, facts),
    stderr: Object.assign(stderr, facts),
    env: around.env ?? {},
    now: () => around.now ?? Date.UTC(2026, 10, 23, 10),
    exit: (code) => codes.push(code),
  };
  await run(["node", "keyward", ...args], io);
  if (codes.length !== 1) throw new Error(`exit was called ${codes.length} times`);
  return { code: codes[0], stdout: stdout.text, stderr: stderr.text };
}
