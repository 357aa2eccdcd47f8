// npm run demo: the sandbox with the sample estate, and `keyward scan` auditing one of its accounts over HTTP with the
// real AWS SDK, as it would audit AWS. Nothing leaves this machine.
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { startSandbox } from "../dist/sandbox/index.js";
import { readSnapshot } from "../dist/snapshot/read.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const reports = join(root, "reports");
const main = join(root, "dist", "cli", "main.js");
const estate = join(here, "estate.ndjson");
const ACCOUNT = "111122223333";

const snapshot = [];
for await (const line of readSnapshot(createReadStream(estate), estate)) snapshot.push(line);
const sandbox = await startSandbox({ snapshot });
await mkdir(reports, { recursive: true });

/** Runs keyward with the credentials of the sandbox's administrator. */
function keyward(args) {
  console.log(`$ keyward ${args.join(" ")}\n`);
  const child = spawn(process.execPath, [main, ...args], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: `AKIA${ACCOUNT}`,
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_SESSION_TOKEN: "",
      AWS_REGION: "us-east-1",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    },
  });
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 2)));
}

const config = relative(root, join(here, "keyward.yaml"));
const kept = join("reports", "snapshot.ndjson");
const scanned = await keyward([
  "scan",
  "--endpoint-url",
  sandbox.url,
  "--config",
  config,
  "--snapshot",
  kept,
]);
await sandbox.close();
console.log("");
const written = await keyward([
  "check",
  kept,
  "--config",
  config,
  "--format",
  "json",
  "--output",
  "reports/report.json",
]);
console.log(`\nThe report is in ${join("reports", "report.json")}, what was read in ${kept}.`);
console.log("Exit code 1 is the right one here: the sample estate has exposed keys.");
process.exit(scanned === 1 && written === 1 ? 0 : 2);
