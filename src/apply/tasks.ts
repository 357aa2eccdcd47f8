import { z } from "zod";
import { records } from "../domain/records.js";
import { EXPOSURES } from "../domain/verdict.js";

/**
 * What a run shall do, key by key: made from a plan or from a journal, kept in the journal, and read again by --resume.
 * Apply and rollback are the same steps with other tasks.
 */
export const TASKS_SCHEMA = "keyward.tasks/1";

const text = z.string();
const sha256 = text.regex(/^[0-9a-f]{64}$/);
const pairs = records(text);

/** A grant as ListGrants returns it; see `src/domain/grant.ts`. */
export const grantSchema = z.strictObject({
  GrantId: text,
  KeyId: text.exactOptional(),
  Name: text.exactOptional(),
  CreationDate: text.exactOptional(),
  GranteePrincipal: text.exactOptional(),
  GranteeServicePrincipal: text.exactOptional(),
  RetiringPrincipal: text.exactOptional(),
  RetiringServicePrincipal: text.exactOptional(),
  IssuingAccount: text.exactOptional(),
  Operations: z.array(text).readonly().exactOptional(),
  Constraints: z
    .strictObject({
      EncryptionContextSubset: pairs.exactOptional(),
      EncryptionContextEquals: pairs.exactOptional(),
      SourceArn: text.exactOptional(),
    })
    .exactOptional(),
});

const zone = z.strictObject({
  organizations: z.array(text),
  accounts: z.array(text),
  principals: z.array(text),
  services: z.array(text),
});

const task = z.strictObject({
  key: text.describe("Key ARN."),
  expect: z
    .strictObject({
      policy: sha256.nullable().describe("SHA-256 of the policy that the key must have; null: any."),
      grants: sha256.nullable().describe("Digest of its grants (docs/plan.md); null: any."),
    })
    .describe("What must still be so."),
  zone: zone
    .exactOptional()
    .describe(
      "By which this key is judged, where that is not the zone of the list: it is of another snapshot.",
    ),
  policy: text.nullable().describe("The new policy; null: it stays."),
  revoke: z.array(text).describe("Ids of grants."),
  create: z.array(grantSchema).readonly().describe("Revoked grants whose terms are to be granted again."),
  after: z
    .enum(EXPOSURES)
    .exactOptional()
    .describe("What the key will be, where that is more than none: exceptions let somebody stay."),
  breaks: z
    .array(
      z.strictObject({
        principal: text.describe("As plan files name it."),
        account: text.nullable(),
        via: text.nullable(),
        action: text,
      }),
    )
    .exactOptional()
    .describe(
      "Observed uses of which the plan says that they will be refused; keyward verify knows them again.",
    ),
  foreseen: z.array(text).describe("Sentences to show before: what breaks, what becomes exposed again."),
});

export const tasksSchema = z.strictObject({
  schema: z.literal(TASKS_SCHEMA),
  kind: z.enum(["apply", "rollback"]),
  zone: zone.describe("By which keys are judged after the change."),
  tasks: z.array(task),
});

export type KeyTask = z.infer<typeof task>;
export type TaskList = z.infer<typeof tasksSchema>;
