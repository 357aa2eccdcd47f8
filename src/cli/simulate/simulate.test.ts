import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyward, type Outcome } from "../../../test/io.js";
import { shippedSchema } from "../../../test/shipped-schema.js";

const OWNER = "111122223333";
const APP = `arn:aws:iam::${OWNER}:role/App`;
type Json = Record<string, unknown>;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-simulate-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const root = {
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${OWNER}:root` },
  Action: "kms:*",
  Resource: "*",
};
const policy = (...statements: Json[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const allowAll = policy({ Effect: "Allow", Action: "kms:*", Resource: "*" });

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function simulate(text: string, ...args: string[]): Promise<Outcome> {
  return keyward(["simulate", await file("policy.json", text), ...args]);
}

const who = (principal = APP, action = "kms:Decrypt"): string[] => [
  "--principal",
  principal,
  "--action",
  action,
];
const flat = (o: Outcome): string => o.stdout.replace(/\s+/g, " ");

describe("one request", () => {
  test("the account principal only delegates: what to change names the identity policy", async () => {
    const denied = await simulate(policy(root), ...who(), "--identity", "none");
    expect(denied.code).toBe(1);
    expect(flat(denied)).toContain(
      "Key policy statement 1 does not suffice alone for this caller, so an identity policy of the caller must allow kms:Decrypt.",
    );
    expect((await simulate(policy(root), ...who(), "--identity", "allow")).code).toBe(0);
  });

  test("a request that contradicts itself is answered, and said to be one that AWS never sees", async () => {
    const odd = await simulate(
      policy(root),
      ...who("arn:aws:iam::444455556666:role/App"),
      "--context",
      `kms:CallerAccount=${OWNER}`,
    );
    expect(flat(odd)).toContain("AWS would never see this request: kms:CallerAccount contradicts the caller");
    expect(flat(await simulate(policy(root), ...who()))).not.toContain("never see this request");
  });

  test("identity policies that were not given leave the answer open only where they decide", async () => {
    expect((await simulate(policy(root), ...who())).code).toBe(3);
    expect(
      (await simulate(policy({ ...root, Principal: { AWS: APP } }), ...who(), "--account", OWNER)).code,
    ).toBe(0);
    expect(
      (await simulate(policy({ ...root, Principal: { AWS: `${APP}2` } }), ...who(), "--account", OWNER)).code,
    ).toBe(1);
  });

  test("identity policies, boundary, session policy and SCPs are read from files", async () => {
    const allow = ["--identity-policy", await file("identity.json", allowAll)];
    const nothing = await file("nothing.json", policy({ Effect: "Allow", Action: "s3:*", Resource: "*" }));
    expect((await simulate(policy(root), ...who(), ...allow)).code).toBe(0);
    const cases: readonly (readonly [string, string])[] = [
      ["--boundary", "the permissions boundary of the caller must allow"],
      ["--session-policy", "the session policy must allow"],
      ["--scp", "the service control policies of the caller's account must all allow"],
    ];
    for (const [flag, text] of cases) {
      const outcome = await simulate(policy(root), ...who(), ...allow, flag, nothing);
      expect([flag, outcome.code]).toEqual([flag, 1]);
      expect(flat(outcome)).toContain(text);
    }
    const exempt = await simulate(policy(root), ...who(), ...allow, "--scp", nothing, "--management-account");
    expect(exempt.code).toBe(0);
  });

  test.each([
    [
      "a condition key in two spellings",
      ["--context", "aws:SourceIp=203.0.113.9", "--context", "AWS:sourceip=8.8.8.8"],
    ],
    [
      "a pair of the encryption context twice",
      ["--encryption-context", "t=a", "--encryption-context", "t=b"],
    ],
  ])("%s is wrong usage: the last would silently win", async (_what, flags) => {
    const outcome = await simulate(policy(root), ...who(), "--identity", "allow", ...flags);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(/in two spellings|a key twice/);
  });

  test("a resource control policy that denies is named", async () => {
    const rcp = await file(
      "rcp.json",
      policy({ Effect: "Deny", Principal: "*", Action: "kms:*", Resource: "*" }),
    );
    const outcome = await simulate(policy(root), ...who(), "--identity", "allow", "--rcp", rcp);
    expect(outcome.code).toBe(1);
    expect(flat(outcome)).toContain(`Resource control policy 1 (${rcp}), statement 1 denies it`);
  });

  test("a resource control policy of the snapshot that was not understood leaves an Allow open", async () => {
    const arn = `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
    const lines = (rcp: string): string =>
      [
        { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T10:00:00Z", tool: "test" },
        { type: "resource-control-policy", target: OWNER, text: rcp },
        {
          type: "key",
          arn,
          policy: { kind: "present", text: policy(root) },
          grants: { kind: "present", items: [] },
        },
      ]
        .map((l) => `${JSON.stringify(l)}\n`)
        .join("");
    const ask = async (rcp: string): Promise<Outcome> =>
      keyward([
        "simulate",
        await file("rcp.ndjson", lines(rcp)),
        "--key",
        arn,
        ...who(),
        "--identity",
        "allow",
      ]);
    expect((await ask("{")).code).toBe(3);
    // Neither does a statement that such policies do not have deny for certain.
    const odd = policy({ Effect: "Deny", Principal: "*", NotAction: "s3:*", Resource: "*" });
    expect((await ask(odd)).code).toBe(3);
    expect(
      (await ask(policy({ Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" }))).code,
    ).toBe(0);
    // What was not understood about another action leaves nothing in doubt.
    const unknown = (Action: string): Promise<Outcome> =>
      ask(
        policy({
          Effect: "Deny",
          Principal: "*",
          Action,
          Resource: "*",
          Condition: { StringResembles: { "aws:PrincipalArn": "x" } },
        }),
      );
    expect((await unknown("kms:Decrypt")).code).toBe(3);
    expect((await unknown("kms:Encrypt")).code).toBe(0);
  });

  test("a grant allows, and is named", async () => {
    const grants = await file(
      "grants.json",
      JSON.stringify({ Grants: [{ GrantId: "g-1", GranteePrincipal: APP, Operations: ["Decrypt"] }] }),
    );
    const outcome = await simulate(
      policy({ ...root, Principal: { AWS: `${APP}2` } }),
      ...who(),
      "--grants",
      grants,
      "--account",
      OWNER,
    );
    expect(outcome.code).toBe(0);
    expect(flat(outcome)).toContain("Grant g-1 allows it");
  });

  test("conditions are shown one by one, with what was expected and what was there", async () => {
    const bound = {
      ...root,
      Principal: "*",
      Condition: {
        StringEquals: { "kms:EncryptionContext:tenant": "a", "kms:CallerAccount": OWNER },
      },
    };
    const denied = await simulate(
      policy(root, bound),
      ...who(),
      "--identity",
      "none",
      "--encryption-context",
      "tenant=b",
    );
    expect(denied.code).toBe(1);
    const text = flat(denied);
    expect(text).toContain(
      'does not hold: StringEquals kms:EncryptionContext:tenant "a"; the request has "b"',
    );
    expect(text).toContain(`holds: StringEquals kms:CallerAccount "${OWNER}"; the request has "${OWNER}"`);
    const allowed = await simulate(
      policy(root, bound),
      ...who(),
      "--identity",
      "none",
      "--encryption-context",
      "tenant=a",
    );
    expect(allowed.code).toBe(0);
  });

  test("the state of the key forbids, and JSON says by which rule", async () => {
    const outcome = await simulate(
      policy(root),
      ...who(),
      "--identity",
      "allow",
      "--key-state",
      "Disabled",
      "--format",
      "json",
    );
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      schema: "keyward.simulation/1",
      decision: "deny",
      reason: "key-state",
    });
  });

  test("nothing of a hostile policy is printed as it stands", async () => {
    const outcome = await simulate(
      policy({ ...root, Sid: "\u001b[31mx\u202e" }),
      ...who(),
      "--identity",
      "none",
    );
    expect(outcome.stdout).not.toContain("\u001b");
    expect(outcome.stdout).not.toContain("\u202e");
  });
});

