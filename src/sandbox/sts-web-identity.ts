import { parseAccountId } from "../domain/ids.js";
import type { RequestContext } from "../semantics/derive-context.js";
import type { Context } from "../semantics/request.js";
import { contextFrom } from "./account-access.js";
import { ServiceError, invalid } from "./errors.js";
import { makeIdentity, sessionCaller } from "./identity.js";
import { isObject } from "./input.js";
import {
  type QueryCall,
  ROLE_ARN,
  type StsServices,
  duration,
  openRoleSession,
  packedSize,
  parameter,
  sessionName,
  sessionPolicy,
} from "./sts.js";
import { resourceControlDenies } from "./resource-control.js";
import { providerTrusted } from "./trust.js";
import type { Xml } from "./xml.js";

/** What is read of a token. */
interface Token {
  /** Issuer without `https://`: the name of the identity provider in IAM and in condition keys. */
  readonly provider: string;
  readonly audience: string;
  readonly subject: string;
}

/**
 * AssumeRoleWithWebIdentity, with OpenID Connect tokens. The request is not signed, and the token's signature is not
 * verified: the sandbox believes whatever issuer, audience, subject and expiry the token states. The role's trust policy
 * in the snapshot has to name the provider, `arn:…:oidc-provider/ISSUER`, of the role's account, and its conditions
 * (`ISSUER:aud`, `ISSUER:sub`, `sts:RoleSessionName`) have to hold.
 * Source: STS API reference, AssumeRoleWithWebIdentity; IAM User Guide, "Create a role for OpenID Connect federation".
 */
export function assumeRoleWithWebIdentity(call: Omit<QueryCall, "identity">, services: StsServices): Xml {
  const { parameters, now } = call;
  const arn = parameter(parameters, "RoleArn", 20, 2048);
  const session = sessionName(parameters);
  const seconds = duration(parameters, false);
  const token = readToken(parameter(parameters, "WebIdentityToken", 4, 20_000), now);
  const [, partition = "", digits = "", role = ""] = ROLE_ARN.exec(arn) ?? [];
  const account = parseAccountId(digits);
  if (account === undefined) throw invalid(`${arn} is invalid`);
  const trust = services.world.iam.role(arn)?.trustPolicy;
  const provider = `arn:${partition}:iam::${account}:oidc-provider/${token.provider}`;
  const action = "sts:AssumeRoleWithWebIdentity";
  const context = contextOf(token, session, now, services.access.resourceKeys(account));
  const trusted =
    trust?.kind === "present" &&
    !services.world.isSuspended(account) &&
    !resourceControlDenies(services.access, { action, role: arn, account, caller: undefined, context }) &&
    providerTrusted(trust.text, provider, action, context);
  if (!trusted) {
    throw new ServiceError(
      "AccessDeniedException",
      "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    );
  }
  const rule = services.rules.roles.get(arn);
  const identity = makeIdentity(sessionCaller(account, partition, role, session), {
    ...rule?.side,
    sessionPolicy: sessionPolicy(parameters),
  });
  return [
    ...openRoleSession(services, arn, identity, seconds, now),
    ...packedSize(parameters),
    ["SubjectFromWebIdentityToken", token.subject],
    ["Audience", token.audience],
    ["Provider", provider],
  ];
}

function readToken(text: string, now: number): Token {
  const [, payload = "", signature] = text.split(".");
  const claims =
    signature === undefined ? undefined : parse(Buffer.from(payload, "base64url").toString("utf8"));
  const issuer = claims?.["iss"];
  const subject = claims?.["sub"];
  const audience: unknown = Array.isArray(claims?.["aud"]) ? claims["aud"][0] : claims?.["aud"];
  const expires = claims?.["exp"];
  if (
    typeof issuer !== "string" ||
    typeof subject !== "string" ||
    typeof audience !== "string" ||
    typeof expires !== "number"
  ) {
    throw new ServiceError(
      "InvalidIdentityTokenException",
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    );
  }
  if (expires * 1000 <= now) {
    throw new ServiceError(
      "ExpiredIdentityTokenException",
      "Token expired: current date/time must be before the expiration date/time",
    );
  }
  return { provider: issuer.replace(/^https:\/\//, ""), audience, subject };
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function contextOf(token: Token, session: string, now: number, resource: Context): RequestContext {
  return contextFrom({
    ...resource,
    [`${token.provider}:aud`]: token.audience,
    [`${token.provider}:sub`]: token.subject,
    "sts:RoleSessionName": session,
    "aws:CurrentTime": new Date(now).toISOString(),
    "aws:EpochTime": String(Math.floor(now / 1000)),
    "aws:SecureTransport": "true",
  });
}
