import { call } from "../generators/calls.js";
import { Random } from "../generators/random.js";
import { topicsOf } from "../generators/topics.js";
import { world as randomWorld } from "../generators/worlds.js";
import { checkProofs, compare, prepare } from "./compare.js";
import type { Finding } from "./shrink.js";

/** What a run came to. A comparison is one request that both engines decided; the rest is counted apart. */
export interface Tally {
  worlds: number;
  comparisons: number;
  /** Of the comparisons, by what the reference said. */
  allowed: number;
  denied: number;
  doubtful: number;
  /** The symbolic engine had said that it did not decide this. */
  undecided: number;
  inconsistent: number;
  inside: number;
  /** Proofs of matrices that were held against the reference. */
  witnesses: number;
  disagreements: number;
}

export function emptyTally(): Tally {
  return {
    worlds: 0,
    comparisons: 0,
    allowed: 0,
    denied: 0,
    doubtful: 0,
    undecided: 0,
    inconsistent: 0,
    inside: 0,
    witnesses: 0,
    disagreements: 0,
  };
}

/** Adds one tally to another. */
export function add(into: Tally, more: Tally): void {
  for (const name of Object.keys(into) as (keyof Tally)[]) into[name] += more[name];
}

/**
 * Makes world number `index` of a seed, and puts `requests` requests to both engines. Gives the first disagreement.
 * `maxSteps`: as for {@link prepare}.
 */
export function runWorld(
  seed: number,
  index: number,
  requests: number,
  tally: Tally,
  maxSteps?: number,
): Finding | undefined {
  const r = new Random(seed, index);
  const world = randomWorld(r);
  tally.worlds += 1;
  try {
    const prepared = prepare(world, maxSteps);
    tally.witnesses += prepared.matrix.accesses.length;
    const proofs = checkProofs(prepared);
    if (proofs?.kind === "disagreement") {
      tally.disagreements += 1;
      return { world, what: proofs.what, text: proofs.text };
    }
    const topics = topicsOf(world);
    for (let i = 0; i < requests; i += 1) {
      const request = call(r, world, topics);
      const outcome = compare(prepared, request);
      switch (outcome.kind) {
        case "agreed":
          tally.comparisons += 1;
          tally[COUNTERS[outcome.reference]] += 1;
          break;
        case "discarded":
          tally[outcome.why] += 1;
          break;
        case "undecided":
          tally.undecided += 1;
          break;
        case "disagreement":
          tally.comparisons += 1;
          tally.disagreements += 1;
          return { world, request, what: outcome.what, text: outcome.text };
      }
    }
  } catch (error) {
    tally.disagreements += 1;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { world, what: "crash", text };
  }
  return undefined;
}

const COUNTERS = { allow: "allowed", deny: "denied", unknown: "doubtful" } as const;
