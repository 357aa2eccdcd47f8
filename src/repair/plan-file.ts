import { z } from "zod";
import { rehearsalSchema } from "./rehearsal.js";
import { STRATEGIES, STRATEGY_CHOICES } from "./strategy-names.js";
import { records } from "../domain/records.js";
import { CAPABILITIES, EXPOSURES } from "../domain/verdict.js";

/**
 * The plan file: what shall be changed on which keys, why, and what was proved about it. It is written for a pull
 * request and read again by `keyward apply`, which compares the digests with the live key before it writes. Strict: a
 * field that keyward does not know could be a change that nobody reviewed.
 */
export const PLAN_SCHEMA = "keyward.plan/1";

export { STRATEGIES, STRATEGY_CHOICES, type Strategy, type StrategyChoice } from "./strategy-names.js";

/**
 * What a plan has to show for each key.
 *
 * - `closed`: nobody outside the zone of trust can use the key any more (analysis of the new documents).
 * - `nothing-gained`: the new documents allow nothing that the old ones do not (comparison, proved). In a plan that
 *   re-admits: nobody gains but the principals that it names.
 * - `manageable`: somebody of the key's own account can still put a key policy. Never waived by any flag.
 * - `storable`: KMS would store the text: size, characters, grammar, no ids of deleted principals.
 * - `use-kept`: every observed use by the zone is still allowed, or is listed under `willBreak`.
 */
export const OBLIGATIONS = ["closed", "nothing-gained", "manageable", "storable", "use-kept"] as const;
export type ObligationId = (typeof OBLIGATIONS)[number];

/** What is done to one statement of the old policy. */
export const STATEMENT_CHANGES = [
  "keep",
  "remove",
  /** `*` or an account became named principals. */
  "narrow",
  /** A condition was added. */
  "bound",
  /** Principals were taken out of the list. */
  "drop-principals",
  /** It became several statements. */
  "split",
  /** Not in the old policy. */
  "add",
] as const;
export type StatementChange = (typeof STATEMENT_CHANGES)[number];

const text = z.string();
const pairs = records(text);
const count = z.int().nonnegative();
const sha256 = text.regex(/^[0-9a-f]{64}$/, "a SHA-256 digest in lower-case hexadecimal");
const accountId = text.regex(/^[0-9]{12}$/, "twelve digits");
const time = text.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "a time in UTC, such as 2026-11-23T10:00:00Z");
const keyArn = text.regex(
  /^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]+$/,
  "a key ARN, arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
);

const key = z
  .strictObject({
    arn: keyArn,
    aliases: z.array(text),
    state: text.nullable().describe("As DescribeKey says; null: not known."),
    file: text.exactOptional().describe("The policy file that stands for the key, where it was no snapshot."),
  })
  .describe("The key.");

const computedFrom = z
  .strictObject({
    policySha256: sha256.describe("Of the bytes of the old policy text in UTF-8."),
    grantsSha256: sha256
      .nullable()
      .describe("Of the grants, as docs/plan.md says; null: they were not known (a policy file)."),
  })
  .describe("What must still be so when the plan is applied.");

const witness = z
  .strictObject({
    principal: text.describe("ARN of the caller, or the name of the service that calls."),
    action: text,
    context: records(z.union([text, z.array(text)])),
  })
  .describe("A concrete request whose answer changes.");

const change = z
  .strictObject({
    who: text.describe("The class of callers, in words."),
    trusted: z.boolean().describe("Inside the zone of trust."),
    actions: z.array(text),
    capabilities: z.array(z.enum(CAPABILITIES)),
    through: text.describe("The statement or grant that allows it, in words."),
    certainty: z.enum(["certain", "possible"]),
    doubts: z.array(text),
    witness,
  })
  .describe("One line of the semantic difference.");

const statement = z
  .strictObject({
    index: count.nullable().describe("Position in the old Statement list, from 0; null: it is new."),
    sid: text.nullable(),
    change: z.enum(STATEMENT_CHANGES),
    reason: text,
    warnings: z.array(text),
  })
  .describe("What is done to one statement, and why.");

const policyChange = z
  .strictObject({
    text: text.describe("The new policy, byte for byte as it will be put."),
    sha256: sha256.describe("Of that text in UTF-8."),
    bytes: count,
    quota: count.describe("Most bytes of a key policy (default quota)."),
    diff: text.describe("Unified diff from the old text."),
  })
  .describe("The new key policy.");

const revocation = z
  .strictObject({
    grantId: text,
    grantee: text,
    operations: z.array(text),
    name: text.nullable(),
    issuingAccount: text.nullable(),
    retiringPrincipal: text.nullable(),
    constraints: z.strictObject({
      EncryptionContextSubset: pairs.exactOptional(),
      EncryptionContextEquals: pairs.exactOptional(),
      SourceArn: text.exactOptional(),
    }),
    reason: text,
    notRestorable: z.array(text).describe("What a new grant of the same terms does not bring back."),
  })
  .describe("A grant to revoke.");

