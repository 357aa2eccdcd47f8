import { describe, expect, it } from "vitest";
import { gzipSync } from "node:zlib";
import type { Asked, Page } from "../collect/ports.js";
import { err, ok } from "../domain/result.js";
import type { KeyUsageData } from "./aggregate.js";
import { UsageAggregator } from "./aggregate.js";
import { addUsageRow, queryUsage } from "./athena.js";
import { COVERAGE_COLUMNS, USAGE_COLUMNS, coverageSql, usageSql } from "./athena-sql.js";
import { bucketFiles, parseS3 } from "./bucket.js";
import { readLogs } from "./logs.js";
import { lookUp } from "./lookup.js";
import type { QueryPort, QueryState, StoredObject } from "./ports.js";

const ACCOUNT = "111122223333";
const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/k1`;
const NEVER = new AbortController().signal;
const DAY = 86_400_000;

function record(id: string, time = "2026-01-02T03:04:05Z"): object {
  return {
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::${ACCOUNT}:user/a`, accountId: ACCOUNT },
    eventTime: time,
    eventSource: "kms.amazonaws.com",
    eventName: "Decrypt",
    awsRegion: "us-east-1",
    sourceIPAddress: "192.0.2.1",
    eventID: id,
    resources: [{ ARN: KEY }],
    eventType: "AwsApiCall",
    recipientAccountId: ACCOUNT,
  };
}

const denied = (call: string): Asked<never> =>
  err({ kind: "denied", call, code: "AccessDenied", message: "no", help: `Permit ${call}.` });

function keysOf(aggregator: UsageAggregator): {
  readonly coverage: ReturnType<UsageAggregator["finish"]>["coverage"];
  readonly keys: readonly KeyUsageData[];
} {
  const { coverage, keys } = aggregator.finish([]);
  return { coverage, keys: [...keys] };
}

describe("a bucket", () => {
  const objects = new Map<string, Buffer>([
    ["p/1.json.gz", gzipSync(JSON.stringify({ Records: [record("1")] }))],
    ["p/2_CloudTrail-Digest_x.json.gz", gzipSync("{}")],
    ["p/3.json", Buffer.from(JSON.stringify({ Records: [record("2")] }))],
    ["p/readme.txt", Buffer.from("x")],
  ]);
  const list =
    (pages: number) =>
    (_: string, __: string, token?: string): Promise<Asked<Page<StoredObject>>> => {
      const all = [...objects].map(([key, body]) => ({ key, size: body.length }));
      const at = Number(token ?? 0);
      const size = Math.ceil(all.length / pages);
      const next = at + size < all.length ? String(at + size) : undefined;
      return Promise.resolve(ok({ items: all.slice(at, at + size), next }));
    };
  async function* body(key: string): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    for (const byte of objects.get(key) ?? []) yield Uint8Array.of(byte);
  }
  const place = { bucket: "b-1", prefix: "p/" };

  it("is read page by page, log files alone, whatever pieces they come in", async () => {
    const aggregator = new UsageAggregator();
    const asked: string[] = [];
    const get = (_: string, o: StoredObject): Promise<Asked<AsyncIterable<Uint8Array>>> => {
      asked.push(o.key);
      return Promise.resolve(ok(body(o.key)));
    };
    await readLogs(bucketFiles({ list: list(4), get }, place, NEVER), aggregator, {}, NEVER);
    expect(asked).toEqual(["p/1.json.gz", "p/3.json"]);
    expect(keysOf(aggregator).keys[0]?.entries).toMatchObject([{ count: 2 }]);
  });

  it("tells which object it did not give", async () => {
    const aggregator = new UsageAggregator();
    const get = (_: string, o: StoredObject): Promise<Asked<AsyncIterable<Uint8Array>>> =>
      Promise.resolve(o.key === "p/3.json" ? denied("s3:GetObject") : ok(body(o.key)));
    await readLogs(bucketFiles({ list: list(1), get }, place, NEVER), aggregator, {}, NEVER);
    const { coverage, keys } = keysOf(aggregator);
    expect(coverage.gaps).toMatchObject([{ where: "s3://b-1/p/3.json", problem: "unreadable" }]);
    expect(coverage.gaps[0]?.detail).toContain("AccessDenied: s3:GetObject");
    expect(keys[0]?.entries).toMatchObject([{ count: 1 }]);
  });

  it("that cannot be listed is a failure at once, and a gap later", async () => {
    const get = (): Promise<Asked<never>> => Promise.reject(new Error("not asked"));
    const none = bucketFiles({ list: () => Promise.resolve(denied("s3:ListBucket")), get }, place, NEVER);
    await expect(none.next()).rejects.toThrow(/cannot be listed[^]*AccessDenied[^]*Permit s3:ListBucket/);
    const late = bucketFiles(
      {
        list: (b, p, token) =>
          token === undefined ? list(4)(b, p) : Promise.resolve(denied("s3:ListBucket")),
        get,
      },
      place,
      NEVER,
    );
    expect((await late.next()).value).toMatchObject({ path: "s3://b-1/p/1.json.gz" });
    expect((await late.next()).value).toMatchObject({ problem: "incomplete" });
  });

  it.each([
    ["s3://my-bucket", { bucket: "my-bucket", prefix: "" }],
    ["s3://my-bucket/AWSLogs/1/", { bucket: "my-bucket", prefix: "AWSLogs/1/" }],
    ["s3://B/x", undefined],
    ["s3:///x", undefined],
    ["https://my-bucket", undefined],
  ])("is named by %s", (uri, place) => {
    expect(parseS3(uri)).toEqual(place);
  });
});

