import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { PlanFile, StrategyChoice } from "../src/repair/plan-file.js";
import { planText, readPlan } from "../src/repair/plan-text.js";
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

/** Who manages keys whose policy names them by a condition alone. */
const BY_CONDITION: Readonly<Record<string, Caller>> = {
  "pt-13": { who: `arn:aws:iam::${OWNER}:role/Admin`, context: {} },
  "cr2-11": { who: `arn:aws:iam::${OWNER}:root`, context: { "aws:MultiFactorAuthPresent": "true" } },
};

/**
 * Of these, AWS does not document whether anybody manages them: a Deny that names a malformed resource, and one under
 * an ARN operator with a bare `*`, and one on the key's aliases.
 */
const PERHAPS_MANAGED = ["kf2-11", "op-16", "who-22"];

/** Grants that nobody may make again: the old policy denies CreateGrant to everybody. */
const NO_NEW_GRANTS = ["gr-12"];

/** Cases that one estate and one caller can hold. */
interface Group {
  readonly cases: readonly ExposedCase[];
  /** Undefined: nobody manages these keys. */
  readonly manager: Caller | undefined;
  /** A rollback cannot bring everything back: each strategy starts from a new estate. */
  readonly once: boolean;
}

function groups(cases: readonly ExposedCase[]): readonly Group[] {
  const found = new Map<string, Group & { readonly cases: ExposedCase[] }>();
  for (const c of cases) {
    const tags = TAGGED[c.id];
    const tagged = tags === undefined ? undefined : { ...ADMINISTRATOR, context: tags };
    const manager = c.manager ?? BY_CONDITION[c.id] ?? tagged ?? managerOfCase(c, ADMINISTRATOR, NOW / 1000);
    const once = c.orphans || NO_NEW_GRANTS.includes(c.id);
    const id = JSON.stringify([c.rcp, manager ?? null, once]);
    const group = found.get(id) ?? { cases: [], manager, once };
    group.cases.push(c);
    found.set(id, group);
  }
  return [...found.values()];
}

const BY_GRANT_ALONE: ReadonlySet<string> = new Set(["grant-07", "gr2-03"]);
/** Open only to accounts whose organization nobody knows; the estate here tells the partner's. */
const CLOSED_BY_ORGANIZATIONS: ReadonlySet<string> = new Set(["op2-08", "op2-18"]);
const CASES = [...exposedTexts(), ...exposedVectors().filter((c) => !CLOSED_BY_ORGANIZATIONS.has(c.id))];
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

/** What was carried out, by strategy: ids of the cases. */
const handled = new Map<StrategyChoice, Set<string>>();

/** The default first: what another strategy makes of a key is only carried out if it is not the same. */
const STRATEGIES: readonly StrategyChoice[] = ["auto", "narrow", "bound", "remove"];

/** An estate in a sandbox, and what is known of it before anything is changed. */
interface World extends Group {
  readonly sandbox: Sandbox;
  readonly at: (name: string) => string;
  readonly byArn: ReadonlyMap<string, ExposedCase>;
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
  /** Changes that were carried out and undone: key, new policy and revoked grants. */
  readonly done: Set<string>;
}

