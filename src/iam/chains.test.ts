import { describe, expect, test } from "vitest";
import { iamOf, iamRole } from "../../test/iam-setting.js";
import { ORGANIZATION, OWNER, STRANGER, account, organization, role, root } from "../../test/judging.js";
import type { IamPrincipal, ServiceControl } from "../domain/iam.js";
import { Hops } from "./assume.js";
import { ChainSearch } from "./chains.js";
import type { TrustContext } from "./outsider.js";

const policy = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });
const assumes = (resource: unknown = "*", more: object = {}): string =>
  policy({ Effect: "Allow", Action: "sts:AssumeRole", Resource: resource, ...more });
const trusting = (principal: unknown, more: object = {}): Partial<IamPrincipal> => ({
  trust: {
    kind: "present",
    value: policy({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole", ...more }),
  },
});
const CONTEXT: TrustContext = {
  zone: { organizations: [], accounts: [], principals: [], services: [] },
  organizationOf: new Map([[account(OWNER), { id: organization(ORGANIZATION) }]]),
};
const NONE: ServiceControl = { kind: "none" };
const arn = (name: string): string => role(OWNER, name);

/** What A may do about B: `no`, `possible` or `certain`. */
function hop(
  a: IamPrincipal,
  b: IamPrincipal,
  serviceControl: ServiceControl = NONE,
  context: TrustContext = CONTEXT,
): string {
  const hops = new Hops(iamOf(a, b), serviceControl, context);
  const found = [...hops.candidates(a)].includes(b) ? hops.hop(a, b) : undefined;
  // Whom the candidates leave out must be one that cannot be assumed.
  if (found === undefined) expect(hops.hop(a, b)).toBeUndefined();
  return found === undefined ? "no" : found.certain ? "certain" : "possible";
}
const a = (texts: readonly string[] = [], more: Partial<IamPrincipal> = {}): IamPrincipal =>
  iamRole("A", texts, { uniqueId: "AROAAAAAAAAAAAAAAAAAA", ...more });
const b = (principal: unknown, more: object = {}): IamPrincipal =>
  iamRole("B", [], trusting(principal, more));
const ACCOUNT = { AWS: root(OWNER) };

describe("one role may assume another of its account", () => {
  test.each<[string, string, IamPrincipal, IamPrincipal]>([
    ["that names it: no policy of its own is needed", "certain", a(), b({ AWS: arn("A") })],
    ["that names its unique id", "certain", a(), b({ AWS: "AROAAAAAAAAAAAAAAAAAA" })],
    ["that trusts the account, and its own policy allows it", "certain", a([assumes()]), b(ACCOUNT)],
    ["the same, by the ARN of the role", "certain", a([assumes(arn("B"))]), b(ACCOUNT)],
    ["the same, by a pattern", "certain", a([assumes("arn:aws:iam::*:role/B*")]), b(ACCOUNT)],
    [
      "as an administrator",
      "certain",
      a([policy({ Effect: "Allow", Action: "*", Resource: "*" })]),
      b(ACCOUNT),
    ],
    ["that trusts the account, without a policy of its own", "no", a(), b(ACCOUNT)],
    ["that trusts the account, with a policy for another role", "no", a([assumes(arn("C"))]), b(ACCOUNT)],
    ["that names another role", "no", a([assumes()]), b({ AWS: arn("C") })],
    ["that trusts another account", "no", a([assumes()]), b({ AWS: root(STRANGER) })],
    ["that trusts everybody, with a policy", "certain", a([assumes()]), b("*")],
    ["that trusts everybody, without one: AWS does not say", "possible", a(), b("*")],
    [
      "by a named session, whose name can be chosen",
      "possible",
      a(),
      b({ AWS: `arn:aws:sts::${OWNER}:assumed-role/A/x` }),
    ],
  ])("%s: %s", (_name, expected, from, to) => {
    expect(hop(from, to)).toBe(expected);
  });

  test.each<[string, string, IamPrincipal, IamPrincipal]>([
    [
      "of the organization's id, which it has",
      "certain",
      a([assumes()]),
      b(ACCOUNT, { Condition: { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } } }),
    ],
    [
      "of another organization",
      "no",
      a([assumes()]),
      b(ACCOUNT, { Condition: { StringEquals: { "aws:PrincipalOrgID": "o-other12345" } } }),
    ],
    [
      "of its ARN",
      "certain",
      a([assumes()]),
      b("*", { Condition: { ArnLike: { "aws:PrincipalArn": arn("A*") } } }),
    ],
    [
      "of an external id, which may be a secret here",
      "possible",
      a([assumes()]),
      b(ACCOUNT, { Condition: { StringEquals: { "sts:ExternalId": "x" } } }),
    ],
    [
      "in its own policy, of a tag of the role",
      "possible",
      a([assumes("*", { Condition: { StringEquals: { "aws:ResourceTag/team": "x" } } })]),
      b(ACCOUNT),
    ],
  ])("a condition %s: %s", (_name, expected, from, to) => {
    expect(hop(from, to)).toBe(expected);
  });

  // A boundary that says nothing limits what is given to the role, and not what is given to a session of it.
  const LIMITED = a([], {
    boundary: { kind: "present", value: policy({ Effect: "Allow", Action: "kms:*", Resource: "*" }) },
  });
  const SESSION = `arn:aws:sts::${OWNER}:assumed-role/A/session`;
  test.each<[string, unknown, string]>([
    ["its role", { AWS: arn("A") }, "no"],
    ["its account", ACCOUNT, "no"],
    ["everybody: AWS does not say", "*", "possible"],
    ["a session of it, whose name can be chosen", { AWS: SESSION }, "possible"],
    ["the account and a session", { AWS: [root(OWNER), SESSION] }, "possible"],
  ])(
    "within a boundary without sts:AssumeRole, where the trust policy names %s",
    (_name, principal, expected) => {
      expect(hop(LIMITED, b(principal))).toBe(expected);
    },
  );

  test("a Deny on one session stops only whoever calls it so", () => {
    const trust = {
      kind: "present",
      value: policy(
        { Effect: "Allow", Principal: { AWS: arn("A") }, Action: "sts:AssumeRole" },
        { Effect: "Deny", Principal: { AWS: SESSION }, Action: "sts:AssumeRole" },
      ),
    } as const;
    expect(hop(a(), iamRole("B", [], { trust }))).toBe("possible");
  });

  const DENY = policy({ Effect: "Deny", Action: "sts:AssumeRole", Resource: arn("B") });
  test("a Deny of its own policies closes it, also where the trust policy names it", () => {
    expect(hop(a([assumes(), DENY]), b(ACCOUNT))).toBe("no");
    expect(hop(a([DENY]), b({ AWS: arn("A") }))).toBe("no");
  });

  test("a boundary that does not allow it closes it; one that was not read leaves it open", () => {
    const boundary = (text: string): Partial<IamPrincipal> => ({
      boundary: { kind: "present", value: text },
    });
    expect(
      hop(a([assumes()], boundary(policy({ Effect: "Allow", Action: "kms:*", Resource: "*" }))), b(ACCOUNT)),
    ).toBe("no");
    expect(hop(a([assumes()], { boundary: { kind: "unknown" } }), b(ACCOUNT))).toBe("possible");
  });

  test("policies that were not read may allow it", () => {
    expect(hop(a([], { missing: ["arn:aws:iam::aws:policy/X"] }), b(ACCOUNT))).toBe("possible");
  });

  test("service control policies decide, and are not counted as certain where they were not read", () => {
    const allowed = {
      kind: "levels",
      levels: [[policy({ Effect: "Allow", Action: "*", Resource: "*" })]],
    } as const;
    const closed = {
      kind: "levels",
      levels: [[policy({ Effect: "Allow", Action: "kms:*", Resource: "*" })]],
    } as const;
    expect(hop(a([assumes()]), b(ACCOUNT), allowed)).toBe("certain");
    expect(hop(a([assumes()]), b(ACCOUNT), closed)).toBe("no");
    expect(hop(a([assumes()]), b(ACCOUNT), { kind: "unknown" })).toBe("possible");
  });

  test("a Deny of the trust policy or of a resource control policy closes it", () => {
    const trust = policy(
      { Effect: "Allow", Principal: ACCOUNT, Action: "sts:AssumeRole" },
      { Effect: "Deny", Principal: { AWS: arn("A") }, Action: "sts:AssumeRole" },
    );
    const closed = iamRole("B", [], { trust: { kind: "present", value: trust } });
    expect(hop(a([assumes()]), closed)).toBe("no");
    const rcp = policy({ Effect: "Deny", Principal: "*", Action: "sts:*", Resource: arn("B") });
    expect(hop(a([assumes()]), b(ACCOUNT), NONE, { ...CONTEXT, resourceControlOf: () => [rcp] })).toBe("no");
  });
});

describe("chains of roles", () => {
  const search = (
    start: IamPrincipal,
    all: readonly IamPrincipal[],
    limits?: { roles: number; pairs: number },
  ) => {
    const { chains, cut } = new ChainSearch(new Hops(iamOf(...all), NONE, CONTEXT), limits).from(start);
    return {
      chains: chains.map((c) => [c.hops.map((h) => h.to.name).join(" "), c.certain]),
      cut: cut.map((r) => r.name),
    };
  };
  /** R0 -> R1 -> … each by the name of the one before. */
  const line = Array.from({ length: 8 }, (_, i) =>
    iamRole(`R${i}`, [], i === 0 ? {} : trusting({ AWS: arn(`R${i - 1}`) })),
  );
  const [first] = line;
  if (first === undefined) throw new Error("no roles");

  test("are followed up to the bound, which is told", () => {
    expect(search(first, line)).toEqual({
      chains: [
        ["R1", true],
        ["R1 R2", true],
        ["R1 R2 R3", true],
        ["R1 R2 R3 R4", true],
      ],
      cut: ["R4"],
    });
    expect(search(first, line, { roles: 20, pairs: 1000 }).cut).toEqual([]);
    expect(search(first, line, { roles: 20, pairs: 3 })).toMatchObject({ cut: ["R3"] });
  });

  test("end where they go round", () => {
    const loop = [
      iamRole("R0", [], trusting({ AWS: arn("R1") })),
      iamRole("R1", [], trusting({ AWS: arn("R0") })),
    ];
    expect(search(loop[0]!, loop)).toEqual({ chains: [["R1", true]], cut: [] });
  });

  test("a longer one is told where it is certain and the shorter is not", () => {
    const mfa = { Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } };
    const end = iamRole("End", [], {
      trust: {
        kind: "present",
        value: policy(
          { Effect: "Allow", Principal: { AWS: arn("R0") }, Action: "sts:AssumeRole", ...mfa },
          { Effect: "Allow", Principal: { AWS: arn("R1") }, Action: "sts:AssumeRole" },
        ),
      },
    });
    expect(search(first, [...line.slice(0, 2), end]).chains).toEqual([
      ["R1", true],
      ["End", false],
      ["R1 End", true],
    ]);
  });

  test("2,000 roles that an administrator may assume are looked at once each", () => {
    const admin = iamRole("Admin", [assumes()], trusting(ACCOUNT));
    const many = Array.from({ length: 2000 }, (_, i) => iamRole(`M${i}`, [assumes()], trusting(ACCOUNT)));
    const started = performance.now();
    const { chains, cut } = search(admin, [admin, ...many]);
    expect(chains).toHaveLength(2000);
    expect(cut).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
