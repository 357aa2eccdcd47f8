#!/usr/bin/env node
// How long `keyward scan` takes against the sandbox with AWS's default quotas and a latency for each answer, beside what
// the share of the quotas permits: node bench/scan.mjs [CASE…] [--scale N] [--share S] [--latency MS] after npm run build.
// Cases: one-region, regions, accounts (default: all). --scale 0.1 takes a tenth of the keys. Prints a table, and JSON.
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const main = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "cli", "main.js");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: "string", default: "1" },
    share: { type: "string", default: "0.5" },
    latency: { type: "string", default: "30" },
  },
});
const scale = Number(values.scale);
const share = Number(values.share);
const OWN = "111122223333";
/** KMS's default quota for ListGrants, the slowest of the calls that a scan needs. */
const LIST_GRANTS = 100;
/** Organizations' default quota for ListAccounts, which gives 20 at a time. */
const LIST_ACCOUNTS = 8;
/** Of ListAccountsForParent, which tells where in the tree accounts are, 20 at a time, and by that which policies bind them. */
const LIST_ACCOUNTS_FOR_PARENT = 5;

const REGIONS = [
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
  "ca-central-1",
  "sa-east-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "eu-central-1",
  "eu-north-1",
  "ap-south-1",
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-northeast-3",
  "ap-southeast-1",
  "ap-southeast-2",
];
const CASES = {
  "one-region": { accounts: 1, regions: 1, keys: 10_000, limit: 1.2 },
  regions: { accounts: 1, regions: 17, keys: 600, limit: 1.5 },
  accounts: { accounts: 200, regions: 4, keys: 25, limit: 1.5 },
};

const accountId = (n) => (n === 0 ? OWN : String(200_000_000_000 + n));

function* estate({ accounts, regions, keys }) {
  yield { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T10:00:00Z", tool: "bench" };
  yield {
    type: "organization",
    id: "o-bench12345",
    managementAccountId: OWN,
    accounts: Array.from({ length: accounts }, (_, a) => ({
      id: accountId(a),
      path: "o-bench12345/r-ab12/",
    })),
  };
  let serial = 0;
  for (let a = 0; a < accounts; a++) {
    const account = accountId(a);
    for (const region of REGIONS.slice(0, regions)) {
      for (let k = 0; k < keys; k++) {
        const n = serial++;
        const text = JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { AWS: `arn:aws:iam::${account}:root` },
              Action: "kms:*",
              Resource: "*",
            },
            {
              Sid: `Use${n % 100}`,
              Effect: "Allow",
              Principal: {
                AWS: `arn:aws:iam::${n % 50 === 0 ? "999988887777" : account}:role/app-${n % 100}`,
              },
              Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
              Resource: "*",
            },
          ],
        });
        yield {
          type: "key",
          arn: `arn:aws:kms:${region}:${account}:key/12345678-1234-1234-1234-${String(n).padStart(12, "0")}`,
          manager: "CUSTOMER",
          state: "Enabled",
          policy: { kind: "present", text },
          grants: {
            kind: "present",
            items: [0, 1].map((g) => ({
              GrantId: `${g}${String(n).padStart(63, "0")}`,
              GranteePrincipal: `arn:aws:iam::${account}:role/app-${n % 100}`,
              IssuingAccount: `arn:aws:iam::${account}:root`,
              Operations: ["Decrypt"],
            })),
          },
        };
      }
    }
  }
}

async function write(path, lines) {
  const file = createWriteStream(path);
  for (const line of lines) if (!file.write(`${JSON.stringify(line)}\n`)) await once(file, "drain");
  file.end();
  await once(file, "finish");
}

async function startSandbox(snapshot) {
  const args = ["sandbox", "--snapshot", snapshot, "--quotas", "--latency", values.latency, "--account", OWN];
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  const [first] = await once(child.stdout.setEncoding("utf8"), "data");
  return { child, url: JSON.parse(first).url };
}

