import type { DayRange } from "./types.js";

const DAY = 86_400;

/** The number of a day since 1970, in UTC, from seconds. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY);
}

/** `YYYY-MM-DD`. */
export function dayName(day: number): string {
  return new Date(day * DAY * 1000).toISOString().slice(0, 10);
}

/** The number of a day from `YYYY-MM-DD`, or undefined. */
export function parseDay(name: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(name)) return undefined;
  const ms = Date.parse(`${name}T00:00:00Z`);
  return Number.isNaN(ms) ? undefined : ms / 1000 / DAY;
}

/** RFC 3339, UTC, to the second. */
export function timeName(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** Days as ranges: sorted, and neighbours joined. */
export function ranges(days: Iterable<number>): readonly DayRange[] {
  const sorted = [...days].sort((a, b) => a - b);
  const result: DayRange[] = [];
  let from: number | undefined;
  let last: number | undefined;
  for (const day of sorted) {
    if (from === undefined || last === undefined) from = day;
    else if (day > last + 1) {
      result.push({ from: dayName(from), to: dayName(last) });
      from = day;
    }
    last = day;
  }
  if (from !== undefined && last !== undefined) result.push({ from: dayName(from), to: dayName(last) });
  return result;
}

/** What of a span is in none of the ranges, which are sorted and do not overlap. */
export function missing(span: DayRange, present: readonly DayRange[]): readonly DayRange[] {
  const end = parseDay(span.to);
  let next = parseDay(span.from);
  if (end === undefined || next === undefined) return [];
  const result: DayRange[] = [];
  for (const range of present) {
    const from = parseDay(range.from);
    const to = parseDay(range.to);
    if (from === undefined || to === undefined || to < next) continue;
    if (from > end) break;
    if (from > next) result.push({ from: dayName(next), to: dayName(from - 1) });
    next = Math.max(next, to + 1);
  }
  if (next <= end) result.push({ from: dayName(next), to: dayName(end) });
  return result;
}
