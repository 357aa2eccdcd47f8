import { z } from "zod";

/** What `keyward apply --rehearse` found, as it stands in the plan file. */
export const REHEARSAL_SCHEMA = "keyward.rehearsal/1";

const text = z.string();
const count = z.int().nonnegative();

const use = z
  .strictObject({
    key: text,
    principal: text,
    action: text,
    count,
    lastSeen: text,
    after: z
      .enum(["allow", "deny", "unknown", "untold"])
      .describe("untold: the evidence does not name who called."),
    foreseen: z.boolean().describe("The plan lists it under willBreak."),
  })
  .describe("An observed use that was allowed before the change and will not, or may not, be after it.");

const uses = z
  .strictObject({
    evidence: text.describe("The usage file."),
    kept: count.describe("Requests that were allowed before and still are, as often as they were seen."),
    broken: z.array(use).readonly(),
    notReplayable: count.describe(
      "Requests not allowed, or not to be told, before the change: nothing follows from them.",
    ),
    overHttp: count.describe("Different requests that went over HTTP, each as its caller."),
    byReference: count.describe("Different requests that only the reference was asked about."),
  })
  .describe("What became of the observed use.");

export const rehearsalSchema = z
  .strictObject({
    schema: z.literal(REHEARSAL_SCHEMA),
    at: text.describe("RFC 3339, UTC."),
    snapshot: text.describe("The file with the keys."),
    passed: z.boolean(),
    keys: z.array(
      z.strictObject({
        key: text.describe("Key ARN."),
        outcome: text.describe("As apply says it."),
        reason: text,
        by: text.nullable().describe("Who changed the key; null: nobody was looked for."),
      }),
    ),
    exposedAfter: count,
    uses: uses.nullable().describe("Null: no usage file was named."),
    rollback: z.strictObject({
      identical: count,
      withoutDeletedPrincipals: z
        .array(text)
        .describe("Keys that came back without ids of deleted principals."),
      different: z.array(text).describe("Keys that did not come back byte for byte."),
    }),
  })
  .describe("What keyward apply --rehearse found; attached by it.");

export type Rehearsal = z.infer<typeof rehearsalSchema>;
export type RehearsedUses = z.infer<typeof uses>;
