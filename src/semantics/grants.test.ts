import { describe, expect, it } from "vitest";
import { allow, deny, keyWith, policy, request, type FactsOver } from "../../test/requests.js";
import type { Grant } from "../domain/grant.js";
import { evaluate } from "./evaluate.js";
import type { AccessRequest, Caller } from "./request.js";

const ROOT = "arn:aws:iam::111122223333:root";
const USER = "arn:aws:iam::111122223333:user/U";
const ROLE = "arn:aws:iam::111122223333:role/team/R";
const SESSION = "arn:aws:sts::111122223333:assumed-role/R/s1";
const OTHER_ROOT = "arn:aws:iam::444455556666:root";
const OTHER_ROLE = "arn:aws:iam::444455556666:role/R";
const SERVICE = "dynamodb.us-west-2.amazonaws.com";

const ALLOWED: Partial<AccessRequest> = { identity: { kind: "allow" } };

function grant(over: Partial<Grant>): Grant {
  return { GrantId: "g1", Operations: ["Decrypt"], IssuingAccount: ROOT, ...over };
}

type Over = Parameters<typeof request>[1] & {
  readonly facts?: FactsOver;
  readonly statements?: readonly unknown[];
};

/** The outcome in a word, under one grant and an empty key policy. */
function outcome(g: Grant, who: string | Caller, over: Over = {}): string {
  const { facts, statements, ...rest } = over;
  const key = keyWith(statements ?? [], { grants: [g], ...(facts === undefined ? {} : { facts }) });
  const decision = evaluate(request(who, rest), key);
  if (decision.outcome === "unknown")
    return decision.doubts
      .map((d) => d.id)
      .sort()
      .join(",");
  return decision.outcome;
}

describe("who the grantee is", () => {
  it.each<[string, Partial<Grant>, string, string, string]>([
    // grantee, caller; without and with an identity policy
    ["a user", { GranteePrincipal: USER }, USER, "allow", "allow"],
    ["a role, for its session", { GranteePrincipal: ROLE }, ROLE, "allow", "allow"],
    ["a role, for a session known by its ARN", { GranteePrincipal: ROLE }, SESSION, "allow", "allow"],
    ["a session", { GranteePrincipal: SESSION }, SESSION, "allow", "allow"],
    ["another session", { GranteePrincipal: SESSION.replace("s1", "s2") }, SESSION, "deny", "deny"],
    ["another user", { GranteePrincipal: `${USER}2` }, USER, "deny", "deny"],
    ["the account, for its root user", { GranteePrincipal: ROOT }, ROOT, "allow", "allow"],
    ["the account, for a user", { GranteePrincipal: ROOT }, USER, "grant-root-grantee", "allow"],
    [
      "another account's role",
      { GranteePrincipal: OTHER_ROLE },
      OTHER_ROLE,
      "grant-without-identity",
      "allow",
    ],
    ["another account", { GranteePrincipal: OTHER_ROOT }, OTHER_ROLE, "grant-root-grantee", "allow"],
    [
      "a federated user",
      { GranteePrincipal: "arn:aws:sts::111122223333:federated-user/F" },
      "arn:aws:sts::111122223333:federated-user/F",
      "allow",
      "allow",
    ],
    ["a service by GranteeServicePrincipal", { GranteeServicePrincipal: SERVICE }, SERVICE, "allow", "allow"],
    ["a service by GranteePrincipal", { GranteePrincipal: SERVICE }, SERVICE, "allow", "allow"],
    ["another service", { GranteePrincipal: SERVICE }, "dynamodb.amazonaws.com", "deny", "deny"],
    [
      "a session of a service's role",
      { GranteePrincipal: "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0abc" },
      "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0abc",
      "allow",
      "allow",
    ],
    ["nobody who is named", {}, USER, "key-fact-unknown", "key-fact-unknown"],
    ["something odd", { GranteePrincipal: "???" }, USER, "not-understood", "not-understood"],
  ])("%s", (_name, members, who, alone, identity) => {
    expect(outcome(grant(members), who)).toBe(alone);
    expect(outcome(grant(members), who, ALLOWED)).toBe(identity);
  });

  it("a silent boundary or session policy leaves a doubt", () => {
    expect(outcome(grant({ GranteePrincipal: USER }), USER, { boundary: { kind: "implicit-deny" } })).toBe(
      "grant-limits",
    );
    expect(
      outcome(grant({ GranteePrincipal: ROLE }), ROLE, { sessionPolicy: { kind: "implicit-deny" } }),
    ).toBe("grant-limits");
  });

  it("a unique id is the one who has it", () => {
    const session = {
      kind: "session",
      account: "111122223333",
      partition: "aws",
      role: "R",
      session: "s1",
      uniqueId: "AROAEXAMPLEEXAMPLEEX1",
    };
    expect(outcome(grant({ GranteePrincipal: "AROAEXAMPLEEXAMPLEEX1" }), session as unknown as Caller)).toBe(
      "allow",
    );
    expect(outcome(grant({ GranteePrincipal: "AROAEXAMPLEEXAMPLEEX2" }), session as unknown as Caller)).toBe(
      "deny",
    );
  });
});

