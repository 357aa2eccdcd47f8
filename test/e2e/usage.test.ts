import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { startCli } from "../cli.js";

const TRAIL = fileURLToPath(new URL("../../examples/cloudtrail", import.meta.url));

describe("keyward usage, built", () => {
  it("reads the example trail and writes a usage file", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "keyward-e2e-usage-"));
    const { code, stdout } = await startCli(["usage", "--cloudtrail", TRAIL, "--output", "usage.ndjson"], cwd)
      .done;
    expect(code).toBe(0);
    expect(stdout).toContain("arn:aws:iam::444455556666:role/jobs/Settlement");
    const lines = readFileSync(join(cwd, "usage.ndjson"), "utf8").trimEnd().split("\n");
    expect(lines.map((l) => (JSON.parse(l) as { type: string }).type)).toEqual([
      "usage-file",
      "usage-coverage",
      "usage",
      "usage",
      "usage",
      "usage",
      "usage-end",
    ]);
  });

  it("takes the rest where one file is cut off", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "keyward-e2e-usage-"));
    mkdirSync(join(cwd, "logs/deep"), { recursive: true });
    const event = (id: number): object => ({
      eventSource: "kms.amazonaws.com",
      eventName: "Decrypt",
      eventTime: "2026-01-01T00:00:00Z",
      awsRegion: "us-east-1",
      eventID: String(id),
      userIdentity: { type: "IAMUser", arn: "arn:aws:iam::111122223333:user/a", accountId: "111122223333" },
      resources: [{ ARN: "arn:aws:kms:us-east-1:111122223333:key/k" }],
    });
    const log = (ids: readonly number[]): Buffer => gzipSync(JSON.stringify({ Records: ids.map(event) }));
    writeFileSync(join(cwd, "logs/a.json.gz"), log([1, 2, 3]));
    const many = Array.from({ length: 20_000 }, (_, i) => i + 10);
    const cut = log(many);
    writeFileSync(join(cwd, "logs/deep/b.json.gz"), cut.subarray(0, Math.floor(cut.length / 2)));
    const { code, stdout } = await startCli(["usage", "--cloudtrail", "logs"], cwd).done;
    expect(code).toBe(3);
    expect(stdout).toContain("b.json.gz: truncated");
    const counted = Number(/(\d+) x kms:Decrypt allowed/.exec(stdout)?.[1]);
    expect(counted).toBeGreaterThan(1000);
    expect(counted).toBeLessThan(20_003);
  });

  it("asks CloudTrail's event history, page by page, with the real SDK", async () => {
    const asked: Record<string, unknown>[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        response.setHeader("content-type", "application/x-amz-json-1.1");
        if (String(request.headers["x-amz-target"]).endsWith("LookupEvents")) {
          const input = JSON.parse(body) as Record<string, unknown>;
          asked.push(input);
          const record = {
            eventSource: "kms.amazonaws.com",
            eventName: "Decrypt",
            eventTime: "2026-11-20T00:00:00Z",
            awsRegion: "us-east-1",
            eventID: `e${asked.length}`,
            userIdentity: { type: "AWSService", invokedBy: "logs.amazonaws.com" },
            resources: [{ ARN: "arn:aws:kms:us-east-1:111122223333:key/k" }],
            recipientAccountId: "111122223333",
          };
          const next = input["NextToken"] === undefined ? { NextToken: "second" } : {};
          response.end(JSON.stringify({ Events: [{ CloudTrailEvent: JSON.stringify(record) }], ...next }));
        } else {
          response.setHeader("content-type", "text/xml");
          response.end(
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>U</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
          );
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const cwd = mkdtempSync(join(tmpdir(), "keyward-e2e-usage-"));
      const args = [
        "usage",
        "--lookup-events",
        "--region",
        "us-east-1",
        "--endpoint-url",
        `http://127.0.0.1:${port}`,
      ];
      const env = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "any" };
      const { code, stdout, stderr } = await startCli(args, cwd, env).done;
      expect(code, stderr).toBe(0);
      expect(stdout).toContain("2 x kms:Decrypt allowed by logs.amazonaws.com");
      expect(stdout).toContain("The event history of us-east-1 reaches back 90 days at most");
      expect(asked.map((a) => a["NextToken"])).toEqual([undefined, "second"]);
      expect(asked[0]?.["LookupAttributes"]).toEqual([
        { AttributeKey: "EventSource", AttributeValue: "kms.amazonaws.com" },
      ]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
