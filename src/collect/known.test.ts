import { describe, expect, it } from "vitest";
import type { SnapshotLine } from "../snapshot/lines.js";
import { Known } from "./known.js";

const A = "111122223333";
const B = "222233334444";
const DETAILS = { tags: false, rotation: false, lastUsage: false };
const role = (account: string): SnapshotLine => ({ type: "role", arn: `arn:aws:iam::${account}:role/R` });
const account = (id: string): SnapshotLine => ({ type: "account", id, iam: { kind: "present" } });
const key = (id: string): SnapshotLine => ({
  type: "key",
  arn: `arn:aws:kms:us-east-1:${id}:key/12345678-1234-1234-1234-123456789012`,
  policy: { kind: "unreadable", code: "Interrupted" },
});
const AWS_POLICY: SnapshotLine = {
  type: "managed-policy",
  arn: "arn:aws:iam::aws:policy/AdministratorAccess",
  text: "{}",
};

function known(lines: readonly SnapshotLine[], iam = true): Known {
  const made = new Known(DETAILS, iam);
  for (const line of lines) made.add(line);
  return made;
}

describe("IAM of an earlier scan", () => {
  it("is known in the order in which a scan writes, and in that of a finished snapshot", () => {
    for (const lines of [
      [role(A), account(A), key(A)],
      [account(A), role(A), key(A)],
    ]) {
      const k = known(lines);
      expect(k.hasIam(A)).toBe(true);
      expect(k.keepsIam(role(A))).toBe(true);
      expect(k.keepsIam(account(A))).toBe(true);
      expect(k.keepsIam(AWS_POLICY)).toBe(true);
    }
  });

  it("is not known where the file was cut off before anything that shows that it is whole", () => {
    const k = known([account(A), role(A)]);
    expect(k.hasIam(A)).toBe(false);
    expect(k.keepsIam(role(A))).toBe(false);
    expect(k.keepsIam(AWS_POLICY)).toBe(false);
  });

  it("is not known of an account whose line is missing or says that it could not be read", () => {
    const unreadable: SnapshotLine = {
      type: "account",
      id: B,
      iam: { kind: "unreadable", code: "AccessDenied" },
    };
    const k = known([role(A), account(A), role(B), unreadable, key(A)]);
    expect(k.hasIam(B)).toBe(false);
    expect(k.keepsIam(role(B))).toBe(false);
    expect(k.keepsIam(unreadable)).toBe(false);
    expect(known([role(B), key(B)]).hasIam(B)).toBe(false);
  });

  it("is left out of a scan that does not want it", () => {
    const k = known([role(A), account(A), key(A)], false);
    expect(k.hasIam(A)).toBe(false);
    expect(k.keepsIam(role(A))).toBe(false);
  });
});

describe("a Region of an earlier scan", () => {
  const whole = (id: string): SnapshotLine => ({
    type: "key",
    arn: `arn:aws:kms:us-east-1:${A}:key/${id}`,
    state: "Enabled",
    aliases: [],
    policy: { kind: "present", text: "{}" },
    grants: { kind: "present", items: [] },
  });
  const header: SnapshotLine = {
    type: "snapshot",
    schema: "keyward.snapshot/1",
    createdAt: "2026-11-23T10:00:00Z",
    tool: "t",
  };
  const region: SnapshotLine = {
    type: "region",
    account: A,
    region: "us-east-1",
    status: "scanned",
    listed: 3,
    written: 2,
    awsManaged: 1,
    deleted: 0,
  };

  it("is done where all keys that were written are still there", () => {
    const k = known([header, whole("k1"), key(A), region]);
    expect(k.doneRegion(A, "us-east-1")).toMatchObject({ written: 2 });
  });

  it("has no whole key of which an answer held no policy", () => {
    const k = known([header, { ...whole("k1"), policy: { kind: "absent" } } as SnapshotLine]);
    expect(k.isWholeKey(A, "us-east-1", "k1")).toBe(false);
  });

  it("is not done where the line of a key is missing: that key would be absent from the result", () => {
    expect(known([header, whole("k1"), region]).doneRegion(A, "us-east-1")).toBeUndefined();
    expect(known([header, whole("k1"), whole("k1"), region]).doneRegion(A, "us-east-1")).toBeUndefined();
    expect(known([header, region]).doneRegion(A, "us-east-1")).toBeUndefined();
  });
});
