import type { Condition, Statement } from "../policy/ast.js";
import { actionCovered } from "../semantics/action-match.js";

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
  const asksForPrincipal = (c: Condition): boolean =>
    isPositive(c) && /^aws:principal(account|arn|orgid|orgpaths)$/.test(c.keyLower);
  return unclear && !statement.conditions.some(asksForPrincipal);
}

function isForeignProvider(text: string, account: string): boolean {
  const owner = /^arn:[^:]+:iam::([0-9]{12}):(?:oidc|saml)-provider\//.exec(text)?.[1];
  return text === "*" || (owner !== undefined && owner !== account);
}
