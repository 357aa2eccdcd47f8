import type { Grant } from "../domain/grant.js";

/**
 * Whether a key can be told from its documents alone to be one that AWS manages (`aws/ebs` and the like), where
 * DescribeKey and ListAliases were not permitted. Such keys have policies of a fixed form: an `Id` that begins with
 * `auto-`, use by the own account through one service, and reading of metadata; nobody can change the policy. Source:
 * KMS Developer Guide, "AWS managed keys" and "View a key policy".
 *
 * A customer could write the same text, so the answer is yes only where a mistake cannot hide anything: every
 * statement is bound to the own account or to metadata, nobody may change the policy, and no grant goes beyond the own
 * account and AWS services. Text that is unusual in any way gives no.
 */
export function isSurelyManagedByAws(
  policyText: string,
  grants: readonly Grant[] | undefined,
  account: string,
): boolean {
  if (grants === undefined || !grants.every((g) => staysInside(g, account))) return false;
  const policy = parse(policyText);
  if (policy === undefined) return false;
  const { Version, Id, Statement, ...others } = policy;
  if (Object.keys(others).length > 0 || typeof Version !== "string") return false;
  if (typeof Id !== "string" || !/^auto-[a-z0-9-]+$/.test(Id) || !Array.isArray(Statement)) return false;
  const kinds = Statement.map((s: unknown) => kindOf(s, account));
  return kinds.includes("use") && !kinds.includes("other");
}

/** The document, unless it says something in a way that two readers could understand differently. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  // A member that stands twice, or an escape, shows as a difference.
  if (JSON.stringify(json).replace(/\s/g, "") !== text.replace(/\s/g, "")) return undefined;
  return isObject(json) ? json : undefined;
}

function kindOf(statement: unknown, account: string): "use" | "metadata" | "other" {
  if (!isObject(statement)) return "other";
  const { Sid, Effect, Principal, Action, Resource, Condition, ...others } = statement;
  if (Object.keys(others).length > 0 || !(Sid === undefined || typeof Sid === "string")) return "other";
  if (Effect !== "Allow" || Resource !== "*" || !isObject(Principal)) return "other";
  const actions = texts(Action);
  if (actions === undefined || actions.length === 0) return "other";
  const [[kind, named] = ["", undefined], ...more] = Object.entries(Principal);
  const names = texts(named);
  if (more.length > 0 || names === undefined) return "other";
  const own = kind === "AWS" && names.every((n) => isOwnRoot(n, account));
  const services = kind === "Service" && names.every((n) => /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(n));
  if (actions.every((a) => METADATA.test(a)) && (own || services)) return "metadata";
  const everybody = kind === "AWS" && names.every((n) => n === "*" || isOwnRoot(n, account));
  return everybody && actions.every((a) => USE.test(a)) && isBoundToUse(Condition, account) ? "use" : "other";
}

/** RevokeGrant is in the metadata statement of some services; it takes access away. */
const METADATA = /^kms:((Describe|Get|List)\*?|DescribeKey|RevokeGrant)$/;
const USE =
  /^kms:(Encrypt|Decrypt|ReEncrypt\*|ReEncryptFrom|ReEncryptTo|GenerateDataKey\*?|GenerateDataKeyWithoutPlaintext|CreateGrant|DescribeKey|ListGrants|Describe\*|Get\*|List\*|RevokeGrant)$/;

/** `StringEquals` on kms:CallerAccount with the own account, and any condition on kms:ViaService. */
function isBoundToUse(condition: unknown, account: string): boolean {
  if (!isObject(condition)) return false;
  const equals = condition["StringEquals"];
  if (!isObject(equals)) return false;
  const callers = texts(equals["kms:CallerAccount"]);
  if (callers === undefined || callers.length === 0 || !callers.every((c) => c === account)) return false;
  return ["StringEquals", "StringLike"].some((operator) => {
    const keys = condition[operator];
    return isObject(keys) && keys["kms:ViaService"] !== undefined;
  });
}

/** Grants to AWS services and to principals of the own account are normal for these keys. */
function staysInside(grant: Grant, account: string): boolean {
  if (grant.IssuingAccount !== undefined && !isOfAccount(grant.IssuingAccount, account)) return false;
  return [grant.GranteePrincipal, grant.RetiringPrincipal].every(
    (p) => p === undefined || isOfAccount(p, account) || /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(p),
  );
}

function isOfAccount(principal: string, account: string): boolean {
  return principal === account || new RegExp(`^arn:aws[a-z-]*:(iam|sts)::${account}:[^*?]+$`).test(principal);
}

function isOwnRoot(name: string, account: string): boolean {
  return new RegExp(`^arn:aws[a-z-]*:iam::${account}:root$`).test(name);
}

function texts(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  return Array.isArray(value) && value.every((v) => typeof v === "string") ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
