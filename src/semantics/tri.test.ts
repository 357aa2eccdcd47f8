import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { all, any, atMostDoubtful, doubtful, NO, not, YES, type Tri } from "./tri.js";

const values = fc.constantFrom<Tri>(YES, NO, doubtful("empty-value-list"), doubtful("key-fact-unknown"));

describe("three-valued logic", () => {
  it("drops the doubts that do not decide", () => {
    expect(all([NO, doubtful("empty-value-list")])).toEqual(NO);
    expect(any([YES, doubtful("empty-value-list")])).toEqual(YES);
    expect(all([YES, doubtful("empty-value-list")])).toEqual(doubtful("empty-value-list"));
    expect(atMostDoubtful(NO, "empty-value-list")).toEqual(NO);
    expect(atMostDoubtful(YES, "empty-value-list")).toEqual(doubtful("empty-value-list"));
  });

  it("names each doubt once", () => {
    expect(all([doubtful("empty-value-list"), doubtful("empty-value-list", "key-fact-unknown")])).toEqual(
      doubtful("empty-value-list", "key-fact-unknown"),
    );
  });

  it("takes nothing for an empty list: all of it, and none of it", () => {
    expect(all([])).toEqual(YES);
    expect(any([])).toEqual(NO);
  });

  it("obeys De Morgan and double negation", () => {
    fc.assert(
      fc.property(fc.array(values), (items) => {
        expect(not(all(items))).toEqual(any(items.map(not)));
        expect(items.map(not).map(not)).toEqual(items);
      }),
    );
  });
});
