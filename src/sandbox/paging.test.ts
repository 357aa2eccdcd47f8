import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Input } from "./input.js";
import { type PageLimits, Pager } from "./paging.js";

const pager = new Pager(Buffer.from("secret"));
const LIMITS: PageLimits = { default: 3, max: 10 };
const self = (id: string): string => id;

function page(items: readonly string[], parameters: object, list = "list") {
  return pager.page(new Input({ ...parameters }), LIMITS, list, items, self);
}

describe("Pager", () => {
  test("pages put together are the list, whatever their size", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { maxLength: 40 }),
        fc.integer({ min: 1, max: 10 }),
        (ids, limit) => {
          const items = [...ids].sort((a, b) => (a < b ? -1 : 1));
          const seen: string[] = [];
          let marker: string | undefined;
          do {
            const part = page(items, { Limit: limit, ...(marker === undefined ? {} : { Marker: marker }) });
            expect(part.items.length).toBeLessThanOrEqual(limit);
            expect(part.end.Truncated).toBe(part.end.NextMarker !== undefined);
            seen.push(...part.items);
            marker = part.end.NextMarker;
          } while (marker !== undefined);
          expect(seen).toEqual(items);
        },
      ),
    );
  });

  test("uses the default and refuses what is over the maximum", () => {
    const items = ["a", "b", "c", "d"];
    expect(page(items, {}).items).toEqual(["a", "b", "c"]);
    expect(() => page(items, { Limit: 11 })).toThrow("less than or equal to 10");
    expect(() => page(items, { Limit: 0 })).toThrow("greater than or equal to 1");
  });

  test("a marker still works when its item is gone", () => {
    const marker = page(["a", "b", "c", "d"], { Limit: 2 }).end.NextMarker;
    expect(page(["a", "c", "d"], { Marker: marker }).items).toEqual(["c", "d"]);
  });

  test("a marker is good for its own list only, and cannot be made up", () => {
    const marker = page(["a", "b"], { Limit: 1 }).end.NextMarker ?? "";
    expect(() => page(["a", "b"], { Marker: marker }, "another")).toThrow("Could not deserialize marker");
    for (const made of ["x", ".", Buffer.from("a").toString("base64url"), `${marker}A`]) {
      expect(() => page(["a", "b"], { Marker: made })).toThrow("Could not deserialize marker");
    }
  });
});
