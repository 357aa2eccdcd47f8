import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKeyArn } from "../domain/ids.js";
import type { KeyUsageData, UsageLimits } from "./aggregate.js";
import { LIMITS, UsageAggregator } from "./aggregate.js";
import { keyCoverage } from "./coverage.js";
import { readLogs } from "./logs.js";
import type { LogFile } from "./read-log.js";
import { openUsage } from "./read.js";
import type { UsageCoverage } from "./types.js";
import { usageFile } from "./write.js";

const KEY = "arn:aws:kms:us-east-1:111122223333:key/k1";
const PARTNER = "444455556666";

interface Fields {
  readonly id: string;
  readonly time?: string;
  readonly shared?: string;
  readonly identity?: object;
  readonly recipient?: string;
  readonly key?: string;
  readonly context?: readonly string[];
  readonly user?: string;
}

function event(f: Fields): object {
  return {
    userIdentity: f.identity ?? {
      type: "IAMUser",
      arn: `arn:aws:iam::111122223333:user/${f.user ?? "a"}`,
      accountId: "111122223333",
    },
    eventTime: f.time ?? "2026-01-02T03:04:05Z",
    eventSource: "kms.amazonaws.com",
    eventName: "Decrypt",
    awsRegion: "us-east-1",
    sourceIPAddress: "192.0.2.1",
    requestParameters: { encryptionContext: Object.fromEntries((f.context ?? []).map((k) => [k, "v"])) },
    eventID: f.id,
    ...(f.shared === undefined ? {} : { sharedEventID: f.shared }),
    resources: [{ ARN: f.key ?? KEY }],
    eventType: "AwsApiCall",
    recipientAccountId: f.recipient ?? "111122223333",
  };
}

function file(path: string, content: string | Buffer): LogFile {
  return { path, open: () => Promise.resolve(Readable.from([Buffer.from(content)])) };
}
const log = (path: string, records: readonly object[]): LogFile =>
  file(path, gzipSync(JSON.stringify({ Records: records })));

async function add(
  files: readonly LogFile[],
  limits: Partial<UsageLimits> = {},
  resolve: (alias: string) => ReturnType<typeof parseKeyArn> = () => undefined,
): Promise<{ coverage: UsageCoverage; keys: readonly KeyUsageData[] }> {
  const aggregator = new UsageAggregator({ ...LIMITS, ...limits });
  await readLogs(Readable.from(files), aggregator, {}, new AbortController().signal);
  const { coverage, keys } = aggregator.finish([], resolve);
  return { coverage, keys: [...keys] };
}

const owner = { type: "AWSAccount", principalId: "AROAX:me", accountId: PARTNER };
const callerRole = {
  type: "AssumedRole",
  principalId: "AROAX:me",
  accountId: PARTNER,
  sessionContext: {
    sessionIssuer: { type: "Role", principalId: "AROAX", arn: `arn:aws:iam::${PARTNER}:role/X` },
  },
};

