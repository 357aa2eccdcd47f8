import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { PlanFile, StrategyChoice } from "../src/repair/plan-file.js";
import { readPlan } from "../src/repair/plan-text.js";
import type { Sandbox } from "../src/sandbox/index.js";
import { startSandbox } from "../src/sandbox/index.js";
import type { KeyLine } from "../src/snapshot/lines.js";
import { policyOf } from "./apply-estate.js";
import {
  AccessKeys,
  type Caller,
  type ExposedCase,
  exposedEstate,
  exposedTexts,
  exposedVectors,
  OUTSIDE_CALLERS,
  OWNER,
  permits,
  TRIED,
  TRUST,
  type Use,
  usageFile,
  ZONE_CALLERS,
} from "./exposed.js";
import type { Outcome } from "./io.js";
import { keyward as keywardIn } from "./io.js";
import { managerOfCase } from "./managers.js";

/**
 * Every exposed policy of the vectors, and a set of texts in odd layouts: plan, rehearse, apply in the sandbox over
 * HTTP, scan again, roll back.
 */

/** The date of the vectors. */
const NOW = Date.UTC(2026, 10, 23, 10);
const keyward = (args: readonly string[]): Promise<Outcome> => keywardIn(args, { now: NOW });

function surroundings(): void {
  const saved = { ...process.env };
  beforeAll(() => {
    Object.assign(process.env, {
      // Every step of a journal waits for the disk; here that is memory, where there is such a place.
      ...(existsSync("/dev/shm") ? { TMPDIR: "/dev/shm" } : {}),
      AWS_SECRET_ACCESS_KEY: "any",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    });
  });
  afterAll(() => {
    process.env = saved;
  });
}

const access = new AccessKeys();
const ADMINISTRATOR: Caller = { who: `arn:aws:iam::${OWNER}:user/admin`, context: {} };

/** Vectors of which a condition asks something of whoever manages the key: what meets it, worked out by hand. */
const TAGGED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "who-13": { "aws:PrincipalTag/a": "x" },
  "var-16": { "aws:PrincipalTag/a": "x", "aws:PrincipalTag/b": "x" },
  // The Deny takes the network away from which the sandbox's callers come.
  "net-11": { "aws:SourceIp": "198.51.100.7" },
  "who-32": { "aws:PrincipalTag/a": "xx" },
};

/** Cases that one estate and one caller can hold. */
interface Group {
  readonly cases: readonly ExposedCase[];
  /** Undefined: nobody manages these keys. */
  readonly manager: Caller | undefined;
}

function groups(cases: readonly ExposedCase[]): readonly Group[] {
  const found = new Map<string, { cases: ExposedCase[]; manager: Caller | undefined }>();
  for (const c of cases) {
    const tags = TAGGED[c.id];
    const tagged = tags === undefined ? undefined : { ...ADMINISTRATOR, context: tags };
    const manager = c.manager ?? tagged ?? managerOfCase(c, ADMINISTRATOR, NOW / 1000);
    const id = JSON.stringify([c.rcp, manager ?? null]);
    const group = found.get(id) ?? { cases: [], manager };
    group.cases.push(c);
    found.set(id, group);
  }
  return [...found.values()];
}

const CASES = [...exposedTexts(), ...exposedVectors()];
const GROUPS = groups(CASES);

/** What the key lets whom do: every caller with every operation, and what the case says beside. */
interface Tried extends Use {
  readonly trusted: boolean;
}

function tries(c: ExposedCase): readonly Tried[] {
  const common = (callers: readonly Caller[], trusted: boolean): Tried[] =>
    callers.flatMap((caller) =>
      Object.keys(TRIED).map((action) => ({ ...caller, action: action as Use["action"], trusted })),
    );
  const own = (uses: readonly Use[], trusted: boolean): Tried[] => uses.map((u) => ({ ...u, trusted }));
  const all = [
    ...own([...c.keep, ...c.lost], true),
    ...own(c.out, c.out.length === 0),
    ...common(ZONE_CALLERS, true),
    ...common(OUTSIDE_CALLERS, false),
  ];
  const seen = new Set<string>();
  return all.filter((t) => {
    const id = nameOf(t);
    return !seen.has(id) && seen.add(id).size > 0;
  });
}

const nameOf = (u: Use): string => `${u.who} ${u.action} ${JSON.stringify(u.context)}`;

async function allowed(sandbox: Sandbox, c: ExposedCase): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  await Promise.all(
    tries(c).map(async (t) => {
      if (await permits(sandbox.url, c.key.arn, t.action, access.of(t))) found.add(nameOf(t));
    }),
  );
  return found;
}

function keysOf(sandbox: Sandbox): ReadonlyMap<string, KeyLine> {
  return new Map([...sandbox.snapshot()].flatMap((l) => (l.type === "key" ? [[l.arn, l] as const] : [])));
}