describe("the event history", () => {
  const to = Date.UTC(2026, 0, 10, 12);
  const lookup = { account: ACCOUNT, region: "us-east-1", from: to - 5 * DAY, to, maxEvents: 1000 };
  const page = (n: number): string[] => [JSON.stringify(record(`e${n}`, `2026-01-0${9 - n}T00:00:00Z`))];

  async function run(
    answers: readonly Asked<Page<string>>[],
    more: { readonly maxEvents?: number } = {},
  ): Promise<{ aggregator: UsageAggregator; waits: number[] }> {
    const aggregator = new UsageAggregator();
    const waits: number[] = [];
    const waiting = [...answers];
    await lookUp(
      { lookup: () => Promise.resolve(waiting.shift() ?? denied("cloudtrail:LookupEvents")) },
      { ...lookup, ...more },
      aggregator,
      { wait: (ms) => Promise.resolve(void waits.push(ms)), signal: NEVER, say: () => undefined },
    );
    return { aggregator, waits };
  }

  it("is read to its end at two requests a second, and covers all its days", async () => {
    const { aggregator, waits } = await run([
      ok({ items: page(0), next: "1" }),
      ok({ items: page(1), next: "2" }),
      ok({ items: [], next: undefined }),
    ]);
    expect(waits).toEqual([500, 500]);
    const { coverage, keys } = keysOf(aggregator);
    expect(keys[0]?.entries).toMatchObject([{ count: 2, firstSeen: "2026-01-08T00:00:00Z" }]);
    expect(coverage.trails).toMatchObject([
      { days: [{ from: "2026-01-05", to: "2026-01-10" }], kmsEvents: 2 },
    ]);
    expect(coverage.gaps).toEqual([]);
  });

  it("that breaks off covers only the days that were reached", async () => {
    const { aggregator } = await run([ok({ items: page(1), next: "1" })]);
    const { coverage } = keysOf(aggregator);
    expect(coverage.gaps).toMatchObject([{ problem: "incomplete" }]);
    // The event itself is evidence of its day.
    expect(coverage.trails[0]?.days).toEqual([{ from: "2026-01-08", to: "2026-01-10" }]);
  });

  it("stops at the limit, and says so", async () => {
    const { aggregator } = await run([ok({ items: page(0), next: "1" }), ok({ items: page(1), next: "2" })], {
      maxEvents: 1,
    });
    const { coverage } = keysOf(aggregator);
    expect(coverage.gaps[0]?.detail).toMatch(/stopped after 1 events \(--max-events\)/);
  });

  it("that is closed is a failure", async () => {
    await expect(run([])).rejects.toThrow(/event history cannot be read[^]*Permit cloudtrail:LookupEvents/);
  });
});