describe("adding up", () => {
  it("counts, with the first and the last time", async () => {
    const { keys } = await add([
      log("a", [
        event({ id: "1", time: "2026-01-03T00:00:00Z" }),
        event({ id: "2", time: "2026-01-01T00:00:00Z" }),
      ]),
      log("b", [event({ id: "3", time: "2026-01-02T00:00:00Z" })]),
    ]);
    expect(keys).toHaveLength(1);
    expect(keys[0]?.entries).toMatchObject([
      { count: 3, firstSeen: "2026-01-01T00:00:00Z", lastSeen: "2026-01-03T00:00:00Z" },
    ]);
  });

  it("counts an event once that stands in several trails, and takes the copy that names the role", async () => {
    const copies = [
      log("owner", [event({ id: "o", shared: "s", identity: owner })]),
      log("caller", [event({ id: "c", shared: "s", identity: callerRole, recipient: PARTNER })]),
      log("again", [event({ id: "o", shared: "s", identity: owner })]),
    ];
    for (const files of [copies, [...copies].reverse()]) {
      const { keys, coverage } = await add(files);
      expect(keys[0]?.entries).toMatchObject([
        { count: 1, principal: { kind: "role", arn: `arn:aws:iam::${PARTNER}:role/X` }, account: PARTNER },
      ]);
      expect(coverage.trails.map((t) => t.account)).toEqual(["111122223333", PARTNER]);
    }
  });

  it("gives the same for every order of files and of records", async () => {
    const fields = fc.record({
      id: fc.integer({ min: 0, max: 12 }).map(String),
      user: fc.constantFrom("a", "b"),
      shared: fc.constantFrom(undefined, "s1", "s2"),
      context: fc.constantFrom([], ["x"], ["x", "y"]),
      identity: fc.constantFrom(undefined, owner, callerRole),
      day: fc.integer({ min: 1, max: 3 }),
    });
    // The same id stands for the same event: what it is follows from the id.
    const events = fc.uniqueArray(fields, { selector: (f) => f.id, maxLength: 12 }).map((list) =>
      list.map(({ day, shared, identity, ...f }) =>
        event({
          ...f,
          time: `2026-01-0${day}T00:00:00Z`,
          ...(shared === undefined ? {} : { shared }),
          ...(identity === undefined ? {} : { identity }),
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(events, fc.infiniteStream(fc.nat()), async (list, random) => {
        const shuffled = [...list, ...list]
          .map((e) => [random.next().value, e] as const)
          .sort((a, b) => a[0] - b[0])
          .map(([, e]) => e);
        const one = await add([log("a", list)]);
        const many = await add(shuffled.map((e, i) => log(String(i), [e])));
        expect(many.keys).toEqual(one.keys);
        expect({ ...many.coverage, files: 0, records: 0, kmsEvents: 0, trails: [] }).toEqual({
          ...one.coverage,
          files: 0,
          records: 0,
          kmsEvents: 0,
          trails: [],
        });
      }),
      { numRuns: 60 },
    );
  });

  it("resolves aliases at the end", async () => {
    const alias = { ...event({ id: "1" }), resources: [], requestParameters: { keyId: "alias/app" } };
    const unknown = await add([log("a", [alias])]);
    expect(unknown.keys).toEqual([]);
    expect(unknown.coverage.unattributed).toBe(1);
    const known = await add([log("a", [alias])], {}, (arn) =>
      arn === "arn:aws:kms:us-east-1:111122223333:alias/app" ? parseKeyArn(KEY) : undefined,
    );
    expect(known.keys).toMatchObject([{ key: KEY, entries: [{ count: 1, requestAlias: "alias/app" }] }]);
    expect(known.coverage.unattributed).toBe(0);
  });
});

describe("damaged evidence", () => {
  const whole = JSON.stringify({ Records: [event({ id: "1" }), event({ id: "2" })] });
  it.each<[string, LogFile, string, number]>([
    ["a file that is cut off", file("f", whole.slice(0, -10)), "truncated", 1],
    ["gzip that is cut off", file("f", gzipSync(whole).subarray(0, -20)), "truncated", 0],
    [
      "gzip that is damaged",
      file("f", Buffer.concat([gzipSync(whole).subarray(0, 10), Buffer.from("xxxxxxxx")])),
      "malformed",
      0,
    ],
    ["no log", file("f", '{"a":1}'), "malformed", 0],
    ["a record that is not JSON", file("f", whole.replace('"awsRegion":', '"awsRegion":,')), "malformed", 1],
    [
      "a file that cannot be opened",
      { path: "f", open: () => Promise.reject(Object.assign(new Error("no"), { code: "EACCES" })) },
      "unreadable",
      0,
    ],
    ["a bomb", file("f", gzipSync(Buffer.alloc(80 * 1024 * 1024, " "))), "too-large", 0],
  ])("%s is a gap, and the rest is used", async (_, bad, problem, used) => {
    const { coverage, keys } = await add([bad, log("good", [event({ id: "9", user: "b" })])]);
    expect(coverage.gaps).toMatchObject([{ where: "f", problem }]);
    expect(keys[0]?.entries.reduce((sum, e) => sum + e.count, 0)).toBeGreaterThanOrEqual(1 + used);
    expect(keyCoverage(coverage, keys[0]!.key, 0).complete).toBe(false);
  });
});

describe("limits", () => {
  const many = (n: number, make: (i: number) => Partial<Fields>): LogFile =>
    log(
      "many",
      Array.from({ length: n }, (_, i) => event({ id: String(i), ...make(i) })),
    );

  it("keep the principal when names in encryption contexts never end", async () => {
    const { keys } = await add([many(50, (i) => ({ context: [`k${i}`] }))], { contextsOfKey: 10 });
    expect(keys[0]?.entries).toHaveLength(11);
    expect(keys[0]?.entries.find((e) => e.contextTruncated === true)).toMatchObject({
      count: 40,
      contextKeys: [],
    });
    expect(keys[0]?.omitted).toBe(0);
  });

  it("say of which key calls are left out, and of the rest how many", async () => {
    const { keys, coverage } = await add([many(50, (i) => ({ user: `u${i}` }))], { callsOfKey: 10 });
    expect(keys[0]?.entries).toHaveLength(10);
    expect(keys[0]?.omitted).toBe(40);
    expect(coverage.omitted).toBe(40);
    expect(keyCoverage(coverage, keys[0]!.key, 40).caveats.join(" ")).toMatch(
      /40 calls on this key are not listed/,
    );
    const others = await add([many(50, (i) => ({ key: `arn:aws:kms:us-east-1:111122223333:key/k${i}` }))], {
      calls: 10,
    });
    expect(others.coverage.omitted).toBe(40);
  });

  it("bound the text in all", async () => {
    const { coverage } = await add([many(50, (i) => ({ user: `${i}${"x".repeat(1000)}` }))], {
      text: 20_000,
    });
    expect(coverage.omitted).toBeGreaterThan(30);
  });

  it("tell when events were not compared for duplicates", async () => {
    const { coverage } = await add([many(50, () => ({}))], { events: 20 });
    expect(coverage.notDeduplicated).toBe(30);
  });
});

describe("coverage", () => {
  const on = (day: string, more: Partial<Fields> = {}): object =>
    event({ id: day, time: `2026-01-${day}T12:00:00Z`, ...more });

  it("names the days without evidence of the key's own account and Region", async () => {
    const { coverage, keys } = await add([
      log("own", [on("01"), on("04")]),
      log("other", [on("08", { identity: callerRole, recipient: PARTNER, shared: "s" })]),
    ]);
    const covered = keyCoverage(coverage, keys[0]!.key, 0);
    expect(covered).toMatchObject({
      span: { from: "2026-01-01", to: "2026-01-08" },
      missingDays: [
        { from: "2026-01-02", to: "2026-01-03" },
        { from: "2026-01-05", to: "2026-01-08" },
      ],
      complete: false,
    });
    const elsewhere = parseKeyArn("arn:aws:kms:eu-west-1:111122223333:key/k")!;
    expect(keyCoverage(coverage, elsewhere, 0).caveats[0]).toMatch(
      /no evidence from the trail of account 111122223333 in eu-west-1/,
    );
  });

  it("is complete where every day has evidence and nothing was lost", async () => {
    const { coverage, keys } = await add([log("own", [on("01"), on("02"), on("03")])]);
    expect(keyCoverage(coverage, keys[0]!.key, 0)).toMatchObject({ complete: true, missingDays: [] });
  });

  it("counts the day in a log's name, and suspects a trail without any event of KMS", async () => {
    const silent = Array.from({ length: 8 }, (_, i) =>
      log(`111122223333_CloudTrail_eu-west-1_2026010${i + 1}T0005Z_abcdefghijklmnop.json.gz`, []),
    );
    const { coverage } = await add(silent);
    const key = parseKeyArn("arn:aws:kms:eu-west-1:111122223333:key/k")!;
    expect(keyCoverage(coverage, key, 0)).toMatchObject({ missingDays: [], complete: false });
    expect(keyCoverage(coverage, key, 0).caveats[0]).toMatch(/no event of KMS at all on 8 days/);
  });

  it("tells when a trail was told to leave out KMS", async () => {
    const told = {
      ...on("02"),
      eventSource: "cloudtrail.amazonaws.com",
      eventName: "PutEventSelectors",
      requestParameters: { eventSelectors: [{ excludeManagementEventSources: ["kms.amazonaws.com"] }] },
    };
    const { coverage, keys } = await add([log("own", [on("01"), told])]);
    expect(coverage.trails[0]?.kmsExcludedAt).toEqual(["2026-01-02T12:00:00Z"]);
    expect(keyCoverage(coverage, keys[0]!.key, 0).complete).toBe(false);
  });
});

describe("a usage file", () => {
  async function text(): Promise<string> {
    const { coverage, keys } = await add([
      log("a", [event({ id: "1" }), event({ id: "2", key: "arn:aws:kms:us-east-1:111122223333:key/k2" })]),
    ]);
    return [...usageFile(coverage, keys, Date.UTC(2026, 0, 1), "keyward test")].join("");
  }
  async function read(content: string): Promise<readonly string[]> {
    const { keys } = await openUsage(Readable.from([Buffer.from(content)]), "usage.ndjson");
    const found: string[] = [];
    for await (const usage of keys)
      found.push(`${usage.key} ${usage.entries.map((e) => e.count).join()} ${usage.coverage.complete}`);
    return found;
  }

  it("is read back as it was written", async () => {
    expect(await read(await text())).toEqual([
      "arn:aws:kms:us-east-1:111122223333:key/k1 1 true",
      "arn:aws:kms:us-east-1:111122223333:key/k2 1 true",
    ]);
  });

  it.each<[string, (whole: string) => string, RegExp]>([
    [
      "is cut off between lines",
      (t) => t.slice(0, t.lastIndexOf("\n", t.length - 2) + 1),
      /damaged[^]*before its last line/,
    ],
    ["is cut off within a line", (t) => t.slice(0, -5), /not JSON/],
    ["is a snapshot", () => '{"type":"snapshot","schema":"keyward.snapshot/1"}\n', /no usage file/],
    ["is empty", () => "", /no usage file/],
    [
      "has a field that is not known",
      (t) => t.replace('"omitted":0}\n', '"omitted":0,"more":1}\n'),
      /usage.ndjson:\d.*damaged[^]*unknown field more/,
    ],
    [
      "lost a key",
      (t) =>
        t
          .split("\n")
          .filter((l) => !l.includes("key/k2"))
          .join("\n"),
      /says 2 keys and holds 1/,
    ],
    [
      "has an account that is none",
      (t) => t.replaceAll('"account":"111122223333"', '"account":"1"'),
      /twelve digits/,
    ],
  ])("that %s is refused", async (_, change, message) => {
    await expect(read(change(await text()))).rejects.toThrow(message);
  });
});
