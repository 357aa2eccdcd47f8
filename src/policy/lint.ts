import type { JsonPath, PatternElement, Policy, Statement } from "./ast.js";
import { quote, report } from "./context.js";
import type { ParseContext } from "./context.js";
import { lintConditions } from "./lint-condition.js";

/**
 * Actions that need no look: `*`, and names of KMS without odd characters, except those that are no permission or have
 * no effect in a key policy. One test for each action keeps the parser fast.
 */
const PLAIN_ACTION =
  /^(?:\*|kms:(?!(?:retiregrant|reencrypt|createkey|listkeys|listaliases|listretirablegrants|generaterandom|(?:create|delete|update|connect|disconnect)customkeystore|describecustomkeystores)$)[a-z*?]+)$/i;

/**
 * What a parsed policy shows beyond its syntax: elements that its kind of policy needs or cannot have, and what is
 * accepted by AWS but does not do what it seems to. Only what the text alone shows; what depends on the tables of
 * actions and condition keys is for the stages that have them.
 */
export function lintPolicy(context: ParseContext, policy: Policy, unknownVersion: boolean): void {
  const { version, statements } = policy;
  if (version !== "2012-10-17" && !unknownVersion) {
    const got = version === undefined ? "no Version, which AWS reads as 2008-10-17" : `Version ${version}`;
    const message = `The policy has ${got}: policy variables are literal text in it. Expected "2012-10-17".`;
    report(context, "version-old", message, version === undefined ? [] : ["Version"]);
  }
  if (unknownVersion && policyHasVariable(policy)) {
    const message =
      "The policy uses policy variables, and with an unknown Version what they mean is not known.";
    report(context, "ambiguous-document", message, ["Version"]);
  }
  lintSids(context, statements);
  for (const statement of statements) lintStatement(context, statement, version === "2012-10-17");
}

function lintSids(context: ParseContext, statements: readonly Statement[]): void {
  if (statements.length < 2) return;
  const seen = new Set<string>();
  for (const { sid, index, path } of statements) {
    if (sid === undefined || sid === "") continue;
    if (seen.has(sid)) {
      const message = `The Sid ${quote(sid)} stands in more than one statement; IAM wants Sids to be unique. Rename one.`;
      report(context, "duplicate-sid", message, [...path, "Sid"], index);
    }
    seen.add(sid);
  }
}

function lintStatement(context: ParseContext, statement: Statement, variables: boolean): void {
  lintPrincipal(context, statement);
  const { action, resource, index, path } = statement;
  if (action.kind === "listed") {
    for (const pattern of action.patterns) {
      if (!PLAIN_ACTION.test(pattern)) lintAction(context, "Action", pattern, path, index);
    }
  } else if (action.kind === "not-listed") {
    for (const pattern of action.patterns) {
      if (!PLAIN_ACTION.test(pattern)) lintAction(context, "NotAction", pattern, path, index);
    }
    if (context.kind === "rcp") {
      report(context, "rcp-element", "A resource control policy cannot have NotAction.", path, index);
    }
  }
  lintPresence(context, "Action", action, path, index);
  lintPresence(context, "Resource", resource, path, index);
  if (resource.kind !== "missing") {
    for (const pattern of resource.patterns) {
      if (pattern !== "*") lintResource(context, resource.kind, pattern, path, index, variables);
    }
  }
  if (statement.conditions.length > 0) lintConditions(context, statement, variables);
}

function lintPrincipal(context: ParseContext, statement: Statement): void {
  const { principal, effect, index, path } = statement;
  const { kind } = context;
  if (principal.kind === "missing") {
    if (kind === "key" || kind === "rcp") {
      const message = `A statement has no Principal; expected one, such as {"AWS": "arn:aws:iam::111122223333:root"}.`;
      report(context, "no-principal", message, path, index);
    }
    return;
  }
  if (kind === "identity" || kind === "scp") {
    const what = kind === "scp" ? "A service control policy" : "An identity policy";
    const message = `${what} applies to who it is attached to and cannot have a Principal. Remove it.`;
    report(context, "principal-not-allowed", message, path, index);
    return;
  }
  if (kind === "rcp") {
    if (principal.kind === "not-principal" || principal.entries.some((entry) => entry.kind !== "everyone")) {
      const message = `A resource control policy can only have "Principal": "*"; name principals in a condition.`;
      report(context, "rcp-element", message, path, index);
    }
    return;
  }
  if (principal.kind === "not-principal") {
    const notPath = [...path, "NotPrincipal"];
    if (effect === "Allow") {
      const message =
        "NotPrincipal with Allow lets everybody else in, strangers included; AWS calls it unsupported. Name who is meant in Principal.";
      report(context, "not-principal-allow", message, notPath, index);
    } else {
      const message =
        "NotPrincipal with Deny denies everybody with a permissions boundary, and listed principals whose account or role is not listed too. Use Principal * with a condition on aws:PrincipalArn.";
      report(context, "not-principal-deny", message, notPath, index);
    }
  }
}

