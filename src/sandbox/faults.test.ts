import { describe, expect, test } from "vitest";
import { Faults, parseFault } from "./faults.js";

describe("parseFault", () => {
  test.each([
    ["reset:0.01", { operation: "*", effect: { kind: "reset" }, probability: 0.01 }],
    ["*=hang", { operation: "*", effect: { kind: "hang" }, probability: 1 }],
    ["sts:AssumeRole=throttle", { operation: "sts:AssumeRole", probability: 1 }],
    ["GetKeyPolicy=AccessDeniedException", { operation: "kms:GetKeyPolicy" }],
  ])("%s", (text, expected) => {
    expect(parseFault(text)).toMatchObject(expected);
  });

  test.each(["", "GetKeyPolicy", "x=", "*=throttle:2", "*=throttle:0", "*=404", "a b=reset", "*=nope"])(
    "refuses %j and says what it expected",
    (text) => {
      expect(() => parseFault(text)).toThrow(/--fault: this is no fault[\s\S]*expected:[\s\S]*next:/);
    },
  );

  test.each([
    ["503", 503, "ServiceUnavailable"],
    ["500", 500, "InternalFailure"],
  ])("%s is an HTTP status", (text, status, code) => {
    const { effect } = parseFault(`*=${text}`);
    expect(effect.kind === "error" ? [effect.error.status, effect.error.code] : []).toEqual([status, code]);
  });
});

describe("Faults", () => {
  test("a target is a pattern over the whole ARN", () => {
    const faults = new Faults([parseFault("*=hang@arn:aws:kms:*:1111*")], () => 0);
    expect(faults.strike("kms:ListGrants", "arn:aws:kms:eu-west-1:111122223333:key/1")).toBeDefined();
    expect(faults.strike("kms:ListGrants", "arn:aws:kms:eu-west-1:222233334444:key/1")).toBeUndefined();
    expect(faults.strike("kms:ListKeys", "111122223333/eu-west-1")).toBeUndefined();
  });

  test("chance is compared with the probability", () => {
    const draws = [0.19, 0.2];
    const faults = new Faults([parseFault("*=reset:0.2")], () => draws.shift() ?? 1);
    expect(faults.strike("kms:ListKeys", "x")).toEqual({ kind: "reset" });
    expect(faults.strike("kms:ListKeys", "x")).toBeUndefined();
  });
});
