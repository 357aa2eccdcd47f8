import type { CallFailure, FailureKind } from "../collect/ports.js";
import type { Action } from "./permissions.js";

/**
 * What AWS's error codes mean for a scan. Sources: KMS API reference, "Common Errors"; STS and EC2 API references, error
 * codes; retry classification of the AWS SDKs and Tools Reference Guide, "Retry behavior".
 */
const KINDS: Readonly<Record<Exclude<FailureKind, "other">, readonly string[]>> = {
  denied: [
    "AccessDeniedException",
    "AccessDenied",
    "UnauthorizedOperation",
    "AuthorizationError",
    "NotAuthorized",
  ],
  "not-found": ["NotFoundException"],
  throttled: [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "SlowDown",
  ],
  credentials: [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "RequestTimeTooSkewed",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "InvalidAccessKeyId",
    "CredentialsProviderError",
    "TokenProviderError",
    "ProviderError",
  ],
  "region-refused": [
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "AuthFailure",
    "OptInRequired",
    "RegionDisabledException",
    "SubscriptionRequiredException",
  ],
  unreachable: [
    "TimeoutError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EAI_AGAIN",
    "CERT_HAS_EXPIRED",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "ERR_TLS_CERT_ALTNAME_INVALID",
  ],
  stopped: ["AbortError"],
};

const KIND_OF_CODE: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, codes]) => codes.map((c) => [c, kind as FailureKind] as const)),
);

/** What the SDK threw, as a value. Bugs (a TypeError and the like) are thrown again. */
export function callFailure(action: Action, error: unknown, profile: string | undefined): CallFailure {
  if (!(error instanceof Error) || isBug(error)) throw error;
  // Credentials were needed first, and the call that gets them was refused: that is what the user can act on.
  if (isRefusedCall(error)) return { ...error.failure, kind: "credentials" };
  const status = foreignStatus(error);
  if (status !== undefined) return notFromAws(action, status);
  const code = codeOf(error);
  const kind = kindOf(action, code);
  const help = isClock(code, error.message) ? CLOCK : helpFor(kind, action, profile);
  return {
    kind,
    call: action,
    code,
    message: error.message,
    ...(help === undefined ? {} : { help }),
  };
}

/**
 * The status of a refusal that carries no error code, which each of AWS's has: it comes from a proxy or a gateway in
 * between. Failures of a server (500 and above) are left out: AWS's own load balancers answer so too.
 */
function foreignStatus(error: Error): number | undefined {
  if (error.name !== "Unknown" && error.name !== "UnknownError") return undefined;
  const metadata: unknown = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  const status = metadata.httpStatusCode;
  return typeof status === "number" && status >= 300 && status < 500 ? status : undefined;
}

function notFromAws(action: Action, status: number): CallFailure {
  const help =
    status === 407
      ? "Give the proxy a user and password that it accepts, in HTTPS_PROXY (https_proxy): http://USER:PASSWORD@HOST:PORT."
      : "Something between here and AWS (a proxy, a gateway) has answered instead: have it let AWS's hosts through, or leave it out with NO_PROXY.";
  const message = `HTTP status ${status} without an error code, which is no answer of AWS.`;
  return { kind: "unreachable", call: action, code: `Http${status}`, message, help };
}

/** AWS refuses what was signed more than five or fifteen minutes away from its own time, in words of each service. */
function isClock(code: string, message: string): boolean {
  return code === "RequestTimeTooSkewed" || /Signature (expired|not yet current)/.test(message);
}

const CLOCK =
  "This machine's clock differs from that of AWS by more than AWS accepts: set it right, or have it set over the network (NTP).";

/** The credentials were good once: new ones of the same kind would be accepted. */
export function isExpiry(failure: CallFailure): boolean {
  return EXPIRED.has(failure.code);
}

const EXPIRED: ReadonlySet<string> = new Set(["ExpiredToken", "ExpiredTokenException", "RequestExpired"]);

/** The service failed, so that the same call may succeed later. Source: AWS SDKs and Tools Reference Guide, "Retry behavior". */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const metadata: unknown = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return false;
  return typeof metadata.httpStatusCode === "number" && metadata.httpStatusCode >= 500;
}

/** AWS's code is the error's name; a network failure has a code of its own, which says more than `TimeoutError`. */
function codeOf(error: Error): string {
  const own = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return own !== undefined && KIND_OF_CODE.has(own)
    ? own
    : error.name === "Error"
      ? (own ?? "Error")
      : error.name;
}

function kindOf(action: Action, code: string): FailureKind {
  const kind = KIND_OF_CODE.get(code) ?? "other";
  // The Region of this call is the home Region: what it does not know are the credentials themselves.
  return kind === "region-refused" && action === "sts:GetCallerIdentity" ? "credentials" : kind;
}

/** By its form: the class lives beside the calls, which import this file. */
function isRefusedCall(error: Error): error is Error & { readonly failure: CallFailure } {
  return error.name === "CallRefused" && "failure" in error;
}

/** Mistakes of a program. The SDK throws these for malformed answers as well, but with a `$response` on them. */
function isBug(error: Error): boolean {
  return (
    (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) &&
    !("$response" in error) &&
    !("code" in error)
  );
}

/** The next step for the user. */
function helpFor(kind: FailureKind, action: Action, profile: string | undefined): string | undefined {
  switch (kind) {
    case "denied":
      if (action === "sts:AssumeRole") {
        return "Create the role in that account (the management account gets no stack instances by itself), let its trust policy name the scanning principal and the external id, and permit sts:AssumeRole on it to the scanning principal.";
      }
      if (action.startsWith("organizations:")) {
        return `Permit ${action} to the scanning principal, in the management account or in an account that is a delegated administrator.`;
      }
      if (action === "iam:GetAccountAuthorizationDetails") {
        return "Permit iam:GetAccountAuthorizationDetails to the scanning principal, or leave IAM out with --no-iam.";
      }
      return action === "kms:ListKeys"
        ? "Permit kms:ListKeys to the scanning principal; if this Region is closed on purpose (by a service control policy), name the Regions to scan with --region."
        : action === "kms:GetKeyPolicy" || action === "kms:ListGrants"
          ? `Permit ${action} to the scanning principal in the key policy, or in an IAM policy where the key policy hands control to IAM; look for a Deny as well.`
          : `Permit ${action} to the scanning principal.`;
    case "throttled":
      return "Scan again when less else is going on in the account, or with a smaller --concurrency.";
    case "credentials":
      return profile === undefined
        ? "Sign in again (aws sso login, or new keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if they are temporary); AWS_REGION must name a Region of the account's partition."
        : `Sign in again: aws sso login --profile ${profile}, or renew the keys of that profile.`;
    case "region-refused":
      return "If the account uses this Region, the credentials are not valid in it: session tokens of the global STS endpoint are not valid in opt-in Regions. If it does not, leave the Region out, or enable it for the account.";
    case "unreachable":
      return "Check the network, the proxy and --endpoint-url; then scan again.";
    case "not-found":
      return action.startsWith("kms:")
        ? "Scan again: the key was made or deleted just now, so that not every call finds it."
        : undefined;
    case "stopped":
    case "other":
      return undefined;
  }
}
