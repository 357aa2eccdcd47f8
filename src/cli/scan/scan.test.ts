import { PassThrough } from "node:stream";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SnapshotLine } from "../../snapshot/lines.js";
import { SnapshotWriter, snapshotHeader } from "../../snapshot/write.js";
import type { Io } from "../command.js";
import { register } from "../scan.js";
import { addScanFlags, scanFlags } from "./flags.js";
import { onFirstInterrupt } from "./interrupt.js";
import { startProgress } from "./progress.js";
import type { Tally } from "./tee.js";
import { tee } from "./tee.js";

interface FakeIo extends Io {
  /** Everything written to stderr. */
  readonly errors: () => string;
}

function fakeIo(tty: boolean, env: Readonly<Record<string, string>> = {}): FakeIo {
  let text = "";
  const stream = (): PassThrough & { isTTY: boolean; columns: number } =>
    Object.assign(new PassThrough(), { isTTY: tty, columns: 100 });
  const stderr = stream();
  stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { stdout: stream(), stderr, env, now: () => 0, exit: () => undefined, errors: () => text };
}

describe("the progress of a scan", () => {
  const drive = async (io: FakeIo, wanted = true): Promise<string> => {
    const progress = startProgress(io, wanted);
    progress.listener.regions?.(["a-b-1", "a-b-2"]);
    progress.listener.listed?.("a-b-1", 40);
    for (let i = 0; i < 7; i++) progress.listener.key?.("a-b-1", "written");
    progress.listener.note?.("a note \u001b[2J");
    progress.listener.region?.({
      region: "a-b-1",
      status: "scanned",
      listed: 40,
      written: 40,
      awsManaged: 0,
      deleted: 0,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    progress.stop();
    progress.stop();
    return io.errors();
  };

  it("is a bar on a terminal, with the sentences above it, and without colour", async () => {
    const text = await drive(fakeIo(true));
    expect(text).toContain("keys 7/40 | Regions 1/2");
    expect(text).toContain("a note \\u{1b}[2J\n");
    expect(text).not.toMatch(/\u001b\[[0-9;]*m/);
  });

  it.each<[string, FakeIo, boolean]>([
    ["where stderr is no terminal", fakeIo(false), true],
    ["on a dumb terminal", fakeIo(true, { TERM: "dumb" }), true],
    ["when it is not wanted", fakeIo(true), false],
  ])("is only sentences %s", async (_where, io, wanted) => {
    expect(await drive(io, wanted)).toBe("a note \\u{1b}[2J\n");
  });
});

describe("the first signal", () => {
  it("stops the scan, and the second is the program's end as usual", () => {
    const listening = (): number[] => ["SIGINT", "SIGTERM"].map((name) => process.listenerCount(name));
    const before = listening();
    let stopped = 0;
    const release = onFirstInterrupt(() => (stopped += 1));
    expect(listening()).toEqual(before.map((n) => n + 1));
    process.emit("SIGINT");
    expect(stopped).toBe(1);
    expect(listening()).toEqual(before);
    release();
  });
});

describe("the lines on their way", () => {
  const header = snapshotHeader(0, "test");
  const last: SnapshotLine = {
    type: "coverage",
    partition: "aws",
    startedAt: "",
    finishedAt: "",
    interrupted: false,
    regionsFrom: "built-in",
    regions: [],
    missingDetails: [],
    calls: 0,
  };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "keyward-tee-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function* lines(fail: boolean): AsyncGenerator<SnapshotLine> {
    yield header;
    await Promise.resolve();
    if (fail) throw new Error("broken");
    yield last;
  }

  it("are in the file, which has its name once the last has passed", async () => {
    const path = join(folder, "s.ndjson");
    const tally: Tally = { coverage: undefined };
    const passed: SnapshotLine[] = [];
    for await (const line of tee(lines(false), await SnapshotWriter.create(path), tally)) {
      passed.push(line);
      expect(await readdir(folder)).not.toContain("s.ndjson");
    }
    expect(passed).toEqual([header, last]);
    expect(tally.coverage).toEqual(last);
    expect(await readFile(path, "utf8")).toBe(`${JSON.stringify(header)}\n${JSON.stringify(last)}\n`);
  });

  it.each([true, false])("leave no file if they break off or nobody wants them (%s)", async (fail) => {
    const reading = async (): Promise<void> => {
      const writer = await SnapshotWriter.create(join(folder, "s.ndjson"));
      for await (const line of tee(lines(fail), writer, { coverage: undefined })) {
        if (!fail && line.type === "snapshot") break;
      }
    };
    if (fail) await expect(reading()).rejects.toThrow("broken");
    else await reading();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("the flags of a scan", () => {
  const parse = (...args: string[]): ReturnType<typeof scanFlags> => {
    const command = addScanFlags(new Command())
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    command.parse(args, { from: "user" });
    return scanFlags(command);
  };

  it("have defaults", () => {
    expect(parse()).toEqual({
      profile: undefined,
      regions: [],
      endpointUrl: undefined,
      scope: { kind: "own" },
      role: undefined,
      externalId: undefined,
      sessionName: undefined,
      via: [],
      snapshot: undefined,
      resume: undefined,
      iam: true,
      tags: false,
      rotation: false,
      lastUsage: false,
      quotaShare: undefined,
      concurrency: undefined,
      progress: true,
    });
  });

  it("may name several Regions", () => {
    const flags = parse(
      "--region",
      "eu-west-1",
      "--region",
      "us-gov-west-1",
      "--concurrency",
      "5",
      "--no-progress",
    );
    expect(flags).toMatchObject({ regions: ["eu-west-1", "us-gov-west-1"], concurrency: 5, progress: false });
  });

  it("may name accounts, and the role in each", () => {
    const via = "arn:aws:iam::111122223333:role/hop";
    expect(
      parse(
        "--organization",
        "--ou",
        "ou-ab12-11112222",
        "--account-tag",
        "stage=prod",
        "--role",
        "a/Reader",
      ),
    ).toMatchObject({
      scope: { kind: "organization", units: ["ou-ab12-11112222"], tags: ["stage=prod"] },
      role: "a/Reader",
    });
    expect(parse("--accounts", "111122223333,222233334444", "--via", via, "--via", via)).toMatchObject({
      scope: { kind: "accounts", text: "111122223333,222233334444" },
      via: [via, via],
    });
  });

  it.each<[string, number]>([
    ["50%", 0.5],
    ["0.25", 0.25],
    ["100%", 1],
    ["1", 1],
  ])("understand a share of %s", (text, share) => {
    expect(parse("--quota-share", text).quotaShare).toBe(share);
  });

  it.each<[readonly string[], RegExp]>([
    [["--role", "Reader"], /^--role: there is no account.*\n.*--via/],
    [["--organization", "--accounts", "111122223333"], /two answers/],
    [["--ou", "ou-ab12-11112222"], /add --organization/],
    [["--external-id", "x1"], /an external id needs a role/],
  ])("refuse %j, which cannot be meant", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  it.each([
    ["--quota-share", "0"],
    ["--quota-share", "2"],
    ["--quota-share", "101%"],
    ["--role", "arn:aws:iam::111122223333:role/Reader"],
    ["--via", "Reader"],
    ["--ou", "production"],
    ["--session-name", "a b"],
    ["--region", "x.evil.example/"],
    ["--region", ""],
    ["--region", "us-esat-1"],
    ["--quota-share", "500"],
    ["--ou", "nonsense"],
    ["--external-id", "x"],
    ["--account-tag", "=x"],
    ["--concurrency", "-1"],
    ["--concurrency", "1e3"],
  ])("refuse %s %s", (...args) => {
    expect(() => parse(...args)).toThrow(/invalid/);
  });

  it("are told by --help", () => {
    const program = new Command();
    register(program, fakeIo(false));
    const help = program.commands[0]?.helpInformation() ?? "";
    for (const flag of ["--profile", "--region", "--endpoint-url", "--snapshot", "--tags", "--concurrency"]) {
      expect(help).toContain(flag);
    }
  });
});
