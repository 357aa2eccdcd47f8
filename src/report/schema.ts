import { z } from "zod";
import { RULE_IDS } from "../domain/rule-id.js";
import { CAPABILITIES, EXPOSURES, SEVERITIES, VERDICTS } from "../domain/verdict.js";
import type { AccountReport } from "../rules/account-report.js";
import type { KeyReport } from "../rules/finding.js";
import { CONTROL, REPORT_SCHEMA } from "./control.js";

/**
 * The shape of the JSON report. Reports are written piece by piece (json.ts), never through this schema; it is what the
 * JSON Schema of the package is made from, and what tests read reports with. Unknown fields are allowed: fields may be
 * added within a version.
 */
const text = z.string();
const count = z.int().nonnegative();
const severity = z.enum(SEVERITIES);

const serviceSource = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("any") }),
  z.looseObject({ kind: z.literal("none") }),
  z.looseObject({ kind: z.enum(["account", "organization"]), id: text }),
  z.looseObject({ kind: z.literal("pattern"), pattern: text }),
]);

const knownName = text.describe("Who a public list says the account belongs to. A hint, never trust.");

export const who = z
  .discriminatedUnion("kind", [
    z.looseObject({ kind: z.literal("anyone") }),
    z.looseObject({ kind: z.literal("pattern"), pattern: text }),
    z.looseObject({
      kind: z.enum(["organization", "account", "unresolved"]),
      id: text,
      name: knownName.exactOptional(),
    }),
    z.looseObject({
      kind: z.literal("principal"),
      arn: text,
      account: text,
      name: knownName.exactOptional(),
    }),
    z.looseObject({ kind: z.literal("service"), name: text.exactOptional(), source: serviceSource }),
  ])
  .describe("Who the finding is about: a class of callers.");

const place = {
  line: z.int().positive().exactOptional().describe("From 1."),
  column: z.int().positive().exactOptional().describe("From 1, in UTF-16 code units."),
};

const source = z
  .discriminatedUnion("kind", [
    z.looseObject({
      kind: z.literal("statement"),
      index: count.describe("Position in the Statement list, from 0."),
      sid: text.nullable(),
      ...place,
    }),
    z.looseObject({ kind: z.literal("grant"), grantId: text }),
    z.looseObject({ kind: z.literal("policy"), ...place }),
    z.looseObject({ kind: z.literal("grants") }),
    z.looseObject({ kind: z.literal("key"), arn: text }),
    z.looseObject({
      kind: z.literal("identity"),
      arn: text,
      policy: text.nullable(),
      path: z
        .array(text)
        .exactOptional()
        .describe("Roles that are assumed one from the other, the first by an outsider; `arn` is the last."),
      steps: z
        .array(
          z.looseObject({
            role: text,
            certain: z.boolean(),
            trustStatement: count.describe("Position of the statement that lets in, from 0."),
            policies: z.array(text).describe("Of the role before, which allow it."),
          }),
        )
        .exactOptional()
        .describe("How each role of the way is assumed, the first by the outsider."),
    }),
  ])
  .describe("The part of the key's documents that the finding rests on.");

const condition = z.looseObject({
  operator: text,
  key: text,
  values: z.array(text),
  kind: z.enum(["fixed-network", "free", "path", "time", "caller", "source"]),
});

export const witness = z
  .looseObject({
    principal: text.describe("ARN of the caller, or the name of the service that calls."),
    action: text,
    context: z.record(text, z.union([text, z.array(text)])),
  })
  .describe("A concrete request that is allowed.");

export const reach = z
  .discriminatedUnion("kind", [
    z.looseObject({ kind: z.enum(["now", "not-across-accounts"]) }),
    z.looseObject({ kind: z.literal("key-state"), state: text }),
    z.looseObject({ kind: z.literal("not-before"), time: z.number().describe("Seconds since the epoch.") }),
  ])
  .describe("Whether it can be done today.");

const waiver = z.looseObject({ reason: text, owner: text, expires: text });

