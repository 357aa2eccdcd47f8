import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateGrantCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  type GrantOperation,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Exposure } from "../../src/domain/verdict.js";
import { startCli } from "../cli.js";
import { CONFIG, type PlannedKey, plannedKeys, REGIONS, type Report, verdictsFor } from "../scan-estate.js";

/** moto's own account. */
const ACCOUNT = "123456789012";
const url = process.env["KEYWARD_MOTO_URL"] ?? "";
const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "any" };

const made = new Map<string, { readonly kind: string; readonly intent: Exposure }>();
let folder: string;

async function create(kms: KMSClient, planned: PlannedKey): Promise<void> {
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Policy: planned.policy }));
  if (key?.Arn === undefined || key.KeyId === undefined) throw new Error("moto made no key");
  for (const g of planned.grants) {
    await kms.send(
      new CreateGrantCommand({
        KeyId: key.KeyId,
        GranteePrincipal: g.GranteePrincipal,
        Operations: [...(g.Operations ?? [])] as GrantOperation[],
      }),
    );
  }
  if (planned.state === "Disabled") await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }));
  if (planned.state === "PendingDeletion")
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key.KeyId }));
  made.set(key.Arn, { kind: planned.kind, intent: planned.intent });
}

beforeAll(async () => {
  if (url === "") throw new Error("KEYWARD_MOTO_URL is not set: npm run test:moto");
  folder = await mkdtemp(join(tmpdir(), "keyward-moto-"));
  await writeFile(join(folder, "keyward.yaml"), CONFIG);
  const planned = plannedKeys(ACCOUNT, 300);
  for (const region of REGIONS) {
    const kms = new KMSClient({ region, endpoint: url, credentials });
    const queue = planned.filter((k) => k.region === region);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let k = queue.pop(); k !== undefined; k = queue.pop()) await create(kms, k);
      }),
    );
    kms.destroy();
  }
}, 600_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it("gives every one of 300 keys over three Regions the verdict that it was made for", async () => {
  const args = [
    "scan",
    "--endpoint-url",
    url,
    "--format",
    "json",
    ...REGIONS.flatMap((r) => ["--region", r]),
  ];
  const result = await startCli(args, folder, {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: "us-east-1",
  }).done;
  expect(result.code, result.stderr).toBe(1);
  const report = JSON.parse(result.stdout) as Report;
  expect(report.incomplete).toEqual([]);
  expect(report.keys.map((k) => k.arn).sort()).toEqual([...made.keys()].sort());
  const wrong = report.keys.flatMap(({ arn, exposure, verdict }) => {
    const key = made.get(arn);
    const right = key !== undefined && exposure === key.intent && verdictsFor(key.intent).includes(verdict);
    return right ? [] : [{ ...key, exposure, verdict }];
  });
  expect(wrong).toEqual([]);
}, 300_000);
