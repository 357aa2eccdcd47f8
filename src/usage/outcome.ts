import type { Json } from "./json.js";
import { text } from "./json.js";
import type { DenyingPolicy, UsageOutcome } from "./types.js";

/** Error codes that mean "not authorized". KMS answers AccessDeniedException; CloudTrail writes AccessDenied as well. */
const DENIED = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "VpceAccessDenied",
  "UnauthorizedOperation",
]);

/** Which policy a message names, most telling first. Source: IAM User Guide, "Troubleshoot access denied error messages". */
const POLICIES: readonly (readonly [RegExp, DenyingPolicy])[] = [
  [/resource control polic/i, "resource-control"],
  [/service control polic/i, "service-control"],
  [/VPC endpoint polic/i, "vpc-endpoint"],
  [/permissions boundar/i, "permissions-boundary"],
  [/session polic/i, "session"],
  [/resource-based polic/i, "resource"],
  [/identity-based polic/i, "identity"],
];

/** How the call of a record ended. */
export function outcome(record: Json): UsageOutcome {
  const code = text(record, "errorCode");
  if (code === undefined) return { kind: "allowed" };
  const shown = code.slice(0, 128);
  if (!DENIED.has(code)) return { kind: "failed", code: shown };
  const message = text(record, "errorMessage") ?? "";
  return {
    kind: "denied",
    code: shown,
    effect: /with an explicit deny/i.test(message)
      ? "explicit"
      : /because no [a-z -]{1,60} allows/i.test(message)
        ? "implicit"
        : "unknown",
    policy: POLICIES.find(([pattern]) => pattern.test(message))?.[1] ?? "unknown",
  };
}

/** What a denial says was refused: the action, and the ARN of the resource. Either can be missing. */
export interface DeniedRequest {
  readonly action: string | undefined;
  readonly resource: string | undefined;
}

/** `… is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:… because …` */
export function deniedRequest(record: Json): DeniedRequest {
  const message = (text(record, "errorMessage") ?? "").slice(0, 4096);
  return {
    action: / to perform: (kms:[A-Za-z0-9]{1,64})\b/.exec(message)?.[1],
    resource: / on resource: (arn:[^\s"']{1,300})/.exec(message)?.[1],
  };
}
