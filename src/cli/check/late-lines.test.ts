import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { SnapshotLine } from "../../snapshot/lines.js";
import { snapshotLines } from "./snapshot-file.js";

const HEADER: SnapshotLine = {
  type: "snapshot",
  schema: "keyward.snapshot/1",
  createdAt: "2026-11-23T10:00:00Z",
  tool: "test",
};
const KEY: SnapshotLine = {
  type: "key",
  arn: "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-4333-8444-555555555555",
  // Words that name types of lines, in a place where they are none.
  tags: { role: "user", account: '"group"' },
  policy: { kind: "present", text: "{}" },
};
const role = (name: string): SnapshotLine => ({
  type: "role",
  arn: `arn:aws:iam::111122223333:role/${name}`,
});
const ACCOUNT: SnapshotLine = { type: "account", id: "222233334444", iam: { kind: "present" } };
const ORGANIZATION: SnapshotLine = { type: "organization", id: "o-own1234567" };
const SCP: SnapshotLine = { type: "service-control-policy", target: "r-ab12", text: "{}" };

async function read(...lines: readonly SnapshotLine[]): Promise<readonly SnapshotLine[]> {
  const folder = await mkdtemp(join(tmpdir(), "keyward-late-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "s.ndjson");
  await writeFile(path, lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
  const out: SnapshotLine[] = [];
  for await (const line of snapshotLines({ path, name: path, kind: "snapshot", named: true })) out.push(line);
  return out;
}

test("lines about more than one key that stand behind keys come before them, each once", async () => {
  expect(await read(HEADER, role("A"), KEY, role("B"), ACCOUNT, SCP, ORGANIZATION)).toEqual([
    HEADER,
    role("B"),
    ACCOUNT,
    SCP,
    ORGANIZATION,
    role("A"),
    KEY,
  ]);
});

test("in the order of a scan nothing but the organization moves", async () => {
  const lines = [HEADER, ORGANIZATION, SCP, ACCOUNT, role("A"), role("B"), KEY];
  expect(await read(...lines)).toEqual(lines);
});
