import { KeywardError } from "../../domain/result.js";
import type { SnapshotLine } from "../../snapshot/lines.js";
import type { RawKeyLine } from "../../snapshot/read.js";
import type { JudgedKeys, RawKeys } from "./batch.js";

/** What an audit takes: lines of snapshots, and keys that threads have judged already. */
export type AuditLine = SnapshotLine | { readonly type: "judged"; readonly keys: JudgedKeys };

/** Bytes of key lines that are handed to a thread together. */
const BATCH = 256 * 1024;
/** Lines that may wait for the keys before them. */
const MOST_WAITING = 1000;

/**
 * Has the keys of a snapshot judged by others while it is read on, and gives everything in the order of the file. What
 * is wrong with a line is thrown after everything before it was given.
 *
 * @param ahead batches of keys that may be out at once
 */
export async function* readJudged(
  items: AsyncIterable<SnapshotLine | RawKeyLine>,
  where: string,
  judge: (keys: RawKeys) => Promise<JudgedKeys>,
  ahead: number,
): AsyncGenerator<AuditLine> {
  const queue: (SnapshotLine | Promise<JudgedKeys>)[] = [];
  let out = 0;
  let batch = new Batch();
  const send = (): void => {
    if (batch.empty) return;
    const judged = judge(batch.keys(where));
    // Waited for in its turn; until then a failure is nobody's.
    judged.catch(() => undefined);
    queue.push(judged);
    out++;
    batch = new Batch();
  };
  const take = async function* (): AsyncGenerator<AuditLine> {
    const item = queue.shift();
    if (item === undefined) return;
    if (!(item instanceof Promise)) {
      yield item;
      return;
    }
    const keys = await item;
    out--;
    yield { type: "judged", keys };
    if (keys.problem !== undefined) throw new KeywardError(keys.problem);
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
        if (batch.size >= BATCH) send();
      } else {
        send();
        queue.push(item);
        // Lines about several keys must be known before the next key is read.
        while (out === 0 && queue.length > 0) yield* take();
      }
      while (out > ahead || queue.length > MOST_WAITING) yield* take();
    }
    send();
    while (queue.length > 0) yield* take();
  } finally {
    await reading.return?.();
  }
  if (failure !== undefined) throw failure.error;
}

/** Lines that are collected for a thread. */
class Batch {
  private lines: Buffer[] = [];
  private firstLine = 0;
  size = 0;

  get empty(): boolean {
    return this.lines.length === 0;
  }

  isFollowedBy(number: number): boolean {
    return this.empty || number === this.firstLine + this.lines.length;
  }

  add(line: Buffer, number: number): void {
    if (this.empty) this.firstLine = number;
    this.lines.push(line);
    this.size += line.length + 1;
  }

  keys(where: string): RawKeys {
    const bytes = Buffer.from(new ArrayBuffer(this.size));
    let at = 0;
    for (const line of this.lines) {
      line.copy(bytes, at);
      bytes[at + line.length] = 0x0a;
      at += line.length + 1;
    }
    return { where, firstLine: this.firstLine, bytes };
  }
}
