import { describe, expect, it } from "vitest";
import type { Call, FakeKey } from "../../test/collect/fake-cloud.js";
import { FakeCloud, failure, keyArn } from "../../test/collect/fake-cloud.js";
import type { KeyLine, SnapshotLine } from "../snapshot/lines.js";
import { snapshotLineSchema } from "../snapshot/schema.js";
import { collect } from "./collect.js";
import type { Details } from "./key.js";
import { Known } from "./known.js";

const DETAILS: Details = { tags: true, rotation: true, lastUsage: true };
const GRANTS = Array.from({ length: 5 }, (_, i) => ({ GrantId: `g${i}` }));
const REGIONS: Readonly<Record<string, readonly FakeKey[]>> = {
  "us-east-1": ["a", "b", "c"].map((id) => ({
    id,
    policy: `{"Id":"${id}"}`,
    grants: GRANTS,
    aliases: [`alias/${id}`],
    tags: { id },
    rotated: true,
  })),
  "eu-west-1": [
    { id: "d", policy: "{}" },
    { id: "aws", policy: "{}", aliases: ["alias/aws/s3"], description: { manager: "AWS" } },
  ],
};
const ALL = ["a", "b", "c"].map((id) => keyArn("us-east-1", id)).concat(keyArn("eu-west-1", "d"));

interface Scan {
  readonly lines: readonly SnapshotLine[];
  readonly keys: ReadonlyMap<string, KeyLine>;
  readonly answered: readonly Call[];
}

/** Scans; `end` is asked before each call whether the scan ends there, and how. */
async function scan(
  end: (n: number, call: Call) => "stop" | "expired" | undefined,
  known?: Known,
): Promise<Scan> {
  const interrupt = new AbortController();
  let n = 0;
  const answered: Call[] = [];
  const cloud = new FakeCloud({
    regions: REGIONS,
    pageSize: 2,
    refuse: (call) => {
      const how = interrupt.signal.aborted ? "stop" : end(++n, call);
      if (how === "stop") interrupt.abort();
      else if (how === undefined) answered.push(call);
      return how === undefined
        ? undefined
        : failure(how === "stop" ? "stopped" : "credentials", "ExpiredTokenException", call.call);
    },
  });
  const lines: SnapshotLine[] = [];
  for await (const line of collect({
    cloud,
    regions: [],
    details: DETAILS,
    known,
    tool: "test",
    now: () => 1_800_000_000_000,
    interrupt: interrupt.signal,
    limits: { regionsAtOnce: 1, keysAtOnce: 2 },
  })) {
    expect(snapshotLineSchema.safeParse(line).error?.issues).toBeUndefined();
    lines.push(line);
  }
  const keys = lines.filter((l) => l.type === "key");
  expect(new Set(keys.map((k) => k.arn)).size).toBe(keys.length);
  return { lines, keys: new Map(keys.map((k) => [k.arn, k])), answered };
}

/** What a resumed scan begins with, and what of the former snapshot stands in the new one. */
function resumed(lines: readonly SnapshotLine[]): { known: Known; kept: readonly KeyLine[] } {
  const known = new Known(DETAILS, false);
  const kept = lines.filter((line): line is KeyLine => known.add(line) && line.type === "key");
  return { known, kept };
}

const whole = await scan(() => undefined);
const CALLS = whole.answered.length;

