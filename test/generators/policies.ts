import fc from "fast-check";
import { OPERATORS } from "../../src/policy/ast.js";
import { OWN, PARTNER, POLICY_VALUES, STRANGER, TRUSTED, TYPED_KEYS } from "./world.js";

const STRING_OPS = [
  "StringEquals",
  "StringNotEquals",
  "StringLike",
  "StringNotLike",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
];
const ARN_OPS = [
  "ArnEquals",
  "ArnLike",
  "ArnNotEquals",
  "ArnNotLike",
  "StringLike",
  "StringNotLike",
  "StringEquals",
];
const NUMBER_OPS = OPERATORS.filter((o) => o.startsWith("Numeric"));
const DATE_OPS = OPERATORS.filter((o) => o.startsWith("Date"));

function operatorsFor(key: string): readonly string[] {
  switch (TYPED_KEYS[key]) {
    case "number":
      return NUMBER_OPS;
    case "date":
      return DATE_OPS;
    case "bool":
      return ["Bool", "Bool", "StringEquals"];
    case "ip":
      return ["IpAddress", "NotIpAddress"];
    case "arn":
      return ARN_OPS;
    default:
      return STRING_OPS;
  }
}

const KEYS = Object.keys(POLICY_VALUES);
/** The keys that policies really use come more often. */
const COMMON = [
  "kms:CallerAccount",
  "aws:PrincipalAccount",
  "aws:PrincipalOrgID",
  "aws:PrincipalArn",
  "aws:PrincipalOrgPaths",
  "aws:SourceAccount",
  "aws:SourceArn",
  "kms:EncryptionContext:tenant",
];

