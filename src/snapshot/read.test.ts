import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { KeywardError } from "../domain/result.js";
import type { CoverageLine, KeyLine, SnapshotLine } from "./lines.js";
import { SNAPSHOT_SCHEMA } from "./lines.js";
import type { ReadOptions } from "./read.js";
import { readSnapshot } from "./read.js";

const HEADER = { type: "snapshot", schema: SNAPSHOT_SCHEMA, createdAt: "2026-11-23T10:00:00Z", tool: "t" };
const ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const KEY: KeyLine = { type: "key", arn: ARN, policy: { kind: "present", text: '{"Statement":[]}' } };
const COVERAGE: CoverageLine = {
  type: "coverage",
  accountId: "111122223333",
  partition: "aws",
  startedAt: "2026-11-23T10:00:00Z",
  finishedAt: "2026-11-23T10:01:00Z",
  interrupted: false,
  regionsFrom: "built-in",
  regions: [{ region: "us-east-1", status: "scanned", listed: 1, written: 1, awsManaged: 0, deleted: 0 }],
  missingDetails: [{ call: "kms:DescribeKey", code: "AccessDeniedException", count: 1, effect: "…" }],
  calls: 7,
};

function file(...lines: readonly unknown[]): Buffer {
  return Buffer.from(lines.map((l) => `${typeof l === "string" ? l : JSON.stringify(l)}\n`).join(""));
}

/** The bytes as a stream of small pieces. */
function pieces(bytes: Buffer, size: number): Readable {
  const list: Buffer[] = [];
  for (let i = 0; i < bytes.length; i += size) list.push(bytes.subarray(i, i + size));
  return Readable.from(list);
}

async function read(bytes: Buffer, size = 1 << 16, options?: ReadOptions): Promise<SnapshotLine[]> {
  const lines: SnapshotLine[] = [];
  for await (const line of readSnapshot(pieces(bytes, size), "snap.ndjson", options)) lines.push(line);
  return lines;
}

async function problem(bytes: Buffer, options?: ReadOptions): Promise<string> {
  try {
    await read(bytes, 7, options);
  } catch (error) {
    if (error instanceof KeywardError) return error.message;
    throw error;
  }
  throw new Error("accepted");
}

describe("a snapshot", () => {
  const full: KeyLine = {
    ...KEY,
    manager: "CUSTOMER",
    state: "Enabled",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    origin: "AWS_KMS",
    multiRegion: false,
    aliases: ["alias/app"],
    tags: { team: "pay — ä" },
    grants: {
      kind: "present",
      items: [
        { GrantId: "g", Operations: ["Decrypt"], Constraints: { EncryptionContextSubset: { a: "b" } } },
      ],
    },
  };
  const lines = [
    HEADER,
    {
      type: "organization",
      id: "o-own1234567",
      managementAccountId: "111122223333",
      accounts: [
        {
          id: "222233334444",
          name: "logs",
          path: "o-own1234567/r-ab12/",
          status: "SUSPENDED",
          tags: { team: "x" },
        },
      ],
      units: [{ id: "ou-ab12-11111111", name: "prod", path: "o-own1234567/r-ab12/ou-ab12-11111111/" }],
      policyTypes: ["SERVICE_CONTROL_POLICY"],
      delegatedAdministrators: ["222233334444"],
    },
    full,
    { type: "resource-control-policy", target: "111122223333", text: "{}" },
    {
      type: "service-control-policy",
      target: "r-ab12",
      text: "{}",
      id: "p-FullAWSAccess",
      name: "FullAWSAccess",
    },
    {
      type: "account",
      id: "222233334444",
      alias: null,
      iam: { kind: "unreadable", code: "AccessDenied" },
      regions: [{ region: "af-south-1", status: "not-opted-in" }],
    },
    {
      type: "user",
      arn: "arn:aws:iam::222233334444:user/team/ann",
      id: "AIDAEXAMPLE",
      groups: ["admins"],
      inlinePolicies: [{ name: "p", text: "{}" }],
      attachedPolicies: ["arn:aws:iam::aws:policy/AdministratorAccess"],
      boundary: null,
    },
    {
      type: "role",
      arn: "arn:aws:iam::222233334444:role/app",
      trustPolicy: { kind: "present", text: "{}" },
      boundary: "arn:aws:iam::222233334444:policy/limit",
      tags: {},
      maxSessionDuration: 3600,
    },
    { type: "group", arn: "arn:aws:iam::222233334444:group/admins", inlinePolicies: [] },
    {
      type: "managed-policy",
      arn: "arn:aws:iam::aws:policy/AdministratorAccess",
      text: "{}",
      version: "v1",
    },
    { type: "incomplete", where: ARN, call: "kms:GetKeyPolicy", code: "AccessDeniedException", help: "ask" },
    COVERAGE,
  ];

  it.each([1, 3, 1000])(
    "comes out as it was written, in pieces of %i bytes, plain and gzipped",
    async (size) => {
      expect(await read(file(...lines), size)).toEqual(lines);
      expect(await read(gzipSync(file(...lines)), size)).toEqual(lines);
      const two = Buffer.concat([gzipSync(file(HEADER)), gzipSync(file(KEY))]);
      expect(await read(two, size)).toEqual([HEADER, KEY]);
    },
  );

  it("may have blank lines, carriage returns and no last line feed", async () => {
    const bytes = Buffer.from(`${JSON.stringify(HEADER)}\r\n\n  \n${JSON.stringify(KEY)}`);
    expect(await read(bytes)).toEqual([HEADER, KEY]);
  });

  it("is closed when its reader leaves early", async () => {
    const source = pieces(file(HEADER, ...Array.from({ length: 1000 }, () => KEY)), 64);
    for await (const line of readSnapshot(source, "x")) if (line.type === "key") break;
    expect(source.destroyed).toBe(true);
  });
});

