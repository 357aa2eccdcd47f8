import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { z } from "zod";
import type { Surroundings } from "../../../test/io.js";
import { keyward } from "../../../test/io.js";
import { FRIEND, OWNER, ROOT, STRANGER, allow, policyText, role, root } from "../../../test/judging.js";
import { reportSchema } from "../../report/schema.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-check-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

interface Checked {
  readonly code: number | undefined;
  readonly stderr: string;
  readonly report: z.infer<typeof reportSchema>;
}

/** Runs `keyward check … --format json` and reads the report strictly. */
async function check(args: readonly string[], around?: Surroundings): Promise<Checked> {
  const { code, stdout, stderr } = await keyward(["check", ...args, "--format", "json"], around);
  return { code, stderr, report: reportSchema.parse(JSON.parse(stdout)) };
}

const CLEAR = policyText();
const OPEN = policyText(allow("*", "kms:Decrypt", { Sid: "Open" }));
const WEAK = policyText(allow({ Service: "sns.amazonaws.com" }, "kms:Decrypt"));
const HEADER = {
  type: "snapshot",
  schema: "keyward.snapshot/1",
  createdAt: "2026-11-23T08:00:00Z",
  tool: "test",
};

function key(policy: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const id = createHash("sha256")
    .update(JSON.stringify([policy, more]))
    .digest("hex")
    .slice(0, 12);
  return {
    type: "key",
    arn: `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-${id}`,
    state: "Enabled",
    policy: { kind: "present", text: policy },
    grants: { kind: "present", items: [] },
    ...more,
  };
}

function snapshot(...lines: readonly unknown[]): string {
  return [HEADER, ...lines].map((l) => `${JSON.stringify(l)}\n`).join("");
}

