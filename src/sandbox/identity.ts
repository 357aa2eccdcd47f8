import { createHash } from "node:crypto";
import type { AccountId } from "../domain/ids.js";
import type { Policy } from "../policy/ast.js";
import { callerArn, parseCaller } from "../semantics/arn.js";
import type { Caller, Context, Limit } from "../semantics/request.js";

/** What the caller's own policies say, apart from what `deny` lists. */
export type IdentityPolicies =
  | { readonly kind: "allow" }
  | { readonly kind: "none" }
  | { readonly kind: "policies"; readonly policies: readonly Policy[] };

/** Who made a request, and what stands on the caller's side. */
export interface Identity {
  readonly caller: Caller;
  /** As GetCallerIdentity shows it; the name of a service principal for a service. */
  readonly arn: string;
  /** Undefined for a service principal. */
  readonly account: AccountId | undefined;
  /** As GetCallerIdentity shows it. */
  readonly userId: string;
  readonly policies: IdentityPolicies;
  /** Patterns of actions that the identity policies deny, e.g. `kms:Get*`. */
  readonly deny: readonly string[];
  /** Condition keys that every request of the caller carries, such as `aws:SourceVpce`. */
  readonly context: Context;
  readonly sessionPolicy: Limit;
  readonly boundary: Limit;
  /** False: nobody said what the identity policies are; if the snapshot has them, they count. */
  readonly stated: boolean;
}

/** Where ordinary callers come from: an address of TEST-NET-3 (RFC 5737), which nobody has. */
export const DEFAULT_SOURCE_IP = "203.0.113.10";

/**
 * Reads the ARN of a caller, or the name of a service principal; undefined for what cannot sign a request. A role ARN
 * stands for a session of the role. Roles that are only seen in a session ARN have no path.
 */
export function readCaller(text: string): Caller | undefined {
  const parsed = parseCaller(text);
  if (!parsed.ok) return undefined;
  const caller = parsed.value;
  switch (caller.kind) {
    case "session":
      return sessionCaller(caller.account, caller.partition, caller.role, caller.session);
    case "user":
      return { ...caller, uniqueId: uniqueId("AIDA", text) };
    case "root":
    case "federated-user":
    case "service":
      return caller;
  }
}

/** The caller that AssumeRole makes. `role`: with its path, without the leading slash. */
export function sessionCaller(account: AccountId, partition: string, role: string, session: string): Caller {
  const roleArn = `arn:${partition}:iam::${account}:role/${role}`;
  return { kind: "session", account, partition, role, session, uniqueId: uniqueId("AROA", roleArn) };
}

/** The administrator that an access key without an entry in the callers file belongs to. */
export function administrator(account: AccountId, partition: string): Identity {
  const uniqueIdOfAdmin = uniqueId("AIDA", `arn:${partition}:iam::${account}:user/admin`);
  return makeIdentity(
    { kind: "user", account, partition, name: "admin", uniqueId: uniqueIdOfAdmin },
    { policies: { kind: "allow" } },
  );
}

/** Completes a caller to an identity. */
export function makeIdentity(
  caller: Caller,
  side: Partial<Pick<Identity, "policies" | "deny" | "context" | "sessionPolicy">> = {},
): Identity {
  return {
    caller,
    arn: callerArn(caller),
    account: caller.kind === "service" ? undefined : caller.account,
    userId: userId(caller),
    policies: side.policies ?? { kind: "allow" },
    deny: side.deny ?? [],
    context: { ...defaultNetwork(caller, side.context), ...side.context },
    sessionPolicy: side.sessionPolicy ?? { kind: "absent" },
    boundary: { kind: "absent" },
    stated: side.policies !== undefined,
  };
}

/** The public address, unless the caller comes through a VPC endpoint (then there is none) or is a service. */
function defaultNetwork(caller: Caller, context: Context | undefined): Context {
  const names = Object.keys(context ?? {}).map((name) => name.toLowerCase());
  const given = names.some((n) => n === "aws:sourceip" || n === "aws:sourcevpce" || n === "aws:sourcevpc");
  return given || caller.kind === "service" ? {} : { "aws:SourceIp": DEFAULT_SOURCE_IP };
}

function userId(caller: Caller): string {
  switch (caller.kind) {
    case "root":
      return caller.account;
    case "user":
      return caller.uniqueId ?? "";
    case "session":
      return `${caller.uniqueId ?? ""}:${caller.session}`;
    case "federated-user":
      return `${caller.account}:${caller.name}`;
    case "service":
      return caller.name;
  }
}

/** The unique id of a user (`AIDA…`), role (`AROA…`), group (`AGPA…`) or policy (`ANPA…`): made from its ARN, so that it is the same in every run. */
export function uniqueId(prefix: "AIDA" | "AROA" | "AGPA" | "ANPA", arn: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bytes = createHash("sha256").update(arn).digest().subarray(0, 17);
  return prefix + Array.from(bytes, (b) => alphabet[b % 32] ?? "A").join("");
}
