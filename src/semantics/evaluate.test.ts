import { describe, expect, it } from "vitest";
import { allow, deny, KEY_ARN, keyWith, policy, request } from "../../test/requests.js";
import { evaluate } from "./evaluate.js";
import type { AccessRequest, Caller, Decision, KeyDocument } from "./request.js";

const ROOT = "arn:aws:iam::111122223333:root";
const USER = "arn:aws:iam::111122223333:user/team/U";
const ROLE = "arn:aws:iam::111122223333:role/team/R";
const SESSION = "arn:aws:sts::111122223333:assumed-role/R/s1";
const FEDERATED = "arn:aws:sts::111122223333:federated-user/F";
const OTHER_ROOT = "arn:aws:iam::444455556666:root";
const OTHER_ROLE = "arn:aws:iam::444455556666:role/R";
const SERVICE = "logs.us-east-1.amazonaws.com";

const aws = (...names: readonly string[]): Record<string, unknown> => ({ Principal: { AWS: names } });

/** The outcome in a word: the doubts where it is unknown, the reason where it is denied by more than silence. */
function outcome(asked: AccessRequest, key: KeyDocument): string {
  return word(evaluate(asked, key));
}

function word(decision: Decision): string {
  if (decision.outcome === "unknown")
    return decision.doubts
      .map((d) => d.id)
      .sort()
      .join(",");
  return decision.outcome === "allow" ? "allow" : decision.reason;
}

const ALLOWED: Partial<AccessRequest> = { identity: { kind: "allow" } };
const LIMITED: Partial<AccessRequest> = { boundary: { kind: "implicit-deny" } };
const SESSION_LIMITED: Partial<AccessRequest> = { sessionPolicy: { kind: "implicit-deny" } };