/** What must hold of a scan that ended early, given what was answered in it. */
function expectNothingLost(result: Scan, before: readonly KeyLine[], where: string): void {
  const { lines, answered } = result;
  const keys = new Map([...before.map((k) => [k.arn, k] as const), ...result.keys]);
  const incomplete = lines.filter((l) => l.type === "incomplete");
  const coverage = lines.at(-1);
  if (coverage?.type !== "coverage") throw new Error("no coverage");
  const asked = (arn: string, call: string): boolean =>
    answered.some((c) => c.call === call && arn === keyArn(c.region, c.key ?? ""));
  for (const arn of ALL) {
    const line = keys.get(arn);
    const region = arn.split(":")[3] ?? "";
    const listed = coverage.regions.find((r) => r.region === region);
    if (asked(arn, "kms:DescribeKey")) expect(line?.state, `${where} ${arn}`).toBe("Enabled");
    if (asked(arn, "kms:GetKeyPolicy")) expect(line?.policy.kind, `${where} ${arn}`).toBe("present");
    if (asked(arn, "kms:ListResourceTags")) expect(line?.tags, `${where} ${arn}`).toBeDefined();
    const pages = answered.filter(
      (c) => c.call === "kms:ListGrants" && arn === keyArn(c.region, c.key ?? ""),
    );
    const items = line?.grants?.kind === "absent" ? undefined : line?.grants?.items;
    if (pages.length > 0 && region === "us-east-1") {
      expect(items, `${where} ${arn}`).toEqual(GRANTS.slice(0, 2 * pages.length));
    }
    const same = whole.keys.get(arn);
    if (line === undefined) {
      // Nobody has listed it, and that is said.
      expect(
        incomplete.map((i) => i.call),
        `${where} ${arn}`,
      ).toContain("kms:ListKeys");
      expect(listed?.status).not.toBe("scanned");
    } else if (JSON.stringify(sorted(line)) !== JSON.stringify(sorted(same))) {
      expect(
        incomplete.map((i) => i.where),
        `${where} ${arn}`,
      ).toContain(arn);
      expect(listed?.status, where).not.toBe("scanned");
    }
  }
}

function sorted(line: KeyLine | undefined): unknown {
  return line === undefined ? undefined : Object.fromEntries(Object.entries(line).sort());
}

describe("wherever a scan ends, no key of which anything was read is lost", () => {
  it.each(["stop", "expired"] as const)(
    "by %s at each call in turn, and the resumed scan finds the rest",
    async (how) => {
      expect(CALLS).toBeGreaterThan(35);
      expect(whole.keys.size).toBe(ALL.length);
      // Before the second call a refusal of the credentials is no scan at all.
      for (let at = how === "expired" ? 2 : 1; at <= CALLS; at++) {
        const where = `${how} at call ${at}`;
        const first = await scan((n) => (n >= at ? how : undefined));
        expectNothingLost(first, [], where);
        const { known, kept } = resumed(first.lines);
        const second = await scan(() => undefined, known);
        const keys = new Map([...kept.map((k) => [k.arn, k] as const), ...second.keys]);
        expect([...keys].map(([, k]) => sorted(k)).sort(byArn), where).toEqual(
          [...whole.keys.values()].map(sorted).sort(byArn),
        );
        expect(
          second.lines.filter((l) => l.type === "incomplete"),
          where,
        ).toEqual([]);
      }
    },
  );

  it("nor by a second stop of the scan that goes on", async () => {
    for (let first = 8; first <= CALLS; first += 5) {
      const { lines } = await scan((n) => (n >= first ? "stop" : undefined));
      for (let second = 1; second <= 12; second++) {
        const { known, kept } = resumed(lines);
        const where = `stopped at ${first}, then at ${second}`;
        const again = await scan((n) => (n >= second ? "stop" : undefined), known);
        expectNothingLost(again, kept, where);
        // What the first has read of a key, the second has as well.
        const keys = new Map([...kept.map((k) => [k.arn, k] as const), ...again.keys]);
        for (const line of lines) {
          // Of a key that AWS manages the second may learn that it is one.
          if (line.type !== "key" || !ALL.includes(line.arn)) continue;
          expect(keys.get(line.arn), where).toBeDefined();
          if (line.policy.kind === "present") expect(keys.get(line.arn)?.policy, where).toEqual(line.policy);
          if (line.grants?.kind === "present") expect(keys.get(line.arn)?.grants, where).toEqual(line.grants);
        }
      }
    }
  });
});

function byArn(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
