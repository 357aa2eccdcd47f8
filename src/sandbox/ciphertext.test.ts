import fc from "fast-check";
import { expect, test } from "vitest";
import { readBlob } from "./ciphertext.js";

test("any bytes are read or refused, never a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, magic) => {
      const buffer = Buffer.concat([Buffer.from(magic ? "KWS1" : ""), Buffer.from(bytes)]);
      const blob = readBlob(buffer);
      if (blob !== undefined) expect(blob.arn).toMatch(/^arn:aws/);
    }),
  );
});
