import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Vitest leaves one processor free, which is half of a machine that has two.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        // Everything that needs neither a build nor a socket.
        test: {
          name: "fast",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/moto/**"],
          testTimeout: 60_000,
        },
      },
      {
        // The built program, as a user runs it: command line, sandbox over HTTP, demo.
        test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 60_000 },
      },
      {
        // Against moto; started by test/moto/run.mjs.
        test: {
          name: "moto",
          include: ["test/moto/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
