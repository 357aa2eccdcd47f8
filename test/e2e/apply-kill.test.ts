import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { planText } from "../../src/repair/plan-text.js";
import { startSandbox } from "../../src/sandbox/index.js";
import { seededRandom } from "../../src/sandbox/random.js";
import type { KeyLine } from "../../src/snapshot/lines.js";
import { changeOf, closedPolicy, estate, keyLine, openPolicy, planOf, policyOf } from "../apply-estate.js";
import { holds } from "../guarantees/guarantee.js";
import { keyward } from "../io.js";
import { faultsOf, finishedRuns, runAndKill, unfinished } from "../kill.js";

/**
 * kill -9 at random instants of apply and rollback. By hand, with more kills and keys:
 * `KEYWARD_KILLS=200 KEYWARD_KILL_KEYS=50 KEYWARD_SEED=7 npx vitest run --project e2e test/e2e/apply-kill.test.ts`
 */
const KILLS = Number(process.env["KEYWARD_KILLS"] ?? 20);
const KEYS = Number(process.env["KEYWARD_KILL_KEYS"] ?? 8);
const SEED = Number(process.env["KEYWARD_SEED"] ?? 1);
/** The quota of PutKeyPolicy lets half of 15 a second through. */
const MS_PER_KEY = 140;

describe("a run that is killed at any instant", () => {
  const name = holds(
    ["backup-first", "rollback-is-exact"],
    "kill -9 at random instants of apply and rollback, under faults of the network",
  );
  it(`${name} (${KILLS} kills, ${KEYS} keys)`, {
    timeout: 60_000 + KILLS * 20_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyward-kill-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const journal = join(folder, "journal");
    const keys = Array.from({ length: KEYS }, (_, i) => keyLine(openPolicy(`key ${i}`)));
    const closed = (key: KeyLine): string => closedPolicy(`key ${keys.indexOf(key)}`);
    const sandbox = await startSandbox({
      snapshot: estate(keys),
      faults: ["PutKeyPolicy=after-500:0.05", "PutKeyPolicy=after-reset:0.05", "slow-15"],
      seed: SEED,
    });
    onTestFinished(() => sandbox.close());
    const plan = join(folder, "plan.yaml");
    await writeFile(plan, planText(planOf(keys.map((k) => changeOf(k, closed(k)))), "yaml"));
    const random = seededRandom(SEED);
    const flags = [
      "--journal",
      journal,
      "--endpoint-url",
      sandbox.url,
      "--yes",
      "--max-keys",
      "100",
      "--keep-going",
    ];

    // Applied, rolled back, applied, …: each run again and again, until it ends between two kills.
    let applying = true;
    let current: string | undefined;
    let kills = 0;
    let finished = 0;
    let lastApplied = "";
    while (kills < KILLS || current !== undefined || !applying) {
      const killing = kills < KILLS;
      const command =
        current !== undefined
          ? ["apply", "--resume", current]
          : applying
            ? ["apply", plan]
            : ["rollback", lastApplied];
      const delay = killing ? random() * KEYS * MS_PER_KEY : undefined;
      const before = await finishedRuns(journal);
      const ended = await runAndKill([...command, ...flags], journal, delay);
      if (ended.code === null) kills++;
      expect(await faultsOf(sandbox, keys, closed, journal), ended.output).toEqual([]);
      const verified = await keyward(["journal", "verify", "--journal", journal]);
      expect(verified.code, verified.stdout).toBe(0);
      const open = await unfinished(journal);
      expect(open.length, "at most one run is open").toBeLessThanOrEqual(1);
      const [newlyFinished] = (await finishedRuns(journal)).filter((run) => !before.includes(run));
      // One that was killed after its log had ended has done all: begun anew, it would find nothing to do.
      if (ended.code !== null || newlyFinished !== undefined) {
        if (ended.code !== null) expect(ended.code, ended.output).toBe(0);
        for (const line of sandbox.snapshot()) {
          if (line.type !== "key") continue;
          const key = keys.find((k) => k.arn === line.arn);
          if (key !== undefined) expect(policyOf(line)).toBe(applying ? closed(key) : policyOf(key));
        }
        finished++;
        if (applying) lastApplied = newlyFinished ?? "";
        applying = !applying;
        current = undefined;
      } else current = open[0];
    }
    expect(finished).toBeGreaterThanOrEqual(2);
    expect(kills).toBeGreaterThanOrEqual(KILLS);
    for (const key of keys) {
      const line = [...sandbox.snapshot()].find((l) => l.type === "key" && l.arn === key.arn);
      expect(line?.type === "key" ? policyOf(line) : undefined).toBe(policyOf(key));
    }
  });

  it(holds(["backup-first"], "a run that was killed is rolled back without being gone on with"), async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyward-kill-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const journal = join(folder, "journal");
    const keys = Array.from({ length: 6 }, (_, i) => keyLine(openPolicy(`key ${i}`)));
    const closed = (key: KeyLine): string => closedPolicy(`key ${keys.indexOf(key)}`);
    // Each write takes a while, so that some keys are done and some are not.
    const sandbox = await startSandbox({ snapshot: estate(keys), faults: ["PutKeyPolicy=slow-300"] });
    onTestFinished(() => sandbox.close());
    const plan = join(folder, "plan.yaml");
    await writeFile(plan, planText(planOf(keys.map((k) => changeOf(k, closed(k)))), "yaml"));
    const flags = ["--journal", journal, "--endpoint-url", sandbox.url, "--yes", "--max-keys", "100"];
    expect((await runAndKill(["apply", plan, ...flags], journal, 1_000)).code).toBe(null);
    const written = (): number =>
      [...sandbox.snapshot()].filter(
        (l) => l.type === "key" && keys.some((k) => k.arn === l.arn && policyOf(k) !== policyOf(l)),
      ).length;
    expect(written()).toBeGreaterThan(0);
    expect(written()).toBeLessThan(6);
    const [run = ""] = await unfinished(journal);
    const back = await runAndKill(["rollback", run, ...flags], journal, undefined);
    expect(back.code, back.output).toBe(0);
    expect(written()).toBe(0);
  });
});
