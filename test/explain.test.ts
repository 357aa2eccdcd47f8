import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { analyze } from "../src/access/analyze.js";
import type { AccessMatrix } from "../src/access/matrix.js";
import type { KeyRecord } from "../src/domain/key.js";
import { parsePolicy } from "../src/policy/parse.js";
import { type Closing, closings } from "../src/rules/closings.js";
import { NOW } from "./generators/world.js";
import { guarantee } from "./guarantees/guarantee.js";
import { recordOf, reportOf, type World, worldArb, ZONE } from "./guarantees/worlds.js";
import { keyward, type Outcome } from "./io.js";
import { allow, type Json, policyText, root } from "./judging.js";
import { shippedSchema } from "./shipped-schema.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-explain-"));
  await writeFile(
    join(folder, "keyward.yaml"),
    "trust:\n  organizations: [o-own1234567]\n  accounts: ['222233334444']\n",
  );
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function explain(statements: readonly Json[], ...more: readonly string[]): Promise<Outcome> {
  const file = join(folder, "policy.json");
  await writeFile(file, policyText(...statements));
  const config = join(folder, "keyward.yaml");
  return keyward(["explain", file, "--account", "111122223333", "--config", config, ...more], {
    columns: 80,
  });
}

const flat = (r: Outcome): string => r.stdout.replace(/\s+/g, " ");
const when = (Condition: unknown): Json => allow("*", "kms:Decrypt", { Condition });
const deny = (Condition: unknown): Json => ({ ...allow("*", "kms:*", { Condition }), Effect: "Deny" });

