import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeRegionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  CreateGrantCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  type GrantOperation,
  KMSClient,
  ListGrantsCommand,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCli } from "../cli.js";
import type { PlannedKey, Report } from "../scan-estate.js";
import { CONFIG, REGIONS, plannedKeys, verdictsFor } from "../scan-estate.js";

/** The account that moto gives to every access key. */
const ACCOUNT = "123456789012";
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "any" };
/** moto makes a slow RSA key for each key, whatever its kind. */
const SETUP_TIME = 600_000;

const endpoint = process.env["KEYWARD_TEST_MOTO"] ?? "";

interface Made extends PlannedKey {
  readonly arn: string;
}

const signedWith = { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: "any" };

function client(region: string): KMSClient {
  return new KMSClient({ region, endpoint, credentials: signedWith });
}

/** Regions that moto says the account has not enabled. */
async function notEnabled(): Promise<readonly string[]> {
  const ec2 = new EC2Client({ region: "us-east-1", endpoint, credentials: signedWith });
  const { Regions = [] } = await ec2.send(new DescribeRegionsCommand({ AllRegions: true }));
  return Regions.filter((r) => r.OptInStatus === "not-opted-in").map((r) => r.RegionName ?? "");
}

/** Makes one key, as its plan says. */
async function make(kms: KMSClient, plan: PlannedKey): Promise<Made> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy: plan.policy }));
  const id = KeyMetadata?.KeyId ?? "";
  for (const grant of plan.grants) {
    await kms.send(
      new CreateGrantCommand({
        KeyId: id,
        GranteePrincipal: grant.GranteePrincipal,
        Operations: (grant.Operations ?? []) as GrantOperation[],
      }),
    );
  }
  if (plan.state === "Disabled") await kms.send(new DisableKeyCommand({ KeyId: id }));
  if (plan.state === "PendingDeletion") await kms.send(new ScheduleKeyDeletionCommand({ KeyId: id }));
  return { ...plan, arn: KeyMetadata?.Arn ?? "" };
}

async function makeAll(plans: readonly PlannedKey[]): Promise<Made[]> {
  const clients = new Map(REGIONS.map((region) => [region as string, client(region)]));
  const waiting = [...plans];
  const made: Made[] = [];
  const worker = async (): Promise<void> => {
    for (let plan = waiting.pop(); plan !== undefined; plan = waiting.pop()) {
      const kms = clients.get(plan.region);
      if (kms === undefined) throw new Error(plan.region);
      made.push(await make(kms, plan));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return made;
}

let folder: string;
let keys: readonly Made[];
beforeAll(async () => {
  if (endpoint === "") throw new Error("moto is not running: npm run test:moto");
  folder = await mkdtemp(join(tmpdir(), "keyward-moto-"));
  await writeFile(join(folder, "keyward.yaml"), CONFIG);
  keys = await makeAll(plannedKeys(ACCOUNT, 300));
}, SETUP_TIME);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function scan(
  ...args: readonly string[]
): Promise<{ report: Report; code: number | null; stderr: string }> {
  const { stdout, stderr, code } = await startCli(
    ["scan", "--endpoint-url", endpoint, "--format", "json", ...args],
    folder,
    { ...CREDENTIALS, AWS_REGION: "us-east-1" },
  ).done;
  if (stdout === "") throw new Error(`no report; stderr: ${stderr}`);
  return { report: JSON.parse(stdout) as Report, code, stderr };
}

describe("300 keys over three Regions of moto", () => {
  it("exist as planned", async () => {
    expect(keys).toHaveLength(300);
    const many = keys.find((k) => k.kind === "stranger-among-many-grants");
    const { Grants } = await client(many?.region ?? "").send(new ListGrantsCommand({ KeyId: many?.arn }));
    expect(Grants).toHaveLength(130);
  });

  it("are judged as they were meant, in all Regions that the account has", async () => {
    const { report, code, stderr } = await scan("--tags");
    const meant = new Map(keys.map((k) => [k.arn, k]));
    expect(report.keys.map((k) => k.arn).sort()).toEqual([...meant.keys()].sort());
    const wrong = report.keys.flatMap(({ arn, exposure, verdict }) => {
      const key = meant.get(arn);
      const right = key !== undefined && exposure === key.intent && verdictsFor(key.intent).includes(verdict);
      return right ? [] : [{ kind: key?.kind, intent: key?.intent, exposure, verdict }];
    });
    expect(wrong).toEqual([]);
    // moto refuses DescribeKey wherever a statement denies it, whomever that statement names: such keys are gaps.
    const refused = REGIONS.map((region) => {
      const here = keys.filter((k) => k.region === region && k.kind === "denied-again").length;
      return [`${ACCOUNT}/${region}`, "kms:DescribeKey", `Failed ${here} times.`];
    });
    const disabled = await notEnabled();
    expect(disabled).not.toEqual([]);
    const told = disabled.map((region) => [`${ACCOUNT}/${region}`, "ec2:DescribeRegions", undefined]);
    const gaps = report.incomplete.map(({ where, call, help }) => [
      where,
      call,
      /^.*?times\./u.exec(help)?.[0],
    ]);
    expect(gaps.sort()).toEqual([...refused, ...told].sort());
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^Scanned 300 keys in \\d+ Regions of account ${ACCOUNT}: `));
  });

  it("are those of the Regions that were named", async () => {
    const { report } = await scan("--region", "eu-west-1");
    expect(report.keys.map((k) => k.arn).sort()).toEqual(
      keys
        .filter((k) => k.region === "eu-west-1")
        .map((k) => k.arn)
        .sort(),
    );
  });
});