/** Runs a scan; its time in seconds, its largest resident memory in MB, and its exit code. */
async function scan(url, args, folder) {
  const start = performance.now();
  const output = ["--format", "json", "--output", join(folder, "report.json")];
  const child = spawn(process.execPath, [main, "scan", "--endpoint-url", url, ...output, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env.PATH,
      AWS_ACCESS_KEY_ID: `AKIA${OWN}`,
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_REGION: "us-east-1",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    },
  });
  let memory = 0;
  let cpu = 0;
  const poll = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      memory = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1].split(" ");
      cpu = (Number(stat[11]) + Number(stat[12])) / 100;
    } catch {
      // It has ended, or this is no Linux.
    }
  }, 100);
  const [code] = await once(child, "exit");
  clearInterval(poll);
  return { seconds: (performance.now() - start) / 1000, memory, cpu, code };
}

async function run(name) {
  const shape = CASES[name];
  const keys = Math.max(1, Math.round(shape.keys * scale));
  const folder = mkdtempSync(join(tmpdir(), "keyward-bench-"));
  try {
    const snapshot = join(folder, "estate.ndjson");
    await write(snapshot, estate({ ...shape, keys }));
    const sandbox = await startSandbox(snapshot);
    try {
      const regions = REGIONS.slice(0, shape.regions).flatMap((r) => ["--region", r]);
      const many = shape.accounts > 1 ? ["--organization", "--role", "Audit"] : [];
      const measured = await scan(sandbox.url, [...regions, ...many, "--quota-share", String(share)], folder);
      const stats = await (await fetch(`${sandbox.url}/_sandbox/stats`)).json();
      const { summary, incomplete } = JSON.parse(readFileSync(join(folder, "report.json"), "utf8"));
      const total = shape.accounts * shape.regions * keys;
      const places = shape.accounts * shape.regions;
      // Each key three times; each Region's keys by 1000 and its aliases once; each account's IAM once. In an organization:
      // a role for each account, the accounts by 20 twice, and three calls about the organization and its tree, which has
      // no policies; else one that asks the account which organization it is in.
      const organization = shape.accounts > 1 ? shape.accounts + 2 * Math.ceil(shape.accounts / 20) + 3 : 1;
      const leastCalls =
        3 * total + places * (Math.ceil(keys / 1000) + 1) + shape.accounts + organization + 1;
      const { throttled } = stats;
      // The last account is not known before the last page of their list.
      const pages = shape.accounts > 1 ? Math.ceil(shape.accounts / 20) : 1;
      const permitted = Math.max(
        (pages - 1) / (LIST_ACCOUNTS * share) + keys / (LIST_GRANTS * share),
        (pages - 1) / (LIST_ACCOUNTS_FOR_PARENT * share),
      );
      return {
        case: name,
        keys: total,
        judged: summary.keys,
        gaps: incomplete.length,
        exit: measured.code,
        permitted,
        seconds: measured.seconds,
        ratio: measured.seconds / permitted,
        limit: shape.limit,
        calls: stats.requests,
        leastCalls,
        throttled,
        callsPerSecond: stats.requests / measured.seconds,
        cpuSeconds: measured.cpu,
        memoryMb: measured.memory,
      };
    } finally {
      sandbox.child.kill();
      await once(sandbox.child, "exit");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const results = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(CASES)) results.push(await run(name));
const columns = [
  ["case", (r) => r.case],
  ["keys", (r) => String(r.keys)],
  ["quota permits s", (r) => r.permitted.toFixed(1)],
  ["took s", (r) => r.seconds.toFixed(1)],
  ["ratio", (r) => r.ratio.toFixed(2)],
  ["limit", (r) => r.limit.toFixed(1)],
  ["calls", (r) => String(r.calls)],
  ["least", (r) => String(r.leastCalls)],
  ["throttled", (r) => String(r.throttled)],
  ["calls/s", (r) => r.callsPerSecond.toFixed(0)],
  ["CPU s", (r) => r.cpuSeconds.toFixed(1)],
  ["RSS MB", (r) => r.memoryMb.toFixed(0)],
];
const rows = [columns.map(([title]) => title), ...results.map((r) => columns.map(([, show]) => show(r)))];
const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
for (const row of rows) console.log(row.map((text, i) => text.padStart(widths[i])).join("  "));
console.log(JSON.stringify({ share, scale, latency: Number(values.latency), results }));
