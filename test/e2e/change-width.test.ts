import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import stringWidth from "string-width";
import { expect, it, onTestFinished } from "vitest";
import { planText } from "../../src/repair/plan-text.js";
import { startSandbox } from "../../src/sandbox/sandbox.js";
import { changeOf, closedPolicy, estate, keyLine, openPolicy, OWNER, planOf } from "../apply-estate.js";
import { keyward } from "../io.js";

it("apply, verify, rollback and journal keep to the width of a terminal, and to whole lines elsewhere", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keyward-width-"));
  const saved = { ...process.env };
  onTestFinished(async () => {
    process.env = saved;
    await rm(folder, { recursive: true });
  });
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: `AKIA${OWNER}`,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
  });
  const foreign = {
    GrantId: "f".repeat(64),
    GranteePrincipal: "arn:aws:iam::444455556666:role/service-role/a-long-name-of-a-role-of-somebody",
    Operations: ["Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey"],
  };
  const wide = `${"a long sentence ".repeat(20)} \u6f22${"x".repeat(200)}`;
  const key = keyLine(openPolicy(wide), [foreign]);
  const sandbox = await startSandbox({ snapshot: estate([key]) });
  onTestFinished(() => sandbox.close());
  const plan = join(folder, "plan.yaml");
  const change = changeOf(key, closedPolicy(wide.replace("\u6f22", "")), [foreign.GrantId]);
  await writeFile(plan, planText(planOf([change]), "yaml"));

  const journal = ["--journal", join(folder, "journal")];
  const aws = [...journal, "--endpoint-url", sandbox.url];
  const unasked = ["--yes", "--max-keys", "9"];
  const shown: string[] = [];
  const run = async (columns: number | undefined, ...args: readonly string[]): Promise<string> => {
    const outcome = await keyward(args, { now: Date.now(), ...(columns === undefined ? {} : { columns }) });
    const text = outcome.stdout + outcome.stderr;
    if (columns !== undefined) {
      shown.push(text);
      // Commands and paths to be copied stay whole: the terminal breaks them.
      const long = text
        .split("\n")
        .filter((line) => stringWidth(line) > columns && !/^ *(?:keyward |backup: )/.test(line));
      expect([args[0], long]).toEqual([args[0], []]);
    }
    return text;
  };
  const whole = await run(undefined, "apply", plan, "--dry-run", ...aws);
  const narrow = await run(80, "apply", plan, "--dry-run", ...aws);
  expect(whole.split("\n").length).toBeLessThan(narrow.split("\n").length);
  // The same words in the same order.
  const letters = (text: string): string => text.replace(/\s+/g, "");
  expect(letters(narrow)).toBe(letters(whole));
  await run(80, "apply", plan, ...unasked, ...aws);
  const [applied = ""] = await readdir(join(folder, "journal", "runs"));
  await run(80, "verify", applied, ...aws);
  await run(60, "journal", "list", ...journal);
  await run(60, "journal", "verify", ...journal);
  await run(80, "rollback", applied, ...unasked, ...aws);
  await run(80, "apply", "missing.yaml", ...unasked, ...aws);
  expect(shown.join("")).toContain("as written");
});
