import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { KeyChange } from "../../src/repair/plan-file.js";
import { planText, readPlan } from "../../src/repair/plan-text.js";
import type { Sandbox } from "../../src/sandbox/index.js";
import { startSandbox } from "../../src/sandbox/index.js";
import type { KeyLine, SnapshotLine } from "../../src/snapshot/lines.js";
import {
  OWNER,
  changeOf,
  closedPolicy,
  estate,
  keyLine,
  openPolicy,
  planOf,
  policyOf,
} from "../apply-estate.js";
import type { Outcome } from "../io.js";
import { keyward as keywardIn } from "../io.js";
import { permits } from "../exposed.js";
import { shippedSchema } from "../shipped-schema.js";

/** Whole ways: policies of the cases there and back, rehearsal, and verify with evidence. */

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
  folder = await mkdtemp(join(tmpdir(), "keyward-verify-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function keyward(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return await keywardIn(args, { now: Date.now() });
  } finally {
    process.env = before;
  }
}

async function sandboxWith(keys: readonly KeyLine[]): Promise<Sandbox> {
  const sandbox = await startSandbox({ snapshot: estate(keys) });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

function ndjson(lines: Iterable<SnapshotLine>): string {
  return [...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

const aws = (sandbox: Sandbox): readonly string[] => [
  "--journal",
  join(folder, "journal"),
  "--endpoint-url",
  sandbox.url,
];
const unasked = ["--yes", "--max-keys", "500"];

const PLAIN_ROOT = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::${OWNER}:root"},"Action":"kms:*","Resource":"*"}`;

const HEADER: SnapshotLine = {
  type: "snapshot",
  schema: "keyward.snapshot/1",
  createdAt: "2026-11-23T10:00:00Z",
  tool: "test",
};
const ROLE = `arn:aws:iam::${OWNER}:role/Reports`;
const OUTSIDER = "arn:aws:iam::444455556666:role/Partner";

/** A policy that lets a role in by name and not through IAM, with what everybody may do. */
function withRole(...more: readonly string[]): string {
  return `{"Version":"2012-10-17","Statement":[${[PLAIN_ROOT, ...more].join(",")}]}`;
}
const world = '{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}';

interface Use {
  readonly principal: string;
  readonly account: string;
  readonly action?: string;
  readonly via?: string;
  readonly outcome?: unknown;
}

function usageText(key: string, uses: readonly Use[]): string {
  const lines = [
    { type: "usage-file", schema: "keyward.usage/1", createdAt: "2026-11-23T10:00:00Z", tool: "test" },
    {
      type: "usage-coverage",
      coverage: {
        sources: [],
        trails: [],
        gaps: [],
        gapCount: 0,
        files: 1,
        records: 1,
        kmsEvents: 1,
        unattributed: 0,
        omitted: 0,
        notDeduplicated: 0,
      },
    },
    {
      type: "usage",
      key,
      entries: uses.map((u) => ({
        principal: { kind: "role", arn: u.principal },
        account: u.account,
        ...(u.via === undefined ? {} : { via: u.via }),
        action: u.action ?? "kms:Decrypt",
        contextKeys: [],
        sourceNetwork: { kind: "public-address" },
        outcome: u.outcome ?? { kind: "allowed" },
        count: 7,
        firstSeen: "2026-11-20T10:00:00Z",
        lastSeen: "2036-11-22T10:00:00Z",
      })),
      omitted: 0,
    },
    { type: "usage-end", keys: 1 },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

describe("a rehearsal", () => {
  async function rehearse(key: KeyLine, change: KeyChange, uses: readonly Use[]): Promise<[Outcome, string]> {
    const snapshot = await file("estate.ndjson", ndjson(estate([key])));
    const usage = await file("usage.ndjson", usageText(key.arn, uses));
    const path = await file("plan.yaml", planText(planOf([change]), "yaml"));
    return [await keyward(["apply", path, "--rehearse", snapshot, "--usage", usage]), path];
  }

  it("passes where every observed request stays allowed, and stands in the plan then", async () => {
    const key = keyLine(withRole(world));
    const [result, path] = await rehearse(key, changeOf(key, withRole()), [
      { principal: ROLE, account: OWNER },
    ]);
    expect([result.code, result.stderr]).toEqual([0, ""]);
    expect(result.stdout).toContain("7 still are");
    const plan = readPlan(await readFile(path, "utf8"), path);
    const validate = shippedSchema("plan");
    validate(plan.ok ? plan.value : plan.error);
    expect(validate.errors ?? []).toEqual([]);
    expect(plan.ok && plan.value.rehearsal).toMatchObject({
      schema: "keyward.rehearsal/1",
      passed: true,
      exposedAfter: 0,
      keys: [{ key: key.arn, outcome: "done" }],
      uses: { kept: 7, broken: [] },
      rollback: { identical: 1, different: [] },
    });
  });

  it("does not pass where a request that nobody foresaw is refused afterwards", async () => {
    const key = keyLine(withRole(world));
    const [result] = await rehearse(key, changeOf(key, withRole()), [
      { principal: OUTSIDER, account: "444455556666" },
    ]);
    expect(result.code).toBe(4);
    expect(result.stdout).toContain(`will be refused: kms:Decrypt on ${key.arn} by ${OUTSIDER}, 7 times`);
    expect(result.stdout).toContain("(NOT foreseen by the plan)");
  });

  it("passes where the plan said so", async () => {
    const key = keyLine(withRole(world));
    const change: KeyChange = {
      ...changeOf(key, withRole()),
      willBreak: [
        {
          principal: OUTSIDER,
          account: "444455556666",
          via: null,
          action: "kms:Decrypt",
          contextKeys: [],
          count: 7,
          firstSeen: "2026-11-20T10:00:00Z",
          lastSeen: "2026-11-22T10:00:00Z",
          trusted: false,
          why: "test",
        },
      ],
    };
    const [result] = await rehearse(key, change, [{ principal: OUTSIDER, account: "444455556666" }]);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("(foreseen by the plan)");
  });

  it("does not take what a plan says of one role for a word about another one of its account", async () => {
    const key = keyLine(withRole(world));
    const foreseen = {
      ...{ principal: `${ROLE}Daily`, account: OWNER, via: null, action: "kms:Decrypt", contextKeys: [] },
      ...{
        count: 7,
        firstSeen: "2026-11-20T10:00:00Z",
        lastSeen: "2026-11-22T10:00:00Z",
        trusted: true,
        why: "",
      },
    };
    const closed = withRole().replace('"kms:*"', '["kms:P*","kms:G*","kms:L*","kms:Cancel*"]');
    const change = { ...changeOf(key, closed), willBreak: [foreseen] };
    const [result] = await rehearse(key, change, [{ principal: ROLE, account: OWNER }]);
    expect([result.code, result.stdout]).toEqual([4, expect.stringContaining("(NOT foreseen by the plan)")]);
  });

  it("replays grants that a service made for a resource as such", async () => {
    const key = keyLine(withRole(world.replace("kms:Decrypt", "kms:CreateGrant")));
    const bound = world
      .replace("kms:Decrypt", "kms:CreateGrant")
      .replace('"*"', `{"AWS":"${ROLE}"}`)
      .replace(/\}$/, ',"Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}');
    const use = { principal: ROLE, account: OWNER, action: "kms:CreateGrant", via: "ebs.amazonaws.com" };
    const closed = withRole(bound).replace('"kms:*"', '["kms:P*","kms:G*","kms:L*","kms:Revoke*"]');
    const [result] = await rehearse(key, changeOf(key, closed), [use]);
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining("7 still are")]);
  });

  it("shows a change that AWS would refuse", async () => {
    const key = keyLine(openPolicy("x"));
    const policy = closedPolicy("x").replace(
      `"AWS": "arn:aws:iam::${OWNER}:root"`,
      `"AWS": ["arn:aws:iam::${OWNER}:root", "AROAAAAAAAAAAAAAAAAAA"]`,
    );
    const [result] = await rehearse(key, changeOf(key, policy), []);
    expect(result.code).toBe(2);
    expect(result.stdout).toContain("MalformedPolicyDocumentException");
  });
});

/** A call of the key that was allowed, as CloudTrail writes it. */
function record(key: string, more: Readonly<Record<string, unknown>>): unknown {
  return {
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::${OWNER}:user/eve`, accountId: OWNER },
    eventTime: "2046-01-01T00:00:00Z",
    eventSource: "kms.amazonaws.com",
    eventName: "DescribeKey",
    awsRegion: "us-east-1",
    requestParameters: { keyId: key },
    eventID: "00000000-0000-4000-a000-000000000008",
    resources: [{ accountId: OWNER, type: "AWS::KMS::Key", ARN: key }],
    recipientAccountId: OWNER,
    ...more,
  };
}

describe("verify", () => {
  const denied = { kind: "denied", code: "AccessDenied", effect: "implicit", policy: "resource" };

  async function applied(sandbox: Sandbox, change: KeyChange): Promise<string> {
    const path = await file("plan.yaml", planText(planOf([change]), "yaml"));
    const result = await keyward(["apply", path, ...unasked, ...aws(sandbox)]);
    expect(result.code).toBe(0);
    return /run (\S+)/.exec(result.stderr)?.[1] ?? "";
  }

  it("tells who was shut out and how to let them in again, and does not mourn outsiders", async () => {
    const key = keyLine(withRole(world));
    const sandbox = await sandboxWith([key]);
    const run = await applied(sandbox, changeOf(key, withRole()));
    const usage = await file(
      "usage.ndjson",
      usageText(key.arn, [
        { principal: ROLE, account: OWNER, outcome: denied },
        { principal: OUTSIDER, account: "444455556666", outcome: denied },
      ]),
    );
    const result = await keyward(["verify", run, ...aws(sandbox), "--usage", usage]);
    expect(result.code).toBe(3);
    expect(result.stdout).toContain(`as written: ${key.arn}: none (clear)`);
    expect(result.stdout).toContain(`shut out (NOT foreseen): ${ROLE}: kms:Decrypt on ${key.arn}, 7 times`);
    expect(result.stdout).toContain(`kept out, as meant: ${OUTSIDER}`);
    expect(result.stdout).toContain(`--readd --key ${key.arn}`);
    expect(result.stdout).toContain(`keyward rollback ${run} --key ${key.arn}`);
  });

  it("does not take what the plan says of one role for a word about one whose name begins alike", async () => {
    const key = keyLine(withRole(world));
    const sandbox = await sandboxWith([key]);
    const foreseen = {
      ...{ principal: `${ROLE}Daily`, account: OWNER, via: null, action: "kms:Decrypt", contextKeys: [] },
      ...{
        count: 7,
        firstSeen: "2026-11-20T10:00:00Z",
        lastSeen: "2026-11-22T10:00:00Z",
        trusted: true,
        why: "",
      },
    };
    const run = await applied(sandbox, { ...changeOf(key, withRole()), willBreak: [foreseen] });
    const uses = [ROLE, `${ROLE}Daily`].map((principal) => ({ principal, account: OWNER, outcome: denied }));
    const usage = await file("usage.ndjson", usageText(key.arn, uses));
    const result = await keyward(["verify", run, ...aws(sandbox), "--usage", usage]);
    expect(result.code).toBe(3);
    expect(result.stdout).toContain(`shut out (NOT foreseen): ${ROLE}: kms:Decrypt`);
    expect(result.stdout).toContain(`shut out (foreseen by the plan): ${ROLE}Daily: kms:Decrypt`);
  });

  it("reads CloudTrail's own files, and only what came after the change", async () => {
    const key = keyLine(withRole(world));
    const sandbox = await sandboxWith([key]);
    const run = await applied(sandbox, changeOf(key, withRole()));
    const event = (name: string, at: string, id: string): unknown => ({
      eventVersion: "1.11",
      userIdentity: {
        type: "AssumedRole",
        principalId: "AROAREPORTSEXAMPLE:s",
        accountId: OWNER,
        arn: `arn:aws:sts::${OWNER}:assumed-role/${name}/s`,
        sessionContext: {
          sessionIssuer: {
            type: "Role",
            principalId: "AROAREPORTSEXAMPLE",
            arn: `arn:aws:iam::${OWNER}:role/${name}`,
            accountId: OWNER,
            userName: name,
          },
        },
      },
      eventTime: at,
      eventSource: "kms.amazonaws.com",
      eventName: "Decrypt",
      awsRegion: "us-east-1",
      sourceIPAddress: "192.0.2.10",
      userAgent: "x",
      errorCode: "AccessDenied",
      errorMessage:
        "User is not authorized to perform: kms:Decrypt because no resource-based policy allows the kms:Decrypt action",
      requestParameters: { keyId: key.arn, encryptionAlgorithm: "SYMMETRIC_DEFAULT" },
      responseElements: null,
      requestID: id,
      eventID: id,
      readOnly: true,
      resources: [{ accountId: OWNER, type: "AWS::KMS::Key", ARN: key.arn }],
      eventType: "AwsApiCall",
      managementEvent: true,
      recipientAccountId: OWNER,
      eventCategory: "Management",
    });
    await file(
      "log.json",
      JSON.stringify({
        Records: [
          event("Before", "2020-01-01T00:00:00Z", "00000000-0000-4000-a000-000000000001"),
          event("After", "2046-01-01T00:00:00Z", "00000000-0000-4000-a000-000000000002"),
        ],
      }),
    );
    const result = await keyward([
      "verify",
      run,
      ...aws(sandbox),
      "--cloudtrail",
      join(folder, "log.json"),
      "--denied",
      join(folder, "denied.ndjson"),
    ]);
    expect(result.stdout).toContain("role/After");
    expect(result.stdout).not.toContain("role/Before");
    expect(await readFile(join(folder, "denied.ndjson"), "utf8")).toContain("role/After");
    expect(result.code).toBe(3);
  });

  it("looks into the event history, lets exactly whom it finds in again, and knows members of the organization", async () => {
    const key = keyLine(withRole(world));
    const member = "333344445555";
    const organization: SnapshotLine = {
      type: "organization",
      id: "o-own1234567",
      accounts: [
        { id: OWNER, path: "o-own1234567/r-ab12/" },
        { id: member, path: "o-own1234567/r-ab12/" },
      ],
    };
    const snapshot = await file("estate.ndjson", ndjson([HEADER, organization, key]));
    const callers = {
      AKIAREADERREADER0001: {
        arn: `arn:aws:sts::${member}:assumed-role/Reader/s`,
        context: { "kms:ViaService": "s3.us-east-1.amazonaws.com", "aws:ViaAWSService": "true" },
      },
      AKIATHIEFTHIEFTHI001: { arn: "arn:aws:sts::444455556666:assumed-role/Thief/s" },
    };
    const sandbox = await startSandbox({ snapshot, callers });
    onTestFinished(() => sandbox.close());
    const config = await file("keyward.yaml", "trust: { organizations: [o-own1234567] }\n");
    const path = join(folder, "plan.yaml");
    const planning = ["plan", snapshot, "--config", config, "--strategy", "remove", "--output", path];
    expect((await keyward(planning)).code).toBe(0);
    const applied = await keyward(["apply", path, ...unasked, ...aws(sandbox), "--estate", snapshot]);
    expect(applied.code).toBe(0);
    const run = /run (\S+)/.exec(applied.stderr)?.[1] ?? "";
    for (const accessKey of Object.keys(callers)) {
      expect(await permits(sandbox.url, key.arn, "kms:GenerateDataKey", accessKey)).toBe(false);
      expect(await permits(sandbox.url, key.arn, "kms:Decrypt", accessKey)).toBe(false);
    }
    // The caller's trail has a denial, the key's owner's has not: a member's evidence is its own.
    const own = await keyward([...["verify", run, ...aws(sandbox), "--lookup-events", "--estate", snapshot]]);
    expect([own.code, own.stdout], own.stderr).toEqual([
      0,
      expect.stringContaining("Nobody was seen to be denied"),
    ]);
    const usage = await keyward(
      [
        ...["usage", "--lookup-events", "--region", "us-east-1", "--endpoint-url", sandbox.url],
        ...["--output", join(folder, "member.ndjson")],
      ],
      { AWS_ACCESS_KEY_ID: `AKIA${member}` },
    );
    expect(usage.code, usage.stderr).toBe(0);
    const told = await keyward([
      ...["verify", run, ...aws(sandbox), "--usage", join(folder, "member.ndjson"), "--estate", snapshot],
    ]);
    expect(told.code).toBe(3);
    expect(told.stdout).toContain(
      `shut out (NOT foreseen): arn:aws:iam::${member}:role/Reader: kms:Decrypt through s3.amazonaws.com`,
    );
    expect(told.stdout).not.toContain("Thief");

    // What would let exactly them in again is a plan that passes its proofs and can be carried out.
    const now = await file("now.ndjson", ndjson(sandbox.snapshot()));
    const readd = join(folder, "readd.yaml");
    const again = await keyward([
      ...["plan", now, "--config", config, "--usage", join(folder, "member.ndjson"), "--readd"],
      ...["--key", key.arn, "--output", readd],
    ]);
    expect(again.code, again.stdout).toBe(0);
    const plan = readPlan(await readFile(readd, "utf8"), readd);
    if (!plan.ok) throw new Error(plan.error.what);
    const [change] = plan.value.changes;
    expect(change?.obligations.filter((o) => o.result === "failed")).toEqual([]);
    expect(change?.exposure.after).toBe("none");
    const added = JSON.parse(change?.policy?.text ?? "{}") as { Statement: Record<string, unknown>[] };
    expect(added.Statement.at(-1)).toMatchObject({
      Principal: { AWS: `arn:aws:iam::${member}:role/Reader` },
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
    });
    expect((await keyward(["apply", readd, ...unasked, ...aws(sandbox), "--estate", snapshot])).code).toBe(0);
    expect(await permits(sandbox.url, key.arn, "kms:Decrypt", "AKIAREADERREADER0001")).toBe(true);
    expect(await permits(sandbox.url, key.arn, "kms:Decrypt", "AKIATHIEFTHIEFTHI001")).toBe(false);
  });

  it.each<[string, (key: string) => unknown, string]>([
    [
      "of another account",
      (key) => ({ Records: [record(key, { recipientAccountId: "333344445555" })] }),
      `There is no evidence from the trail of account ${OWNER} in us-east-1`,
    ],
    [
      "with a denial that names no key",
      (key) => ({
        Records: [
          record(key, {}),
          record(key, {
            eventID: "00000000-0000-4000-a000-000000000009",
            errorCode: "AccessDenied",
            requestParameters: { keyId: "alias/unknown" },
            resources: [],
          }),
        ],
      }),
      "1 calls of KMS do not tell on which key they were",
    ],
    ["cut off", (key) => JSON.stringify({ Records: [record(key, {})] }).slice(0, -2), "could not be used"],
  ])("says that nobody was seen, and what it has not seen, of evidence %s", async (_what, log, caveat) => {
    const key = keyLine(withRole(world));
    const sandbox = await sandboxWith([key]);
    const run = await applied(sandbox, changeOf(key, withRole()));
    const content = log(key.arn);
    await file("log.json", typeof content === "string" ? content : JSON.stringify(content));
    const result = await keyward(["verify", run, ...aws(sandbox), "--cloudtrail", join(folder, "log.json")]);
    expect(result.stdout).toContain("Nobody was seen to be denied");
    expect(result.stdout).toContain(`not covered by the evidence: `);
    expect(result.stdout).toContain(caveat);
    expect(result.code).toBe(3);
  });

  it("takes what exceptions leave for planned", async () => {
    const bank = "444455556666";
    const key = keyLine(
      withRole(
        world,
        `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::${bank}:root"},"Action":"kms:Encrypt","Resource":"*"}`,
      ),
    );
    const snapshot = await file("estate.ndjson", ndjson([HEADER, key]));
    const sandbox = await startSandbox({ snapshot });
    onTestFinished(() => sandbox.close());
    const config = await file(
      "keyward.yaml",
      `exceptions:\n  - { key: "${key.arn}", rule: external-access, who: "${bank}", reason: r, owner: o, expires: 2099-03-31 }\n`,
    );
    const path = join(folder, "plan.yaml");
    expect((await keyward(["plan", snapshot, "--config", config, "--output", path])).code).toBe(0);
    const result = await keyward(["apply", path, ...unasked, ...aws(sandbox)]);
    expect([result.code, result.stdout]).toEqual([
      0,
      expect.stringContaining("is external (exposed), as the plan says: exceptions let somebody stay"),
    ]);
    const run = /run (\S+)/.exec(result.stderr)?.[1] ?? "";
    const verified = await keyward(["verify", run, ...aws(sandbox)]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("as planned")]);
  });

  it("sees a key that somebody has opened again, and says what it does not know", async () => {
    const key = keyLine(openPolicy("again"));
    const sandbox = await sandboxWith([key]);
    const run = await applied(sandbox, changeOf(key, closedPolicy("again")));
    const quiet = await keyward(["verify", run, ...aws(sandbox)]);
    expect(quiet.code).toBe(0);
    expect(quiet.stdout).toContain("No evidence was named");
    expect((await keyward(["rollback", run, ...unasked, ...aws(sandbox)])).code).toBe(0);
    const open = await keyward(["verify", run, ...aws(sandbox)]);
    expect(open.code).toBe(1);
    expect(open.stdout).toContain(`changed since: ${key.arn}: public (exposed)`);
    sandbox.setFaults(["GetKeyPolicy=AccessDeniedException"]);
    const unread = await keyward(["verify", run, ...aws(sandbox)]);
    expect(unread.code).toBe(3);
    expect(unread.stdout).toMatch(
      /^not read: arn:\S+: kms:GetKeyPolicy: AccessDeniedException: .*[^.]\. Next: Permit kms:GetKeyPolicy/m,
    );
  });
});

