import { describe, expect, it } from "vitest";
import type { AccountId } from "../domain/ids.js";
import { parseAccountId } from "../domain/ids.js";
import { Estate, keyRecord } from "./key-record.js";
import type { AccountLine, KeyLine, OrganizationLine } from "./lines.js";

function account(id: string): AccountId {
  const parsed = parseAccountId(id);
  if (parsed === undefined) throw new Error(id);
  return parsed;
}

const MEMBER = account("222233334444");
const MANAGEMENT = account("111122223333");
const ELSEWHERE = account("333344445555");
const PATH = "o-own1234567/r-ab12/ou-ab12-11111111/ou-ab12-22222222/";
const ORGANIZATION: OrganizationLine = {
  type: "organization",
  id: "o-own1234567",
  managementAccountId: MANAGEMENT,
  accounts: [{ id: MEMBER, name: "logs", path: PATH }, { id: "444455556666" }],
};

function key(owner: string, more: Partial<KeyLine> = {}): KeyLine {
  return {
    type: "key",
    arn: `arn:aws:kms:us-east-1:${owner}:key/1234abcd`,
    policy: { kind: "present", text: " {} " },
    ...more,
  };
}

function estate(...targets: readonly string[]): Estate {
  const result = new Estate();
  result.add(ORGANIZATION);
  for (const target of targets) result.add({ type: "resource-control-policy", target, text: `on ${target}` });
  return result;
}

describe("keyRecord", () => {
  it("keeps what the line says, and leaves what it does not say unknown", () => {
    const record = keyRecord(key(ELSEWHERE), estate());
    expect(record).toEqual({
      facts: {
        arn: `arn:aws:kms:us-east-1:${ELSEWHERE}:key/1234abcd`,
        partition: "aws",
        region: "us-east-1",
        account: ELSEWHERE,
        keyId: "1234abcd",
        organization: { kind: "unknown" },
      },
      manager: undefined,
      description: undefined,
      policy: { kind: "present", value: " {} " },
      grants: { kind: "unknown" },
      resourceControlPolicies: [],
    });
  });

  it("takes states and usages that it knows; others are unknown", () => {
    const known = keyRecord(
      key(MEMBER, { state: "Disabled", usage: "SIGN_VERIFY", manager: "CUSTOMER" }),
      estate(),
    );
    expect(known.facts).toMatchObject({ state: "Disabled", usage: "SIGN_VERIFY" });
    expect(known.manager).toBe("CUSTOMER");
    const odd = keyRecord(key(MEMBER, { state: "Frozen", usage: "KNIT" }), estate());
    expect(odd.facts).not.toHaveProperty("state");
    expect(odd.facts).not.toHaveProperty("usage");
  });

  it("keeps unreadable and absent apart", () => {
    const record = keyRecord(
      key(MEMBER, {
        policy: { kind: "unreadable", code: "AccessDeniedException" },
        grants: { kind: "absent" },
      }),
      estate(),
    );
    expect(record.policy).toEqual({ kind: "unreadable", code: "AccessDeniedException" });
    expect(record.grants).toEqual({ kind: "absent" });
  });

  it("takes the grants that were read before reading failed as a part", () => {
    const items = [{ GrantId: "g1" }];
    const of = (more: object) =>
      keyRecord(key(MEMBER, { grants: { kind: "unreadable", code: "Interrupted", ...more } }), estate())
        .grants;
    expect(of({ items })).toEqual({ kind: "unreadable", code: "Interrupted", part: items });
    expect(of({ items: [] })).toEqual({ kind: "unreadable", code: "Interrupted" });
    expect(of({})).toEqual({ kind: "unreadable", code: "Interrupted" });
  });
});

describe("the organization of an account", () => {
  it("is that of the line that lists it, with its path", () => {
    const of = estate().organizationOf;
    expect(of.get(MEMBER)).toEqual({ id: "o-own1234567", path: PATH });
    expect(of.get(account("444455556666"))).toEqual({ id: "o-own1234567" });
    expect(of.get(MANAGEMENT)).toEqual({ id: "o-own1234567" });
    expect(of.has(ELSEWHERE)).toBe(false);
    expect(keyRecord(key(MEMBER), estate()).facts.organization).toEqual({
      kind: "present",
      value: { id: "o-own1234567", path: PATH },
    });
  });

  it("may be one of several organizations", () => {
    const both = estate();
    both.add({ type: "organization", id: "o-other12345", accounts: [{ id: ELSEWHERE }] });
    expect(both.organizationOf.get(ELSEWHERE)).toEqual({ id: "o-other12345" });
    expect(both.organizationOf.get(MEMBER)).toEqual({ id: "o-own1234567", path: PATH });
  });

  it("is unknown where two lines contradict each other, for good", () => {
    const both = estate();
    const other: OrganizationLine = { type: "organization", id: "o-other12345", accounts: [{ id: MEMBER }] };
    both.add(other);
    both.add(ORGANIZATION);
    expect(both.organizationOf.has(MEMBER)).toBe(false);
    expect(keyRecord(key(MEMBER), both).facts.organization).toEqual({ kind: "unknown" });
  });

  it("does not take a path of another organization", () => {
    const odd = new Estate();
    odd.add({
      type: "organization",
      id: "o-own1234567",
      accounts: [{ id: MEMBER, path: "o-other12345/r-zz99/" }],
    });
    expect(odd.organizationOf.get(MEMBER)).toEqual({ id: "o-own1234567" });
  });

  it("takes the path of a member from whichever line has it", () => {
    const twice = new Estate();
    twice.add({ type: "organization", id: "o-own1234567", accounts: [{ id: MEMBER }] });
    twice.add(ORGANIZATION);
    expect(twice.organizationOf.get(MEMBER)).toEqual({ id: "o-own1234567", path: PATH });
  });
});

