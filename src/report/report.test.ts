import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import {
  ORGANIZATION,
  OWNER,
  STRANGER,
  allow,
  judge,
  organization,
  policyText,
  role,
  root,
} from "../../test/judging.js";
import { shippedSchema } from "../../test/shipped-schema.js";
import type { KeyReport } from "../rules/finding.js";
import type { Exception } from "../trust/config.js";
import type { ReportTail } from "./json.js";
import { JsonReport, safeJson } from "./json.js";
import { reportSchema } from "./schema.js";
import { Counter, openSeverity, openVerdict } from "./summary.js";
import { TableReport } from "./table.js";
import { wrap } from "./wrap.js";

const valid = shippedSchema("report");

const EXCEPTION: Exception = {
  key: `arn:aws:kms:*:${OWNER}:key/*`,
  rule: "external-access",
  who: undefined,
  reason: "contract 17",
  owner: "pay@example.com",
  expires: "2027-03-31",
  where: "keyward.yaml:9:5",
};
const DENIED = { kind: "unreadable", code: "AccessDeniedException" } as const;

const KEYS = {
  clear: judge(policyText()),
  exposed: judge(policyText(allow("*", "kms:Decrypt", { Sid: "Open" }))),
  waived: judge(policyText(allow({ AWS: root(STRANGER) }, "kms:Decrypt")), { exceptions: [EXCEPTION] }),
  weak: judge(policyText(allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt"))),
  unknown: judge("", { record: { policy: DENIED } }),
} as const;

function tailOf(keys: readonly KeyReport[], more: Partial<ReportTail> = {}): ReportTail {
  const counter = new Counter();
  for (const k of keys) counter.add(k);
  const incomplete = more.incomplete ?? [];
  return {
    summary: counter.summary(incomplete.length),
    incomplete,
    configurationFindings: [],
    notes: [],
    zone: { organizations: [organization(ORGANIZATION)], accounts: [], principals: [], services: [] },
    ...more,
  };
}

function jsonOf(keys: readonly KeyReport[], more: Partial<ReportTail> = {}): string {
  const json = new JsonReport();
  const head = json.head({ version: "0.1.0", generatedAt: "2026-11-23T10:00:00Z" });
  return head + keys.map((k) => json.key(k)).join("") + json.tail(tailOf(keys, more));
}

function tableOf(
  keys: readonly KeyReport[],
  options: { readonly width?: number; readonly color?: boolean; readonly most?: number } = {},
  more: Partial<ReportTail> = {},
): string {
  const table = new TableReport(options.most);
  for (const report of keys) table.add({ report, file: undefined });
  return table.render(tailOf(keys, more), { width: options.width ?? 80, color: options.color ?? false });
}

describe("the summary", () => {
  test("counts keys by verdict, and findings apart", () => {
    const counter = new Counter();
    for (const k of Object.values(KEYS)) counter.add(k);
    expect(counter.summary(2)).toEqual({
      keys: 5,
      exposed: 2,
      weak: 1,
      clear: 1,
      notAssessed: 1,
      waived: 1,
      waivedKeys: 1,
      gaps: 2,
      findings: { critical: 1, high: 0, medium: 2, low: 0, info: 0 },
    });
  });

  test("what a run fails on leaves out what is waived", () => {
    expect(Object.entries(KEYS).map(([name, k]) => [name, openVerdict(k), openSeverity(k)])).toEqual([
      ["clear", "clear", undefined],
      ["exposed", "exposed", "critical"],
      ["waived", "clear", undefined],
      ["weak", "weak", "medium"],
      ["unknown", "not-assessed", "medium"],
    ]);
  });

  test("what is left of a key with one waived finding counts", () => {
    const both = judge(
      policyText(
        allow({ AWS: root(STRANGER) }, "kms:Decrypt"),
        allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt"),
      ),
      { exceptions: [EXCEPTION] },
    );
    expect(both.verdict).toBe("exposed");
    expect(openVerdict(both)).toBe("weak");
  });

  test("a verdict that no finding explains cannot be waived", () => {
    expect(openVerdict({ ...KEYS.clear, verdict: "not-assessed", exposure: "unknown" })).toBe("not-assessed");
  });
});

describe("the JSON report", () => {
  test.each([
    ["no key", []],
    ["one of each", Object.values(KEYS)],
  ])("with %s is what the schema says", (_name, keys) => {
    const gap = {
      where: `${OWNER}/eu-west-1`,
      call: "kms:ListKeys",
      code: "AccessDeniedException",
      help: "allow it",
    };
    const text = jsonOf(keys, { incomplete: [gap], notes: ["a note"] });
    const report: unknown = JSON.parse(text);
    valid(report);
    expect(valid.errors ?? []).toEqual([]);
    const parsed = reportSchema.parse(report);
    expect(parsed.keys).toHaveLength(keys.length);
    expect(parsed.control).toMatchObject({
      title: "Ensure that AWS KMS customer-managed keys are not exposed",
      profileLevel: 1,
    });
    expect(parsed.incomplete).toEqual([gap]);
  });

  test("has a finding with all that the design promises", () => {
    const { keys } = reportSchema.parse(JSON.parse(jsonOf([KEYS.exposed])));
    expect(keys[0]?.findings[0]).toMatchObject({
      rule: "public-access",
      severity: "critical",
      exposure: "public",
      certainty: "certain",
      who: { kind: "anyone" },
      capabilities: ["decrypt"],
      actions: ["kms:Decrypt"],
      source: { kind: "statement", index: 1, sid: "Open" },
      conditions: [],
      waiver: null,
    });
  });

  test("has one key on one line", () => {
    const lines = jsonOf(Object.values(KEYS)).split("\n");
    for (const k of Object.values(KEYS))
      expect(lines.filter((l) => l.includes(`"verdict":"${k.verdict}"`)).length).toBeGreaterThan(0);
    expect(lines.filter((l) => l.includes('"findings":[')).length).toBe(5);
  });

  test("the schema refuses a report that lacks something", () => {
    const report = JSON.parse(jsonOf([KEYS.exposed])) as { keys: Record<string, unknown>[] };
    delete report.keys[0]?.["verdict"];
    expect(valid(report)).toBe(false);
  });

  test("holds nothing that a terminal acts on, and loses nothing", () => {
    const nasty = "\u001b[31m\u009b2J\u202e\u200b\u{e0001}\u2028ok\u007f é 漢";
    const text = safeJson({ nasty });
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u200b\u2028]|\u{e0001}/u);
    expect(text).toContain("é 漢");
    expect(JSON.parse(text)).toEqual({ nasty });
  });
});

