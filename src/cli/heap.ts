import { setFlagsFromString } from "node:v8";

/**
 * How far the heap of a thread may grow beyond what is alive, before it is collected. Left to itself, V8 lets each grow
 * to a multiple of it: a million keys took 1.2 GB in place of 0.7, in the same time (docs/performance.md). Only how often
 * memory is collected depends on it, and a version of V8 without the flag takes more memory.
 */
const HEAP_GROWTH = "--heap-growing-percent=30";

/** Has memory collected before the heap has grown to a multiple of what is alive. Holds for threads started later too. */
export function limitHeapGrowth(): void {
  setFlagsFromString(HEAP_GROWTH);
}
