#!/usr/bin/env node
import type { Io } from "./command.js";
import { EXIT } from "./exit.js";
import { run } from "./program.js";

const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: () => Date.now(),
  exit: (code) => {
    // Not process.exit(): output that is still on its way into a pipe would be lost.
    process.exitCode = code;
  },
};

/** `keyward … | head`: whoever read us is gone. The verdict stands if it is known; else nothing was delivered. */
function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.failure);
  // A full disk and the like: the result is not whole, so no verdict may stand in the exit code.
  process.stderr.write(`keyward: the result cannot be written: ${error.message}\n`);
  process.exit(EXIT.failure);
}
process.stdout.on("error", onPipeError);
process.stderr.on("error", () => process.exit(process.exitCode ?? EXIT.failure));

await run(process.argv, io);