describe("what is not understood is an error that names file, line and field", () => {
  it.each<[string, readonly unknown[], RegExp]>([
    [
      "an unknown field",
      [HEADER, { ...KEY, colour: 1 }],
      /^snap\.ndjson:2: unknown field "colour"\n {2}next: /,
    ],
    [
      "a line of IAM about something else",
      [HEADER, { type: "role", arn: "arn:aws:iam::222233334444:user/ann" }],
      /^snap\.ndjson:2: field arn is wrong\n {2}expected: the ARN of a role of IAM\n/,
    ],
    [
      "an unknown field within",
      [
        HEADER,
        KEY,
        { ...KEY, grants: { kind: "present", items: [{ GrantId: "g" }, { GrantId: "h", Scope: 1 }] } },
      ],
      /^snap\.ndjson:3: unknown field "Scope" in grants\.items\[1\]\n/,
    ],
    [
      "an unknown field of a policy",
      [HEADER, { ...KEY, policy: { kind: "present", text: "", extra: 1 } }],
      /^snap\.ndjson:2: unknown field "extra" in policy\n/,
    ],
    [
      "a wrong type",
      [HEADER, { ...KEY, multiRegion: "no" }],
      /^snap\.ndjson:2: field multiRegion is wrong\n[^]*got: +"no"/,
    ],
    ["a null", [HEADER, { ...KEY, state: null }], /^snap\.ndjson:2: field state is wrong\n/],
    [
      "an ARN of an alias",
      [HEADER, { ...KEY, arn: "arn:aws:kms:us-east-1:111122223333:alias/a" }],
      /field arn is wrong\n {2}expected: a key ARN/,
    ],
    ["no policy", [HEADER, { type: "key", arn: ARN }], /^snap\.ndjson:2: field policy is missing\n/],
    [
      "an unknown kind of policy",
      [HEADER, { ...KEY, policy: { kind: "maybe" } }],
      /^snap\.ndjson:2: field policy\.kind is wrong\n/,
    ],
    [
      "an unknown line type",
      [HEADER, { type: "secret" }],
      /^snap\.ndjson:2: unknown line type\n {2}expected: snapshot, organization, key, [^\n]*\n {2}got: +"secret"/,
    ],
    ["no line type", [HEADER, { arn: ARN }], /^snap\.ndjson:2: unknown line type\n[^]*got: +nothing/],
    ["a list", [HEADER, [KEY]], /^snap\.ndjson:2: /],
    ["no JSON", [HEADER, "{nope"], /^snap\.ndjson:2: not JSON\n/],
    ["no header", [KEY], /^snap\.ndjson:1: no snapshot header\n[^]*got: +"key"/],
    [
      "another schema",
      [{ ...HEADER, schema: "keyward.snapshot/2" }],
      /^snap\.ndjson:1: a snapshot schema that this keyward does not know\n[^]*"keyward\.snapshot\/1"[^]*got: +"keyward\.snapshot\/2"/,
    ],
    ["a second header", [HEADER, HEADER], /^snap\.ndjson:2: a second snapshot header\n/],
    ["nothing", [], /^snap\.ndjson: the file is empty\n/],
    [
      "an account id of eleven digits",
      [HEADER, { type: "organization", id: "o-own1234567", accounts: [{ id: "11112222333" }] }],
      /^snap\.ndjson:2: field accounts\[0\]\.id is wrong\n {2}expected: twelve digits/,
    ],
  ])("%s", async (_what, lines, message) => {
    expect(await problem(file(...lines))).toMatch(message);
    expect(await problem(gzipSync(file(...lines)))).toMatch(message);
  });

  it("text that is not UTF-8", async () => {
    const bytes = Buffer.concat([file(HEADER), Buffer.from('{"type":"key\xff"}\n', "latin1")]);
    expect(await problem(bytes)).toMatch(/^snap\.ndjson:2: not UTF-8 text\n/);
  });

  it("shows hostile field names without what a terminal would act on", async () => {
    const message = await problem(file(HEADER, { ...KEY, "\u001b[2Jx\u202e": 1 }));
    expect(message).toMatch(/unknown field/);
    expect(message).not.toMatch(/[\u001b\u202e]/);
  });

  it("a line that would fill the memory, with and without an end", async () => {
    const long = { ...KEY, description: "x".repeat(5000) };
    expect(await problem(file(HEADER, long), { maxLineBytes: 1000 })).toMatch(
      /^snap\.ndjson:2: a line is too long to be read\n {2}expected: at most 1000 bytes/,
    );
    const endless = Buffer.concat([file(HEADER), Buffer.alloc(5000, 0x20)]);
    expect(await problem(endless, { maxLineBytes: 1000 })).toMatch(/too long/);
    expect(await problem(gzipSync(endless), { maxLineBytes: 1000 })).toMatch(/too long/);
  });

  it("damaged gzip data", async () => {
    const bytes = gzipSync(file(HEADER, KEY));
    bytes.fill(0xff, bytes.length - 12);
    expect(await problem(bytes)).toMatch(/^snap\.ndjson.*: the gzip data is damaged\n/);
  });

  it("a file that cannot be read", async () => {
    const source = new Readable({
      read() {
        this.destroy(
          Object.assign(new Error("EISDIR: illegal operation on a directory"), { code: "EISDIR" }),
        );
      },
    });
    const reading = readSnapshot(source, "dir").next();
    await expect(reading).rejects.toThrow(/^dir: cannot be read\n {2}got: +EISDIR/);
  });
});

