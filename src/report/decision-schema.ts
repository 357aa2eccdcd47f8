import { z } from "zod";

/** Schemas of what the reference answers, for the results that show its answers: explanations and simulations. */
const text = z.string();
const count = z.int().nonnegative();

export const doubts = z
  .array(z.looseObject({ id: text, text }))
  .describe("Rules of AWS that the answer depends on and that are documented badly: docs/doubts.md.");

/** A part of the documents that an answer rests on; numbers count from 0. */
export const decisionSource = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("statement"), index: count, sid: text.exactOptional() }),
  z.looseObject({ kind: z.literal("grant"), grantId: text }),
  z.looseObject({ kind: z.literal("resource-control-policy"), policy: count, statement: count }),
  z.looseObject({ kind: z.enum(["identity", "boundary", "session-policy", "service-control-policy"]) }),
  z.looseObject({
    kind: z.literal("kms-rule"),
    rule: z.enum(["cross-account", "key-state", "key-type", "unknown-action"]),
  }),
]);

export const trace = z
  .array(
    z.looseObject({
      rule: text,
      source: decisionSource.exactOptional(),
      outcome: z.enum(["match", "no-match", "doubtful", "allow", "deny", "info"]),
      text,
    }),
  )
  .describe("The steps of the evaluation, in order. Statements in its texts count from 0.");

export const outcome = z
  .enum(["allow", "deny", "unknown"])
  .describe("`unknown`: it depends on a doubt, or on something that was not known.");
