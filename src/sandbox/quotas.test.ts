import { describe, expect, test } from "vitest";
import { Quotas, quotaOf } from "./quotas.js";

describe("quotas", () => {
  test("are AWS's", () => {
    expect(quotaOf("ListGrants", "us-east-1")).toEqual({ bucket: "ListGrants", perSecond: 100 });
    expect(quotaOf("GetKeyLastUsage", "eu-west-3")?.perSecond).toBe(5);
    expect(quotaOf("Decrypt", "us-east-1")).toEqual({ bucket: "cryptographic", perSecond: 100_000 });
    expect(quotaOf("Encrypt", "eu-west-2")?.perSecond).toBe(20_000);
    expect(quotaOf("Encrypt", "eu-west-3")?.perSecond).toBe(10_000);
    expect(quotaOf("ListRegions", "us-east-1")).toBeUndefined();
  });

  test("a steady caller at the quota is never throttled, a faster one is", () => {
    const run = (perSecond: number): number => {
      const quotas = new Quotas();
      let refused = 0;
      for (let i = 0; i < perSecond * 10; i++) {
        try {
          quotas.take("a", "r", "ListGrants", (i * 1000) / perSecond);
        } catch {
          refused += 1;
        }
      }
      return refused;
    };
    expect(run(100)).toBe(0);
    // 10 s at 150/s: 1500 requests, of which a full bucket and 10 s of refill pass.
    expect(run(150)).toBeGreaterThan(380);
    expect(run(150)).toBeLessThan(405);
  });

  test("a clock that goes backwards gives nothing away", () => {
    const quotas = new Quotas();
    for (let i = 0; i < 5; i++) quotas.take("a", "r", "EnableKey", 10_000);
    expect(() => quotas.take("a", "r", "EnableKey", 0)).toThrow("exceeded the rate");
  });
});
