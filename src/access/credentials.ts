import type { Asks } from "./asks.js";
import type { KeyModel } from "./key-models.js";
import type { Shape } from "./shape.js";
import { NONE } from "./shape-parts.js";
import type { Mode } from "./truth.js";
import type { View } from "./views.js";

/**
 * What credentials a request is signed with. `long-term`: an access key of a user, or of a root user. `temporary`: of a
 * session, with multi-factor authentication (`temporary-mfa`) or not, or (`temporary-silent`) without a word about it.
 * What sessions of roles and federated users say about it is doubtful (`temporary-unclear`). `any`: no document can tell
 * them apart.
 * Source: IAM User Guide, "AWS global condition context keys", "Secure API access with MFA" (texts of 2026).
 */
export type Credentials =
  | "any"
  | "long-term"
  | "temporary"
  | "temporary-mfa"
  | "temporary-silent"
  | "temporary-unclear";

const ANY: readonly Credentials[] = ["any"];
const OF_SESSION: readonly Credentials[] = ["temporary-unclear"];
const PERHAPS_OF_SESSION: readonly Credentials[] = ["temporary-silent", "temporary", "temporary-mfa"];
const OF_USER: readonly Credentials[] = ["long-term", "temporary", "temporary-mfa"];

/** The credentials that a kind of caller can have, as far as documents ask. */
export function credentialsOf(kind: Shape["kind"], asks: Asks, mode: Mode): readonly Credentials[] {
  if (!asks.credentials) return ANY;
  if (kind === "user" || kind === "root") return OF_USER;
  return mode === "certain" ? OF_SESSION : PERHAPS_OF_SESSION;
}

/** Keys of credentials of roles: how the role was assumed, and what its credentials were delivered to. */
const ROLE_SESSION_KEYS = new Set([
  "aws:SourceIdentity",
  "aws:FederatedProvider",
  "aws:ChatbotSourceArn",
  "aws:Ec2InstanceSourceVpc",
  "aws:Ec2InstanceSourcePrivateIPv4",
  "ec2:RoleDelivery",
  "identitystore:UserId",
  "identitystore:IdentityStoreArn",
  "glue:CredentialIssuingService",
  "glue:RoleAssumedBy",
  "codebuild:BuildArn",
  "codebuild:ProjectArn",
  "saml:",
  "cognito-identity.amazonaws.com:",
  "accounts.google.com:",
  "graph.facebook.com:",
  "www.amazon.com:",
]);

/**
 * What a key of credentials holds for a kind of caller; undefined where the caller's account decides. `name`: the key,
 * or its family, as AWS writes it.
 */
export function credentialModel(
  name: string,
  kind: Shape["kind"],
  credentials: Credentials,
): KeyModel | "present" | undefined {
  switch (name) {
    case "aws:TokenIssueTime":
      return credentials === "long-term" ? NONE : "present";
    case "aws:MultiFactorAuthPresent":
      if (credentials === "temporary-unclear") return { kind: "doubtful", doubt: "mfa-of-session" };
      if (credentials === "long-term" || credentials === "temporary-silent") return NONE;
      return { kind: "const", value: String(credentials === "temporary-mfa") };
    case "aws:MultiFactorAuthAge":
      if (credentials === "temporary-unclear") return { kind: "doubtful", doubt: "mfa-of-session" };
      return credentials === "temporary-mfa" ? "present" : NONE;
    case "aws:AssumedRoot":
      return kind === "root" ? undefined : NONE;
    // Root users have no tags.
    case "aws:PrincipalTag/":
      return kind === "root" ? NONE : undefined;
    default:
      return kind !== "session" && ROLE_SESSION_KEYS.has(name) ? NONE : undefined;
  }
}

/** What a request shows of its credentials beside what conditions ask for. */
export function shownOfCredentials(credentials: Credentials): readonly (readonly [string, View, boolean])[] {
  if (credentials === "temporary") return WITHOUT_MFA;
  return credentials === "temporary-mfa" ? WITH_MFA : NOTHING;
}

const NOTHING: readonly (readonly [string, View, boolean])[] = [];
const WITHOUT_MFA = [["aws:MultiFactorAuthPresent", ["false"], false]] as const;
const WITH_MFA = [["aws:MultiFactorAuthPresent", ["true"], false]] as const;