async function openWorld(group: Group): Promise<World> {
  const { cases, manager } = group;
  const folder = await mkdtemp(join(tmpdir(), "keyward-exposed-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const byArn = new Map(cases.map((c) => [c.key.arn, c]));
  const sandbox = await open(cases);
  process.env["AWS_ACCESS_KEY_ID"] = access.of(manager ?? ADMINISTRATOR);
  await saveEstate(sandbox, at("estate.ndjson"));
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
  return { ...group, sandbox, at, byArn, before, done: new Set() };
}

function saveEstate(sandbox: Sandbox, path: string): Promise<void> {
  return writeFile(path, [...sandbox.snapshot()].map((l) => `${JSON.stringify(l)}\n`).join(""));
}

/** Plans, and looks at what the plan says of every key. */
async function planWorld(world: World, strategy: StrategyChoice): Promise<PlanFile> {
  const { cases, manager, at, byArn } = world;
  const planned = await keyward([
    "plan",
    at("estate.ndjson"),
    ...["--config", at("keyward.yaml"), "--usage", at("usage.ndjson"), "--output", at("plan.json")],
    ...(strategy === "auto" ? [] : ["--strategy", strategy]),
  ]);
  expect(planned.stderr).not.toContain("disagree");
  const plan = await planOfFile(at("plan.json"));
  const changed = new Set(plan.changes.map((c) => c.key.arn));
  // What is not closed is said, with the reason and the next step.
  for (const r of plan.refused) {
    const c = byArn.get(r.key.arn);
    const words = `${strategy}, ${c?.id ?? ""}: ${r.reason} ${JSON.stringify(r.tried)}`;
    expect(r.reason.length > 20 && r.next.length > 20, words).toBe(true);
    if (manager !== undefined) expect.soft(r.obligation, words).toBe(c?.refused[strategy]);
    // Nobody manages these keys. Some are open by a grant alone, which nobody may revoke.
    else expect(r.kind, words).toBe(BY_GRANT_ALONE.has(c?.id ?? "") ? "unplanned" : "safety");
  }
  expect(plan.unchanged.map((u) => `${byArn.get(u.key.arn)?.id ?? ""}: ${u.reason}`)).toEqual([]);
  expect(plan.changes.length + plan.refused.length).toBe(cases.length);
  for (const c of cases)
    if (c.refused[strategy] === undefined && manager !== undefined)
      expect.soft([...changed], `${strategy}, ${c.id}`).toContain(c.key.arn);
  if (manager === undefined) {
    // The plan says that it is not known, and leaves it to KMS's own check.
    expect(plan.changes.map((c) => byArn.get(c.key.arn)?.id).sort()).toEqual(PERHAPS_MANAGED);
    for (const { obligations } of plan.changes)
      expect(obligations.find((o) => o.id === "manageable")?.result).toBe("stated");
  }
  return plan;
}

/** Carries a plan out in the sandbox, looks at what every caller may do then, and rolls back. */
async function carryOut(world: World, plan: PlanFile, strategy: StrategyChoice): Promise<void> {
  const { cases, at, byArn, sandbox, before } = world;
  const changed = new Map(plan.changes.map((c) => [c.key.arn, c]));
  const mine = cases.filter((c) => changed.has(c.key.arn));
  await writeFile(at("plan.json"), planText(plan, "json"));
  const estate = ["--estate", at("estate.ndjson")];
  const aws = ["--journal", at("journal"), "--endpoint-url", sandbox.url, ...estate];
  const unasked = ["--yes", "--max-keys", "1000", "--keep-going"];
  const applied = await keyward(["apply", at("plan.json"), ...unasked, ...aws]);
  expect.soft(applied.code, badLines(applied.stdout) + applied.stderr).toBe(0);

  await saveEstate(sandbox, at("after.ndjson"));
  const config = ["--config", at("keyward.yaml")];
  const checked = await keyward(["check", at("after.ndjson"), ...config, "--format", "json"]);
  const report = JSON.parse(checked.stdout) as { keys: { arn: string; exposure: string }[] };
  for (const k of report.keys) {
    if (changed.has(k.arn)) expect.soft(k.exposure, byArn.get(k.arn)?.id).toBe("none");
  }

  for (const c of mine) {
    const change = changed.get(c.key.arn);
    if (change === undefined) throw new Error(c.id);
    const now = await allowed(sandbox, c);
    const then = before.get(c.key.arn) ?? new Set();
    const told = new Set(change.willBreak.filter((u) => u.trusted).map((u) => `${u.principal} ${u.action}`));
    const words = (u: Use): string => `${strategy}, ${c.id}: ${nameOf(u)}\n${change.policy?.text ?? ""}`;
    for (const t of tries(c)) {
      if (!then.has(nameOf(t))) expect.soft(now.has(nameOf(t)), words(t)).toBe(false);
      else if (!t.trusted) expect.soft(now.has(nameOf(t)), words(t)).toBe(false);
      else if (!now.has(nameOf(t))) expect.soft([...told], words(t)).toContain(`${t.who} ${t.action}`);
    }
    for (const u of c.keep) expect.soft(now.has(nameOf(u)), words(u)).toBe(true);
    const kept = change.strategy !== "remove";
    for (const u of c.lost) expect.soft(now.has(nameOf(u)), words(u)).toBe(kept);
  }

  const [, run = ""] = /run (\S+)/.exec(applied.stderr) ?? [];
  const back = await keyward(["rollback", run, ...unasked, ...aws, "--without-missing"]);
  const lost = plan.changes.filter((c) =>
    c.revokeGrants.some((g) => g.notRestorable.some((words) => words.includes("nobody of the key's"))),
  );
  expect(lost.map((c) => byArn.get(c.key.arn)?.id)).toEqual(
    mine.map((c) => c.id).filter((id) => NO_NEW_GRANTS.includes(id)),
  );
  expect.soft(back.code, badLines(back.stdout) + back.stderr).toBe(lost.length > 0 ? 2 : 0);
  const failed = back.stdout.match(/^failed: .*$/gm) ?? [];
  expect(failed.length).toBe(lost.length);
  for (const { key } of lost) expect(failed.join()).toContain(`${key.arn}: AWS refused kms:CreateGrant`);
  const restored = keysOf(sandbox);
  for (const c of cases) {
    const line = restored.get(c.key.arn);
    if (line === undefined) throw new Error(c.id);
    if (c.orphans && changed.has(c.key.arn)) {
      // KMS refuses ids of deleted principals, so they alone are left out.
      expect.soft(policyOf(line), c.id).not.toMatch(/A(RO|ID)AJQ/);
      expect.soft(shapeOf(policyOf(line)), c.id).toEqual(shapeOf(policyOf(c.key)));
    } else if (!c.orphans) expect.soft(policyOf(line), c.id).toBe(policyOf(c.key));
    if (!NO_NEW_GRANTS.includes(c.id)) expect(grantsOf(line)).toEqual(grantsOf(c.key));
    else if (changed.has(c.key.arn)) expect(grantsOf(line)).toEqual([]);
  }
}

const madeOf = (c: PlanFile["changes"][number]): string =>
  JSON.stringify([c.key.arn, c.policy?.text ?? null, c.revokeGrants.map((g) => g.grantId).sort()]);

/** Every strategy on every exposed policy; the default one with a rehearsal before. @param name of the tests */
export function everyExposedPolicy(name: string): void {
  describe("every exposed policy", () => {
    surroundings();
    it.each(GROUPS.map((g) => [g.manager?.who ?? "nobody", g.cases.length, g] as const))(
      `${name} (managed by %s: %i keys)`,
      async (_who, _count, group) => {
        let world = await openWorld(group);
        for (const strategy of STRATEGIES) {
          if (group.once && strategy !== "auto") world = await openWorld(group);
          const { at, byArn, done } = world;
          const plan = await planWorld(world, strategy);
          if (group.manager === undefined) continue;
          if (strategy === "auto") {
            const local = ["--rehearse", at("estate.ndjson"), "--usage", at("usage.ndjson")];
            const rehearsed = await keyward(["apply", at("plan.json"), ...local]);
            expect.soft(rehearsed.code, badLines(rehearsed.stdout) + rehearsed.stderr).toBe(0);
          }
          const changes = plan.changes.filter((c) => !done.has(madeOf(c)));
          if (changes.length > 0) await carryOut(world, { ...plan, changes }, strategy);
          for (const c of changes) done.add(madeOf(c));
          handled.set(
            strategy,
            new Set([
              ...(handled.get(strategy) ?? []),
              ...plan.changes.map((c) => byArn.get(c.key.arn)?.id ?? "").filter((id) => id !== ""),
            ]),
          );
        }
      },
      600_000,
    );

    it.each(STRATEGIES)("%s was tried on all that somebody manages", (strategy) => {
      const closable = GROUPS.filter((g) => g.manager !== undefined).flatMap((g) =>
        g.cases.filter((c) => c.refused[strategy] === undefined),
      );
      const ids = [...(handled.get(strategy) ?? [])].sort();
      expect(ids).toEqual(closable.map((c) => c.id).sort());
      expect(ids.length).toBeGreaterThan(360);
    });
  });
}
