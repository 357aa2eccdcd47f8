#!/usr/bin/env node
// How many requests a second the sandbox answers, and what it costs: node bench/sandbox.mjs [KEYS] [SECONDS] [LATENCY MS]
// after npm run build. The requests are sent over plain sockets, so that the client costs little.
import { spawn } from "node:child_process";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [keys = 30_000, seconds = 5, latency = 30] = process.argv.slice(2).map(Number);
const ACCOUNT = "111122223333";
const CONNECTIONS = 256;

const id = (n) => `12345678-1234-1234-1234-${String(n).padStart(12, "0")}`;
function snapshot(path) {
  const lines = [
    {
      type: "snapshot",
      schema: "keyward.snapshot/1",
      createdAt: "2026-11-23T10:00:00Z",
      tool: "bench",
    },
  ];
  for (let n = 0; n < keys; n++) {
    const text = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Sid: `use-${n % 100}`,
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::222233334444:role/app-${n % 100}` },
          Action: ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
          Resource: "*",
          Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
        },
      ],
    });
    const items = [0, 1].map((g) => ({
      GrantId: `${g}`.repeat(60) + String(n),
      GranteePrincipal: `arn:aws:iam::${ACCOUNT}:role/app-${n % 100}`,
      IssuingAccount: `arn:aws:iam::${ACCOUNT}:root`,
      Operations: ["Decrypt"],
    }));
    lines.push({
      type: "key",
      arn: `arn:aws:kms:us-east-1:${ACCOUNT}:key/${id(n)}`,
      policy: { kind: "present", text },
      grants: { kind: "present", items },
    });
  }
  writeFileSync(path, lines.map((l) => JSON.stringify(l)).join("\n"));
}

function request(port, operation, body) {
  const text = JSON.stringify(body);
  const credential = `AKIA${ACCOUNT}/20261123/us-east-1/kms/aws4_request`;
  return [
    "POST / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    `Authorization: AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=00`,
    "X-Amz-Date: 20261123T100000Z",
    `X-Amz-Target: TrentService.${operation}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    "",
    text,
  ].join("\r\n");
}

/** One connection that asks again as soon as it has its answer, until the time is over. */
function client(port, until, count) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let buffer = Buffer.alloc(0);
    let n = Math.floor(Math.random() * keys);
    const next = () => {
      if (Date.now() >= until) return socket.end(resolve);
      n = (n + 1) % keys;
      const operation = ["GetKeyPolicy", "ListGrants", "DescribeKey"][n % 3];
      socket.write(request(port, operation, { KeyId: id(n) }));
    };
    socket.on("connect", next);
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
      const head = buffer.indexOf("\r\n\r\n");
      if (head < 0) return;
      const header = buffer.subarray(0, head).toString("latin1");
      const length = Number(/content-length: (\d+)/i.exec(header)?.[1] ?? 0);
      if (buffer.length < head + 4 + length) return;
      count(header.startsWith("HTTP/1.1 200"));
      buffer = buffer.subarray(head + 4 + length);
      next();
    });
  });
}

/** CPU seconds and resident bytes of a process, from Linux's /proc. */
function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, rss: rss / 1024 };
}

const folder = mkdtempSync(join(tmpdir(), "keyward-bench-"));
const file = join(folder, "estate.ndjson");
snapshot(file);
const main = new URL("../dist/cli/main.js", import.meta.url).pathname;
const started = Date.now();
const server = spawn(process.execPath, [main, "sandbox", "--snapshot", file, "--latency", String(latency)], {
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const line = await new Promise((resolve) => server.stdout.once("data", (d) => resolve(String(d))));
  const { port, pid } = JSON.parse(line);
  const loaded = (Date.now() - started) / 1000;
  const before = usage(pid);
  let good = 0;
  let bad = 0;
  const count = (ok) => (ok ? good++ : bad++);
  const until = Date.now() + seconds * 1000;
  await Promise.all(Array.from({ length: CONNECTIONS }, () => client(port, until, count)));
  const after = usage(pid);
  const perRequest = ((after.cpu - before.cpu) / (good + bad)) * 1e6;
  console.log(
    JSON.stringify({
      keys,
      latencyMs: latency,
      loadSeconds: loaded,
      requestsPerSecond: Math.round((good + bad) / seconds),
      refused: bad,
      serverCpuMicrosecondsPerRequest: Math.round(perRequest),
      residentMiB: Math.round(after.rss),
    }),
  );
} finally {
  server.kill("SIGTERM");
  rmSync(folder, { recursive: true });
}
