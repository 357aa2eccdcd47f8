import { parseAccountId } from "../domain/ids.js";
import { err, ok, type Problem, type Result } from "../domain/result.js";
import type { PrincipalEntry } from "../policy/ast.js";
import type { Caller } from "./request.js";

/** The session name given to a caller who is named by a role only. */
const SOME_SESSION = "session";

const PRINCIPAL_ARN = /^arn:(aws[a-z0-9-]*):(iam|sts)::([0-9]{12}):(.+)$/s;

/** A service principal such as `logs.us-east-1.amazonaws.com`. */
const SERVICE =
  /^[a-z0-9][a-z0-9.-]*\.(amazonaws\.(com(\.cn)?|eu)|amazon\.com|aws\.internal|c2s\.ic\.gov|sc2s\.sgov\.gov)$/;

/** Unique ids of users and roles. Source: IAM User Guide, "IAM identifiers", unique id prefixes. */
const UNIQUE_ID = /^(AIDA|AROA)[A-Z0-9]{12,124}$/;

/**
 * The principal that an ARN, account id, service name or unique id names, as grants write it. Undefined for other text.
 * Source: KMS API reference, CreateGrant, GranteePrincipal: account root, user, role, assumed-role session, federated
 * user; service names in old grants of integrated services.
 */
export function parsePrincipal(text: string): PrincipalEntry | undefined {
  const account = parseAccountId(text);
  if (account !== undefined) return { kind: "account", text, account, partition: undefined };
  if (UNIQUE_ID.test(text)) return { kind: "unique-id", text, id: text };
  const arn = PRINCIPAL_ARN.exec(text);
  if (arn === null) return SERVICE.test(text) ? { kind: "service", text, name: text } : undefined;
  const [, partition = "", service = "", accountText = "", resource = ""] = arn;
  const owner = parseAccountId(accountText);
  if (owner === undefined || /[*?]/.test(resource)) return undefined;
  const base = { text, account: owner, partition };
  if (service === "iam" && resource === "root") return { kind: "account", ...base };
  const slash = resource.indexOf("/");
  const type = resource.slice(0, Math.max(0, slash));
  const rest = resource.slice(slash + 1);
  if (slash < 0 || rest === "" || rest.endsWith("/")) return undefined;
  if (service === "iam" && (type === "user" || type === "role")) return { kind: type, ...base, name: rest };
  if (service === "sts" && type === "federated-user") return { kind: "federated-user", ...base, name: rest };
  const [role = "", session = "", more] = rest.split("/");
  if (service !== "sts" || type !== "assumed-role" || session === "" || more !== undefined) return undefined;
  return { kind: "session", ...base, role, session };
}

/**
 * The caller that an ARN or a service name names. A role becomes a session of that role; of the role of a session ARN
 * only the bare name is known. Fails for what cannot call KMS (groups, patterns, unique ids without an account).
 */
export function parseCaller(arnOrServiceName: string): Result<Caller, Problem> {
  const text = arnOrServiceName.trim();
  const entry = parsePrincipal(text);
  switch (entry?.kind) {
    case "account":
      return ok({ kind: "root", account: entry.account, partition: entry.partition ?? "aws" });
    case "user":
      return ok({ kind: "user", account: entry.account, partition: entry.partition, name: entry.name });
    case "role":
      return ok({
        kind: "session",
        account: entry.account,
        partition: entry.partition,
        role: entry.name,
        session: SOME_SESSION,
      });
    case "session":
      return ok({
        kind: "session",
        account: entry.account,
        partition: entry.partition,
        role: entry.role,
        rolePathUnknown: true,
        session: entry.session,
      });
    case "federated-user":
      return ok({
        kind: "federated-user",
        account: entry.account,
        partition: entry.partition,
        name: entry.name,
      });
    case "service":
      return ok({ kind: "service", name: entry.name });
    default:
      return err({
        what: "this names nobody who can call KMS",
        expected:
          "an ARN of a user, role, assumed-role session, federated user or account root, or the name of a service principal",
        got: JSON.stringify(arnOrServiceName),
        next: "give for example arn:aws:iam::111122223333:role/App or logs.us-east-1.amazonaws.com",
      });
  }
}

/** The ARN by which a caller is known in CloudTrail (`userIdentity.arn`); a service principal has its name. */
export function callerArn(caller: Caller): string {
  if (caller.kind !== "session")
    return principalArn(caller) ?? (caller.kind === "service" ? caller.name : "");
  const { partition, account, role, session } = caller;
  return `arn:${partition}:sts::${account}:assumed-role/${baseName(role)}/${session}`;
}

/**
 * The value of `aws:PrincipalArn`: for a session the ARN of its role. Undefined for service principals.
 * Source: IAM User Guide, "AWS global condition context keys", aws:PrincipalArn (text of 2026).
 */
export function principalArn(caller: Caller): string | undefined {
  switch (caller.kind) {
    case "root":
      return `arn:${caller.partition}:iam::${caller.account}:root`;
    case "user":
      return `arn:${caller.partition}:iam::${caller.account}:user/${caller.name}`;
    case "session":
      return `arn:${caller.partition}:iam::${caller.account}:role/${caller.role}`;
    case "federated-user":
      return `arn:${caller.partition}:sts::${caller.account}:federated-user/${caller.name}`;
    case "service":
      return undefined;
  }
}

/** The name of a user or role without its path. */
export function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
