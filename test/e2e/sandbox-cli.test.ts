import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCli } from "../cli.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ESTATE = join(ROOT, "examples", "estate.ndjson");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-sandbox-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("keyward sandbox", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("says where it listens, and ends on %s", async (signal) => {
    const main = join(ROOT, "dist", "cli", "main.js");
    const args = [
      main,
      "sandbox",
      "--snapshot",
      ESTATE,
      "--callers",
      join(ROOT, "examples", "callers.json"),
      "--log",
    ];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const first = await new Promise<string>((resolve) =>
      child.stdout.setEncoding("utf8").once("data", resolve),
    );
    const { url, keys, pid } = JSON.parse(first) as {
      readonly url: string;
      readonly keys: number;
      readonly pid: number;
    };
    expect([keys, pid]).toEqual([26, child.pid]);
    expect(first.endsWith("\n")).toBe(true);
    const credentials = { accessKeyId: "AKIAREPORTER00000001", secretAccessKey: "any" };
    const client = new KMSClient({ endpoint: url, region: "us-east-1", credentials });
    expect((await client.send(new ListKeysCommand({}))).Keys).not.toHaveLength(0);
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(stderr).toContain(
      "kms:ListKeys  ok  111122223333/us-east-1  arn:aws:iam::111122223333:user/reporter\n",
    );
    expect(stderr).toContain(`Stopped by ${signal} after 1 requests.`);
    client.destroy();
  });

  test.each([
    [["--port", "70000"], "Expected a whole number from 0 to 65535."],
    [["--account", "12"], "Expected twelve digits."],
    [["--fault", "boom"], "--fault: this is no fault that the sandbox knows"],
    [["--snapshot", "missing.ndjson"], "missing.ndjson: cannot be read"],
    [["--callers", "broken.json"], "broken.json: not JSON"],
    [["--region-disabled", "everywhere"], "Expected a Region"],
    [["--quota", "ListGrants"], "Expected OPERATION=NUMBER"],
    [["--session-seconds", "0"], "Expected a whole number from 1 to 43200."],
  ])("%j is wrong usage, and a message without a stack", async (args, message) => {
    await writeFile(join(folder, "broken.json"), "{");
    const { code, stdout, stderr } = await startCli(["sandbox", ...args], folder).done;
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

test("the demo ends as it should", async () => {
  const child = spawn(process.execPath, [join(ROOT, "examples", "demo.mjs")], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
  expect(stdout).toContain(
    'alias/card-vault: account 999988887777 asks for Decrypt and gets "4111 1111 1111 1111"',
  );
  expect(stdout).toContain(
    "alias/order-archive: account 999988887777 asks for Decrypt and gets AccessDeniedException",
  );
  // The estate holds text that would act on a terminal; none of it may come through as it is.
  expect(stdout).not.toMatch(/\p{Cc}(?<![\n])/u);
  const report = JSON.parse(await readFile(join(ROOT, "reports", "report.json"), "utf8")) as {
    readonly keys: readonly { readonly arn: string; readonly exposure: string; readonly verdict: string }[];
  };
  const exposure = (part: string): string | undefined =>
    report.keys.find((k) => k.arn.includes(part))?.exposure;
  expect({
    default: exposure("0001a1b2"),
    public: exposure("0002a1b2"),
    callerAccount: exposure("0003a1b2"),
    denied: exposure("0004a1b2"),
    organization: exposure("0005a1b2"),
    weakCondition: exposure("0006a1b2"),
    partner: exposure("0007a1b2"),
    grant: exposure("0008a1b2"),
    service: exposure("0009a1b2"),
    disabled: exposure("0010a1b2"),
    endpoint: exposure("0011a1b2"),
    primary: exposure("us-east-1:111122223333:key/mrk-"),
    replica: exposure("eu-west-1:111122223333:key/mrk-"),
    unreadable: exposure("0014a1b2"),
    hostile: exposure("0016a1b2"),
    boundService: exposure("0018a1b2"),
  }).toEqual({
    default: "none",
    public: "public",
    callerAccount: "none",
    denied: "none",
    organization: "none",
    weakCondition: "public",
    partner: "external",
    grant: "external",
    service: "service",
    disabled: "latent",
    endpoint: "network",
    primary: "none",
    replica: "public",
    unreadable: "unknown",
    hostile: "public",
    boundService: "none",
  });
});
