import { Counter } from "../../report/summary.js";
import type { JudgedKeys, JudgedPart } from "./batch.js";

/** What one judge says of its keys of a batch. */
export interface PartOf {
  readonly which: number;
  readonly part: JudgedPart;
}

/**
 * What several judges say of the keys of a batch, as one would have said it.
 *
 * @param order for each key, in the order of the file, the judge that it went to
 */
export function inOrder(parts: readonly PartOf[], order: readonly number[]): JudgedKeys {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only.part;
  const counter = new Counter();
  for (const { part } of parts) counter.addCounts(part.counts);
  const all = parts.map(({ part }) => part);
  return {
    members: members(parts, order),
    counts: counter.counts(),
    failed: all.some((p) => p.failed),
    unknown: all.some((p) => p.unknown),
    multiRegion: all.flatMap((p) => p.multiRegion).sort((a, b) => a.line - b.line),
    disagreements: all.flatMap((p) => p.disagreements).sort((a, b) => a.line - b.line),
    met: {
      assumed: all.flatMap((p) => p.met.assumed),
      needed: all.flatMap((p) => p.met.needed),
      unread: {
        keys: all.reduce((sum, p) => sum + p.met.unread.keys, 0),
        accounts: all.flatMap((p) => p.met.unread.accounts),
      },
    },
  };
}

function members(parts: readonly PartOf[], order: readonly number[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { part }) => sum + part.members.length, 0));
  const cursors = new Map(parts.map(({ which, part }) => [which, { part, key: 0, from: 0 }]));
  let at = 0;
  // Keys in a row that went to the same judge are copied together.
  for (let i = 0; i < order.length; ) {
    const which = order[i];
    const cursor = which === undefined ? undefined : cursors.get(which);
    if (cursor === undefined) throw new Error("a judge has not answered");
    while (i < order.length && order[i] === which) {
      cursor.key++;
      i++;
    }
    const to = cursor.part.ends[cursor.key - 1] ?? cursor.from;
    whole.set(cursor.part.members.subarray(cursor.from, to), at);
    at += to - cursor.from;
    cursor.from = to;
  }
  return whole;
}
