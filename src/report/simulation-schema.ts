import { z } from "zod";
import { decisionSource, doubts, outcome, trace } from "./decision-schema.js";
import { SIMULATION_SCHEMA } from "./simulate.js";

const text = z.string();
const fits = z.enum(["yes", "no", "doubtful"]);

/** The shape of one answer of `keyward simulate`. Fields are only added within a version. */
export const simulationSchema = z.looseObject({
  schema: z.literal(SIMULATION_SCHEMA),
  id: text.exactOptional().describe("The id of the request, where it has one."),
  key: text.describe("ARN of the key."),
  decision: outcome,
  reason: text.describe(
    "explicit-deny, implicit-deny, a rule of KMS, or what is not known; of `allow` the way in.",
  ),
  sources: z.array(decisionSource),
  doubts,
  trace,
  statements: z
    .array(
      z.looseObject({
        index: z.int().nonnegative().describe("Position in the Statement list, from 0."),
        sid: text.nullable(),
        effect: z.enum(["Allow", "Deny"]),
        namesCaller: fits,
        fits: fits.describe("Whether action, resource and conditions fit the request."),
        conditions: z.array(z.looseObject({ holds: fits, text })),
      }),
    )
    .describe("Each statement of the key policy against the request."),
  change: z.array(text).describe("Which part to change for the opposite result, in words."),
  notes: z.array(text),
});
