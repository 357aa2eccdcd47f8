import { z } from "zod";
import { CAPABILITIES, EXPOSURES } from "../domain/verdict.js";
import { OPERATORS } from "../policy/ast.js";
import { decisionSource, doubts, outcome, trace } from "./decision-schema.js";
import { EXPLANATION_SCHEMA } from "./explain.js";
import { keyReportSchema, reach, who } from "./schema.js";

const text = z.string();
const count = z.int().nonnegative();
const certainty = z.enum(["certain", "possible"]);
const statementIndexes = z.array(count).describe("Positions in the Statement list, from 0.");

const condition = z.looseObject({
  operator: z.enum(OPERATORS),
  qualifier: z.enum(["ForAllValues", "ForAnyValue"]).exactOptional(),
  ifExists: z.boolean(),
  key: text.describe("As written."),
  values: z.array(text),
});

const request = z
  .looseObject({
    caller: z.looseObject({ kind: z.enum(["root", "user", "session", "federated-user", "service"]) }),
    action: text,
    context: z
      .record(text, z.union([text, z.array(text)]))
      .describe("Condition keys beside those that follow from caller and key."),
    encryptionContext: z.record(text, text).exactOptional(),
    time: z.number().describe("Seconds since the epoch."),
  })
  .describe("A concrete request.");

const access = z.looseObject({
  who,
  trusted: z.boolean().describe("Whether that class of callers is inside the zone of trust."),
  source: decisionSource,
  actions: z.array(text),
  capabilities: z.array(z.enum(CAPABILITIES)).describe("Worst first."),
  certainty,
  doubts,
  reach,
  networkBound: z.boolean().describe("Only from a fixed network."),
  conditions: z.array(
    z.looseObject({
      condition,
      kind: z.enum(["fixed-network", "free", "path", "time", "caller", "source"]),
    }),
  ),
  exposure: z.enum(EXPOSURES).describe("What this access alone makes of the key."),
  witness: z
    .looseObject({
      request,
      decision: z.looseObject({
        outcome,
        reason: text,
        sources: z.array(decisionSource),
        doubts,
        certainty,
        trace,
      }),
    })
    .describe("The proof: a request, and what the reference answers to it."),
});

const closing = z.looseObject({
  change: z.discriminatedUnion("kind", [
    z.looseObject({ kind: z.literal("remove-statements"), statements: statementIndexes }),
    z.looseObject({
      kind: z.literal("add-condition"),
      statements: statementIndexes,
      operator: z.literal("StringEquals"),
      key: text,
      values: z.array(text),
    }),
    z.looseObject({
      kind: z.literal("remove-principals"),
      statement: count,
      principals: z.array(text).describe("As the statement writes them; others stay in it."),
    }),
    z.looseObject({ kind: z.literal("none") }),
  ]),
  grants: z.array(text).describe("Ids of the grants to revoke with it."),
  cutsOff: z
    .array(z.looseObject({ who, actions: z.array(text) }))
    .describe("Trusted callers that lose something, and what."),
  ifMembers: z
    .array(text)
    .describe("Trusted accounts that lose nothing only if they are members of the organization named."),
});

const guard = z.looseObject({
  part: z.discriminatedUnion("kind", [
    z.looseObject({ kind: z.literal("condition"), statement: count, condition }),
    z.looseObject({ kind: z.literal("deny"), statement: count }),
    z.looseObject({
      kind: z.literal("resource-control-policy"),
      policy: count.describe("Position among those that bind the key's account."),
      name: text,
    }),
    z.looseObject({ kind: z.literal("together"), statements: statementIndexes }),
  ]),
  nobody: z.boolean().describe("The part is a condition, and nobody at all gets in through its statement."),
  without: z.enum(EXPOSURES).describe("The exposure without that part (and without the Denies of `also`)."),
  also: statementIndexes,
});

const use = z
  .looseObject({
    actions: z.array(text),
    capabilities: z.array(z.enum(CAPABILITIES)).describe("Worst first."),
    certainty: z
      .enum(["certain", "conditional", "possible"])
      .describe("`conditional`: a condition on the request decides, see `conditions`."),
    doubts,
    sources: z.array(decisionSource).describe("Statements of the key policy, and grants."),
    direct: z.boolean().describe("The key policy or the grant suffices; no identity policy is needed."),
    policies: z
      .array(
        z.looseObject({
          kind: z.enum(["inline", "managed"]),
          name: text.describe("ARN of a managed policy, name of an inline one."),
          group: text.exactOptional().describe("The group that it comes from."),
        }),
      )
      .describe("The identity policies that allow it."),
    conditions: z.array(z.looseObject({ effect: z.enum(["Allow", "Deny"]), condition })),
  })
  .describe("Actions that somebody can do in one way.");

