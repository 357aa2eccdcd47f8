import { describe, expect, test } from "vitest";
import type { Fetched } from "../domain/fetched.js";
import type { Grant } from "../domain/grant.js";
import { parseOrganizationId } from "../domain/ids.js";
import { keyFacts, NOW } from "../../test/requests.js";
import { type DiffInput, diffDocuments, gains, losses } from "./diff.js";

const PARTNER = "444455556666";
const OWNER = "111122223333";

function policy(...statements: readonly Record<string, unknown>[]): string {
  const full = statements.map((s) => ({
    Effect: "Allow",
    Principal: "*",
    Action: "kms:Decrypt",
    Resource: "*",
    ...s,
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement: full });
}

interface More {
  readonly oldGrants?: Fetched<readonly Grant[]>;
  readonly newGrants?: Fetched<readonly Grant[]>;
  readonly oldRcps?: readonly string[];
  readonly newRcps?: readonly string[];
}

function input(old: string, next: string, more: More = {}): DiffInput {
  const none: Fetched<readonly Grant[]> = { kind: "present", value: [] };
  const own = parseOrganizationId("o-own1234567");
  return {
    facts: keyFacts(),
    old: {
      policy: { kind: "present", value: old },
      grants: more.oldGrants ?? none,
      resourceControlPolicies: more.oldRcps ?? [],
    },
    new: {
      policy: { kind: "present", value: next },
      grants: more.newGrants ?? none,
      resourceControlPolicies: more.newRcps ?? [],
    },
    zone: { organizations: own === undefined ? [] : [own], accounts: [], principals: [], services: [] },
    organizationOf: new Map(),
    now: NOW,
  };
}

const when = (operator: string, key: string, value: string): Record<string, unknown> => ({
  Condition: { [operator]: { [key]: value } },
});

describe("a condition that becomes wider", () => {
  const cases: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>])[] = [
    [
      "a pattern on the principal's ARN",
      when("StringLike", "aws:PrincipalArn", `arn:aws:iam::${PARTNER}:role/a*`),
      when("StringLike", "aws:PrincipalArn", `arn:aws:iam::${PARTNER}:role/*`),
    ],
    [
      "an address range",
      when("IpAddress", "aws:SourceIp", "203.0.113.0/25"),
      when("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
    ],
    [
      "an organization's path",
      when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-partner0001/r-ab12/ou-ab12-11111111/*"),
      when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-partner0001/*"),
    ],
    [
      "a number",
      when("NumericLessThan", "aws:MultiFactorAuthAge", "300"),
      when("NumericLessThan", "aws:MultiFactorAuthAge", "301"),
    ],
    [
      "a condition that an absent key passes",
      when("StringEquals", "aws:SourceVpce", "vpce-1"),
      when("StringEqualsIfExists", "aws:SourceVpce", "vpce-1"),
    ],
  ];
  test.each(cases)("%s: it is gained one way, and nothing the other way", (_, narrow, wide) => {
    const there = gains(input(policy(narrow), policy(wide)));
    expect(there.verdict).toBe("something");
    expect(there.changes[0]?.witness.newer.outcome).not.toBe("deny");
    expect(there.changes[0]?.witness.older.outcome).toBe("deny");
    expect(gains(input(policy(wide), policy(narrow))).verdict).toBe("nothing");
    expect(losses(input(policy(wide), policy(narrow))).verdict).toBe("something");
  });
});

test("the witness of a wider pattern lies between the two patterns", () => {
  const like = (p: string): string =>
    policy(when("StringLike", "aws:PrincipalArn", `arn:aws:iam::${PARTNER}:role/${p}`));
  const [change] = gains(input(like("a*"), like("*"))).changes;
  const caller = change?.witness.request.caller;
  if (caller?.kind !== "session") throw new Error("expected a session");
  expect(caller.account).toBe(PARTNER);
  expect(caller.role.startsWith("a")).toBe(false);
  expect(change?.trusted).toBe(false);
});

test("two statements that together say what one said are the same", () => {
  const one = policy({ Action: ["kms:Decrypt", "kms:Encrypt"], Principal: { AWS: [OWNER, PARTNER] } });
  const two = policy(
    { Action: "kms:Encrypt", Principal: { AWS: OWNER } },
    { Action: "kms:Decrypt", Principal: { AWS: [OWNER, PARTNER] } },
    { Action: "kms:Encrypt", Principal: { AWS: [PARTNER] } },
  );
  expect(diffDocuments(input(one, two)).sameMeaning).toBe(true);
});

test("a Deny that is gone is named as what stood in the way", () => {
  const deny = { Effect: "Deny", ...when("StringNotEquals", "aws:PrincipalOrgID", "o-own1234567") };
  const { gained, lost } = diffDocuments(input(policy({}, deny), policy({})));
  expect(gained.changes[0]).toMatchObject({
    certainty: "certain",
    before: { kind: "denied", by: { kind: "statement", index: 1 } },
    who: { kind: "anyone" },
  });
  expect(lost.verdict).toBe("nothing");
});

test("a resource control policy that is gone opens what it closed", () => {
  const rcp = policy({
    Effect: "Deny",
    Action: "kms:*",
    ...when("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-own1234567"),
  });
  const { verdict, changes } = gains(input(policy({}), policy({}), { oldRcps: [rcp] }));
  expect(verdict).toBe("something");
  expect(changes[0]?.before).toEqual({
    kind: "denied",
    by: { kind: "resource-control-policy", policy: 0, statement: 0 },
  });
});

test("callers inside the zone are compared, too", () => {
  const next = policy({
    Principal: { AWS: `arn:aws:iam::${OWNER}:role/app` },
    Action: "kms:ScheduleKeyDeletion",
  });
  const [change] = gains(input(policy({ Principal: { AWS: OWNER } }), next)).changes;
  expect(change).toMatchObject({ trusted: true, capabilities: ["destroy"], reach: { kind: "now" } });
});

test("what KMS does not offer across accounts is gained, but not for now", () => {
  const old = policy({ Principal: { AWS: OWNER } });
  const next = policy(
    { Principal: { AWS: OWNER } },
    { Principal: { AWS: PARTNER }, Action: "kms:PutKeyPolicy" },
  );
  expect(gains(input(old, next)).changes).toMatchObject([{ reach: { kind: "not-across-accounts" } }]);
});

const grant: Grant = {
  GrantId: "g",
  GranteePrincipal: `arn:aws:iam::${PARTNER}:role/app`,
  IssuingAccount: OWNER,
  Operations: ["Decrypt"],
};

test("a grant is a way in like a statement", () => {
  const own = policy({ Principal: { AWS: OWNER } });
  const withGrant = input(own, own, { newGrants: { kind: "present", value: [grant] } });
  expect(gains(withGrant).changes).toMatchObject([
    { source: { kind: "grant", grantId: "g" }, certainty: "certain" },
  ]);
  // The same right by a statement: nothing new.
  const statement = policy(
    { Principal: { AWS: OWNER } },
    { Principal: { AWS: `arn:aws:iam::${PARTNER}:role/app` } },
  );
  expect(gains(input(statement, own, { newGrants: { kind: "present", value: [grant] } })).verdict).toBe(
    "nothing",
  );
});

test("grants that were not read are never 'no change'", () => {
  const own = policy({ Principal: { AWS: OWNER } });
  const unread: Fetched<readonly Grant[]> = { kind: "unreadable", code: "AccessDeniedException" };
  const { gained, lost, sameMeaning } = diffDocuments(
    input(own, own, { oldGrants: unread, newGrants: unread }),
  );
  expect([gained.verdict, lost.verdict, sameMeaning]).toEqual(["unknown", "unknown", false]);
  // What is lost by losing sight is not known; what is new cannot come from the side that was not seen.
  expect(gains(input(own, own, { oldGrants: unread })).verdict).toBe("nothing");
  expect(losses(input(own, own, { oldGrants: unread })).verdict).toBe("unknown");
});

test.each<[string, Fetched<string>]>([
  ["unreadable", { kind: "unreadable", code: "AccessDeniedException" }],
  ["unknown", { kind: "unknown" }],
  ["no policy at all", { kind: "present", value: "{" }],
])("against a policy that is %s nothing is known to be gained or lost", (_name, policyUnread) => {
  const open = input(policy({ Principal: { AWS: OWNER } }), policy({ Principal: "*" }));
  const before = diffDocuments({ ...open, old: { ...open.old, policy: policyUnread } });
  expect([before.gained.verdict, before.gained.changes, before.lost.verdict]).toEqual([
    "unknown",
    [],
    "unknown",
  ]);
  const after = diffDocuments({ ...open, new: { ...open.new, policy: policyUnread } });
  expect([after.lost.verdict, after.lost.changes, after.gained.verdict]).toEqual(["unknown", [], "unknown"]);
  // Each direction says which side it was.
  expect(before.gained.undecided[0]?.reason).toMatch(/^old: /);
  expect(before.lost.undecided[0]?.reason).toMatch(/^old: /);
  expect(after.lost.undecided[0]?.reason).toMatch(/^new: /);
});

test("a gain that an unread older grant may have given already is not certain", () => {
  const own = policy({ Principal: { AWS: OWNER } });
  const next = policy({ Principal: { AWS: [OWNER, PARTNER] } });
  const answer = gains(input(own, next, { oldGrants: { kind: "unknown" } }));
  expect(answer.verdict).toBe("unknown");
  expect(answer.changes[0]?.doubts.map((d) => d.id)).toContain("grants-unread");
});

test("a policy that was not understood makes the answer unknown, unless both sides hold the same part", () => {
  const odd = { Condition: { StringResembles: { "aws:PrincipalArn": "x" } } };
  expect(gains(input(policy({ Principal: { AWS: OWNER } }), policy(odd))).verdict).toBe("unknown");
  expect(diffDocuments(input(policy(odd), policy({ Sid: "New", ...odd }))).sameMeaning).toBe(true);
  const otherwise = { Condition: { StringResembles: { "aws:PrincipalArn": "y" } } };
  expect(gains(input(policy(odd), policy(otherwise))).verdict).toBe("unknown");
});

test("a search that may not take a step is unknown, not nothing", () => {
  const like = (p: string): string =>
    policy(when("StringLike", "aws:PrincipalArn", `arn:aws:iam::*:role/${p}`));
  expect(gains({ ...input(like("*a"), like("*")), maxSteps: 0 }).verdict).not.toBe("nothing");
});