describe("a snapshot that was cut off", () => {
  const promised = { ...HEADER, ends: "coverage" };
  const cutOff = (line: SnapshotLine | undefined): void => {
    expect(line).toMatchObject({ type: "incomplete", where: "snap.ndjson", code: "SnapshotCutOff" });
  };

  it("between two lines, is told to be incomplete", async () => {
    const lines = await read(file(promised, KEY));
    expect(lines.slice(0, -1)).toEqual([promised, KEY]);
    cutOff(lines.at(-1));
  });

  it("at any byte of its last lines, never passes for a whole one", async () => {
    const bytes = file(promised, KEY, COVERAGE);
    expect(await read(bytes)).toEqual([promised, KEY, COVERAGE]);
    // From the second line on. Without its line feed the last line is still whole.
    for (let end = file(promised).length; end < bytes.length - 1; end++)
      cutOff((await read(bytes.subarray(0, end))).at(-1));
  });

  it("as gzip, gives what was written before", async () => {
    const many = file(
      promised,
      ...Array.from({ length: 2000 }, (_, i) => ({ ...KEY, description: String(Math.sin(i)) })),
    );
    const bytes = gzipSync(many);
    const lines = await read(bytes.subarray(0, bytes.length - 4000));
    expect(lines.length).toBeGreaterThan(100);
    cutOff(lines.at(-1));
  });

  it("is an error where nothing was promised", async () => {
    const bytes = file(HEADER, KEY);
    expect(await problem(bytes.subarray(0, bytes.length - 5))).toMatch(
      /^snap\.ndjson:2: not JSON, or cut off\n/,
    );
    const zipped = gzipSync(bytes);
    expect(await problem(zipped.subarray(0, zipped.length - 9))).toMatch(/ends too early/);
  });
});
