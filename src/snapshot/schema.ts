import { z } from "zod";
import type { Grant, GrantConstraints } from "../domain/grant.js";
import { parseKeyArn } from "../domain/ids.js";
import { records } from "../domain/records.js";
import type {
  AccountLine,
  CoverageLine,
  GroupLine,
  IncompleteLine,
  KeyLine,
  ManagedPolicyLine,
  OrganizationLine,
  RegionLine,
  ResourceControlPolicyLine,
  RoleLine,
  ServiceControlPolicyLine,
  SnapshotHeader,
  SnapshotLine,
  UserLine,
} from "./lines.js";
import { SNAPSHOT_SCHEMA } from "./lines.js";

/**
 * The shape of every line of a snapshot. Strict: a field that is not listed is an error, because a field that keyward
 * does not understand could change a verdict.
 */
const text = z.string();
const optionalText = text.exactOptional();
const names = records(text);
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
  EncryptionContextSubset: names.exactOptional(),
  EncryptionContextEquals: names.exactOptional(),
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
  unreadable.extend({ items: z.array(grant).exactOptional() }),
]);

const header = z.strictObject({
  type: z.literal("snapshot"),
  schema: z.literal(SNAPSHOT_SCHEMA),
  createdAt: text,
  tool: text,
  ends: z.literal("coverage").exactOptional(),
  order: z
    .literal("context-first")
    .exactOptional()
    .describe("Promised: lines about more than one key come before the first key. The file is read faster."),
  details: z.array(text).exactOptional(),
}) satisfies z.ZodType<SnapshotHeader>;

const organizationId = text.regex(/^o-[a-z0-9]{10,32}$/, "an organization id, such as o-a1b2c3d4e5");

const organization = z.strictObject({
  type: z.literal("organization"),
  id: organizationId,
  managementAccountId: accountId.exactOptional(),
  accounts: z
    .array(
      z.strictObject({
        id: accountId,
        name: optionalText,
        path: optionalText,
        status: optionalText,
        tags: names.exactOptional(),
      }),
    )
    .exactOptional(),
  units: z.array(z.strictObject({ id: text, name: optionalText, path: text })).exactOptional(),
  partial: z.literal(true).exactOptional(),
  policyTypes: z.array(text).exactOptional(),
  delegatedAdministrators: z.array(accountId).exactOptional(),
}) satisfies z.ZodType<OrganizationLine>;

const keyArn = text.refine(
  (arn) => parseKeyArn(arn) !== undefined,
  "a key ARN, arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
);

const key = z.strictObject({
  type: z.literal("key"),
  arn: keyArn,
  manager: z.enum(["CUSTOMER", "AWS"]).exactOptional(),
  state: optionalText,
  spec: optionalText,
  usage: optionalText,
  origin: optionalText,
  multiRegion: z.boolean().exactOptional(),
  multiRegionKeyType: optionalText,
  relatedKeys: z.array(keyArn).exactOptional(),
  description: optionalText,
  createdAt: optionalText,
  deletionDate: optionalText,
  rotationEnabled: z.boolean().exactOptional(),
  lastUsedAt: optionalText,
  usageTrackedSince: optionalText,
  aliases: z.array(text).exactOptional(),
  tags: names.exactOptional(),
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

const serviceControlPolicy = z.strictObject({
  type: z.literal("service-control-policy"),
  target: text,
  text,
  id: optionalText,
  name: optionalText,
}) satisfies z.ZodType<ServiceControlPolicyLine>;

const account = z.strictObject({
  type: z.literal("account"),
  id: accountId,
  alias: text.nullable().exactOptional(),
  iam: z
    .discriminatedUnion("kind", [z.strictObject({ kind: z.literal("present") }), unreadable])
    .exactOptional(),
  organization: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("present"),
        id: organizationId,
        managementAccountId: accountId.exactOptional(),
        featureSet: optionalText,
      }),
      z.strictObject({ kind: z.literal("absent") }),
      unreadable,
    ])
    .exactOptional(),
  regions: z
    .array(
      z.strictObject({
        region: text,
        status: z.enum(["opt-in-not-required", "opted-in", "not-opted-in"]),
      }),
    )
    .exactOptional(),
}) satisfies z.ZodType<AccountLine>;

