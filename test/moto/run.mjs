#!/usr/bin/env node
// Starts moto (an independent stand-in for AWS, written in Python) and runs the tests of the project "moto" against it, with
// the AWS CLI and an engine of SQL in KEYWARD_TEST_VENV.
// The Python packages live in .venv-moto, made at the first run. Further arguments go to vitest.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const CHECKOUT = join(HERE, "..", "..");
const VENV = join(CHECKOUT, ".venv-moto");
const BIN = join(VENV, process.platform === "win32" ? "Scripts" : "bin");
const REQUIREMENTS = ["requirements.txt", "constraints.txt"].map((name) => join(HERE, name));
/** Holds the hash of the requirements that were installed to the end. */
const STAMP = join(VENV, "keyward-requirements.sha256");
/** The oldest Python that the pinned versions run on. */
const OLDEST = [3, 11];

function fail(...lines) {
  for (const line of lines) console.error(line);
  process.exit(1);
}

function requirementsHash() {
  const hash = createHash("sha256");
  for (const file of REQUIREMENTS) hash.update(readFileSync(file));
  return hash.digest("hex");
}

/** A Python that is new enough, or undefined. */
function findPython() {
  const names = process.env.PYTHON ? [process.env.PYTHON] : ["python3", "python"];
  for (const name of names) {
    const probe = spawnSync(name, ["-c", "import sys, venv; print(*sys.version_info[:2])"], {
      encoding: "utf8",
    });
    if (probe.status !== 0) continue;
    const [major = 0, minor = 0] = probe.stdout.trim().split(" ").map(Number);
    if (major === OLDEST[0] && minor >= OLDEST[1]) return name;
  }
  return undefined;
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: CHECKOUT, stdio: ["ignore", "inherit", "inherit"] });
  if (result.status === 0) return;
  const why = result.error === undefined ? `exit code ${result.status}` : result.error.message;
  fail(`The tests against moto did not run: ${command} ${args.join(" ")}: ${why}`);
}

/** Makes .venv-moto unless it is there with these very requirements. */
function prepare() {
  const hash = requirementsHash();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === hash) return;
  const python = findPython();
  if (python === undefined) {
    fail(
      "The tests against moto did not run: there is no Python for them.",
      `  expected: python3 ${OLDEST.join(".")} or later with its venv module, or its path in PYTHON`,
      "  next:     install it (Debian: apt-get install python3 python3-venv), then run: npm run test:moto",
    );
  }
  console.error(`Preparing ${VENV} (once)…`);
  rmSync(VENV, { recursive: true, force: true });
  run(python, ["-m", "venv", VENV]);
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input"];
  run(join(BIN, "python"), ["-m", "pip", "install", ...quiet, "-r", REQUIREMENTS[0]]);
  writeFileSync(STAMP, hash);
}

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts moto and waits until it answers. Its log is shown only if it does not start. */
async function startMoto() {
  const port = await freePort();
  const server = spawn(join(BIN, "moto_server"), ["-H", "127.0.0.1", "-p", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
  });
  let log = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      log = (log + text).slice(-4000);
    });
  }
  let ended = false;
  server.on("error", (error) => {
    ended = true;
    log += String(error);
  });
  server.on("exit", () => {
    ended = true;
  });
  const url = `http://127.0.0.1:${port}`;
  for (let waited = 0; waited < 60_000 && !ended; waited += 200) {
    try {
      await fetch(`${url}/moto-api/data.json`);
      return { server, url };
    } catch {
      await sleep(200);
    }
  }
  server.kill();
  fail("The tests against moto did not run: moto_server did not start.", log);
}

prepare();
const { server, url } = await startMoto();
process.on("exit", () => server.kill());
const tests = spawn(
  process.execPath,
  [
    join(CHECKOUT, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--project",
    "moto",
    ...process.argv.slice(2),
  ],
  {
    cwd: CHECKOUT,
    stdio: "inherit",
    env: { ...process.env, KEYWARD_TEST_MOTO: url, KEYWARD_TEST_VENV: BIN },
  },
);
// Ctrl-C reaches vitest as well; its end is ours.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => tests.kill(signal));
tests.on("exit", (code) => process.exit(code ?? 1));
