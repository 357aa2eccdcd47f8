import { describe, expect, test } from "vitest";
import { iamOf, iamRole } from "../../test/iam-setting.js";
import {
  ARN,
  FRIEND,
  NOW,
  ORGANIZATION,
  OWNER,
  STRANGER,
  account,
  allow,
  findings,
  judge,
  only,
  organization,
  policyText,
  role,
  root,
  rules,
} from "../../test/judging.js";
import type { AccountIam, IamPrincipal, ServiceControl } from "../domain/iam.js";
import { ExceptionBook } from "../trust/exceptions.js";
import { accountNotes, accountReport } from "./account-report.js";
import { IamView } from "./iam-view.js";

const doc = (action: unknown, resource: unknown = "*", more: object = {}): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: action, Resource: resource, ...more }],
  });
const trusted = (principal: unknown, condition?: object): Partial<IamPrincipal> => ({
  trust: {
    kind: "present",
    value: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: principal,
          Action: "sts:AssumeRole",
          ...(condition === undefined ? {} : { Condition: condition }),
        },
      ],
    }),
  },
});
const TRUST = {
  zone: {
    organizations: [organization(ORGANIZATION)],
    accounts: [account(FRIEND)],
    principals: [],
    services: [],
  },
  organizationOf: new Map(),
};
const view = (iam: AccountIam): IamView => new IamView(account(OWNER), iam, { kind: "none" }, TRUST);
const withIam = (...principals: readonly IamPrincipal[]): { context: { iamOf: () => IamView } } => {
  const made = view(iamOf(...principals));
  return { context: { iamOf: () => made } };
};

describe("outsider-assumable-role", () => {
  test("anybody can assume a role that can decrypt: the key's own exposure stays none", () => {
    const report = judge(policyText(), withIam(iamRole("Open", [doc("kms:Decrypt")], trusted("*"))));
    expect(report).toMatchObject({ exposure: "none", verdict: "weak" });
    expect(only(report, "outsider-assumable-role")).toMatchObject({
      severity: "high",
      exposure: "none",
      certainty: "certain",
      who: { kind: "anyone" },
      capabilities: ["decrypt"],
      source: { kind: "identity", arn: role(OWNER, "Open"), policy: null },
      reason:
        'Anyone with an AWS account can assume the role Open, and the role can read data encrypted under the key (kms:Decrypt), by its policy "p0".',
    });
  });

  test("a vendor's account with an external id: medium, with its name, and the id noted", () => {
    const report = judge(
      policyText(),
      withIam(
        iamRole(
          "Vendor",
          [doc("kms:*")],
          trusted({ AWS: root("464622532012") }, { StringEquals: { "sts:ExternalId": "x" } }),
        ),
      ),
    );
    const finding = only(report, "outsider-assumable-role");
    expect(finding).toMatchObject({ severity: "medium", who: { kind: "account", name: "Datadog" } });
    expect(finding.reason).toContain("an external id is asked for");
  });

  test.each<[string, ServiceControl, string]>([
    ["the management account, or one that is in no organization", { kind: "none" }, "certain"],
    ["a member whose service control policies were not read", { kind: "unknown" }, "possible"],
  ])("in %s", (_name, serviceControl, certainty) => {
    const iam = iamOf(iamRole("Open", [doc("kms:Decrypt")], trusted("*")));
    const made = new IamView(account(OWNER), iam, serviceControl, TRUST);
    const report = judge(policyText(), { context: { iamOf: () => made } });
    const finding = only(report, "outsider-assumable-role");
    expect(finding).toMatchObject({ certainty, severity: "high" });
    const said = finding.reason.includes("unless a service control policy that was not read denies it");
    expect([said, finding.doubts.map((d) => d.id)]).toEqual(
      certainty === "certain" ? [false, []] : [true, ["service-control-unread"]],
    );
  });

  test.each([
    ["the role cannot use keys", iamRole("Open", [doc("s3:*")], trusted("*"))],
    ["the role may only read facts", iamRole("Open", [doc("kms:DescribeKey")], trusted("*"))],
    ["the role names another key", iamRole("Open", [doc("kms:Decrypt", `${ARN}9`)], trusted("*"))],
    ["a trusted account", iamRole("Friend", [doc("kms:*")], trusted({ AWS: root(FRIEND) }))],
  ])("nothing: %s", (_name, principal) => {
    expect(rules(judge(policyText(), withIam(principal)))).toEqual([]);
  });

  test("a key that does not delegate to IAM, but names the role", () => {
    const text = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        allow({ AWS: role(OWNER, "Open") }, "kms:Decrypt"),
        allow({ AWS: role(OWNER, "Admin") }, "kms:*"),
      ],
    });
    const report = judge(text, withIam(iamRole("Open", [], trusted({ AWS: root(STRANGER) }))));
    expect(findings(report, "outsider-assumable-role")).toHaveLength(1);
  });

  test("keys with the same policy do not share it: the role names one of them", () => {
    const context = withIam(iamRole("Open", [doc("kms:Decrypt", ARN)], trusted("*")));
    const other = ARN.replace("1234abcd", "99999999");
    expect(findings(judge(policyText(), context), "outsider-assumable-role")).toHaveLength(1);
    expect(findings(judge(policyText(), { ...context, arn: other }), "outsider-assumable-role")).toEqual([]);
  });
});

