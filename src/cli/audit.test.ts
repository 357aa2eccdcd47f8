import { Writable } from "node:stream";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { ARN, FRIEND, OWNER, allow, policyText, role } from "../../test/judging.js";
import * as opinion from "../rules/opinion.js";
import type { SnapshotLine } from "../snapshot/lines.js";
import { NO_CONFIG } from "../trust/config.js";
import type { AuditOptions } from "./audit.js";
import { audit } from "./audit.js";
import type { CommonOptions } from "./options.js";

const COMMON: CommonOptions = {
  config: undefined,
  format: "json",
  output: undefined,
  failOn: "exposed",
  color: true,
};
const CLEAR = policyText();

class Sink extends Writable {
  readonly chunks: string[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk.toString());
    done();
  }
}

function optionsFor(stdout: Sink, common: Partial<CommonOptions> = {}): AuditOptions {
  const io = {
    stdout,
    stderr: new Sink(),
    env: {},
    now: () => Date.UTC(2026, 10, 23),
    exit: () => undefined,
  };
  return { io, common: { ...COMMON, ...common }, config: NO_CONFIG };
}

function keyLine(i: number, policy = CLEAR): SnapshotLine {
  const id = i.toString(16).padStart(12, "0");
  return {
    type: "key",
    arn: ARN.replace(/[0-9a-f]{12}$/, id),
    policy: { kind: "present", text: policy },
    grants: { kind: "present", items: [] },
  };
}

describe("an audit", () => {
  test("writes a key before it asks for the next one", async () => {
    const stdout = new Sink();
    const seen: number[] = [];
    async function* lines(): AsyncGenerator<SnapshotLine> {
      for (let i = 0; i < 5; i++) {
        await Promise.resolve();
        seen.push(stdout.chunks.join("").split('"verdict":').length - 1);
        yield keyLine(i);
      }
    }
    expect(await audit(lines(), optionsFor(stdout))).toBe(0);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(JSON.parse(stdout.chunks.join(""))).toMatchObject({ summary: { keys: 5, clear: 5 } });
  });

  test("says that a line about organizations came too late", async () => {
    const stdout = new Sink();
    const member = policyText(allow({ AWS: role(FRIEND, "R") }, "kms:Decrypt"));
    async function* lines(): AsyncGenerator<SnapshotLine> {
      await Promise.resolve();
      yield keyLine(1, member);
      yield { type: "organization", id: "o-own1234567", accounts: [{ id: OWNER }, { id: FRIEND }] };
      yield keyLine(2, member);
    }
    const auto = { ...NO_CONFIG, trust: { ...NO_CONFIG.trust, organizations: "auto" as const } };
    const options = { ...optionsFor(stdout, { failOn: "never" }), config: auto };
    expect(await audit(lines(), options)).toBe(3);
    expect(JSON.parse(stdout.chunks.join(""))).toMatchObject({
      keys: [{ exposure: "external" }, { exposure: "none" }],
      incomplete: [{ where: "o-own1234567", code: "LateLine" }],
    });
  });

  test("leaves no file behind when its lines fail", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyward-audit-"));
    async function* lines(): AsyncGenerator<SnapshotLine> {
      yield keyLine(1);
      await Promise.resolve();
      throw new Error("cut off");
    }
    const options = optionsFor(new Sink(), { output: join(folder, "report.json") });
    await expect(audit(lines(), options)).rejects.toThrow("cut off");
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  test("lists ten thousand gaps and counts the others", async () => {
    const stdout = new Sink();
    async function* lines(): AsyncGenerator<SnapshotLine> {
      await Promise.resolve();
      for (let i = 0; i < 10_005; i++) {
        yield { type: "incomplete", where: `k${i}`, call: "kms:ListGrants", code: "AccessDeniedException" };
      }
    }
    expect(await audit(lines(), optionsFor(stdout))).toBe(3);
    const report = JSON.parse(stdout.chunks.join("")) as {
      incomplete: unknown[];
      notes: string[];
      summary: unknown;
    };
    expect(report.incomplete).toHaveLength(10_000);
    expect(report.summary).toMatchObject({ gaps: 10_005 });
    expect(report.notes).toContain("5 further gaps are counted, but not listed.");
  });

  test("does not assess a key about which the engines disagree, and says so with a code of its own", async () => {
    const stdout = new Sink();
    const real = opinion.opinionOf;
    vi.spyOn(opinion, "opinionOf").mockImplementation((record, context) => ({
      ...real(record, context),
      disagreements: ["the reference denies the witness"],
    }));
    async function* lines(): AsyncGenerator<SnapshotLine> {
      await Promise.resolve();
      yield keyLine(1);
      yield keyLine(2, policyText(allow("*", "kms:Decrypt")));
    }
    const options = optionsFor(stdout);
    expect(await audit(lines(), options)).toBe(5);
    vi.restoreAllMocks();
    expect(JSON.parse(stdout.chunks.join(""))).toMatchObject({
      keys: [
        { verdict: "not-assessed", exposure: "unknown" },
        { verdict: "exposed", exposure: "public" },
      ],
    });
  });

  test("tells about each key when it is judged", async () => {
    const judged: string[] = [];
    async function* lines(): AsyncGenerator<SnapshotLine> {
      await Promise.resolve();
      yield keyLine(1);
      yield keyLine(2, policyText(allow("*", "kms:Decrypt")));
    }
    const options = {
      ...optionsFor(new Sink()),
      onKey: (r: { readonly verdict: string }) => judged.push(r.verdict),
    };
    expect(await audit(lines(), options)).toBe(1);
    expect(judged).toEqual(["clear", "exposed"]);
  });
});
