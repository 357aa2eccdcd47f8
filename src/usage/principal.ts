import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import type { Json } from "./json.js";
import { child, text } from "./json.js";
import type { UsagePrincipal } from "./types.js";

/** Who called, out of a record. */
export interface Caller {
  readonly principal: UsagePrincipal;
  readonly account: AccountId | undefined;
  readonly via: string | undefined;
  readonly delegate: AccountId | undefined;
}

/** What CloudTrail writes where it does not tell which service called. */
const INTERNAL = /^(AWS|Amazon) Internal/;
const SERVICE = /^[a-z0-9.-]{1,100}\.amazonaws\.com(\.cn)?$/;
/** Longest ARN, id or type that is kept. IAM's ARNs are at most 2,048 characters long. */
const MAX_TEXT = 2048;

/**
 * The caller of a record. Of a session it is the role, from the session's issuer: the session's own ARN lacks the role's
 * path. Source: CloudTrail User Guide, "CloudTrail userIdentity element".
 */
export function caller(record: Json): Caller {
  const identity = child(record, "userIdentity");
  const issuer = child(child(identity, "sessionContext"), "sessionIssuer");
  const principal = principalOf(identity, issuer);
  const account =
    accountOf(identity) ?? (principal.kind === "role" ? accountOfArn(principal.arn) : accountOf(issuer));
  return {
    principal,
    account: principal.kind === "service" ? undefined : account,
    via: principal.kind === "service" ? undefined : via(identity, record),
    delegate: accountOf(child(identity, "invokedByDelegate")),
  };
}

function principalOf(identity: Json, issuer: Json): UsagePrincipal {
  const type = text(identity, "type") ?? "Unknown";
  const account = accountOf(identity);
  const id = uniqueId(identity);
  const arn = short(text(identity, "arn"));
  switch (type) {
    case "Root":
      if (account !== undefined) return { kind: "root", account };
      break;
    case "IAMUser":
      if (arn !== undefined && isIam(arn, "user")) return { kind: "user", arn, ...withId(id) };
      break;
    case "Role":
      if (arn !== undefined && isIam(arn, "role")) return { kind: "role", arn, ...withId(id) };
      break;
    case "AssumedRole": {
      const role = short(text(issuer, "arn"));
      if (role !== undefined && isIam(role, "role")) {
        return { kind: "role", arn: role, ...withId(uniqueId(issuer) ?? id) };
      }
      break;
    }
    case "FederatedUser": {
      const by = short(text(issuer, "arn"));
      if (arn !== undefined)
        return { kind: "federated-user", arn, ...(by === undefined ? {} : { issuer: by }) };
      break;
    }
    case "AWSService":
      return { kind: "service", name: serviceName(text(identity, "invokedBy")) };
    case "AWSAccount":
      if (account !== undefined) return { kind: "foreign", account, ...withId(id) };
      break;
    case "IdentityCenterUser":
      if (account !== undefined) {
        const person = child(identity, "onBehalfOf");
        const userId = short(text(person, "userId"));
        const store = short(text(person, "identityStoreArn"));
        return {
          kind: "identity-center-user",
          account,
          ...(userId === undefined ? {} : { userId }),
          ...(store === undefined ? {} : { store }),
        };
      }
      break;
    default:
      break;
  }
  return {
    kind: "other",
    type: type.slice(0, 64),
    ...withId(arn?.replace(/^(arn:[^/]*:assumed-role\/[^/]+)\/.*$/, "$1") ?? id),
  };
}

/** A service that used the caller's rights. `userAgent` alone says nothing: the console shows itself there too. */
function via(identity: Json, record: Json): string | undefined {
  const invokedBy = text(identity, "invokedBy");
  if (invokedBy !== undefined) return serviceName(invokedBy);
  const source = text(record, "sourceIPAddress");
  if (source === undefined || !(INTERNAL.test(source) || SERVICE.test(source))) return undefined;
  return serviceName(source);
}

function serviceName(name: string | undefined): string {
  return name !== undefined && SERVICE.test(name) ? name : "unknown";
}

/** The unique id, without the name of the session that follows it. */
function uniqueId(identity: Json): string | undefined {
  const id = text(identity, "principalId")?.split(":")[0];
  return id === undefined || id === "" ? undefined : short(id);
}

function withId(id: string | undefined): { readonly id?: string } {
  return id === undefined ? {} : { id };
}

function accountOf(from: Json): AccountId | undefined {
  const id = text(from, "accountId");
  return id === undefined ? undefined : parseAccountId(id);
}

function accountOfArn(arn: string): AccountId | undefined {
  return parseAccountId(arn.split(":")[4] ?? "");
}

const IAM = {
  user: /^arn:aws[a-z-]*:iam::[0-9]{12}:user\//,
  role: /^arn:aws[a-z-]*:iam::[0-9]{12}:role\//,
} as const;

function isIam(arn: string, kind: "user" | "role"): boolean {
  return IAM[kind].test(arn);
}

function short(value: string | undefined): string | undefined {
  return value?.slice(0, MAX_TEXT);
}
