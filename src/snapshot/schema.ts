import { z } from "zod";
import type { Grant, GrantConstraints } from "../domain/grant.js";
import { parseKeyArn } from "../domain/ids.js";
import type {
  CoverageLine,
  IncompleteLine,
  KeyLine,
  OrganizationLine,
  ResourceControlPolicyLine,
  SnapshotHeader,
  SnapshotLine,
} from "./lines.js";
import { SNAPSHOT_SCHEMA } from "./lines.js";

/**
 * The shape of every line of a snapshot. Strict: a field that is not listed is an error, because a field that keyward
 * does not understand could change a verdict.
 */
const text = z.string();
const optionalText = text.exactOptional();
const accountId = text.regex(/^[0-9]{12}$/, "twelve digits");
const count = z.int().nonnegative();

const unreadable = z.strictObject({
  kind: z.literal("unreadable"),
  code: text,
  message: optionalText,
});
const absent = z.strictObject({ kind: z.literal("absent") });

const rawPolicy = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("present"), text }),
  absent,
  unreadable,
]);

const constraints: z.ZodType<GrantConstraints> = z.strictObject({
  EncryptionContextSubset: z.record(text, text).exactOptional(),
  EncryptionContextEquals: z.record(text, text).exactOptional(),
  SourceArn: optionalText,
});

const grant: z.ZodType<Grant> = z.strictObject({
  GrantId: text,
  KeyId: optionalText,
  Name: optionalText,
  CreationDate: optionalText,
  GranteePrincipal: optionalText,
  GranteeServicePrincipal: optionalText,
  RetiringPrincipal: optionalText,
  RetiringServicePrincipal: optionalText,
  IssuingAccount: optionalText,
  Operations: z.array(text).exactOptional(),
  Constraints: constraints.exactOptional(),
});

const rawGrants = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("present"), items: z.array(grant) }),
  absent,
  unreadable,
]);

const header = z.strictObject({
  type: z.literal("snapshot"),
  schema: z.literal(SNAPSHOT_SCHEMA),
  createdAt: text,
  tool: text,
  ends: z.literal("coverage").exactOptional(),
}) satisfies z.ZodType<SnapshotHeader>;

const organization = z.strictObject({
  type: z.literal("organization"),
  id: text.regex(/^o-[a-z0-9]{10,32}$/, "an organization id, such as o-a1b2c3d4e5"),
  managementAccountId: accountId.exactOptional(),
  accounts: z
    .array(z.strictObject({ id: accountId, name: optionalText, path: optionalText }))
    .exactOptional(),
}) satisfies z.ZodType<OrganizationLine>;

const key = z.strictObject({
  type: z.literal("key"),
  arn: text.refine(
    (arn) => parseKeyArn(arn) !== undefined,
    "a key ARN, arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
  ),
  manager: z.enum(["CUSTOMER", "AWS"]).exactOptional(),
  state: optionalText,
  spec: optionalText,
  usage: optionalText,
  origin: optionalText,
  multiRegion: z.boolean().exactOptional(),
  multiRegionKeyType: optionalText,
  description: optionalText,
  createdAt: optionalText,
  deletionDate: optionalText,
  rotationEnabled: z.boolean().exactOptional(),
  lastUsedAt: optionalText,
  aliases: z.array(text).exactOptional(),
  tags: z.record(text, text).exactOptional(),
  policy: rawPolicy,
  grants: rawGrants.exactOptional(),
}) satisfies z.ZodType<KeyLine>;

const resourceControlPolicy = z.strictObject({
  type: z.literal("resource-control-policy"),
  target: text,
  text,
  id: optionalText,
  name: optionalText,
}) satisfies z.ZodType<ResourceControlPolicyLine>;

const incomplete = z.strictObject({
  type: z.literal("incomplete"),
  where: text,
  call: text,
  code: text,
  message: optionalText,
  help: optionalText,
}) satisfies z.ZodType<IncompleteLine>;

const coverage = z.strictObject({
  type: z.literal("coverage"),
  accountId: accountId.exactOptional(),
  partition: text,
  startedAt: text,
  finishedAt: text,
  interrupted: z.boolean(),
  regionsFrom: z.enum(["command-line", "ec2:DescribeRegions", "account:ListRegions", "built-in"]),
  regions: z.array(
    z.strictObject({
      region: text,
      status: z.enum(["scanned", "incomplete", "not-enabled", "not-seen"]),
      listed: count,
      written: count,
      awsManaged: count,
      deleted: count,
    }),
  ),
  missingDetails: z.array(z.strictObject({ call: text, code: text, count, effect: text })),
  calls: count,
}) satisfies z.ZodType<CoverageLine>;

/** Any line of a snapshot; the JSON Schema of snapshots is made from it. */
export const snapshotLineSchema = z.discriminatedUnion("type", [
  header,
  organization,
  key,
  resourceControlPolicy,
  incomplete,
  coverage,
]) satisfies z.ZodType<SnapshotLine>;

/** The line types that keyward knows, as an error message lists them. */
export const LINE_TYPES: readonly SnapshotLine["type"][] = [
  "snapshot",
  "organization",
  "key",
  "resource-control-policy",
  "incomplete",
  "coverage",
];
