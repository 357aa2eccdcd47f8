import type { Condition, Operator, Statement } from "./ast.js";
import type { DiagnosticCode } from "./codes.js";
import { quote, report } from "./context.js";
import type { ParseContext } from "./context.js";
import { isNegated } from "./operators.js";

/** What an operator compares, and so what its values have to look like. */
type Family = "text" | "pattern" | "number" | "date" | "bool" | "binary" | "ip" | "arn" | "null";

const FAMILY: Readonly<Record<Operator, Family>> = {
  StringEquals: "text",
  StringNotEquals: "text",
  StringEqualsIgnoreCase: "text",
  StringNotEqualsIgnoreCase: "text",
  StringLike: "pattern",
  StringNotLike: "pattern",
  NumericEquals: "number",
  NumericNotEquals: "number",
  NumericLessThan: "number",
  NumericLessThanEquals: "number",
  NumericGreaterThan: "number",
  NumericGreaterThanEquals: "number",
  DateEquals: "date",
  DateNotEquals: "date",
  DateLessThan: "date",
  DateLessThanEquals: "date",
  DateGreaterThan: "date",
  DateGreaterThanEquals: "date",
  Bool: "bool",
  BinaryEquals: "binary",
  IpAddress: "ip",
  NotIpAddress: "ip",
  ArnEquals: "arn",
  ArnNotEquals: "arn",
  ArnLike: "arn",
  ArnNotLike: "arn",
  Null: "null",
};

/** Operators that replace policy variables. Source: IAM User Guide, "Variables and tags", where variables can be used. */
const REPLACES_VARIABLES: ReadonlySet<Family> = new Set<Family>(["text", "pattern", "bool", "arn"]);

const BOOLEAN = /^(?:true|false)$/i;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** The W3C profile of ISO 8601, or seconds since the epoch. */
const DATE =
  /^(?:\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?)?|\d{1,15}(?:\.\d+)?)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\/(?:3[0-2]|[12]?\d))?$/;
const IPV6 = /^(?=[^/]*:[^/]*:)[0-9a-f:.]{2,45}(?:\/(?:12[0-8]|1[01]\d|\d?\d))?$/i;
const PRIVATE_IP =
  /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|f[cd][0-9a-f]{2}:|fe80:)/i;
const WILDCARD_OR_VARIABLE = /[*?$]/;

/** Adds what the conditions do that they do not seem to. `variables`: the Version has policy variables. */
export function lintConditions(context: ParseContext, statement: Statement, variables: boolean): void {
  let present: ReadonlySet<string> | undefined;
  const isPresent = (keyLower: string): boolean => (present ??= keysPresent(statement)).has(keyLower);
  for (const condition of statement.conditions) {
    lintCondition(context, statement, condition, variables, isPresent);
  }
}

function lintCondition(
  context: ParseContext,
  statement: Statement,
  condition: Condition,
  variables: boolean,
  isPresent: (keyLower: string) => boolean,
): void {
  lintAbsence(context, statement, condition, isPresent);
  lintKey(context, statement, condition);
  const { values } = condition;
  if (values.length === 0) {
    const message = `${quote(condition.key)} has an empty list of values; AWS documents two contradicting results. List at least one.`;
    report(context, "empty-values", message, condition.path, statement.index);
    return;
  }
  const family = FAMILY[condition.operator];
  for (const value of values) lintValue(context, statement, condition, family, value, variables);
  if (values.length > 1 && (family === "bool" || family === "null"))
    lintContradiction(context, statement, condition);
  const check = VALUE_CHECKS.get(condition.keyLower);
  if (check !== undefined) lintNever(context, statement, condition, family, check);
}

function add(
  context: ParseContext,
  code: DiagnosticCode,
  statement: Statement,
  condition: Condition,
  message: string,
): void {
  report(context, code, message, condition.path, statement.index);
}

