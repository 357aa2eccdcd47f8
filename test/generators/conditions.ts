import { OPERATORS } from "../../src/policy/ast.js";
import { conditionKeyFacts, type ConditionKeyFacts } from "../../src/semantics/condition-keys.js";
import { nearMiss, patternise } from "./near.js";
import type { Random } from "./random.js";
import { COMMON_KEYS, KEY_NAMES, type Place, UNKNOWN_KEYS, valueOf } from "./vocabulary.js";

/** One key under one operator, as a policy writes it. */
export interface ConditionRow {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

const starting = (...prefixes: readonly string[]): readonly string[] =>
  OPERATORS.filter((o) => prefixes.some((p) => o.startsWith(p)));

const STRING = starting("String");
const FAMILIES: Readonly<Record<ConditionKeyFacts["type"], readonly string[]>> = {
  string: STRING,
  arn: [...starting("Arn"), "ArnLike", "StringLike", "StringNotLike", "StringEquals", "StringNotEquals"],
  number: starting("Numeric"),
  date: starting("Date"),
  bool: ["Bool", "Bool", "StringEquals", "StringNotEquals"],
  ip: ["IpAddress", "NotIpAddress"],
  binary: ["BinaryEquals"],
};

/** Variables that policies compare with, some of them keys that have no value or several. */
const VARIABLES = [
  "aws:ResourceAccount",
  "aws:ResourceOrgID",
  "aws:PrincipalAccount",
  "kms:CallerAccount",
  "aws:PrincipalOrgID",
  "aws:SourceAccount",
  "aws:SourceOrgID",
  "aws:PrincipalTag/team",
  "aws:PrincipalTag/unit",
  "aws:username",
  "aws:userid",
  "aws:RequestedRegion",
  "kms:EncryptionContext:tenant",
  "aws:PrincipalOrgPaths",
  "aws:PrincipalServiceName",
  "aws:ResourceTag/team",
  "kms:KeySpec",
  "AWS:resourceaccount",
  "kms:Nonsense",
  "aws:CurrentTime",
] as const;

const CIDRS = [
  "203.0.113.0/24",
  "203.0.113.7",
  "198.51.100.0/25",
  "0.0.0.0/0",
  "0.0.0.0/1",
  "128.0.0.0/1",
  "10.0.0.0/8",
  "8.0.0.0/8",
  "8.0.0.0/7",
  "2001:db8::/32",
  "2001:db8::/33",
  "2001:d00::/24",
  "::/0",
  "2001:db8::7",
  "fd00::/8",
] as const;

const ODD: Readonly<Record<ConditionKeyFacts["type"], readonly string[]>> = {
  string: ["", "*", "?*", "${*}", "a${?}b", "${$}", "${", "${}", "YQ==", "YQ"],
  arn: ["*", "", "arn:*", "arn:aws:*", "arn:*:*:*:*:*", "${*}", "x", "*:*:*:*:*:*"],
  number: ["x", "", "1e400", " 7 ", "07", ".5", "7."],
  date: ["x", "", "2026-13-01", "2026-02-30", "2026-11-23T00:00:00", "2026-11-23t00:00:00z", "2026", "0"],
  bool: ["yes", "", "True", "FALSE", "1"],
  ip: ["x", "", "300.1.1.1", "10.0.0.0/33", "10.0.0.0/08", "::1/129", "1.2.3.4/24/8", "::ffff:8.8.8.8"],
  binary: ["YQ", "Y", "*"],
};

const OWN_ORGANIZATION = ["${aws:ResourceOrgID}"];
const SAME_ACCOUNT = ["${aws:ResourceAccount}"];
/** Variables that people compare a key with: two facts of a request, or one of the request and one of the key. */
const NATURAL: Readonly<Record<string, readonly string[]>> = {
  "aws:principalorgid": OWN_ORGANIZATION,
  "aws:sourceorgid": OWN_ORGANIZATION,
  "aws:vpceorgid": OWN_ORGANIZATION,
  "aws:resourceorgid": ["${aws:PrincipalOrgID}", "${aws:SourceOrgID}"],
  "kms:calleraccount": SAME_ACCOUNT,
  "aws:principalaccount": SAME_ACCOUNT,
  "aws:sourceaccount": SAME_ACCOUNT,
  "aws:vpceaccount": ["${aws:PrincipalAccount}", "${aws:ResourceAccount}"],
  "aws:resourceaccount": ["${aws:PrincipalAccount}", "${aws:SourceAccount}"],
  "aws:resourcetag/team": ["${aws:PrincipalTag/team}"],
  "aws:principaltag/team": ["${aws:ResourceTag/team}"],
};

/** A value that a policy asks for: of a request, a pattern over one, a variable, or something odd. */
function policyValue(r: Random, key: string, operator: string, place: Place): string {
  const facts = conditionKeyFacts(key);
  if (operator.includes("Ip") && r.chance(85)) return r.pick(CIDRS);
  const plain = (): string => valueOf(r, key.toLowerCase(), facts, place);
  const like = operator.includes("Like") || operator.startsWith("Arn");
  return r.weighted(
    [55, plain],
    [like ? 45 : 8, () => patternise(r, plain())],
    [6, () => variable(r, plain)],
    [NATURAL[key.toLowerCase()] === undefined ? 0 : 8, () => r.pick(NATURAL[key.toLowerCase()] ?? [])],
    [4, () => nearMiss(r, plain())],
    [5, () => r.pick(ODD[facts?.type ?? "string"])],
  );
}

function variable(r: Random, plain: () => string): string {
  const name = r.pick(VARIABLES);
  const inside = r.weighted([8, () => name], [2, () => `${name}, '${plain()}'`], [1, () => ` ${name} `]);
  return r.weighted(
    [6, () => `\${${inside}}`],
    [1, () => `\${${inside}}*`],
    [1, () => `*\${${inside}}`],
    [1, () => `a\${${inside}}`],
  );
}

/** A key for a condition, in any letter case. */
function anyKey(r: Random): string {
  const key = r.weighted(
    [45, () => r.pick(COMMON_KEYS) as string],
    [52, () => r.pick(KEY_NAMES)],
    [2, () => r.pick(UNKNOWN_KEYS) as string],
  );
  return r.weighted([8, () => key], [1, () => key.toLowerCase()], [1, () => key.toUpperCase()]);
}

const OF_FAMILY: Readonly<Record<string, readonly string[]>> = {
  Numeric: ["aws:MultiFactorAuthAge", "aws:MultiFactorAuthAge", "kms:CallerAccount", "aws:SourceAccount"],
  Date: ["aws:TokenIssueTime", "aws:CurrentTime", "aws:PrincipalAccount"],
  Arn: ["aws:PrincipalArn", "aws:PrincipalArn", "aws:SourceArn"],
  Binary: ["aws:PrincipalTag/team"],
  Bool: ["aws:MultiFactorAuthPresent"],
  Ip: ["aws:SourceIp"],
  NotIp: ["aws:SourceIp"],
  String: ["aws:PrincipalTag/team", "aws:PrincipalAccount"],
};

/** A condition that is drawn by its operator, so that seldom forms of seldom operators come up as well. */
function byOperator(r: Random, place: Place): ConditionRow {
  const operator = r.pick(OPERATORS.filter((o) => !o.startsWith("String") && o !== "Null"));
  const family = Object.keys(OF_FAMILY).find((f) => operator.startsWith(f)) ?? "String";
  const key = r.pick(OF_FAMILY[family] ?? COMMON_KEYS);
  const binary = (): string => r.pick(["YQ==", "YQ", "YWI=", "x"]);
  const values = r.list(1, 2, () => (family === "Binary" ? binary() : policyValue(r, key, operator, place)));
  const qualifier = r.pick(["", "ForAnyValue:", "ForAllValues:"]);
  return { operator: `${qualifier}${operator}${r.pick(["", "IfExists"])}`, key, values };
}

/** One condition; `key` fixes which key it asks. */
export function condition(r: Random, place: Place, fixed?: string): ConditionRow {
  if (fixed === undefined && r.chance(10)) return byOperator(r, place);
  const key = fixed ?? anyKey(r);
  const facts = conditionKeyFacts(key);
  const operator = r.weighted(
    [80, () => r.pick(FAMILIES[facts?.type ?? "string"])],
    [9, () => "Null"],
    [9, () => r.pick(OPERATORS) as string],
  );
  const qualifier = r.weighted(
    [facts?.multivalued === true ? 3 : 14, () => ""],
    [2, () => "ForAnyValue:"],
    [2, () => "ForAllValues:"],
  );
  const ifExists = operator !== "Null" && r.chance(16) ? "IfExists" : "";
  const values =
    operator === "Null"
      ? r.pick([["true"], ["true"], ["false"], ["false"], ["true", "false"], ["x"], []])
      : r.chance(2)
        ? []
        : r.list(1, 3, () => policyValue(r, key, operator, place));
  const name = `${qualifier}${operator}${ifExists}`;
  return { operator: r.chance(1) ? name.toLowerCase() : name, key, values };
}

/** A `Condition` block; a key that stands twice under one operator is left to the parser's tests. */
export function conditionBlock(
  r: Random,
  rows: readonly ConditionRow[],
): Record<string, Record<string, unknown>> {
  const out: Record<string, Record<string, unknown>> = {};
  const seen = new Set<string>();
  for (const { operator, key, values } of rows) {
    const id = `${operator.toLowerCase()}|${key.toLowerCase()}`;
    if (seen.has(id)) continue;
    seen.add(id);
    const [only] = values;
    out[operator] = { ...out[operator], [key]: values.length === 1 && r.chance(50) ? only : values };
  }
  return out;
}