describe("what a caller of the key's account needs, by how the key policy names it", () => {
  it.each<[string, string, string | Caller, string, string, string, string, string]>([
    // named by, caller, nothing else, identity allows, + boundary silent, + session policy silent, boundary silent without identity
    ["the user", USER, USER, "allow", "allow", "allow", "allow", "allow"],
    ["the role", ROLE, ROLE, "allow", "allow", "implicit-deny", "implicit-deny", "implicit-deny"],
    ["the session", SESSION, SESSION, "allow", "allow", "allow", "allow", "allow"],
    ["the federated user", FEDERATED, FEDERATED, "allow", "allow", "allow", "allow", "allow"],
    ["everybody, for a user", "*", USER, "allow", "allow", "allow", "allow", "allow"],
    ["everybody, for a role", "*", ROLE, "allow", "allow", "allow", "allow", "allow"],
    [
      "the account, for a user",
      ROOT,
      USER,
      "implicit-deny",
      "allow",
      "implicit-deny",
      "allow",
      "implicit-deny",
    ],
    [
      "the account, for a role",
      ROOT,
      ROLE,
      "implicit-deny",
      "allow",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "the account by its number",
      "111122223333",
      ROLE,
      "implicit-deny",
      "allow",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    ["the account, for its root user", ROOT, ROOT, "allow", "allow", "allow", "allow", "allow"],
    ["everybody, for the root user", "*", ROOT, "allow", "allow", "allow", "allow", "allow"],
    [
      "a user, for the root user",
      USER,
      ROOT,
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "another user",
      "arn:aws:iam::111122223333:user/U",
      USER,
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "another session",
      "arn:aws:sts::111122223333:assumed-role/R/s2",
      SESSION,
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "the role of a session known by its ARN",
      ROLE,
      SESSION,
      "allow",
      "allow",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "another role of the same path",
      "arn:aws:iam::111122223333:role/team/Q",
      ROLE,
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "the role by another path",
      "arn:aws:iam::111122223333:role/R",
      ROLE,
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "the role, for a user of its name",
      "arn:aws:iam::111122223333:role/team/U",
      USER,
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "the user who made a federated session",
      USER,
      {
        kind: "federated-user",
        account: "111122223333",
        partition: "aws",
        name: "F",
        user: "team/U",
      } as unknown as Caller,
      "allow",
      "allow",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
    [
      "a user, for a federated session of unknown origin",
      USER,
      FEDERATED,
      "caller-fact-unknown",
      "caller-fact-unknown",
      "implicit-deny",
      "implicit-deny",
      "implicit-deny",
    ],
  ])("%s", (_name, principal, who, alone, identity, boundary, session, boundaryAlone) => {
    const key = keyWith([allow(aws(principal))]);
    expect(outcome(request(who), key)).toBe(alone);
    expect(outcome(request(who, ALLOWED), key)).toBe(identity);
    expect(outcome(request(who, { ...ALLOWED, ...LIMITED }), key)).toBe(boundary);
    expect(outcome(request(who, { ...ALLOWED, ...SESSION_LIMITED }), key)).toBe(session);
    expect(outcome(request(who, LIMITED), key)).toBe(boundaryAlone);
  });

  it("is somebody else where the partition is another", () => {
    const chinese = "arn:aws-cn:iam::111122223333:user/team/U";
    expect(outcome(request(chinese, ALLOWED), keyWith([allow(aws(USER, ROOT))]))).toBe("implicit-deny");
    expect(outcome(request(chinese, ALLOWED), keyWith([allow(aws("111122223333"))]))).toBe("allow");
  });

  it("is tested by the ARN of its role, of which a session ARN hides the path", () => {
    const by = (pattern: string): KeyDocument =>
      keyWith([allow({ Condition: { ArnLike: { "aws:PrincipalArn": pattern } } })]);
    expect(outcome(request(ROLE), by("arn:aws:iam::111122223333:role/team/*"))).toBe("allow");
    expect(outcome(request(ROLE), by("arn:aws:iam::111122223333:role/R"))).toBe("implicit-deny");
    expect(outcome(request(SESSION), by("arn:aws:iam::111122223333:role/R"))).toBe("allow");
    expect(outcome(request(SESSION), by("arn:aws:iam::111122223333:role/team/*"))).toBe(
      "caller-fact-unknown",
    );
    expect(outcome(request(SESSION), by("arn:aws:iam::111122223333:role/team/Q"))).toBe("implicit-deny");
    expect(outcome(request(SESSION), by("arn:aws:sts::111122223333:assumed-role/R/s1"))).toBe(
      "implicit-deny",
    );
  });

  it("denies where the key policy is silent, whatever IAM policies say", () => {
    expect(outcome(request(USER, ALLOWED), keyWith([allow(aws(ROLE))]))).toBe("implicit-deny");
  });
});

describe("callers of another account", () => {
  it.each([
    ["the account", OTHER_ROOT],
    ["the role", OTHER_ROLE],
    ["everybody", "*"],
  ])("named as %s need their own account's policies too", (_name, principal) => {
    const key = keyWith([allow(aws(principal))]);
    expect(outcome(request(OTHER_ROLE), key)).toBe("implicit-deny");
    expect(outcome(request(OTHER_ROLE, ALLOWED), key)).toBe("allow");
    expect(outcome(request(OTHER_ROLE, { ...ALLOWED, ...LIMITED }), key)).toBe("implicit-deny");
    expect(outcome(request(OTHER_ROLE, { ...ALLOWED, ...SESSION_LIMITED }), key)).toBe("implicit-deny");
    const elsewhere = {
      ...ALLOWED,
      serviceControlPolicies: [
        policy([{ Effect: "Allow", Action: "s3:*", Resource: "*" }], undefined, "scp"),
      ],
    };
    expect(outcome(request(OTHER_ROLE, elsewhere), key)).toBe("implicit-deny");
  });

  it("named as a session need their own account's policies too", () => {
    const session = "arn:aws:sts::444455556666:assumed-role/R/s1";
    expect(outcome(request(session), keyWith([allow(aws(session))]))).toBe("implicit-deny");
    expect(outcome(request(session, ALLOWED), keyWith([allow(aws(session))]))).toBe("allow");
  });

  it("leave a doubt where they are a root user", () => {
    expect(outcome(request(OTHER_ROOT), keyWith([allow(aws(OTHER_ROOT))]))).toBe("foreign-root-user");
    expect(outcome(request(OTHER_ROOT, ALLOWED), keyWith([allow(aws(OTHER_ROOT))]))).toBe("allow");
    expect(outcome(request(OTHER_ROOT), keyWith([allow(aws(ROOT))]))).toBe("implicit-deny");
  });

  it("are not of the key's account because their name is", () => {
    expect(
      outcome(request(OTHER_ROLE, ALLOWED), keyWith([allow(aws(ROOT, "arn:aws:iam::111122223333:role/R"))])),
    ).toBe("implicit-deny");
  });
});

describe("service principals", () => {
  it("need no IAM policy, and are covered by * for sure only in a Deny", () => {
    const named = { Principal: { Service: SERVICE } };
    expect(outcome(request(SERVICE), keyWith([allow(named)]))).toBe("allow");
    expect(outcome(request(SERVICE), keyWith([allow({ Principal: { Service: "s3.amazonaws.com" } })]))).toBe(
      "implicit-deny",
    );
    const otherCase = allow({ Principal: { Service: "Logs.us-east-1.amazonaws.com" } });
    expect(outcome(request(SERVICE), keyWith([otherCase]))).toBe("service-name-case");
    expect(outcome(request(SERVICE), keyWith([allow()]))).toBe("everyone-includes-services");
    expect(outcome(request(SERVICE), keyWith([allow(named), deny()]))).toBe("explicit-deny");
    expect(outcome(request(SERVICE), keyWith([allow(aws(ROOT, OTHER_ROOT))]))).toBe("implicit-deny");
  });

  it("carry no account keys: a positive test fails, a negated one holds", () => {
    const bound = {
      Principal: { Service: SERVICE },
      Condition: { StringEquals: { "kms:CallerAccount": "111122223333" } },
    };
    expect(outcome(request(SERVICE), keyWith([allow(bound)]))).toBe("implicit-deny");
    const others = deny({ Condition: { StringNotEquals: { "aws:PrincipalAccount": "111122223333" } } });
    expect(outcome(request(SERVICE), keyWith([allow({ Principal: { Service: SERVICE } }), others]))).toBe(
      "explicit-deny",
    );
  });

  it("are not bound by SCPs, boundaries and what identity policies are given", () => {
    const key = keyWith([allow({ Principal: { Service: SERVICE } })]);
    const scp = policy([{ Effect: "Deny", Action: "*", Resource: "*" }], undefined, "scp");
    expect(
      outcome(
        request(SERVICE, { identity: { kind: "deny" }, serviceControlPolicies: [scp], ...LIMITED }),
        key,
      ),
    ).toBe("allow");
  });
});

describe("an explicit Deny wins, wherever it stands", () => {
  const key = keyWith([allow(aws(USER)), allow()]);
  const denies = policy([{ Effect: "Deny", Action: "kms:*", Resource: "*" }], undefined, "identity");
  it.each<[string, Partial<AccessRequest>]>([
    ["identity policy", { identity: { kind: "policies", policies: [denies] } }],
    ["identity policies, by their word", { identity: { kind: "deny" } }],
    ["permissions boundary", { boundary: { kind: "policy", policy: denies } }],
    ["service control policy", { serviceControlPolicies: [denies] }],
  ])("%s", (_name, side) => {
    expect(outcome(request(USER), key)).toBe("allow");
    expect(outcome(request(USER, side), key)).toBe("explicit-deny");
  });

  it("session policy", () => {
    expect(outcome(request(ROLE), key)).toBe("allow");
    expect(outcome(request(ROLE, { sessionPolicy: { kind: "policy", policy: denies } }), key)).toBe(
      "explicit-deny",
    );
    // A user has no session policy.
    expect(outcome(request(USER, { sessionPolicy: { kind: "policy", policy: denies } }), key)).toBe("allow");
  });

  it("key policy: the account covers everybody in it, the role its sessions, a session itself", () => {
    const with_ = (statement: unknown): KeyDocument => keyWith([allow(), statement]);
    expect(outcome(request(USER), with_(deny(aws(ROOT))))).toBe("explicit-deny");
    expect(outcome(request(ROLE), with_(deny(aws(ROLE))))).toBe("explicit-deny");
    expect(outcome(request(SESSION), with_(deny(aws(ROLE))))).toBe("explicit-deny");
    expect(outcome(request(SESSION), with_(deny(aws(SESSION))))).toBe("explicit-deny");
    expect(outcome(request("arn:aws:sts::111122223333:assumed-role/R/s2"), with_(deny(aws(SESSION))))).toBe(
      "allow",
    );
    expect(outcome(request(USER), with_(deny(aws(OTHER_ROOT))))).toBe("allow");
  });

  it("leaves what it may not match in doubt, and a sure Deny settles it", () => {
    const maybe = deny({ Condition: { ArnLike: { "aws:PrincipalArn": "*" } } });
    expect(outcome(request(USER), keyWith([allow(), maybe]))).toBe("arn-operator-non-arn");
    expect(outcome(request(USER), keyWith([allow(), maybe, deny()]))).toBe("explicit-deny");
    expect(outcome(request(USER), keyWith([maybe]))).toBe("implicit-deny");
  });
});

describe("resource control policies", () => {
  const everybody = deny({ Action: "kms:*" });
  const outsiders = deny({
    Action: "kms:*",
    Condition: {
      StringNotEqualsIfExists: { "aws:PrincipalOrgID": "o-own1234567" },
      Bool: { "aws:PrincipalIsAWSService": "false" },
    },
  });

  it("deny whom they match, and only deny", () => {
    expect(outcome(request(OTHER_ROLE, ALLOWED), keyWith([allow()], { rcp: [outsiders] }))).toBe(
      "explicit-deny",
    );
    expect(outcome(request(USER), keyWith([allow()], { rcp: [outsiders] }))).toBe("allow");
    expect(
      outcome(request(SERVICE), keyWith([allow({ Principal: { Service: SERVICE } })], { rcp: [outsiders] })),
    ).toBe("allow");
    expect(outcome(request(OTHER_ROLE, ALLOWED), keyWith([], { rcp: [allow()] }))).toBe("implicit-deny");
  });

  it("do not bind service-linked roles, which by a session ARN can only be guessed", () => {
    const linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    const key = keyWith([allow()], { rcp: [everybody] });
    expect(outcome(request(linked), key)).toBe("allow");
    expect(outcome(request("arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s1"), key)).toBe(
      "rcp-service-linked-role",
    );
    expect(outcome(request("arn:aws:iam::111122223333:role/AWSServiceRoleForX"), key)).toBe("explicit-deny");
  });
});

describe("service control policies of the caller's account", () => {
  const full = policy([{ Effect: "Allow", Action: "*", Resource: "*" }], undefined, "scp");
  const noKms = policy([{ Effect: "Allow", NotAction: "kms:*", Resource: "*" }], undefined, "scp");
  it("must all allow, for root users too", () => {
    const key = keyWith([allow()]);
    expect(outcome(request(USER, { serviceControlPolicies: [full] }), key)).toBe("allow");
    expect(outcome(request(USER, { serviceControlPolicies: [full, noKms] }), key)).toBe("implicit-deny");
    expect(outcome(request(ROOT, { serviceControlPolicies: [noKms] }), key)).toBe("implicit-deny");
    expect(evaluate(request(USER, { serviceControlPolicies: [noKms] }), key).sources).toEqual([
      { kind: "service-control-policy" },
    ]);
  });

  it("do not bind service-linked roles", () => {
    const linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    expect(outcome(request(linked, { serviceControlPolicies: [noKms] }), keyWith([allow()]))).toBe("allow");
  });
});

describe("identity policies in full", () => {
  const identity = (...statements: readonly unknown[]): Partial<AccessRequest> => ({
    identity: { kind: "policies", policies: [policy(statements, undefined, "identity")] },
  });
  const key = keyWith([allow(aws(ROOT))]);
  it.each<[string, Record<string, unknown>, string]>([
    ["all keys", { Action: "kms:Decrypt", Resource: "*" }, "allow"],
    ["this key", { Action: "kms:*", Resource: KEY_ARN }, "allow"],
    ["keys of the account", { Action: "kms:De*", Resource: "arn:aws:kms:*:111122223333:key/*" }, "allow"],
    ["another key", { Action: "kms:*", Resource: KEY_ARN.replace("1234abcd", "ffffffff") }, "implicit-deny"],
    [
      "an alias",
      { Action: "kms:*", Resource: "arn:aws:kms:us-east-1:111122223333:alias/x" },
      "implicit-deny",
    ],
    ["another action", { Action: "kms:Encrypt", Resource: "*" }, "implicit-deny"],
    [
      "a condition that fails",
      {
        Action: "kms:*",
        Resource: "*",
        Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
      },
      "implicit-deny",
    ],
    [
      "all but other keys",
      { Action: "kms:*", NotResource: KEY_ARN.replace("1234abcd", "ffffffff") },
      "allow",
    ],
  ])("%s", (_name, members, expected) => {
    expect(outcome(request(USER, identity({ Effect: "Allow", ...members })), key)).toBe(expected);
  });
});

describe("NotPrincipal", () => {
  const not = (...names: readonly string[]): Record<string, unknown> => ({ NotPrincipal: { AWS: names } });

  it("with Deny denies who is not listed, and spares for sure only whose whole chain is", () => {
    const key = (...names: readonly string[]): KeyDocument => keyWith([allow(aws("*")), deny(not(...names))]);
    expect(outcome(request(USER), key(ROLE))).toBe("explicit-deny");
    expect(outcome(request(USER), key(USER, ROOT))).toBe("allow");
    expect(outcome(request(USER), key(USER))).toBe("not-principal-deny-account");
    expect(outcome(request(USER), key(ROOT))).toBe("not-principal-deny-account");
    expect(outcome(request(ROOT), key(ROOT))).toBe("allow");
    expect(outcome(request(SESSION), key(SESSION, ROLE, ROOT))).toBe("allow");
    expect(outcome(request(SESSION), key(ROLE, ROOT))).toBe("not-principal-deny-account");
    expect(outcome(request(SESSION), key(SESSION, ROOT))).toBe("not-principal-deny-account");
    expect(outcome(request(OTHER_ROLE, ALLOWED), key(ROOT))).toBe("explicit-deny");
    expect(outcome(request(USER), key("*"))).toBe("allow");
  });

  it("with Deny always denies who has a permissions boundary", () => {
    const key = keyWith([allow(aws("*")), deny(not(USER, ROOT))]);
    expect(outcome(request(USER, { boundary: { kind: "allow" } }), key)).toBe("explicit-deny");
    expect(outcome(request(ROOT, { boundary: { kind: "allow" } }), key)).toBe("allow");
  });

  it("with Deny denies services that are not listed", () => {
    const named = allow({ Principal: { Service: SERVICE } });
    expect(outcome(request(SERVICE), keyWith([named, deny(not(ROOT))]))).toBe("explicit-deny");
    expect(outcome(request(SERVICE), keyWith([named, deny({ NotPrincipal: { Service: SERVICE } })]))).toBe(
      "allow",
    );
  });

  it("with Allow may allow who is not listed, and never who is", () => {
    const key = keyWith([allow(not(USER))]);
    expect(outcome(request(ROLE), key)).toBe("not-principal-allow");
    expect(outcome(request(USER), key)).toBe("implicit-deny");
    expect(outcome(request(OTHER_ROLE, ALLOWED), key)).toBe("not-principal-allow");
    expect(outcome(request(OTHER_ROLE), key)).toBe("implicit-deny");
  });
});

describe("principals that KMS would not store, or that are gone", () => {
  it("match at most doubtfully where they may name somebody", () => {
    expect(outcome(request(OTHER_ROLE, ALLOWED), keyWith([allow(aws("arn:aws:iam::*:root"))]))).toBe(
      "refused-principal",
    );
    expect(outcome(request(USER), keyWith([allow(), deny(aws("arn:aws:iam::1111*:root"))]))).toBe(
      "refused-principal",
    );
    expect(outcome(request(USER), keyWith([allow(aws("arn:aws:iam::111122223333:group/G"))]))).toBe(
      "implicit-deny",
    );
    expect(outcome(request(USER), keyWith([{ Effect: "Allow", Action: "kms:*", Resource: "*" }]))).toBe(
      "refused-principal",
    );
  });

  it("unique ids name the one who has them, who may be anybody whose id is not given", () => {
    const key = keyWith([allow(aws("AROAEXAMPLEEXAMPLEEX1"))]);
    const session = {
      kind: "session",
      account: "111122223333",
      partition: "aws",
      role: "R",
      session: "s1",
    } as unknown as Caller;
    expect(outcome(request({ ...session, uniqueId: "AROAEXAMPLEEXAMPLEEX1" } as Caller), key)).toBe("allow");
    expect(outcome(request({ ...session, uniqueId: "AROAEXAMPLEEXAMPLEEX2" } as Caller), key)).toBe(
      "implicit-deny",
    );
    expect(outcome(request(session), key)).toBe("unique-id-account");
    expect(outcome(request(USER), key)).toBe("implicit-deny");
    expect(outcome(request(ROOT), key)).toBe("implicit-deny");
  });
});

describe("Action and Resource", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["the action in another case", { Action: "KMS:decrypt" }, "allow"],
    ["a pattern", { Action: "kms:D?cr*" }, "allow"],
    ["a pattern that is another", { Action: "kms:Decr" }, "implicit-deny"],
    ["every action", { Action: "*" }, "allow"],
    ["another service", { Action: "s3:*" }, "implicit-deny"],
    ["a wildcard in the prefix", { Action: "k*:Decrypt" }, "not-understood"],
    ["NotAction of another", { NotAction: "kms:Encrypt" }, "allow"],
    ["NotAction of it", { NotAction: ["kms:Encrypt", "kms:dec*"] }, "implicit-deny"],
    ["an empty NotAction", { NotAction: [] }, "not-understood"],
    ["an empty Action", { Action: [] }, "implicit-deny"],
    ["no Action", { Action: undefined }, "implicit-deny"],
    ["no Resource", { Resource: undefined }, "implicit-deny"],
    ["this key", { Resource: KEY_ARN }, "allow"],
    ["this key by a pattern", { Resource: "arn:aws:kms:*:*:key/1234*" }, "allow"],
    ["another key", { Resource: KEY_ARN.replace("1234abcd", "ffffffff") }, "key-arn-resource"],
    ["an alias", { Resource: "arn:aws:kms:us-east-1:111122223333:alias/x" }, "implicit-deny"],
    ["something else", { Resource: "arn:aws:s3:::bucket" }, "implicit-deny"],
    ["NotResource of this key", { NotResource: KEY_ARN }, "implicit-deny"],
    ["NotResource of an alias", { NotResource: "arn:aws:kms:us-east-1:111122223333:alias/x" }, "allow"],
    ["NotResource of everything", { NotResource: "*" }, "implicit-deny"],
  ])("%s", (_name, members, expected) => {
    const statement = Object.fromEntries(
      Object.entries(allow(members)).filter(([, value]) => value !== undefined),
    );
    expect(outcome(request(USER), keyWith([statement]))).toBe(expected);
  });
});