test("what an outsider's role may do perhaps is told beside what it surely can", () => {
  const policies = [
    doc("kms:Encrypt"),
    doc("kms:*", "*", { Condition: { StringEquals: { "aws:PrincipalTag/team": "x" } } }),
  ];
  const settings = withIam(iamRole("App", policies, trusted({ AWS: root(STRANGER) })));
  const found = findings(judge(policyText(), settings), "outsider-assumable-role");
  expect(found.map((f) => [f.certainty, f.capabilities.includes("decrypt"), f.severity])).toEqual([
    ["possible", true, "medium"],
    ["certain", false, "low"],
  ]);
  expect(found[0]?.reason).toMatch(/, which conditions decide\.$/);
  expect(new Set(found.map((f) => f.id)).size).toBe(2);
});

describe("outsider-assumable-role over several roles", () => {
  const DENIES = doc("kms:Encrypt");
  const entry = (...texts: readonly string[]): IamPrincipal =>
    iamRole("Entry", texts, trusted({ AWS: root(STRANGER) }));
  const assume = (to: string): string => doc("sts:AssumeRole", role(OWNER, to));
  const inner = (name: string, texts: readonly string[]): IamPrincipal =>
    iamRole(name, texts, trusted({ AWS: root(OWNER) }));

  test("names the whole path and what lets each role assume the next", () => {
    const report = judge(
      policyText(),
      withIam(
        entry(assume("Middle")),
        inner("Middle", [assume("Crypto")]),
        inner("Crypto", [doc("kms:Decrypt")]),
      ),
    );
    expect(only(report, "outsider-assumable-role")).toMatchObject({
      severity: "medium",
      certainty: "certain",
      who: { kind: "account", id: STRANGER },
      actions: ["kms:Decrypt"],
      source: {
        kind: "identity",
        arn: role(OWNER, "Crypto"),
        path: ["Entry", "Middle", "Crypto"].map((n) => role(OWNER, n)),
      },
      reason: `Account ${STRANGER} can assume the role Entry, which can assume the role Middle (by statement 1 of the trust policy of Middle and policy "p0" of Entry), which can assume the role Crypto (by statement 1 of the trust policy of Crypto and policy "p0" of Middle), and that role can read data encrypted under the key (kms:Decrypt), by its policy "p0".`,
    });
  });

  test("is certain only where every step is", () => {
    const asked = iamRole(
      "Crypto",
      [doc("kms:Decrypt")],
      trusted({ AWS: root(OWNER) }, { StringEquals: { "aws:PrincipalTag/team": "x" } }),
    );
    const report = judge(policyText(), withIam(entry(assume("Crypto")), asked));
    expect(only(report, "outsider-assumable-role")).toMatchObject({
      certainty: "possible",
      conditions: [{ key: "aws:PrincipalTag/team" }],
    });
  });

  test("is not told where the first role can do the same, and told where the chain does more", () => {
    const same = withIam(entry(assume("Crypto"), doc("kms:Decrypt")), inner("Crypto", [doc("kms:Decrypt")]));
    expect(findings(judge(policyText(), same), "outsider-assumable-role")).toHaveLength(1);
    const more = withIam(entry(assume("Crypto"), DENIES), inner("Crypto", [doc("kms:Decrypt")]));
    expect(
      findings(judge(policyText(), more), "outsider-assumable-role").map((f) => [f.capabilities, f.who]),
    ).toEqual([
      [["decrypt"], { kind: "account", id: STRANGER }],
      [["encrypt"], { kind: "account", id: STRANGER }],
    ]);
  });

  test("roles that are alike are one finding", () => {
    const many = Array.from({ length: 50 }, (_, i) => inner(`Crypto${i}`, [doc("kms:Decrypt")]));
    const report = judge(policyText(), withIam(entry(doc("sts:AssumeRole")), ...many));
    expect(findings(report, "outsider-assumable-role")).toHaveLength(1);
  });

  test("a role that only the key policy names is found among those that are alike", () => {
    const many = Array.from({ length: 5 }, (_, i) => inner(`Plain${i}`, []));
    const report = judge(
      policyText(allow({ AWS: role(OWNER, "Plain3") }, "kms:Decrypt")),
      withIam(entry(doc("sts:AssumeRole")), ...many),
    );
    expect(only(report, "outsider-assumable-role").source).toMatchObject({ arn: role(OWNER, "Plain3") });
  });

  test("where the search ended is told of the account", () => {
    const long = Array.from({ length: 8 }, (_, i) =>
      iamRole(`R${i}`, [], trusted({ AWS: i === 0 ? root(STRANGER) : role(OWNER, `R${i - 1}`) })),
    );
    const report = accountReport(view(iamOf(...long)), "aws", "us-east-1", new ExceptionBook([], NOW));
    expect(report.chainsCut).toBe(1);
    expect(accountNotes([report])).toEqual([
      `In account ${OWNER}, the search for outsiders who assume one role from another ended at 1 role: chains of more than 5 roles, or in very large accounts some shorter ones, were not followed.`,
    ]);
  });

  test("thousands of keys ask each kind of role once", () => {
    const many = Array.from({ length: 300 }, (_, i) =>
      inner(`M${i}`, [i % 2 === 0 ? doc("kms:Decrypt") : doc("s3:*")]),
    );
    const made = view(iamOf(entry(doc("sts:AssumeRole")), ...many));
    const context = { iamOf: (): IamView => made };
    for (let i = 0; i < 200; i++) {
      const arn = ARN.replace("1234abcd", String(i).padStart(8, "0"));
      expect(findings(judge(policyText(), { arn, context }), "outsider-assumable-role")).toHaveLength(1);
    }
    // The entry and the two kinds of roles; the entry's policy says nothing about keys, as s3:* does not.
    expect(made.analysis.analyses).toBeLessThanOrEqual(3);
  });
});

