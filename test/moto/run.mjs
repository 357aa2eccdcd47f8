// Runs the tests against moto: installs it into a virtual environment of the checkout, starts its server on a free
// loopback port, runs vitest, stops the server, and passes the exit code on. Needs Python 3 with venv.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const venv = join(root, ".venv-moto");
const python = join(venv, "bin", "python");
const requirements = join(here, "requirements.txt");
const stamp = join(venv, "installed.txt");

function run(command, args) {
  const done = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (done.status !== 0) {
    console.error(
      `${command} ${args.join(" ")} failed: the tests against moto need Python 3 with venv and pip.`,
    );
    process.exit(1);
  }
}

const wanted = readFileSync(requirements, "utf8");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  run("python3", ["-m", "venv", venv]);
  run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  writeFileSync(stamp, wanted);
}

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port: free } = probe.address();
    probe.close(() => resolve(free));
  });
});
const server = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], {
  stdio: ["ignore", "ignore", "ignore"],
});
const url = `http://127.0.0.1:${port}`;
let up = false;
for (let i = 0; i < 150 && !up; i += 1) {
  await new Promise((r) => setTimeout(r, 200));
  up = await fetch(`${url}/moto-api/`).then(
    (r) => r.ok,
    () => false,
  );
}
if (!up) {
  server.kill();
  console.error("moto's server did not start within 30 seconds.");
  process.exit(1);
}
const tests = spawn(
  process.execPath,
  [join(root, "node_modules", "vitest", "vitest.mjs"), "run", "--project", "moto"],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, KEYWARD_MOTO_URL: url },
  },
);
tests.on("exit", (code) => {
  server.kill();
  process.exit(code ?? 1);
});
