import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grant } from "../domain/grant.js";
import { grantsDigest, textDigest } from "./digest.js";
import type { PlanFile } from "./plan-file.js";
import { planText, readPlan } from "./plan-text.js";

const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/** UTF-8 has no lone surrogates, so no file has. */
function wellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

function planWith(text: string): PlanFile {
  return {
    schema: "keyward.plan/1",
    tool: { name: "keyward", version: "0.1.0" },
    createdAt: "2026-11-23T10:00:00Z",
    purpose: "close",
    inputs: { estate: ["estate.ndjson"], config: null, usage: null, strategy: "auto" },
    zone: { organizations: [], accounts: ["222233334444"], principals: [], services: [] },
    summary: { changes: 1, unchanged: 0, refused: 0 },
    changes: [
      {
        key: { arn: ARN, aliases: ["alias/app"], state: null },
        computedFrom: { policySha256: textDigest("{}"), grantsSha256: null },
        exposure: { before: "public", after: "none" },
        strategy: "remove",
        reason: "because",
        statements: [{ index: 0, sid: null, change: "remove", reason: "everybody", warnings: [] }],
        policy: { text, sha256: textDigest(text), bytes: Buffer.byteLength(text), quota: 32768, diff: "" },
        revokeGrants: [],
        loses: [],
        gains: [],
        obligations: [{ id: "closed", result: "proved", statement: "nobody outside", details: [] }],
        willBreak: [],
        evidence: null,
        managedBy: null,
        notes: [],
      },
    ],
    unchanged: [],
    refused: [],
    notes: [],
  };
}

describe("a plan file", () => {
  test("comes back as it was written, in both forms, whatever is in the policy", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 60 }),
          fc.string({
            unit: fc.constantFrom("{", "}", '"', " ", "\t", "\n", "\r", "\r\n", "#", ":", "- ", "é"),
          }),
        ),
        fc.constantFrom("yaml" as const, "json" as const),
        (text, format) => {
          const plan = planWith(wellFormed(text));
          expect(readPlan(planText(plan, format), "plan")).toEqual({ ok: true, value: plan });
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  test("shows a policy line by line in YAML", () => {
    const text = planText(planWith('{\n  "Version": "2012-10-17"\n}\n'), "yaml");
    expect(text).toContain('\n      text: |\n        {\n          "Version": "2012-10-17"\n        }\n');
  });

  test.each(["yaml", "json"] as const)(
    "holds nothing that a terminal acts upon or a reviewer cannot see (%s)",
    (format) => {
      const hostile =
        "\u001b[31m \u009b2J \u0085 \u202e \u200b \u2028 \ufeff \u{e0041} \u{1f600} \u0007 # x: y\n- a: &b *c";
      const plan = planWith(`{"Sid":"\u009b2J"}`);
      const [change] = plan.changes;
      if (change === undefined) throw new Error("the plan has a change");
      change.key.aliases = [hostile];
      change.policy = { ...(change.policy as NonNullable<typeof change.policy>), diff: `-${hostile}\n+b\n` };
      change.revokeGrants = [
        {
          grantId: "a",
          grantee: hostile,
          operations: [],
          name: hostile,
          issuingAccount: null,
          retiringPrincipal: null,
          constraints: { EncryptionContextEquals: { [hostile]: hostile } },
          reason: "",
          notRestorable: [],
        },
      ];
      const text = planText(plan, format);
      expect(text.startsWith("#")).toBe(format === "yaml");
      expect(text).not.toMatch(/[^\n\u0020-\u007e\u{1f600}]/u);
      expect(readPlan(text, "plan")).toEqual({ ok: true, value: plan });
    },
  );

  test("is what the schema of the package describes", () => {
    const schema = JSON.parse(
      readFileSync(new URL("../../schemas/plan.schema.json", import.meta.url), "utf8"),
    ) as Record<string, unknown>;
    const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema);
    validate(planWith("{}"));
    expect(validate.errors).toBeNull();
    expect(validate({ ...planWith("{}"), more: 1 })).toBe(false);
  });

  test("in which a policy was edited is refused", () => {
    const text = planText(planWith('{"Version":"2012-10-17"}'), "json").replace("2012-10-17", "2008-10-17");
    const read = readPlan(text, "plan.json");
    expect(read).toMatchObject({
      ok: false,
      error: { what: "the new policy of a key is not the one that was proved", got: ARN },
    });
  });

  test.each([
    [
      "a failed obligation",
      (p: PlanFile) => ({
        ...p,
        changes: p.changes.map((c) => ({
          ...c,
          obligations: [{ id: "manageable", result: "failed", statement: "", details: [] }],
        })),
      }),
      /failed to show "manageable"/,
    ],
    ["one key twice", (p: PlanFile) => ({ ...p, changes: [...p.changes, ...p.changes] }), /one key twice/],
    [
      "a key without change",
      (p: PlanFile) => ({ ...p, changes: p.changes.map((c) => ({ ...c, policy: null })) }),
      /without any change/,
    ],
    ["an unknown field", (p: PlanFile) => ({ ...p, force: true }), /no plan/],
    ["another schema", (p: PlanFile) => ({ ...p, schema: "keyward.plan/2" }), /no plan/],
  ])("with %s is refused", (_what, spoil, expected) => {
    const read = readPlan(JSON.stringify(spoil(planWith("{}"))), "plan.json");
    expect(read.ok ? "" : read.error.what).toMatch(expected);
  });
});

describe("the digest of grants", () => {
  const grant = (id: string, more: Partial<Grant> = {}): Grant => ({
    GrantId: id,
    Operations: ["Decrypt"],
    ...more,
  });

  test("does not depend on their order, nor on the order of what they hold", () => {
    const a = grant("a", {
      Operations: ["Encrypt", "Decrypt"],
      Constraints: { EncryptionContextSubset: { x: "1", y: "2" } },
    });
    const b = grant("a", {
      Operations: ["Decrypt", "Encrypt"],
      Constraints: { EncryptionContextSubset: { y: "2", x: "1" } },
    });
    expect(grantsDigest([a, grant("b")])).toBe(grantsDigest([grant("b"), b]));
  });

  test.each<[string, Partial<Grant>]>([
    ["an operation", { Operations: ["Decrypt", "Encrypt"] }],
    ["the grantee", { GranteePrincipal: "arn:aws:iam::444455556666:root" }],
    ["a constraint", { Constraints: { SourceArn: "arn:aws:s3:us-east-1:111122223333:b" } }],
    ["the kind of a constraint", { Constraints: { EncryptionContextEquals: {} } }],
  ])("changes with %s", (_what, more) => {
    expect(grantsDigest([grant("a", more)])).not.toBe(grantsDigest([grant("a")]));
  });
});