describe("a rollback of what keyward has not changed", () => {
  const event = (key: string, at: string, policy: string): unknown => ({
    eventVersion: "1.11",
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::${OWNER}:user/eve`, accountId: OWNER },
    eventTime: at,
    eventSource: "kms.amazonaws.com",
    eventName: "PutKeyPolicy",
    awsRegion: "us-east-1",
    requestParameters: { keyId: key, policyName: "default", policy },
    responseElements: null,
    eventID: "00000000-0000-4000-a000-000000000003",
    resources: [{ accountId: OWNER, type: "AWS::KMS::Key", ARN: key }],
    recipientAccountId: OWNER,
  });

  it("takes the policy before the present one from CloudTrail's logs", async () => {
    const key = keyLine(openPolicy("now"));
    const sandbox = await sandboxWith([key]);
    const log = await file(
      "trail.json",
      JSON.stringify({
        Records: [
          event(key.arn, "2026-11-20T10:00:00Z", closedPolicy("long ago")),
          event(key.arn, "2026-11-21T10:00:00Z", closedPolicy("before")),
          event(key.arn, "2026-11-22T10:00:00Z", openPolicy("now")),
        ],
      }),
    );
    const from = ["rollback", "--key", key.arn, "--from", "cloudtrail", "--cloudtrail", log];
    const policy = (): string => policyOf([...sandbox.snapshot()].find((l) => l.type === "key") as KeyLine);
    const back = await keyward([...from, ...unasked, ...aws(sandbox)]);
    expect(back.code, back.stderr).toBe(0);
    expect(policy()).toBe(closedPolicy("before"));
    expect(back.stdout).toContain(`PutKeyPolicy by arn:aws:iam::${OWNER}:user/eve at 2026-11-21T10:00:00Z`);
    const earlier = await keyward([...from, "--at", "2026-11-20T12:00:00Z", ...unasked, ...aws(sandbox)]);
    expect(earlier.code).toBe(0);
    expect(policy()).toBe(closedPolicy("long ago"));
    const never = await keyward([...from, "--at", "2026-11-01T12:00:00Z", ...unasked, ...aws(sandbox)]);
    expect([never.code, never.stderr]).toEqual([2, expect.stringContaining("holds no former policy")]);
    expect((await keyward(["journal", "verify", "--journal", join(folder, "journal")])).code).toBe(0);
  });

  it("takes the policy from what AWS Config has recorded, and from the event history", async () => {
    const key = keyLine(closedPolicy("before"));
    const sandbox = await sandboxWith([key]);
    const policy = (): string => policyOf([...sandbox.snapshot()].find((l) => l.type === "key") as KeyLine);
    const put = await file("open.json", openPolicy("é now"));
    const one = ["rollback", "--key", key.arn, ...unasked, ...aws(sandbox)];
    expect((await keyward([...one, "--policy", put])).code).toBe(0);
    const items = [
      ["2026-11-20T10:00:00.000Z", closedPolicy("config")],
      ["2026-11-21T10:00:00.000Z", openPolicy("é now")],
    ].map(([configurationItemCaptureTime, text]) => ({
      resourceType: "AWS::KMS::Key",
      ARN: key.arn,
      configurationItemCaptureTime,
      supplementaryConfiguration: { Policy: text },
    }));
    const history = await file("history.json", JSON.stringify({ configurationItems: items }));
    // The sandbox has no AWS Config: what can be done instead is said.
    const asked = await keyward([...one, "--from", "config"]);
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("--config-history")]);
    const back = await keyward([...one, "--from", "config", "--config-history", history]);
    expect([back.code, back.stdout]).toEqual([0, expect.stringContaining("ConfigurationItem by AWS Config")]);
    expect(policy()).toBe(closedPolicy("config"));
    // The event history has both writes: the one before the present policy is the open one.
    const again = await keyward([...one, "--from", "cloudtrail"]);
    expect(again.code, again.stderr).toBe(0);
    expect(policy()).toBe(openPolicy("é now"));
  });

  it("takes the policy from a file", async () => {
    const key = keyLine(openPolicy("now"));
    const sandbox = await sandboxWith([key]);
    const saved = await file("policy.json", closedPolicy("file"));
    const back = await keyward([
      "rollback",
      "--key",
      key.arn,
      "--policy",
      saved,
      ...unasked,
      ...aws(sandbox),
    ]);
    expect(back.code, back.stderr).toBe(0);
    expect(policyOf([...sandbox.snapshot()].find((l) => l.type === "key") as KeyLine)).toBe(
      closedPolicy("file"),
    );
  });
});

describe("plan, rehearse, apply, verify, rollback of the sample estate", () => {
  it("closes what was planned in both accounts, through a role, and comes back byte for byte", async () => {
    const example = (name: string): string =>
      fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
    const snapshot = example("estate.ndjson");
    const path = join(folder, "plan.yaml");
    await keyward(["plan", snapshot, "--config", example("keyward.yaml"), "--output", path]);
    const read = readPlan(await readFile(path, "utf8"), path);
    if (!read.ok) throw new Error(read.error.what);
    const changed = read.value.changes.map((c) => c.key.arn);
    expect(changed.length).toBeGreaterThan(4);
    expect(new Set(changed.map((arn) => arn.split(":")[4])).size).toBe(2);
    const rehearsed = await keyward(["apply", path, "--rehearse", snapshot]);
    expect(rehearsed.code, rehearsed.stdout).toBe(0);

    const sandbox = await startSandbox({ snapshot });
    onTestFinished(() => sandbox.close());
    const lines = (): ReadonlyMap<string, KeyLine> =>
      new Map([...sandbox.snapshot()].flatMap((l) => (l.type === "key" ? [[l.arn, l] as const] : [])));
    const before = lines();
    const common = [...aws(sandbox), "--role", "KeyAdmin", "--estate", snapshot];
    const applied = await keyward(["apply", path, ...unasked, ...common]);
    expect(applied.code, applied.stdout.slice(-1500) + applied.stderr).toBe(0);
    const run = /run (\S+)/.exec(applied.stderr)?.[1] ?? "";
    expect((await keyward(["verify", run, ...common])).code).toBe(0);
    const after = lines();
    for (const { key, policy } of read.value.changes) {
      const line = after.get(key.arn);
      if (line !== undefined && policy !== null) expect(policyOf(line)).toBe(policy.text);
    }
    const back = await keyward(["rollback", run, ...unasked, ...common]);
    expect(back.code, back.stdout.slice(-1500)).toBe(0);
    for (const [arn, line] of lines()) expect(line.policy).toEqual(before.get(arn)?.policy);
  });
});