describe("the rules of KMS itself", () => {
  const open = [allow({ Action: "kms:*" })];
  it("refuse what is no permission on a key", () => {
    for (const action of ["kms:ReEncrypt", "kms:ListKeys", "s3:GetObject", "kms:NoSuch"]) {
      expect(outcome(request(ROOT, { action }), keyWith(open))).toBe("unknown-action");
    }
  });

  it("refuse management across accounts, before anything else", () => {
    expect(outcome(request(OTHER_ROLE, { ...ALLOWED, action: "kms:PutKeyPolicy" }), keyWith(open))).toBe(
      "cross-account",
    );
    expect(outcome(request(OTHER_ROLE, { ...ALLOWED, action: "kms:CreateGrant" }), keyWith(open))).toBe(
      "allow",
    );
    expect(outcome(request(USER, { action: "kms:PutKeyPolicy" }), keyWith(open))).toBe("allow");
    expect(
      word(
        evaluate(request(OTHER_ROLE, { ...ALLOWED, action: "kms:PutKeyPolicy" }), keyWith(open), {
          ignoreCrossAccount: true,
        }),
      ),
    ).toBe("allow");
  });

  it("refuse by state and type only what is authorised", () => {
    const disabled = { facts: { state: "Disabled" as const } };
    expect(outcome(request(USER), keyWith(open, disabled))).toBe("key-state");
    expect(outcome(request(USER), keyWith([], disabled))).toBe("implicit-deny");
    expect(outcome(request(USER, { action: "kms:EnableKey" }), keyWith(open, disabled))).toBe("allow");
    expect(outcome(request(USER, { action: "kms:Sign" }), keyWith(open))).toBe("key-type");
    expect(
      outcome(
        request(USER, { action: "kms:Sign" }),
        keyWith(open, { facts: { spec: "RSA_2048", usage: "SIGN_VERIFY" } }),
      ),
    ).toBe("allow");
    expect(
      outcome(
        request(USER, { action: "kms:Sign" }),
        keyWith(open, { facts: { spec: undefined, usage: undefined } }),
      ),
    ).toBe("allow");
  });

  it("do not refuse a service principal as a caller of another account", () => {
    const key = keyWith([allow({ Action: "kms:*", Principal: { Service: SERVICE } })]);
    expect(outcome(request(SERVICE, { action: "kms:TagResource" }), key)).toBe("allow");
  });

  it("RetireGrant is void in a key policy, as Allow and as Deny", () => {
    const grants = [
      {
        GrantId: "g1",
        RetiringPrincipal: USER,
        GranteePrincipal: ROLE,
        Operations: ["Decrypt"],
        IssuingAccount: ROOT,
      },
    ];
    expect(outcome(request(USER, { action: "kms:RetireGrant" }), keyWith(open))).toBe("implicit-deny");
    expect(
      outcome(request(USER, { action: "kms:RetireGrant" }), keyWith([deny({ Action: "kms:*" })], { grants })),
    ).toBe("allow");
    const rcp = [deny({ Action: "kms:*" })];
    expect(outcome(request(USER, { action: "kms:RetireGrant" }), keyWith([], { grants, rcp }))).toBe("allow");
  });
});

