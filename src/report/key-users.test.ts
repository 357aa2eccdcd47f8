import { describe, expect, test } from "vitest";
import { iamOf, iamRole, keyDocument } from "../../test/iam-setting.js";
import { OWNER, STRANGER, account, allow, policyText, role, root } from "../../test/judging.js";
import type { AccountIam, ServiceControl } from "../domain/iam.js";
import { IamView } from "../rules/iam-view.js";
import type { KeyUsers } from "../rules/key-users.js";
import { keyUsers } from "../rules/key-users.js";
import { keyUsersLines } from "./key-users.js";

const doc = (action: unknown, resource = "*", more: object = {}): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: action, Resource: resource, ...more }],
  });
const NO_TRUST = {
  zone: { organizations: [], accounts: [], principals: [], services: [] },
  organizationOf: new Map(),
};
const users = (
  iam: AccountIam,
  key = keyDocument(policyText()),
  control: ServiceControl = { kind: "none" },
): KeyUsers => keyUsers(key, new IamView(account(OWNER), iam, control, NO_TRUST));
const lines = (x: KeyUsers, all = false): readonly string[] =>
  keyUsersLines(x, keyDocument(policyText()).policy.statements, all).flatMap((s) => [
    s.title,
    ...s.lines.map((l) => l.text),
  ]);

describe("who in the account can use a key", () => {
  test("3,000 roles with three kinds of policies are three groups and a few lines", () => {
    const kinds = [doc("kms:Decrypt"), doc("kms:Encrypt"), doc(["kms:Decrypt", "kms:CreateGrant"])];
    const roles = Array.from({ length: 3000 }, (_, i) => iamRole(`R${i}`, [kinds[i % 3] ?? ""]));
    const found = users(iamOf(...roles));
    expect(found.groups.map((g) => [g.principals.length, g.capabilities])).toEqual([
      [1000, ["decrypt"]],
      [1000, ["decrypt", "share"]],
      [1000, ["encrypt"]],
    ]);
    expect(lines(found).length).toBeLessThan(14);
    expect(lines(found).join("\n")).toContain("and 997 more");
    expect(lines(found, true).join("\n")).toContain("role R2999");
  });

  test("policies with the same words and other names are one group; other managed policies are not", () => {
    const managed = (name: string, text: string) =>
      iamRole(name, [], {
        documents: [{ kind: "managed", name: `arn:aws:iam::${OWNER}:policy/${name}`, text }],
      });
    const found = users(
      iamOf(
        iamRole("A", [doc("kms:Decrypt")]),
        iamRole("B", [], { documents: [{ kind: "inline", name: "other", text: doc("kms:Decrypt") }] }),
        managed("C", doc("kms:Decrypt")),
        managed("D", doc("kms:Decrypt")),
      ),
    );
    expect(found.groups.map((g) => g.principals.map((p) => p.name))).toEqual([["A", "B"], ["C"], ["D"]]);
  });

  test("a role that the key policy names needs no identity policy, and none is called responsible", () => {
    const key = keyDocument(policyText(allow({ AWS: role(OWNER, "App") }, "kms:Decrypt")));
    const found = users(iamOf(iamRole("App", [doc("kms:*")]), iamRole("Other", [])), key);
    const [group, ...others] = found.groups;
    expect(others).toEqual([]);
    const decrypt = group?.uses.find((u) => u.actions.some((a) => a === "kms:Decrypt"));
    expect(decrypt).toMatchObject({ direct: true, policies: [] });
    expect(group?.uses.find((u) => u.actions.some((a) => a === "kms:Encrypt"))).toMatchObject({
      direct: false,
      policies: [{ kind: "inline", name: "p0" }],
    });
  });

  test("the root user can use a key whose policy names the account, as far as SCPs let it, and no other", () => {
    const scp = (text: string): ServiceControl => ({ kind: "levels", levels: [[text]] });
    const nobody = iamOf(iamRole("Nobody", []));
    const actions = (x: KeyUsers): readonly string[] => x.root.flatMap((u) => u.actions);
    expect(actions(users(nobody))).toContain("kms:Decrypt");
    expect(actions(users(nobody, undefined, scp(doc("s3:*"))))).toEqual([]);
    const own = JSON.stringify({
      Version: "2012-10-17",
      Statement: [allow({ AWS: role(OWNER, "Admin") }, "kms:*")],
    });
    expect(actions(users(nobody, keyDocument(own)))).toEqual([]);
  });

  test("an outsider's way through a role is told with the statement of the trust policy", () => {
    const trust = (Statement: readonly unknown[]) =>
      ({ kind: "present", value: JSON.stringify({ Version: "2012-10-17", Statement }) }) as const;
    const vendor = iamRole("Vendor", [doc("kms:Decrypt")], {
      trust: trust([
        { Effect: "Allow", Principal: { AWS: root(OWNER) }, Action: "sts:AssumeRole" },
        {
          Effect: "Allow",
          Principal: { AWS: root(STRANGER) },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "sts:ExternalId": "e-1" } },
        },
      ]),
    });
    expect(lines(users(iamOf(vendor))).join("\n")).toContain(
      `- account ${STRANGER} -> role Vendor, by statement 2 of its trust policy, external id asked for -> the key`,
    );
  });

  test("what was not read is told: policies, trust policies, service control policies, all of IAM", () => {
    const app = iamRole("App", [doc("kms:Decrypt")], { missing: ["arn:aws:iam::aws:policy/X"] });
    const text = lines(users(iamOf(app), undefined, { kind: "unknown" })).join("\n");
    expect(text).toContain("Of role App something was not read or not understood");
    expect(text).toContain("may be able to read data");
    expect(text).toContain("The trust policy of role App was not read");
    expect(text).toContain("Service control policies were not all read");
    const none = users({ state: { kind: "unreadable", code: "AccessDenied" }, principals: [] });
    expect(lines(none).join("\n")).toContain("Not known: IAM of the account could not be read.");
  });

  test("names and policies are foreign text", () => {
    const bad = "\u001b[2J\u202e";
    const evil = iamRole("E", [], {
      name: `x${bad}`,
      documents: [{ kind: "inline", name: bad, group: bad, text: doc("kms:Decrypt") }],
    });
    const text = lines(users(iamOf(evil)), true).join("\n");
    expect(text).toContain("\\u{1b}");
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
  });
});