const obligation = z
  .strictObject({
    id: z.enum(OBLIGATIONS),
    result: z
      .enum(["proved", "stated", "failed"])
      .describe("stated: it holds except for what `details` says, which is known and left on purpose."),
    statement: text.describe("One sentence: what was shown."),
    details: z.array(text),
  })
  .describe("What was shown about the new documents.");

const use = z
  .strictObject({
    principal: text,
    account: text.nullable(),
    via: text.nullable().describe("The service that called with the principal's rights."),
    action: text,
    contextKeys: z.array(text).describe("Names in the encryption context."),
    count,
    firstSeen: time,
    lastSeen: time,
    trusted: z.boolean(),
    why: text,
  })
  .describe("An observed use.");

const evidence = z
  .strictObject({
    from: text.nullable(),
    to: text.nullable(),
    complete: z.boolean(),
    caveats: z.array(text).describe("Why something could have been used and not been seen."),
    entries: count.describe("Different uses that were looked at."),
  })
  .describe("What the observed use of this key covers.");

const owner = z
  .strictObject({
    kind: z.enum(["cloudformation", "terraform", "other"]),
    name: text.describe("The stack or workspace."),
    evidence: text.describe("What says so."),
    advice: text,
    snippet: text.describe("The new policy as that source wants it."),
  })
  .describe("What owns the key and would write the old policy back.");

/** One key with its change. */
const zone = z.strictObject({
  organizations: z.array(text),
  accounts: z.array(accountId),
  principals: z.array(text),
  services: z.array(text),
});

export const keyChangeSchema = z.strictObject({
  key,
  zone: zone
    .exactOptional()
    .describe(
      "The zone of trust of this key, where that is not the zone of the plan: under organizations auto each snapshot has its own.",
    ),
  computedFrom,
  exposure: z.strictObject({ before: z.enum(EXPOSURES), after: z.enum(EXPOSURES) }),
  strategy: z.enum([...STRATEGIES, "readd"]),
  reason: text.describe("Why this strategy."),
  statements: z.array(statement),
  policy: policyChange.nullable().describe("Null: the policy stays as it is."),
  revokeGrants: z.array(revocation),
  loses: z.array(change).describe("Who can do what no more. Empty lists of a policy say nothing of grants."),
  gains: z.array(change).describe("Who can do what anew; only a plan that re-admits has any."),
  obligations: z.array(obligation),
  willBreak: z.array(use).describe("Observed uses that the change refuses."),
  evidence: evidence
    .nullable()
    .describe("Null: there was no evidence of use; nothing is known of what breaks."),
  managedBy: owner.nullable(),
  notes: z.array(text),
});

const unchanged = z.strictObject({ key, exposure: z.enum(EXPOSURES), reason: text });

const refused = z
  .strictObject({
    key,
    exposure: z.enum(EXPOSURES),
    kind: z
      .enum(["safety", "unplanned"])
      .describe("safety: what would close it would leave the key without a manager. No flag changes that."),
    obligation: z.enum(OBLIGATIONS).nullable().describe("The one that failed."),
    reason: text,
    next: text.describe("What to do about it."),
    tried: z.array(z.strictObject({ strategy: text, failed: z.enum(OBLIGATIONS).nullable(), why: text })),
  })
  .describe("A key that is not changed although it would need to be.");

/** A whole plan, `keyward.plan/1`. */
export const planSchema = z.strictObject({
  schema: z.literal(PLAN_SCHEMA),
  tool: z.strictObject({ name: text, version: text }),
  createdAt: time,
  purpose: z.enum(["close", "readd"]).describe("readd: re-admits denied principals, and so grows policies."),
  inputs: z.strictObject({
    estate: z.array(text).describe("Snapshot or policy files."),
    config: text.nullable(),
    usage: text.nullable(),
    strategy: z.enum(STRATEGY_CHOICES),
  }),
  zone,
  summary: z.strictObject({ changes: count, unchanged: count, refused: count }),
  changes: z.array(keyChangeSchema),
  unchanged: z.array(unchanged),
  refused: z.array(refused),
  notes: z.array(text),
  rehearsal: rehearsalSchema.exactOptional(),
});

export type PlanFile = z.infer<typeof planSchema>;
export type KeyChange = z.infer<typeof keyChangeSchema>;
export type PlannedKey = z.infer<typeof key>;
export type PlannedStatement = z.infer<typeof statement>;
export type PlannedPolicy = z.infer<typeof policyChange>;
export type PlannedRevocation = z.infer<typeof revocation>;
export type PlannedChange = z.infer<typeof change>;
export type Obligation = z.infer<typeof obligation>;
export type PlannedUse = z.infer<typeof use>;
export type PlannedEvidence = z.infer<typeof evidence>;
export type ManagedBy = z.infer<typeof owner>;
export type UnchangedKey = z.infer<typeof unchanged>;
export type RefusedKey = z.infer<typeof refused>;