/** The ARN of an IAM entity of one kind, its path and name included. */
function iamArn(kind: "user" | "role" | "group" | "policy"): z.ZodString {
  const owner = kind === "policy" ? "([0-9]{12}|aws)" : "[0-9]{12}";
  return text.regex(
    new RegExp(`^arn:aws[a-z0-9-]*:iam::${owner}:${kind}/.+$`),
    `the ARN of a ${kind} of IAM`,
  );
}

/** Members stand in the order in which a scan writes them: a line that a resumed scan keeps then has the same text. */
const entity = {
  id: optionalText,
  createdAt: optionalText,
  inlinePolicies: z.array(z.strictObject({ name: text, text })).exactOptional(),
  attachedPolicies: z.array(text).exactOptional(),
};
const boundaryAndTags = {
  boundary: text.nullable().exactOptional(),
  tags: names.exactOptional(),
};

const user = z.strictObject({
  type: z.literal("user"),
  arn: iamArn("user"),
  ...entity,
  groups: z.array(text).exactOptional(),
  ...boundaryAndTags,
}) satisfies z.ZodType<UserLine>;

const role = z.strictObject({
  type: z.literal("role"),
  arn: iamArn("role"),
  ...entity,
  description: optionalText,
  trustPolicy: rawPolicy.exactOptional(),
  ...boundaryAndTags,
  maxSessionDuration: count.exactOptional(),
  lastUsedAt: optionalText,
}) satisfies z.ZodType<RoleLine>;

const group = z.strictObject({
  type: z.literal("group"),
  arn: iamArn("group"),
  ...entity,
}) satisfies z.ZodType<GroupLine>;

const managedPolicy = z.strictObject({
  type: z.literal("managed-policy"),
  arn: iamArn("policy"),
  text,
  id: optionalText,
  version: optionalText,
}) satisfies z.ZodType<ManagedPolicyLine>;

const incomplete = z.strictObject({
  type: z.literal("incomplete"),
  where: text,
  call: text,
  code: text,
  message: optionalText,
  help: optionalText,
}) satisfies z.ZodType<IncompleteLine>;

const regionCoverage = {
  account: accountId.exactOptional(),
  region: text,
  status: z.enum(["scanned", "incomplete", "not-enabled", "not-seen"]),
  listed: count,
  written: count,
  awsManaged: count,
  deleted: count,
  missing: z.array(z.strictObject({ call: text, code: text, count })).exactOptional(),
};

const region = z.strictObject({
  type: z.literal("region"),
  ...regionCoverage,
}) satisfies z.ZodType<RegionLine>;

const regionsFrom = z.enum(["command-line", "ec2:DescribeRegions", "account:ListRegions", "built-in"]);

const coverage = z.strictObject({
  type: z.literal("coverage"),
  accountId: accountId.exactOptional(),
  partition: text,
  startedAt: text,
  finishedAt: text,
  interrupted: z.boolean(),
  regionsFrom,
  regions: z.array(z.strictObject(regionCoverage)),
  accounts: z
    .array(
      z.strictObject({
        id: accountId,
        name: optionalText,
        status: z.enum(["scanned", "incomplete", "not-scanned"]),
        through: optionalText,
        regionsFrom: regionsFrom.exactOptional(),
      }),
    )
    .exactOptional(),
  chosenFrom: count.exactOptional(),
  missingDetails: z.array(z.strictObject({ call: text, code: text, count, effect: text })),
  calls: count,
}) satisfies z.ZodType<CoverageLine>;

/** Any line of a snapshot; the JSON Schema of snapshots is made from it. */
export const snapshotLineSchema = z.discriminatedUnion("type", [
  header,
  organization,
  key,
  resourceControlPolicy,
  serviceControlPolicy,
  account,
  user,
  role,
  group,
  managedPolicy,
  incomplete,
  region,
  coverage,
]) satisfies z.ZodType<SnapshotLine>;

/** The line types that keyward knows, as an error message lists them. */
export const LINE_TYPES: readonly SnapshotLine["type"][] = [
  "snapshot",
  "organization",
  "key",
  "resource-control-policy",
  "service-control-policy",
  "account",
  "user",
  "role",
  "group",
  "managed-policy",
  "incomplete",
  "region",
  "coverage",
];
