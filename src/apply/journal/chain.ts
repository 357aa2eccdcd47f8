import { createHash } from "node:crypto";
import type { JournalEvent, LogEntry } from "./events.js";
import { journalEventSchema } from "./events.js";

/** What the first line of a log names as the one before. */
export const NO_LINE = "0".repeat(64);

/** SHA-256 in lower-case hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * One line of a log: `{"seq":…,"at":…,"prev":…,"event":{…},"sum":…}`. `sum` is the SHA-256 of the line without it (the
 * text up to `,"sum":` and a closing brace); `prev` is the sum of the line before. Whoever changes, drops or swaps a
 * line breaks the chain. It guards against damage, not against somebody who writes the whole log anew.
 */
export function chainLine(seq: number, at: string, prev: string, event: JournalEvent): ChainedLine {
  const body = JSON.stringify({ seq, at, prev, event });
  const sum = sha256(body);
  return { text: `${body.slice(0, -1)},"sum":"${sum}"}\n`, sum };
}

/** A line as it stands in the file, with its sum. */
export interface ChainedLine {
  readonly text: string;
  readonly sum: string;
}

/** A log as it was read. */
export interface ReadLog {
  readonly entries: readonly LogEntry[];
  /** Sum of the last good line. */
  readonly sum: string;
  /** Bytes up to the end of the last good line. */
  readonly goodBytes: number;
  /** The last line was cut off while it was written: it counts as never written. */
  readonly torn: boolean;
  /** What is wrong; empty: the log is whole. Entries from the first fault on are left out. */
  readonly faults: readonly string[];
}

const LINE = /^(.*),"sum":"([0-9a-f]{64})"\}$/s;

/** Reads a log and checks every sum and link. A last line without its line feed was never acted upon. */
export function readChain(content: Buffer): ReadLog {
  const entries: LogEntry[] = [];
  let sum = NO_LINE;
  let goodBytes = 0;
  for (;;) {
    if (goodBytes === content.length) return { entries, sum, goodBytes, torn: false, faults: [] };
    const end = content.indexOf(0x0a, goodBytes);
    if (end === -1) return { entries, sum, goodBytes, torn: true, faults: [] };
    const read = readLine(content.subarray(goodBytes, end).toString("utf8"), entries.length, sum);
    if (typeof read === "string") {
      return { entries, sum, goodBytes, torn: false, faults: [`line ${entries.length + 1}: ${read}`] };
    }
    entries.push(read.entry);
    sum = read.sum;
    goodBytes = end + 1;
  }
}

/** The entry, or what is wrong with the line. */
function readLine(
  line: string,
  seq: number,
  prev: string,
): { readonly entry: LogEntry; readonly sum: string } | string {
  const match = LINE.exec(line);
  if (match === null) return "it has no checksum: it was damaged or added by somebody else";
  const [, start = "", sum = ""] = match;
  const body = `${start}}`;
  if (sha256(body) !== sum) return "its checksum is wrong: it was changed or damaged";
  const json = jsonOf(body);
  if (typeof json !== "object" || json === null || !("event" in json) || !("at" in json)) {
    return "it has another form than a line of a journal";
  }
  if (!("prev" in json) || json.prev !== prev || !("seq" in json) || json.seq !== seq) {
    return "it does not follow the line before: a line is missing, or they were reordered";
  }
  const event = journalEventSchema.safeParse(json.event);
  if (!event.success || typeof json.at !== "string") {
    return "this keyward does not know such an event: read it with the version that wrote it, or a newer one";
  }
  return { entry: { seq, at: json.at, event: event.data }, sum };
}

/** The value of a text from the journal; undefined: it is no JSON, whatever its checksum says. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
