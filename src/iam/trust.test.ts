import { describe, expect, test } from "vitest";
import { iamRole } from "../../test/iam-setting.js";
import {
  FRIEND,
  ORGANIZATION,
  OWNER,
  STRANGER,
  account,
  organization,
  role,
  root,
} from "../../test/judging.js";
import type { Outsider } from "./outsider.js";
import { outsidersOf } from "./trust.js";

const CONTEXT = {
  zone: {
    organizations: [organization(ORGANIZATION)],
    accounts: [account(FRIEND)],
    principals: [],
    services: [],
  },
  organizationOf: new Map([[account("555566667777"), { id: organization(ORGANIZATION) }]]),
};

const GITHUB = `arn:aws:iam::${OWNER}:oidc-provider/token.actions.githubusercontent.com`;

function trust(...statements: readonly object[]): { outsiders: readonly Outsider[]; unclear: boolean } {
  const value = JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((s) => ({ Effect: "Allow", Action: "sts:AssumeRole", ...s })),
  });
  return outsidersOf(iamRole("App", [], { trust: { kind: "present", value } }), CONTEXT);
}
const whos = (...statements: readonly object[]): readonly unknown[] =>
  trust(...statements).outsiders.map((o) => [o.who, o.certain]);
const when = (condition: object): object => ({ Condition: condition });
const ANYONE = { kind: "anyone" };

