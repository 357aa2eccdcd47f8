import { z } from "zod";
import { CAPABILITIES } from "../domain/verdict.js";
import { DIFF_SCHEMA, KEY_CHANGES } from "./diff.js";
import { reach, who, witness } from "./schema.js";

const text = z.string();
const count = z.int().nonnegative();

const source = z
  .discriminatedUnion("kind", [
    z.looseObject({
      kind: z.literal("statement"),
      index: count.describe("From 0."),
      sid: text.exactOptional(),
    }),
    z.looseObject({ kind: z.literal("grant"), grantId: text }),
    z.looseObject({ kind: z.literal("resource-control-policy"), policy: count, statement: count }),
  ])
  .describe("A part of the documents. Of `gained` the new ones, of `lost` the old ones.");

const change = z.looseObject({
  who,
  trusted: z.boolean().describe("Whether that class of callers is inside the zone of trust."),
  source,
  before: z
    .discriminatedUnion("kind", [
      z.looseObject({ kind: z.literal("not-allowed") }),
      z.looseObject({ kind: z.literal("denied"), by: source }),
    ])
    .describe("Why the other side does not allow the witness. `by` is a part of the other side's documents."),
  capabilities: z.array(z.enum(CAPABILITIES)),
  actions: z.array(text),
  certainty: z.enum(["certain", "possible"]),
  doubts: z.array(z.looseObject({ id: text, text })),
  reach,
  witness,
});

const gains = z.looseObject({
  verdict: z
    .enum(["nothing", "something", "unknown"])
    .describe("`nothing` is a proof for every caller, action and context."),
  changes: z.array(change),
  undecided: z.array(z.looseObject({ who: who.nullable(), source: source.nullable(), reason: text })),
});

/** The shape of the JSON result of `keyward diff`. Fields are only added within a version. */
export const diffSchema = z.looseObject({
  schema: z.literal(DIFF_SCHEMA),
  tool: z.looseObject({ name: z.literal("keyward"), version: text }),
  generatedAt: text,
  old: text.describe("The file that was compared with."),
  new: text,
  keys: z
    .array(
      z.looseObject({
        arn: text,
        change: z.enum(KEY_CHANGES),
        meaning: z.enum(["same", "different", "unknown"]),
        textChanged: z.boolean(),
        facts: z.array(text).describe("Facts about the key that differ."),
        gained: gains,
        lost: gains,
      }),
    )
    .describe("Every key but those that are byte for byte the same and were read in full."),
  notes: z.array(text),
  incomplete: z.array(z.looseObject({ where: text, call: text, code: text })),
  summary: z.looseObject({
    keys: count,
    unchanged: count,
    changed: count,
    added: count,
    removed: count,
    sameMeaning: count,
    gained: count,
    lost: count,
    unknown: count,
  }),
});