describe("a grant", () => {
  const g = grant({ GranteePrincipal: USER });

  it("allows only its operations", () => {
    expect(outcome(g, USER, { action: "kms:Encrypt" })).toBe("deny");
    expect(outcome({ ...g, Operations: ["Encrypt", "DescribeKey"] }, USER, { action: "kms:Encrypt" })).toBe(
      "allow",
    );
    expect(outcome({ ...g, Operations: ["PutKeyPolicy"] }, USER, { action: "kms:PutKeyPolicy" })).toBe(
      "deny",
    );
    expect(outcome({ GrantId: "g1", GranteePrincipal: USER }, USER)).toBe("key-fact-unknown");
  });

  it("yields to an explicit Deny anywhere, and to SCPs", () => {
    expect(outcome(g, USER, { statements: [deny()] })).toBe("deny");
    expect(outcome(g, USER, { identity: { kind: "deny" } })).toBe("deny");
    const scp = policy([{ Effect: "Allow", Action: "s3:*", Resource: "*" }], undefined, "scp");
    expect(outcome(g, USER, { serviceControlPolicies: [scp] })).toBe("deny");
  });

  it("is not needed where the key policy allows, and is named where it does not", () => {
    expect(evaluate(request(USER), keyWith([], { grants: [g] }))).toMatchObject({
      reason: "grant",
      sources: [{ kind: "grant", grantId: "g1" }],
    });
    expect(outcome(grant({ GranteePrincipal: ROLE }), USER, { statements: [allow()] })).toBe("allow");
  });

  it("is subject to the state of the key", () => {
    expect(outcome(g, USER, { facts: { state: "PendingDeletion" } })).toBe("deny");
  });
});

describe("grants that were not read", () => {
  const unread = { ...keyWith([]), grantsUnread: true as const };
  it("may allow what grants can allow, and nothing else", () => {
    expect(evaluate(request(USER), unread)).toMatchObject({
      outcome: "unknown",
      sources: [],
      doubts: [{ id: "grants-unread" }],
    });
    expect(evaluate(request(USER, { action: "kms:RetireGrant" }), unread).outcome).toBe("unknown");
    expect(evaluate(request(USER, { action: "kms:PutKeyPolicy" }), unread).outcome).toBe("deny");
    expect(evaluate(request(USER), { ...unread, policy: policy([allow()]) }).outcome).toBe("allow");
    expect(evaluate(request(USER), { ...unread, policy: policy([deny()]) }).outcome).toBe("deny");
  });
});

describe("encryption context constraints", () => {
  const equals = grant({
    GranteePrincipal: USER,
    Operations: ["Decrypt", "DescribeKey", "CreateGrant"],
    Constraints: { EncryptionContextEquals: { Department: "IT" } },
  });
  const subset = grant({ ...equals, Constraints: { EncryptionContextSubset: { Department: "IT" } } });
  const both = { Department: "IT", Purpose: "Test" };

  it.each<[string, Grant, Readonly<Record<string, string>> | undefined, string]>([
    ["Equals, the same", equals, { Department: "IT" }, "allow"],
    ["Equals, one more", equals, both, "deny"],
    ["Equals, another value", equals, { Department: "it" }, "deny"],
    ["Equals, none", equals, undefined, "deny"],
    ["Equals, key in another case", equals, { department: "IT" }, "grant-context-key-case"],
    ["Subset, the same", subset, { Department: "IT" }, "allow"],
    ["Subset, one more", subset, both, "allow"],
    ["Subset, another", subset, { Purpose: "Test" }, "deny"],
    ["Subset, key in another case", subset, { DEPARTMENT: "IT", Purpose: "Test" }, "grant-context-key-case"],
  ])("%s", (_name, g, encryptionContext, expected) => {
    expect(outcome(g, USER, encryptionContext === undefined ? {} : { encryptionContext })).toBe(expected);
  });

  it("may be met by condition keys that state the context", () => {
    expect(outcome(equals, USER, { context: { "kms:EncryptionContext:Department": "IT" } })).toBe("allow");
  });

  it("do not bind operations without an encryption context, nor keys of another kind", () => {
    expect(outcome(equals, USER, { action: "kms:DescribeKey" })).toBe("allow");
    expect(outcome(equals, USER, { facts: { spec: "RSA_2048" } })).toBe("allow");
    expect(outcome(equals, USER, { facts: { spec: undefined } })).toBe("key-fact-unknown");
  });

  it("bind the grants that the grantee makes", () => {
    const child = (context: Record<string, string>, encryptionContext: Record<string, string>): string =>
      outcome(equals, USER, { action: "kms:CreateGrant", context, encryptionContext });
    expect(child({ "kms:GrantConstraintType": "EncryptionContextEquals" }, { Department: "IT" })).toBe(
      "allow",
    );
    expect(child({ "kms:GrantConstraintType": "EncryptionContextSubset" }, { Department: "IT" })).toBe(
      "deny",
    );
    expect(outcome(equals, USER, { action: "kms:CreateGrant" })).toBe("deny");
    const wider = outcome(subset, USER, {
      action: "kms:CreateGrant",
      context: { "kms:GrantConstraintType": "EncryptionContextEquals" },
      encryptionContext: both,
    });
    expect(wider).toBe("allow");
  });
});

