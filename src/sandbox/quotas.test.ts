import { describe, expect, test } from "vitest";
import { Quotas, quotaOf } from "./quotas.js";

describe("quotas", () => {
  test("are AWS's", () => {
    const steady = { bucket: "ListGrants", perSecond: 100, burst: 100, global: false };
    expect(quotaOf("kms:ListGrants", "us-east-1")).toEqual(steady);
    expect(quotaOf("kms:GetKeyLastUsage", "eu-west-3")?.perSecond).toBe(5);
    expect(quotaOf("kms:Decrypt", "us-east-1")).toMatchObject({
      bucket: "cryptographic",
      perSecond: 100_000,
    });
    expect(quotaOf("kms:Encrypt", "eu-west-2")?.perSecond).toBe(20_000);
    expect(quotaOf("kms:Encrypt", "eu-west-3")?.perSecond).toBe(10_000);
    expect(quotaOf("kms:Nonsense", "us-east-1")).toBeUndefined();
    expect(quotaOf("sts:AssumeRole", "eu-west-3")?.bucket).toBe(
      quotaOf("sts:GetCallerIdentity", "eu-west-3")?.bucket,
    );
    expect(quotaOf("organizations:ListAccounts", "us-east-1")).toMatchObject({ perSecond: 8, burst: 12 });
  });

  const asker = (account: string, region = "r", organization?: string) => ({ account, region, organization });
  const passed = (quotas: Quotas, who: ReturnType<typeof asker>, operation: string, tries: number): number =>
    Array.from({ length: tries }, () => {
      try {
        quotas.take(who, operation, 0);
        return 1;
      } catch {
        return 0;
      }
    }).reduce<number>((a, b) => a + b, 0);

  test("are for each account and Region, except those of global services", () => {
    const quotas = new Quotas();
    expect(passed(quotas, asker("a"), "kms:PutKeyPolicy", 20)).toBe(15);
    expect(passed(quotas, asker("a", "s"), "kms:PutKeyPolicy", 20)).toBe(15);
    expect(passed(quotas, asker("b"), "kms:PutKeyPolicy", 20)).toBe(15);
    expect(passed(quotas, asker("a"), "organizations:DescribeAccount", 50)).toBe(30);
    expect(passed(quotas, asker("a", "s"), "organizations:DescribeAccount", 50)).toBe(0);
  });

  test("of Organizations hold for the whole organization as well", () => {
    const quotas = new Quotas();
    expect(passed(quotas, asker("a", "r", "o"), "organizations:ListAccounts", 50)).toBe(12);
    expect(passed(quotas, asker("b", "r", "o"), "organizations:ListAccounts", 50)).toBe(3);
    expect(passed(quotas, asker("c", "r", "p"), "organizations:ListAccounts", 50)).toBe(12);
  });

  test("can be set for single operations", () => {
    const quotas = new Quotas(new Map([["kms:ListKeys", 2]]));
    expect(passed(quotas, asker("a"), "kms:ListKeys", 10)).toBe(2);
    expect(passed(quotas, asker("a"), "kms:PutKeyPolicy", 20)).toBe(15);
  });

  test("a steady caller at the quota is never throttled, a faster one is", () => {
    const run = (perSecond: number): number => {
      const quotas = new Quotas();
      let refused = 0;
      for (let i = 0; i < perSecond * 10; i++) {
        try {
          quotas.take(asker("a"), "kms:ListGrants", (i * 1000) / perSecond);
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
    for (let i = 0; i < 5; i++) quotas.take(asker("a"), "kms:EnableKey", 10_000);
    expect(() => quotas.take(asker("a"), "kms:EnableKey", 0)).toThrow("exceeded the rate");
  });
});