describe("a grant whose grantee IAM does not have", () => {
  const grant = (GranteePrincipal: string) => [{ GrantId: "g1", GranteePrincipal, Operations: ["Decrypt"] }];
  const gone = role(OWNER, "Gone");

  test("is orphaned where all of IAM was read", () => {
    const report = judge(policyText(), { grants: grant(gone), ...withIam(iamRole("App", [])) });
    expect(only(report, "orphaned-principal")).toMatchObject({
      severity: "low",
      who: { kind: "principal", arn: gone },
      reason: `The grantee of grant g1, ${gone}, is not in IAM: it was deleted.`,
    });
  });

  test.each([
    ["it exists", iamOf(iamRole("team/Gone", []))],
    ["IAM was read in part", { state: { kind: "unknown" }, principals: [] } as const],
    [
      "IAM could not be read",
      { state: { kind: "unreadable", code: "AccessDenied" }, principals: [] } as const,
    ],
  ])("is not said: %s", (_name, iam) => {
    const made = view(iam);
    const report = judge(policyText(), { grants: grant(gone), context: { iamOf: () => made } });
    expect(findings(report, "orphaned-principal")).toEqual([]);
  });

  test("nor of a service's own sessions", () => {
    const service = `arn:aws:sts::${OWNER}:assumed-role/aws:ec2-infrastructure/i-0123456789abcdef0`;
    const report = judge(policyText(), { grants: grant(service), ...withIam(iamRole("App", [])) });
    expect(findings(report, "orphaned-principal")).toEqual([]);
  });
});

