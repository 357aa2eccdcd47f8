import { expect, test } from "vitest";
import { NOW, OWNER, STRANGER, allow, organization, policyText, role } from "../../test/judging.js";
import { keyFacts } from "../../test/requests.js";
import type { Grant } from "../domain/grant.js";
import { parsePolicy } from "../policy/parse.js";
import { analyze } from "./analyze.js";
import type { AccessMatrix } from "./matrix.js";

function matrixOf(text: string, grants: readonly Grant[], grantsTogether?: number): AccessMatrix {
  return analyze({
    facts: keyFacts(),
    policy: parsePolicy(text, { kind: "key" }),
    grants,
    resourceControlPolicies: [],
    zone: { organizations: [organization("o-own1234567")], accounts: [], principals: [], services: [] },
    organizationOf: new Map(),
    now: NOW,
    scope: "outside",
    ...(grantsTogether === undefined ? {} : { grantsTogether }),
  });
}

const grant = (id: string, more: Partial<Grant>): Grant => ({
  GrantId: id.padEnd(64, "0"),
  Operations: ["Decrypt"],
  ...more,
});

/** Foreign and own grantees, services with and without a source, constraints, one that may be granted on. */
const MIXED: readonly Grant[] = [
  ...["300000000001", "300000000002", "300000000003", "300000000004"].map((id, i) =>
    grant(`a${i}`, { GranteePrincipal: role(id, "Reader") }),
  ),
  grant("b", { GranteePrincipal: role(OWNER, "App") }),
  grant("c", { GranteePrincipal: `arn:aws:iam::${STRANGER}:root`, Operations: ["Decrypt", "CreateGrant"] }),
  grant("d", {
    GranteePrincipal: role(STRANGER, "Writer"),
    Operations: ["Encrypt"],
    Constraints: { EncryptionContextEquals: { app: "pay" } },
  }),
  grant("e", {
    GranteeServicePrincipal: "dynamodb.us-east-1.amazonaws.com",
    Constraints: { SourceArn: `arn:aws:dynamodb:us-east-1:${STRANGER}:table/t` },
  }),
  grant("f", {
    GranteePrincipal: role(STRANGER, "Writer"),
    Constraints: { EncryptionContextSubset: { app: "hr" } },
  }),
  grant("g", { GranteePrincipal: "AROAEXAMPLEEXAMPLE123" }),
];

test.each([
  ["the default policy", policyText()],
  ["a policy that denies an account", policyText({ ...allow({ AWS: STRANGER }, "kms:*"), Effect: "Deny" })],
  [
    "a policy that lets an organization in",
    policyText(
      allow("*", "kms:Decrypt", { Condition: { StringEquals: { "aws:PrincipalOrgID": "o-foreign0001" } } }),
    ),
  ],
  ["an open policy", policyText(allow("*", "kms:Encrypt"))],
])("%s: grants one by one come to what they come to together", (_name, text) => {
  const apart = matrixOf(text, MIXED, 0);
  const together = matrixOf(text, MIXED, 1_000);
  const told = ({ accesses }: AccessMatrix, kind: "grant" | "statement"): readonly string[] =>
    accesses
      .filter((a) => a.source.kind === kind)
      .map(({ who, source, actions, certainty, exposure }) =>
        JSON.stringify([who, source, [...actions].sort(), certainty, exposure]),
      )
      .sort();
  expect(apart.exposure).toBe(together.exposure);
  expect(apart.undecided).toHaveLength(together.undecided.length);
  expect(told(apart, "grant")).toEqual(told(together, "grant"));
  // Together, a grantee is also named as one of those whom the policy lets in without naming them.
  expect(told(together, "statement")).toEqual(expect.arrayContaining([...told(apart, "statement")]));
  expect(told(apart, "statement").length > 0).toBe(told(together, "statement").length > 0);
});

test("each of 3,000 foreign grantees is told, and none is left undecided", () => {
  const ids = Array.from({ length: 3_000 }, (_, i) => String(300_000_000_000 + i * 7_919));
  const grants = ids.map((id, i) => grant(`x${i}`, { GranteePrincipal: role(id, "Reader") }));
  const { accesses, undecided, exposure } = matrixOf(policyText(), grants);
  expect(exposure).toBe("external");
  expect(undecided).toEqual([]);
  const told = accesses.map((a) =>
    a.who.kind === "principal" && a.certainty === "certain" ? a.who.account : "",
  );
  expect(told.sort()).toEqual(ids);
});

test("what all grants together may take is bounded, and what is left is undecided", () => {
  const hard = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`k${i}`, "v"]));
  const grants = Array.from({ length: 40 }, (_, i) =>
    grant(`y${i}`, {
      GranteePrincipal: role(String(300_000_000_000 + i), "Reader"),
      Constraints: { EncryptionContextEquals: hard },
    }),
  );
  const { accesses, undecided } = analyze({
    facts: keyFacts(),
    policy: parsePolicy(policyText(), { kind: "key" }),
    grants,
    resourceControlPolicies: [],
    zone: { organizations: [], accounts: [], principals: [], services: [] },
    organizationOf: new Map(),
    now: NOW,
    scope: "outside",
    maxSteps: 10,
  });
  const named = new Set([...accesses, ...undecided].map(({ source }) => JSON.stringify(source)));
  for (const { GrantId } of grants)
    expect(named).toContain(JSON.stringify({ kind: "grant", grantId: GrantId }));
  expect(undecided.length).toBeGreaterThan(0);
});