const usersOfAccount = z.looseObject({
  account: text,
  iam: z.enum(["complete", "unreadable", "unknown"]).describe("Whether all users and roles were read."),
  serviceControl: z
    .enum(["levels", "none", "unknown"])
    .describe("`unknown`: service control policies were not all read, so that nothing is certain."),
  principals: count.describe("Users and roles that were read."),
  root: z.array(use).describe("What the root user can do."),
  groups: z
    .array(
      z.looseObject({
        principals: z.array(text).describe("ARNs of users and roles that can do the same in the same way."),
        capabilities: z.array(z.enum(CAPABILITIES)),
        uses: z.array(use),
      }),
    )
    .describe("Worst first."),
  paths: z
    .array(
      z.looseObject({
        who,
        certain: z.boolean().describe("Whether the trust policy surely lets the outsider in."),
        externalId: z.boolean(),
        conditions: z.array(condition),
        role: text.describe("ARN of the role that can use the key."),
        path: z
          .array(
            z.looseObject({
              role: text,
              certain: z.boolean().describe("Whether it surely can be assumed from the one before."),
              trustStatement: count.describe("Position in the role's trust policy, from 0."),
              policies: z.array(text).exactOptional().describe("Of the role before, that allow it."),
              conditions: z.array(condition).exactOptional(),
            }),
          )
          .describe("The roles that are assumed, one from the other; the first by the outsider."),
        trustStatement: count.describe("Position in the trust policy of the first role, from 0."),
        uses: z.array(use).describe("What the role can do."),
      }),
    )
    .describe("Outsiders who can assume a role that can use the key."),
  uncertain: z.array(text).describe("Users and roles of which not every policy was read or understood."),
  unclearTrust: z.array(text).describe("Roles of which the trust policy was not read or understood."),
  cutChains: z
    .array(text)
    .describe("Roles from which more roles may be assumed than the bounded search looked at."),
});
const inAccount = usersOfAccount
  .nullable()
  .describe("Who in the key's account can use it; null where nothing of its IAM was read.");

/** The shape of the JSON result of `keyward explain`. Fields are only added within a version. */
export const explanationSchema = z.looseObject({
  schema: z.literal(EXPLANATION_SCHEMA),
  key: keyReportSchema.describe("As in the report."),
  facts: z
    .looseObject({
      manager: text.exactOptional(),
      spec: text.exactOptional(),
      usage: text.exactOptional(),
      aliases: z.array(text).exactOptional(),
      description: text.exactOptional(),
      createdAt: text.exactOptional(),
      tags: z.record(text, text).exactOptional(),
      rotationEnabled: z.boolean().exactOptional(),
      lastUsedAt: text.exactOptional(),
      usageTrackedSince: text.exactOptional().describe("Without lastUsedAt: not used since then."),
    })
    .exactOptional()
    .describe("What else is known of the key; what is missing was not read."),
  accesses: z.array(access).describe("Of all callers, the trusted ones too; worst first."),
  undecided: z.array(
    z.looseObject({
      who: who.exactOptional(),
      source: decisionSource.exactOptional(),
      reason: text,
      doubts,
    }),
  ),
  weakConditions: z
    .array(z.looseObject({ where: text, why: text }))
    .describe("Conditions that outsiders pass, and Denies that miss them."),
  closings: z
    .array(closing)
    .describe("Changes that were made on a copy of the key and leave no exposure. Of an exposed key."),
  guards: z.array(guard).describe("Parts without which outsiders would get in. Of a closed key."),
  inAccount: inAccount.exactOptional(),
  inOtherAccounts: z
    .looseObject({
      accounts: z.array(usersOfAccount).describe("Those in which somebody can."),
      unread: z.array(text).describe("Accounts that the key lets in, and of which IAM was not all read."),
    })
    .exactOptional()
    .describe("Who in other accounts can use the key: their own policies have to allow it, too."),
  notes: z.array(text),
});
