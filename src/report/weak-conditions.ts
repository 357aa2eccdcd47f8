import type { Access, AccessMatrix, ResidualCondition } from "../access/matrix.js";
import type { Condition, Statement } from "../policy/ast.js";
import { sourceText } from "../rules/words.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { conditionText } from "./condition-text.js";

/** The way in of an access, in words. */
export function throughText(a: Access, statements: readonly Statement[]): string {
  switch (a.source.kind) {
    case "statement":
    case "grant":
      return sourceText(a.source, statements);
    case "resource-control-policy":
    case "identity":
    case "boundary":
    case "session-policy":
    case "service-control-policy":
    case "kms-rule":
      return a.source.kind;
  }
}

/** A condition that outsiders pass, or a Deny that misses them, and why. */
export interface WeakCondition {
  readonly where: string;
  readonly why: string;
}

/** The conditions of the ways in for outsiders, and of the Deny statements that do not stop them. */
export function weakConditions(
  matrix: AccessMatrix,
  statements: readonly Statement[],
  variables = true,
): WeakCondition[] {
  const out = new Map<string, WeakCondition>();
  const put = (where: string, why: string | undefined): void => {
    if (why !== undefined) out.set(`${where}|${why}`, { where, why });
  };
  const open = matrix.accesses.filter((a) => !a.trusted);
  for (const a of open) {
    for (const r of a.conditions)
      put(
        `${throughText(a, statements)}: ${conditionText(r.condition)}`,
        whyWeak(r, a.who.kind === "service"),
      );
    const way = a.source;
    const statement = way.kind === "statement" ? statements.find((s) => s.index === way.index) : undefined;
    for (const c of statement?.conditions ?? []) {
      put(`${throughText(a, statements)}: ${conditionText(c)}`, whyNoTest(c));
    }
  }
  if (open.length > 0) {
    for (const s of statements.filter((d) => d.effect === "Deny")) {
      for (const c of s.conditions) {
        if (c.keyLower === "aws:principalisawsservice" && !open.some((a) => missedBySort(a, c))) continue;
        put(`Deny in statement ${s.index + 1}: ${conditionText(c)}`, whyDenyMisses(c, variables));
      }
    }
  }
  return [...out.values()];
}

/** Whether an access is of the sort of caller that a Deny with a condition on aws:PrincipalIsAWSService spares. */
function missedBySort(a: Access, c: Condition): boolean {
  const deniesServices = c.values.some((v) => v.toLowerCase() === "true");
  return (a.who.kind === "service") !== deniesServices;
}

/**
 * Keys that every request of an ordinary caller carries, so that nothing can be said about their absence;
 * kms:GrantOperations is in every CreateGrant, the only operation that has it. Source: KMS Developer Guide, "AWS KMS condition
 * keys"; IAM User Guide, "AWS global condition context keys".
 */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  "kms:calleraccount",
  "kms:grantoperations",
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principaltype",
  "aws:principalisawsservice",
  "aws:userid",
  "aws:viaawsservice",
  "aws:currenttime",
  "aws:epochtime",
]);

const ABSENT_OPENS = "a request that does not carry the key at all passes, too";

/** Why a condition of an Allow asks nothing of the caller; undefined where it may. */
function whyNoTest(c: Condition): string | undefined {
  switch (conditionKeyFacts(c.keyLower)?.origin) {
    case "key":
      return `${c.key} describes the key, not the caller: it is the same for everybody who asks.`;
    case "transport":
      return "every request to KMS is encrypted on its way: it holds for everybody.";
    default:
      return undefined;
  }
}

/** Why an outsider passes a condition of an Allow; undefined where it does bound who gets in. */
export function whyWeak({ condition: c, kind }: ResidualCondition, service = false): string | undefined {
  const fixed = c.values.every((v) => !/[*?]/.test(v));
  const mayLack = service || !ALWAYS_THERE.has(c.keyLower);
  if (c.qualifier === "ForAllValues" && mayLack) {
    const other = conditionKeyFacts(c.keyLower)?.multivalued === true ? "" : ", or leave the qualifier out";
    return `ForAllValues holds where there is no value: ${ABSENT_OPENS}. Add Null ${c.key} false${other}.`;
  }
  if (c.ifExists && mayLack) return `IfExists: ${ABSENT_OPENS}.`;
  if (/Not/.test(c.operator)) {
    const absent = mayLack ? `, and ${ABSENT_OPENS}` : "";
    return `a negated operator lets in everybody but the listed ones${absent}.`;
  }
  switch (kind) {
    case "free":
      return freeReason(c);
    case "path":
      return "it says by which service the request comes, not from whom: a stranger uses the same service in an account of their own.";
    case "time":
      return "it says when, not who.";
    case "fixed-network":
      return "it fixes the network, not the principal: whoever gets into that network gets in.";
    case "caller":
      if (c.keyLower === "aws:userid" && c.values.every((v) => /^A(ID|RO)A[A-Z0-9]+(:.*)?$/.test(v))) {
        return "it fixes a user or role by its unique id, which does not tell whose account that is in. If it is one of yours, name it by its ARN instead.";
      }
      if (c.operator === "StringLike" && c.keyLower === "aws:principalarn" && !fixed) {
        return "with StringLike, * crosses colons: a stranger can give a role a name that fits. Use ArnLike with the account written out.";
      }
      return fixed ? undefined : "the pattern covers callers whom nobody named.";
    case "source":
      return fixed ? undefined : "the pattern covers sources that nobody named.";
  }
}

