import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { PlanFile } from "../../src/repair/plan-file.js";
import { planText, readPlan } from "../../src/repair/plan-text.js";
import * as opinion from "../../src/rules/opinion.js";
import type { Sandbox } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { KeyLine, SnapshotLine } from "../../src/snapshot/lines.js";
import {
  OWNER,
  changeOf,
  closedPolicy,
  digest,
  estate,
  keyLine,
  openPolicy,
  planOf,
} from "../apply-estate.js";
import type { Outcome } from "../io.js";
import { keyward as keywardIn } from "../io.js";

/** By what apply, verify and rollback judge keys: zones of several snapshots, IAM of a snapshot, engines that disagree. */

const saved = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: `AKIA${OWNER}`,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
  });
});
afterAll(() => {
  process.env = saved;
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-judging-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

const keyward = (args: readonly string[]): Promise<Outcome> => keywardIn(args, { now: Date.now() });

async function sandboxWith(keys: readonly KeyLine[]): Promise<Sandbox> {
  const sandbox = await startSandbox({ snapshot: estate(keys) });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

const snapshotFile = (name: string, ...lines: readonly SnapshotLine[]): Promise<string> =>
  file(name, [...estate([]), ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));

const aws = (sandbox: Sandbox): readonly string[] => [
  ...["--journal", join(folder, "journal"), "--endpoint-url", sandbox.url],
];
const unasked = ["--yes", "--max-keys", "9"];
const puts = (sandbox: Sandbox): number => sandbox.stats().operations["kms:PutKeyPolicy"]?.requests ?? 0;
const runOf = ({ stderr }: Outcome): string => /run (\S+?),?\s/.exec(stderr)?.[1] ?? "";

async function planned(snapshots: readonly string[], config: string, name: string): Promise<PlanFile> {
  const path = join(folder, name);
  const made = await keyward(["plan", ...snapshots, "--config", config, "--output", path]);
  const read = readPlan(await readFile(path, "utf8"), path);
  if (!read.ok) throw new Error(made.stderr);
  return read.value;
}

describe("engines that disagree", () => {
  /** @param agreed so many times they agree first */
  function disagree(agreed: number): void {
    const real = opinion.opinionOf;
    let asked = 0;
    vi.spyOn(opinion, "opinionOf").mockImplementation((record, context) => ({
      ...real(record, context),
      ...(asked++ < agreed ? {} : { disagreements: ["the reference denies the witness"] }),
    }));
    onTestFinished(() => void vi.restoreAllMocks());
  }

  it("before the write: nothing is sent, and the exit code is 5", async () => {
    const key = keyLine(openPolicy("a"));
    const sandbox = await sandboxWith([key]);
    const plan = await file("plan.yaml", planText(planOf([changeOf(key, closedPolicy("a"))]), "yaml"));
    disagree(0);
    const result = await keyward(["apply", plan, ...unasked, ...aws(sandbox)]);
    expect([result.code, result.stdout]).toEqual([
      5,
      expect.stringContaining(`refused: ${key.arn}: Nothing was written. keyward's two engines disagree`),
    ]);
    expect(puts(sandbox)).toBe(0);
  });

  it("after the write: the run stops and says so, and verify does, too", async () => {
    const keys = [keyLine(openPolicy("a")), keyLine(openPolicy("b"))];
    const sandbox = await sandboxWith(keys);
    const changes = keys.map((k) => changeOf(k, closedPolicy("c")));
    const plan = await file("plan.yaml", planText(planOf(changes), "yaml"));
    // As it is, and as it would be.
    disagree(2);
    const result = await keyward(["apply", plan, ...unasked, ...aws(sandbox)]);
    expect(result.code).toBe(5);
    expect(result.stdout).toContain("Written and read back. keyward's two engines disagree about this key");
    expect(result.stdout).toContain("Next: keyward rollback RUN undoes the change.");
    expect(result.stdout).toContain("1 changed, 1 not reached");
    expect(puts(sandbox)).toBe(1);

    const verified = await keyward(["verify", runOf(result), ...aws(sandbox)]);
    expect([verified.code, verified.stdout]).toEqual([
      5,
      expect.stringContaining(
        "keyward's two engines disagree about this key (the reference denies the witness)",
      ),
    ]);
    expect(verified.stdout).toContain("unknown (not-assessed)");

    const again = await keyward(["apply", "--resume", runOf(result), "--dry-run", ...aws(sandbox)]);
    expect(again.code).toBe(5);
  });
});

describe("a manager by IAM policies alone", () => {
  const admin = `arn:aws:iam::${OWNER}:role/Admin-1`;
  const iam: readonly SnapshotLine[] = [
    { type: "account", id: OWNER, iam: { kind: "present" } },
    {
      type: "role",
      arn: admin,
      inlinePolicies: [
        {
          name: "keys",
          text: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}',
        },
      ],
      attachedPolicies: [],
      boundary: null,
      trustPolicy: { kind: "present", text: '{"Version":"2012-10-17","Statement":[]}' },
    },
  ];
  const key = keyLine(
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${OWNER}:root` },
          Action: "kms:*",
          Resource: "*",
          Condition: { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${OWNER}:role/Admin-*` } },
        },
        { Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" },
      ],
    }),
  );

  it("counts where --estate has it, and is not known otherwise", async () => {
    const sandbox = await sandboxWith([key]);
    const snapshot = await snapshotFile("estate.ndjson", ...iam, key);
    const config = await file("keyward.yaml", "trust: {}\n");
    const plan = await planned([snapshot, "--strategy", "remove"], config, "plan.yaml");
    const manageable = plan.changes[0]?.obligations.find((o) => o.id === "manageable");
    expect([manageable?.result, manageable?.details]).toEqual(["proved", [admin]]);
    const apply = ["apply", join(folder, "plan.yaml"), "--dry-run", ...aws(sandbox)];
    const without = await keyward(apply);
    expect([without.code, without.stdout]).toEqual([
      4,
      expect.stringContaining("where IAM policies alone let somebody, --estate SNAPSHOT shows them"),
    ]);
    const result = await keyward([...apply, "--estate", snapshot]);
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining(`would change: ${key.arn}`)]);
  });
});