describe("many requests", () => {
  test("one answer a line, in their order, with their ids", async () => {
    const lines = [
      { id: "a", principal: APP, action: "kms:Decrypt", identity: "allow" },
      { id: "b", principal: APP, action: "kms:Decrypt", identity: "none" },
      { id: "c", principal: "arn:aws:iam::444455556666:role/X", action: "kms:Decrypt", identity: "allow" },
    ];
    const requests = await file("requests.jsonl", lines.map((l) => JSON.stringify(l)).join("\n"));
    const outcome = await simulate(policy(root), "--requests", requests);
    const answers = outcome.stdout
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l) as { id: string; decision: string });
    expect(answers.map((a) => [a.id, a.decision])).toEqual([
      ["a", "allow"],
      ["b", "deny"],
      ["c", "deny"],
    ]);
    expect(outcome.code).toBe(1);
  });

  test("every answer is what the shipped schema describes", async () => {
    const bound = {
      ...root,
      Sid: "Bound",
      Principal: "*",
      Condition: { StringEquals: { "aws:PrincipalOrgID": "o-own1234567" } },
    };
    const shut = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" };
    const lines = [
      { id: "a", principal: APP, action: "kms:Decrypt", identity: "allow" },
      { principal: APP, action: "kms:Decrypt", identity: "none" },
      { principal: APP, action: "kms:Decrypt" },
      { principal: APP, action: "kms:Encrypt", identity: "allow" },
      { principal: APP, action: "kms:Sign", identity: "allow", keyState: "Disabled" },
      { principal: "logs.us-east-1.amazonaws.com", action: "kms:Decrypt" },
      {
        principal: "arn:aws:iam::444455556666:user/U",
        action: "kms:Decrypt",
        identity: "allow",
        grants: [
          { GrantId: "g", GranteePrincipal: "arn:aws:iam::444455556666:user/U", Operations: ["Decrypt"] },
        ],
      },
    ];
    const requests = await file("many.jsonl", lines.map((l) => JSON.stringify(l)).join("\n"));
    const outcome = await simulate(policy(root, bound, shut), "--requests", requests);
    const valid = shippedSchema("simulation");
    const answers = outcome.stdout
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l) as { decision: string });
    expect(new Set(answers.map((a) => a.decision))).toEqual(new Set(["allow", "deny", "unknown"]));
    expect(answers).toHaveLength(lines.length);
    for (const answer of answers) {
      valid(answer);
      expect(valid.errors ?? [], JSON.stringify(answer)).toEqual([]);
    }
  });

  test("stdin is read as well", async () => {
    const outcome = await keyward(["simulate", await file("p.json", policy(root)), "--requests", "-"], {
      stdin: `${JSON.stringify({ principal: APP, action: "kms:Decrypt", identity: "allow" })}\n`,
    });
    expect(outcome.code).toBe(0);
  });
});

