import type { Condition, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";
import { conditionHolds } from "../semantics/condition-match.js";
import type { ContextEntry, RequestContext } from "../semantics/derive-context.js";

/**
 * Identity providers that serve anybody, each with the claims that say whose identity it is: without a condition on one
 * of them, everybody who can get a token there gets in. Sources: IAM User Guide, "Create a role for OpenID Connect
 * federation" (sub for shared providers) and "Available keys for AWS web identity federation"; GitHub documentation,
 * "Configuring OpenID Connect in Amazon Web Services".
 */
const SHARED_PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  "token.actions.githubusercontent.com": [
    "sub",
    "repository",
    "repository_owner",
    "repository_id",
    "repository_owner_id",
    "job_workflow_ref",
  ],
  "gitlab.com": ["sub"],
  "app.terraform.io": ["sub"],
  "agent.buildkite.com": ["sub"],
  "accounts.google.com": ["aud", "sub", "oaud"],
  "cognito-identity.amazonaws.com": ["aud"],
  "graph.facebook.com": ["app_id", "id"],
  "www.amazon.com": ["app_id", "user_id"],
};

/** Identity pools of Cognito. */
export const COGNITO = "cognito-identity.amazonaws.com";
/** The service principal of IAM Roles Anywhere. */
export const CERTIFICATES = "rolesanywhere.amazonaws.com";
/** Stands for every identity provider. */
export const ANY_PROVIDER = "*";

/**
 * What the token of a stranger holds at some of these providers, who takes what names are free. `aud` is left to the
 * stranger where the provider lets everybody ask for a token with any audience. Sources: GitHub documentation, "OpenID
 * Connect reference" (custom audience); GitLab documentation, "OpenID Connect (OIDC) authentication using ID tokens"
 * (`aud` of each token); HCP Terraform, "Workload identity" (TFC_WORKLOAD_IDENTITY_AUDIENCE); Buildkite, `buildkite-agent
 * oidc request-token --audience`.
 */
const STRANGERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "token.actions.githubusercontent.com": {
    sub: "repo:keyward-stranger/app:ref:refs/heads/main",
    repository: "keyward-stranger/app",
    repository_owner: "keyward-stranger",
    job_workflow_ref: "keyward-stranger/app/.github/workflows/w.yml@refs/heads/main",
  },
  "gitlab.com": { sub: "project_path:keyward-stranger/app:ref_type:branch:ref:main" },
  "app.terraform.io": { sub: "organization:keyward-stranger:project:p:workspace:w:run_phase:apply" },
  "agent.buildkite.com": {
    sub: "organization:keyward-stranger:pipeline:p:ref:refs/heads/main:commit:c:step:s",
  },
};

/**
 * The claims of a stranger's token as condition keys (lower case), made so that the statement's audience is met. Undefined:
 * a provider of which nothing is known to be at a stranger's choice.
 */
export function strangerClaims(
  provider: string,
  statement: Statement,
): Readonly<Record<string, ContextEntry>> | undefined {
  const claims = STRANGERS[provider.split("/")[0] ?? ""];
  if (claims === undefined) return undefined;
  const prefix = provider.toLowerCase();
  const asked = statement.conditions.find((c) => c.keyLower === `${prefix}:aud` && isPositive(c));
  const audience = asked?.values[0]?.replace(/[*?]/g, "x") ?? "keyward-stranger";
  return Object.fromEntries(
    Object.entries({ ...claims, aud: audience }).map(([claim, value]): [string, ContextEntry] => [
      `${prefix}:${claim}`,
      { kind: "values", values: [value] },
    ]),
  );
}

/**
 * Whether an identity of a pool that has not signed in may meet the statement. Every token of Cognito says
 * `authenticated` or `unauthenticated` in `amr`; whether a pool has guests stands in Cognito, and its id is no secret.
 * Source: Amazon Cognito Developer Guide, "Role trust and permissions".
 */
export function letsGuestsIn(statement: Statement, provider: string): boolean {
  const context: RequestContext = {
    stated: new Map([[`${provider}:amr`, { kind: "values", values: ["unauthenticated"] }]]),
    derived: () => undefined,
    entries: () => new Map(),
    tagsKnown: false,
  };
  return statement.conditions
    .filter((c) => c.keyLower === `${provider}:amr`)
    .every((c) => conditionHolds(c, "2012-10-17", context).value !== "no");
}

/**
 * A condition that holds only for certificates of a certain trust anchor of the account, or with a certain subject or
 * issuer. Without one, whoever holds a certificate of any authority that the account's trust anchors accept may have the
 * role. Source: IAM Roles Anywhere User Guide, "The IAM Roles Anywhere trust model" (aws:SourceArn is the trust anchor;
 * aws:PrincipalTag/x509Subject/…, x509Issuer/…, x509SAN/… and sts:SourceIdentity come from the certificate).
 */
