import { describe, expect, it } from "vitest";
import { builtInRegions, PARTITIONS } from "../collect/regions.js";
import { expectedRegion, parseRegion } from "./region-name.js";

describe("the name of a Region", () => {
  it("is taken where the Region is known, or named as AWS names new ones", () => {
    for (const name of PARTITIONS.flatMap((p) => builtInRegions(p))) expect(parseRegion(name)).toBe(name);
    for (const name of ["eu-north-2", "us-gov-central-1", "ap-northeast-4", "xy-southwest-1"]) {
      expect(parseRegion(name)).toBe(name);
    }
  });

  it.each([
    ["us-esat-1", "us-east-1"],
    ["US-EAST-1", "us-east-1"],
    ["us-east-1a", "us-east-1"],
    ["eu-wets-1", "eu-west-1"],
    ["eu_west_3", "eu-west-3"],
    ["us-gov-wst-1", "us-gov-west-1"],
  ])("%s is refused, and %s is what may have been meant", (text, near) => {
    expect(parseRegion(text)).toBeUndefined();
    expect(expectedRegion(text)).toBe(`a Region such as eu-west-1; did you mean ${near}?`);
  });

  it.each(["", "nowhere", "xx-nowhere-9", "x.evil.example/", "us-east-0"])("%j is refused", (text) => {
    expect(parseRegion(text)).toBeUndefined();
  });

  it("is not guessed where nothing is near", () => {
    expect(expectedRegion("nowhere")).toBe("a Region such as eu-west-1");
  });
});
