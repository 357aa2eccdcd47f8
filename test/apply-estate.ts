import { createHash, randomUUID } from "node:crypto";
import type { Grant } from "../src/domain/grant.js";
import { grantsDigest } from "../src/repair/digest.js";
import type { KeyChange, PlanFile } from "../src/repair/plan-file.js";
import type { KeyLine, SnapshotLine } from "../src/snapshot/lines.js";
import { snapshotHeader } from "../src/snapshot/write.js";

/** The account of all keys here. */
export const OWNER = "111122223333";

/** SHA-256 of a text. */
export function digest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** A policy that anybody in the world can decrypt with, in a layout that no program would choose. */
export function openPolicy(note: string): string {
  return `{\n\t"Version" : "2012-10-17",  "Id": "${note}",\r\n "Statement": [\n  { "Sid": "Root", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::${OWNER}:root" }, "Action": "kms:*", "Resource": "*" },\n   {"Sid": "World","Effect":"Allow","Principal":"*","Action":["kms:Decrypt"],"Resource":"*"}]\n}\n`;
}

/** The same, closed. */
export function closedPolicy(note: string): string {
  return `{\n\t"Version" : "2012-10-17",  "Id": "${note}",\r\n "Statement": [\n  { "Sid": "Root", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::${OWNER}:root" }, "Action": "kms:*", "Resource": "*" }]\n}\n`;
}

/** An enabled key with that policy. */
export function keyLine(policy: string, grants: readonly Grant[] = [], region = "us-east-1"): KeyLine {
  return {
    type: "key",
    arn: `arn:aws:kms:${region}:${OWNER}:key/${randomUUID()}`,
    manager: "CUSTOMER",
    state: "Enabled",
    policy: { kind: "present", text: policy },
    grants: { kind: "present", items: grants },
  };
}

/** A snapshot of keys. */
export function estate(keys: readonly KeyLine[]): readonly SnapshotLine[] {
  return [snapshotHeader(1_800_000_000_000, "test"), ...keys];
}

/** The policy that a key line has. */
export function policyOf(line: KeyLine): string {
  if (line.policy.kind !== "present") throw new Error("the key has a policy");
  return line.policy.text;
}

/** A plan that puts the policy on the key and revokes the grants, as `keyward plan` would write it. */
export function changeOf(line: KeyLine, policy: string | null, revoke: readonly string[] = []): KeyChange {
  const grants = line.grants?.kind === "present" ? line.grants.items : [];
  return {
    key: { arn: line.arn, aliases: [], state: "Enabled" },
    computedFrom: { policySha256: digest(policyOf(line)), grantsSha256: grantsDigest(grants) },
    exposure: { before: "public", after: "none" },
    strategy: "remove",
    reason: "test",
    statements: [],
    policy:
      policy === null
        ? null
        : {
            text: policy,
            sha256: digest(policy),
            bytes: Buffer.byteLength(policy),
            quota: 32_768,
            diff: "",
          },
    revokeGrants: revoke.map((grantId) => ({
      grantId,
      grantee: "somebody",
      operations: ["Decrypt"],
      name: null,
      issuingAccount: null,
      retiringPrincipal: null,
      constraints: {},
      reason: "test",
      notRestorable: [],
    })),
    loses: [],
    gains: [],
    obligations: [],
    willBreak: [],
    evidence: null,
    managedBy: null,
    notes: [],
  };
}

export function planOf(changes: readonly KeyChange[]): PlanFile {
  return {
    schema: "keyward.plan/1",
    tool: { name: "keyward", version: "test" },
    createdAt: "2026-11-23T10:00:00Z",
    purpose: "close",
    inputs: { estate: ["estate.ndjson"], config: null, usage: null, strategy: "auto" },
    zone: { organizations: [], accounts: [], principals: [], services: [] },
    summary: { changes: changes.length, unchanged: 0, refused: 0 },
    changes: [...changes],
    unchanged: [],
    refused: [],
    notes: [],
  };
}
