import { describe, expect, it } from "vitest";
import type { CoverageLine, IncompleteLine, KeyLine, SnapshotLine } from "../snapshot/lines.js";
import { snapshotLineSchema } from "../snapshot/schema.js";
import type { Call, FakeKey, FakeOptions } from "../../test/collect/fake-cloud.js";
import { ACCOUNT, FakeCloud, failure, keyArn } from "../../test/collect/fake-cloud.js";
import type { CollectOptions, Limits } from "./collect.js";
import { collect } from "./collect.js";
import type { CollectListener } from "./run.js";

const POLICY = '{"Version":"2012-10-17","Statement":[]}';

/** Of a key that may be deleted at any moment. */
const ENDING = { state: "PendingDeletion" } as const;

function keys(count: number, prefix = "k"): FakeKey[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${i}`,
    policy: `${POLICY} ${prefix}${i}`,
  }));
}

interface Scan {
  readonly lines: readonly SnapshotLine[];
  readonly keys: readonly KeyLine[];
  readonly incomplete: readonly IncompleteLine[];
  readonly coverage: CoverageLine;
  readonly calls: readonly Call[];
  readonly notes: readonly string[];
  readonly mostOpen: number;
}

interface ScanOptions extends FakeOptions {
  readonly only?: readonly string[];
  readonly tags?: boolean;
  readonly interrupt?: AbortController;
  readonly limits?: Partial<Limits>;
  readonly onKey?: NonNullable<CollectListener["key"]>;
}

function start(cloud: FakeCloud, o: ScanOptions, notes: string[] = []): AsyncGenerator<SnapshotLine> {
  const options: CollectOptions = {
    cloud,
    regions: o.only ?? [],
    details: { tags: o.tags ?? false },
    tool: "keyward test",
    now: () => 1_800_000_000_000,
    interrupt: (o.interrupt ?? new AbortController()).signal,
    listener: { note: (text) => notes.push(text), ...(o.onKey === undefined ? {} : { key: o.onKey }) },
    ...(o.limits === undefined ? {} : { limits: o.limits }),
  };
  return collect(options);
}

/** Runs a scan to its end; every line must be one that the reader accepts. */
async function scan(o: ScanOptions): Promise<Scan> {
  const cloud = new FakeCloud(o);
  const notes: string[] = [];
  const lines: SnapshotLine[] = [];
  for await (const line of start(cloud, o, notes)) {
    expect(snapshotLineSchema.safeParse(line).error?.issues).toBeUndefined();
    lines.push(line);
  }
  expect(lines[0]).toMatchObject({ type: "snapshot", ends: "coverage", tool: "keyward test" });
  const coverage = lines.at(-1);
  if (coverage?.type !== "coverage") throw new Error("the last line is no coverage line");
  return {
    lines,
    keys: lines.filter((l) => l.type === "key"),
    incomplete: lines.filter((l) => l.type === "incomplete"),
    coverage,
    calls: cloud.calls,
    notes,
    mostOpen: cloud.mostOpen,
  };
}

const names = (lines: readonly KeyLine[]): string[] => lines.map((l) => l.arn).sort();

describe("what a scan reads", () => {
  it("reads all pages of keys, grants and aliases of all enabled Regions", async () => {
    const grants = Array.from({ length: 7 }, (_, i) => ({ GrantId: `g${i}` }));
    const result = await scan({
      regions: {
        "us-east-1": [
          ...keys(10),
          { id: "full", policy: POLICY, grants, aliases: ["alias/a", "alias/b", "alias/c", "alias/d"] },
        ],
        "eu-west-1": keys(4, "e"),
      },
      disabledRegions: ["af-south-1"],
      pageSize: 3,
    });
    expect(names(result.keys)).toEqual(
      [
        ...keys(10).map((k) => keyArn("us-east-1", k.id)),
        keyArn("us-east-1", "full"),
        ...keys(4, "e").map((k) => keyArn("eu-west-1", k.id)),
      ].sort(),
    );
    const full = result.keys.find((k) => k.arn.endsWith("/full"));
    expect(full).toMatchObject({
      policy: { kind: "present", text: POLICY },
      grants: { kind: "present", items: grants },
      aliases: ["alias/a", "alias/b", "alias/c", "alias/d"],
      state: "Enabled",
      manager: "CUSTOMER",
    });
    expect(full).not.toHaveProperty("tags");
    expect(result.incomplete).toEqual([]);
    expect(result.coverage).toMatchObject({
      accountId: ACCOUNT,
      partition: "aws",
      interrupted: false,
      regionsFrom: "ec2:DescribeRegions",
      missingDetails: [],
      calls: result.calls.length,
      regions: [
        { region: "af-south-1", status: "not-enabled" },
        { region: "eu-west-1", status: "scanned", listed: 4, written: 4 },
        { region: "us-east-1", status: "scanned", listed: 11, written: 11 },
      ],
    });
  });

  it("keeps the policy of each key with that key, whatever the order of the answers", async () => {
    const delays = [9, 1, 5, 0, 7, 3];
    const result = await scan({
      regions: { "us-east-1": keys(30), "us-west-2": keys(30, "w") },
      before: async ({ key }) => {
        const delay = delays[Number(/\d+$/.exec(key ?? "0")?.[0]) % delays.length] ?? 0;
        await new Promise((resolve) => setTimeout(resolve, delay));
      },
    });
    expect(result.keys).toHaveLength(60);
    for (const key of result.keys) {
      const id = key.arn.split("/")[1] ?? "";
      expect(key.policy).toEqual({ kind: "present", text: `${POLICY} ${id}` });
    }
  });

  it("asks for tags only when told to, and scans only the Regions that are named", async () => {
    const regions = {
      "us-east-1": [{ id: "a", policy: POLICY, tags: { team: "pay", env: "x", n: "1", m: "2" } }],
      "eu-west-1": keys(2),
    };
    const without = await scan({ regions });
    expect(without.calls.some((c) => c.call === "kms:ListResourceTags")).toBe(false);
    const result = await scan({ regions, tags: true, only: ["us-east-1", "us-east-1"] });
    expect(result.keys.map((k) => k.tags)).toEqual([{ team: "pay", env: "x", n: "1", m: "2" }]);
    expect(result.coverage).toMatchObject({
      regionsFrom: "command-line",
      regions: [{ region: "us-east-1" }],
    });
    expect(result.calls.some((c) => c.call === "ec2:DescribeRegions")).toBe(false);
  });

  it("writes a key once that two pages of the listing name", async () => {
    const [first] = keys(1);
    if (first === undefined) throw new Error("no key");
    const result = await scan({ regions: { "us-east-1": [first, ...keys(3, "x"), first] }, pageSize: 2 });
    expect(result.keys).toHaveLength(4);
    expect(result.coverage.regions).toMatchObject([{ listed: 4, written: 4 }]);
  });

  it("bounds the calls that are open at the same time", async () => {
    const regions = Object.fromEntries(["a-x-1", "b-x-1", "c-x-1"].map((r) => [r, keys(40, r[0])]));
    const result = await scan({ regions, limits: { regionsAtOnce: 2, keysAtOnce: 3 }, pageSize: 50 });
    expect(result.keys).toHaveLength(120);
    // Two Regions of three keys with two calls each, and their listings of aliases.
    expect(result.mostOpen).toBeLessThanOrEqual(2 * (3 * 2 + 1));
    expect(result.mostOpen).toBeGreaterThan(6);
  });

  it("stops asking while the consumer is behind", async () => {
    const cloud = new FakeCloud({ regions: { "us-east-1": keys(500) }, pageSize: 1000 });
    const lines = start(cloud, { regions: {}, limits: { buffer: 4, keysAtOnce: 2 } });
    await lines.next();
    await lines.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const reached = cloud.calls.filter((c) => c.call === "kms:GetKeyPolicy").length;
    expect(reached).toBeLessThan(12);
    let rest = 0;
    for await (const line of lines) if (line.type === "key") rest += 1;
    expect(rest).toBe(499);
  });

  it("makes no more calls once the consumer has left", async () => {
    const cloud = new FakeCloud({ regions: { "us-east-1": keys(500) }, pageSize: 1000 });
    for await (const line of start(cloud, { regions: {} })) if (line.type === "key") break;
    const made = cloud.calls.length;
    expect(made).toBeLessThan(300);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(cloud.calls.length).toBe(made);
  });
});

describe("keys that AWS manages", () => {
  const managed = (id: string): FakeKey => ({
    id,
    policy: POLICY,
    aliases: ["alias/aws/ebs"],
    description: { manager: "AWS" },
  });

  it("are counted and not written, and only DescribeKey is spent on them", async () => {
    const result = await scan({ regions: { "us-east-1": [managed("m"), ...keys(2)] } });
    expect(names(result.keys)).toEqual([keyArn("us-east-1", "k0"), keyArn("us-east-1", "k1")]);
    expect(result.coverage.regions).toMatchObject([{ listed: 3, written: 2, awsManaged: 1 }]);
    expect(result.calls.filter((c) => c.key === "m").map((c) => c.call)).toEqual(["kms:DescribeKey"]);
  });

  const ownUse = JSON.stringify({
    Version: "2012-10-17",
    Id: "auto-ebs-2",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: "kms:Decrypt",
        Resource: "*",
        Condition: {
          StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": "ec2.us-east-1.amazonaws.com" },
        },
      },
    ],
  });

  it("are known by their policy only where DescribeKey says nothing", async () => {
    const regions = { "us-east-1": [{ id: "m", policy: ownUse }] };
    const described = await scan({ regions });
    expect(described.keys).toMatchObject([{ manager: "CUSTOMER" }]);
    const denied = await scan({
      regions,
      refuse: ({ call }) =>
        call === "kms:DescribeKey" ? failure("denied", "AccessDeniedException", call) : undefined,
    });
    expect(denied.keys).toEqual([]);
    expect(denied.coverage).toMatchObject({ missingDetails: [], regions: [{ awsManaged: 1 }] });
    const noGrants = await scan({
      regions,
      refuse: ({ call }) =>
        call === "kms:DescribeKey" || call === "kms:ListGrants"
          ? failure("denied", "AccessDeniedException", call)
          : undefined,
    });
    expect(noGrants.keys).toHaveLength(1);
  });

  it("are known by their reserved alias where DescribeKey is denied", async () => {
    const result = await scan({
      regions: { "us-east-1": [managed("m"), { ...keys(1)[0]!, aliases: ["alias/awsome"] }] },
      refuse: ({ call }) =>
        call === "kms:DescribeKey" ? failure("denied", "AccessDeniedException", call) : undefined,
    });
    expect(names(result.keys)).toEqual([keyArn("us-east-1", "k0")]);
    expect(result.keys[0]).not.toHaveProperty("manager");
    expect(result.keys[0]).not.toHaveProperty("state");
    expect(result.coverage.missingDetails).toMatchObject([
      { call: "kms:DescribeKey", code: "AccessDeniedException", count: 1 },
    ]);
    expect(result.incomplete).toEqual([]);
  });
});

describe("what AWS refuses", () => {
  it("needs only ListKeys, GetKeyPolicy and ListGrants", async () => {
    const needed = new Set(["kms:ListKeys", "kms:GetKeyPolicy", "kms:ListGrants"]);
    const result = await scan({
      regions: { "us-east-1": [{ id: "a", policy: POLICY, grants: [{ GrantId: "g" }] }] },
      tags: true,
      refuse: ({ call }) => (needed.has(call) ? undefined : failure("denied", "AccessDeniedException", call)),
    });
    expect(result.keys).toEqual([
      {
        type: "key",
        arn: keyArn("us-east-1", "a"),
        policy: { kind: "present", text: POLICY },
        grants: { kind: "present", items: [{ GrantId: "g" }] },
      },
    ]);
    expect(result.incomplete).toEqual([]);
    expect(result.coverage.regionsFrom).toBe("built-in");
    expect(result.coverage.accountId).toBe(ACCOUNT);
    expect(result.coverage.regions.length).toBeGreaterThan(30);
    expect(result.coverage.missingDetails.map((d) => [d.call, d.count])).toEqual(
      expect.arrayContaining([
        ["kms:DescribeKey", 1],
        ["kms:ListResourceTags", 1],
      ]),
    );
    expect(result.notes).toHaveLength(1);
    expect(result.notes[0]).toContain("ec2:DescribeRegions: AccessDeniedException");
  });

  it.each(["kms:GetKeyPolicy", "kms:ListGrants"])(
    "a denied %s marks that key and no other",
    async (denied) => {
      const result = await scan({
        regions: { "us-east-1": keys(5), "eu-west-1": keys(5, "e") },
        refuse: ({ call, key }) =>
          call === denied && key === "k3" ? failure("denied", "AccessDeniedException", call) : undefined,
      });
      expect(result.keys).toHaveLength(10);
      const marked = result.keys.filter((k) => k.policy.kind !== "present" || k.grants?.kind !== "present");
      expect(marked).toMatchObject([
        {
          arn: keyArn("us-east-1", "k3"),
          [denied === "kms:GetKeyPolicy" ? "policy" : "grants"]: {
            kind: "unreadable",
            code: "AccessDeniedException",
          },
        },
      ]);
      expect(result.incomplete).toEqual([
        {
          type: "incomplete",
          where: keyArn("us-east-1", "k3"),
          call: denied,
          code: "AccessDeniedException",
          message: `AccessDeniedException for ${denied}`,
          help: "help for AccessDeniedException",
        },
      ]);
      expect(result.coverage.regions.map((r) => [r.region, r.status])).toEqual([
        ["eu-west-1", "scanned"],
        ["us-east-1", "incomplete"],
      ]);
    },
  );

  it("grants of which a later page fails are unreadable, not fewer", async () => {
    let asked = 0;
    const grants = Array.from({ length: 9 }, (_, i) => ({ GrantId: `g${i}` }));
    const result = await scan({
      regions: { "us-east-1": [{ id: "a", policy: POLICY, grants }] },
      refuse: ({ call }) =>
        call === "kms:ListGrants" && ++asked === 2
          ? failure("throttled", "ThrottlingException", call)
          : undefined,
    });
    expect(result.keys[0]?.grants).toMatchObject({ kind: "unreadable", code: "ThrottlingException" });
    expect(result.incomplete).toHaveLength(1);
  });

  it("aliases of which a page fails are unknown, not none", async () => {
    const result = await scan({
      regions: { "us-east-1": [{ id: "a", policy: POLICY, aliases: ["alias/a"] }] },
      refuse: ({ call }) =>
        call === "kms:ListAliases" ? failure("denied", "AccessDeniedException", call) : undefined,
    });
    expect(result.keys[0]).not.toHaveProperty("aliases");
    expect(result.coverage.missingDetails).toMatchObject([{ call: "kms:ListAliases", count: 1 }]);
  });

  it("a Region whose listing is denied is incomplete, and the others are read", async () => {
    const result = await scan({
      regions: { "us-east-1": keys(5), "eu-west-1": keys(5, "e") },
      refuse: ({ call, region }) =>
        call === "kms:ListKeys" && region === "eu-west-1"
          ? failure("denied", "AccessDeniedException", call)
          : undefined,
    });
    expect(result.keys).toHaveLength(5);
    expect(result.incomplete).toMatchObject([
      { where: `${ACCOUNT}/eu-west-1`, call: "kms:ListKeys", code: "AccessDeniedException" },
    ]);
    expect(result.coverage.regions).toMatchObject([
      { region: "eu-west-1", status: "incomplete", listed: 0 },
      { region: "us-east-1", status: "scanned" },
    ]);
  });

  it("a listing that breaks off keeps what it had, and says that there is more", async () => {
    let pages = 0;
    const result = await scan({
      regions: { "us-east-1": keys(9) },
      pageSize: 3,
      refuse: ({ call }) =>
        call === "kms:ListKeys" && ++pages === 3 ? failure("unreachable", "TimeoutError", call) : undefined,
    });
    expect(result.keys).toHaveLength(6);
    expect(result.incomplete).toMatchObject([{ where: `${ACCOUNT}/us-east-1`, code: "TimeoutError" }]);
  });

  it("a key that is deleted during the scan is told and is no failure", async () => {
    const result = await scan({
      regions: { "us-east-1": [...keys(2), { id: "g", policy: POLICY, gone: true, description: ENDING }] },
    });
    expect(result.keys).toHaveLength(2);
    expect(result.incomplete).toEqual([]);
    expect(result.coverage.regions).toMatchObject([{ status: "scanned", listed: 3, written: 2, deleted: 1 }]);
  });

  it("a key that is deleted between its policy and its grants is deleted too", async () => {
    const result = await scan({
      regions: { "us-east-1": keys(2).map((k) => ({ ...k, description: ENDING })) },
      refuse: ({ call, key }) =>
        call === "kms:ListGrants" && key === "k1"
          ? failure("not-found", "NotFoundException", call)
          : undefined,
    });
    expect(names(result.keys)).toEqual([keyArn("us-east-1", "k0")]);
    expect(result.incomplete).toEqual([]);
    expect(result.coverage.regions).toMatchObject([{ status: "scanned", written: 1, deleted: 1 }]);
  });

  it.each<[string, Partial<FakeKey>]>([
    ["is enabled", { description: { state: "Enabled" } }],
    ["has a state that nobody may read", {}],
  ])("a key that is not found, but %s, was made just now and is a gap", async (_what, more) => {
    const result = await scan({
      regions: { "us-east-1": [...keys(1), { id: "new", policy: POLICY, gone: true, ...more }] },
    });
    expect(result.keys.find((k) => k.arn === keyArn("us-east-1", "new"))).toMatchObject({
      policy: { kind: "unreadable", code: "NotFoundException" },
      grants: { kind: "unreadable", code: "NotFoundException" },
    });
    expect(result.incomplete.map((i) => i.call).sort()).toEqual(["kms:GetKeyPolicy", "kms:ListGrants"]);
    expect(result.coverage.regions).toMatchObject([{ status: "incomplete", written: 2, deleted: 0 }]);
  });

  it("a listing that goes round in circles ends, and is a gap", async () => {
    const cloud = new FakeCloud({ regions: { "us-east-1": keys(2) } });
    const real = cloud.kms.bind(cloud);
    cloud.kms = (region) => {
      const kms = real(region);
      const listKeys: typeof kms.listKeys = async (_marker, signal) => {
        const page = await kms.listKeys(undefined, signal);
        return page.ok ? { ok: true, value: { ...page.value, next: "again" } } : page;
      };
      return { ...kms, listKeys };
    };
    const lines: SnapshotLine[] = [];
    for await (const line of start(cloud, { regions: {} })) lines.push(line);
    expect(lines.filter((l) => l.type === "key")).toHaveLength(2);
    expect(lines.filter((l) => l.type === "incomplete")).toMatchObject([
      { where: `${ACCOUNT}/us-east-1`, call: "kms:ListKeys", code: "PagingLoop" },
    ]);
  });

  it("a key that is listed by something else than a key ARN is a gap, not left out", async () => {
    const cloud = new FakeCloud({ regions: { "us-east-1": keys(1) } });
    const real = cloud.kms.bind(cloud);
    cloud.kms = (region) => ({
      ...real(region),
      listKeys: () =>
        Promise.resolve({ ok: true, value: { items: [{ id: "k0", arn: "" }], next: undefined } }),
    });
    const lines: SnapshotLine[] = [];
    for await (const line of start(cloud, { regions: {} })) lines.push(line);
    expect(lines.filter((l) => l.type === "incomplete")).toMatchObject([{ code: "UnexpectedAnswer" }]);
    expect(lines.at(-1)).toMatchObject({ regions: [{ status: "incomplete", listed: 1, written: 0 }] });
  });

  it.each([
    ["another account", { id: "k0", arn: "arn:aws:kms:us-east-1:222233334444:key/k0" }],
    ["another Region", { id: "k0", arn: keyArn("us-west-2", "k0") }],
    ["another key than its id", { id: "k1", arn: keyArn("us-east-1", "k0") }],
  ])("a key that is listed as one of %s is a gap, not left out", async (_what, listed) => {
    const cloud = new FakeCloud({ regions: { "us-east-1": keys(2) } });
    const real = cloud.kms.bind(cloud);
    cloud.kms = (region) => ({
      ...real(region),
      listKeys: () => Promise.resolve({ ok: true, value: { items: [listed], next: undefined } }),
    });
    const lines: SnapshotLine[] = [];
    for await (const line of start(cloud, { regions: {} })) lines.push(line);
    expect(lines.filter((l) => l.type === "key")).toEqual([]);
    expect(lines.filter((l) => l.type === "incomplete")).toMatchObject([
      { where: `${ACCOUNT}/us-east-1`, call: "kms:ListKeys", code: "UnexpectedAnswer" },
    ]);
    expect(lines.at(-1)).toMatchObject({ regions: [{ status: "incomplete", listed: 1, written: 0 }] });
  });

  it("an opt-in Region that refuses the credentials is not enabled; one that every account has is a gap", async () => {
    const refuse = ({ call, region }: Call) => {
      if (call === "ec2:DescribeRegions" || call === "account:ListRegions") {
        return failure("denied", "AccessDeniedException", call);
      }
      const closed = call === "kms:ListKeys" && ["af-south-1", "eu-west-1"].includes(region);
      return closed ? failure("region-refused", "UnrecognizedClientException", call) : undefined;
    };
    const result = await scan({ regions: { "us-east-1": keys(1) }, refuse });
    const status = new Map(result.coverage.regions.map((r) => [r.region, r.status]));
    expect(["af-south-1", "eu-west-1", "us-east-1"].map((r) => status.get(r))).toEqual([
      "not-enabled",
      "incomplete",
      "scanned",
    ]);
    expect(result.incomplete).toMatchObject([{ where: `${ACCOUNT}/eu-west-1` }]);
  });

  it("an opt-in Region that the user names and that refuses the credentials is a gap", async () => {
    const refuse = ({ call, region }: Call) =>
      region === "af-south-1" ? failure("region-refused", "UnrecognizedClientException", call) : undefined;
    const only = ["us-east-1", "af-south-1"];
    const result = await scan({ regions: { "us-east-1": keys(1) }, only, refuse });
    expect(result.coverage.regions.map((r) => [r.region, r.status])).toEqual([
      ["af-south-1", "incomplete"],
      ["us-east-1", "scanned"],
    ]);
    expect(result.incomplete).toMatchObject([{ where: `${ACCOUNT}/af-south-1`, call: "kms:ListKeys" }]);
  });

  it("an opt-in Region that the account calls enabled and that refuses the credentials is a gap", async () => {
    const result = await scan({
      regions: { "us-east-1": keys(1), "af-south-1": [] },
      refuse: ({ call, region }) =>
        region === "af-south-1" ? failure("region-refused", "UnrecognizedClientException", call) : undefined,
    });
    expect(result.incomplete).toMatchObject([{ where: `${ACCOUNT}/af-south-1` }]);
  });

  it("asks account:ListRegions where ec2:DescribeRegions is denied", async () => {
    const result = await scan({
      regions: { "us-east-1": keys(1) },
      refuse: ({ call }) =>
        call === "ec2:DescribeRegions" ? failure("denied", "UnauthorizedOperation", call) : undefined,
    });
    expect(result.coverage.regionsFrom).toBe("account:ListRegions");
    expect(result.coverage.regions).toHaveLength(1);
  });

  it("does not begin with credentials that AWS refuses", async () => {
    const refused = scan({
      regions: { "us-east-1": keys(1) },
      refuse: ({ call }) => failure("credentials", "InvalidClientTokenId", call),
    });
    await expect(refused).rejects.toThrow(
      /AWS does not accept the credentials[^]*InvalidClientTokenId[^]*help for/,
    );
  });

  it("says that AWS cannot be reached where nothing answers", async () => {
    const refused = scan({
      regions: {},
      refuse: ({ call }) => failure("unreachable", "ECONNREFUSED", call),
    });
    await expect(refused).rejects.toThrow(/AWS cannot be reached[^]*ECONNREFUSED/);
  });

  it("goes on without STS, and takes the account from the keys", async () => {
    const result = await scan({
      regions: { "us-east-1": keys(1) },
      only: ["us-east-1"],
      refuse: ({ call }) =>
        call === "sts:GetCallerIdentity" ? failure("unreachable", "TimeoutError", call) : undefined,
    });
    expect(result.coverage.accountId).toBe(ACCOUNT);
    expect(result.incomplete).toEqual([]);
  });
});

describe("a scan that is stopped", () => {
  /** Every key of the estate that the result says nothing about. */
  function unaccounted(result: Scan, all: readonly string[]): string[] {
    const written = new Set(result.keys.map((k) => k.arn));
    const openRegions = new Set(
      result.incomplete.filter((l) => l.call === "kms:ListKeys").map((l) => l.where.split("/")[1]),
    );
    return all.filter((arn) => !written.has(arn) && !openRegions.has(arn.split(":")[3]));
  }

  it("accounts for every key: read, named as unread, or in a Region that is named as not fully listed", async () => {
    const regions = { "us-east-1": keys(200), "eu-west-1": keys(200, "e"), "us-west-2": keys(200, "w") };
    const all = Object.entries(regions).flatMap(([r, ks]) => ks.map((k) => keyArn(r, k.id)));
    const interrupt = new AbortController();
    let done = 0;
    const result = await scan({
      regions,
      pageSize: 20,
      interrupt,
      limits: { regionsAtOnce: 2, keysAtOnce: 4 },
      onKey: () => {
        if (++done === 60) interrupt.abort();
      },
    });
    expect(unaccounted(result, all)).toEqual([]);
    expect(result.coverage.interrupted).toBe(true);
    expect(result.coverage.regions.map((r) => [r.region, r.status])).toEqual([
      ["eu-west-1", "incomplete"],
      ["us-east-1", "incomplete"],
      ["us-west-2", "not-seen"],
    ]);
    const read = result.keys.filter((k) => k.policy.kind === "present" && k.grants?.kind === "present");
    const unread = result.keys.length - read.length;
    expect(read.length).toBeGreaterThanOrEqual(60);
    expect(read.length).toBeLessThan(100);
    // Each key that was not fully read has a line of its own that says so, with the reason and not an abort's name.
    expect(
      new Set(result.incomplete.filter((l) => l.where.startsWith("arn:")).map((l) => l.where)).size,
    ).toBe(unread);
    expect(new Set(result.incomplete.map((l) => l.code))).toEqual(new Set(["Interrupted"]));
    expect(result.calls.length).toBeLessThan(300);
  });

  it("does not wait for calls that hang", async () => {
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 30);
    const result = await scan({
      regions: { "us-east-1": keys(5) },
      interrupt,
      before: ({ call }) => (call === "kms:GetKeyPolicy" ? new Promise<void>(() => undefined) : undefined),
    });
    expect(result.keys.every((k) => k.policy.kind === "unreadable")).toBe(true);
    expect(result.coverage.interrupted).toBe(true);
  });

  it("before it began, names every Region that it would have scanned", async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const result = await scan({ regions: {}, only: ["us-east-1", "eu-west-1"], interrupt });
    expect(result.calls).toEqual([]);
    expect(result.incomplete.map((l) => l.where).sort()).toEqual(["eu-west-1", "us-east-1"]);
    expect(result.coverage.regions.map((r) => r.status)).toEqual(["not-seen", "not-seen"]);
  });

  it("by credentials that expire, asks nothing more and says why", async () => {
    let asked = 0;
    const result = await scan({
      regions: { "us-east-1": keys(300) },
      pageSize: 1000,
      refuse: ({ call }) =>
        ++asked > 100 ? failure("credentials", "ExpiredTokenException", call) : undefined,
    });
    expect(result.keys).toHaveLength(300);
    expect(new Set(result.incomplete.map((l) => l.code))).toEqual(new Set(["ExpiredTokenException"]));
    expect(result.calls.length).toBeLessThan(200);
    expect(result.coverage.interrupted).toBe(true);
  });
});
