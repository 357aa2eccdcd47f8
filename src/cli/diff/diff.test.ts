import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import stringWidth from "string-width";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { diffSchema } from "../../report/diff-schema.js";
import { keyward, type Outcome } from "../../../test/io.js";
import { shippedSchema } from "../../../test/shipped-schema.js";

const OWNER = "111122223333";
const PARTNER = "444455556666";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-diff-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Json = Record<string, unknown>;
const root = {
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${OWNER}:root` },
  Action: "kms:*",
  Resource: "*",
};
const policy = (...statements: Json[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const roles = (pattern: string): Json => ({
  Sid: "Partner",
  Effect: "Allow",
  Principal: "*",
  Action: "kms:Decrypt",
  Resource: "*",
  Condition: { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${PARTNER}:role/${pattern}` } },
});

async function file(name: string, text: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function diff(old: string, next: string, ...more: string[]): Promise<Outcome> {
  return keyward(["diff", await file("old.json", old), await file("new.json", next), ...more]);
}

type Result = z.infer<typeof diffSchema>;

function json(outcome: Outcome): Result {
  const valid = shippedSchema("diff");
  const value: unknown = JSON.parse(outcome.stdout);
  valid(value);
  expect(valid.errors ?? []).toEqual([]);
  return diffSchema.parse(value);
}

describe("two policies", () => {
  test("a wider pattern: who gains, through what, and the proof", async () => {
    const outcome = await diff(policy(root, roles("a*")), policy(root, roles("*")));
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain("GAINED");
    expect(outcome.stdout).not.toContain("LOST");
    expect(outcome.stdout).toContain('through statement 2 ("Partner")');
    expect(outcome.stdout).toContain("before nothing allows it");
    expect(outcome.stdout).toMatch(new RegExp(`proof: arn:aws:sts::${PARTNER}:assumed-role/[^a/][^/]*/`));
  });

  test("the other way round something is lost, and the exit code is 0", async () => {
    const outcome = await diff(policy(root, roles("*")), policy(root, roles("a*")));
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toContain("LOST");
    expect(outcome.stdout).not.toContain("GAINED");
  });

  test("another text with the same meaning", async () => {
    const outcome = await diff(policy(root, roles("a*")), policy({ ...roles("a*"), Sid: "Other" }, root));
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.replace(/\s+/g, " ")).toContain("Same meaning: the text differs");
  });

  test("the JSON result is what its schema says", async () => {
    const outcome = await diff(policy(root, roles("a*")), policy(root, roles("*")), "--format", "json");
    const result = json(outcome);
    expect(result.keys).toHaveLength(1);
    expect(result.keys[0]?.gained.changes[0]).toMatchObject({
      certainty: "certain",
      trusted: false,
      source: { kind: "statement", index: 1, sid: "Partner" },
      before: { kind: "not-allowed" },
      capabilities: ["decrypt"],
    });
    expect(result.summary).toMatchObject({ keys: 1, gained: 1, lost: 0, unknown: 0 });
  });

  test("fits 80 columns and prints nothing of a hostile policy as it stands", async () => {
    const hostile = { ...roles("*"), Sid: "\u001b[31mred\u202eevil" };
    const outcome = await diff(policy(root), policy(root, hostile));
    expect(outcome.stdout).not.toContain("\u001b");
    expect(outcome.stdout).not.toContain("\u202e");
    for (const line of outcome.stdout.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(80);
  });

  test("policies of different accounts are refused, unless --account says whose key it is", async () => {
    const foreign = policy({ ...root, Principal: { AWS: PARTNER } });
    const refused = await diff(policy(root), foreign);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain("different accounts");
    expect((await diff(policy(root), foreign, "--account", OWNER)).code).toBe(1);
  });

  test.each(["{", "not json", '{"Version":"2012-10-17","Statement":[{},]}'])(
    "a text that is no policy (%s) is not decided, and the other one says whose key it is",
    async (broken) => {
      for (const sides of [
        [broken, policy(root)],
        [policy(root), broken],
      ] as const) {
        const outcome = await diff(...sides);
        expect([outcome.code, outcome.stderr]).toEqual([3, ""]);
        expect(outcome.stdout).toContain("the key policy was not understood");
        expect(outcome.stdout).toContain(`of a key of account ${OWNER}`);
      }
    },
  );

  test("what was not understood makes the answer unknown: exit code 3", async () => {
    const odd = { ...root, Principal: "*", Condition: { StringResembles: { "aws:PrincipalArn": "x" } } };
    expect((await diff(policy(root), policy(root, odd))).code).toBe(3);
  });
});

const arn = (n: number): string =>
  `arn:aws:kms:us-east-1:${OWNER}:key/0000000${n}-12ab-34cd-56ef-1234567890ab`;

function key(n: number, text: string, over: Json = {}): Json {
  return {
    type: "key",
    arn: arn(n),
    manager: "CUSTOMER",
    state: "Enabled",
    policy: { kind: "present", text },
    grants: { kind: "present", items: [] },
    ...over,
  };
}

function snapshot(...lines: Json[]): string {
  const head = {
    type: "snapshot",
    schema: "keyward.snapshot/1",
    createdAt: "2026-11-23T10:00:00Z",
    tool: "test",
  };
  return [head, ...lines].map((l) => `${JSON.stringify(l)}\n`).join("");
}

async function snapshots(old: Json[], next: Json[], ...more: string[]): Promise<Outcome> {
  return keyward([
    "diff",
    await file("old.ndjson.gz", gzipSync(snapshot(...old))),
    await file("new.ndjson", snapshot(...next)),
    ...more,
  ]);
}

describe("two snapshots", () => {
  test("keys are matched by ARN; unchanged ones are counted only", async () => {
    const same = policy(root);
    const outcome = await snapshots(
      [key(1, same), key(2, policy(root, roles("a*"))), key(3, policy(root, roles("a*")))],
      [key(4, policy(root, roles("b*"))), key(2, policy(root, roles("*"))), key(1, same)],
      "--format",
      "json",
    );
    expect(outcome.code).toBe(1);
    const result = json(outcome);
    expect(result.keys.map((k) => [k.arn, k.change, k.gained.verdict, k.lost.verdict])).toEqual([
      [arn(4), "added", "something", "nothing"],
      [arn(2), "changed", "something", "nothing"],
      [arn(3), "removed", "nothing", "something"],
    ]);
    expect(result.summary).toMatchObject({
      keys: 4,
      unchanged: 1,
      changed: 1,
      added: 1,
      removed: 1,
      gained: 2,
      lost: 1,
    });
  });

  test("a grant that is new, and one that is gone, with hostile ids", async () => {
    const grant = {
      GrantId: "g\u001b[2J\u202e",
      GranteePrincipal: "arn:aws:iam::444455556666:role/R",
      Operations: ["Decrypt"],
    };
    const granted = key(1, policy(root), { grants: { kind: "present", items: [grant] } });
    const bare = key(1, policy(root), { grants: { kind: "present", items: [] } });
    const more = await snapshots([bare], [granted]);
    expect(more.code).toBe(1);
    expect(more.stdout).toContain("+ arn:aws:iam::444455556666:role/R (outside): decrypt");
    expect(more.stdout).not.toMatch(/[\u001b\u202e]/);
    const less = await snapshots([granted], [bare]);
    expect([
      less.code,
      less.stdout.includes("- arn:aws:iam::444455556666:role/R (outside): decrypt"),
    ]).toEqual([0, true]);
  });

  test("a key that is gone is no key of the same meaning", async () => {
    const outcome = await snapshots([key(1, policy(root))], [], "--format", "json");
    expect(json(outcome).summary).toMatchObject({ removed: 1, sameMeaning: 0 });
  });

  test("a new key that only its owner can use is nothing gained", async () => {
    expect((await snapshots([], [key(1, policy(root))])).code).toBe(0);
  });

  test("what could not be read on either side is unknown, though both lines are the same", async () => {
    const unread = key(1, "", { policy: { kind: "unreadable", code: "AccessDeniedException" } });
    const outcome = await snapshots([unread], [unread]);
    expect(outcome.code).toBe(3);
    expect(outcome.stdout.replace(/\s+/g, " ")).toContain("Whether the meaning changed is not known");
    // A policy that could not be read any more took nothing away, and one that is readable again gave nothing.
    for (const sides of [
      [key(1, policy(root)), unread],
      [unread, key(1, policy(root))],
    ] as const) {
      const half = await snapshots([sides[0]], [sides[1]], "--format", "json");
      expect(half.code).toBe(3);
      expect(json(half).summary).toMatchObject({ gained: 0, lost: 0, unknown: 1 });
    }
    const noGrants = key(1, policy(root), { grants: { kind: "unreadable", code: "AccessDeniedException" } });
    expect((await snapshots([key(1, policy(root))], [noGrants])).code).toBe(3);
  });

  test("a resource control policy that is gone is gained by everybody whom it stopped", async () => {
    const open = { ...root, Principal: "*" };
    const rcp = {
      type: "resource-control-policy",
      target: OWNER,
      text: policy({
        Effect: "Deny",
        Principal: "*",
        Action: "kms:*",
        Resource: "*",
        Condition: { StringNotEquals: { "aws:PrincipalAccount": OWNER } },
      }),
    };
    const outcome = await snapshots([rcp, key(1, policy(open))], [key(1, policy(open))]);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain("before denied by resource control policy 1, statement 1");
  });

  test("a tag that changed matters where a condition asks for it", async () => {
    const tagged = { ...root, Principal: "*", Condition: { StringEquals: { "aws:ResourceTag/team": "a" } } };
    const before = key(1, policy(tagged), { tags: { team: "b" } });
    expect((await snapshots([before], [key(1, policy(tagged), { tags: { team: "a" } })])).code).toBe(3);
    const plain = (team: string): Json => key(1, policy(root), { tags: { team } });
    expect((await snapshots([plain("a")], [plain("b")])).code).toBe(0);
  });

  test("a policy and a snapshot cannot be compared", async () => {
    const outcome = await keyward([
      "diff",
      await file("p.json", policy(root)),
      await file("s.ndjson", snapshot(key(1, policy(root)))),
    ]);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("a policy can only be compared with a policy");
  });
});