/** A policy without ids of deleted principals, and without what named nobody else. */
function shapeOf(text: string): unknown {
  const { Statement, ...rest } = JSON.parse(text) as { Statement: Record<string, unknown>[] };
  const kept = Statement.flatMap((s) => {
    const { AWS } = s["Principal"] as { AWS?: string | string[] };
    const list = [AWS ?? []].flat().filter((p) => !/^A(RO|ID)AJQ/.test(p));
    return AWS !== undefined && list.length === 0
      ? []
      : [{ ...s, Principal: AWS === undefined ? s["Principal"] : list }];
  });
  return { ...rest, Statement: kept };
}

const grantsOf = (k: KeyLine | undefined): readonly unknown[] =>
  k?.grants?.kind === "present"
    ? k.grants.items
        .map((g) => [g.GranteePrincipal, g.RetiringPrincipal, g.Operations, g.Constraints, g.Name])
        .map((g) => JSON.stringify(g))
        .sort()
    : [];

async function open(cases: readonly ExposedCase[]): Promise<Sandbox> {
  // The callers file has to know everybody who will call.
  access.of(ADMINISTRATOR);
  for (const group of GROUPS) if (group.manager !== undefined) access.of(group.manager);
  for (const c of cases) for (const t of tries(c)) access.of(t);
  const sandbox = await startSandbox({
    snapshot: exposedEstate(cases),
    callers: access.file(),
    now: () => NOW,
  });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

async function planOfFile(path: string): Promise<PlanFile> {
  const read = readPlan(await readFile(path, "utf8"), path);
  if (!read.ok) throw new Error(`${read.error.what}: ${read.error.got ?? ""}`);
  return read.value;
}

/** What went wrong, out of a long output. */
const badLines = (text: string): string =>
  text
    .split("\n")
    .filter((l) => /^(failed|refused|drift|not rolled back|.*NOT foreseen)/.test(l))
    .join("\n");

const handled = new Set<string>();

/** The tests of one strategy. Each has a file, so that they run side by side. */
export function everyExposedPolicy(strategy: StrategyChoice): void {
  describe(`every exposed policy, ${strategy}`, () => {
    surroundings();
    it.each(GROUPS.map((g) => [g.manager?.who ?? "nobody", g.cases.length, g] as const))(
      "is closed, keeps the zone, and comes back byte for byte (managed by %s: %i keys)",
      async (_who, _count, { cases, manager }) => {
        const folder = await mkdtemp(join(tmpdir(), "keyward-exposed-"));
        onTestFinished(() => rm(folder, { recursive: true }));
        const at = (name: string): string => join(folder, name);
        const byArn = new Map(cases.map((c) => [c.key.arn, c]));
        const sandbox = await open(cases);
        process.env["AWS_ACCESS_KEY_ID"] = access.of(manager ?? ADMINISTRATOR);
        await writeFile(
          at("estate.ndjson"),
          [...sandbox.snapshot()].map((l) => `${JSON.stringify(l)}\n`).join(""),
        );
        await writeFile(at("keyward.yaml"), TRUST);

        // What the zone does with the keys is what will be in the evidence.
        const before = new Map<string, ReadonlySet<string>>();
        for (const c of cases) before.set(c.key.arn, await allowed(sandbox, c));
        const used = new Map(
          cases.map((c) => [
            c.key.arn,
            tries(c).filter((t) => t.trusted && before.get(c.key.arn)?.has(nameOf(t)) === true),
          ]),
        );
        for (const c of cases) {
          for (const u of [...c.keep, ...c.lost, ...c.out]) {
            expect.soft(before.get(c.key.arn), `${c.id}: ${nameOf(u)}`).toContain(nameOf(u));
          }
        }
        await writeFile(at("usage.ndjson"), usageFile(used));

        const planned = await keyward([
          "plan",
          at("estate.ndjson"),
          ...["--config", at("keyward.yaml"), "--usage", at("usage.ndjson"), "--output", at("plan.json")],
          ...(strategy === "auto" ? [] : ["--strategy", strategy]),
        ]);
        expect(planned.stderr).not.toContain("disagree");
        const plan = await planOfFile(at("plan.json"));
        const changed = new Map(plan.changes.map((c) => [c.key.arn, c]));
        // What is not closed is said, with the reason and the next step.
        for (const r of plan.refused) {
          const c = byArn.get(r.key.arn);
          expect(r.reason.length > 20 && r.next.length > 20, r.reason).toBe(true);
          if (manager !== undefined)
            expect
              .soft(r.obligation, `${c?.id ?? ""}: ${r.reason} ${JSON.stringify(r.tried)}`)
              .toBe(c?.refused[strategy]);
          // Nobody manages these keys. One is open by a grant alone, which nobody may revoke.
          else expect(r.kind, c?.id).toBe(c?.id === "grant-07" ? "unplanned" : "safety");
        }
        expect(plan.unchanged.map((u) => `${byArn.get(u.key.arn)?.id ?? ""}: ${u.reason}`)).toEqual([]);
        expect(plan.changes.length + plan.refused.length).toBe(cases.length);
        for (const c of cases)
          if (c.refused[strategy] === undefined && manager !== undefined)
            expect.soft([...changed.keys()], c.id).toContain(c.key.arn);
        if (manager === undefined) {
          // Of one, AWS does not document whether anybody manages it: the plan says so, and leaves it to KMS's own check.
          expect(plan.changes.map((c) => byArn.get(c.key.arn)?.id)).toEqual(["who-22"]);
          expect(plan.changes[0]?.obligations.find((o) => o.id === "manageable")?.result).toBe("stated");
          return;
        }

        const rehearsed = await keyward([
          ...["apply", at("plan.json"), "--rehearse", at("estate.ndjson"), "--usage", at("usage.ndjson")],
        ]);
        expect.soft(rehearsed.code, badLines(rehearsed.stdout) + rehearsed.stderr).toBe(0);

        const aws = [
          "--journal",
          at("journal"),
          "--endpoint-url",
          sandbox.url,
          "--estate",
          at("estate.ndjson"),
        ];
        const unasked = ["--yes", "--max-keys", "1000", "--keep-going"];
        const applied = await keyward(["apply", at("plan.json"), ...unasked, ...aws]);
        expect.soft(applied.code, badLines(applied.stdout) + applied.stderr).toBe(0);

        await writeFile(
          at("after.ndjson"),
          [...sandbox.snapshot()].map((l) => `${JSON.stringify(l)}\n`).join(""),
        );
        const checked = await keyward([
          "check",
          at("after.ndjson"),
          "--config",
          at("keyward.yaml"),
          "--format",
          "json",
        ]);
        const report = JSON.parse(checked.stdout) as {
          keys: { arn: string; verdict: string; exposure: string }[];
        };
        for (const k of report.keys) {
          if (changed.has(k.arn)) expect.soft(k.exposure, byArn.get(k.arn)?.id).toBe("none");
        }

        for (const c of cases) {
          const change = changed.get(c.key.arn);
          if (change === undefined) continue;
          handled.add(c.id);
          const now = await allowed(sandbox, c);
          const then = before.get(c.key.arn) ?? new Set();
          const told = new Set(
            change.willBreak.filter((u) => u.trusted).map((u) => `${u.principal} ${u.action}`),
          );
          for (const t of tries(c)) {
            const words = `${c.id}: ${nameOf(t)}\n${change.policy?.text ?? ""}`;
            if (!then.has(nameOf(t))) expect.soft(now.has(nameOf(t)), words).toBe(false);
            else if (!t.trusted) expect.soft(now.has(nameOf(t)), words).toBe(false);
            else if (!now.has(nameOf(t))) expect.soft([...told], words).toContain(`${t.who} ${t.action}`);
          }
          for (const u of c.keep)
            expect.soft(now.has(nameOf(u)), `${c.id}: ${nameOf(u)}\n${change.policy?.text ?? ""}`).toBe(true);
          for (const u of c.lost) {
            const kept = change.strategy !== "remove";
            expect.soft(now.has(nameOf(u)), `${c.id}: ${nameOf(u)}\n${change.policy?.text ?? ""}`).toBe(kept);
          }
        }

        const [, run = ""] = /run (\S+)/.exec(applied.stderr) ?? [];
        const back = await keyward(["rollback", run, ...unasked, ...aws, "--without-missing"]);
        expect.soft(back.code, badLines(back.stdout) + back.stderr).toBe(0);
        const restored = keysOf(sandbox);
        for (const c of cases) {
          const line = restored.get(c.key.arn);
          if (line === undefined) throw new Error(c.id);
          if (c.orphans && changed.has(c.key.arn)) {
            // KMS refuses ids of deleted principals, so they alone are left out.
            expect.soft(policyOf(line), c.id).not.toMatch(/A(RO|ID)AJQ/);
            expect.soft(shapeOf(policyOf(line)), c.id).toEqual(shapeOf(policyOf(c.key)));
          } else expect.soft(policyOf(line), c.id).toBe(policyOf(c.key));
          expect(grantsOf(line)).toEqual(grantsOf(c.key));
        }
      },
      600_000,
    );

    it("were all that somebody manages", () => {
      const closable = GROUPS.filter((g) => g.manager !== undefined).flatMap((g) =>
        g.cases.filter((c) => c.refused[strategy] === undefined),
      );
      expect([...handled].sort()).toEqual(closable.map((c) => c.id).sort());
      expect(handled.size).toBeGreaterThan(CASES.length - 20);
    });
  });
}
