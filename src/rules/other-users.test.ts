import { describe, expect, test } from "vitest";
import { iamOf, iamRole, keyDocument } from "../../test/iam-setting.js";
import {
  ARN,
  FRIEND,
  ORGANIZATION,
  OWNER,
  STRANGER,
  account,
  allow,
  organization,
  policyText,
  role,
  root,
} from "../../test/judging.js";
import type { AccountIam, IamPrincipal, ServiceControl } from "../domain/iam.js";
import type { Grant } from "../domain/grant.js";
import type { OrganizationOf } from "../trust/zone.js";
import { IamView } from "./iam-view.js";
import type { OtherUsers } from "./other-users.js";
import { otherUsers } from "./other-users.js";

const PATH = `${ORGANIZATION}/r-ab12/ou-ab12-11111111/`;
const MEMBERS: OrganizationOf = new Map([
  [account(OWNER), { id: organization(ORGANIZATION), path: `${ORGANIZATION}/r-ab12/` }],
  [account(FRIEND), { id: organization(ORGANIZATION), path: PATH }],
]);
const doc = (Action: unknown, Resource: unknown = "*", more: object = {}): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource, ...more }] });
const friend = (name: string, texts: readonly string[], more: Partial<IamPrincipal> = {}): IamPrincipal =>
  iamRole(name, texts, { account: account(FRIEND), arn: role(FRIEND, name), ...more });

interface Setting {
  readonly iam?: AccountIam;
  readonly serviceControl?: ServiceControl;
  readonly organizationOf?: OrganizationOf;
  readonly known?: readonly string[];
  readonly grants?: readonly Grant[];
}
function others(policy: string, principals: readonly IamPrincipal[], setting: Setting = {}): OtherUsers {
  const organizationOf = setting.organizationOf ?? MEMBERS;
  const trust = {
    zone: { organizations: [organization(ORGANIZATION)], accounts: [], principals: [], services: [] },
    organizationOf,
  };
  const view = new IamView(
    account(FRIEND),
    setting.iam ?? iamOf(...principals),
    setting.serviceControl ?? { kind: "none" },
    trust,
  );
  const key = keyDocument(policy, setting.grants === undefined ? {} : { grants: setting.grants });
  return otherUsers(key, [view], (setting.known ?? []).map(account), organizationOf);
}
/** Names, actions, certainty and responsible policies. */
const told = ({ accounts }: OtherUsers): readonly (readonly unknown[])[] =>
  accounts.flatMap((a) =>
    a.groups.flatMap((g) =>
      g.uses.map((u) => [
        g.principals.map((p) => p.name),
        u.actions,
        u.certainty,
        u.policies.map((p) => p.name),
        u.sources,
      ]),
    ),
  );
const STATEMENT = [{ kind: "statement", index: 1, sid: undefined }];
const FOR_FRIEND = policyText(allow({ AWS: root(FRIEND) }, "kms:Decrypt"));

describe("users and roles of another account that the key lets in", () => {
  test("can use it where their own policies allow it as well", () => {
    const found = others(FOR_FRIEND, [
      friend("App", [doc("kms:Decrypt", ARN)]),
      friend("Other", [doc("kms:Decrypt", `${ARN}9`)]),
      friend("Bare", []),
      friend("Encrypts", [doc("kms:Encrypt")]),
    ]);
    expect(told(found)).toEqual([[["App"], ["kms:Decrypt"], "certain", ["p0"], STATEMENT]]);
    expect(found.accounts).toMatchObject([{ account: FRIEND, iam: "complete", principals: 4 }]);
    expect(found.unread).toEqual([]);
  });

  test("also where the key policy names them: their account has to permit it, too", () => {
    const named = policyText(allow({ AWS: role(FRIEND, "App") }, "kms:Decrypt"));
    expect(told(others(named, [friend("App", [])]))).toEqual([]);
    expect(told(others(named, [friend("App", [doc("kms:*")]), friend("B", [doc("kms:*")])]))).toEqual([
      [["App"], ["kms:Decrypt"], "certain", ["p0"], STATEMENT],
    ]);
  });

  test("do what can be done across accounts, and nothing else", () => {
    const [use] = told(
      others(policyText(allow({ AWS: root(FRIEND) }, "kms:*")), [friend("App", [doc("kms:*")])]),
    );
    const actions = use?.[1] as readonly string[];
    expect(actions).toContain("kms:Decrypt");
    expect(actions).not.toContain("kms:PutKeyPolicy");
    expect(actions).not.toContain("kms:ScheduleKeyDeletion");
  });

  test("are bound by their own account's boundaries and service control policies", () => {
    const app = [friend("App", [doc("kms:Decrypt")])];
    const bounded = friend("App", [doc("kms:Decrypt")], {
      boundary: { kind: "present", value: doc("s3:*") },
    });
    expect(told(others(FOR_FRIEND, [bounded]))).toEqual([]);
    const closed: ServiceControl = { kind: "levels", levels: [[doc("s3:*")]] };
    expect(told(others(FOR_FRIEND, app, { serviceControl: closed }))).toEqual([]);
    const unread = told(others(FOR_FRIEND, app, { serviceControl: { kind: "unknown" } }));
    expect(unread.map((u) => u.slice(0, 3))).toEqual([[["App"], ["kms:Decrypt"], "possible"]]);
  });

  test("have a grant by itself", () => {
    const grants = [{ GrantId: "g1", GranteePrincipal: role(FRIEND, "App"), Operations: ["Decrypt"] }];
    const found = others(policyText(), [friend("App", []), friend("B", [doc("kms:*")])], { grants });
    expect(found.accounts[0]?.groups).toMatchObject([
      {
        principals: [{ name: "App" }],
        uses: [{ direct: true, sources: [{ kind: "grant", grantId: "g1" }] }],
      },
    ]);
    expect(found.accounts[0]?.groups).toHaveLength(1);
  });
});

