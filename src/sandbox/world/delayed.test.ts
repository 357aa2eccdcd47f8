import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grant } from "../../domain/grant.js";
import { Delayed } from "./delayed.js";
import { GrantBook } from "./grants.js";

describe("Delayed", () => {
  test("a reader sees what was current at the moment", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 100 }), (gaps, keep) => {
        const value = new Delayed(-1, keep);
        const log: { readonly at: number; readonly value: number }[] = [];
        let now = 0;
        gaps.forEach((gap, i) => {
          now += gap;
          value.set(i, now);
          log.push({ at: now, value: i });
          const moment = now - keep;
          const expected = log.findLast((e) => e.at <= moment)?.value ?? -1;
          expect(value.at(moment)).toBe(expected);
          expect(value.current).toBe(i);
        });
      }),
    );
  });
});

describe("GrantBook", () => {
  const grant = (id: string): Grant => ({ GrantId: id });
  const ids = (grants: readonly Grant[]): string[] => grants.map((g) => g.GrantId);

  test("keeps grants in order of id and forgets removed ones in time", () => {
    const book = new GrantBook([grant("b")], 10);
    book.add(grant("a"), 100);
    expect(ids(book.active)).toEqual(["a", "b"]);
    expect(ids(book.at(99))).toEqual(["b"]);
    book.remove("b", 105);
    expect(ids(book.active)).toEqual(["a"]);
    expect(book.get("b")).toBeUndefined();
    expect(ids(book.at(104))).toEqual(["a", "b"]);
    book.add(grant("c"), 200);
    expect(ids(book.at(104))).toEqual(["a"]);
  });

  test("without delay, reading is the present", () => {
    const book = new GrantBook([], 0);
    book.add(grant("a"), 5);
    expect(ids(book.at(0))).toEqual(["a"]);
    book.remove("a", 6);
    expect(ids(book.at(0))).toEqual([]);
  });
});
