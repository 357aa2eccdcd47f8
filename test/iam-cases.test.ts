import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AccountAnalysis } from "../src/iam/account.js";
import { iamOf, iamRole, keyDocument } from "./iam-setting.js";

const texts = z.record(z.string(), z.string());
const iamCase = z.strictObject({
  id: z.string(),
  policy: z.unknown(),
  identity: z.array(z.unknown()),
  boundary: z.unknown().optional(),
  scps: z.array(z.array(z.unknown())).optional(),
  rcp: z.array(z.unknown()).optional(),
  tags: texts.optional(),
  grants: z
    .array(
      z.strictObject({
        GrantId: z.string(),
        GranteePrincipal: z.string(),
        Operations: z.array(z.string()),
        Constraints: z.strictObject({ EncryptionContextSubset: texts.exactOptional() }).exactOptional(),
      }),
    )
    .optional(),
  action: z.string(),
  expect: z.enum(["certain", "conditional", "possible", "none"]),
  why: z.string(),
});

const cases = readFileSync(new URL("cases/iam.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => iamCase.parse(JSON.parse(line)));

describe("the role App of the key's account", () => {
  test.each(cases.map((c) => [`${c.id}: ${c.why}`, c] as const))("%s", (_name, c) => {
    const boundary =
      c.boundary === undefined
        ? {}
        : { boundary: { kind: "present", value: JSON.stringify(c.boundary) } as const };
    const app = iamRole(
      "App",
      c.identity.map((p) => JSON.stringify(p)),
      boundary,
    );
    const analysis = new AccountAnalysis(
      iamOf(app),
      c.scps === undefined
        ? { kind: "none" }
        : { kind: "levels", levels: c.scps.map((level) => level.map((p) => JSON.stringify(p))) },
    );
    const key = keyDocument(JSON.stringify(c.policy), {
      rcps: (c.rcp ?? []).map((p) => JSON.stringify(p)),
      ...(c.tags === undefined ? {} : { tags: c.tags }),
      ...(c.grants === undefined ? {} : { grants: c.grants }),
    });
    const use = analysis.usesOf(app, key).find((u) => u.actions.some((a) => a === c.action));
    expect(use?.certainty ?? "none").toBe(c.expect);
  });
});