describe("everybody of an organization", () => {
  const of = (condition: object): string => policyText(allow("*", "kms:Decrypt", { Condition: condition }));
  const app = [friend("App", [doc("kms:Decrypt")])];
  const byId = of({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } });
  const byPath = of({
    "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": `${ORGANIZATION}/r-ab12/ou-ab12-1*` },
  });

  test.each([
    ["by its id", byId],
    ["by its path", byPath],
  ])("is a member account's role, %s", (_how, policy) => {
    expect(told(others(policy, app))).toEqual([[["App"], ["kms:Decrypt"], "certain", ["p0"], STATEMENT]]);
    expect(told(others(policy, app, { organizationOf: new Map([[account(FRIEND), null]]) }))).toEqual([]);
    const unknown = told(others(policy, app, { organizationOf: new Map() }));
    expect(unknown.map((u) => u.slice(0, 3))).toEqual([[["App"], ["kms:Decrypt"], "conditional"]]);
  });

  test("is not one at another place of it", () => {
    const elsewhere = of({
      "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": `${ORGANIZATION}/r-ab12/ou-ab12-2*` },
    });
    expect(others(elsewhere, app)).toEqual({ accounts: [], unread: [] });
  });
});

describe("accounts of which IAM was not read", () => {
  test("are named where the key lets them in", () => {
    const policy = policyText(allow({ AWS: [root(FRIEND), root(STRANGER)] }, "kms:Decrypt"));
    const unreadable: AccountIam = { state: { kind: "unreadable", code: "AccessDenied" }, principals: [] };
    expect(others(policy, [], { iam: unreadable, known: [FRIEND, OWNER, "333344445555"] })).toEqual({
      accounts: [],
      unread: [FRIEND],
    });
    expect(others(policy, [], { known: [STRANGER] }).unread).toEqual([STRANGER]);
    expect(others(policyText(), [], { iam: unreadable, known: [STRANGER] }).unread).toEqual([]);
  });
});

test("accounts are told apart by what the policy asks of them", () => {
  const members: OrganizationOf = new Map(
    ["333344445555", "333344446666", "777788889999"].map((id) => [
      account(id),
      { id: organization(ORGANIZATION) },
    ]),
  );
  const unread = (condition: object): readonly string[] => {
    const policy = policyText(allow("*", "kms:Decrypt", { Condition: condition }));
    return others(policy, [], { known: [...members.keys()], organizationOf: members }).unread;
  };
  expect(unread({ StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } })).toEqual([...members.keys()]);
  expect(unread({ StringLike: { "aws:PrincipalAccount": "33334444*" } })).toEqual([
    "333344445555",
    "333344446666",
  ]);
  expect(unread({ StringEquals: { "kms:CallerAccount": "777788889999" } })).toEqual(["777788889999"]);
});

test("an outsider who can assume a role of another account that can use the key is told as well", () => {
  const trust = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: root(STRANGER) }, Action: "sts:AssumeRole" }],
  });
  const open = friend("App", [doc("kms:Decrypt")], { trust: { kind: "present", value: trust } });
  expect(others(FOR_FRIEND, [open]).accounts[0]?.paths).toMatchObject([
    { outsider: { who: { kind: "account", id: STRANGER } }, role: { name: "App" } },
  ]);
});