describe("insiders", () => {
  test.each([
    ["the own account", { Principal: { AWS: root(OWNER) } }],
    ["a trusted account", { Principal: { AWS: role(FRIEND, "R") } }],
    ["a member of the trusted organization", { Principal: { AWS: root("555566667777") } }],
    ["a service", { Principal: { Service: "ec2.amazonaws.com" } }],
    [
      "a SAML provider of the account",
      {
        Principal: { Federated: `arn:aws:iam::${OWNER}:saml-provider/okta` },
        Action: "sts:AssumeRoleWithSAML",
      },
    ],
    [
      "everybody of the trusted organization",
      { Principal: "*", ...when({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } }) },
    ],
    [
      "a foreign account, but only as a member of the trusted organization",
      {
        Principal: { AWS: root(STRANGER) },
        ...when({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } }),
      },
    ],
    [
      "everybody of the own account",
      { Principal: { AWS: "*" }, ...when({ StringEquals: { "aws:PrincipalAccount": OWNER } }) },
    ],
    [
      "a role of the own account, by pattern",
      { Principal: "*", ...when({ ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${OWNER}:role/*` } }) },
    ],
    ["another action", { Principal: "*", Action: "sts:TagSession" }],
    [
      "one repository on GitHub",
      {
        Principal: { Federated: GITHUB },
        Action: "sts:AssumeRoleWithWebIdentity",
        ...when({ StringLike: { "token.actions.githubusercontent.com:sub": "repo:acme/app:*" } }),
      },
    ],
  ])("%s", (_name, statement) => {
    expect(trust(statement)).toEqual({ outsiders: [], unclear: false });
  });
});

describe("outsiders", () => {
  test.each<[string, object, readonly unknown[]]>([
    ["anybody", { Principal: "*" }, [[ANYONE, true]]],
    [
      "a foreign account",
      { Principal: { AWS: root(STRANGER) } },
      [[{ kind: "account", id: STRANGER }, true]],
    ],
    [
      "a foreign role",
      { Principal: { AWS: role(STRANGER, "R") } },
      [[{ kind: "principal", arn: role(STRANGER, "R"), account: STRANGER }, true]],
    ],
    [
      "everybody of a foreign account, by condition",
      { Principal: "*", ...when({ StringEquals: { "aws:PrincipalAccount": STRANGER } }) },
      [[{ kind: "account", id: STRANGER }, true]],
    ],
    [
      "everybody of a foreign organization",
      { Principal: "*", ...when({ StringEquals: { "aws:PrincipalOrgID": "o-other12345" } }) },
      [[{ kind: "organization", id: "o-other12345" }, true]],
    ],
    [
      "a foreign account, if it is a member of another organization: that is not known",
      {
        Principal: { AWS: root(STRANGER) },
        ...when({ StringEquals: { "aws:PrincipalOrgID": "o-other12345" } }),
      },
      [[{ kind: "account", id: STRANGER }, false]],
    ],
    [
      "a foreign account, whatever organization it is in",
      {
        Principal: { AWS: root(STRANGER) },
        ...when({ StringNotEquals: { "aws:PrincipalOrgID": ORGANIZATION } }),
      },
      [[{ kind: "account", id: STRANGER }, true]],
    ],
    [
      "from one network only: decided by a condition",
      { Principal: "*", ...when({ IpAddress: { "aws:SourceIp": "203.0.113.0/24" } }) },
      [[ANYONE, false]],
    ],
    [
      "IfExists lets in whoever does not carry the key",
      { Principal: "*", ...when({ StringEqualsIfExists: { "aws:PrincipalOrgID": ORGANIZATION } }) },
      [[ANYONE, true]],
    ],
    [
      "any identity of GitHub",
      {
        Principal: { Federated: GITHUB },
        Action: "sts:AssumeRoleWithWebIdentity",
        ...when({ StringEquals: { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" } }),
      },
      [[{ kind: "identities", provider: "token.actions.githubusercontent.com" }, true]],
    ],
    [
      "any repository on GitHub",
      {
        Principal: { Federated: GITHUB },
        Action: "sts:AssumeRoleWithWebIdentity",
        ...when({ StringLike: { "token.actions.githubusercontent.com:sub": "repo:*" } }),
      },
      [[{ kind: "identities", provider: "token.actions.githubusercontent.com" }, true]],
    ],
    [
      "a name on GitHub that anybody may take: that is not sure",
      {
        Principal: { Federated: GITHUB },
        Action: "sts:AssumeRoleWithWebIdentity",
        ...when({ StringLike: { "token.actions.githubusercontent.com:sub": "repo:acme*" } }),
      },
      [[{ kind: "identities", provider: "token.actions.githubusercontent.com" }, false]],
    ],
    [
      "any identity of Cognito",
      { Principal: { Federated: "cognito-identity.amazonaws.com" }, Action: "sts:AssumeRoleWithWebIdentity" },
      [[{ kind: "identities", provider: "cognito-identity.amazonaws.com" }, true]],
    ],
  ])("%s", (_name, statement, expected) => {
    expect(whos(statement)).toEqual(expected);
  });

  test("an external id is noted; it does not make the outsider anybody else", () => {
    const [outsider] = trust({
      Principal: { AWS: root(STRANGER) },
      ...when({ StringEquals: { "sts:ExternalId": "x" } }),
    }).outsiders;
    expect(outsider).toMatchObject({ externalId: true, certain: true, who: { id: STRANGER } });
  });

  test("a Deny for everybody outside the organization closes it", () => {
    const deny = {
      Effect: "Deny",
      Principal: "*",
      ...when({ StringNotEquals: { "aws:PrincipalOrgID": ORGANIZATION } }),
    };
    expect(whos({ Principal: "*" }, deny)).toEqual([]);
  });
});

test("a trust policy that was not read, or is no policy, is unclear and never closed", () => {
  expect(outsidersOf(iamRole("App", []), CONTEXT)).toEqual({ outsiders: [], unclear: true });
  expect(outsidersOf(iamRole("App", [], { trust: { kind: "present", value: "{" } }), CONTEXT)).toEqual({
    outsiders: [],
    unclear: true,
  });
});

describe("a pattern that leaves the owner of an identity open lets anybody in who takes such a name", () => {
  const github = "token.actions.githubusercontent.com";
  const cognito = "cognito-identity.amazonaws.com";
  const lets = (provider: string, operator: string, claim: string, value: string): boolean =>
    trust({
      Principal: { Federated: provider === github ? GITHUB : provider },
      Action: "sts:AssumeRoleWithWebIdentity",
      ...when({ [operator]: { [`${provider}:${claim}`]: value } }),
    }).outsiders.length > 0;

  test.each([
    [github, "StringLike", "sub", "repo:acme*"],
    [github, "StringLike", "sub", "repo:acme*/web:*"],
    [github, "StringLike", "sub", "repo:acme-?/web:ref:refs/heads/main"],
    [github, "StringLike", "repository", "acme*"],
    [github, "StringLike", "repository_owner", "acme*"],
    [cognito, "StringLike", "aud", "us-east-1:*"],
  ])("%s %s %s %s", (...condition) => {
    expect(lets(...condition)).toBe(true);
  });

  test.each([
    [github, "StringLike", "sub", "repo:acme/*"],
    [github, "StringLike", "sub", "repo:acme/web:*"],
    [github, "StringLike", "job_workflow_ref", "acme/deploy/.github/workflows/*"],
    [github, "StringLike", "repository_owner", "acme"],
    // Nobody has this name: the asterisk is none here.
    [github, "StringEquals", "sub", "repo:*"],
  ])("not %s %s %s %s", (...condition) => {
    expect(lets(...condition)).toBe(false);
  });
});

test("an account that a condition names is that account, and not anybody", () => {
  for (const id of ["999988887777", "999988887776", "444455556666"]) {
    const { outsiders } = trust({
      Principal: "*",
      ...when({ ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${id}:role/x` } }),
    });
    expect(outsiders.map((o) => o.who)).toEqual([{ kind: "account", id }]);
  }
});

describe("identities of which AWS does not say whose they are leave the answer open", () => {
  const web = { Action: "sts:AssumeRoleWithWebIdentity" };
  test.each<[string, object]>([
    ["of any provider", { Principal: { Federated: "*" }, ...web }],
    ["of everybody", { Principal: "*", ...web }],
    ["of everybody, by SAML", { Principal: "*", Action: "sts:AssumeRoleWithSAML" }],
    [
      "of another account's provider",
      {
        Principal: { Federated: `arn:aws:iam::${STRANGER}:saml-provider/x` },
        Action: "sts:AssumeRoleWithSAML",
      },
    ],
  ])("%s", (_what, statement) => {
    expect(trust(statement).unclear).toBe(true);
  });

  test.each<[string, object]>([
    ["the own account's provider", { Principal: { Federated: GITHUB }, ...web }],
    [
      "principals of an organization, whatever the action",
      { Principal: "*", Action: "sts:*", ...when({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } }) },
    ],
    ["a Deny", { Effect: "Deny", Principal: "*", ...web }],
  ])("not %s", (_what, statement) => {
    expect(trust(statement).unclear).toBe(false);
  });
});

describe("identity pools of Cognito", () => {
  const cognito = "cognito-identity.amazonaws.com";
  const POOL = { StringEquals: { [`${cognito}:aud`]: "us-east-1:12345678-dead-beef-cafe-123456790ab" } };
  const whoOf = (amr: unknown): readonly unknown[] =>
    whos({
      Principal: { Federated: cognito },
      Action: "sts:AssumeRoleWithWebIdentity",
      ...when(amr === undefined ? POOL : { ...POOL, "ForAnyValue:StringLike": { [`${cognito}:amr`]: amr } }),
    });
  const guests = [[{ kind: "guests", provider: cognito }, false]];

  test("those who have signed in to the own pool are its owner's business", () => {
    expect(whoOf("authenticated")).toEqual([]);
    expect(whoOf(["authenticated", "graph.facebook.com"])).toEqual([]);
  });

  test("guests are outsiders, perhaps: whether the pool has any stands in Cognito", () => {
    expect(whoOf("unauthenticated")).toEqual(guests);
    expect(whoOf(["authenticated", "unauthenticated"])).toEqual(guests);
    expect(whoOf(undefined)).toEqual(guests);
  });
});

describe("a unique id", () => {
  const id = "AROAEXAMPLEEXAMPLE123";
  const assumable = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: id } };
  const of = (owner: string | undefined, more: object = {}): readonly unknown[] => {
    const value = JSON.stringify({ Version: "2012-10-17", Statement: [{ ...assumable, ...more }] });
    const principalOf = (asked: string) =>
      asked === id && owner !== undefined ? { arn: role(owner, "R"), account: owner } : undefined;
    return outsidersOf(iamRole("App", [], { trust: { kind: "present", value } }), {
      ...CONTEXT,
      principalOf,
    }).outsiders.map((o) => [o.who, o.certain]);
  };

  test("whose principal cannot be seen is an outsider, perhaps", () => {
    expect(of(undefined)).toEqual([[{ kind: "unresolved", id }, false]]);
  });

  test("is its principal where the data has it", () => {
    expect(of(OWNER)).toEqual([]);
    expect(of(FRIEND)).toEqual([]);
    expect(of(STRANGER)).toEqual([
      [{ kind: "principal", arn: role(STRANGER, "R"), account: STRANGER }, true],
    ]);
  });

  test("is nobody's outside where a condition asks for the own organization", () => {
    expect(of(undefined, when({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } }))).toEqual([]);
  });
});

describe("IAM Roles Anywhere", () => {
  const anchor = `arn:aws:rolesanywhere:us-east-1:${OWNER}:trust-anchor/12345678-1234-4234-8234-123456789012`;
  const service = { Principal: { Service: "rolesanywhere.amazonaws.com" } };
  const lets = (condition: object | undefined): readonly unknown[] =>
    whos({ ...service, ...(condition === undefined ? {} : when(condition)) });
  const certificates = [[{ kind: "certificates", service: "rolesanywhere.amazonaws.com" }, false]];

  test.each<[string, object | undefined]>([
    ["without a condition", undefined],
    ["for any trust anchor", { ArnLike: { "aws:SourceArn": `arn:aws:rolesanywhere:*:${OWNER}:*` } }],
    [
      "for a trust anchor of another account",
      { ArnEquals: { "aws:SourceArn": anchor.replace(OWNER, STRANGER) } },
    ],
    ["for any subject", { StringLike: { "aws:PrincipalTag/x509Subject/CN": "*" } }],
    ["only where something is not", { StringNotEquals: { "aws:PrincipalTag/x509Subject/CN": "x" } }],
  ])("%s, holders of certificates get in, perhaps", (_name, condition) => {
    expect(lets(condition)).toEqual(certificates);
  });

  test.each<[string, object]>([
    ["one trust anchor of the account", { ArnEquals: { "aws:SourceArn": anchor } }],
    ["one subject", { StringEquals: { "aws:PrincipalTag/x509Subject/CN": "build-1" } }],
  ])("but for %s they are the owner's own", (_name, condition) => {
    expect(lets(condition)).toEqual([]);
  });
});

describe("identities of providers that are not the account's", () => {
  const web = "sts:AssumeRoleWithWebIdentity";
  test.each<[string, object, string]>([
    ["of any provider", { Principal: { Federated: "*" }, Action: web }, "*"],
    ["of everybody", { Principal: "*", Action: web }, "*"],
    [
      "of another account's provider",
      {
        Principal: { Federated: `arn:aws:iam::${STRANGER}:saml-provider/x` },
        Action: "sts:AssumeRoleWithSAML",
      },
      `arn:aws:iam::${STRANGER}:saml-provider/x`,
    ],
  ])("%s are reported, and not as certain", (_name, statement, provider) => {
    expect(whos(statement)).toEqual([[{ kind: "identities", provider }, false]]);
  });
});

describe("a Deny that spares some", () => {
  const OTHER = { kind: "account", id: STRANGER };
  const deny = (condition: object): object => ({ Effect: "Deny", Principal: "*", ...when(condition) });

  test.each<[string, object, readonly unknown[]]>([
    ["an account", { StringNotEquals: { "aws:PrincipalAccount": [OWNER, STRANGER] } }, [[OTHER, true]]],
    [
      "an organization",
      { StringNotEquals: { "aws:PrincipalOrgID": [ORGANIZATION, "o-other12345"] } },
      [[{ kind: "organization", id: "o-other12345" }, true]],
    ],
    [
      "a role of an account, which may be there",
      { ArnNotEquals: { "aws:PrincipalArn": role(STRANGER, "R") } },
      [[OTHER, false]],
    ],
    ["users", { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/*" } }, [[ANYONE, true]]],
    [
      "whoever has no role of such a name",
      { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/k*" } },
      [[ANYONE, true]],
    ],
    ["nobody", { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:*" } }, []],
    ["nobody but the organization", { StringNotEquals: { "aws:PrincipalOrgID": ORGANIZATION } }, []],
  ])("%s", (_name, condition, expected) => {
    expect(whos({ Principal: "*" }, deny(condition))).toEqual(expected);
  });
});

describe("a resource control policy above the role's account", () => {
  const rcp = (condition: object, more: object = {}): string =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "sts:AssumeRole",
          Resource: "*",
          Condition: condition,
          ...more,
        },
      ],
    });
  const perimeter = {
    StringNotEqualsIfExists: { "aws:PrincipalOrgID": ORGANIZATION },
    BoolIfExists: { "aws:PrincipalIsAWSService": "false" },
  };
  const of = (...rcps: readonly string[]): readonly unknown[] => whom({ AWS: root(STRANGER) }, ...rcps);
  const whom = (principal: unknown, ...rcps: readonly string[]): readonly unknown[] => {
    const value = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: principal }],
    });
    return outsidersOf(iamRole("App", [], { trust: { kind: "present", value } }), {
      ...CONTEXT,
      resourceControlOf: () => rcps,
    }).outsiders.map((o) => [o.who, o.certain]);
  };
  const stranger = { kind: "account", id: STRANGER };

  test("closes a role whose trust policy is open", () => {
    expect(of()).toEqual([[stranger, true]]);
    expect(of(rcp(perimeter))).toEqual([]);
  });

  test("does not where it is about other roles, or spares the account", () => {
    expect(of(rcp(perimeter, { Resource: role(OWNER, "Other") }))).toEqual([[stranger, true]]);
    const spared = { ...perimeter, StringNotEquals: { "aws:PrincipalAccount": STRANGER } };
    expect(of(rcp(spared))).toEqual([[stranger, true]]);
  });

  test("that spares an account leaves it the role that everybody is let into", () => {
    const sparing = { StringNotEquals: { "aws:PrincipalAccount": [OWNER, STRANGER] } };
    expect(whom("*", rcp(sparing))).toEqual([[stranger, true]]);
  });

  test("that was not understood closes nothing, and makes nothing certain", () => {
    expect(of(rcp({ StringDiffers: { "aws:PrincipalOrgID": ORGANIZATION } }))).toEqual([[stranger, false]]);
    expect(of("{")).toEqual([[stranger, false]]);
  });
});
