import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inTurns } from "./turns.js";

const arn = (region: string, n: number, account = "111122223333"): string =>
  `arn:aws:kms:${region}:${account}:key/1234abcd-12ab-34cd-56ef-${String(n).padStart(12, "0")}`;

describe("turns", () => {
  it("go around accounts and Regions", () => {
    const [a, b, c] = [1, 2, 3].map((n) => arn("us-east-1", n));
    const d = arn("eu-west-1", 4);
    const [e, f] = [5, 6].map((n) => arn("us-east-1", n, "222233334444"));
    expect(inTurns([a, b, c, d, e, f], String)).toEqual([a, d, e, b, f, c]);
  });

  it("leave nothing out, and keep the order within a Region", () => {
    const keys = fc.array(
      fc.record({ region: fc.constantFrom("us-east-1", "eu-west-1", "nonsense"), n: fc.nat(99) }),
    );
    fc.assert(
      fc.property(keys, (list) => {
        const items = list.map(({ region, n }, at) => ({ key: arn(region, n), region, at }));
        const out = inTurns(items, (i) => i.key);
        expect(out.map((i) => i.at).sort((x, y) => x - y)).toEqual(items.map((i) => i.at));
        for (const region of ["us-east-1", "eu-west-1", "nonsense"]) {
          expect(out.filter((i) => i.region === region)).toEqual(items.filter((i) => i.region === region));
        }
      }),
    );
  });
});
