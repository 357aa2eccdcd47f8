import type { Budget } from "./glob.js";

/**
 * Visits each way in with its share of the steps, so that one that is hard to decide cannot hide another; what is left
 * over goes to those that did not come to an end. `visit` gives what stayed undecided; of a second visit that counts.
 */
export function inShares<T, U>(items: readonly T[], budget: Budget, visit: (item: T) => readonly U[]): U[] {
  const undecided: U[] = [];
  let rest = budget.left;
  const round = (list: readonly T[], last: boolean): T[] =>
    list.filter((item, i) => {
      const share = Math.max(0, Math.floor(rest / (list.length - i)));
      budget.left = share;
      const open = visit(item);
      const ranOut = budget.left < 0;
      rest -= share - budget.left;
      if (last || !ranOut) undecided.push(...open);
      return ranOut;
    });
  round(round(items, false), true);
  budget.left = rest;
  return undecided;
}