describe("the grants of a key that has many", () => {
  const grants = Array.from({ length: 50 }, (_, i) => ({
    GrantId: `g${i}`,
    GranteePrincipal: i === 7 ? USER : `arn:aws:iam::111122223333:user/other-${i}`,
    Operations: ["Decrypt"],
    IssuingAccount: ROOT,
  }));
  const told = (count: number): readonly string[] =>
    evaluate(request(USER), keyWith([], { grants: grants.slice(0, count) }))
      .trace.filter((t) => t.rule === "grant")
      .map((t) => t.text);

  it("are told one by one up to twenty; of more, those that fit, and how many do not", () => {
    expect(told(20)).toHaveLength(20);
    expect(told(50)).toEqual([expect.stringContaining('"g7"'), expect.stringMatching(/^49 grants: /)]);
  });

  it("allow what they allow, however many they are", () => {
    expect(outcome(request(USER), keyWith([], { grants }))).toBe("allow");
    expect(outcome(request(ROLE), keyWith([], { grants }))).toBe("implicit-deny");
    const unknown = { GrantId: "x", Operations: ["Decrypt"] };
    expect(outcome(request(ROLE), keyWith([], { grants: [...grants, unknown] }))).toBe("key-fact-unknown");
  });
});

describe("statements that were not read in full", () => {
  it("match at most doubtfully", () => {
    expect(outcome(request(USER), keyWith([allow()], { doubtful: [0] }))).toBe("not-understood");
    expect(outcome(request(USER), keyWith([allow()], { refused: [0] }))).toBe("refused-statement");
    expect(outcome(request(USER), keyWith([allow(), deny()], { doubtful: [1] }))).toBe("not-understood");
    expect(outcome(request(USER), keyWith([allow({ Action: "kms:Encrypt" })], { doubtful: [0] }))).toBe(
      "implicit-deny",
    );
  });

  it("may be anything where they could not be read at all", () => {
    expect(outcome(request(USER), keyWith([allow()], { doubtful: [1] }))).toBe("not-understood");
    expect(outcome(request(USER), keyWith([], { doubtful: [0] }))).toBe("not-understood");
    expect(outcome(request(USER), keyWith([deny()], { doubtful: [1] }))).toBe("explicit-deny");
  });
});

