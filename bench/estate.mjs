import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { estateLines } from "./estate-lines.mjs";
import { timeKeyward } from "./measure.mjs";

/**
 * `keyward check SNAPSHOT.gz --format json --output FILE` as a process of its own, over made-up estates.
 * Arguments: numbers of keys (default: 100000 1000000), each with the share of new policies after a colon if it is not
 * 0.2; with 0 there are 30 policies.
 */
export async function run(args) {
  const sizes = (args.length > 0 ? args : ["100000", "1000000"]).map((a) => a.split(":").map(Number));
  const folder = mkdtempSync(join(tmpdir(), "keyward-bench-"));
  const rows = [];
  try {
    for (const [keys, distinct = 0.2] of sizes) {
      const path = join(folder, `${keys}.ndjson.gz`);
      const { bytes, policies } = await write(path, keys, distinct);
      const { seconds, cpu, megabytes } = await timeKeyward(
        ["check", path, "--format", "json", "--output", join(folder, "report.json")],
        folder,
      );
      rows.push({
        keys,
        "distinct policies": policies,
        "snapshot MB": Math.round(bytes / 1e6),
        "gzipped MB": Math.round(statSync(path).size / 1e6),
        "report MB": Math.round(statSync(join(folder, "report.json")).size / 1e6),
        seconds,
        "processor s": cpu,
        "peak memory MB": Math.round(megabytes),
        "keys/s": Math.round(keys / seconds),
        "MB/s": bytes / 1e6 / seconds,
      });
      rmSync(path);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return rows;
}

/** Writes an estate; bytes before compression, and policies that differ by more than the id of the key's account. */
async function write(path, keys, distinct) {
  const gzip = createGzip({ level: 4 });
  const file = createWriteStream(path);
  gzip.pipe(file);
  const policies = new Set();
  let bytes = 0;
  let text = "";
  const flush = async () => {
    bytes += Buffer.byteLength(text);
    if (!gzip.write(text)) await once(gzip, "drain");
    text = "";
  };
  for (const line of estateLines({ keys, distinct })) {
    text += `${line}\n`;
    if (text.length > 1 << 18) await flush();
    const { arn, policy } = JSON.parse(line);
    if (arn !== undefined) policies.add(hash(policy.text.replaceAll(arn.split(":")[4], "")));
  }
  await flush();
  gzip.end();
  await finished(file);
  return { bytes, policies: policies.size };
}

/** Two 32-bit hashes (FNV-1a, and its twin) as one number: a million texts need not be kept. */
function hash(text) {
  let a = 0x811c9dc5;
  let b = 0x1000193;
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
  }
  return (a >>> 0) * 0x200000 + ((b >>> 0) & 0x1fffff);
}