/** What happens where the request does not carry the key: the trap of most conditions that are too weak. */
function lintAbsence(
  context: ParseContext,
  statement: Statement,
  condition: Condition,
  isPresent: (keyLower: string) => boolean,
): void {
  const { operator, qualifier, ifExists, key } = condition;
  if (qualifier === undefined && !ifExists && !isNegated(operator)) return;
  if (operator === "Null") {
    if (qualifier === undefined) return;
    const result = qualifier === "ForAllValues" ? "always holds" : "never holds";
    add(context, "null-qualifier", statement, condition, `${qualifier}:Null ${result}. Write "Null".`);
    return;
  }
  if (
    qualifier === "ForAllValues" &&
    context.kind === "key" &&
    isRefusedWithForAllValues(condition.keyLower)
  ) {
    const message = `ForAllValues with ${quote(key)} also holds where the request has no such value; KMS refuses to store it. Use the operator without ForAllValues.`;
    add(context, "overly-permissive-condition", statement, condition, message);
  }
  if (statement.effect === "Deny") {
    if (qualifier === "ForAnyValue" && isNegated(operator) && !ifExists) {
      const message = `ForAnyValue:${operator} does not hold where the request does not carry ${quote(key)}, so this Deny spares such requests. Use ForAllValues, or ${operator} without qualifier.`;
      add(context, "deny-for-any-value", statement, condition, message);
    }
    return;
  }
  // The Operations of CreateGrant are mandatory. Source: KMS Developer Guide, kms:GrantOperations.
  if (condition.keyLower === "kms:grantoperations" || isPresent(condition.keyLower)) return;
  if (ifExists) {
    const message = `IfExists lets requests through that do not carry ${quote(key)}. Leave IfExists away, or add Null with "false" for the key.`;
    add(context, "if-exists", statement, condition, message);
  } else if (qualifier === "ForAllValues") {
    const message = `ForAllValues lets requests through that do not carry ${quote(key)}. Add Null with "false" for the key, or use ForAnyValue.`;
    add(context, "for-all-values", statement, condition, message);
  } else if (qualifier === undefined) {
    const message = `${operator} in an Allow lets requests through that do not carry ${quote(key)}, and everybody that is not listed. List who is meant instead.`;
    add(context, "negated-allow", statement, condition, message);
  }
}

/** Source: KMS Developer Guide, "AWS KMS condition keys", set operators (OverlyPermissiveCondition). */
function isRefusedWithForAllValues(keyLower: string): boolean {
  return keyLower.startsWith("kms:encryptioncontext:") || keyLower.startsWith("aws:requesttag/");
}

/** The keys that a request must carry for the conditions of the statement to hold. */
function keysPresent(statement: Statement): ReadonlySet<string> {
  const present = new Set<string>();
  for (const { operator, qualifier, ifExists, keyLower, values } of statement.conditions) {
    if (ifExists || values.length === 0) continue;
    const holds =
      operator === "Null"
        ? qualifier === undefined && values.every((value) => value.toLowerCase() === "false")
        : qualifier === "ForAnyValue" || (qualifier === undefined && !isNegated(operator));
    if (holds) present.add(keyLower);
  }
  return present;
}

function lintKey(context: ParseContext, statement: Statement, condition: Condition): void {
  const { key, keyLower } = condition;
  if (!key.includes(":")) {
    const message = `${quote(key)} has no service prefix, and no request carries such a key. Condition keys look like "aws:PrincipalOrgID".`;
    add(context, "condition-key-form", statement, condition, message);
  } else if (keyLower === "kms:resourcealiases" && context.kind === "key") {
    const message =
      "kms:ResourceAliases is documented for IAM policies only. Name the key itself: in a key policy it is known.";
    add(context, "key-policy-key", statement, condition, message);
  }
}

function lintValue(
  context: ParseContext,
  statement: Statement,
  condition: Condition,
  family: Family,
  value: string,
  variables: boolean,
): void {
  const special = WILDCARD_OR_VARIABLE.test(value);
  if (special && value.includes("${")) {
    if (!REPLACES_VARIABLES.has(family)) {
      const message = `${condition.operator} replaces no policy variables, so ${quote(value)} never matches. Write the value itself.`;
      add(context, "variable-unsupported", statement, condition, message);
    } else if (!variables) {
      const message = `${quote(value)} has a policy variable, which is literal text under this Version. Set Version to "2012-10-17".`;
      add(context, "variable-old-version", statement, condition, message);
    }
    return;
  }
  if (family === "text") {
    if (special && /[*?]/.test(value)) {
      const like = isNegated(condition.operator) ? "StringNotLike" : "StringLike";
      const message = `${condition.operator} compares ${quote(value)} as text: its wildcard stands for itself. Did you mean ${like}?`;
      add(context, "wildcard-literal", statement, condition, message);
    }
    return;
  }
  const expected = family === "pattern" ? undefined : wrongType(family, value);
  if (expected === undefined) return;
  const message = `${condition.operator} compares ${quote(value)}; expected ${expected}, so it does not match as intended.`;
  add(context, "value-type", statement, condition, message);
}