describe("what an account says of its own organization", () => {
  const said = (organization: AccountLine["organization"], ...lines: readonly OrganizationLine[]): Estate => {
    const made = new Estate();
    for (const line of lines) made.add(line);
    made.add({ type: "account", id: MEMBER, ...(organization === undefined ? {} : { organization }) });
    return made;
  };
  const factOf = (e: Estate) => keyRecord(key(MEMBER), e).facts.organization;

  it("is that of its keys; `absent` is none, and a refusal tells nothing", () => {
    const present = said({ kind: "present", id: "o-own1234567" });
    expect(factOf(present)).toEqual({ kind: "present", value: { id: "o-own1234567" } });
    expect(factOf(said({ kind: "absent" }))).toEqual({ kind: "absent" });
    expect(factOf(said({ kind: "unreadable", code: "AccessDeniedException" }))).toEqual({ kind: "unknown" });
    expect(factOf(said(undefined))).toEqual({ kind: "unknown" });
  });

  it("does not name an organization that `organizations: auto` trusts, nor all its accounts", () => {
    const present = said({ kind: "present", id: "o-own1234567", managementAccountId: ELSEWHERE });
    expect([...present.organizations]).toEqual([]);
    expect([...present.listed]).toEqual([]);
    expect(present.treeOf("o-own1234567")).toBeUndefined();
    expect(present.organizationOf.get(ELSEWHERE)).toEqual({ id: "o-own1234567" });
  });

  it("keeps the path that the organization's line tells, and contradicts it where it names another", () => {
    const id = "o-own1234567";
    expect(said({ kind: "present", id }, ORGANIZATION).organizationOf.get(MEMBER)).toEqual({
      id,
      path: PATH,
    });
    for (const other of [{ kind: "absent" }, { kind: "present", id: "o-other12345" }] as const) {
      expect(said(other, ORGANIZATION).organizationOf.has(MEMBER)).toBe(false);
    }
  });
});

describe("resource control policies", () => {
  const bound = (e: Estate, owner: string, more?: Partial<KeyLine>): readonly string[] =>
    [...keyRecord(key(owner, more), e).resourceControlPolicies].sort();

  it("bind through the account, each unit above it, the root and the organization", () => {
    const e = estate(
      MEMBER,
      "ou-ab12-11111111",
      "ou-ab12-22222222",
      "ou-ab12-33333333",
      "r-ab12",
      "r-zz99",
      "o-own1234567",
    );
    expect(bound(e, MEMBER)).toEqual(
      [MEMBER, "ou-ab12-11111111", "ou-ab12-22222222", "r-ab12", "o-own1234567"].map((t) => `on ${t}`).sort(),
    );
  });

  it("do not bind the management account, keys of AWS, or accounts elsewhere", () => {
    const e = estate(MANAGEMENT, MEMBER, "r-ab12", "o-own1234567");
    expect(bound(e, MANAGEMENT)).toEqual([]);
    expect(bound(e, MEMBER, { manager: "AWS" })).toEqual([]);
    expect(bound(e, ELSEWHERE)).toEqual([]);
  });

  it("bind a member without a known path only where no unit is involved", () => {
    const e = estate("ou-ab12-11111111", "r-ab12", "o-own1234567");
    expect(bound(e, "444455556666")).toEqual(["on o-own1234567", "on r-ab12"]);
  });

  it("count once, however often they are attached, and also when they come later", () => {
    const e = estate();
    expect(bound(e, MEMBER)).toEqual([]);
    for (const target of [MEMBER, "r-ab12"]) e.add({ type: "resource-control-policy", target, text: "same" });
    expect(bound(e, MEMBER)).toEqual(["same"]);
  });

  it("are told with the places where they are attached", () => {
    const e = estate();
    for (const target of ["r-ab12", MEMBER, "ou-zz99-99999999"]) {
      e.add({ type: "resource-control-policy", target, text: "same", id: "p-1", name: "Perimeter" });
    }
    expect(keyRecord(key(MEMBER), e).resourceControlPlaces).toEqual([
      { target: MEMBER, text: "same", id: "p-1", name: "Perimeter" },
      { target: "r-ab12", text: "same", id: "p-1", name: "Perimeter" },
    ]);
    expect(keyRecord(key(ELSEWHERE), e).resourceControlPlaces).toBeUndefined();
  });

  it("bind nobody in an organization that has not enabled them", () => {
    const e = estate("r-ab12");
    e.add({ ...ORGANIZATION, policyTypes: ["SERVICE_CONTROL_POLICY"] });
    expect(bound(e, MEMBER)).toEqual([]);
  });
});
