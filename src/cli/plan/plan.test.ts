import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { keyward } from "../../../test/io.js";
import { FRIEND, OWNER, allow, policyText, root } from "../../../test/judging.js";
import { readPlan } from "../../repair/plan-text.js";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
const ESTATE = join(EXAMPLES, "estate.ndjson");
const CONFIG = join(EXAMPLES, "keyward.yaml");
const ID = "1234abcd-12ab-34cd-56ef-1234567890ab";

function folder(): string {
  return mkdtempSync(join(tmpdir(), "keyward-plan-"));
}

/** A policy file and a configuration that trusts FRIEND. */
function files(policy: string, config = `trust: { accounts: ["${FRIEND}"] }\n`): string[] {
  const at = folder();
  writeFileSync(join(at, "policy.json"), policy);
  writeFileSync(join(at, "keyward.yaml"), config);
  return [join(at, "policy.json"), "--key-id", ID, "--config", join(at, "keyward.yaml"), "--account", OWNER];
}

describe("keyward plan", () => {
  test("writes a plan that the schema describes and apply can read", async () => {
    const output = join(folder(), "plan.yaml");
    const { code } = await keyward(["plan", ESTATE, "--config", CONFIG, "--output", output]);
    // The estate has a key whose policy nobody could read.
    expect(code).toBe(3);
    const text = readFileSync(output, "utf8");
    const schema = JSON.parse(
      readFileSync(new URL("../../../schemas/plan.schema.json", import.meta.url), "utf8"),
    ) as Record<string, unknown>;
    const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema);
    validate(parse(text));
    expect(validate.errors).toBeNull();
    const plan = readPlan(text, output);
    if (!plan.ok) throw new Error(plan.error.what);
    expect(plan.value.changes.map((c) => c.key.aliases[0])).toContain("alias/card-vault");
    for (const c of plan.value.changes) {
      expect(c.exposure.after).toBe("none");
      expect(c.obligations.map((o) => o.id)).toEqual(
        expect.arrayContaining(["closed", "nothing-gained", "manageable", "use-kept"]),
      );
    }
    expect(plan.value.refused.find((r) => r.key.aliases[0] === "alias/legal-hold")?.kind).toBe("unplanned");
    // An exception lets a bank stay.
    expect(plan.value.notes.join("\n")).toContain("444455556666 keeps its access");
  });

  test.each(["auto", "narrow", "bound", "remove"])(
    "keeps to 80 columns, whatever it has to say: %s",
    async (strategy) => {
      const usage = join(folder(), "usage.ndjson");
      const trail = join(EXAMPLES, "cloudtrail");
      await keyward(["usage", "--cloudtrail", trail, "--snapshot", ESTATE, "--output", usage]);
      const args = ["plan", ESTATE, "--config", CONFIG, "--usage", usage, "--weak", "--strategy", strategy];
      const { stdout } = await keyward(args, { columns: 80, isTTY: true });
      expect(stdout).toContain("Keys: ");
      const plain = stdout.replace(/\u001b\[[0-9;]*m/g, "");
      expect(plain.split("\n").filter((l) => l.length > 80)).toEqual([]);
    },
  );

  test("ends with 0 where all is planned, and keeps to 80 columns without control characters", async () => {
    const hostile = "a\u001b[31m\r\n| clear | ‮";
    const { code, stdout } = await keyward(
      ["plan", ...files(policyText(allow("*", "kms:Decrypt", { Sid: hostile })))],
      { columns: 80 },
    );
    expect(code).toBe(0);
    expect(Math.max(...stdout.split("\n").map((l) => l.length))).toBeLessThanOrEqual(80);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test("ends with 4 where a key would be left without a manager, whatever the flags", async () => {
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: [allow("*", "kms:*")] });
    const { code, stdout } = await keyward(["plan", ...files(policy), "--strategy", "remove", "--weak"]);
    expect(code).toBe(4);
    expect(stdout).toContain("refused for safety");
    expect((await keyward(["plan", ...files(policy), "--strategy", "bound"])).code).toBe(0);
  });

  test("takes the strategy for a key from keyward.yaml, and lets the flag win", async () => {
    const config = `trust: { accounts: ["${FRIEND}"] }\nrepair:\n  - { key: "arn:aws:kms:*:${OWNER}:key/*", strategy: remove }\n`;
    const args = files(policyText(allow("*", "kms:Decrypt")), config);
    const plan = async (more: readonly string[]): Promise<string> => {
      const { stdout } = await keyward(["plan", ...args, "--format", "json", ...more]);
      return (JSON.parse(stdout) as { changes: { strategy: string }[] }).changes[0]?.strategy ?? "";
    };
    expect(await plan([])).toBe("remove");
    expect(await plan(["--strategy", "bound"])).toBe("bound");
  });

  test("leaves in whom an exception covers, says so, and trusts nobody who is covered in part", async () => {
    const bank = "444455556666";
    const exception = (rule: string): string =>
      `exceptions:\n  - { key: "arn:aws:kms:*:${OWNER}:key/*", rule: ${rule}, who: "${bank}", reason: r, owner: o, expires: 2027-03-31 }\n`;
    const policy = policyText(allow("*", "kms:Encrypt"), allow({ AWS: root(bank) }, "kms:Decrypt"));
    const plan = async (rule: string): Promise<{ text: string; after: string; closed: unknown }> => {
      const { stdout } = await keyward(["plan", ...files(policy, exception(rule)), "--format", "json"]);
      const read = readPlan(stdout, "stdout");
      if (!read.ok) throw new Error(stdout);
      const [change] = read.value.changes;
      return {
        text: change?.policy?.text ?? "",
        after: change?.exposure.after ?? "",
        closed: change?.obligations.find((o) => o.id === "closed")?.result,
      };
    };
    const covered = await plan("external-access");
    expect(covered.text).toContain(root(bank));
    expect(covered).toMatchObject({ after: "external", closed: "stated" });
    const other = await plan("latent-access");
    expect(other.text).not.toContain(root(bank));
    expect(other).toMatchObject({ after: "none", closed: "proved" });
  });

  test("names what CloudFormation owns, with the change for it", async () => {
    const at = folder();
    const snapshot = [
      { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T10:00:00Z", tool: "t" },
      {
        type: "key",
        arn: `arn:aws:kms:us-east-1:${OWNER}:key/${ID}`,
        tags: { "aws:cloudformation:stack-name": "pay", "aws:cloudformation:logical-id": "Key" },
        policy: { kind: "present", text: policyText(allow({ AWS: root("444455556666") }, "kms:Decrypt")) },
        grants: { kind: "present", items: [] },
      },
    ];
    writeFileSync(join(at, "s.ndjson"), snapshot.map((l) => JSON.stringify(l)).join("\n"));
    writeFileSync(join(at, "k.yaml"), "{}\n");
    const { stdout } = await keyward(["plan", join(at, "s.ndjson"), "--config", join(at, "k.yaml")]);
    expect(stdout).toContain("Owned by cloudformation (pay)");
    expect(stdout).toContain('"KeyPolicy": {');
  });

  test.each<[string, readonly string[], string]>([
    [
      "a key that is not there",
      ["plan", ESTATE, "--config", CONFIG, "--key", "alias/none"],
      "there is no such key",
    ],
    ["--readd without evidence", ["plan", ESTATE, "--config", CONFIG, "--readd"], "--readd needs"],
    [
      "a usage file that is not there",
      ["plan", ESTATE, "--config", CONFIG, "--usage", "/none"],
      "usage file cannot be read",
    ],
    [
      "another strategy",
      ["plan", ESTATE, "--strategy", "hope"],
      "Allowed choices are auto, remove, narrow, bound",
    ],
    ["a file that is not there", ["plan", "/none.json"], "there is no such file"],
  ])("ends with 2 for %s", async (_what, args, message) => {
    const { code, stderr } = await keyward(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