/** What a family expects, where the value is not that. */
function wrongType(family: Exclude<Family, "text" | "pattern">, value: string): string | undefined {
  switch (family) {
    case "bool":
    case "null":
      return BOOLEAN.test(value) ? undefined : `"true" or "false"`;
    case "number":
      return NUMBER.test(value) ? undefined : "a number";
    case "date":
      return DATE.test(value) ? undefined : "a date such as 2026-11-23T10:00:00Z";
    case "binary":
      return BASE64.test(value) ? undefined : "base64 text";
    case "ip":
      return IPV4.test(value) || IPV6.test(value)
        ? undefined
        : "an address or CIDR block such as 203.0.113.0/24";
    case "arn":
      return isArnPattern(value) ? undefined : "an ARN of six parts, each of which may have wildcards";
  }
}

function isArnPattern(value: string): boolean {
  const parts = value.split(":");
  return parts.length >= 6 && (parts[0] === "arn" || /[*?]/.test(parts[0] ?? ""));
}

function lintContradiction(context: ParseContext, statement: Statement, condition: Condition): void {
  const different = new Set(condition.values.map((value) => value.toLowerCase()));
  if (different.size < 2) return;
  const message = `${condition.operator} with several values for ${quote(condition.key)} holds for all of them and so limits nothing. Keep one.`;
  add(context, "contradicting-values", statement, condition, message);
}

/** Whether a key can have a value; `like`: the value is a pattern. */
interface ValueCheck {
  readonly expected: string;
  readonly possible: (value: string, like: boolean) => boolean;
}

const ACCOUNT: ValueCheck = {
  expected: "twelve digits",
  possible: (value, like) => {
    if (!like) return /^[0-9]{12}$/.test(value);
    const fixed = value.replaceAll("*", "");
    return /^[0-9?]*$/.test(fixed) && (value.includes("*") ? fixed.length <= 12 : fixed.length === 12);
  },
};
const ORGANIZATION: ValueCheck = {
  expected: "an organization id such as o-a1b2c3d4e5",
  possible: (value, like) => (like && /[*?]/.test(value)) || /^o-[a-z0-9]{10,32}$/i.test(value),
};
const ALIAS: ValueCheck = {
  expected: 'the name of an alias such as "alias/app", not its ARN',
  possible: (value, like) =>
    value.startsWith("alias/") || (like && /^[^/:]*[*?]/.test(value) && !value.startsWith("arn:")),
};
const SERVICE: ValueCheck = {
  expected: "a service with its Region such as s3.us-east-1.amazonaws.com (also outside the aws partition)",
  possible: (value, like) => (like && /[*?]/.test(value)) || /\.amazonaws\.com$/i.test(value),
};
const PRINCIPAL: ValueCheck = {
  expected: "the ARN of the role, as sessions do not appear in aws:PrincipalArn",
  possible: (value) => !value.includes(":assumed-role/"),
};

/** Sources: IAM User Guide, "AWS global condition context keys"; KMS Developer Guide, "AWS KMS condition keys". */
const VALUE_CHECKS: ReadonlyMap<string, ValueCheck | "public-ip"> = new Map<string, ValueCheck | "public-ip">(
  [
    ["kms:calleraccount", ACCOUNT],
    ["aws:principalaccount", ACCOUNT],
    ["aws:sourceaccount", ACCOUNT],
    ["aws:resourceaccount", ACCOUNT],
    ["aws:principalorgid", ORGANIZATION],
    ["aws:sourceorgid", ORGANIZATION],
    ["aws:resourceorgid", ORGANIZATION],
    ["kms:requestalias", ALIAS],
    ["kms:resourcealiases", ALIAS],
    ["kms:viaservice", SERVICE],
    ["aws:principalarn", PRINCIPAL],
    ["aws:sourceip", "public-ip"],
  ],
);

function lintNever(
  context: ParseContext,
  statement: Statement,
  condition: Condition,
  family: Family,
  check: ValueCheck | "public-ip",
): void {
  const { values, operator, key } = condition;
  const outcome = isNegated(operator) ? "excludes nothing" : "never matches";
  if (check === "public-ip") {
    if (family === "ip" && values.every((value) => PRIVATE_IP.test(value))) {
      const message = `${key} only ever holds public addresses, so a list of private ones ${outcome}. For private addresses use aws:VpcSourceIp with aws:SourceVpc.`;
      add(context, "value-never", statement, condition, message);
    }
    return;
  }
  if (family !== "text" && family !== "pattern" && family !== "arn") return;
  for (const value of values) {
    if (value.includes("${") || check.possible(value, family !== "text")) continue;
    if (family === "text" && /[*?]/.test(value)) continue; // said by wildcard-literal
    const message = `${quote(key)} never has the value ${quote(value)}, which ${outcome}; expected ${check.expected}.`;
    add(context, "value-never", statement, condition, message);
  }
}
