import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readPlan } from "../../src/repair/plan-text.js";
import { startCli } from "../cli.js";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

describe("keyward plan, built", () => {
  it("plans for the sample estate from its trail, and the planned policies are clear", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "keyward-e2e-plan-"));
    const config = ["--config", join(EXAMPLES, "keyward.yaml")];
    const estate = join(EXAMPLES, "estate.ndjson");
    const trail = ["--cloudtrail", join(EXAMPLES, "cloudtrail"), "--snapshot", estate];
    expect((await startCli(["usage", ...trail, "--output", "usage.ndjson"], cwd).done).code).toBe(0);
    const args = ["plan", estate, ...config, "--usage", "usage.ndjson", "--output", "plan.yaml"];
    const { code, stdout, stderr } = await startCli(args, cwd).done;
    expect(stderr).toBe("");
    expect(code).toBe(3);
    expect(stdout).toContain("Plan: plan.yaml");
    const read = readPlan(readFileSync(join(cwd, "plan.yaml"), "utf8"), "plan.yaml");
    if (!read.ok) throw new Error(read.error.what);
    expect(read.value.changes.length).toBeGreaterThan(3);
    for (const { key, policy } of read.value.changes) {
      if (policy === null) continue;
      const [, , , , account = ""] = key.arn.split(":");
      writeFileSync(join(cwd, "new.json"), policy.text);
      const checked = ["check", "new.json", ...config, "--account", account, "--format", "json"];
      const { stdout: report } = await startCli(checked, cwd).done;
      const { keys } = JSON.parse(report) as { keys: { exposure: string }[] };
      expect(keys[0]?.exposure, key.arn).toBe("none");
    }
  });

  it("refuses to leave a key without a manager", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "keyward-e2e-plan-"));
    const statement = { Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" };
    writeFileSync(join(cwd, "p.json"), JSON.stringify({ Version: "2012-10-17", Statement: [statement] }));
    const args = ["plan", "p.json", "--account", "111122223333", "--strategy"];
    expect((await startCli([...args, "remove"], cwd).done).code).toBe(4);
    expect((await startCli([...args, "bound"], cwd).done).code).toBe(0);
  });
});
