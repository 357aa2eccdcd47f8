import { z } from "zod";
import { decisionSource, doubts, outcome, trace } from "./decision-schema.js";
import { POLICY_KINDS } from "./policy-answers.js";
import { SIMULATION_SCHEMA } from "./simulate.js";

const text = z.string();
const fits = z.enum(["yes", "no", "doubtful"]);

const head = {
  schema: z.literal(SIMULATION_SCHEMA),
  id: text.exactOptional().describe("The id of the request, where it has one."),
};
const line = z.int().positive();

const answer = z.looseObject({
  ...head,
  line: line.exactOptional().describe("With --requests: the line of the request, from 1."),
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
  policies: z
    .array(
      z.looseObject({
        kind: z.enum(POLICY_KINDS),
        name: text.describe("A file, an ARN, the name of an inline policy, or the field of the request."),
        at: text.exactOptional().describe("The group, account, unit or root that it is attached to."),
        says: z.enum(["allow", "deny", "nothing", "doubtful"]),
        statements: z.array(
          z.looseObject({
            index: z.int().nonnegative(),
            sid: text.nullable(),
            effect: z.enum(["Allow", "Deny"]),
            fits: z.enum(["yes", "doubtful"]),
          }),
        ),
      }),
    )
    .describe("Each policy beside the key policy that binds the caller, and its statements that fit."),
  change: z.array(text).describe("Which part to change for the opposite result, in words."),
  notes: z.array(text),
});

const broken = z.looseObject({
  ...head,
  line,
  error: z
    .looseObject({
      what: text,
      where: text.exactOptional(),
      expected: text.exactOptional(),
      got: text.exactOptional(),
      next: text.exactOptional(),
    })
    .describe("Why the line is no request. The lines after it are answered."),
});

/** The shape of one line that `keyward simulate` writes. Fields are only added within a version. */
export const simulationSchema = z.union([answer, broken]);
