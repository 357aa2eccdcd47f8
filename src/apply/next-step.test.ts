import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { CallFailure } from "../collect/ports.js";
import { refusalText } from "./next-step.js";

const failure = (more: Partial<CallFailure>): CallFailure => ({
  kind: "other",
  call: "kms:PutKeyPolicy",
  code: "X",
  message: "m",
  ...more,
});

describe("what is said of a call that AWS refused", () => {
  it.each<[Partial<CallFailure>, string]>([
    [{ kind: "throttled", code: "ThrottlingException" }, "the account's quota is used up by others"],
    [{ kind: "unreachable", code: "ECONNREFUSED" }, "check the network, the proxy and --endpoint-url"],
    [{ kind: "stopped", code: "AbortError" }, "keyward apply --resume RUN."],
    [
      { kind: "credentials", code: "ExpiredToken", help: "Sign in." },
      "Sign in. Then keyward apply --resume RUN.",
    ],
    [
      {
        code: "MalformedPolicyDocumentException",
        message: "The new key policy will not allow you to update the key policy in the future.",
      },
      "AWS's lockout safety check wants the caller to be able to change the policy again",
    ],
  ])("%j", (more, next) => {
    const text = refusalText(failure(more));
    expect(text.startsWith(`kms:PutKeyPolicy: ${more.code ?? ""}: `)).toBe(true);
    expect(text).toContain(`Next: ${next}`);
  });

  it("keeps hostile and endless messages in bounds, with the next step behind them", () => {
    const text = refusalText(failure({ message: `\u001b[2J${"x".repeat(5000)}` }));
    expect(text).not.toContain("\u001b");
    expect(text.length).toBeLessThan(500);
    expect(text).toMatch(/Next: look the code up .*keyward rollback RUN\.$/);
  });
});

it("every error of apply and rollback says where it is and what to do next", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const folders = ["src/apply", "src/cli/change"].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).map((f) => `${folder}/${f}`),
  );
  const files = [...folders, "src/cli/apply.ts", "src/cli/rollback.ts", "src/cli/verify.ts"];
  let count = 0;
  for (const file of files.filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"))) {
    const source = readFileSync(`${root}${file}`, "utf8");
    // From the line that begins it to the one that ends it, as deeply indented.
    for (const [, , body = ""] of source.matchAll(/^( *).*new KeywardError\(\{([\s\S]*?)\n\1\}\)/gm)) {
      count++;
      expect(body, file).toMatch(/\bwhat:/);
      expect(body, file).toMatch(/\bwhere[:,]/);
      expect(body, file).toMatch(/\bnext[:,]/);
    }
  }
  expect(count).toBeGreaterThan(20);
});