describe("Athena", () => {
  const target = { database: "audit", table: "logs", datePartition: undefined };
  const run = { target, days: {}, workgroup: "w", output: undefined };
  const usageRow: Readonly<Record<string, string>> = {
    type: "AssumedRole",
    principal_id: "AROAX",
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/X`,
    account_id: ACCOUNT,
    issuer_type: "Role",
    issuer_id: "AROAX",
    issuer_arn: `arn:aws:iam::${ACCOUNT}:role/deep/X`,
    event_name: "ReEncrypt",
    region: "us-east-1",
    recipient: ACCOUNT,
    event_type: "AwsApiCall",
    source: "10.0.0.0",
    destination_key_id: "k2",
    source_context: '["a","b"]',
    resources: `["${KEY}","${KEY.replace("k1", "k2")}"]`,
    calls: "42",
    first_seen: "2026-01-01T00:00:00Z",
    last_seen: "2026-01-03T00:00:00Z",
  };
  const cells = (names: readonly string[], row: Readonly<Record<string, string>>): (string | undefined)[] =>
    names.map((name) => row[name]);

  function port(states: readonly QueryState["state"][], log: string[]): QueryPort {
    const waiting = [...states];
    return {
      start: (sql) => {
        log.push(sql.includes("row_number") ? "usage" : "coverage");
        return Promise.resolve(ok(log.at(-1) ?? ""));
      },
      state: () =>
        Promise.resolve(
          ok({ state: waiting.shift() ?? "succeeded", reason: "line 1: no such table", scanned: 7 }),
        ),
      rows: (id, token) => {
        const columns = id === "usage" ? USAGE_COLUMNS : COVERAGE_COLUMNS;
        const coverage = {
          account: ACCOUNT,
          region: "us-east-1",
          day: "2026-01-01",
          events: "100",
          kms_events: "42",
        };
        const row = cells(columns, id === "usage" ? usageRow : coverage);
        return Promise.resolve(
          ok(token === undefined ? { items: [[...columns]], next: "n" } : { items: [row], next: undefined }),
        );
      },
      stop: (id) => {
        log.push(`stop ${id}`);
        return Promise.resolve(ok(undefined));
      },
    };
  }
  const tools = (signal = NEVER): Parameters<typeof queryUsage>[3] => ({
    wait: () => Promise.resolve(),
    signal,
    say: () => undefined,
  });

  it("adds up, and its rows are read as the records that they stand for", async () => {
    const aggregator = new UsageAggregator();
    const log: string[] = [];
    await queryUsage(port(["running", "running", "succeeded"], log), run, aggregator, tools());
    expect(log).toEqual(["usage", "coverage"]);
    const { coverage, keys } = keysOf(aggregator);
    expect(keys).toMatchObject([
      {
        key: KEY,
        entries: [
          {
            action: "kms:ReEncryptFrom",
            count: 42,
            contextKeys: ["a", "b"],
            principal: { kind: "role", arn: `arn:aws:iam::${ACCOUNT}:role/deep/X` },
            sourceNetwork: { kind: "private-address" },
            lastSeen: "2026-01-03T00:00:00Z",
          },
        ],
      },
      { key: KEY.replace("k1", "k2"), entries: [{ action: "kms:ReEncryptTo", count: 42 }] },
    ]);
    expect(coverage).toMatchObject({ records: 100, kmsEvents: 42, gaps: [] });
    expect(coverage.trails).toMatchObject([
      { account: ACCOUNT, days: [{ from: "2026-01-01", to: "2026-01-01" }] },
    ]);
  });

  it("that fails says why, and what is stopped does not go on to be billed", async () => {
    await expect(queryUsage(port(["failed"], []), run, new UsageAggregator(), tools())).rejects.toThrow(
      /Athena did not answer[^]*no such table[^]*--print-sql/,
    );
    const log: string[] = [];
    const stopped = new AbortController();
    stopped.abort();
    await expect(
      queryUsage(port(["running"], log), run, new UsageAggregator(), tools(stopped.signal)),
    ).rejects.toThrow(/stopped/);
    expect(log).toEqual(["usage", "stop usage"]);
  });

  it("rows that are damaged are gaps", () => {
    const aggregator = new UsageAggregator();
    addUsageRow({ ...usageRow, calls: "many" }, aggregator);
    addUsageRow({ ...usageRow, first_seen: "never" }, aggregator);
    expect(keysOf(aggregator).coverage.gapCount).toBe(2);
  });

  it("gets no name and no day that could end a quote", () => {
    for (const bad of ['a"b', "a b", "", "a;b", "a--", "ä"]) {
      expect(() => usageSql({ ...target, table: bad }, {}), bad).toThrow(/not an identifier/);
      expect(() => coverageSql({ ...target, database: bad }, {}), bad).toThrow(/not an identifier/);
      expect(() => usageSql({ ...target, datePartition: bad }, { from: "2026-01-01" }), bad).toThrow(
        /not an identifier/,
      );
    }
    for (const bad of ["2026-01-01'", "now()", "2026-13-01"]) {
      expect(() => usageSql(target, { from: bad }), bad).toThrow(/not a day/);
    }
  });
});