describe("keys of several snapshots under organizations auto", () => {
  const [first, second] = ["o-aaaaaaaaaa", "o-bbbbbbbbbb"] as const;
  /** Open to both organizations: for each of the keys one of them is outside. */
  const both = (): KeyLine =>
    keyLine(
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${OWNER}:root` },
            Action: "kms:*",
            Resource: "*",
          },
          {
            Effect: "Allow",
            Principal: "*",
            Action: "kms:Decrypt",
            Resource: "*",
            Condition: { StringEquals: { "aws:PrincipalOrgID": [first, second] } },
          },
        ],
      }),
    );
  const [one, two] = [both(), both()];
  const config = (): Promise<string> => file("keyward.yaml", "trust: { organizations: auto }\n");
  const snapshots = async (): Promise<readonly [string, string]> => [
    await snapshotFile("one.ndjson", { type: "organization", id: first }, one),
    await snapshotFile("two.ndjson", { type: "organization", id: second }, two),
  ];

  it("are judged each with the zone of its own snapshot", async () => {
    const plan = await planned(await snapshots(), await config(), "plan.yaml");
    expect(plan.zone.organizations).toEqual([first, second]);
    expect(plan.changes.map((c) => [c.key.arn, c.zone?.organizations])).toEqual([
      [one.arn, [first]],
      [two.arn, [second]],
    ]);
    // Another organization than its own is let in: by the zones of both together nobody would be outside.
    const changes = plan.changes.map((c) => {
      const text = (c.policy?.text ?? "").replace(first, second);
      return c.policy === null ? c : { ...c, policy: { ...c.policy, text, sha256: digest(text) } };
    });
    const wrong = await file("wrong.json", planText({ ...plan, changes }, "json"));
    const sandbox = await sandboxWith([one, two]);
    const applied = await keyward(["apply", wrong, ...unasked, "--keep-going", ...aws(sandbox)]);
    expect(applied.stdout).toContain(
      `done: ${one.arn}: Written and read back; the key is external (exposed).`,
    );
    expect(applied.stdout).toMatch(new RegExp(`done: ${two.arn}: Written and read back; the key is none `));
    expect([applied.code, puts(sandbox)]).toEqual([1, 2]);
    const verified = await keyward(["verify", runOf(applied), ...aws(sandbox)]);
    expect([verified.code, verified.stdout]).toEqual([
      1,
      expect.stringContaining(`as written: ${one.arn}: external (exposed)`),
    ]);
  });

  it("are so in one rollback of several runs", async () => {
    const [a, b] = await snapshots();
    await planned([a], await config(), "one.yaml");
    await planned([b], await config(), "two.yaml");
    const sandbox = await sandboxWith([one, two]);
    for (const plan of ["one.yaml", "two.yaml"]) {
      const applied = await keyward(["apply", join(folder, plan), ...unasked, ...aws(sandbox)]);
      expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    }
    const keys = ["--key", one.arn, "--key", two.arn];
    const back = await keyward(["rollback", ...keys, ...unasked, ...aws(sandbox)]);
    expect(back.code, back.stderr).toBe(0);
    expect(back.stdout.match(/now: {3}\w+/g)).toEqual(["now:   none", "now:   none"]);
    expect(back.stdout.match(/after: \w+/g)).toEqual(["after: external", "after: external"]);
  });
});
