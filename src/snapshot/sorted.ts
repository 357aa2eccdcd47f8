import { type EventEmitter, setMaxListeners } from "node:events";
import type { FileHandle } from "node:fs/promises";
import { byteLines } from "./byte-lines.js";
import type { SnapshotLine } from "./lines.js";
import { MAX_LINE_BYTES } from "./read.js";

/**
 * The order of a finished snapshot: header, organization, policies, accounts and identities, keys by ARN, gaps,
 * coverage. It does not depend on the order in which AWS answered, so that two scans of the same estate are the same.
 */
const RANK: Readonly<Record<SnapshotLine["type"], number>> = {
  snapshot: 0,
  organization: 1,
  "resource-control-policy": 2,
  "service-control-policy": 2,
  account: 3,
  "managed-policy": 4,
  group: 5,
  role: 5,
  user: 5,
  key: 6,
  incomplete: 7,
  region: 8,
  coverage: 9,
};

/** What a line is sorted by; lines with the same are sorted by their text. */
export function sortKey(line: SnapshotLine): string {
  const rank = RANK[line.type].toString();
  switch (line.type) {
    case "snapshot":
    case "coverage":
      return rank;
    case "organization":
    case "account":
      return `${rank} ${line.id}`;
    case "resource-control-policy":
    case "service-control-policy":
      return `${rank} ${line.target}`;
    case "managed-policy":
    case "group":
    case "role":
    case "user":
    case "key":
      return `${rank} ${line.arn}`;
    case "incomplete":
      return `${rank} ${line.where} ${line.call}`;
    case "region":
      return `${rank} ${line.account ?? ""}/${line.region}`;
  }
}

interface Item {
  readonly key: string;
  readonly text: string;
}

/** Bytes of lines that are sorted in memory at once. */
const RUN_BYTES = 24 * 1024 * 1024;

/**
 * The lines of a file in their order, each once: sorted in memory if they are few, else in runs that are merged, so that
 * memory does not grow with the estate.
 *
 * @param file lines that this program wrote
 * @param spill an empty file for runs; opened only if there are more lines than fit
 */
export async function* sortedLines(
  file: FileHandle,
  spill: () => Promise<FileHandle>,
  runBytes = RUN_BYTES,
): AsyncGenerator<SnapshotLine, void, undefined> {
  let items: Item[] = [];
  let bytes = 0;
  let runs: Runs | undefined;
  for await (const { key, text } of itemsOf(file, 0, undefined)) {
    items.push({ key, text });
    bytes += text.length;
    if (bytes < runBytes) continue;
    runs ??= new Runs(await spill());
    await runs.add(items.sort(order));
    items = [];
    bytes = 0;
  }
  items.sort(order);
  let last: string | undefined;
  for await (const { text } of runs === undefined ? items : runs.merged(items)) {
    if (text !== last) yield parse(text);
    last = text;
  }
}

function order(a: Item, b: Item): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}

/** Written by the same program, through the same type, a moment ago. */
function parse(text: string): SnapshotLine {
  return JSON.parse(text) as SnapshotLine;
}

async function* itemsOf(file: FileHandle, start: number, end: number | undefined): AsyncGenerator<Item> {
  const stream = file.createReadStream({
    start,
    autoClose: false,
    ...(end === undefined ? {} : { end: end - 1 }),
  });
  for await (const { bytes } of byteLines(stream, MAX_LINE_BYTES)) {
    const text = bytes.toString("utf8");
    yield { key: sortKey(parse(text)), text };
  }
}

/** Sorted stretches of one file. */
class Runs {
  private readonly bounds: { readonly start: number; readonly end: number }[] = [];
  private end = 0;

  constructor(private readonly file: FileHandle) {
    // One open stream for each run listens: without this Node warns of a leak from the eleventh run on.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- an EventEmitter, whatever its type and instanceof say
    setMaxListeners(0, file as FileHandle & EventEmitter);
  }

  async add(items: readonly Item[]): Promise<void> {
    const start = this.end;
    const data = Buffer.from(items.map((i) => `${i.text}\n`).join(""), "utf8");
    await this.file.write(data, 0, data.length, start);
    this.end += data.length;
    this.bounds.push({ start, end: this.end });
  }

  /** All runs and these items besides, in order. */
  async *merged(rest: readonly Item[]): AsyncGenerator<Item> {
    const sources = [...this.bounds.map(({ start, end }) => itemsOf(this.file, start, end)), inMemory(rest)];
    const heads = await Promise.all(sources.map(async (source) => take(source)));
    for (;;) {
      let least: number | undefined;
      for (const [i, head] of heads.entries()) {
        const best = least === undefined ? undefined : heads[least];
        if (head !== undefined && (best === undefined || order(head, best) < 0)) least = i;
      }
      const item = least === undefined ? undefined : heads[least];
      const source = least === undefined ? undefined : sources[least];
      if (least === undefined || item === undefined || source === undefined) return;
      yield item;
      heads[least] = await take(source);
    }
  }
}

async function take(source: AsyncGenerator<Item>): Promise<Item | undefined> {
  const next = await source.next();
  return next.done === true ? undefined : next.value;
}

async function* inMemory(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}
