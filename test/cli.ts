import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly done: Promise<CliResult>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** What has been written to stderr so far. */
  readonly stderr: () => string;
}

/**
 * Starts the built program as a user would: a process of its own, without the test's AWS settings. `cwd` is an empty
 * folder of the test, so that no keyward.yaml is picked up by chance.
 */
export function startCli(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): RunningCli {
  if (!existsSync(MAIN)) throw new Error("There is no dist folder: npm run build");
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(AWS_|NO_COLOR|FORCE_COLOR|KEYWARD_)/.test(name),
  );
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: {
      ...Object.fromEntries(clean),
      // Nothing of the machine's own configuration, and no instance metadata.
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
      AWS_EC2_METADATA_DISABLED: "true",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { done, kill: (signal) => child.kill(signal), stderr: () => stderr };
}
