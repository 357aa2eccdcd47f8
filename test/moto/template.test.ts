import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stackSetTemplate } from "../../src/aws/least-privilege.js";

/** Comes with moto, which reads templates with it. */
const LINT = fileURLToPath(new URL("../../.venv-moto/bin/cfn-lint", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-template-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function lint(template: string): Promise<string> {
  const file = join(folder, "template.yaml");
  await writeFile(file, template);
  try {
    const { stdout } = await promisify(execFile)(LINT, ["--format", "parseable", file]);
    return stdout;
  } catch (error) {
    // It fails where it finds something, and what it found stands on its stdout.
    if (
      error instanceof Error &&
      "stdout" in error &&
      typeof error.stdout === "string" &&
      error.stdout !== ""
    )
      return error.stdout;
    throw error;
  }
}

it("the StackSet template has nothing that cfn-lint would say", async () => {
  expect(await lint(stackSetTemplate())).toBe("");
});

it("and cfn-lint does say something of a wrong one", async () => {
  const wrong = stackSetTemplate().replace("AssumeRolePolicyDocument", "AssumeRolePolicy");
  expect(await lint(wrong)).toContain("AssumeRolePolicyDocument");
});
