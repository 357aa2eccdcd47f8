import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordScanner } from "./scan.js";
import type { ScanEnd } from "./scan.js";

/** Scans text that comes in pieces of the given sizes (the last size again and again). */
function scan(
  text: string | Buffer,
  sizes: readonly number[] = [1 << 20],
  maxRecord?: number,
): { records: unknown[]; raw: string[]; end: ScanEnd } {
  const raw: string[] = [];
  const scanner = new RecordScanner((json) => raw.push(json), maxRecord);
  const bytes = Buffer.from(text);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[Math.min(i, sizes.length - 1)] ?? 1);
    scanner.push(bytes.subarray(at, at + size));
    at += size;
  }
  const end = scanner.end();
  return { raw, end, records: raw.map((json) => JSON.parse(json) as unknown) };
}

const isKms = (record: unknown): boolean =>
  typeof record === "object" &&
  record !== null &&
  "eventSource" in record &&
  record.eventSource === "kms.amazonaws.com";

/** Strings that try to look like structure, like KMS, and like escapes. */
const hostileString = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    '{"eventSource":"kms.amazonaws.com"}',
    '"},{"',
    "]}",
    '\\"',
    "\\",
    '\\\\"',
    "kms.amazonaws.com",
    "\u2028",
    "}{][",
    '"',
  ),
);
const json = fc.jsonValue({ stringUnit: "binary", maxDepth: 4 });
const record = fc
  .record({
    eventSource: fc.constantFrom("kms.amazonaws.com", "s3.amazonaws.com", "kms.amazonaws.com.evil", 7, null),
    eventName: hostileString,
    nested: fc.oneof(
      json,
      fc.record({ eventSource: fc.constant("kms.amazonaws.com"), list: fc.array(hostileString) }),
    ),
    text: hostileString,
  })
  .chain((r) => fc.shuffledSubarray(Object.entries(r), { minLength: 4, maxLength: 4 }))
  .map((pairs) => Object.fromEntries(pairs));

/** The same JSON with `\u` escapes for some of its letters, as a writer may. */
function escaped(text: string, every: number): string {
  let n = 0;
  return text.replace(/kms\.amazonaws\.com/g, (name) =>
    Array.from(name)
      .map((c) => (n++ % every === 0 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}` : c))
      .join(""),
  );
}

describe("RecordScanner", () => {
  it("hands out every record of KMS, as JSON.parse has it, however the file is written and cut into pieces", () => {
    let seen = 0;
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 8 }),
        fc.constantFrom(undefined, 1, 2, "\t", "\r\n  "),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 5 }),
        fc.boolean(),
        (records, indent, sizes, every, around) => {
          const file = around
            ? { before: { Records: [1] }, Records: records, after: ["]", { a: "}" }] }
            : { Records: records };
          const plain = JSON.stringify(file, null, indent);
          const text = every === 0 ? plain : escaped(plain, every);
          const result = scan(text, sizes);
          expect(result.end).toMatchObject({
            records: records.length,
            tooLarge: 0,
            notObjects: 0,
            problem: undefined,
          });
          const expected = (JSON.parse(text) as { Records: unknown[] }).Records.filter(isKms);
          seen += expected.length;
          expect(result.records.filter(isKms)).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
    expect(seen).toBeGreaterThan(100);
  });

  it("does not parse what cannot be of KMS, but for the first record", () => {
    const { raw } = scan('{"Records":[{"a":1},{"a":2},{"eventSource":"kms.amazonaws.com"},{"a":"\\u0026"}]}');
    expect(raw).toEqual(['{"a":1}', '{"eventSource":"kms.amazonaws.com"}']);
  });

  it("uses what stands before the point where a file is cut off, wherever that is", () => {
    const whole = JSON.stringify({
      Records: [1, 2, 3].map((n) => ({ eventSource: "kms.amazonaws.com", n, text: '"}]' })),
    });
    for (let cut = 1; cut < whole.length; cut++) {
      const { records, end } = scan(whole.slice(0, cut), [7]);
      expect(end.problem?.kind, whole.slice(0, cut)).toBe("truncated");
      expect(records).toEqual((JSON.parse(whole) as { Records: unknown[] }).Records.slice(0, end.records));
    }
  });

  it.each([
    ["", "malformed"],
    ["[]", "malformed"],
    ["{}", "malformed"],
    ['{"Records":{}}', "malformed"],
    ['{"Records":[{} {}]}', "malformed"],
    ['{"Records":[{},]}', "malformed"],
    ['{"Records":[]} x', "malformed"],
    ['{"Records":[{}', "truncated"],
    ['{"Records":[{"a":"', "truncated"],
  ])("says what is wrong with %j", (text, kind) => {
    expect(scan(text).end.problem?.kind).toBe(kind);
  });

  it("counts elements that are no objects, and goes on", () => {
    const { records, end } = scan(
      '{"Records":[null,{"eventSource":"kms.amazonaws.com"},"}",[{"a":1}],3]}',
      [3],
    );
    expect(end).toMatchObject({ records: 1, notObjects: 4, problem: undefined });
    expect(records).toEqual([{ eventSource: "kms.amazonaws.com" }]);
  });

  it("passes over a record that is too large without keeping it", () => {
    const large = { eventSource: "kms.amazonaws.com", text: "x".repeat(5000) };
    const small = { eventSource: "kms.amazonaws.com", n: 1 };
    for (const sizes of [[1 << 20], [100], [1]]) {
      const { records, end } = scan(JSON.stringify({ Records: [small, large, small] }), sizes, 1000);
      expect(end).toMatchObject({ records: 3, tooLarge: 1, problem: undefined });
      expect(records).toEqual([small, small]);
    }
  });

  it("survives nesting without end", () => {
    const deep = `{"eventSource":"kms.amazonaws.com","a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    expect(scan(`{"Records":[${deep},{}]}`, [1000]).end).toMatchObject({ records: 2, problem: undefined });
  });
});
