import { z } from "zod";
import { EXPOSURES, VERDICTS } from "../../domain/verdict.js";

/**
 * What a run writes into its log, in order. An intent is on the disk before its call is sent, and a backup before the
 * first intent of its key: so whatever instant the program ends at, every key is as its backup says, or as the run's
 * tasks say, or between the two in a way that the intents tell.
 */
export const JOURNAL_SCHEMA = "keyward.journal/1";

const text = z.string();
const sha256 = text.regex(/^[0-9a-f]{64}$/);
const key = text.describe("Key ARN.");

const intent = z.discriminatedUnion("action", [
  z
    .strictObject({
      type: z.literal("intent"),
      key,
      action: z.literal("put-policy"),
      from: sha256,
      to: sha256,
    })
    .describe("This policy is about to be put."),
  z.strictObject({ type: z.literal("intent"), key, action: z.literal("revoke-grant"), grantId: text }),
  z
    .strictObject({
      type: z.literal("intent"),
      key,
      action: z.literal("create-grant"),
      insteadOf: text.describe("Id of the grant that was revoked."),
    })
    .describe("A grant with the terms of a revoked one is about to be made."),
]);

export const journalEventSchema = z.discriminatedUnion("type", [
  z
    .strictObject({
      type: z.literal("run"),
      schema: z.literal(JOURNAL_SCHEMA),
      run: text,
      kind: z.enum(["apply", "rollback"]),
      tool: text,
      tasks: sha256.describe("The object that lists what shall be done."),
      of: text.nullable().describe("The plan file, or the run that is rolled back, as it was named."),
    })
    .describe("The first line."),
  z
    .strictObject({ type: z.literal("resumed"), pid: z.int() })
    .describe("Somebody goes on with a run that was stopped."),
  z
    .strictObject({
      type: z.literal("backup"),
      key,
      policy: sha256,
      grants: sha256,
      policyInput: sha256
        .exactOptional()
        .describe("Parameters of PutKeyPolicy that put the policy back, as the AWS CLI takes them."),
      grantInputs: z
        .array(sha256)
        .exactOptional()
        .describe(
          "Of the grants that are to be revoked: parameters of CreateGrant, as the AWS CLI takes them.",
        ),
    })
    .describe("The objects that hold what the key had. They are on the disk."),
  intent,
  z
    .strictObject({
      type: z.literal("done"),
      key,
      action: z.enum(["put-policy", "revoke-grant", "create-grant"]),
      how: z
        .enum(["answered", "read-back", "already"])
        .describe("AWS said so; it was seen by reading; it was so before this run wrote."),
      grantId: text.nullable().describe("Of the grant that was revoked or made."),
    })
    .describe("It is done."),
  z
    .strictObject({
      type: z.literal("failed"),
      key,
      action: z.enum(["read", "put-policy", "revoke-grant", "create-grant", "evaluate"]),
      effect: z.enum(["none", "unknown"]).describe("none: nothing was changed by this call, for sure."),
      code: text,
      message: text,
    })
    .describe("It is not done, or it is not known whether."),
  z
    .strictObject({
      type: z.literal("evaluated"),
      key,
      policy: sha256.describe("Of the policy that was read back."),
      exposure: z.enum(EXPOSURES),
      verdict: z.enum(VERDICTS),
    })
    .describe("What the key is after the change."),
  z
    .strictObject({
      type: z.literal("key-end"),
      key,
      outcome: z.enum(["done", "nothing-to-do", "skipped", "drift", "refused", "failed"]),
      reason: text,
    })
    .describe("The run has finished with this key; a key that failed is tried again by --resume."),
  z.strictObject({ type: z.literal("end"), complete: z.boolean() }).describe("The last line."),
]);

export type JournalEvent = z.infer<typeof journalEventSchema>;
export type BackupEvent = Extract<JournalEvent, { type: "backup" }>;
export type KeyEnd = Extract<JournalEvent, { type: "key-end" }>;

/** An event with its place in the chain. */
export interface LogEntry {
  readonly seq: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly event: JournalEvent;
}
