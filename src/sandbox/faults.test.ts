import { describe, expect, test } from "vitest";
import { Faults, parseFault } from "./faults.js";

describe("parseFault", () => {
  test.each([
    ["reset:0.01", { effect: { kind: "reset" }, probability: 0.01, times: Infinity }],
    ["*=hang", { effect: { kind: "hang" }, probability: 1 }],
    ["sts:AssumeRole=throttle", { effect: { kind: "error" }, probability: 1 }],
    ["PutKeyPolicy=after-500#1@arn:aws:kms:*", { effect: { kind: "after" }, times: 1 }],
    ["slow-250:0.5#3", { effect: { kind: "slow", ms: 250 }, probability: 0.5, times: 3 }],
  ])("%s", (text, expected) => {
    expect(parseFault(text)).toMatchObject(expected);
  });

  test.each([
    "",
    "GetKeyPolicy",
    "x=",
    "*=throttle:2",
    "*=throttle:0",
    "*=404",
    "slow-",
    "stale",
    "after-400",
    "reset#0",
    "a b=reset",
    "*=nope",
  ])("refuses %j and says what it expected", (text) => {
    expect(() => parseFault(text)).toThrow(/--fault: this is no fault[\s\S]*expected:[\s\S]*next:/);
  });

  test.each([
    ["503", 503, "ServiceUnavailable"],
    ["500", 500, "InternalFailure"],
  ])("%s is an HTTP status", (text, status, code) => {
    for (const what of [text, `after-${text}`]) {
      const { effect } = parseFault(`*=${what}`);
      const error = effect.kind === "error" || effect.kind === "after" ? effect.error : undefined;
      expect([error?.status, error?.code]).toEqual([status, code]);
    }
  });
});

describe("Faults", () => {
  test("a target is a pattern over the whole ARN", () => {
    const faults = new Faults([parseFault("*=hang@arn:aws:kms:*:1111*")], () => 0);
    expect(faults.strike("kms:ListGrants", "arn:aws:kms:eu-west-1:111122223333:key/1").failure).toEqual({
      kind: "hang",
    });
    expect(
      faults.strike("kms:ListGrants", "arn:aws:kms:eu-west-1:222233334444:key/1").failure,
    ).toBeUndefined();
    expect(faults.strike("kms:ListKeys", "111122223333/eu-west-1").failure).toBeUndefined();
  });

  test("chance is compared with the probability", () => {
    const draws = [0.19, 0.2];
    const faults = new Faults([parseFault("*=reset:0.2")], () => draws.shift() ?? 1);
    expect(faults.strike("kms:ListKeys", "x").failure).toEqual({ kind: "reset" });
    expect(faults.strike("kms:ListKeys", "x").failure).toBeUndefined();
  });

  test("an operation is a name of KMS, one with its service, or a pattern", () => {
    const struck = (spec: string, operation: string): boolean =>
      new Faults([parseFault(spec)], () => 0).strike(operation, "x").failure !== undefined;
    expect(struck("GetKeyPolicy=hang", "kms:GetKeyPolicy")).toBe(true);
    expect(struck("GetKeyPolicy=hang", "iam:GetKeyPolicy")).toBe(false);
    expect(struck("sts:AssumeRole=hang", "sts:AssumeRole")).toBe(true);
    expect(struck("organizations:*=hang", "organizations:ListRoots")).toBe(true);
    expect(struck("organizations:*=hang", "kms:ListKeys")).toBe(false);
  });

  test("delays add up before the failure, and a fault ends after so many times", () => {
    const specs = ["slow-10", "ListKeys=slow-5", "stale-7", "stale-3", "throttle#2", "slow-1000"];
    const faults = new Faults(specs.map(parseFault), () => 0);
    expect(faults.strike("kms:ListKeys", "x")).toMatchObject({
      failure: { kind: "error" },
      slowMs: 15,
      staleMs: 7,
    });
    expect(faults.strike("kms:ListAliases", "x")).toMatchObject({ failure: { kind: "error" }, slowMs: 10 });
    expect(faults.strike("kms:ListKeys", "x")).toEqual({ failure: undefined, slowMs: 1015, staleMs: 7 });
  });
});
