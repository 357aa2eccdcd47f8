import { ABSENT, one, type Rows, unknownEntry } from "./context-entry.js";
import { parseBool } from "./operators/bool.js";
import type { AccessRequest } from "./request.js";

/**
 * Keys that follow from what credentials a caller has. Sessions have temporary ones, so aws:TokenIssueTime is there; what
 * they say about multi-factor authentication AWS documents in contradicting ways ("not present for federated
 * identities"; "all requests that are made using temporary credentials" have it; credentials of AssumeRole "do not
 * include MFA information"). Users and root users have long-term ones, without any of these keys, unless the request
 * states one of them: then the others are there as well, or may be.
 * Source: IAM User Guide, "AWS global condition context keys", "Secure API access with MFA" (texts of 2026).
 */
export function credentialKeys({ caller, context }: AccessRequest): Rows {
  if (caller.kind === "service") return {};
  const session = caller.kind === "session" || caller.kind === "federated-user";
  const { issued, present, age } = statedOf(context);
  if (!session && !hasValue(issued) && !hasValue(present) && !hasValue(age)) return {};
  const used = hasValue(age) ? true : present === undefined ? undefined : parseBool(present[0] ?? "");
  const unclear = session ? "mfa-of-session" : "caller-fact-unknown";
  return {
    "aws:TokenIssueTime": unknownEntry("caller-fact-unknown", true),
    "aws:MultiFactorAuthPresent": used === undefined ? unknownEntry(unclear, !session) : one(String(used)),
    "aws:MultiFactorAuthAge":
      present !== undefined && used !== true
        ? ABSENT
        : used === true
          ? unknownEntry("caller-fact-unknown", true)
          : unknownEntry(unclear, false),
  };
}

type Values = readonly string[];

function hasValue(values: Values | undefined): boolean {
  return values !== undefined && values.length > 0;
}

/** What a request states itself of its credentials. */
function statedOf(context: AccessRequest["context"]): {
  readonly issued: Values | undefined;
  readonly present: Values | undefined;
  readonly age: Values | undefined;
} {
  const of = (lower: string): Values | undefined => {
    for (const [name, value] of Object.entries(context)) {
      if (name.length === lower.length && name.toLowerCase() === lower)
        return typeof value === "string" ? [value] : value;
    }
    return undefined;
  };
  return {
    issued: of("aws:tokenissuetime"),
    present: of("aws:multifactorauthpresent"),
    age: of("aws:multifactorauthage"),
  };
}
