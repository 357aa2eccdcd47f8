import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keyward } from "../../../test/io.js";
import { allow, OWNER, ROOT } from "../../../test/judging.js";
import type { PlanFile } from "../../repair/plan-file.js";
import { readPlan } from "../../repair/plan-text.js";

/** What a snapshot says of users and roles of the key's account, in the plan that comes of it. */

const ARN = `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const roleArn = (name: string): string => `arn:aws:iam::${OWNER}:role/${name}`;
type Json = Readonly<Record<string, unknown>>;

const document = (...statements: readonly Json[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const iam = (action: string, more: Json = {}): string =>
  document({ Effect: "Allow", Action: action, Resource: "*", ...more });

function role(name: string, ...policies: readonly string[]): Json {
  return {
    type: "role",
    arn: roleArn(name),
    inlinePolicies: policies.map((text, i) => ({ name: `p${i}`, text })),
    attachedPolicies: [],
    boundary: null,
    trustPolicy: { kind: "present", text: document() },
  };
}
const complete: Json = { type: "account", id: OWNER, iam: { kind: "present" } };

/** A CloudTrail event: the role decrypted. */
function decrypt(name: string, id: number): Json {
  return {
    eventSource: "kms.amazonaws.com",
    eventName: "Decrypt",
    eventTime: `2026-11-0${id}T10:00:00Z`,
    awsRegion: "us-east-1",
    eventID: String(id),
    eventType: "AwsApiCall",
    sourceIPAddress: "203.0.113.9",
    recipientAccountId: OWNER,
    userIdentity: {
      type: "AssumedRole",
      principalId: `AROA${name.toUpperCase()}:s`,
      arn: `arn:aws:sts::${OWNER}:assumed-role/${name}/s`,
      accountId: OWNER,
      sessionContext: {
        sessionIssuer: { type: "Role", principalId: `AROA${name.toUpperCase()}`, arn: roleArn(name) },
      },
    },
    requestParameters: { keyId: ARN },
    resources: [{ ARN, accountId: OWNER }],
  };
}

async function plan(
  policy: string,
  lines: readonly Json[],
  users: readonly string[],
  ...flags: readonly string[]
): Promise<PlanFile> {
  const folder = mkdtempSync(join(tmpdir(), "keyward-plan-iam-"));
  const at = (name: string): string => join(folder, name);
  const snapshot = [
    { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-20T10:00:00Z", tool: "test" },
    ...lines,
    {
      type: "key",
      arn: ARN,
      policy: { kind: "present", text: policy },
      grants: { kind: "present", items: [] },
      state: "Enabled",
    },
  ];
  writeFileSync(at("estate.ndjson"), snapshot.map((l) => `${JSON.stringify(l)}\n`).join(""));
  writeFileSync(at("keyward.yaml"), "trust: {}\n");
  writeFileSync(at("log.json"), JSON.stringify({ Records: users.map((name, i) => decrypt(name, i + 1)) }));
  await keyward(["usage", "--cloudtrail", at("log.json"), "--output", at("usage.ndjson")]);
  const evidence = users.length === 0 ? [] : ["--usage", at("usage.ndjson")];
  const args = ["plan", at("estate.ndjson"), "--config", at("keyward.yaml"), ...evidence, ...flags];
  const { stderr } = await keyward([...args, "--output", at("plan.json")]);
  const read = readPlan(readFileSync(at("plan.json"), "utf8"), "plan.json");
  if (!read.ok) throw new Error(stderr);
  return read.value;
}

describe("users and roles of a snapshot, in a plan", () => {
  const open = document(ROOT, allow("*", "kms:Decrypt"));
  const mfa = { Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } };

  test("say which observed use still works by the callers' own policies, and which does not", async () => {
    const users = ["Allowed", "Bare", "Conditional", "Denied", "Unread"];
    const lines = [
      complete,
      role("Allowed", iam("kms:Decrypt")),
      role("Bare"),
      role("Conditional", iam("kms:Decrypt", mfa)),
      role("Denied", iam("kms:*"), document({ Effect: "Deny", Action: "kms:Decrypt", Resource: "*" })),
    ];
    const { changes } = await plan(open, lines, users, "--strategy", "remove");
    const [change] = changes;
    expect(change?.exposure).toEqual({ before: "public", after: "none" });
    const why = new Map(change?.willBreak.map((u) => [u.principal, u.why]));
    expect(why).toEqual(
      new Map([
        [roleArn("Bare"), "its own IAM policies would have to allow it from then on, and they do not"],
        [
          roleArn("Conditional"),
          "its own IAM policies would have to allow it from then on, and they do so only under conditions",
        ],
        [roleArn("Denied"), "its own IAM policies would have to allow it from then on, and they do not"],
        [
          roleArn("Unread"),
          "its own IAM policies would have to allow it from then on, and it is not among the users and roles that were read",
        ],
      ]),
    );
  });

  test("that were not read leave it open, for everybody", async () => {
    const { changes } = await plan(open, [], ["Allowed"], "--strategy", "remove");
    expect(changes[0]?.willBreak.map((u) => u.why)).toEqual([
      "allowed only if its own IAM policies allow it, which were not read",
    ]);
  });

  test("of which not all were read do not say that somebody is not there", async () => {
    const partly = { ...complete, iam: { kind: "unreadable", code: "AccessDenied" } };
    const { changes } = await plan(open, [partly, role("Bare")], ["Bare", "Unread"], "--strategy", "remove");
    expect(new Map(changes[0]?.willBreak.map((u) => [u.principal, u.why]))).toEqual(
      new Map([
        [roleArn("Bare"), "its own IAM policies would have to allow it from then on, and they do not"],
        [roleArn("Unread"), "allowed only if its own IAM policies allow it, which were not read"],
      ]),
    );
  });

  test("decide between strategies: what their policies allow need not be named", async () => {
    const { changes } = await plan(open, [complete, role("Allowed", iam("kms:Decrypt"))], ["Allowed"]);
    expect(changes[0]?.willBreak).toEqual([]);
    expect(changes[0]?.obligations.find((o) => o.id === "use-kept")?.result).toBe("proved");
  });
});

describe("who manages the key, as the snapshot's IAM has it", () => {
  const named = document(
    { ...allow({ AWS: roleArn("Admin") }, "kms:*"), Sid: "Admin" },
    allow("*", "kms:Decrypt"),
  );
  const manageable = (p: PlanFile): readonly string[] | undefined =>
    p.changes[0]?.obligations.find((o) => o.id === "manageable")?.details;

  test("a role that the policy names and that is there", async () => {
    const made = await plan(named, [complete, role("Admin")], [], "--strategy", "remove");
    expect(manageable(made)).toEqual([roleArn("Admin")]);
  });

  test("a role that the policy names and that is gone: the key is not changed", async () => {
    const made = await plan(named, [complete, role("Other", iam("kms:*"))], [], "--strategy", "remove");
    expect(made.changes).toEqual([]);
    expect(made.refused.map((r) => [r.kind, r.key.arn])).toEqual([["safety", ARN]]);
    expect(made.refused[0]?.next).not.toBe("");
  });
});