describe("why a key is closed", () => {
  it("names the condition without which it would be open", async () => {
    const r = await explain([
      when({
        StringEquals: {
          "aws:PrincipalOrgID": "o-own1234567",
          "kms:ViaService": "s3.us-east-1.amazonaws.com",
        },
      }),
    ]);
    expect(r.code).toBe(0);
    expect(flat(r)).toContain(
      "closed to outsiders by StringEquals aws:PrincipalOrgID o-own1234567: without it the key would be open to anybody",
    );
    // To take this one away opens nothing.
    expect(flat(r)).not.toContain("closed to outsiders by StringEquals kms:ViaService");
  });

  it("names a Deny, and what it closes together with a condition", async () => {
    const r = await explain([
      when({ StringEquals: { "kms:CallerAccount": "111122223333" } }),
      allow({ AWS: root("444455556666") }, "kms:Decrypt"),
      deny({ StringNotEquals: { "aws:PrincipalOrgID": "o-own1234567" } }),
    ]);
    expect(flat(r)).toContain(
      "The Deny in statement 4 keeps outsiders out: without it the key would be open to an account",
    );
    expect(flat(r)).toContain("without it and without the Deny in statement 4 it would be open to anybody");
  });

  it("says so where the condition lets nobody in at all", async () => {
    const r = await explain([when({ StringEquals: { "aws:PrincipalOrgID": "o-*" } })]);
    expect(flat(r)).toContain(
      "statement 2 lets nobody in at all, because of StringEquals aws:PrincipalOrgID o-*: without it the key would be open to anybody",
    );
  });

  it("names the resource control policy that closes it", async () => {
    const arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const rcp = policyText(deny({ StringNotEquals: { "aws:PrincipalAccount": "111122223333" } }));
    const lines = [
      { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T10:00:00Z", tool: "t" },
      { type: "resource-control-policy", target: "111122223333", name: "own only", text: rcp },
      {
        type: "key",
        arn,
        policy: { kind: "present", text: policyText(allow("*", "kms:Decrypt")) },
        grants: { kind: "present", items: [] },
      },
    ];
    const file = join(folder, "rcp.ndjson");
    await writeFile(file, lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
    const r = await keyward(["explain", arn, file], { columns: 80 });
    expect(flat(r)).toContain("Nobody outside the zone of trust can use this key.");
    expect(flat(r)).toContain(
      "The resource control policy own only keeps outsiders out: without it the key would be open to anybody",
    );
    const valid = shippedSchema("explanation");
    valid(JSON.parse((await keyward(["explain", arn, file, "--format", "json"])).stdout));
    expect(valid.errors ?? []).toEqual([]);
  });

  it("says so where nobody outside is named at all", async () => {
    expect(flat(await explain([]))).toContain(
      "No statement and no grant lets in anybody outside the zone of trust",
    );
  });
});

describe("a flag about AWS", () => {
  it.each([
    ["--role", ["--role", "Reader"]],
    ["--via", ["--via", "arn:aws:iam::111122223333:role/Hop"]],
    ["--profile", ["--profile", "audit"]],
  ])("%s is refused where the key is read from a snapshot", async (flag, args) => {
    const r = await explain([], ...args);
    expect([r.code, r.stdout]).toEqual([2, ""]);
    expect(r.stderr).toMatch(new RegExp(`^${flag}: ${flag} has no effect here\\n`));
  });

  it("--live is refused beside a snapshot, which it would pass over", async () => {
    const r = await keyward(["explain", "alias/app", join(folder, "estate.ndjson"), "--live"], {
      columns: 80,
    });
    expect([r.code, r.stdout]).toEqual([2, ""]);
    expect(r.stderr).toMatch(/^--live: --live has no effect here\n/);
  });
});

describe("what would close a key", () => {
  it("shows changes that were tried, and whom they cut off", async () => {
    const r = await explain(
      [allow({ AWS: [root("444455556666"), root("222233334444")] }, "kms:Decrypt")],
      "--all",
    );
    expect(r.code).toBe(1);
    expect(flat(r)).toContain(
      "add to statement 2: StringEquals kms:CallerAccount 111122223333, 222233334444 nobody in the zone of trust loses anything",
    );
    expect(flat(r)).toContain(
      "remove statement 2 in the zone of trust this takes access from account 222233334444 (kms:Decrypt)",
    );
  });

  it("takes a foreign principal out of a list before it takes the statement away", async () => {
    const r = await explain([allow({ AWS: [root("444455556666"), root("222233334444")] }, "kms:Decrypt")]);
    expect(flat(r)).toContain(
      "- take arn:aws:iam::444455556666:root out of the Principal of statement 2 nobody in the zone of trust loses anything",
    );
  });

  it("puts first what takes nothing from anybody trusted, and says where membership decides", async () => {
    const r = await explain([allow("*", "kms:Decrypt")]);
    const said = flat(r);
    expect(said).toContain(
      "nobody in the zone of trust loses anything, if 222233334444 is in that organization",
    );
    // An organization and an account of the zone got in with everybody else: that is not hidden.
    expect(said).toMatch(
      /remove statement 2 in the zone of trust this takes access from account 222233334444 and organization o-own1234567/,
    );
    expect(said.indexOf("add to statement 2: StringEquals aws:PrincipalOrgID")).toBeLessThan(
      said.indexOf("remove statement 2"),
    );
  });

  it("tries the caller's organization where services get in through a statement for everybody", async () => {
    const r = await explain([
      allow("*", "kms:Decrypt"),
      deny({
        StringNotEquals: { "aws:PrincipalOrgID": "o-own1234567" },
        Bool: { "aws:PrincipalIsAWSService": "false" },
      }),
    ]);
    expect(r.stdout).toContain("WEAK  service");
    expect(flat(r)).toMatch(
      /- add to statement 2: StringEquals aws:PrincipalOrgID o-own1234567 in the zone of trust this takes access from any AWS service for account 111122223333/,
    );
    expect(flat(r)).toContain("it spares every AWS service");
  });

  it("closes what is latent", async () => {
    const r = await explain([allow({ AWS: root("444455556666") }, "kms:PutKeyPolicy")]);
    expect(r.stdout).toContain("WHY IT IS LATENT: a request that the policy would allow");
    expect(flat(r)).toContain("- remove statement 2");
  });

  it("proposes the source account for a service, not the caller's account", async () => {
    const r = await explain([allow({ Service: "cloudtrail.amazonaws.com" }, "kms:GenerateDataKey*")]);
    expect(flat(r)).toContain("StringEquals aws:SourceAccount 111122223333, 222233334444");
    expect(flat(r)).not.toContain("StringEquals kms:CallerAccount");
  });

  guarantee("changes-close", "every change proposed for random keys is made again and judged", () => {
    let made = 0;
    fc.assert(
      fc.property(worldArb, (w) => {
        const record = recordOf(w);
        for (const c of closings(record, everybody(record), ZONE, everybody)) {
          const changed = recordOf(change(w, c));
          expect(reportOf(changed).exposure, JSON.stringify(c)).toBe("none");
          made += 1;
        }
      }),
      { numRuns: 60, seed: 20261123 },
    );
    expect(made).toBeGreaterThan(10);
  });
});

function everybody(record: KeyRecord): AccessMatrix {
  return analyze({
    facts: record.facts,
    policy: parsePolicy(record.policy.kind === "present" ? record.policy.value : ""),
    grants: record.grants.kind === "present" ? record.grants.value : [],
    resourceControlPolicies: [],
    zone: ZONE,
    organizationOf: new Map(),
    now: NOW,
    scope: "all",
  });
}

/** Makes a proposed change, from its description alone. */
function change(w: World, c: Closing): World {
  const { change: what } = c;
  const grants = w.grants.filter((g) => !c.grants.includes(g.GrantId ?? ""));
  switch (what.kind) {
    case "none":
      return { ...w, grants };
    case "remove-statements":
      return { ...w, grants, statements: w.statements.filter((_s, i) => !what.statements.includes(i)) };
    case "remove-principals":
      return {
        ...w,
        grants,
        statements: w.statements.map((s, i) => {
          if (i !== what.statement) return s;
          const { AWS } = s["Principal"] as { AWS: string[] };
          return { ...s, Principal: { AWS: AWS.filter((p) => !what.principals.includes(p)) } };
        }),
      };
    case "add-condition":
      return {
        ...w,
        grants,
        statements: w.statements.map((s, i) => {
          if (!what.statements.includes(i)) return s;
          const blocks = (s["Condition"] ?? {}) as Record<string, Record<string, unknown>>;
          const old = Object.entries(blocks[what.operator] ?? {});
          const kept = old.filter(([k]) => k.toLowerCase() !== what.key.toLowerCase());
          const block = { ...Object.fromEntries(kept), [what.key]: what.values };
          return { ...s, Condition: { ...blocks, [what.operator]: block } };
        }),
      };
  }
}

describe("what is said about conditions is true of the key", () => {
  const PARTNER = { AWS: "arn:aws:iam::444455556666:root" };
  const SNS = { Service: "sns.amazonaws.com" };
  const partner = (Condition: unknown, Action = "kms:Decrypt"): Json => allow(PARTNER, Action, { Condition });
  it.each<readonly [string, readonly Json[], string, string]>([
    [
      "every CreateGrant has operations",
      [partner({ "ForAllValues:StringEquals": { "kms:GrantOperations": "Decrypt" } }, "kms:CreateGrant")],
      "kms:GrantOperations is chosen by whoever makes the request",
      "does not carry the key",
    ],
    [
      "every caller has an account",
      [partner({ StringNotEqualsIfExists: { "kms:CallerAccount": "999988887777" } })],
      "a negated operator lets in everybody but the listed ones",
      "does not carry the key",
    ],
    [
      "a service makes the call for whoever asks it",
      [partner({ Bool: { "kms:GrantIsForAWSResource": "true" } }, "kms:CreateGrant")],
      "a stranger uses such a service in an account of their own",
      "is chosen by whoever",
    ],
    [
      "a key of several values needs its qualifier",
      [when({ "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": "a" } })],
      "Add Null kms:EncryptionContextKeys false.",
      "leave the qualifier out",
    ],
    [
      "nobody's administrator gives credentials a time of issue",
      [when({ Null: { "aws:TokenIssueTime": "true" } })],
      "a stranger has such, too",
      "administrator gives it any value",
    ],
    [
      "only the partner is allowed at all",
      [
        allow(PARTNER, "kms:Decrypt"),
        deny({ ArnLike: { "aws:PrincipalArn": "arn:aws:iam::444455556666:role/admin" } }),
      ],
      "it denies only those whom it lists",
      "every other account",
    ],
    [
      "the Deny names everybody, and may not match",
      [when({}), deny({ ArnLike: { "aws:PrincipalArn": "*" } })],
      "what an ARN operator does with a value that is no ARN is not documented",
      "denies only those whom it lists",
    ],
    [
      "only a service is allowed, and the Deny spares it where it names no source",
      [
        allow(SNS, "kms:Decrypt"),
        deny({ Null: { "aws:SourceAccount": "false" }, Bool: { "aws:PrincipalIsAWSService": "true" } }),
      ],
      "a request that does not carry the key is not denied",
      "it denies AWS services alone",
    ],
    [
      "any endpoint escapes the Deny",
      [when({}), deny({ Null: { "aws:SourceVpce": "true" } })],
      "a request that carries the key, with any value, is not denied",
      "is not understood",
    ],
  ])("%s", async (_why, statements, said, unsaid) => {
    const text = flat(await explain(statements, "--all"));
    expect(text).toContain(said);
    expect(text).not.toContain(unsaid);
  });
});

describe("conditions that do not protect, in plain words", () => {
  it.each([
    [
      { StringEqualsIfExists: { "aws:PrincipalOrgID": "o-own1234567" } },
      "IfExists: a request that does not carry the key",
    ],
    [
      { "ForAllValues:StringLike": { "aws:PrincipalOrgPaths": "o-own1234567/*" } },
      "ForAllValues holds where there is no value",
    ],
    [
      { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
      "a stranger uses the same service in an account of their own",
    ],
    [
      { StringEquals: { "aws:PrincipalTag/team": "a" } },
      "a stranger's administrator puts this tag on a role of theirs",
    ],
    [{ StringEquals: { "kms:EncryptionContext:tenant": "a" } }, "the encryption context is no secret"],
    [
      { StringNotEquals: { "aws:PrincipalOrgID": "o-bad0000000" } },
      "a negated operator lets in everybody but the listed ones",
    ],
    [{ StringLike: { "aws:PrincipalArn": "*111122223333*" } }, "with StringLike, * crosses colons"],
    [{ Bool: { "aws:MultiFactorAuthPresent": "true" } }, "is set in the caller's own account"],
    [{ IpAddress: { "aws:SourceIp": "0.0.0.0/0" } }, "open to anybody"],
    [
      { StringEquals: { "aws:ResourceAccount": "111122223333" } },
      "aws:ResourceAccount describes the key, not the caller: it is the same for everybody who asks",
    ],
    [{ Bool: { "aws:SecureTransport": "true" } }, "every request to KMS is encrypted"],
    [
      { StringLike: { "aws:userid": "AROAEXAMPLEEXAMPLE123:*" } },
      "by its unique id, which does not tell whose account",
    ],
  ])("%j in an Allow", async (condition, words) => {
    expect(flat(await explain([when(condition)], "--all"))).toContain(words);
  });

  it.each([
    [
      { "ForAnyValue:StringNotLike": { "aws:PrincipalOrgPaths": "o-own1234567/*" } },
      "ForAnyValue never holds where the key is absent",
    ],
    [
      { StringEquals: { "aws:PrincipalArn": "arn:aws:iam::*:role/*" } },
      "StringEquals takes * and ? as they stand",
    ],
    [{ StringEquals: { "aws:PrincipalAccount": "444455556666" } }, "it denies only those whom it lists"],
    [{ StringNotEquals: { "aws:PrincipalTag/team": "a" } }, "is in the caller's hands"],
  ])("%j in a Deny", async (condition, words) => {
    expect(flat(await explain([allow("*", "kms:Decrypt"), deny(condition)], "--all"))).toContain(words);
  });
});

describe("form", () => {
  it("fits a screen of 80 columns where --all does not", async () => {
    const open = [
      allow("*", "kms:*"),
      allow({ AWS: root("444455556666") }, "kms:*"),
      when({ StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }),
    ];
    const short = await explain(open);
    const lines = short.stdout.split("\n");
    expect(lines.length).toBeLessThanOrEqual(50);
    expect(lines.filter((l) => l.length > 80)).toEqual([]);
    expect((await explain(open, "--all")).stdout.length).toBeGreaterThan(short.stdout.length);
  });

  it("is JSON with everything in it", async () => {
    const r = await explain([allow("*", "kms:Decrypt")], "--format", "json");
    const said = JSON.parse(r.stdout) as Record<string, unknown>;
    expect(said["schema"]).toBe("keyward.explanation/1");
    expect(Object.keys(said)).toEqual([
      "schema",
      "key",
      "facts",
      "accesses",
      "undecided",
      "weakConditions",
      "closings",
      "guards",
      "notes",
    ]);
    expect(said["closings"]).toHaveLength(3);
    expect(r.stdout).not.toContain("\u001b");
  });

  it.each<[string, Json[]]>([
    ["public", [allow("*", "kms:Decrypt", { Sid: "Open" })]],
    ["external", [allow({ AWS: root("444455556666") }, "kms:*")]],
    ["service", [allow({ Service: "cloudtrail.amazonaws.com" }, "kms:GenerateDataKey*")]],
    ["network", [when({ IpAddress: { "aws:SourceIp": "203.0.113.0/24" } })]],
    ["latent", [when({ DateGreaterThan: { "aws:CurrentTime": "2090-01-01T00:00:00Z" } })]],
    ["none", []],
    ["none", [when({ StringEquals: { "kms:CallerAccount": "111122223333" } })]],
    [
      "none",
      [
        allow({ AWS: root("444455556666") }, "kms:Decrypt"),
        deny({ Null: { "aws:MultiFactorAuthAge": "true" } }),
        deny({ Null: { "aws:MultiFactorAuthAge": "false" } }),
      ],
    ],
    ["unknown", [when({ StringEqualz: { "aws:PrincipalOrgID": "o-own1234567" } })]],
  ])("as JSON is what the shipped schema describes: %s", async (exposure, statements) => {
    const valid = shippedSchema("explanation");
    const said = JSON.parse((await explain(statements, "--format", "json")).stdout) as {
      key: { exposure: string };
    };
    expect(said.key.exposure).toBe(exposure);
    valid(said);
    expect(valid.errors ?? []).toEqual([]);
  });
});
