import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startSandbox } from "../../src/sandbox/index.js";
import type { SnapshotLine } from "../../src/snapshot/lines.js";
import type { CliResult } from "../cli.js";
import { setApart } from "../disabled-regions.js";
import { startCli } from "../cli.js";
import type { Report } from "../scan-estate.js";

const OWN = "111122223333";
const arn = (region: string): string =>
  `arn:aws:kms:${region}:${OWN}:key/mrk-1234abcd12ab34cd56ef1234567890ab`;

function key(region: string, open: boolean): SnapshotLine {
  const allow = (who: string, what: string): unknown => ({
    Effect: "Allow",
    Principal: { AWS: who },
    Action: what,
    Resource: "*",
  });
  const Statement = [
    allow(`arn:aws:iam::${OWN}:root`, "kms:*"),
    ...(open ? [allow("*", "kms:Decrypt")] : []),
  ];
  return {
    type: "key",
    arn: arn(region),
    manager: "CUSTOMER",
    state: "Enabled",
    multiRegion: true,
    aliases: [],
    policy: { kind: "present", text: JSON.stringify({ Version: "2012-10-17", Statement }) },
    grants: { kind: "present", items: [] },
  };
}
const FAMILY = [key("us-east-1", false), key("eu-west-1", true), key("us-west-2", false)];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-family-"));
  await writeFile(join(folder, "keyward.yaml"), "trust: {}\n");
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function scan(faults: readonly string[], ...args: readonly string[]): Promise<CliResult> {
  const sandbox = await startSandbox({ snapshot: FAMILY, faults });
  onTestFinished(() => sandbox.close());
  return startCli(["scan", "--endpoint-url", sandbox.url, "--format", "json", "--no-iam", ...args], folder, {
    AWS_ACCESS_KEY_ID: `AKIA${OWN}`,
    AWS_SECRET_ACCESS_KEY: "any",
    AWS_REGION: "us-east-1",
  }).done;
}
const reportOf = (result: CliResult): Report => setApart(JSON.parse(result.stdout) as Report);
const unseen = (result: CliResult): readonly string[] =>
  reportOf(result)
    .incomplete.filter((i) => i.code === "SiblingNotSeen")
    .map((i) => i.where);

describe("a multi-Region key", () => {
  it("is as open as its most open sibling", async () => {
    const result = await scan([]);
    expect(reportOf(result).keys.map((k) => [k.arn.split(":")[3], k.verdict])).toEqual([
      ["eu-west-1", "exposed"],
      ["us-east-1", "weak"],
      ["us-west-2", "weak"],
    ]);
    expect(reportOf(result).incomplete).toEqual([]);
    expect(result.code).toBe(1);
  });

  it("whose siblings are in Regions that were not scanned: told, and the scan is not complete", async () => {
    const snapshot = join(folder, "one.ndjson");
    const result = await scan([], "--region", "us-east-1", "--snapshot", snapshot);
    expect(unseen(result)).toEqual([arn("eu-west-1"), arn("us-west-2")]);
    const [gap] = reportOf(result).incomplete;
    expect(gap?.help).toContain(arn("us-east-1"));
    expect(gap?.help).toMatch(/scan eu-west-1 as well \(--region eu-west-1\)/);
    expect(result.code).toBe(3);
    // The snapshot says the same, so that a check of it does.
    const again = await startCli(["check", snapshot, "--format", "json"], folder).done;
    expect(unseen(again)).toEqual(unseen(result));
    expect(again.code).toBe(3);
  });

  it("whose siblings could not be listed: told, beside the refusal", async () => {
    const result = await scan(["ListKeys=AccessDeniedException@*/eu-west-1"]);
    expect(unseen(result)).toEqual([arn("eu-west-1")]);
    expect(reportOf(result).incomplete.map((i) => i.code)).toContain("AccessDeniedException");
    expect(result.code).toBe(3);
  });
});
