import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/sandbox/random.js";
import type { KeyUsageData } from "../../src/usage/aggregate.js";
import { UsageAggregator } from "../../src/usage/aggregate.js";
import { addCoverageRow, addUsageRow } from "../../src/usage/athena.js";
import { COVERAGE_COLUMNS, USAGE_COLUMNS, coverageSql, usageSql } from "../../src/usage/athena-sql.js";
import { readLogs } from "../../src/usage/logs.js";

/**
 * The queries for Athena, parsed as Athena's SQL by sqlglot and run by DuckDB (test/moto/athena.py), give what reading the
 * same records gives.
 */

const SCRIPT = fileURLToPath(new URL("athena.py", import.meta.url));
const TRAIL = fileURLToPath(new URL("../../examples/cloudtrail/", import.meta.url));
const target = { database: "audit", table: "logs", datePartition: "timestamp" };

type Cells = readonly (string | null)[];
interface Answers {
  readonly usage: readonly Cells[];
  readonly coverage: readonly Cells[];
}

async function ask(records: readonly object[], days: { from?: string; to?: string } = {}): Promise<Answers> {
  const child = spawn(join(process.env["KEYWARD_TEST_VENV"] ?? "", "python"), [SCRIPT]);
  child.stdin.end(
    JSON.stringify({ usage: usageSql(target, days), coverage: coverageSql(target, days), records }),
  );
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(err).toBe("");
  return JSON.parse(out) as Answers;
}

function named<C extends string>(columns: readonly C[], cells: Cells): Partial<Record<C, string>> {
  expect(cells).toHaveLength(columns.length);
  return Object.fromEntries(columns.flatMap((c, i) => (cells[i] == null ? [] : [[c, cells[i]]]))) as Partial<
    Record<C, string>
  >;
}

interface Sum {
  readonly keys: readonly KeyUsageData[];
  readonly trails: unknown;
}

/**
 * Without what Athena cannot tell: the account of a VPC endpoint has no column in AWS's table, and events of KMS that are
 * nobody's call (rotation, lists) are counted by the day alone.
 */
function sum(aggregator: UsageAggregator): Sum {
  const { coverage, keys } = aggregator.finish([]);
  expect(coverage.gaps).toEqual([]);
  const trails = coverage.trails.map(({ account, region, days }) => ({ account, region, days }));
  const withoutAccount = (key: KeyUsageData): KeyUsageData => ({
    ...key,
    entries: key.entries.map((e) =>
      e.sourceNetwork.kind === "vpc-endpoint"
        ? { ...e, sourceNetwork: { kind: e.sourceNetwork.kind, id: e.sourceNetwork.id } }
        : e,
    ),
  });
  return { keys: [...keys].map(withoutAccount), trails };
}

async function byEngine(records: readonly object[], days = {}): Promise<Sum> {
  const answers = await ask(records, days);
  const aggregator = new UsageAggregator();
  for (const row of answers.usage) addUsageRow(named(USAGE_COLUMNS, row), aggregator);
  for (const row of answers.coverage) addCoverageRow(named(COVERAGE_COLUMNS, row), aggregator);
  return sum(aggregator);
}

async function byReading(records: readonly object[]): Promise<Sum> {
  const file = {
    path: "a",
    open: () => Promise.resolve(Readable.from([gzipSync(JSON.stringify({ Records: records }))])),
  };
  const aggregator = new UsageAggregator();
  await readLogs(Readable.from([file]), aggregator, {}, new AbortController().signal);
  return sum(aggregator);
}

const OWNER = "111122223333";
const PARTNER = "444455556666";