/** One operator with one key: `[operator, key, values]`. */
export const conditionArb: fc.Arbitrary<readonly [string, string, readonly string[]]> = fc
  .oneof(
    { arbitrary: fc.constantFrom(...COMMON), weight: 3 },
    { arbitrary: fc.constantFrom(...KEYS), weight: 4 },
  )
  .chain((key) =>
    fc
      .tuple(
        fc.oneof(
          { arbitrary: fc.constantFrom(...operatorsFor(key)), weight: 20 },
          { arbitrary: fc.constant("Null"), weight: 2 },
          { arbitrary: fc.constantFrom(...OPERATORS), weight: 1 },
        ),
        fc.oneof(
          { arbitrary: fc.constant(""), weight: 8 },
          { arbitrary: fc.constant("ForAnyValue:"), weight: 2 },
          { arbitrary: fc.constant("ForAllValues:"), weight: 2 },
        ),
        fc.oneof(
          { arbitrary: fc.constant(""), weight: 5 },
          { arbitrary: fc.constant("IfExists"), weight: 1 },
        ),
        fc.array(fc.constantFrom(...(POLICY_VALUES[key] ?? ["a"])), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
      )
      .map(([op, qualifier, ifExists, values, lower]) => {
        const name = op === "Null" ? `${qualifier}Null` : `${qualifier}${op}${ifExists}`;
        const v = op === "Null" ? [values.length % 2 === 0 ? "true" : "false"] : values;
        return [name, lower && key.startsWith("aws:") ? key.toLowerCase() : key, v] as const;
      }),
  );

const principalTexts = [
  "*",
  `arn:aws:iam::${OWN}:root`,
  `arn:aws:iam::${TRUSTED}:root`,
  `arn:aws:iam::${PARTNER}:root`,
  PARTNER,
  `arn:aws:iam::${PARTNER}:role/app`,
  `arn:aws:iam::${PARTNER}:role/team/app`,
  `arn:aws:iam::${PARTNER}:user/ann`,
  `arn:aws:iam::${OWN}:role/app`,
  `arn:aws:iam::${STRANGER}:root`,
  `arn:aws:sts::${PARTNER}:assumed-role/app/s1`,
  `arn:aws:sts::${PARTNER}:federated-user/fed`,
];

const principalArb = fc.oneof(
  { arbitrary: fc.constant<unknown>("*"), weight: 4 },
  {
    arbitrary: fc
      .array(fc.constantFrom(...principalTexts), { minLength: 1, maxLength: 3 })
      .map((AWS): unknown => ({ AWS })),
    weight: 5,
  },
  {
    arbitrary: fc
      .constantFrom("s3.amazonaws.com", "cloudtrail.amazonaws.com", "sns.amazonaws.com")
      .map((Service): unknown => ({ Service })),
    weight: 2,
  },
);

const actionArb = fc.oneof(
  {
    arbitrary: fc.constantFrom("kms:*", "*", "kms:Decrypt", "kms:GenerateDataKey*", "kms:*Grant*"),
    weight: 6,
  },
  {
    arbitrary: fc.constantFrom("KMS:decrypt", "kms:De*", "kms:Encrypt", "kms:PutKeyPolicy", "kms:ReEncrypt*"),
    weight: 3,
  },
);

function conditionBlock(
  rows: readonly (readonly [string, string, readonly string[]])[],
): Record<string, unknown> {
  const out: Record<string, Record<string, readonly string[]>> = {};
  const seen = new Set<string>();
  for (const [op, key, values] of rows) {
    // The same key twice under one operator is a different document: the generator leaves it to the parser's tests.
    const id = `${op}|${key.toLowerCase()}`;
    if (seen.has(id)) continue;
    seen.add(id);
    out[op] = { ...out[op], [key]: values };
  }
  return out;
}

/** A statement as JSON. */
export const statementArb: fc.Arbitrary<Record<string, unknown>> = fc
  .record({
    effect: fc.oneof(
      { arbitrary: fc.constant("Allow"), weight: 3 },
      { arbitrary: fc.constant("Deny"), weight: 2 },
    ),
    principal: principalArb,
    notPrincipal: fc.integer({ min: 0, max: 11 }),
    action: fc.array(actionArb, { minLength: 1, maxLength: 2 }),
    notAction: fc.integer({ min: 0, max: 11 }),
    rows: fc.array(conditionArb, { maxLength: 3 }),
  })
  .map((s) => ({
    Effect: s.effect,
    [s.notPrincipal === 0 && s.principal !== "*" ? "NotPrincipal" : "Principal"]: s.principal,
    [s.notAction === 0 ? "NotAction" : "Action"]: s.action,
    Resource: "*",
    ...(s.rows.length === 0 ? {} : { Condition: conditionBlock(s.rows) }),
  }));

/** A key policy as text. */
export const policyArb: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { arbitrary: fc.constant("2012-10-17"), weight: 9 },
      { arbitrary: fc.constant("2008-10-17"), weight: 1 },
    ),
    fc.array(statementArb, { minLength: 1, maxLength: 4 }),
  )
  .map(([Version, Statement]) => JSON.stringify({ Version, Statement }));

/** A grant as ListGrants returns it. */
export const grantArb = fc
  .record({
    grantee: fc.constantFrom(
      `arn:aws:iam::${PARTNER}:role/app`,
      `arn:aws:iam::${PARTNER}:root`,
      `arn:aws:iam::${OWN}:role/app`,
      `arn:aws:sts::${PARTNER}:assumed-role/app/s1`,
      "dynamodb.us-east-1.amazonaws.com",
    ),
    operations: fc.subarray(["Decrypt", "Encrypt", "GenerateDataKey", "CreateGrant", "DescribeKey"], {
      minLength: 1,
    }),
    constraint: fc.constantFrom("none", "equals", "subset"),
    value: fc.constantFrom("a", "b"),
  })
  .map((g) => ({
    GrantId: `g-${g.grantee.length}-${g.constraint}`,
    GranteePrincipal: g.grantee,
    IssuingAccount: OWN,
    Operations: g.operations,
    ...(g.constraint === "equals" ? { Constraints: { EncryptionContextEquals: { tenant: g.value } } } : {}),
    ...(g.constraint === "subset" ? { Constraints: { EncryptionContextSubset: { tenant: g.value } } } : {}),
  }));
