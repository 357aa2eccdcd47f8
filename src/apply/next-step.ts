import type { CallFailure } from "../collect/ports.js";
import { inert } from "../domain/inert.js";

/** Longest message of AWS that is repeated: the next step has to fit behind it. */
const MESSAGE = 200;

/**
 * What AWS answered and what to do about it, in one line: `kms:PutKeyPolicy: CODE: message. Next: …`. Sources: KMS API
 * reference, errors of PutKeyPolicy, RevokeGrant, CreateGrant, GetKeyPolicy and ListGrants, and "Common Errors".
 */
export function refusalText(failure: CallFailure): string {
  const { call, code } = failure;
  const message = inert(failure.message, { max: MESSAGE }).replace(/[.\s]+$/, "");
  return `${call}: ${code}: ${message}. Next: ${nextStep(failure)}`;
}

function nextStep({ kind, call, code, message, help }: CallFailure): string {
  switch (code) {
    case "MalformedPolicyDocumentException":
      return /update the key policy in the future/.test(message)
        ? "AWS's lockout safety check wants the caller to be able to change the policy again: run keyward as a principal whom the new policy lets do that (--profile, --role)."
        : "somebody whom the policy names does not exist (any more), or KMS does not accept its form: for a plan, scan and plan again; for a rollback, leave the deleted out with --without ARN or --without-missing.";
    case "LimitExceededException":
      return call === "kms:CreateGrant"
        ? "the key has as many grants as KMS permits: have some retired or revoked (aws kms list-grants), then keyward apply --resume RUN."
        : "a quota of KMS is reached (a policy has 32,768 bytes at most): plan again with --strategy remove, or shorten the policy.";
    case "NotFoundException":
      return "the key (or the grant) is not there: it was deleted, or it is in another Region. Scan again, and plan from that.";
    case "KMSInvalidStateException":
      return "the state of the key does not permit this (it waits for its deletion, for its import, or is being made): see aws kms describe-key; then keyward apply --resume RUN.";
    case "InvalidArnException":
    case "ValidationException":
      return "a principal or parameter is not written as AWS wants it: make a new plan; if it came from keyward, please report it.";
  }
  switch (kind) {
    case "denied":
      return `permit ${call} on this key to the caller (keyward doctor --for apply), in the key policy or by IAM, and look for a Deny; a key of another account takes credentials of that account (--profile, --role).`;
    case "throttled":
      return "the account's quota is used up by others: keyward apply --resume RUN when less is going on.";
    case "unreachable":
      return "check the network, the proxy and --endpoint-url; then keyward apply --resume RUN.";
    case "stopped":
      return "keyward apply --resume RUN.";
    case "credentials":
    case "region-refused":
      return `${help ?? "sign in again."} Then keyward apply --resume RUN.`;
    case "not-found":
    case "other":
      return `${help ?? "look the code up in the KMS API reference."} Then keyward apply --resume RUN, or keyward rollback RUN.`;
  }
}
