import { Channel } from "../collect/channel.js";
import type { UsageAggregator } from "./aggregate.js";
import { parseLogName } from "./log-name.js";
import type { LogPart, TimeSpan } from "./part.js";
import type { LogFile } from "./read-log.js";
import { readLog } from "./read-log.js";
import type { EvidenceGap } from "./types.js";

/** What a source of log files yields: a file, or a place that could not be listed. */
export type Listed = LogFile | EvidenceGap;

/** How far the reading is, for progress. */
export interface LogListener {
  readonly file?: (path: string) => void;
}

/**
 * Files that are open at once. zlib inflates on threads of its own while this thread looks for records, so a few files
 * keep all processors busy; more would only take memory.
 */
const AT_ONCE = 4;
/** Parts of a file that wait until the files before it are done. */
const WAITING_PARTS = 2;
/** CloudTrail delivers within minutes; an event that is a day late is possible all the same. */
const LATEST_DELIVERY = 86_400;

/**
 * Reads log files and adds up what they say, in the order in which they are listed, so that equal evidence gives equal
 * results even where a limit leaves something out. Returns when all is read, or soon after `signal` is aborted.
 */
export async function readLogs(
  listing: AsyncIterable<Listed>,
  aggregator: UsageAggregator,
  span: TimeSpan,
  signal: AbortSignal,
  listener: LogListener = {},
): Promise<void> {
  const queue: { readonly path: string; readonly parts: Channel<LogPart> }[] = [];
  const drain = async (): Promise<void> => {
    const head = queue.shift();
    if (head === undefined) return;
    for await (const part of head.parts) aggregator.add(part);
    listener.file?.(head.path);
  };
  try {
    for await (const item of listing) {
      if (signal.aborted) break;
      if ("problem" in item) aggregator.gap(item);
      else if (mayMatter(item, span)) {
        const parts = new Channel<LogPart>(WAITING_PARTS);
        queue.push({ path: item.path, parts });
        void fill(parts, item, span, signal);
        if (queue.length >= AT_ONCE) await drain();
      }
    }
    while (queue.length > 0 && !signal.aborted) await drain();
  } finally {
    for (const { parts } of queue) parts.close();
  }
  if (signal.aborted) {
    aggregator.gap({ where: "the reading", problem: "incomplete", detail: "it was stopped before its end" });
  }
}

async function fill(
  parts: Channel<LogPart>,
  file: LogFile,
  span: TimeSpan,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const part of readLog(file, span)) {
      await parts.push(part);
      if (signal.aborted) break;
    }
    parts.end();
  } catch (error) {
    parts.fail(error);
  }
}

function mayMatter(file: LogFile, span: TimeSpan): boolean {
  const delivered = parseLogName(file.path)?.delivered;
  if (delivered === undefined) return true;
  if (span.since !== undefined && delivered < span.since) return false;
  return span.until === undefined || delivered <= span.until + LATEST_DELIVERY;
}
