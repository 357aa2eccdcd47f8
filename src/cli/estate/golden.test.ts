import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { estateLines } from "../../../bench/estate-lines.mjs";
import type { SnapshotLine } from "../../snapshot/lines.js";
import { readSnapshotItems } from "../../snapshot/read.js";
import { NO_CONFIG } from "../../trust/config.js";
import { audit } from "../audit.js";
import type { RawKeys } from "./batch.js";
import { judgeKeys } from "./batch.js";
import { KeyJudge } from "./key-judge.js";
import type { AuditLine, Judges } from "./read-judged.js";
import { readJudged } from "./read-judged.js";
import { Readable } from "node:stream";

const NOW = Date.UTC(2026, 10, 23);

class Sink extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString("utf8");
  }
}

async function report(
  lines: AsyncIterable<AuditLine>,
  share: boolean,
  format: "json" | "table" = "json",
): Promise<string> {
  const stdout = new Sink();
  await audit(lines, {
    io: { stdout, stderr: new Sink(), env: {}, now: () => NOW, exit: () => undefined },
    common: { config: undefined, format, output: undefined, failOn: "exposed", color: false },
    config: NO_CONFIG,
    share,
  });
  return stdout.text;
}

async function* parsed(texts: Iterable<string>): AsyncGenerator<SnapshotLine> {
  for (const text of texts) {
    await Promise.resolve();
    yield JSON.parse(text) as SnapshotLine;
  }
}

/** The way of a large snapshot: keys are read and judged by others, in batches that come back out of order. */
function batched(texts: readonly string[]): AsyncIterable<AuditLine> {
  const judges = [new KeyJudge(NO_CONFIG, NOW / 1000), new KeyJudge(NO_CONFIG, NOW / 1000)];
  let turn = 0;
  const judge = async (keys: RawKeys, which: number): ReturnType<Judges["judge"]> => {
    const n = turn++;
    const chosen = judges[which];
    if (chosen === undefined) throw new Error("no judge");
    await new Promise((resolve) => setTimeout(resolve, n % 3 === 0 ? 5 : 0));
    return judgeKeys(keys, chosen, "exposed");
  };
  async function* items(): AsyncGenerator<
    typeof readSnapshotItems extends (...a: never[]) => AsyncGenerator<infer T> ? T : never
  > {
    for await (const item of readSnapshotItems(Readable.from([texts.join("\n") + "\n"]), "s")) {
      if (item.type === "snapshot") for (const j of judges) j.begin();
      if (item.type === "organization" || item.type === "resource-control-policy") {
        for (const j of judges) j.add(item);
      }
      yield item;
    }
  }
  return readJudged(items(), "s", { count: judges.length, ahead: 4, judge });
}

describe("the report of an estate of 2,000 keys", () => {
  const lines = [...estateLines({ keys: 2000, seed: 3, distinct: 0.1 })];

  test("is the same, byte for byte, whether each key is analysed for itself or each policy once", {
    timeout: 240_000,
  }, async () => {
    const plain = await report(parsed(lines), false);
    expect(plain.split("\n    {").length).toBe(2001);
    expect(await report(parsed(lines), true)).toBe(plain);
    expect(await report(batched(lines), true)).toBe(plain);
  });

  test("also where the table shows it", { timeout: 120_000 }, async () => {
    const some = lines.slice(0, 300);
    expect(await report(parsed(some), true, "table")).toBe(await report(parsed(some), false, "table"));
  });
});