describe("identity policies on all keys", () => {
  const of = (...principals: readonly IamPrincipal[]) =>
    accountReport(view(iamOf(...principals)), "aws", "us-east-1", new ExceptionBook([], NOW));

  test.each([
    ["kms:Decrypt", "identity-reads-all-keys", ["kms:Decrypt"], "low"],
    ["kms:ReEncryptFrom", "identity-reads-all-keys", ["kms:ReEncryptFrom"], "low"],
    ["kms:CreateGrant", "identity-shares-all-keys", ["kms:CreateGrant"], "low"],
    ["kms:PutKeyPolicy", "identity-controls-all-keys", ["kms:PutKeyPolicy"], "low"],
    [
      "kms:*",
      "identity-controls-all-keys",
      ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom"],
      "low",
    ],
  ])("%s on * is %s", (action, rule, actions, severity) => {
    expect(of(iamRole("App", [doc(action)])).findings).toMatchObject([
      { rule, actions, severity, certainty: "certain", holders: [role(OWNER, "App")], holderCount: 1 },
    ]);
  });

  test.each([
    ["on one key", doc("kms:Decrypt", ARN)],
    ["encrypting only", doc("kms:Encrypt")],
    ["another service", doc("s3:*")],
  ])("nothing: %s", (_name, text) => {
    expect(of(iamRole("App", [text])).findings).toEqual([]);
  });

  test("key/* of the account is all keys", () => {
    expect(of(iamRole("App", [doc("kms:Decrypt", `arn:aws:kms:*:${OWNER}:key/*`)])).findings).toHaveLength(1);
  });

  test("a policy is one finding with all who have it", () => {
    const text = doc("kms:Decrypt");
    const [only1, ...more] = of(...["A", "B", "C"].map((n) => iamRole(n, [text]))).findings;
    expect(more).toEqual([]);
    expect(only1).toMatchObject({ holderCount: 3, holders: ["A", "B", "C"].map((n) => role(OWNER, n)) });
  });

  test("what a boundary, a Deny or AWS's authorship make of it", () => {
    const bounded = iamRole("A", [doc("kms:*")], { boundary: { kind: "present", value: doc("s3:*") } });
    expect(of(bounded).findings).toEqual([]);
    const tagged = iamRole("A", [
      doc("kms:Decrypt", "*", {
        Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
      }),
    ]);
    expect(of(tagged).findings).toMatchObject([{ severity: "info", certainty: "possible" }]);
    const admin = iamRole("A", [], {
      documents: [{ kind: "managed", name: "arn:aws:iam::aws:policy/AdministratorAccess", text: doc("*") }],
    });
    expect(of(admin).findings).toMatchObject([{ severity: "info", policy: { ofAws: true } }]);
  });

  test("an exception covers a policy by its name", () => {
    const exception = {
      key: `arn:aws:kms:*:${OWNER}:key/*`,
      rule: "identity-reads-all-keys",
      who: "p0",
      reason: "break glass",
      owner: "sec@example.com",
      expires: "2027-01-01",
      where: "keyward.yaml:1:1",
    } as const;
    const report = accountReport(
      view(iamOf(iamRole("App", [doc("kms:Decrypt")]))),
      "aws",
      "us-east-1",
      new ExceptionBook([exception], NOW),
    );
    expect(report.findings[0]?.waiver).toMatchObject({ reason: "break glass" });
  });

  test("what was not read is told", () => {
    const unread = accountReport(
      view({ state: { kind: "unreadable", code: "AccessDenied" }, principals: [] }),
      "aws",
      "us-east-1",
      new ExceptionBook([], NOW),
    );
    expect(accountNotes([unread])).toEqual([
      `IAM of account ${OWNER} could not be read: who there can use keys through IAM policies, and which outsiders can assume roles that can, is not known.`,
    ]);
    expect(accountNotes([of(iamRole("App", [], trusted({ AWS: root(OWNER) })))])).toEqual([]);
  });
});