function freeReason(c: Condition): string {
  if (c.keyLower === "aws:tokenissuetime") {
    return `${c.key} says with which credentials the caller comes, not from whose account: a stranger has such, too.`;
  }
  if (c.keyLower === "kms:grantisforawsresource") {
    return "it asks that an AWS service makes the call for somebody, not for whom: a stranger uses such a service in an account of their own.";
  }
  switch (conditionKeyFacts(c.keyLower)?.origin) {
    case "caller-account":
      return c.keyLower.startsWith("aws:principaltag/")
        ? "tags are set in the caller's own account: a stranger's administrator puts this tag on a role of theirs."
        : `${c.key} is set in the caller's own account: a stranger's administrator gives it any value.`;
    case "network":
      return "the network that it asks for is open to anybody, or can be had by anybody.";
    case "request":
      if (c.keyLower.startsWith("kms:encryptioncontext:")) {
        return "the encryption context is no secret: whoever makes the request writes it.";
      }
      return `${c.key} is chosen by whoever makes the request.`;
    case "free":
      return `${c.key} is chosen by whoever makes the request.`;
    default:
      return `keyward does not know ${c.key}: misspelt, or newer than its table.`;
  }
}

/** Why a Deny may pass outsiders by; undefined where nothing about the condition's form says so. */
export function whyDenyMisses(c: Condition, variables = true): string | undefined {
  const negated = c.operator.includes("Not");
  if (!variables && c.values.some((v) => v.includes("${"))) {
    return `under the policy's Version \${…} is plain text, no variable: ${negated ? "nobody has that value" : "it never matches"}. Set Version to 2012-10-17.`;
  }
  if (/^String(Not)?Equals/.test(c.operator) && c.values.some((v) => /[*?]/.test(v)) && !negated) {
    return `${c.operator} takes * and ? as they stand, so it never matches. Use StringLike.`;
  }
  if (conditionKeyFacts(c.keyLower) === undefined) {
    return `keyward does not know ${c.key}: misspelt, or newer than its table. A key that no request carries denies nothing.`;
  }
  if (c.qualifier === "ForAnyValue") {
    return "ForAnyValue never holds where the key is absent: callers without it are not denied.";
  }
  if (/^Arn/.test(c.operator) && !negated && c.values.some((v) => v.split(":").length < 6)) {
    return "what an ARN operator does with a value that is no ARN is not documented: it may never match. Write all six parts, or use StringLike.";
  }
  if (c.operator === "Null" && c.qualifier === undefined && !ALWAYS_THERE.has(c.keyLower)) {
    const [value] = c.values.map((v) => v.toLowerCase());
    if (c.values.length === 1 && value === "false")
      return "a request that does not carry the key is not denied.";
    if (c.values.length === 1 && value === "true")
      return "a request that carries the key, with any value, is not denied.";
  }
  const facts = conditionKeyFacts(c.keyLower);
  if (!/Not/.test(c.operator) && !c.ifExists && c.qualifier === undefined && c.operator !== "Null") {
    if (c.keyLower === "aws:principalisawsservice") {
      return c.values.some((v) => v.toLowerCase() === "true")
        ? "it denies AWS services alone; callers with an account stay as they are."
        : "it spares every AWS service, on whose behalf it may call.";
    }
    return facts?.origin === "caller"
      ? "it denies only those whom it lists; everybody else stays as they are."
      : "it denies only where the key is there and has this value.";
  }
  if (facts?.origin === "request" || facts?.origin === "free" || facts?.origin === "caller-account") {
    return `${c.key} is in the caller's hands: a stranger chooses a value that is not denied.`;
  }
  return undefined;
}
