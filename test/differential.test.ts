import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Exposure } from "../src/domain/verdict.js";
import type { AccessRequest, Decision } from "../src/semantics/request.js";
import { checkProofs, compare, prepare } from "./differential/compare.js";
import { emptyTally, runWorld } from "./differential/run.js";
import { trouble } from "./differential/shrink.js";
import type { World } from "./generators/worlds.js";

/** A long run on all cores: npm run fuzz -- --minutes 10 --seed 7 */
const SEED = 20261123;
const WORLDS = 250;
const REQUESTS = 25;

describe("the reference and the symbolic engine", () => {
  it("agree on random worlds and requests", { timeout: 600_000 }, () => {
    const tally = emptyTally();
    for (let index = 0; index < WORLDS; index += 1) {
      const finding = runWorld(SEED, index, REQUESTS, tally);
      expect(
        finding,
        `npm run fuzz -- --seed ${SEED} --world ${index} --requests ${REQUESTS}`,
      ).toBeUndefined();
    }
    // A generator whose requests are all refused, or all given up, would prove nothing.
    expect(tally.comparisons).toBeGreaterThan((WORLDS * REQUESTS) / 2);
    expect(tally.allowed).toBeGreaterThan(tally.comparisons / 50);
    expect(tally.doubtful).toBeGreaterThan(tally.comparisons / 200);
    expect(tally.undecided).toBeLessThan(tally.comparisons / 50);
    expect(tally.witnesses).toBeGreaterThan(WORLDS / 4);
  });
});

describe("a search that is broken off", () => {
  it.each([0, 10, 40, 160, 640])("after %i steps leaves nothing out without saying so", (steps) => {
    const tally = emptyTally();
    for (let index = 0; index < 60; index += 1) {
      expect(runWorld(SEED + 1, index, REQUESTS, tally, steps)).toBeUndefined();
    }
    // Some were broken off where the reference allows something, and said so.
    expect(tally.undecided).toBeGreaterThan(0);
  });
});

/**
 * A disagreement of the past, made small. `request` is missing where a proof of the matrix was at fault. `expect` is
 * what the rules say of the request, `exposure` what they say of the key, both worked out by hand; `why` says how.
 */
interface Case {
  readonly id: string;
  readonly why: string;
  readonly expect?: Decision["outcome"];
  readonly exposure?: Exposure;
  readonly world: World;
  readonly request?: AccessRequest;
}

const cases = readFileSync(new URL("cases/engines.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case);

describe("what told the engines apart once", () => {
  it("is kept", () => {
    expect(cases.length).toBeGreaterThan(20);
    expect(new Set(cases.map((c) => c.id)).size).toBe(cases.length);
  });

  it.each(cases.map((c) => [c.id, c.why, c] as const))("%s: %s", (_id, _why, c) => {
    const { world, request, expect: wanted, exposure } = c;
    const prepared = prepare(world);
    expect(checkProofs(prepared)).toBeUndefined();
    expect(trouble(world, undefined)).toBeUndefined();
    if (exposure !== undefined) expect(prepared.matrix.exposure).toBe(exposure);
    if (request === undefined) return;
    // Not merely discarded or left undecided: both engines answer.
    const outcome = compare(prepared, request);
    expect(outcome.kind).toBe("agreed");
    if (wanted !== undefined) expect(outcome).toMatchObject({ reference: wanted });
  });
});
