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
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode ?? EXIT.failure);
}
process.stdout.on("error", onPipeError);
process.stderr.on("error", onPipeError);

await run(process.argv, io);
