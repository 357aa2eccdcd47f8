import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainKeyLine } from "./key-line.js";
import { snapshotLineSchema } from "./schema.js";

const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const text = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom("CUSTOMER", "present", "absent", ARN));
/** What may stand in any place: sometimes what belongs there, often what does not. */
const anything = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.constant(null),
  fc.array(text),
  fc.dictionary(text, text),
);
const maybe = <T>(arb: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: arb, weight: 80 }, { arbitrary: anything, weight: 1 });
const pairs = fc.dictionary(fc.oneof(text, fc.constant("__proto__")), maybe(text), { maxKeys: 3 });
const grant = fc.record(
  {
    GrantId: maybe(text),
    KeyId: maybe(text),
    Name: maybe(text),
    CreationDate: maybe(text),
    GranteePrincipal: maybe(text),
    GranteeServicePrincipal: maybe(text),
    RetiringPrincipal: maybe(text),
    RetiringServicePrincipal: maybe(text),
    IssuingAccount: maybe(text),
    Operations: maybe(fc.array(maybe(text), { maxLength: 3 })),
    Constraints: maybe(
      fc.record(
        {
          EncryptionContextSubset: maybe(pairs),
          EncryptionContextEquals: maybe(pairs),
          SourceArn: maybe(text),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: ["GrantId"] },
);
const fetched = (name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant("present"), [name]: value }), weight: 30 },
    fc.record({ kind: fc.constant("present"), [name]: value, more: text }, { requiredKeys: ["kind"] }),
    fc.record({ kind: fc.constantFrom("absent", "unreadable") }),
    fc.record({ kind: fc.constant("absent"), [name]: value }),
    fc.record({ kind: fc.constant("unreadable"), code: maybe(text) }),
  );
const line = fc.record(
  {
    type: fc.oneof({ arbitrary: fc.constant("key"), weight: 30 }, { arbitrary: anything, weight: 1 }),
    arn: fc.oneof({ arbitrary: fc.constant(ARN), weight: 30 }, { arbitrary: anything, weight: 1 }),
    manager: fc.constantFrom("CUSTOMER", "CUSTOMER", "CUSTOMER", "AWS", "AWS", "Aws"),
    state: maybe(text),
    spec: maybe(text),
    usage: maybe(text),
    origin: maybe(text),
    multiRegion: maybe(fc.boolean()),
    multiRegionKeyType: maybe(text),
    relatedKeys: maybe(fc.array(fc.oneof(fc.constant(ARN), maybe(text)), { maxLength: 2 })),
    description: maybe(text),
    createdAt: maybe(text),
    deletionDate: maybe(text),
    rotationEnabled: maybe(fc.boolean()),
    lastUsedAt: maybe(text),
    aliases: maybe(fc.array(maybe(text), { maxLength: 2 })),
    tags: maybe(pairs),
    policy: fetched("text", maybe(text)),
    grants: fetched("items", maybe(fc.array(maybe(grant), { maxLength: 2 }))),
  },
  { requiredKeys: ["type", "arn", "policy"] },
);
const lineOrMore = fc.oneof(
  { arbitrary: line, weight: 9 },
  { arbitrary: fc.tuple(line, text, text).map(([l, name, value]) => ({ ...l, [name]: value })), weight: 1 },
);

describe("the quick check of a key line", () => {
  test("accepts nothing that the schema refuses, and reads it as the schema does", () => {
    let accepted = 0;
    fc.assert(
      fc.property(lineOrMore, (made) => {
        // As it comes out of a file: own properties only, `__proto__` among them.
        const json: unknown = JSON.parse(JSON.stringify(made));
        const quick = plainKeyLine(json);
        if (quick === undefined) return;
        accepted++;
        expect(snapshotLineSchema.parse(json)).toEqual(quick);
      }),
      { seed: 11, numRuns: 6000 },
    );
    // The property says nothing if hardly any line is accepted.
    expect(accepted).toBeGreaterThan(300);
  });

  test("accepts the keys that keyward scan writes", () => {
    const json = {
      type: "key",
      arn: ARN,
      manager: "CUSTOMER",
      state: "Enabled",
      aliases: ["alias/a"],
      tags: { team: "pay" },
      policy: { kind: "present", text: "{}" },
      grants: { kind: "present", items: [{ GrantId: "g", Operations: ["Decrypt"], Constraints: {} }] },
    };
    expect(plainKeyLine(json)).toBe(json);
  });

  test.each([
    ["an unknown field", { more: 1 }],
    ["an alias ARN", { arn: "arn:aws:kms:us-east-1:111122223333:alias/a" }],
    ["a field of the wrong type", { state: 1 }],
    ["a key without a policy", { policy: undefined }],
    ["an unknown field of a grant", { grants: { kind: "present", items: [{ GrantId: "g", More: "x" }] } }],
    ["a grant without an id", { grants: { kind: "present", items: [{}] } }],
  ])("leaves %s to the schema", (_what, change) => {
    const json = { type: "key", arn: ARN, policy: { kind: "present", text: "{}" }, ...change };
    expect(plainKeyLine(JSON.parse(JSON.stringify(json)))).toBeUndefined();
  });
});
