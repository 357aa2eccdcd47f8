import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { z } from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyArnParts, makeKeyArn } from "../../src/domain/ids.js";
import { reportSchema } from "../../src/report/schema.js";
import { startCli } from "../cli.js";
import { OWNER, allow, policyText } from "../judging.js";
import { shippedSchema } from "../shipped-schema.js";
import type { ClassifyVector } from "../vectors.js";
import { VECTOR_OWNER, classifyVectors, vectorFacts, vectorZone } from "../vectors.js";

const ROOT_FOLDER = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = join(ROOT_FOLDER, "dist/cli/main.js");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyward-e2e-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Report = z.infer<typeof reportSchema>;
type Key = Report["keys"][number];

/** Runs `check … --format json`; the report must be what the shipped schema says. */
async function check(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout, stderr } = await startCli(["check", ...args, "--format", "json"], folder).done;
  expect(stderr).toBe("");
  const valid = shippedSchema("report");
  const report: unknown = JSON.parse(stdout);
  valid(report);
  expect(valid.errors ?? []).toEqual([]);
  return { code, report: reportSchema.parse(report) };
}

/** A case as a snapshot of its own, with a key id that names it. */
function snapshotOf(v: ClassifyVector): string {
  const facts = vectorFacts(v);
  const lines = [
    { type: "snapshot", schema: "keyward.snapshot/1", createdAt: "2026-11-23T10:00:00Z", tool: "test" },
    { type: "organization", id: "o-own1234567", accounts: [{ id: VECTOR_OWNER }] },
    {
      type: "key",
      arn: arnOf(v),
      manager: "CUSTOMER",
      state: facts.state,
      spec: facts.spec,
      usage: facts.usage,
      origin: facts.origin,
      multiRegion: facts.multiRegion,
      multiRegionKeyType: facts.multiRegionKeyType,
      tags: facts.tags,
      aliases: facts.aliases,
      policy: { kind: "present", text: JSON.stringify(v.policy) },
      grants: { kind: "present", items: v.grants ?? [] },
    },
    ...(v.rcp === undefined
      ? []
      : [
          {
            type: "resource-control-policy",
            target: VECTOR_OWNER,
            text: JSON.stringify({ Version: "2012-10-17", Statement: v.rcp }),
          },
        ]),
  ];
  return lines.map((l) => `${JSON.stringify(l)}\n`).join("");
}

function arnOf(v: ClassifyVector): string {
  return makeKeyArn({ ...keyArnParts(vectorFacts(v).arn), keyId: v.id });
}

/** The cases by their zone of trust, which is one configuration. */
function byZone(): ReadonlyMap<string, readonly ClassifyVector[]> {
  const zones = new Map<string, ClassifyVector[]>();
  for (const v of classifyVectors()) {
    const zone = vectorZone(v);
    // The key's own account is in the zone anyway, and no case has its own organization outside it.
    const config = JSON.stringify({
      trust: { organizations: zone.organizations, accounts: zone.accounts },
    });
    zones.set(config, [...(zones.get(config) ?? []), v]);
  }
  return zones;
}

/** Whether a finding is about whom the case says: an account, an organization or a service. */
function namesWho(key: Key, who: string): boolean {
  const names = who.match(/\d{12}|o-[a-z0-9]{10,}|[a-z.]+\.amazonaws\.com/g) ?? [];
  const said = JSON.stringify(key.findings.filter((f) => f.exposure === key.exposure).map((f) => f.who));
  return names.every((n) => said.includes(n));
}

describe("every classified case, through files and the program", () => {
  const results = new Map<string, Key>();
  const codes: (number | null)[] = [];

  beforeAll(async () => {
    let zone = 0;
    for (const [config, vectors] of byZone()) {
      zone++;
      const configFile = join(folder, `zone-${zone}.yaml`);
      await writeFile(configFile, config);
      const files: string[] = [];
      for (const v of vectors) {
        const path = join(folder, `${v.id}.ndjson`);
        await writeFile(path, snapshotOf(v));
        files.push(path);
      }
      const { code, report } = await check([...files, "--config", configFile]);
      codes.push(code);
      expect(report.keys).toHaveLength(files.length);
      for (const k of report.keys) results.set(k.arn, k);
    }
  });

  test("some of them are exposed, so the run fails", () => expect(new Set(codes)).toEqual(new Set([1])));

  test.each(classifyVectors().map((v) => [v.id, v] as const))("%s", (_id, v) => {
    const key = results.get(arnOf(v));
    if (key === undefined) throw new Error("the key is not in the report");
    const worst = key.findings.filter((f) => f.exposure === key.exposure);
    const certain = key.exposure === "none" || worst.some((f) => f.certainty === "certain");
    // Where AWS is not clear, "possible" and "unknown" are answers; the opposite for certain is not.
    if (!v.sure && (key.exposure === "unknown" || !certain)) return;
    expect(key.exposure, v.why).toBe(v.expect.exposure);
    if (v.expect.who !== undefined) expect(namesWho(key, v.expect.who), v.expect.who).toBe(true);
    if (["public", "external"].includes(key.exposure)) {
      expect(key.verdict).toBe("exposed");
      for (const f of worst) expect(f.witness).not.toBeNull();
    }
  });
});

describe("the program", () => {
  test("reads a gzipped snapshot and stdin", async () => {
    const [v] = classifyVectors();
    if (v === undefined) throw new Error("there are no cases");
    const path = join(folder, "packed.gz");
    await writeFile(path, gzipSync(snapshotOf(v)));
    expect((await check([path])).report.keys).toMatchObject([{ arn: arnOf(v) }]);
    const child = spawn(process.execPath, [MAIN, "check", "-", "--format", "json"], {
      cwd: folder,
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end(policyText(allow("*", "kms:Decrypt")));
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (t: string) => (text += t));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(1);
    expect(reportSchema.parse(JSON.parse(text)).keys).toMatchObject([{ file: "<stdin>", accountId: OWNER }]);
  });

  test("writes what a reader that goes away did not want, without a stack", async () => {
    const lines = [JSON.parse(snapshotOf(classifyVectors()[0]!).split("\n")[0]!) as unknown];
    for (let i = 0; i < 3000; i++) {
      const id = i.toString().padStart(12, "0");
      lines.push({
        type: "key",
        arn: `arn:aws:kms:us-east-1:${OWNER}:key/1234abcd-12ab-34cd-56ef-${id}`,
        policy: { kind: "present", text: policyText(allow("*", "kms:Decrypt")) },
        grants: { kind: "present", items: [] },
      });
    }
    const path = join(folder, "many.ndjson");
    await writeFile(path, lines.map((l) => `${JSON.stringify(l)}\n`).join(""));
    const child = spawn(process.execPath, [MAIN, "check", path, "--format", "json"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (t: string) => (stderr += t));
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(stderr).toBe("");
    expect(code).toBe(2);
  });

  test("is quiet on stderr and gives no result for a slip", async () => {
    const { code, stdout, stderr } = await startCli(["chekc", "x"], folder).done;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Did you mean check?");
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("finds keyward.yaml in the current folder", async () => {
    await writeFile(join(folder, "keyward.yaml"), "trust:\n  acounts: []\n");
    const policy = join(folder, "p.json");
    await writeFile(policy, policyText());
    const { code, stderr } = await startCli(["check", policy], dirname(policy)).done;
    await rm(join(folder, "keyward.yaml"));
    expect(code).toBe(2);
    expect(stderr).toContain('keyward.yaml:2:3: unknown field "acounts" in trust');
  });
});