/** Records as CloudTrail writes them, of every form that the queries tell apart. */
function records(count: number, seed: number): readonly object[] {
  const random = seededRandom(seed);
  const pick = <T>(of: readonly T[]): T => {
    const item = of[Math.floor(random() * of.length)];
    if (item === undefined) throw new Error("an empty list");
    return item;
  };
  const role = (account: string, path: string): object => ({
    type: "AssumedRole",
    principalId: `AROAEXAMPLE${account}:session${Math.floor(random() * 9)}`,
    arn: `arn:aws:sts::${account}:assumed-role/App/session${Math.floor(random() * 9)}`,
    accountId: account,
    sessionContext: {
      sessionIssuer: {
        type: "Role",
        principalId: `AROAEXAMPLE${account}`,
        arn: `arn:aws:iam::${account}:role${path}App`,
      },
    },
  });
  const identity = (): object =>
    pick([
      () => role(OWNER, "/deep/"),
      () => role(PARTNER, "/"),
      () => ({ ...role(OWNER, "/"), invokedBy: pick(["s3.amazonaws.com", "AWS Internal"]) }),
      () => ({
        type: "IAMUser",
        principalId: "AIDAEXAMPLE",
        arn: `arn:aws:iam::${OWNER}:user/a`,
        accountId: OWNER,
      }),
      () => ({ type: "Root", principalId: OWNER, arn: `arn:aws:iam::${OWNER}:root`, accountId: OWNER }),
      () => ({ type: "AWSService", invokedBy: "logs.amazonaws.com" }),
      () => ({ type: "AWSAccount", principalId: "AROAFOREIGN:me", accountId: PARTNER }),
    ])();
  const key = (n: number): string =>
    `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-00000000000${n}`;
  const context = (): object =>
    pick([
      {},
      { encryptionContext: { b: "1", a: "2" } },
      { encryptionContext: { "aws:s3:arn": "x", 'q"é': "y" } },
    ]);
  const ending = (action: string, arn: string): object =>
    pick([
      {},
      {},
      { errorCode: "DisabledException", errorMessage: "it is disabled" },
      ...[
        "because no resource-based policy allows the kms:X action",
        "with an explicit deny in a service control policy",
        "because no identity-based policy allows the kms:X action",
        "with an explicit deny in a VPC endpoint policy",
        "",
      ].map((why) => ({
        errorCode: "AccessDenied",
        errorMessage: `User: arn:aws:sts::${OWNER}:assumed-role/App/s is not authorized to perform: kms:${action} on resource: ${arn} ${why}`,
      })),
    ]);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [key(Math.floor(random() * 3)), key(3)];
    const name = pick(["Decrypt", "GenerateDataKey", "CreateGrant", "ReEncrypt", "DescribeKey", "ListKeys"]);
    const re = name === "ReEncrypt";
    const other = random() < 0.1;
    const day = 1 + Math.floor(random() * 3);
    const record = {
      eventVersion: "1.11",
      userIdentity: identity(),
      eventTime: `2026-11-0${day}T0${Math.floor(random() * 10)}:00:00Z`,
      eventSource: other ? "s3.amazonaws.com" : "kms.amazonaws.com",
      eventName: other ? "GetObject" : name,
      awsRegion: pick(["us-east-1", "us-east-1", "eu-west-1"]),
      sourceIPAddress: pick([
        "10.1.2.3",
        "203.0.113.9",
        "100.64.0.1",
        "100.128.0.1",
        "172.31.0.1",
        "172.32.0.1",
        "2001:db8::7",
        "fd12::1",
        "fe80::1",
        "AWS Internal",
        "s3.amazonaws.com",
      ]),
      ...(random() < 0.2 ? { vpcEndpointId: "vpce-0123456789abcdef0" } : {}),
      ...(other ? {} : ending(re ? pick(["ReEncryptFrom", "ReEncryptTo"]) : name, from)),
      requestParameters: re
        ? {
            sourceKeyId: from,
            destinationKeyId: to,
            sourceEncryptionContext: { s: "1" },
            destinationEncryptionContext: { d: "1" },
          }
        : { keyId: pick([from, from.split("/")[1] ?? "", "alias/app"]), ...context() },
      resources:
        random() < 0.2
          ? null
          : re
            ? [
                { ARN: from, accountId: OWNER },
                { ARN: to, accountId: OWNER },
              ]
            : [{ ARN: from, accountId: OWNER, type: "AWS::KMS::Key" }],
      eventID: `event-${i}`,
      eventType: "AwsApiCall",
      recipientAccountId: pick([OWNER, PARTNER]),
    };
    if (other || random() < 0.8) return [record];
    // A call on another account's key stands in both trails; the owner's tells only account and id of the caller.
    const caller = role(PARTNER, "/far/");
    const foreign = { type: "AWSAccount", principalId: `AROAEXAMPLE${PARTNER}:me`, accountId: PARTNER };
    return [
      { ...record, userIdentity: foreign, recipientAccountId: OWNER, sharedEventID: `shared-${i}` },
      {
        ...record,
        userIdentity: caller,
        recipientAccountId: PARTNER,
        sharedEventID: `shared-${i}`,
        eventID: `copy-${i}`,
      },
    ];
  }).flat();
}

describe("the queries for Athena", () => {
  it("give of the example what reading it gives", async () => {
    const files = readdirSync(TRAIL, { recursive: true, encoding: "utf8" }).filter((f) =>
      f.endsWith(".json"),
    );
    const all = files.flatMap(
      (f) => (JSON.parse(readFileSync(join(TRAIL, f), "utf8")) as { Records: object[] }).Records,
    );
    const read = await byReading(all);
    expect(read.keys.length).toBeGreaterThan(2);
    expect(await byEngine(all)).toEqual(read);
  });

  it.each([1, 2, 3])("give of all kinds of records what reading them gives (seed %i)", async (seed) => {
    const all = records(400, seed);
    const read = await byReading(all);
    expect(read.keys.length).toBeGreaterThan(3);
    expect(await byEngine(all)).toEqual(read);
  });

  it("keep to the days that were asked for", async () => {
    const all = records(200, 9);
    const day = (record: object): string =>
      "eventTime" in record ? String(record.eventTime).slice(0, 10) : "";
    const wanted = all.filter((r) => day(r) === "2026-11-02");
    expect((await byEngine(all, { from: "2026-11-02", to: "2026-11-02" })).keys).toEqual(
      (await byReading(wanted)).keys,
    );
  });
});
