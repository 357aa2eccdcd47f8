import { expect, test } from "vitest";
import type { CoverageLine, SnapshotLine } from "../../snapshot/lines.js";
import { finished } from "./finished.js";

const [A, B] = ["111122223333", "222233334444"] as const;
const key = (account: string, region: string): SnapshotLine => ({
  type: "key",
  arn: `arn:aws:kms:${region}:${account}:key/12345678-1234-1234-1234-123456789012`,
  policy: { kind: "present", text: "{}" },
});
const role = (account: string): SnapshotLine => ({ type: "role", arn: `arn:aws:iam::${account}:role/R` });
const LINES = [key(A, "us-east-1"), key(A, "eu-west-1"), key(B, "us-east-1"), role(A), role(B)];

async function kept(
  coverage: Partial<CoverageLine>,
  regions: readonly string[] = [],
): Promise<SnapshotLine[]> {
  const whole: CoverageLine = {
    type: "coverage",
    regionsFrom: "command-line",
    regions: [],
    partition: "aws",
    startedAt: "2026-11-23T10:00:00Z",
    finishedAt: "2026-11-23T10:00:00Z",
    interrupted: true,
    missingDetails: [],
    calls: 0,
    ...coverage,
  };
  const out: SnapshotLine[] = [];
  async function* lines(): AsyncGenerator<SnapshotLine> {
    for (const line of LINES) yield await Promise.resolve(line);
  }
  for await (const line of finished(lines(), whole, regions)) out.push(line);
  return out;
}

test("what an earlier scan has read of other accounts and Regions is left out", async () => {
  expect(await kept({ accountId: A })).toEqual([LINES[0], LINES[1], LINES[3]]);
  expect(await kept({ accounts: [{ id: B, status: "incomplete" }] })).toEqual([LINES[2], LINES[4]]);
  expect(await kept({ accountId: A }, ["eu-west-1"])).toEqual([LINES[1], LINES[3]]);
});

test("a scan that was stopped before its account had a name loses nothing of what it goes on from", async () => {
  expect(await kept({})).toEqual(LINES);
});