const finding = z.looseObject({
  id: text.describe("Stable across runs."),
  rule: z.enum(RULE_IDS),
  severity,
  exposure: z.enum(EXPOSURES),
  certainty: z.enum(["certain", "possible"]),
  who: who.nullable(),
  capabilities: z.array(z.enum(CAPABILITIES)),
  actions: z.array(text),
  source,
  conditions: z.array(condition),
  witness: witness.nullable(),
  reason: text,
  remedy: text,
  doubts: z.array(z.looseObject({ id: text, text })),
  waiver: waiver.nullable().describe("The exception that covers the finding. It is reported all the same."),
});

/** One element of `keys`. */
export const keyReportSchema = z.looseObject({
  arn: text,
  accountId: text.regex(/^[0-9]{12}$/),
  region: text,
  aliases: z.array(text),
  file: text.exactOptional().describe("The file that the key was read from, where it was no snapshot."),
  state: text.nullable(),
  verdict: z.enum(VERDICTS),
  exposure: z.enum(EXPOSURES),
  waived: z.boolean().describe("Everything that keeps the key from being clear is covered by exceptions."),
  findings: z.array(finding).describe("Worst first."),
}) satisfies z.ZodType<KeyReport>;

const mappings = z.record(text, z.array(text));

const accountFinding = z.looseObject({
  id: text.describe("Stable across runs."),
  rule: z.enum(["identity-reads-all-keys", "identity-shares-all-keys", "identity-controls-all-keys"]),
  severity,
  certainty: z.enum(["certain", "possible"]),
  policy: z.looseObject({ kind: z.enum(["inline", "managed"]), name: text, ofAws: z.boolean() }),
  holders: z.array(text).describe("ARNs of users and roles; the first of holderCount."),
  holderCount: count,
  groups: z.array(text),
  capabilities: z.array(z.enum(CAPABILITIES)),
  actions: z.array(text),
  reason: text,
  remedy: text,
  waiver: waiver.nullable(),
});

const accountReport = z.looseObject({
  accountId: text.regex(/^[0-9]{12}$/),
  iam: z.enum(["complete", "unreadable", "unknown"]).describe("Whether all of the account's IAM was read."),
  users: count,
  roles: count,
  uncertain: count.describe("Users and roles of which a policy was not read or not understood."),
  unclearTrust: count,
  outsiderAssumable: count.describe("Roles that somebody outside the zone of trust can assume."),
  chainsCut: count.describe("Roles at which the search for chains of roles ended because of its bounds."),
  serviceControlUnread: z
    .looseObject({
      organization: text.nullable().describe("Whose they are; null: not known whether it is in one."),
      code: text.nullable().describe("With which AWS refused to say that; null: nobody asked."),
    })
    .nullable()
    .describe("Why the service control policies above the account are not known; null: they are."),
  findings: z.array(accountFinding),
}) satisfies z.ZodType<AccountReport>;

/** A whole report, `keyward.report/1`. */
export const reportSchema = z.looseObject({
  schema: z.literal(REPORT_SCHEMA),
  tool: z.looseObject({ name: text, version: text }),
  generatedAt: text.describe("RFC 3339, UTC."),
  control: z.looseObject({
    id: z.literal(CONTROL.id),
    title: text,
    profileLevel: count,
    mappings: mappings.describe("Framework to the ids of its clauses; sources in docs/control.md."),
  }),
  keys: z.array(keyReportSchema),
  accounts: z.array(accountReport).exactOptional().describe("IAM of the accounts that have keys."),
  configurationFindings: z.array(
    z.looseObject({
      rule: z.enum(["expired-exception", "unused-exception"]),
      severity,
      where: text,
      exception: z.looseObject({
        key: text,
        rule: z.enum(RULE_IDS),
        who: text.nullable(),
        owner: text,
        expires: text,
      }),
      reason: text,
      remedy: text,
    }),
  ),
  notes: z.array(text).describe("What was taken for granted."),
  zone: z.looseObject({
    organizations: z.array(text),
    accounts: z.array(text),
    principals: z.array(text),
    services: z.array(text),
  }),
  summary: z.looseObject({
    keys: count.describe("exposed + weak + clear + notAssessed"),
    exposed: count,
    weak: count,
    clear: count,
    notAssessed: count,
    waived: count.describe("Findings that an exception covers."),
    waivedKeys: count,
    gaps: count.describe("Things that could not be read."),
    findings: z.record(severity, count).describe("Findings that no exception covers."),
  }),
  incomplete: z.array(z.looseObject({ where: text, call: text, code: text, help: text })),
});
