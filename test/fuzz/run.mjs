// Bundles the fuzzer with Vite (types are checked elsewhere) and runs it: npm run fuzz -- --minutes 10 --seed 1
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("../..", import.meta.url));
const outDir = fileURLToPath(new URL("../../node_modules/.cache/keyward-fuzz", import.meta.url));
await build({
  root,
  configFile: false,
  logLevel: "warn",
  build: {
    ssr: true,
    outDir,
    emptyOutDir: true,
    minify: false,
    target: "node20",
    rollupOptions: {
      input: { main: "test/fuzz/main.ts", worker: "test/fuzz/worker.ts" },
      output: { entryFileNames: "[name].mjs" },
    },
  },
});
const child = spawn(process.execPath, [`${outDir}/main.mjs`, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 2) : 2;
});
