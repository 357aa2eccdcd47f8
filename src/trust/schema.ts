import { z } from "zod";
import { parseAccountId, parseOrganizationId } from "../domain/ids.js";
import type { AccountId, OrganizationId } from "../domain/ids.js";
import { RULE_IDS } from "../domain/rule-id.js";

/**
 * The shape of keyward.yaml. Strict: a field that keyward does not know is an error, because a misspelt `expires` or
 * `principals` would silently trust more, or less, than its author meant. Messages say what was expected.
 */
export const ACCOUNT = "an account id: twelve digits, in quotes";
export const ORGANIZATION = "an organization id, such as o-a1b2c3d4e5";
export const PRINCIPAL = "the ARN of one user, role or session, without wildcards";
export const SERVICE = "a service principal, such as logs.us-east-1.amazonaws.com";
export const KEY = "a key ARN (with * and ? if you like), or alias/NAME";
export const DATE = "a date that exists, as YYYY-MM-DD";

const ACCOUNT_PATTERN = /^[0-9]{12}$/;
const ORGANIZATION_PATTERN = /^o-[a-z0-9]{10,32}$/;
const PRINCIPAL_PATTERN =
  /^arn:aws[a-z-]*:(iam::[0-9]{12}:(user|role)\/[^*?]+|sts::[0-9]{12}:(assumed-role\/[^*?/]+|federated-user)\/[^*?/]+)$/;
const SERVICE_PATTERN = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const KEY_PATTERN = /^(arn:[^:]+:kms:[^:]+:[^:]+:key\/.+|arn:[^:]+:kms:[^:]+:[^:]+:\*|alias\/.+)$/;
const DATE_PATTERN = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

const text = z.string("text").min(1, "text that is not empty");
const account = z.string(ACCOUNT).regex(ACCOUNT_PATTERN, ACCOUNT);
const organization = z.string(ORGANIZATION).regex(ORGANIZATION_PATTERN, ORGANIZATION);

/** A list; `null` is what YAML makes of `accounts:` with nothing behind it. */
function list<T extends z.ZodType>(item: T, of: string) {
  return z.array(item, `a list of ${of}`).nullable().exactOptional();
}

const exception = z.strictObject(
  {
    key: z
      .string(KEY)
      .regex(KEY_PATTERN, KEY)
      .describe("Key ARN with * and ? (they do not cross a colon), or alias/NAME."),
    rule: z.enum(RULE_IDS, "the id of a rule, such as external-access (docs/rules lists them)"),
    who: text
      .describe("Account, organization, principal ARN, pattern or service of the finding. Absent: whoever.")
      .exactOptional(),
    reason: text,
    owner: text,
    expires: z
      .string(DATE)
      .regex(DATE_PATTERN, DATE)
      .refine(isDate, DATE)
      .describe("Last day on which it holds (UTC)."),
  },
  "a mapping with key, rule, reason, owner and expires",
);

/** How a plan closes a key; docs/plan.md. The first is the default. */
export const REPAIR_STRATEGIES = ["auto", "remove", "narrow", "bound"] as const;
export const STRATEGY = "one of auto, remove, narrow, bound";

const strategyFor = z.strictObject(
  {
    key: z
      .string(KEY)
      .regex(KEY_PATTERN, KEY)
      .describe("Key ARN with * and ? (they do not cross a colon), or alias/NAME."),
    strategy: z.enum(REPAIR_STRATEGIES, STRATEGY),
  },
  "a mapping with key and strategy",
);

export const configSchema = z.strictObject(
  {
    trust: z
      .strictObject(
        {
          organizations: z
            .union([z.literal("auto"), z.array(organization)], {
              error: `auto, or a list of organization ids`,
            })
            .nullable()
            .describe("Organizations whose accounts are trusted; auto: those of the snapshot.")
            .exactOptional(),
          accounts: list(
            z.union(
              [
                account,
                z.strictObject(
                  { id: account, name: text.exactOptional() },
                  { error: `${ACCOUNT}, or { id: …, name: … }` },
                ),
              ],
              { error: `${ACCOUNT}, or { id: …, name: … }` },
            ),
            "accounts",
          ),
          principals: list(z.string(PRINCIPAL).regex(PRINCIPAL_PATTERN, PRINCIPAL), "ARNs"),
          services: list(z.string(SERVICE).regex(SERVICE_PATTERN, SERVICE), "service principals"),
        },
        "a mapping with organizations, accounts, principals, services",
      )
      .nullable()
      .exactOptional(),
    exceptions: list(exception, "exceptions"),
    repair: list(strategyFor, "strategies").describe(
      "How keyward plan closes these keys; the first that fits counts.",
    ),
  },
  "a mapping with trust, exceptions and repair",
);

/** keyward.yaml as it is written, checked but not yet normalized. */
export type RawConfig = z.infer<typeof configSchema>;

/** Whether a date of the right shape stands in the calendar. */
function isDate(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}

/** A text that the schema has accepted as an account id. */
export function checkedAccount(id: string): AccountId {
  const parsed = parseAccountId(id);
  if (parsed === undefined) throw new Error("the schema let through an account id that is none");
  return parsed;
}

/** A text that the schema has accepted as an organization id. */
export function checkedOrganization(id: string): OrganizationId {
  const parsed = parseOrganizationId(id);
  if (parsed === undefined) throw new Error("the schema let through an organization id that is none");
  return parsed;
}
