import { describe, expect, it } from "vitest";
import { KNOWN_ACCOUNTS_TEXT } from "./known-accounts-data.js";
import { knownAccount, knownAccountName } from "./known-accounts.js";
import { inert } from "./inert.js";

describe("known accounts", () => {
  it("names the vendor whose documentation names the account", () => {
    // https://docs.datadoghq.com/integrations/guide/aws-manual-setup/ names it.
    expect(knownAccount("464622532012")).toEqual({ name: "Datadog", kind: "vendor", retired: false });
    expect(knownAccountName("464622532012")).toBe("Datadog");
  });

  it("says that an account belongs to AWS", () => {
    // Classic Load Balancers of us-east-1, https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/enable-access-logs.html
    expect(knownAccountName("127311923021")).toBe("AWS ELB logs");
  });

  it("knows nothing about other accounts", () => {
    for (const id of ["111122223333", "", "46462253201", "toString"])
      expect(knownAccount(id)).toBeUndefined();
  });

  it("holds lines of four parts, with twelve-digit accounts and printable names", () => {
    const lines = KNOWN_ACCOUNTS_TEXT.trim().split("\n");
    expect(lines.length).toBeGreaterThan(200);
    for (const line of lines) {
      expect(line).toMatch(/^[^|]+\|(vendor|aws)\|(retired)?\|[0-9]{12}( [0-9]{12})*$/);
      expect(inert(line)).toBe(line);
    }
  });
});