describe("CreateGrant by a grant", () => {
  const g = grant({ GranteePrincipal: USER, Operations: ["Decrypt", "CreateGrant"] });
  it("passes on only operations of the grant", () => {
    const create = (operations: readonly string[]): string =>
      outcome(g, USER, { action: "kms:CreateGrant", context: { "kms:GrantOperations": operations } });
    expect(create(["Decrypt"])).toBe("allow");
    expect(create(["Decrypt", "Encrypt"])).toBe("deny");
    expect(
      outcome(grant({ GranteePrincipal: USER }), USER, {
        action: "kms:CreateGrant",
        context: { "kms:GrantOperations": ["Decrypt"] },
      }),
    ).toBe("deny");
  });
});

describe("SourceArn constraints", () => {
  const arn = "arn:aws:dynamodb:us-west-2:111122223333:table/t";
  const g = grant({
    GranteeServicePrincipal: SERVICE,
    Operations: ["Decrypt", "DescribeKey", "RetireGrant"],
    Constraints: { SourceArn: arn },
  });
  it("want the request to be made for that resource", () => {
    expect(outcome(g, SERVICE, { context: { "aws:SourceArn": arn } })).toBe("allow");
    expect(outcome(g, SERVICE, { context: { "aws:SourceArn": `${arn}2` } })).toBe("deny");
    expect(outcome(g, SERVICE)).toBe("deny");
  });
  it("bind DescribeKey only where a source is stated, and never RetireGrant", () => {
    expect(outcome(g, SERVICE, { action: "kms:DescribeKey" })).toBe("allow");
    expect(outcome(g, SERVICE, { action: "kms:DescribeKey", context: { "aws:SourceArn": `${arn}2` } })).toBe(
      "deny",
    );
    expect(outcome(g, SERVICE, { action: "kms:RetireGrant" })).toBe("allow");
  });
  it("leave a doubt where they hold a wildcard", () => {
    const wild = { ...g, Constraints: { SourceArn: "arn:aws:dynamodb:us-west-2:111122223333:table/*" } };
    expect(outcome(wild, SERVICE, { context: { "aws:SourceArn": arn } })).toBe("not-understood");
  });
});

describe("RetireGrant", () => {
  const retire = { action: "kms:RetireGrant" } as const;
  const g = grant({ GranteePrincipal: ROLE, RetiringPrincipal: OTHER_ROLE, IssuingAccount: ROOT });

  it("is for the retiring principal", () => {
    expect(outcome(g, OTHER_ROLE, { ...retire, ...ALLOWED })).toBe("allow");
    expect(outcome(g, "arn:aws:iam::444455556666:role/Q", { ...retire, ...ALLOWED })).toBe("deny");
    expect(outcome(grant({ RetiringServicePrincipal: SERVICE }), SERVICE, retire)).toBe("allow");
  });

  it("is for a grantee whose operations include it", () => {
    expect(outcome(g, ROLE, retire)).toBe("deny");
    expect(outcome({ ...g, Operations: ["Decrypt", "RetireGrant"] }, ROLE, retire)).toBe("allow");
  });

  it("is for the issuing account: its root user, and whom its IAM policies allow it", () => {
    expect(outcome(g, ROOT, retire)).toBe("allow");
    expect(outcome(g, USER, retire)).toBe("deny");
    expect(outcome(g, USER, { ...retire, ...ALLOWED })).toBe("allow");
    expect(outcome({ ...g, IssuingAccount: OTHER_ROOT }, USER, { ...retire, ...ALLOWED })).toBe("deny");
    expect(
      outcome({ ...g, IssuingAccount: "444455556666" }, "arn:aws:iam::444455556666:user/V", {
        ...retire,
        ...ALLOWED,
      }),
    ).toBe("allow");
    expect(outcome({ GrantId: "g1", GranteePrincipal: ROLE }, USER, { ...retire, ...ALLOWED })).toBe(
      "key-fact-unknown",
    );
  });

  it("concerns the grant that is named", () => {
    expect(outcome(g, ROOT, { ...retire, grantId: "g1" })).toBe("allow");
    expect(outcome(g, ROOT, { ...retire, grantId: "g2" })).toBe("deny");
  });

  it("can be denied on the caller's side", () => {
    expect(outcome(g, ROOT, { ...retire, identity: { kind: "deny" } })).toBe("deny");
  });
});
