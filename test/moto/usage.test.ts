import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { startCli } from "../cli.js";

const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "any" };
const endpoint = process.env["KEYWARD_TEST_MOTO"] ?? "";
const TRAIL = fileURLToPath(new URL("../../examples/cloudtrail/", import.meta.url));

describe("keyward usage against moto's S3", () => {
  it("reads from a bucket what it reads from the same folder", async () => {
    const s3 = new S3Client({
      region: "us-east-1",
      endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: "any" },
    });
    const bucket = "keyward-usage-trail";
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const files = readdirSync(TRAIL, { recursive: true, encoding: "utf8" }).filter((f) =>
      f.endsWith(".json"),
    );
    expect(files).toHaveLength(3);
    for (const file of files) {
      const body = gzipSync(readFileSync(join(TRAIL, file)));
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `logs/${file}.gz`, Body: body }));
    }
    const cwd = await mkdtemp(join(tmpdir(), "keyward-moto-usage-"));
    const run = async (from: string, output: string): Promise<readonly string[]> => {
      const args = ["usage", "--cloudtrail", from, "--output", join(cwd, output), "--endpoint-url", endpoint];
      const { code, stderr } = await startCli(args, cwd, { ...CREDENTIALS, AWS_REGION: "us-east-1" }).done;
      expect(code, stderr).toBe(0);
      return (await readFile(join(cwd, output), "utf8"))
        .split("\n")
        .filter((l) => l.startsWith('{"type":"usage",'));
    };
    const keys = await run(`s3://${bucket}/logs/`, "bucket.ndjson");
    expect(keys).toHaveLength(4);
    expect(keys).toEqual(await run(TRAIL, "folder.ndjson"));
  });

  it("tells of a bucket that is not there", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "keyward-moto-usage-"));
    const args = ["usage", "--cloudtrail", "s3://no-such-bucket/x", "--endpoint-url", endpoint];
    const { code, stderr } = await startCli(args, cwd, { ...CREDENTIALS, AWS_REGION: "us-east-1" }).done;
    expect(code).toBe(2);
    expect(stderr).toMatch(/s3:\/\/no-such-bucket\/x: the objects cannot be listed[^]*NoSuchBucket/);
  });
});
