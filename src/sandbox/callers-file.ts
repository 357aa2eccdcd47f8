import { z } from "zod";
import { records } from "../domain/records.js";
import { KeywardError } from "../domain/result.js";
import type { Policy } from "../policy/ast.js";
import { parsePolicyValue } from "../policy/parse.js";
import type { Context } from "../semantics/request.js";
import type { Identity } from "./identity.js";
import { makeIdentity, readCaller } from "./identity.js";

const texts = z.array(z.string()).readonly();
const side = {
  identity: z.enum(["allow", "none"]).optional(),
  policies: z.array(z.record(z.string(), z.unknown())).readonly().optional(),
  deny: texts.optional(),
  context: records(z.union([z.string(), texts])).optional(),
};
const accessKeySchema = z.strictObject({ arn: z.string(), ...side });
const roleSchema = z.strictObject({
  ...side,
  trust: texts.optional(),
  externalId: z.string().optional(),
});

/** What a callers file says about the callers of one role. */
export interface RoleRule {
  readonly side: Pick<Identity, "deny" | "context"> & Partial<Pick<Identity, "policies">>;
  /** ARNs and account ids that may assume it. Undefined: everybody who may call sts:AssumeRole. */
  readonly trust: readonly string[] | undefined;
  /** The external id that AssumeRole has to carry. */
  readonly externalId: string | undefined;
}

/** A callers file, checked. */
export interface CallersFile {
  readonly accessKeys: ReadonlyMap<string, Identity>;
  /** By role ARN, path included. */
  readonly roles: ReadonlyMap<string, RoleRule>;
}

/** No rules: every access key is an administrator's, and every role can be assumed. */
export const NO_CALLERS: CallersFile = { accessKeys: new Map(), roles: new Map() };

const ROLE_ARN = /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]+$/;
const ACCESS_KEY = /^[A-Z0-9]{16,128}$/;

/**
 * Checks the JSON value of a callers file: an object whose names are access key ids (then the value has an `arn`) or
 * role ARNs (then it says what sessions of the role may do). docs/sandbox.md describes it.
 * @throws KeywardError for anything that it does not have.
 */
export function parseCallers(value: unknown, where: string): CallersFile {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(where, "not a callers file", 'an object such as {"AKIA…": {"arn": "arn:aws:iam::…:user/…"}}');
  }
  const accessKeys = new Map<string, Identity>();
  const roles = new Map<string, RoleRule>();
  for (const [name, entry] of Object.entries(value)) {
    const at = `${where}: ${JSON.stringify(name)}`;
    if (ROLE_ARN.test(name)) roles.set(name, roleRule(entry, at));
    else if (ACCESS_KEY.test(name)) accessKeys.set(name, identity(entry, at));
    else
      throw wrong(
        at,
        "neither an access key id nor a role ARN",
        "16 or more capitals and digits, or a role ARN",
      );
  }
  return { accessKeys, roles };
}

function identity(entry: unknown, where: string): Identity {
  const data = checked(accessKeySchema, entry, where);
  const caller = readCaller(data.arn);
  if (caller === undefined) {
    throw wrong(
      where,
      "arn is not that of a caller",
      "the ARN of a root user, user, role session or federated user, or a service principal",
      data.arn,
    );
  }
  return makeIdentity(caller, callerSide(data, where));
}

function roleRule(entry: unknown, where: string): RoleRule {
  const data = checked(roleSchema, entry, where);
  const rule = callerSide(data, where);
  return { side: rule, trust: data.trust, externalId: data.externalId };
}

function callerSide(
  data: Omit<z.infer<typeof roleSchema>, "trust" | "externalId">,
  where: string,
): RoleRule["side"] {
  if (data.identity !== undefined && data.policies !== undefined) {
    throw wrong(where, "identity and policies exclude each other", "one of them");
  }
  return {
    ...(data.identity === undefined ? {} : { policies: { kind: data.identity } }),
    ...(data.policies === undefined
      ? {}
      : {
          policies: {
            kind: "policies" as const,
            policies: data.policies.map((p, i) => policy(p, `${where}: policies[${i}]`)),
          },
        }),
    deny: data.deny ?? [],
    context: context(data.context),
  };
}

function context(record: Readonly<Record<string, string | readonly string[]>> | undefined): Context {
  return record ?? {};
}

function policy(value: unknown, where: string): Policy {
  const parsed = parsePolicyValue(value, { kind: "identity" });
  const bad = parsed.diagnostics.find((d) => d.level !== "warning");
  if (parsed.policy === undefined || bad !== undefined) {
    throw wrong(where, bad?.message ?? "not a policy", "an identity policy");
  }
  return parsed.policy;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue === undefined ? "" : issue.path.join(".");
  throw wrong(where, `${field === "" ? "entry" : field} is wrong`, issue?.message ?? "a valid entry");
}

function wrong(where: string, what: string, expected: string, got?: string): KeywardError {
  return new KeywardError({
    what,
    where,
    expected,
    ...(got === undefined ? {} : { got: JSON.stringify(got) }),
  });
}