describe("a decision", () => {
  it("names what it rests on", () => {
    const key = keyWith([allow({ ...aws(ROOT), Sid: "Delegate" }), allow({ ...aws(USER), Sid: "Direct" })]);
    expect(evaluate(request(USER), key)).toMatchObject({
      outcome: "allow",
      reason: "key-policy",
      certainty: "certain",
      doubts: [],
      sources: [{ kind: "statement", index: 1, sid: "Direct" }],
    });
    expect(evaluate(request(USER, ALLOWED), key).sources).toHaveLength(2);
  });

  it("is possible iff it is unknown, and says what it depends on", () => {
    const decision = evaluate(request(SERVICE), keyWith([allow()]));
    expect(decision).toMatchObject({ outcome: "unknown", certainty: "possible" });
    expect(decision.doubts[0]?.text).toMatch(/service principals/);
  });

  it("tells in its trace the first condition that failed, and what it saw", () => {
    const key = keyWith([
      allow({
        Sid: "Org",
        Condition: {
          StringEquals: { "aws:PrincipalOrgID": "o-abcdefghij" },
          Bool: { "aws:SecureTransport": "true" },
        },
      }),
    ]);
    const { trace } = evaluate(request(USER), key);
    expect(trace.map((step) => step.text)).toEqual([
      'Allow statement 0 "Org": a condition does not hold: StringEquals aws:PrincipalOrgID "o-abcdefghij"; the request has "o-own1234567"',
      "nothing allows it",
    ]);
  });

  it("tells in its trace what the caller lacks", () => {
    const { trace } = evaluate(request(USER), keyWith([allow(aws(ROOT))]));
    expect(trace.map((step) => [step.rule, step.outcome])).toEqual([
      ["key-policy", "match"],
      ["caller-side", "no-match"],
      ["decision", "deny"],
    ]);
    expect(trace[1]?.text).toMatch(/only delegates/);
  });
});

