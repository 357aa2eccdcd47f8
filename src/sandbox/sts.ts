import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import { parsePolicy } from "../policy/parse.js";
import { principalArn } from "../semantics/arn.js";
import type { Limit } from "../semantics/request.js";
import type { Access } from "./access.js";
import { accountSays, contextOf, type Named } from "./account-access.js";
import type { Callers } from "./callers.js";
import type { CallersFile, RoleRule } from "./callers-file.js";
import { ServiceError, invalid, malformedPolicy, validationError } from "./errors.js";
import { type Identity, makeIdentity, sessionCaller } from "./identity.js";
import { resourceControlDenies } from "./resource-control.js";
import { trustSays } from "./trust.js";
import type { World } from "./world/world.js";
import type { Element, Xml } from "./xml.js";

/** A request of the query protocol. */
export interface QueryCall {
  readonly identity: Identity;
  readonly parameters: URLSearchParams;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What STS works on. */
export interface StsServices {
  readonly world: World;
  readonly access: Access;
  /** Seconds after which every session ends; undefined: what the request asks for. */
  readonly sessionSeconds: number | undefined;
  readonly callers: Callers;
  readonly rules: CallersFile;
}

/** Partition, account, and path and name of a role. */
export const ROLE_ARN = /^arn:(aws[a-z-]*):iam::([0-9]{12}):role\/([\w+=,.@/-]+)$/;

/** GetCallerIdentity: needs no permission. */
export function getCallerIdentity(call: QueryCall): Xml {
  const { identity } = call;
  return [
    ["Arn", identity.arn],
    ["UserId", identity.userId],
    ["Account", identity.account ?? ""],
  ];
}

/**
 * AssumeRole. Where the snapshot has the role, its trust policy decides; what the callers file says of a role comes on
 * top. A role of which neither says anything can be assumed by everybody whose own policies allow sts:AssumeRole,
 * unless the snapshot has all of the account's IAM: then it does not exist.
 */
export function assumeRole(call: QueryCall, services: StsServices): Xml {
  const { identity, now } = call;
  const arn = parameter(call.parameters, "RoleArn", 20, 2048);
  const session = sessionName(call.parameters);
  const [, partition = "", digits = "", role = ""] = ROLE_ARN.exec(arn) ?? [];
  const account = parseAccountId(digits);
  if (account === undefined) throw invalid(`${arn} is invalid`);
  const seconds = duration(call.parameters, identity.caller.kind === "session");
  const rule = services.rules.roles.get(arn);
  const mayAssume =
    services.world.hasAccount(account) &&
    !services.world.isSuspended(account) &&
    services.world.iam.mayExist(arn) &&
    trusts(rule, identity, call.parameters) &&
    permitted(call, services, arn, session, account);
  if (!mayAssume) {
    throw new ServiceError(
      "AccessDeniedException",
      `User: ${identity.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
    );
  }
  const unfinished = makeIdentity(sessionCaller(account, partition, role, session), {
    ...rule?.side,
    sessionPolicy: sessionPolicy(call.parameters),
  });
  return [...openRoleSession(services, arn, unfinished, seconds, now), ...packedSize(call.parameters)];
}

/** How full the space for session policies is, in percent. AWS packs them first; here they are not packed. */
export function packedSize(parameters: URLSearchParams): readonly Element[] {
  const length = parameters.get("Policy")?.length;
  return length === undefined ? [] : [["PackedPolicySize", String(Math.ceil((length / 2048) * 100))]];
}

/**
 * Credentials of a session and what STS says about it. `identity`: the caller file's side of it; what the snapshot knows
 * is added whenever the session is used.
 * @throws ServiceError ValidationException where the role allows no session that long.
 */
export function openRoleSession(
  services: StsServices,
  arn: string,
  identity: Identity,
  seconds: number,
  now: number,
): readonly Element[] {
  const longest = services.world.iam.role(arn)?.maxSessionDuration;
  if (longest !== undefined && seconds > longest) {
    throw invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  const assumed = services.callers.complete(identity);
  const lasts = Math.min(seconds, services.sessionSeconds ?? seconds);
  const credentials = services.callers.openSession(identity, now + lasts * 1000, now);
  return [
    [
      "AssumedRoleUser",
      [
        ["AssumedRoleId", assumed.userId],
        ["Arn", assumed.arn],
      ],
    ],
    [
      "Credentials",
      [
        ["AccessKeyId", credentials.accessKeyId],
        ["SecretAccessKey", credentials.secretAccessKey],
        ["SessionToken", credentials.sessionToken],
        ["Expiration", new Date(credentials.expiresAt).toISOString()],
      ],
    ],
  ];
}

/** The name of a session. */
export function sessionName(parameters: URLSearchParams): string {
  const session = parameter(parameters, "RoleSessionName", 2, 64);
  if (/^[\w+=,.@-]+$/.test(session)) return session;
  throw validationError(
    `'${session}'`,
    "roleSessionName",
    "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
  );
}

/** The trust policy, resource control policies above the role, and the caller's own policies. */
function permitted(
  call: QueryCall,
  services: StsServices,
  arn: string,
  session: string,
  account: AccountId,
): boolean {
  const { identity, now, parameters } = call;
  const wanted = { action: "sts:AssumeRole", resource: arn, now };
  const own = (named: Named): boolean => accountSays(services.access, identity, wanted, named) === "allow";
  const externalId = parameters.get("ExternalId");
  const context = contextOf(services.access, identity, wanted, {
    "sts:RoleSessionName": session,
    ...(externalId === null ? {} : { "sts:ExternalId": externalId }),
    ...services.access.resourceKeys(account),
  });
  const above = { action: "sts:AssumeRole", role: arn, account, caller: identity.caller, context };
  if (resourceControlDenies(services.access, above)) return false;
  const trustPolicy = services.world.iam.role(arn)?.trustPolicy;
  if (trustPolicy?.kind !== "present") return own("no");
  const says = trustSays(trustPolicy.text, identity, "sts:AssumeRole", context);
  switch (says) {
    case "named":
    case "role":
      return own(identity.account === account ? says : "no");
    case "account":
      return own("no");
    case "none":
    case "deny":
      return false;
  }
}

/** From 15 minutes to 12 hours, and at most one hour where a role session assumes the next role. */
export function duration(parameters: URLSearchParams, chained: boolean): number {
  const text = parameters.get("DurationSeconds");
  const seconds = text === null ? 3600 : Number(text);
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 43_200) {
    throw validationError(
      `'${text ?? ""}'`,
      "durationSeconds",
      "Member must have value between 900 and 43200",
    );
  }
  if (chained && seconds > 3600) {
    throw invalid(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  }
  return seconds;
}

function trusts(rule: RoleRule | undefined, identity: Identity, parameters: URLSearchParams): boolean {
  if (rule?.externalId !== undefined && parameters.get("ExternalId") !== rule.externalId) return false;
  if (rule?.trust === undefined) return true;
  const names: readonly (AccountId | string | undefined)[] = [
    identity.account,
    identity.arn,
    principalArn(identity.caller),
    identity.account === undefined ? undefined : `arn:aws:iam::${identity.account}:root`,
  ];
  return rule.trust.some((trusted) => trusted === "*" || names.includes(trusted));
}

/** Managed session policies are not known here, so a request that names one is refused rather than not limited. */
export function sessionPolicy(parameters: URLSearchParams): Limit {
  if ([...parameters.keys()].some((name) => name.startsWith("PolicyArns.member."))) {
    throw invalid("The sandbox knows no managed policies: use Policy instead of PolicyArns");
  }
  const text = parameters.get("Policy");
  if (text === null) return { kind: "absent" };
  const parsed = parsePolicy(text, { kind: "identity" });
  const bad = parsed.diagnostics.find((d) => d.level !== "warning");
  if (parsed.policy === undefined || bad !== undefined) {
    throw malformedPolicy(`Syntax errors in policy. (${bad?.message ?? "not a policy"})`);
  }
  return { kind: "policy", policy: parsed.policy };
}

/** A required parameter of a length between two bounds. */
export function parameter(parameters: URLSearchParams, name: string, min: number, max: number): string {
  const value = parameters.get(name);
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  if (value === null) throw validationError("null", member, "Member must not be null");
  if (value.length < min || value.length > max) {
    throw validationError(
      `'${value.slice(0, 256)}'`,
      member,
      `Member must have length between ${min} and ${max}`,
    );
  }
  return value;
}
