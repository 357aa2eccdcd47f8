import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Grant } from "../src/domain/grant.js";
import { analyze } from "../src/access/analyze.js";
import type { AccessMatrix } from "../src/access/matrix.js";
import { parsePolicy } from "../src/policy/parse.js";
import { readSnapshot } from "../src/snapshot/read.js";
import { snapshotHeader } from "../src/snapshot/write.js";
import { keyward } from "./io.js";
import {
  account,
  allow,
  ARN,
  FRIEND,
  keyOf,
  NOW,
  OWNER,
  policyText,
  ROOT,
  STRANGER,
  root,
} from "./judging.js";

/** Names that every JavaScript object has, chosen by somebody else for what keyward reads. */
const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty"] as const;
const pair = (name: string, value = "x"): Record<string, string> => Object.fromEntries([[name, value]]);

async function read(line: object): Promise<string> {
  const text = [snapshotHeader(NOW * 1000, "test"), line].map((l) => `${JSON.stringify(l)}\n`).join("");
  const lines: unknown[] = [];
  for await (const got of readSnapshot(Readable.from([Buffer.from(text)]), "s")) lines.push(got);
  return JSON.stringify(lines[1]);
}

function outside(policy: string, grants: readonly Grant[] = []): AccessMatrix {
  const { facts } = keyOf(policy);
  return analyze({
    facts,
    policy: parsePolicy(policy, { kind: "key", partition: "aws" }),
    grants,
    resourceControlPolicies: [],
    zone: { organizations: [], accounts: [account(FRIEND)], principals: [], services: [] },
    organizationOf: new Map(),
    now: NOW,
    scope: "outside",
  });
}

describe.each(NAMES)("the name %s", (name) => {
  const grant: Grant = {
    GrantId: "a".repeat(64),
    GranteePrincipal: root(STRANGER),
    Operations: ["Decrypt"],
    Constraints: { EncryptionContextEquals: pair(name) },
  };

  test("of a tag or of a pair of a grant stays when a snapshot is read", async () => {
    const key = {
      type: "key",
      arn: ARN,
      tags: pair(name),
      policy: { kind: "present", text: policyText() },
      grants: { kind: "present", items: [grant] },
    };
    expect(await read(key)).toBe(JSON.stringify(key));
    // Grants that were read in part are left to the schema.
    const partly = { ...key, grants: { kind: "unreadable", code: "AccessDenied", items: [grant] } };
    expect(await read(partly)).toBe(JSON.stringify(partly));
    const role = { type: "role", arn: `arn:aws:iam::${OWNER}:role/R`, tags: pair(name) };
    expect(await read(role)).toBe(JSON.stringify(role));
  });

  test("of a pair that a grant asks for is in the proof", () => {
    const { accesses, disagreements, undecided } = outside(policyText(), [grant]);
    expect([disagreements, undecided]).toEqual([[], []]);
    expect(accesses.map((a) => [a.certainty, a.witness.request.encryptionContext])).toEqual([
      ["certain", pair(name)],
    ]);
    expect(JSON.stringify(accesses[0]?.witness.request.encryptionContext)).toBe(JSON.stringify(pair(name)));
  });

  test("of a pair that a condition asks for is in the proof", () => {
    const Condition = { StringEquals: pair(`kms:EncryptionContext:${name}`) };
    const { accesses, disagreements, undecided } = outside(
      policyText(allow("*", "kms:Decrypt", { Condition })),
    );
    expect([disagreements, undecided]).toEqual([[], []]);
    expect(JSON.stringify(accesses[0]?.witness.request.encryptionContext)).toBe(JSON.stringify(pair(name)));
  });

  test("of a condition key that AWS does not have breaks nothing", () => {
    const conditions = { StringEquals: pair(name), StringNotEquals: pair(`aws:PrincipalTag/${name}`) };
    const { disagreements } = outside(policyText(allow("*", "kms:Decrypt", { Condition: conditions })));
    expect(disagreements).toEqual([]);
  });

  test("is that of a pair or key of a simulated request, too", async () => {
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        ROOT,
        allow({ AWS: root(STRANGER) }, "kms:Decrypt", {
          Condition: { StringEquals: pair(`kms:EncryptionContext:${name}`) },
        }),
      ],
    });
    const ask = async (...more: readonly string[]): Promise<unknown> => {
      const request = ["--principal", `arn:aws:iam::${STRANGER}:role/R`, "--action", "kms:Decrypt", ...more];
      return (
        await keyward(["simulate", "-", "--account", OWNER, "--identity", "allow", ...request], {
          stdin: policy,
        })
      ).code;
    };
    expect(await ask()).not.toBe(0);
    expect(await ask("--encryption-context", `${name}=x`)).toBe(0);
    expect(await ask("--encryption-context", `${name}=y`)).not.toBe(0);
    expect(
      await ask("--encryption-context", `${name}=x`, "--context", `${name}=1`, "--context", `${name}=2`),
    ).toBe(0);
  });
});