describe("broken input is told with its place", () => {
  const broken: readonly (readonly [string, string, string])[] = [
    ["no JSON", "{", "r.jsonl:2: not JSON"],
    ["an unknown field", '{"principal":"x","action":"kms:Decrypt","idntity":"allow"}', "r.jsonl:2, at $"],
    [
      "a principal that is none",
      '{"principal":"nobody","action":"kms:Decrypt"}',
      "r.jsonl:2, at $.principal",
    ],
    [
      "a context that is none",
      `{"principal":"${APP}","action":"kms:Decrypt","context":{"a":1}}`,
      "r.jsonl:2, at $.context.a",
    ],
    [
      "a policy that is none",
      `{"principal":"${APP}","action":"kms:Decrypt","identity":[{"Statement":[{"Effect":"Alow","Action":"*","Resource":"*"}]}]}`,
      "r.jsonl:2, at $.identity[0]",
    ],
  ];
  test.each(broken)("%s", async (_, line, wanted) => {
    const requests = await file("r.jsonl", `\n${line}\n`);
    const outcome = await simulate(policy(root), "--requests", requests);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain(wanted);
    expect(outcome.stderr).not.toContain("    at ");
  });

  test("an identity policy file with a mistake: file, line and path", async () => {
    const bad = await file(
      "bad.json",
      '{\n "Version": "2012-10-17",\n "Statement": [{"Effect": "Alow", "Action": "*", "Resource": "*"}]\n}',
    );
    const outcome = await simulate(policy(root), ...who(), "--identity-policy", bad);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(/line 3, column \d+, in the policy at \$\.Statement\[0\]\.Effect/);
  });

  test("files and flags that are not there", async () => {
    expect((await simulate(policy(root), "--requests", join(folder, "none.jsonl"))).code).toBe(2);
    expect((await simulate(policy(root), "--action", "kms:Decrypt")).code).toBe(2);
  });
});
