import { expect, test } from "vitest";
import { iamOf, iamRole } from "../../test/iam-setting.js";
import { OWNER, FRIEND, account, role, root } from "../../test/judging.js";
import type { IamPrincipal } from "../domain/iam.js";
import { EstateHops } from "./estate-hops.js";
import type { TrustContext } from "./outsider.js";

const CONTEXT: TrustContext = {
  zone: { organizations: [], accounts: [], principals: [], services: [] },
  organizationOf: new Map(),
};
const policy = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement });
const ASSUMES = policy({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" });

/** A role of FRIEND that lets in these. */
const target = (name: string, principal: unknown, more: object = {}): IamPrincipal => ({
  ...iamRole(name, []),
  account: account(FRIEND),
  arn: role(FRIEND, name),
  trust: {
    kind: "present",
    value: policy({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole", ...more }),
  },
});

function hopsOf(from: readonly IamPrincipal[], to: readonly IamPrincipal[], pairs = 1000): EstateHops {
  const of = (id: string, roles: readonly IamPrincipal[]) =>
    [
      account(id),
      { account: account(id), iam: iamOf(...roles), serviceControl: { kind: "none" } as const },
    ] as const;
  return new EstateHops(new Map([of(OWNER, from), of(FRIEND, to)]), CONTEXT, pairs);
}

const MANY = Array.from({ length: 300 }, (_, i) => iamRole(`R${i}`, [ASSUMES]));

test("each pair of a kind of roles and a role of another account is decided once, and told of each with its own policy", () => {
  const targets = Array.from({ length: 50 }, (_, i) => target(`T${i}`, { AWS: root(OWNER) }));
  const hops = hopsOf(MANY, targets);
  for (const from of MANY) {
    const found = hops.from(from).hops;
    expect(found.map((h) => [h.from.name, h.to.name])).toEqual(targets.map((t) => [from.name, t.name]));
    expect(found.every((h) => h.certain && h.documents[0] === from.documents[0])).toBe(true);
  }
  expect(hops.pairs).toBe(50);
});

test("roles that a trust policy tells apart are not taken for each other", () => {
  const named = target("T", { AWS: role(OWNER, "R7") });
  const asked = target(
    "U",
    { AWS: root(OWNER) },
    {
      Condition: { ArnEquals: { "aws:PrincipalArn": role(OWNER, "R8") } },
    },
  );
  const denied: IamPrincipal = {
    ...target("V", {}),
    trust: {
      kind: "present",
      value: policy(
        { Effect: "Allow", Principal: { AWS: root(OWNER) }, Action: "sts:AssumeRole" },
        { Effect: "Deny", Principal: { AWS: role(OWNER, "R9") }, Action: "sts:AssumeRole" },
      ),
    },
  };
  const hops = hopsOf(MANY.slice(0, 12), [named, asked, denied]);
  const reached = MANY.slice(0, 12).map((from) =>
    hops
      .from(from)
      .hops.map((h) => h.to.name)
      .join(""),
  );
  expect(reached).toEqual(["V", "V", "V", "V", "V", "V", "V", "TV", "UV", "", "V", "V"]);
});

test("roles without a policy that lets them assume, or of another partition, reach nobody, and cost nothing", () => {
  const to = target("T", { AWS: [root(OWNER), role(OWNER, "R")] });
  const china = { ...iamRole("C", [ASSUMES]), partition: "aws-cn" };
  const hops = hopsOf([iamRole("R", []), china], [to]);
  expect(hops.from(iamRole("R", [])).hops).toEqual([]);
  expect(hops.from(china).hops).toEqual([]);
  expect(hops.pairs).toBe(0);
});

test("where more pairs were to be looked at than there may be, that is told", () => {
  const targets = Array.from({ length: 5 }, (_, i) => target(`T${i}`, { AWS: root(OWNER) }));
  const hops = hopsOf(MANY, targets, 3);
  expect(hops.from(MANY[0]!)).toMatchObject({ cut: true, hops: [{}, {}, {}] });
});