describe("keys of which it is not sure that a request can hold them so", () => {
  const when = (Condition: unknown): KeyDocument => keyWith([allow({ ...aws(OTHER_ROOT), Condition })]);
  const context = (stated: AccessRequest["context"]): Partial<AccessRequest> => ({
    ...ALLOWED,
    context: stated,
  });

  it("leave a doubt where the answer depends on them", () => {
    const via = when({ StringLike: { "kms:ViaService": "s3*" } });
    const asked = (service: string): AccessRequest =>
      request(OTHER_ROLE, context({ "kms:ViaService": service }));
    expect(outcome(asked("s3.us-east-1.amazonaws.com"), via)).toBe("allow");
    expect(outcome(asked("s3"), via)).toBe("undocumented-value");
    expect(outcome(asked("ec2"), via)).toBe("implicit-deny");
  });

  it("leave none where it does not", () => {
    const present = when({ Null: { "kms:ViaService": "false" } });
    expect(outcome(request(OTHER_ROLE, context({ "kms:ViaService": "s3" })), present)).toBe("allow");
    const anybody = keyWith([allow(aws(OTHER_ROOT))]);
    expect(outcome(request(OTHER_ROLE, context({ "sts:ExternalId": "x" })), anybody)).toBe("allow");
  });

  it("are those of multi-factor authentication for sessions, not for users", () => {
    const mfa = when({ Bool: { "aws:MultiFactorAuthPresent": "true" } });
    const stated = context({ "aws:MultiFactorAuthPresent": "true" });
    expect(outcome(request(OTHER_ROLE, stated), mfa)).toBe("mfa-of-session");
    expect(outcome(request(OTHER_ROLE, ALLOWED), mfa)).toBe("mfa-of-session");
    const user = "arn:aws:iam::444455556666:user/U";
    expect(outcome(request(user, stated), mfa)).toBe("allow");
    expect(outcome(request(user, ALLOWED), mfa)).toBe("implicit-deny");
  });

  it("tell what follows from the others of temporary credentials", () => {
    const user = "arn:aws:iam::444455556666:user/U";
    const age = when({ NumericLessThan: { "aws:MultiFactorAuthAge": "60" } });
    const ask = (stated: AccessRequest["context"]): string => outcome(request(user, context(stated)), age);
    expect(ask({ "aws:MultiFactorAuthPresent": "false" })).toBe("implicit-deny");
    expect(ask({ "aws:MultiFactorAuthPresent": "true" })).toBe("caller-fact-unknown");
    expect(ask({ "aws:MultiFactorAuthAge": "59" })).toBe("allow");
    const longTerm = when({ Null: { "aws:TokenIssueTime": "true" } });
    expect(outcome(request(user, ALLOWED), longTerm)).toBe("allow");
    expect(outcome(request(OTHER_ROLE, ALLOWED), longTerm)).toBe("implicit-deny");
  });

  it("hold aliases for IAM policies alone", () => {
    const Condition = { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/app" } };
    const facts = { aliases: ["alias/app"] };
    const inKeyPolicy = keyWith([allow({ ...aws(OTHER_ROOT), Condition })], { facts });
    expect(outcome(request(OTHER_ROLE, ALLOWED), inKeyPolicy)).toBe("aliases-in-key-policy");
    const identity = policy(
      [{ Effect: "Allow", Action: "*", Resource: "*", Condition }],
      undefined,
      "identity",
    );
    const byIam: Partial<AccessRequest> = { identity: { kind: "policies", policies: [identity] } };
    const open = keyWith([allow(aws(OTHER_ROOT))], { facts });
    expect(outcome(request(OTHER_ROLE, byIam), open)).toBe("allow");
  });
});
