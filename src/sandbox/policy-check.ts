import type { Diagnostic, PrincipalEntry } from "../policy/ast.js";
import { POLICY_QUOTA_BYTES, parsePolicy } from "../policy/parse.js";
import type { StringLimits } from "./input.js";
import { ServiceError, malformedPolicy } from "./errors.js";
import { type Call, keyAction } from "./operations/operation.js";
import type { SandboxKey } from "./world/key.js";

/** The `Policy` parameter of PutKeyPolicy and CreateKey. Source: KMS API reference. */
export const POLICY_TEXT: StringLimits = {
  min: 1,
  max: 131_072,
  pattern: /^[\u0009\u000A\u000D\u0020-\u00FF]+$/,
};

const INVALID_PRINCIPALS = "Policy contains a statement with one or more invalid principals.";
const SYNTAX = "Syntax errors in policy.";

/** What AWS says to a diagnostic of the parser. Codes that are not here are syntax errors, or accepted (warnings). */
const MESSAGES: Readonly<Record<string, string>> = {
  "no-principal": "Policy contains a statement with no principal.",
  "principal-kind": INVALID_PRINCIPALS,
  "principal-form": INVALID_PRINCIPALS,
  "principal-wildcard": INVALID_PRINCIPALS,
  "principal-group": INVALID_PRINCIPALS,
  "principal-partition": INVALID_PRINCIPALS,
  "overly-permissive-condition":
    "OverlyPermissiveCondition: Policy contains a condition that is overly permissive.",
};

/**
 * Warnings of the parser that KMS refuses all the same. That statements without Action or Resource are refused is newer
 * than the API reference: AWS told its customers that PutKeyPolicy and CreateKey refuse them from 18 August 2025 on.
 */
const REFUSED_WARNINGS: Readonly<Record<string, string>> = {
  "no-action": "Policy statement must contain actions.",
  "no-resource": "Policy statement must contain resources.",
};

/**
 * Lets a policy pass that KMS would store for a key: size, grammar, principals that exist, and the lockout check.
 * Source: KMS API reference, PutKeyPolicy; semantics.md, section 5.6.
 * @throws ServiceError LimitExceededException or MalformedPolicyDocumentException.
 */
export function checkPolicy(call: Call, key: SandboxKey, text: string): void {
  const bytes = Buffer.byteLength(text, "utf8");
  if (bytes > POLICY_QUOTA_BYTES) {
    throw new ServiceError(
      "LimitExceededException",
      `The key policy has ${bytes} bytes, which exceeds the limit of ${POLICY_QUOTA_BYTES} bytes.`,
    );
  }
  const parsed = parsePolicy(text, { kind: "key", partition: key.parts.partition });
  for (const diagnostic of parsed.diagnostics) {
    const refusal = refusalOf(diagnostic);
    if (refusal !== undefined)
      throw malformedPolicy(`${refusal} (${place(diagnostic)}${diagnostic.message})`);
  }
  const { policy } = parsed;
  if (policy === undefined) throw malformedPolicy(SYNTAX);
  for (const statement of policy.statements) {
    const { principal } = statement;
    const stranger =
      principal.kind === "missing" ? undefined : principal.entries.find((entry) => !exists(call, entry));
    if (stranger !== undefined) {
      throw malformedPolicy(
        `${INVALID_PRINCIPALS} (statement ${statement.index}: ${JSON.stringify(stranger.text)} does not exist)`,
      );
    }
  }
  if (call.input.flag("BypassPolicyLockoutSafetyCheck")) return;
  const again = call.services.access.decide(
    call.identity,
    keyAction("PutKeyPolicy"),
    key,
    call.now,
    {},
    { policy: parsed, grants: [] },
  );
  if (again.outcome !== "allow") {
    throw malformedPolicy("The new key policy will not allow you to update the key policy in the future.");
  }
}

function refusalOf(diagnostic: Diagnostic): string | undefined {
  switch (diagnostic.level) {
    case "malformed":
    case "not-understood":
      return SYNTAX;
    case "refused":
      return MESSAGES[diagnostic.code] ?? SYNTAX;
    case "warning":
      return REFUSED_WARNINGS[diagnostic.code];
  }
}

function place(diagnostic: Diagnostic): string {
  return diagnostic.statement === undefined ? "" : `statement ${diagnostic.statement}: `;
}

/**
 * Whether a principal exists. A unique id in a policy is what is left of a deleted user or role, and KMS does not take
 * it back; of the others the sandbox knows what the snapshot's IAM, deletions and a list of principals told it.
 */
function exists(call: Call, entry: PrincipalEntry): boolean {
  const { principals, world } = call.services;
  if (entry.kind === "unique-id") return principals?.has(entry.text) === true;
  if ((entry.kind === "user" || entry.kind === "role") && !world.iam.mayExist(entry.text)) return false;
  if (principals === undefined) return true;
  switch (entry.kind) {
    case "everyone":
    case "service":
      return true;
    case "refused":
      return false;
    case "account":
      return (
        world.hasAccount(entry.account) ||
        principals.has(entry.account) ||
        [...principals].some((arn) => arn.includes(`::${entry.account}:`))
      );
    case "user":
    case "role":
      return principals.has(entry.text);
    case "session":
      return [...principals].some(
        (arn) => arn.includes(`::${entry.account}:role/`) && arn.endsWith(`/${entry.role}`),
      );
    case "federated-user":
      return principals.has(entry.text) || world.hasAccount(entry.account);
  }
}
