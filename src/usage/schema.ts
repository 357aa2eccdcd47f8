import { z } from "zod";
import type { AccountId, ActionName, KeyArn } from "../domain/ids.js";
import { parseAccountId, parseKeyArn, parseKmsAction } from "../domain/ids.js";
import type { UsageCoverage, UsageEntry } from "./types.js";
import { DENYING_POLICIES } from "./types.js";

/**
 * A usage file: newline-delimited JSON like a snapshot. The header first, then the coverage (so that a reader has it
 * before the first key), then a line for each key in the order of their ARNs, then the end, without which a reader
 * knows that the file was cut off. Strict: what is not listed is an error.
 */
export const USAGE_SCHEMA = "keyward.usage/1";

const text = z.string();
const count = z.int().nonnegative();
const time = text.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "a time in UTC, such as 2026-11-23T10:00:00Z");
const day = text.regex(/^\d{4}-\d\d-\d\d$/, "a day, such as 2026-11-23");

/** A branded id. The cast holds because the text has passed the one parser that makes the brand. */
function branded<T extends string>(
  parse: (value: string) => T | undefined,
  expected: string,
): z.ZodType<T, string> {
  return text.refine((value) => parse(value) !== undefined, expected) as unknown as z.ZodType<T, string>;
}
const accountId = branded<AccountId>(parseAccountId, "twelve digits");
const keyArn = branded<KeyArn>(parseKeyArn, "a key ARN, arn:PARTITION:kms:REGION:ACCOUNT:key/ID");
const action = branded<ActionName>(parseKmsAction, "an action of KMS, such as kms:Decrypt");

const principal = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("role"), arn: text, id: text.exactOptional() }),
  z.strictObject({ kind: z.literal("user"), arn: text, id: text.exactOptional() }),
  z.strictObject({ kind: z.literal("root"), account: accountId }),
  z.strictObject({ kind: z.literal("federated-user"), arn: text, issuer: text.exactOptional() }),
  z.strictObject({ kind: z.literal("service"), name: text }),
  z.strictObject({ kind: z.literal("foreign"), account: accountId, id: text.exactOptional() }),
  z.strictObject({
    kind: z.literal("identity-center-user"),
    account: accountId,
    userId: text.exactOptional(),
    store: text.exactOptional(),
  }),
  z.strictObject({ kind: z.literal("other"), type: text, id: text.exactOptional() }),
]);

const sourceNetwork = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("vpc-endpoint"), id: text, account: accountId.exactOptional() }),
  z.strictObject({ kind: z.literal("aws") }),
  z.strictObject({ kind: z.literal("public-address") }),
  z.strictObject({ kind: z.literal("private-address") }),
  z.strictObject({ kind: z.literal("unknown") }),
]);

const outcome = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("allowed") }),
  z.strictObject({
    kind: z.literal("denied"),
    code: text,
    effect: z.enum(["implicit", "explicit", "unknown"]),
    policy: z.enum(DENYING_POLICIES),
  }),
  z.strictObject({ kind: z.literal("failed"), code: text }),
]);

const entry = z.strictObject({
  principal,
  account: accountId.exactOptional(),
  via: text.exactOptional(),
  delegate: accountId.exactOptional(),
  action,
  requestAlias: text.exactOptional(),
  contextKeys: z.array(text),
  contextTruncated: z.literal(true).exactOptional(),
  sourceNetwork,
  outcome,
  count: z.int().positive(),
  firstSeen: time,
  lastSeen: time,
}) satisfies z.ZodType<UsageEntry>;

const source = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("folder"), path: text }),
  z.strictObject({ kind: z.literal("s3"), uri: text }),
  z.strictObject({
    kind: z.literal("lookup-events"),
    account: accountId.exactOptional(),
    region: text,
    from: time,
    to: time,
  }),
  z.strictObject({
    kind: z.literal("athena"),
    database: text,
    table: text,
    from: time.exactOptional(),
    to: time.exactOptional(),
  }),
]);

const coverage = z.strictObject({
  sources: z.array(source),
  from: time.exactOptional(),
  to: time.exactOptional(),
  trails: z.array(
    z.strictObject({
      account: accountId,
      region: text,
      days: z.array(z.strictObject({ from: day, to: day })),
      kmsEvents: count,
      kmsExcludedAt: z.array(time),
    }),
  ),
  gaps: z.array(
    z.strictObject({
      where: text,
      problem: z.enum(["unreadable", "malformed", "truncated", "too-large", "incomplete"]),
      detail: text,
      records: count.exactOptional(),
    }),
  ),
  gapCount: count,
  files: count,
  records: count,
  kmsEvents: count,
  unattributed: count,
  omitted: count,
  notDeduplicated: count,
}) satisfies z.ZodType<UsageCoverage>;

const header = z.strictObject({
  type: z.literal("usage-file"),
  schema: z.literal(USAGE_SCHEMA),
  createdAt: text,
  tool: text,
});

const coverageLine = z.strictObject({ type: z.literal("usage-coverage"), coverage });

const usageLine = z.strictObject({
  type: z.literal("usage"),
  key: keyArn,
  entries: z.array(entry),
  omitted: count,
});

const endLine = z.strictObject({ type: z.literal("usage-end"), keys: count });

/** Any line of a usage file; the JSON Schema is made from it. */
export const usageFileLineSchema = z.discriminatedUnion("type", [
  header,
  coverageLine,
  usageLine,
  endLine,
]) satisfies z.ZodType<UsageFileLine>;

/** A line of a usage file. */
export type UsageFileLine =
  | {
      readonly type: "usage-file";
      readonly schema: typeof USAGE_SCHEMA;
      readonly createdAt: string;
      readonly tool: string;
    }
  | { readonly type: "usage-coverage"; readonly coverage: UsageCoverage }
  | {
      readonly type: "usage";
      readonly key: KeyArn;
      readonly entries: readonly UsageEntry[];
      readonly omitted: number;
    }
  | { readonly type: "usage-end"; readonly keys: number };