export function isBoundCertificate(statement: Statement, account: string): boolean {
  const anchor = new RegExp(`^arn:[^:*?]+:rolesanywhere:[^:]*:${account}:trust-anchor/[0-9a-f-]+$`);
  return statement.conditions.some((c) => {
    if (!isPositive(c) || c.values.length === 0) return false;
    if (c.keyLower === "aws:sourcearn") return c.values.every((v) => anchor.test(v));
    const ofCertificate =
      /^aws:principaltag\/x509(subject|issuer|san)\//.test(c.keyLower) || c.keyLower === "sts:sourceidentity";
    return ofCertificate && c.values.every((v) => v !== "" && !/[*?]|\$\{/.test(v));
  });
}

/** The host of an identity provider that serves anybody; undefined for SAML and for providers of one's own. */
export function providerOf(text: string): string | undefined {
  const host = /^arn:[^:]+:iam::[0-9]{12}:oidc-provider\/(.+)$/.exec(text)?.[1] ?? text;
  const base = host.split("/")[0] ?? "";
  return SHARED_PROVIDERS[base] === undefined ? undefined : host;
}

/** A condition that holds only for identities of one's own: a positive test of a claim that says whose it is. */
export function isBoundIdentity(statement: Statement, provider: string): boolean {
  const claims = SHARED_PROVIDERS[provider.split("/")[0] ?? ""] ?? [];
  return statement.conditions.some((c) => {
    const claim = claims.find((name) => c.keyLower === `${provider.toLowerCase()}:${name}`);
    if (claim === undefined || !isPositive(c)) return false;
    return c.values.length > 0 && c.values.every((value) => namesOwner(claim, value, c.operator));
  });
}

/** The key has to be there and to have one of the values. */
function isPositive(c: Condition): boolean {
  const positive = /^(StringEquals|StringLike|StringEqualsIgnoreCase|ArnLike|ArnEquals)$/.test(c.operator);
  return positive && !c.ifExists && c.qualifier !== "ForAllValues";
}

/**
 * Whether a value of a claim fits identities of one owner alone. Of a pattern (`repo:acme/*`) the part before its first
 * wildcard has to hold the whole name of the owner and what ends it: `repo:acme*` also fits `repo:acme-of-somebody-else/x`,
 * and anybody can take such a name. Forms of the claims: GitHub documentation, "OpenID Connect reference" (`repo:OWNER/REPO:…`,
 * job_workflow_ref `OWNER/REPO/…`); GitLab (`project_path:GROUP/…`), HCP Terraform and Buildkite (`organization:NAME:…`).
 */
function namesOwner(claim: string, value: string, operator: string): boolean {
  if (value === "" || value.includes("${")) return false;
  const wildcard = value.search(/[*?]/);
  // Without Like these characters mean themselves.
  if (wildcard === -1 || operator.startsWith("StringEquals")) return true;
  const fixed = value.slice(0, wildcard);
  const path = claim === "repository" || claim === "job_workflow_ref";
  return (path ? /^[^/]+\// : /^[a-z_]+:[^/:]+[/:]/).test(fixed);
}

const FEDERATED = ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"];

/**
 * Whether an Allow lets identities in of which AWS does not say whose they are: of any provider (`"*"`), or of a provider
 * that belongs to another account. Not where the statement asks for something of an IAM principal, which such a caller is not.
 */
export function isUnclearFederation(statement: Statement, account: string): boolean {
  if (statement.effect !== "Allow") return false;
  if (!FEDERATED.some((action) => actionCovered(statement.action, action).value !== "no")) return false;
  const { principal } = statement;
  if (principal.kind === "missing") return false;
  const unclear =
    principal.kind === "not-principal" ||
    principal.entries.some(
      (e) => e.kind === "everyone" || (e.kind === "refused" && isForeignProvider(e.text, account)),
    );
  return unclear && !asksForPrincipal(statement);
}

/** Whether the statement asks for something that only users and roles of AWS have, which an identity of a provider is not. */
export function asksForPrincipal(statement: Statement): boolean {
  return statement.conditions.some(
    (c) => isPositive(c) && /^aws:principal(account|arn|orgid|orgpaths)$/.test(c.keyLower),
  );
}

/** Whether a provider is any, or one that belongs to another account. */
export function isForeignProvider(text: string, account: string): boolean {
  const owner = /^arn:[^:]+:iam::([0-9]{12}):(?:oidc|saml)-provider\//.exec(text)?.[1];
  return text === "*" || (owner !== undefined && owner !== account);
}
