import { describe, expect, it } from "vitest";
import { coverageGaps, coverageNotes, coverageSentence, disabledRegions } from "./coverage.js";
import type { CoverageLine, RegionCoverage } from "./lines.js";

const region = (name: string, more: Partial<RegionCoverage> = {}): RegionCoverage => ({
  region: name,
  status: "scanned",
  listed: 0,
  written: 0,
  awsManaged: 0,
  deleted: 0,
  ...more,
});
const PLAIN: CoverageLine = {
  type: "coverage",
  accountId: "111122223333",
  partition: "aws",
  startedAt: "2026-11-23T10:00:00.000Z",
  finishedAt: "2026-11-23T10:01:02.340Z",
  interrupted: false,
  regionsFrom: "ec2:DescribeRegions",
  regions: [
    region("eu-west-1", { listed: 2000, written: 1999 }),
    region("us-east-1", { listed: 1, written: 1 }),
  ],
  missingDetails: [],
  calls: 1,
};

describe("what a report says about a scan", () => {
  it("is nothing where nothing is missing", () => {
    expect(coverageNotes(PLAIN)).toEqual([]);
    expect(coverageSentence(PLAIN)).toBe(
      "Scanned 2,000 keys in 2 Regions of account 111122223333: 1 call, 62.3 s.",
    );
  });

  it("names everything that is missing", () => {
    const notes = coverageNotes({
      ...PLAIN,
      interrupted: true,
      regions: [
        region("af-south-1", { status: "not-enabled" }),
        region("eu-west-1", { status: "incomplete", written: 5, awsManaged: 2, deleted: 1 }),
        region("us-east-1", { status: "not-seen" }),
        region("us-west-2", { awsManaged: 1 }),
      ],
    });
    expect(notes).toEqual([
      "The scan was stopped before its end.",
      "Not enabled in the account, so not read: af-south-1. Keys that were made there before stay: enable the Region and scan again if there are any.",
      "Not everything could be read in: eu-west-1.",
      "Not begun: us-east-1.",
      "Left out 3 keys that AWS manages: nobody can change who uses them.",
      "Deleted during the scan, and so left out: 1 key.",
    ]);
  });

  it("says that accounts were chosen, and from how many", () => {
    const accounts = [{ id: "111122223333", status: "scanned" }] as const;
    expect(coverageNotes({ ...PLAIN, accounts, chosenFrom: 6 })).toEqual([
      "Scanned 1 of 1 account.",
      "Only accounts of the units and tags that were named: the organization has 6 accounts.",
    ]);
  });

  it("says where the list of Regions is not the account's own", () => {
    expect(coverageNotes({ ...PLAIN, regionsFrom: "command-line" })).toEqual([
      "Only these Regions were scanned: eu-west-1, us-east-1.",
    ]);
  });
});

describe("what a scan did not get beside what verdicts need", () => {
  const denied = { call: "kms:DescribeKey", code: "AccessDeniedException" };
  const missingDetails = [{ ...denied, count: 3, effect: "So what." }];

  it("is nothing where nothing is missing", () => {
    expect(coverageGaps(PLAIN)).toEqual([]);
    expect(coverageGaps({ ...PLAIN, regionsFrom: "command-line" })).toEqual([]);
  });

  it("is told for each place, with what it costs and the next step", () => {
    const regions = [
      region("eu-west-1", { missing: [{ ...denied, count: 2 }] }),
      region("us-east-1", { missing: [{ ...denied, count: 1 }], account: "222233334444" }),
    ];
    expect(coverageGaps({ ...PLAIN, regions, missingDetails })).toEqual([
      {
        type: "incomplete",
        where: "111122223333/eu-west-1",
        ...denied,
        help: "Failed 2 times. So what. Permit kms:DescribeKey to the scanning principal.",
      },
      {
        type: "incomplete",
        where: "222233334444/us-east-1",
        ...denied,
        help: "Failed 1 time. So what. Permit kms:DescribeKey to the scanning principal.",
      },
    ]);
  });

  it("is told without a place where the scan did not keep one", () => {
    expect(coverageGaps({ ...PLAIN, missingDetails })).toMatchObject([{ where: "111122223333", ...denied }]);
  });

  it("is the list of Regions, where neither call that tells it was permitted", () => {
    const builtIn = { call: "ec2:DescribeRegions", code: "RegionsNotListed" };
    expect(coverageGaps({ ...PLAIN, regionsFrom: "built-in" })).toMatchObject([
      { where: "111122223333", ...builtIn },
    ]);
    const accounts = [
      { id: "111122223333", status: "scanned", regionsFrom: "ec2:DescribeRegions" },
      { id: "222233334444", status: "scanned", regionsFrom: "built-in" },
    ] as const;
    expect(coverageGaps({ ...PLAIN, regionsFrom: "built-in", accounts })).toMatchObject([
      { where: "222233334444", ...builtIn },
    ]);
  });
});

describe("Regions that accounts have not enabled", () => {
  const off = (account?: string): RegionCoverage =>
    region("af-south-1", { status: "not-enabled", ...(account === undefined ? {} : { account }) });

  it("are told with their place, what said so, and the fix", () => {
    const [told, ...more] = disabledRegions({ ...PLAIN, regions: [off(), region("eu-west-1")] });
    expect(more).toEqual([]);
    expect(told).toMatchObject({
      where: "111122223333/af-south-1",
      call: "ec2:DescribeRegions",
      code: "RegionNotEnabled",
    });
    expect(told?.help).toMatch(/enable the Region and scan again/);
  });

  it("are told by what refused them, where the account did not list its Regions", () => {
    const accounts = [
      { id: "222233334444", status: "scanned", regionsFrom: "account:ListRegions" },
      { id: "333344445555", status: "scanned", regionsFrom: "built-in" },
    ] as const;
    const regions = [off("222233334444"), off("333344445555")];
    const told = disabledRegions({ ...PLAIN, accounts, regions });
    expect(told.map((t) => [t.where, t.call])).toEqual([
      ["222233334444/af-south-1", "account:ListRegions"],
      ["333344445555/af-south-1", "kms:ListKeys"],
    ]);
  });

  it("are no gaps", () => {
    expect(coverageGaps({ ...PLAIN, regions: [off()] })).toEqual([]);
  });
});
