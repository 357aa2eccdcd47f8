import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyward, type Outcome } from "../../../test/io.js";

/** An organization with a key in account OWN, callers there and in MEMBER, and a management account. */
const OWN = "111122223333";
const MEMBER = "222233334444";
const BOSS = "555566667777";
const ORG = "o-own1234567";
const KEY = `arn:aws:kms:us-east-1:${OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const BOSS_KEY = KEY.replace(OWN, BOSS);

type Json = Readonly<Record<string, unknown>>;
const policy = (...statements: Json[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const may = (Action: string | string[], more: Json = {}): Json => ({
  Effect: "Allow",
  Action,
  Resource: "*",
  ...more,
});
const mayNot = (Action: string, more: Json = {}): Json => ({ ...may(Action, more), Effect: "Deny" });
const rootOf = (account: string): Json => ({ Principal: { AWS: `arn:aws:iam::${account}:root` } });
const FULL = policy(may("*"));

const role = (account: string, name: string, more: Json = {}): Json => ({
  type: "role",
  arn: `arn:aws:iam::${account}:role/${name}`,
  id: "AROAEXAMPLEEXAMPLE123",
  inlinePolicies: [{ name: "use-keys", text: policy(may("kms:Decrypt", { Sid: "Use" })) }],
  attachedPolicies: [],
  boundary: null,
  tags: {},
  ...more,
});
const keyLine = (arn: string, text: string, grants: Json[] = []): Json => ({
  type: "key",
  arn,
  policy: { kind: "present", text },
  grants: { kind: "present", items: grants },
});
const scp = (target: string, name: string, text: string): Json => ({
  type: "service-control-policy",
  target,
  name,
  text,
});
const ORGANIZATION: Json = {
  type: "organization",
  id: ORG,
  managementAccountId: BOSS,
  accounts: [
    { id: OWN, path: `${ORG}/r-ab12/` },
    { id: MEMBER, path: `${ORG}/r-ab12/ou-ab12-11111111/` },
    { id: BOSS, path: `${ORG}/r-ab12/` },
  ],
};
const complete = (id: string): Json => ({ type: "account", id, iam: { kind: "present" } });
const open = policy(may("kms:*", rootOf(OWN)), may("kms:*", { Sid: "Member", ...rootOf(MEMBER) }));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-simulate-side-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

/** Asks for kms:Decrypt by a role, with these lines in the snapshot. */
async function ask(lines: readonly Json[], principal: string, ...flags: string[]): Promise<Outcome> {
  const head = {
    type: "snapshot",
    schema: "keyward.snapshot/1",
    createdAt: "2026-11-23T10:00:00Z",
    tool: "t",
  };
  const path = await file("estate.ndjson", [head, ...lines].map((l) => `${JSON.stringify(l)}\n`).join(""));
  const who = principal.startsWith("arn:") ? principal : `arn:aws:iam::${OWN}:role/${principal}`;
  const key = flags.includes("--key") ? [] : ["--key", KEY];
  return keyward(["simulate", path, ...key, "--principal", who, "--action", "kms:Decrypt", ...flags]);
}
const flat = (o: Outcome): string => o.stdout.replace(/\s+/g, " ");

describe("the caller's policies from the snapshot", () => {
  test("an identity policy allows, and is named with its statement", async () => {
    const outcome = await ask([complete(OWN), role(OWN, "App"), keyLine(KEY, open)], "App");
    expect(outcome.code).toBe(0);
    expect(flat(outcome)).toContain('allow: identity policy use-keys, statement 1 ("Use")');
  });

  test("without a policy that allows it is denied; the flag wins over the snapshot", async () => {
    const lines = [complete(OWN), role(OWN, "App", { inlinePolicies: [] }), keyLine(KEY, open)];
    expect((await ask(lines, "App")).code).toBe(1);
    expect((await ask(lines, "App", "--identity", "allow")).code).toBe(0);
  });

  test("of a user the groups count, and a Deny of a group's policy is named", async () => {
    const user = {
      type: "user",
      arn: `arn:aws:iam::${OWN}:user/team/ann`,
      groups: ["staff"],
      inlinePolicies: [],
      attachedPolicies: ["arn:aws:iam::aws:policy/AdministratorAccess"],
      boundary: null,
    };
    const group = (text: string): Json => ({
      type: "group",
      arn: `arn:aws:iam::${OWN}:group/staff`,
      inlinePolicies: [{ name: "no-keys", text }],
      attachedPolicies: [],
    });
    const managed = { type: "managed-policy", arn: user.attachedPolicies[0] ?? "", text: FULL };
    const with_ = (text: string): Json[] => [complete(OWN), managed, group(text), user, keyLine(KEY, open)];
    expect((await ask(with_(policy(may("s3:*"))), user.arn)).code).toBe(0);
    const denied = await ask(with_(policy(mayNot("kms:Decrypt", { Sid: "Never" }))), user.arn);
    expect(denied.code).toBe(1);
    expect(flat(denied)).toContain(
      'Identity policy no-keys of group staff, statement 1 ("Never") denies it: remove it',
    );
  });

  test("a permissions boundary that is silent limits, and is named", async () => {
    const limit = `arn:aws:iam::${OWN}:policy/limit`;
    const lines = [
      complete(OWN),
      { type: "managed-policy", arn: limit, text: policy(may("s3:*")) },
      role(OWN, "App", { boundary: limit }),
      keyLine(KEY, open),
    ];
    const outcome = await ask(lines, "App");
    expect(outcome.code).toBe(1);
    expect(flat(outcome)).toContain(
      "the permissions boundary of the caller must allow kms:Decrypt (now silent: permissions boundary of the caller)",
    );
    expect((await ask(lines, "App", "--boundary", "none")).code).toBe(0);
  });

  test("what was not read leaves open what it decides", async () => {
    const lacking = role(OWN, "App", { inlinePolicies: [], attachedPolicies: ["arn:aws:iam::aws:policy/X"] });
    const outcome = await ask([complete(OWN), lacking, keyLine(KEY, open)], "App");
    expect([outcome.code, flat(outcome).includes("arn:aws:iam::aws:policy/X")]).toEqual([3, true]);
    const unbound = role(OWN, "App", { boundary: `arn:aws:iam::${OWN}:policy/gone` });
    const limited = await ask([complete(OWN), unbound, keyLine(KEY, open)], "App");
    expect([limited.code, limited.stdout.startsWith("UNKNOWN  boundary-unknown")]).toEqual([3, true]);
    const broken = role(OWN, "App", { inlinePolicies: [{ name: "torn", text: "{" }] });
    expect((await ask([complete(OWN), broken, keyLine(KEY, open)], "App")).code).toBe(3);
  });

  test("a role that is not there is said to be none", async () => {
    const outcome = await ask([complete(OWN), role(OWN, "App"), keyLine(KEY, open)], "Ap");
    expect(outcome.code).toBe(3);
    expect(flat(outcome)).toContain(`arn:aws:iam::${OWN}:role/Ap is none of them`);
  });

  test("tags and the unique id are those of the role, also for the ARN of a session", async () => {
    const tagged = policy(
      may("kms:Decrypt", {
        Principal: "*",
        Condition: {
          StringEquals: { "aws:PrincipalTag/team": "pay" },
          StringLike: { "aws:userid": "AROAEXAMPLEEXAMPLE123:*", "aws:PrincipalArn": "*:role/team/App" },
        },
      }),
    );
    const lines = (team: string): Json[] => [
      complete(OWN),
      role(OWN, "team/App", { tags: { team }, inlinePolicies: [] }),
      keyLine(KEY, tagged),
    ];
    const session = `arn:aws:sts::${OWN}:assumed-role/App/s`;
    expect((await ask(lines("pay"), session)).code).toBe(0);
    expect((await ask(lines("ops"), session)).code).toBe(1);
    expect((await ask(lines("ops"), session, "--context", "aws:principaltag/team=pay")).code).toBe(0);
  });

  test("a caller of another account is of the snapshot's organization", async () => {
    const bound = policy(
      may("kms:Decrypt", { Principal: "*", Condition: { StringEquals: { "aws:PrincipalOrgID": ORG } } }),
    );
    const lines = [ORGANIZATION, complete(MEMBER), role(MEMBER, "App"), keyLine(KEY, bound)];
    expect((await ask(lines, `arn:aws:iam::${MEMBER}:role/App`)).code).toBe(0);
    expect((await ask(lines, "arn:aws:iam::444455556666:role/App", "--identity", "allow")).code).toBe(1);
  });
});

describe("policies of the organization", () => {
  const levels = (unit: string): Json[] => [
    ORGANIZATION,
    scp("r-ab12", "FullAWSAccess", FULL),
    scp("ou-ab12-11111111", "unit", unit),
    scp(MEMBER, "FullAWSAccess", FULL),
    scp(OWN, "FullAWSAccess", FULL),
    complete(MEMBER),
    role(MEMBER, "App"),
    keyLine(KEY, open),
  ];
  const member = `arn:aws:iam::${MEMBER}:role/App`;

  test("a service control policy above the caller's account binds: its silence and its Deny, by name", async () => {
    expect((await ask(levels(FULL), member)).code).toBe(0);
    const silent = await ask(levels(policy(may("s3:*"))), member);
    expect(silent.code).toBe(1);
    expect(flat(silent)).toContain("now silent: service control policy unit at ou-ab12-11111111");
    const denied = await ask(levels(policy(may("*"), mayNot("kms:Decrypt", { Sid: "No" }))), member);
    expect(denied.code).toBe(1);
    expect(flat(denied)).toContain(
      'Service control policy unit at ou-ab12-11111111, statement 2 ("No") denies it',
    );
    expect(
      (await ask(levels(policy(may("s3:*"))), member, "--scp", await file("full.json", FULL))).code,
    ).toBe(0);
  });

  test("they bind neither the management account nor accounts beside the unit", async () => {
    const shut = levels(policy(mayNot("*")));
    expect((await ask([...shut.slice(0, -1), role(OWN, "App"), keyLine(KEY, open)], "App")).code).toBe(0);
    const byBoss = policy(may("kms:*", rootOf(BOSS)));
    const lines = [
      ORGANIZATION,
      scp("r-ab12", "none", policy(mayNot("*"))),
      scp(BOSS, "none", policy(mayNot("*"))),
      role(BOSS, "App"),
      keyLine(BOSS_KEY, byBoss),
    ];
    const outcome = await ask(lines, `arn:aws:iam::${BOSS}:role/App`, "--key", BOSS_KEY);
    expect(outcome.code).toBe(0);
    expect(flat(outcome)).toContain("service control policies do not bind it");
  });

  test("where a level was not read the answer is open", async () => {
    const outcome = await ask(
      levels(FULL).filter((l) => l["target"] !== "ou-ab12-11111111"),
      member,
    );
    expect([outcome.code, outcome.stdout.startsWith("UNKNOWN  service-control-policies-unknown")]).toEqual([
      3,
      true,
    ]);
  });

  const closing = (target: string): Json => ({
    type: "resource-control-policy",
    target,
    name: "own-keys",
    text: policy(mayNot("kms:*", { Sid: "Shut", Principal: "*" })),
  });

  test("a resource control policy above the key's account denies, by name; a given one replaces it", async () => {
    const lines = [closing("r-ab12"), ...levels(FULL)];
    const outcome = await ask(lines, member);
    expect(outcome.code).toBe(1);
    expect(flat(outcome)).toContain("Resource control policy 1 (own-keys), statement 1 denies it");
    const other = await file("rcp.json", policy(may("*", { Principal: "*" })));
    const replaced = await ask(lines, member, "--rcp", other);
    expect(replaced.code).toBe(0);
    expect(flat(replaced)).toContain("those of the snapshot were set aside");
  });

  test("it does not bind keys of the management account", async () => {
    const lines = [
      ORGANIZATION,
      closing("r-ab12"),
      role(BOSS, "App"),
      keyLine(BOSS_KEY, policy(may("kms:*", rootOf(BOSS)))),
    ];
    const outcome = await ask(lines, `arn:aws:iam::${BOSS}:role/App`, "--key", BOSS_KEY);
    expect(outcome.code).toBe(0);
    expect(flat(outcome)).toContain("resource control policies do not bind its keys");
  });
});

describe("grants of the snapshot", () => {
  const grant = { GrantId: "g-1", GranteePrincipal: `arn:aws:iam::${OWN}:role/App`, Operations: ["Decrypt"] };
  const closed = policy(may("kms:*", { Principal: { AWS: `arn:aws:iam::${OWN}:role/Other` } }));

  test("allow, and are replaced by those that are given", async () => {
    const lines = [complete(OWN), role(OWN, "App", { inlinePolicies: [] }), keyLine(KEY, closed, [grant])];
    const outcome = await ask(lines, "App");
    expect([outcome.code, flat(outcome).includes("Grant g-1 allows it")]).toEqual([0, true]);
    expect((await ask(lines, "App", "--grants", await file("none.json", "[]"))).code).toBe(1);
  });
});

test("names of policies, units and groups are printed inert, within 80 columns", async () => {
  const evil = "\u001b[31mx\u202e".repeat(30);
  const lines = [
    ORGANIZATION,
    scp("r-ab12", evil, FULL),
    scp(OWN, evil, policy(mayNot("*", { Sid: evil }))),
    complete(OWN),
    role(OWN, "App", { inlinePolicies: [{ name: evil, text: FULL }], attachedPolicies: [evil] }),
    keyLine(KEY, open),
  ];
  const outcome = await ask(lines, "App");
  expect(outcome.code).toBe(1);
  expect(outcome.stdout).not.toContain("\u001b");
  expect(outcome.stdout).not.toContain("\u202e");
  expect(outcome.stdout).not.toContain("\\\\u");
  expect(outcome.stdout.split("\n").filter((l) => l.length > 80)).toEqual([]);
});
