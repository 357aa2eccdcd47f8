import type { Problem } from "../../domain/result.js";
import { KeywardError } from "../../domain/result.js";
import type { SnapshotLine } from "../../snapshot/lines.js";
import type { RawKeyLine } from "../../snapshot/read.js";
import type { JudgedKeys, JudgedPart, RawKeys } from "./batch.js";
import { inOrder } from "./in-order.js";
import { Batch } from "./raw-batch.js";

/** What an audit takes: lines of snapshots, and keys that threads have judged already. */
export type AuditLine = SnapshotLine | { readonly type: "judged"; readonly keys: JudgedKeys };

/** Those who judge keys while a snapshot is read. */
export interface Judges {
  /** How many there are. Keys that are likely to be alike go to the same one, which remembers. */
  readonly count: number;
  /** Batches of keys that may be out at once. */
  readonly ahead: number;
  readonly judge: (keys: RawKeys, which: number) => Promise<JudgedPart>;
}

/** Lines that may wait for the keys before them. */
const MOST_WAITING = 1000;

/**
 * Has the keys of a snapshot judged by others while it is read on, and gives everything in the order of the file. What
 * is wrong with a line is thrown after everything before it was given.
 */
export async function* readJudged(
  items: AsyncIterable<SnapshotLine | RawKeyLine>,
  where: string,
  judges: Judges,
): AsyncGenerator<AuditLine> {
  const queue: (SnapshotLine | Promise<Judged>)[] = [];
  let out = 0;
  let batch = new Batch(judges.count);
  const send = (): void => {
    if (batch.empty) return;
    const judged = judgeBatch(batch, where, judges);
    // Waited for in its turn; until then a failure is nobody's.
    judged.catch(() => undefined);
    queue.push(judged);
    out++;
    batch = new Batch(judges.count);
  };
  const take = async function* (): AsyncGenerator<AuditLine> {
    const item = queue.shift();
    if (item === undefined) return;
    if (!(item instanceof Promise)) {
      yield item;
      return;
    }
    const { keys, problem } = await item;
    out--;
    yield { type: "judged", keys };
    if (problem !== undefined) throw new KeywardError(problem);
  };
  const reading = items[Symbol.asyncIterator]();
  let failure: { readonly error: unknown } | undefined;
  try {
    for (;;) {
      // Only what reading throws waits for the keys before it: what `take` throws is about the next key in turn.
      let next: IteratorResult<SnapshotLine | RawKeyLine>;
      try {
        next = await reading.next();
      } catch (error) {
        failure = { error };
        break;
      }
      if (next.done === true) break;
      const item = next.value;
      if (item.type === "raw-key") {
        if (!batch.isFollowedBy(item.raw.number)) send();
        batch.add(item.raw.bytes, item.raw.number);
        if (batch.full) send();
      } else {
        send();
        queue.push(item);
        // Lines about several keys must be known before the next key is read.
        while (out === 0 && queue.length > 0) yield* take();
      }
      while (out > judges.ahead || queue.length > MOST_WAITING) yield* take();
    }
    send();
    while (queue.length > 0) yield* take();
  } finally {
    await reading.return?.();
  }
  if (failure !== undefined) throw failure.error;
}

interface Judged {
  readonly keys: JudgedKeys;
  /** What is wrong with the line after the last of the keys. */
  readonly problem: Problem | undefined;
}

/** Has each judge's share of a batch judged, and puts together what they say. */
async function judgeBatch(batch: Batch, where: string, judges: Judges): Promise<Judged> {
  const parts = await Promise.all(
    batch.shares(where).map(async ({ which, keys }) => ({ which, part: await judges.judge(keys, which) })),
  );
  const first = parts
    .flatMap(({ part }) => part.problem ?? [])
    .sort((a, b) => a.line - b.line)
    .at(0);
  if (first === undefined) return { keys: inOrder(parts, batch.order), problem: undefined };
  // Others were asked about lines after the wrong one as well, and what they counted cannot be taken back.
  const before = batch.before(first.line);
  return { keys: (await judgeBatch(before, where, judges)).keys, problem: first.problem };
}