function lintPresence(
  context: ParseContext,
  element: "Action" | "Resource",
  patterns: PatternElement,
  path: JsonPath,
  index: number,
): void {
  if (patterns.kind !== "missing" && patterns.patterns.length > 0) return;
  if (patterns.kind === "not-listed") {
    const message = `Not${element} lists nothing; AWS does not document whether it then matches everything. List what is to be left out, or use ${element} "*".`;
    report(context, "empty-not-list", message, [...path, `Not${element}`], index);
    return;
  }
  if (patterns.kind === "missing" && context.kind !== "key") {
    report(context, "element-required", `A statement has no ${element}; expected one.`, path, index);
    return;
  }
  const next = element === "Resource" ? `In a key policy it is "*".` : "Name the actions.";
  const what = patterns.kind === "missing" ? `A statement has no ${element}` : `${element} lists nothing`;
  const message = `${what}, so the statement has no effect. ${next}`;
  report(context, element === "Action" ? "no-action" : "no-resource", message, path, index);
}

/** Reports how an action's prefix is odd; true if it was the prefix. */
function lintActionPrefix(context: ParseContext, pattern: string, path: JsonPath, index: number): boolean {
  // `*:*` is accepted for "all actions of all services".
  if (pattern === "*:*") return true;
  const colon = pattern.indexOf(":");
  const prefix = colon < 0 ? pattern : pattern.slice(0, colon);
  if (/[*?]/.test(prefix)) {
    const message = `The action ${quote(pattern)} has a wildcard before the colon; AWS documents none there but "*" alone, so what it matches is not known.`;
    report(context, "action-prefix-wildcard", message, path, index);
    return true;
  }
  if (colon < 0) {
    const message = `The action ${quote(pattern)} has no service prefix and matches nothing. Did you mean ${quote(`kms:${pattern}`)}?`;
    report(context, "action-no-prefix", message, path, index);
    return true;
  }
  return false;
}

/** Source: Service Authorization Reference for KMS (resource types), KMS Developer Guide, "Grants" (RetireGrant). */
function lintAction(
  context: ParseContext,
  element: "Action" | "NotAction",
  pattern: string,
  statementPath: JsonPath,
  index: number,
): void {
  const path = [...statementPath, element];
  if (lintActionPrefix(context, pattern, path, index)) return;
  const colon = pattern.indexOf(":");
  const name = pattern.slice(colon + 1).toLowerCase();
  if (pattern.slice(0, colon).toLowerCase() !== "kms") {
    if (context.kind !== "key") return;
    const message = `The action ${quote(pattern)} is not one of KMS and matches nothing on a key.`;
    report(context, "action-other-service", message, path, index);
  } else if (name === "reencrypt") {
    const message = `${quote(pattern)} is no permission and matches nothing. Use "kms:ReEncryptFrom" and "kms:ReEncryptTo", or "kms:ReEncrypt*".`;
    report(context, "action-no-permission", message, path, index);
  } else if (!/^[a-z*?]+$/.test(name)) {
    const message = `The action ${quote(pattern)} holds characters that no action has, and matches nothing.`;
    report(context, "action-no-permission", message, path, index);
  } else if (context.kind === "key" && element === "Action") {
    const why =
      name === "retiregrant"
        ? "KMS does not look at key policies for it; the grant itself, or an IAM policy, lets a principal retire it"
        : "it is no operation on a key; only IAM policies can allow it";
    const message = `${quote(pattern)} has no effect in a key policy: ${why}.`;
    report(context, "action-not-on-key", message, path, index);
  }
}

function lintResource(
  context: ParseContext,
  kind: "listed" | "not-listed",
  pattern: string,
  path: JsonPath,
  index: number,
  variables: boolean,
): void {
  const elementPath = [...path, kind === "listed" ? "Resource" : "NotResource"];
  if (pattern.includes("${") && !variables) reportVariable(context, pattern, elementPath, index);
  if (context.kind !== "key") return;
  const [arn = "", , service = "", , , resource = ""] = pattern.split(":");
  if (arn === "arn" && service === "kms" && resource.startsWith("alias/")) {
    const message = `The resource ${quote(pattern)} is an alias, never the key behind it, so the statement does not reach the key. Use "*".`;
    report(context, "resource-alias", message, elementPath, index);
    return;
  }
  // A wildcard may stand for the parts of a key ARN that are missing here.
  const otherArn = arn === "arn" && service !== "kms" && !/[*?$]/.test(service) && service !== "";
  const noArn = arn !== "arn" && !/[*?$]/.test(arn);
  if (otherArn || noArn) {
    const message = `The resource ${quote(pattern)} is no KMS key, so the statement does not reach this key. In a key policy the resource is "*".`;
    report(context, "resource-other", message, elementPath, index);
  }
}

/** A variable under the old language is text that matches itself only. */
function reportVariable(context: ParseContext, text: string, path: JsonPath, index: number): void {
  const message = `${quote(text)} has a policy variable, which is literal text under this Version. Set Version to "2012-10-17".`;
  report(context, "variable-old-version", message, path, index);
}

function policyHasVariable(policy: Policy): boolean {
  const has = (text: string): boolean => text.includes("${");
  return policy.statements.some(
    (statement) =>
      (statement.resource.kind !== "missing" && statement.resource.patterns.some(has)) ||
      statement.conditions.some((condition) => condition.values.some(has)),
  );
}