const NASTY = "\u001b]0;owned\u0007\u001b[2J\r\n\u202e\u009b31mCLEAR  1 key clear.";
const HOSTILE = judge(
  policyText(
    { ...allow("*", "kms:Decrypt"), Sid: NASTY },
    allow({ AWS: role(STRANGER, "R") }, "kms:Encrypt", {
      Sid: `x${NASTY}`,
      Condition: { StringLike: { [`kms:EncryptionContext:${NASTY}`]: NASTY } },
    }),
  ),
  {
    facts: { aliases: [`alias/${NASTY}`] },
    grants: [{ GrantId: NASTY, GranteePrincipal: root(STRANGER), Operations: ["Decrypt"] }],
  },
);

describe("the table", () => {
  test("for a clear estate", () => {
    expect(tableOf([KEYS.clear, KEYS.clear])).toBe(
      "2 keys: 0 exposed, 0 weak, 0 not assessed, 2 clear\n\n2 keys clear.\n",
    );
  });

  test("says who, what, through what and what next", () => {
    expect(tableOf([KEYS.exposed])).toBe(
      `1 key: 1 exposed, 0 weak, 0 not assessed, 0 clear

EXPOSED  public · alias/app
  arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
  critical  public-access
    who     anyone
    can     read data encrypted under the key (kms:Decrypt)
    through statement 2 "Open" (line 12, column 5)
    next    In statement 2 ("Open"), name the principals that need the key, or
            require aws:PrincipalOrgID or aws:PrincipalAccount with
            StringEquals.
`,
    );
  });

  test("comes worst first, waived after that, unknown after that", () => {
    const table = tableOf([KEYS.unknown, KEYS.waived, KEYS.clear, KEYS.weak, KEYS.exposed]);
    const heads = table.split("\n").filter((l) => /^(EXPOSED|WEAK|NOT ASSESSED)/.test(l));
    expect(heads).toEqual([
      "EXPOSED  public · alias/app",
      "WEAK  service · alias/app",
      "EXPOSED  external · alias/app · waived",
      "NOT ASSESSED  unknown · alias/app",
    ]);
    expect(table).toContain("    waived  by pay@example.com until 2027-03-31: contract 17");
    expect(table).toContain("(1 finding waived)");
    expect(table).toContain("Allow kms:GetKeyPolicy for the identity that keyward runs as");
  });

  test("keeps the worst of many keys and counts the rest", () => {
    const many = [
      ...Array<KeyReport>(30).fill(KEYS.weak),
      KEYS.exposed,
      ...Array<KeyReport>(30).fill(KEYS.weak),
    ];
    const table = tableOf(many, { most: 5 });
    expect(table.match(/^EXPOSED/gm)).toHaveLength(1);
    expect(table.match(/^WEAK/gm)).toHaveLength(4);
    expect(table).toContain("… and 56 more keys that are not clear: --format json has all of them.");
    expect(table).toContain("61 keys: 1 exposed, 60 weak");
  });

  test("puts gaps of one kind together", () => {
    const gap = (where: string) => ({
      where,
      call: "kms:ListGrants",
      code: "AccessDeniedException",
      help: "allow it",
    });
    const table = tableOf([], {}, { incomplete: [gap("a"), gap("b"), gap("c")] });
    expect(table).toContain("(3 gaps in the data)");
    expect(table).toContain(
      "  a, and 2 more places\n    call    kms:ListGrants: AccessDeniedException\n    next    allow it",
    );
  });

  test.each([40, 60, 80, 120])("fits into %i columns", (width) => {
    const keys = [...Object.values(KEYS), HOSTILE];
    for (const line of tableOf(keys, { width }, { notes: ["word ".repeat(50)] }).split("\n")) {
      expect(stringWidth(line), line).toBeLessThanOrEqual(width);
    }
  });

  test("hostile names stay text", () => {
    const table = tableOf([HOSTILE]);
    expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(table.split("\n").filter((l) => /^(CLEAR|1 key clear)/.test(l))).toEqual([]);
    expect(table).toContain("\\u{1b}]0;owned");
  });

  test("colour is there when asked for, and only then", () => {
    expect(tableOf([KEYS.exposed])).not.toContain("\u001b[");
    const colored = tableOf([KEYS.exposed], { color: true });
    expect(colored).toContain("\u001b[31m");
    expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(tableOf([KEYS.exposed]));
  });

  test("a file is named where the ARN says less", () => {
    const table = new TableReport();
    table.add({ report: KEYS.exposed, file: "policies/\u001b[31mapp.json" });
    const text = table.render(tailOf([KEYS.exposed]), { width: 80, color: false });
    expect(text).toContain("  policies/\\u{1b}[31mapp.json\n");
  });
});

describe("wrapping", () => {
  test.each([
    ["", 20, [""]],
    ["one two three", 8, ["one two", "three"]],
    [
      "arn:aws:kms:us-east-1:111122223333:key/1234abcd",
      40,
      ["arn:aws:kms:us-east-1:111122223333:key/", "1234abcd"],
    ],
    ["abcdefghijklmnopqrstuvwxyz", 10, ["abcdefghij", "klmnopqrst", "uvwxyz"]],
    ["漢字漢字漢字", 8, ["漢字漢字", "漢字"]],
    ["👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 8, ["👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", "👨‍👩‍👧"]],
  ])("%j at %i", (text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });
});
