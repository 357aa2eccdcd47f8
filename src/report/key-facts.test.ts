import { expect, test } from "vitest";
import type { KeyLine } from "../snapshot/lines.js";
import { keyFacts, keyFactsLines } from "./key-facts.js";

const BARE: KeyLine = {
  type: "key",
  arn: "arn:aws:kms:us-east-1:111122223333:key/12345678-1234-1234-1234-123456789012",
  policy: { kind: "present", text: "{}" },
};

test("what was not read is neither shown nor written", () => {
  expect(keyFacts(BARE)).toEqual({});
  expect(keyFactsLines(keyFacts(BARE), false)).toEqual([]);
});

test("what was read is shown, and a key that is not rotated is told from one of which that is not known", () => {
  const line: KeyLine = {
    ...BARE,
    aliases: ["alias/pay"],
    description: "cards",
    tags: { team: "pay" },
    createdAt: "2024-03-11T09:30:00Z",
    rotationEnabled: false,
    lastUsedAt: "2026-11-22T23:10:00Z",
  };
  expect(keyFactsLines(keyFacts(line), false)).toEqual([
    "alias/pay",
    "description: cards",
    "tags: team=pay",
    "made: 2024-03-11T09:30:00Z",
    "rotated by AWS: no",
    "last used: 2026-11-22T23:10:00Z",
  ]);
});

test("a key that was not used since AWS keeps track is not one of which nothing is known", () => {
  const facts = keyFacts({ ...BARE, usageTrackedSince: "2026-01-01T00:00:00Z" });
  expect(keyFactsLines(facts, false)).toEqual([
    "last used: not since 2026-01-01T00:00:00Z, when AWS began to keep track",
  ]);
});

test("foreign text is inert, and long lists are cut unless all is wanted", () => {
  const tags = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`t${i}`, "\u001b[2J"]));
  const [few = ""] = keyFactsLines({ tags }, false);
  expect(few).toContain("t5=\\u{1b}[2J and 3 more (--all)");
  expect(few).not.toContain("\u001b");
  expect(keyFactsLines({ tags }, true)[0]).toContain("t8=");
});