describe("a key policy", () => {
  test.each([
    [CLEAR, 0, "clear", "none"],
    [WEAK, 0, "weak", "service"],
    [OPEN, 1, "exposed", "public"],
  ])("verdict and exit code", async (text, code, verdict, exposure) => {
    const checked = await check([await file("p.json", text)]);
    expect(checked.code).toBe(code);
    expect(checked.report.keys).toMatchObject([{ verdict, exposure, accountId: OWNER, state: null }]);
    expect(checked.stderr).toBe("");
  });

  test("its account is told from the account root with kms:*, and that is said", async () => {
    const { report } = await check([await file("p.json", CLEAR)]);
    expect(report.notes.join("\n")).toMatch(/account of .*p\.json was told from the policy \(111122223333\)/);
    expect(report.notes.join("\n")).toContain("Policy files hold no grants");
  });

  test.each([
    ["two account roots with kms:*", policyText(allow({ AWS: root(STRANGER) }, "kms:*"))],
    [
      "none",
      JSON.stringify({ Version: "2012-10-17", Statement: [allow({ AWS: role(OWNER, "R") }, "kms:*")] }),
    ],
  ])("with %s --account is asked for", async (_name, text) => {
    const path = await file("p.json", text);
    const { code, stdout, stderr } = await keyward(["check", path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`keyward check --account ID ${path}`);
    expect((await check([path, "--account", OWNER])).report.keys).toMatchObject([{ accountId: OWNER }]);
  });

  test("--account, --region and --key-id say whose it is", async () => {
    const path = await file("p.json", policyText(allow({ AWS: FRIEND }, "kms:Decrypt")));
    const own = ["--account", FRIEND, "--region", "eu-west-1", "--key-id", "mrk-1234"];
    const { report } = await check([path, ...own]);
    expect(report.keys).toMatchObject([
      { arn: `arn:aws:kms:eu-west-1:${FRIEND}:key/mrk-1234`, exposure: "external" },
    ]);
  });

  test("its key is told from Resource, so that a statement about it is not taken for one about another", async () => {
    const arn = `arn:aws:kms:eu-west-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
    const text = policyText({ ...allow("*", "kms:Decrypt"), Resource: arn });
    const { report, code } = await check([await file("p.json", text)]);
    expect(code).toBe(1);
    expect(report.keys).toMatchObject([{ arn, exposure: "public" }]);
  });

  test("that names several keys asks which it is", async () => {
    const arn = (id: string): string => `arn:aws:kms:eu-west-1:${OWNER}:key/${id}`;
    const text = policyText({ ...allow("*", "kms:Decrypt"), Resource: [arn("a"), arn("b")] });
    const path = await file("p.json", text);
    expect((await keyward(["check", path])).stderr).toContain("several keys in Resource");
    expect((await check([path, "--account", OWNER, "--region", "eu-west-1", "--key-id", "b"])).code).toBe(1);
  });

  test("from stdin", async () => {
    const { code, report } = await check(["-"], { stdin: OPEN });
    expect(code).toBe(1);
    expect(report.keys).toMatchObject([{ file: "<stdin>" }]);
  });

  test("as aws kms get-key-policy prints it", async () => {
    const text = JSON.stringify({ Policy: OPEN, PolicyName: "default" });
    expect((await check([await file("p.json", text)])).report.keys).toMatchObject([{ exposure: "public" }]);
  });

  test("the line and column of a statement are those of the file", async () => {
    const path = await file("p.json", OPEN);
    const { report } = await check([path]);
    const source = report.keys[0]?.findings[0]?.source;
    if (source?.kind !== "statement") throw new Error("no statement");
    const before =
      OPEN.split("\n")
        .slice(0, (source.line ?? 0) - 1)
        .join("\n").length + (source.column ?? 0);
    expect(JSON.parse(`[${OPEN.slice(before, OPEN.lastIndexOf("]"))}]`)).toMatchObject([{ Sid: "Open" }]);
  });

  test("that is not JSON is not assessed, with its place, and exit code 3", async () => {
    const { code, report } = await check([await file("p.json", '{\n  "Version": oops\n}')]);
    expect(code).toBe(3);
    expect(report.summary).toMatchObject({ keys: 1, notAssessed: 1 });
    expect(report.keys[0]?.findings[0]).toMatchObject({
      rule: "not-assessed",
      source: { kind: "policy", line: 2, column: 14 },
    });
  });

  test("that is not UTF-8 says so", async () => {
    const { code, stderr } = await keyward([
      "check",
      await file("p.json", Buffer.from("\ufeff{}", "utf16le")),
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain("PowerShell redirection writes UTF-16");
  });

  test("that is something else says so", async () => {
    const { code, stderr } = await keyward(["check", await file("package.json", '{"name":"x"}')]);
    expect(code).toBe(2);
    expect(stderr).toContain("neither a key policy nor a snapshot");
  });

  test("the same file gives the same ids", async () => {
    const path = await file("p.json", OPEN);
    const ids = async (): Promise<unknown> => (await check([path])).report.keys[0]?.findings.map((f) => f.id);
    expect(await ids()).toEqual(await ids());
  });
});

describe("files and folders", () => {
  test("a folder stands for the policies and snapshots in it", async () => {
    await file("a/open.json", OPEN);
    await file("a/b/clear.json", CLEAR);
    await file("a/estate.ndjson", snapshot(key(WEAK)));
    await file("a/package.json", '{"name":"x"}');
    await file("a/readme.txt", OPEN);
    await file("a/node_modules/x/open.json", OPEN);
    await symlink(join(folder, "a"), join(folder, "a", "round")).catch(() => undefined);
    const { code, report } = await check([join(folder, "a")]);
    expect(code).toBe(1);
    expect(report.summary).toMatchObject({ keys: 3, exposed: 1, weak: 1, clear: 1, gaps: 0 });
    expect(report.notes.join("\n")).toMatch(/Passed over.*package\.json/);
  });

  test("a path that does not exist is wrong usage", async () => {
    const { code, stdout, stderr } = await keyward(["check", join(folder, "none.json")]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("there is no such file or folder");
  });

  test("a path that does not exist among others is a gap, and the others are checked", async () => {
    const clear = await file("clear.json", CLEAR);
    const open = await file("open.json", OPEN);
    const missing = join(folder, "none.json");
    const one = await check([missing, clear]);
    expect(one.code).toBe(3);
    expect(one.report.incomplete).toMatchObject([{ where: missing }]);
    expect(one.stderr).toContain("there is no such file or folder");
    expect((await check([missing, clear, open])).code).toBe(1);
  });

  test("a folder without policies is wrong usage", async () => {
    const { code, stderr } = await keyward(["check", folder]);
    expect(code).toBe(2);
    expect(stderr).toContain("there is nothing to check");
  });

  test("a policy whose account cannot be told is a gap among others", async () => {
    await file("a.json", CLEAR);
    await file("b.json", JSON.stringify({ Statement: [allow("*", "kms:Decrypt")] }));
    const { code, report, stderr } = await check([folder]);
    expect(code).toBe(3);
    expect(report.summary).toMatchObject({ keys: 1, gaps: 1 });
    expect(stderr).toContain("--account");
  });

  test("--key-id is for one policy", async () => {
    await file("a.json", CLEAR);
    await file("b.json", CLEAR);
    const { code, stderr } = await keyward(["check", folder, "--key-id", "x"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--key-id can only be said for one policy");
  });
});

describe("a snapshot", () => {
  const ORGANIZATION = {
    type: "organization",
    id: "o-own1234567",
    accounts: [{ id: OWNER, path: "o-own1234567/r-ab12/" }, { id: FRIEND }],
  };
  const DENY = {
    type: "resource-control-policy",
    target: OWNER,
    text: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "kms:*",
          Resource: "*",
          Condition: { StringNotEquals: { "aws:PrincipalOrgID": "o-own1234567" } },
        },
      ],
    }),
  };

  test.each([
    ["plain", (t: string): Buffer => Buffer.from(t), "s.ndjson"],
    ["gzipped", (t: string): Buffer => gzipSync(t), "s.ndjson.gz"],
    ["under another name", (t: string): Buffer => Buffer.from(t), "s.json"],
    ["gzipped under another name", (t: string): Buffer => gzipSync(t), "s.json"],
  ])("%s", async (_name, pack, name) => {
    const path = await file(name, pack(snapshot(key(OPEN), key(CLEAR), key(WEAK))));
    const { code, report } = await check([path]);
    expect(code).toBe(1);
    expect(report.summary).toMatchObject({ keys: 3, exposed: 1, weak: 1, clear: 1 });
    expect(report.keys.every((k) => k.file === undefined)).toBe(true);
  });

  test("from stdin", async () => {
    expect((await check(["-"], { stdin: snapshot(key(OPEN)) })).report.summary.exposed).toBe(1);
  });

  test("a resource control policy after the key closes it all the same", async () => {
    const config = await file("keyward.yaml", "trust:\n  organizations: auto\n");
    const path = await file("s.ndjson", snapshot(key(OPEN), DENY, ORGANIZATION));
    const { code, report } = await check([path, "--config", config]);
    expect(report.keys).toMatchObject([{ exposure: "none" }]);
    expect(code).toBe(0);
  });

  test("organizations: auto trusts those of the snapshot, wherever they stand", async () => {
    const config = await file("keyward.yaml", "trust:\n  organizations: auto\n");
    const member = key(policyText(allow({ AWS: role(FRIEND, "R") }, "kms:Decrypt")));
    const path = await file("s.ndjson", snapshot(member, ORGANIZATION));
    expect((await check([path, "--config", config])).report.keys).toMatchObject([{ exposure: "none" }]);
    expect((await check([path])).report.keys).toMatchObject([{ exposure: "external" }]);
  });

  test("what is known about one snapshot's organizations is not used for another's keys", async () => {
    const config = await file("keyward.yaml", "trust:\n  organizations: auto\n");
    const member = key(policyText(allow({ AWS: role(FRIEND, "R") }, "kms:Decrypt")));
    const a = await file("a.ndjson", snapshot(ORGANIZATION, key(CLEAR)));
    const b = await file("b.ndjson", snapshot(member));
    const { report } = await check([a, b, "--config", config]);
    expect(report.keys.map((k) => k.exposure)).toEqual(["none", "external"]);
  });

  test("the only trusted organization is taken to be the key's, and that is said", async () => {
    const config = await file("keyward.yaml", "trust:\n  organizations: [o-own1234567]\n");
    const condition = { StringEquals: { "aws:PrincipalOrgID": "${aws:ResourceOrgID}" } };
    const path = await file(
      "s.ndjson",
      snapshot(key(policyText(allow("*", "kms:Decrypt", { Condition: condition })))),
    );
    const { report } = await check([path, "--config", config]);
    expect(report.keys).toMatchObject([{ exposure: "none" }]);
    expect(report.notes.join("\n")).toContain("taken to be a member of o-own1234567");
    expect((await check([path])).report.keys[0]?.exposure).not.toBe("none");
  });

  test("a damaged line ends it: what came before is judged, the rest is a gap with its line", async () => {
    const path = await file("s.ndjson", `${snapshot(key(CLEAR))}{"type":"key","arn":1}\n`);
    const { code, report, stderr } = await check([path]);
    expect(code).toBe(3);
    expect(report.summary).toMatchObject({ keys: 1, clear: 1, gaps: 1 });
    expect(report.incomplete[0]?.where).toBe(`${path}:3`);
    expect(stderr).toContain(`${path}:3`);
  });

  test("what could not be read is listed with what to do, and is never clear", async () => {
    const denied = { kind: "unreadable", code: "AccessDeniedException" };
    const gap = {
      type: "incomplete",
      where: `${OWNER}/eu-west-1`,
      call: "kms:ListKeys",
      code: "AccessDeniedException",
    };
    const path = await file("s.ndjson", snapshot(key("", { policy: denied }), key(CLEAR), gap));
    const { code, report } = await check([path]);
    expect(code).toBe(3);
    expect(report.summary).toMatchObject({ keys: 2, notAssessed: 1, clear: 1, gaps: 1 });
    expect(report.incomplete).toEqual([
      {
        where: `${OWNER}/eu-west-1`,
        call: "kms:ListKeys",
        code: "AccessDeniedException",
        help: expect.stringContaining("Allow kms:ListKeys") as string,
      },
    ]);
  });

  test("a key line without grants is not assessed", async () => {
    const line = Object.fromEntries(Object.entries(key(CLEAR)).filter(([name]) => name !== "grants"));
    const { code, report } = await check([await file("s.ndjson", snapshot(line))]);
    expect(code).toBe(3);
    expect(report.keys).toMatchObject([{ verdict: "not-assessed" }]);
  });

  test("siblings of a multi-Region key are judged together, over the whole snapshot", async () => {
    const arn = (region: string): string =>
      `arn:aws:kms:${region}:${OWNER}:key/mrk-1234abcd12ab34cd56ef1234567890ab`;
    const path = await file(
      "s.ndjson",
      snapshot(key(CLEAR, { arn: arn("us-east-1") }), key(CLEAR), key(OPEN, { arn: arn("eu-west-1") })),
    );
    const { report } = await check([path]);
    expect(report.keys.map((k) => [k.region, k.verdict, k.findings.map((f) => f.rule)])).toEqual([
      ["us-east-1", "clear", []],
      ["us-east-1", "weak", ["sibling-open"]],
      ["eu-west-1", "exposed", ["public-access"]],
    ]);
  });
});

describe("exit codes", () => {
  test.each([
    [OPEN, "never", 0],
    [OPEN, "critical", 1],
    [WEAK, "exposed", 0],
    [WEAK, "weak", 1],
    [WEAK, "high", 0],
    [WEAK, "medium", 1],
    [CLEAR, "info", 0],
    ["{", "exposed", 3],
    ["{", "not-assessed", 1],
    ["{", "never", 3],
  ])("--fail-on", async (text, failOn, code) => {
    const checked = await keyward(["check", await file("p.json", text), "--fail-on", failOn]);
    expect(checked.code).toBe(code);
  });

  const exceptions = (expires: string): string => `exceptions:
  - { key: "arn:aws:kms:*:${OWNER}:key/*", rule: public-access, reason: r, owner: o, expires: ${expires} }
`;

  test("a waived finding is reported and does not fail the run", async () => {
    const config = await file("keyward.yaml", exceptions("2027-01-01"));
    const { code, report } = await check([await file("p.json", OPEN), "--config", config]);
    expect(code).toBe(0);
    expect(report.summary).toMatchObject({ exposed: 1, waived: 1, waivedKeys: 1 });
    expect(report.keys[0]?.findings[0]?.waiver).toEqual({ reason: "r", owner: "o", expires: "2027-01-01" });
  });

  test("an exception that has run out fails the run and is told about", async () => {
    const config = await file("keyward.yaml", exceptions("2026-11-22"));
    const { code, report } = await check([await file("p.json", OPEN), "--config", config]);
    expect(code).toBe(1);
    expect(report.configurationFindings).toMatchObject([
      { rule: "expired-exception", where: `${config}:2:5` },
    ]);
  });

  test("an exception that nobody needs is told about", async () => {
    const config = await file("keyward.yaml", exceptions("2027-01-01"));
    const path = await file("p.json", CLEAR);
    const { code, report } = await check([path, "--config", config]);
    expect(code).toBe(0);
    expect(report.configurationFindings).toMatchObject([{ rule: "unused-exception", severity: "info" }]);
    expect((await keyward(["check", path, "--config", config])).stdout).toContain("unused-exception");
  });

  test("a wrong configuration ends the run before anything is written", async () => {
    const config = await file("keyward.yaml", "trust:\n  acounts: []\n");
    const { code, stdout, stderr } = await keyward(["check", await file("p.json", OPEN), "--config", config]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`${config}:2:3: unknown field "acounts" in trust`);
  });
});

describe("output", () => {
  test("--output writes the report there and nothing to stdout", async () => {
    const path = join(folder, "report.json");
    const policy = await file("p.json", OPEN);
    const run = await keyward(["check", policy, "--format", "json", "--output", path]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(reportSchema.parse(JSON.parse(await readFile(path, "utf8"))).summary.exposed).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(["p.json", "report.json"]);
  });

  test("--output in a folder that does not exist is wrong usage", async () => {
    const run = await keyward(["check", await file("p.json", OPEN), "--output", join(folder, "x", "y")]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("the output file cannot be written");
  });

  test("the table follows the terminal's width, and is plain elsewhere", async () => {
    const path = await file("p.json", OPEN);
    const terminal = await keyward(["check", path], { isTTY: true, columns: 60 });
    expect(terminal.stdout).toContain("\u001b[");
    const plain = await keyward(["check", path], { isTTY: true, columns: 60, env: { NO_COLOR: "1" } });
    expect(plain.stdout).not.toContain("\u001b[");
    expect(Math.max(...plain.stdout.split("\n").map((l) => l.length))).toBeLessThanOrEqual(60);
  });

  test("the statement root is never a finding", async () => {
    const text = JSON.stringify({ Version: "2012-10-17", Statement: ROOT });
    expect((await check([await file("p.json", text)])).report.keys).toMatchObject([{ findings: [] }]);
  });
});
