import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyward, type Outcome } from "../../../test/io.js";
import { shippedSchema } from "../../../test/shipped-schema.js";

const OWNER = "111122223333";
const APP = `arn:aws:iam::${OWNER}:role/App`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-simulate-many-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${OWNER}:root` }, Action: "kms:*", Resource: "*" },
  ],
});
const good = (id: string, identity = "allow", more: object = {}): string =>
  JSON.stringify({ id, principal: APP, action: "kms:Decrypt", identity, ...more });

async function ask(requests: string | Buffer, ...args: string[]): Promise<Outcome> {
  const policy = join(folder, "policy.json");
  const file = join(folder, "requests.jsonl");
  await writeFile(policy, POLICY);
  await writeFile(file, requests);
  return keyward(["simulate", policy, "--requests", file, ...args]);
}

interface Answer {
  readonly id?: string;
  readonly line: number;
  readonly decision?: string;
  readonly error?: { readonly what: string; readonly where: string; readonly next: string };
}
const answers = (o: Outcome): Answer[] =>
  o.stdout
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l) as Answer);

describe("a line that is no request", () => {
  const BROKEN: readonly (readonly [string, string, RegExp])[] = [
    ["no JSON", "{", /not JSON/],
    ["a principal that is none", '{"id":"x","principal":"nobody","action":"kms:Decrypt"}', /\$\.principal/],
    [
      "an action that KMS does not have",
      good("x", "allow", { action: "kms:Decript" }),
      /did you mean kms:Decrypt\?/,
    ],
    ["a field that there is not", good("x", "allow", { idntity: 1 }), /idntity/],
    ["a list", "[]", /not a request/],
    [
      "a member that stands twice",
      good("x").replace('"action"', '"action":"kms:Encrypt","action"'),
      /stands twice[^]*\$\.action/,
    ],
    [
      "a condition key that stands twice",
      good("x", "allow", { context: { "aws:PrincipalTag/a": "1" } }).replace(
        '"aws:PrincipalTag/a"',
        '"aws:PrincipalTag/a":"2","aws:PrincipalTag/a"',
      ),
      /stands twice/,
    ],
  ];
  test.each(BROKEN)("%s is told, and all others are answered", async (_name, line, said) => {
    const outcome = await ask(`${good("a")}\n${line}\n\n${good("b", "none")}\n`);
    expect(outcome.code).toBe(2);
    const [first, second, third, ...more] = answers(outcome);
    expect([first?.decision, third?.decision, more]).toEqual(["allow", "deny", []]);
    expect([first?.line, second?.line, third?.line]).toEqual([1, 2, 4]);
    expect(JSON.stringify(second?.error)).toMatch(said);
    expect(second?.error?.where).toContain("requests.jsonl:2");
    expect(second?.error?.next).not.toBe("");
    expect(outcome.stderr).toMatch(said);
    expect(outcome.stderr).toContain("1 line is no request; all others were answered");
    const valid = shippedSchema("simulation");
    for (const a of answers(outcome)) {
      valid(a);
      expect(valid.errors ?? [], JSON.stringify(a)).toEqual([]);
    }
  });

  test("its id comes back where it has one", async () => {
    const outcome = await ask('{"id":"k","principal":"nobody","action":"kms:Decrypt"}\n');
    expect(answers(outcome)[0]?.id).toBe("k");
  });

  test("bytes that are no UTF-8, and a line without an end", async () => {
    const outcome = await ask(
      Buffer.concat([
        Buffer.from(`${good("a")}\n`),
        Buffer.from([0xff, 0xfe, 0x0a]),
        Buffer.alloc(9 * 1024 * 1024, "x"),
        Buffer.from(`\n${good("b")}`),
      ]),
    );
    expect(outcome.code).toBe(2);
    expect(answers(outcome).map((a) => a.decision ?? a.error?.what)).toEqual([
      "allow",
      "not UTF-8 text",
      "the line is too long",
      "allow",
    ]);
  });

  test("many of them do not flood the terminal", async () => {
    const outcome = await ask("{\n".repeat(500));
    expect(answers(outcome)).toHaveLength(500);
    expect(outcome.stderr.split("\n").length).toBeLessThan(120);
    expect(outcome.stderr).toContain("500 lines are no requests");
  });
});

describe("a file of requests", () => {
  test("gzipped, with a byte order mark, CR LF and no line feed at the end", async () => {
    const text = `\uFEFF${good("a")}\r\n${good("b")}`;
    for (const bytes of [Buffer.from(text), gzipSync(text)]) {
      const outcome = await ask(bytes);
      expect([outcome.code, outcome.stderr, answers(outcome).map((a) => a.id)]).toEqual([0, "", ["a", "b"]]);
    }
  });

  test("one that is not there, and one whose gzip is cut off", async () => {
    expect((await keyward(["simulate", join(folder, "policy.json"), "--requests", "none.jsonl"])).code).toBe(
      2,
    );
    const whole = gzipSync(good("a").repeat(1000));
    const cut = await ask(whole.subarray(0, whole.length - 20));
    expect([cut.code, cut.stderr.includes("cannot be read")]).toEqual([2, true]);
  });
});

describe("actions", () => {
  const one = async (action: string): Promise<Outcome> => {
    const policy = join(folder, "policy.json");
    await writeFile(policy, POLICY);
    return keyward(["simulate", policy, "--principal", APP, "--action", action, "--identity", "allow"]);
  };
  test.each([
    ["kms:Decript", "did you mean kms:Decrypt?"],
    ["Decrypt", "did you mean kms:Decrypt?"],
    ["kms:decryptt", "did you mean kms:Decrypt?"],
    ["km:Encrypt", "did you mean kms:Encrypt?"],
    ["kms:ReEncrypt", "kms:ReEncryptFrom"],
    ["kms:*", "no wildcards"],
    ["s3:GetObject", "they begin with kms:"],
    ["kms:Fly", "Service Authorization Reference"],
  ])("%s does not exist: wrong usage, and the nearest is named", async (action, said) => {
    const outcome = await one(action);
    expect([outcome.code, outcome.stdout]).toEqual([2, ""]);
    expect(outcome.stderr).toContain("KMS has no such action");
    expect(outcome.stderr).toContain(said);
  });

  test("an action in other letters is itself; one that is not about a key is denied", async () => {
    expect((await one("KMS:dEcRyPt")).code).toBe(0);
    const listed = await one("kms:ListKeys");
    expect([listed.code, listed.stdout.startsWith("DENY  unknown-action")]).toEqual([1, true]);
  });
});
