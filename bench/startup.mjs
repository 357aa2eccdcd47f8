import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread, timeKeyward } from "./measure.mjs";

/** `keyward check POLICY` as a process of its own, from start to end, 15 times; beside it, `keyward --version`. */
export async function run() {
  const folder = mkdtempSync(join(tmpdir(), "keyward-bench-"));
  writeFileSync(
    join(folder, "policy.json"),
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: "arn:aws:iam::111122223333:root" },
          Action: "kms:*",
          Resource: "*",
        },
      ],
    }),
  );
  try {
    const rows = [];
    for (const args of [
      ["--version"],
      ["check", "policy.json"],
      ["check", "policy.json", "--format", "json"],
    ]) {
      const times = [];
      for (let i = 0; i < 15; i++) times.push((await timeKeyward(args, folder)).seconds * 1000);
      const { median, max } = spread(times);
      rows.push({ command: `keyward ${args.join(" ")}`, "median ms": median, "max ms": max });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
