import { createReadStream } from "node:fs";
import { KeywardError } from "../../domain/result.js";
import { byteLines } from "../../snapshot/byte-lines.js";
import type { SnapshotLine } from "../../snapshot/lines.js";
import type { RawKeyLine } from "../../snapshot/read.js";
import { beginsLikeKey, MAX_LINE_BYTES, readSnapshot, readSnapshotItems } from "../../snapshot/read.js";
import { snapshotLineSchema } from "../../snapshot/schema.js";
import type { ContextLine } from "../estate/key-judge.js";
import { isContextLine } from "../estate/key-judge.js";
import type { AuditLine } from "../estate/read-judged.js";
import { readJudged } from "../estate/read-judged.js";
import type { KeyThreads } from "../estate/threads.js";
import type { Input } from "./inputs.js";

/**
 * The lines of a snapshot, those about organizations and resource control policies first, and of the others about more than
 * one key those that stand behind a key: a key can only be judged with all of them, and they may stand anywhere in the file.
 * Nothing but those is kept in memory. A file whose header
 * promises that they come first is read once; any other is looked through for them before.
 */
export async function* snapshotLines(input: Input): AsyncGenerator<SnapshotLine> {
  yield* contextFirst(input, readSnapshot(createReadStream(input.path, READ), input.name));
}

/** Bytes that are read from a file at once. */
const READ = { highWaterMark: 256 * 1024 };

async function* contextFirst<T extends SnapshotLine | RawKeyLine>(
  input: Input,
  lines: AsyncIterable<T>,
): AsyncGenerator<T | ContextLine> {
  const { context, promised } = await contextLines(input);
  const late = new Set(context.filter((l) => !ALWAYS_FIRST.has(l.type)).map((l) => JSON.stringify(l)));
  let behindKey = false;
  for await (const line of lines) {
    const any: SnapshotLine | RawKeyLine = line;
    if (any.type === "raw-key" || any.type === "key") behindKey = true;
    else if (isContextLine(any)) {
      if (promised && behindKey) throw broken(input, any);
      if (ALWAYS_FIRST.has(any.type) || (late.size > 0 && late.has(JSON.stringify(any)))) continue;
    }
    yield line;
    if (line.type === "snapshot") yield* context;
  }
}

/** Like {@link snapshotLines}, with the keys judged by threads while the file is read on. */
export function judgedLines(input: Input, threads: KeyThreads): AsyncGenerator<AuditLine> {
  const items = readSnapshotItems(createReadStream(input.path, READ), input.name);
  return readJudged(told(contextFirst(input, items), threads), input.name, threads);
}

/** Tells the threads what concerns more than one key. */
async function* told<T extends SnapshotLine | RawKeyLine>(
  lines: AsyncIterable<T>,
  threads: KeyThreads,
): AsyncGenerator<T> {
  for await (const line of lines) {
    const any: SnapshotLine | RawKeyLine = line;
    if (any.type === "snapshot") threads.begin();
    if (any.type !== "raw-key" && isContextLine(any)) threads.add(any);
    yield line;
  }
}

/** Few, and wherever they stand in the file they come before everything else. */
const ALWAYS_FIRST: ReadonlySet<string> = new Set<ContextLine["type"]>([
  "organization",
  "resource-control-policy",
]);
const FIRST_MARKS = marks([...ALWAYS_FIRST]);
/** Many, and so kept in memory only where they stand behind a key, which no writer of keyward does. */
const LATE_MARKS = marks(["service-control-policy", "account", "user", "role", "group", "managed-policy"]);

function marks(types: readonly string[]): readonly Buffer[] {
  return types.map((type) => Buffer.from(JSON.stringify(type)));
}

/**
 * Looks for those lines without reading the others. What is damaged is left to the reader, which says where and why.
 * A type that is written with escapes (`"\u006frganization"`) is read too: the reader would take it.
 */
async function contextLines(input: Input): Promise<Context> {
  const context: ContextLine[] = [];
  let promised = false;
  let behindKey = false;
  try {
    for await (const raw of byteLines(createReadStream(input.path), MAX_LINE_BYTES)) {
      const { bytes, number } = raw;
      if (number === 1) promised = promisesContextFirst(bytes);
      if (beginsLikeKey(raw)) {
        if (promised) break;
        behindKey = true;
      }
      const wanted = behindKey ? [...FIRST_MARKS, ...LATE_MARKS] : FIRST_MARKS;
      if (!wanted.some((mark) => bytes.includes(mark)) && !mayHideType(bytes)) continue;
      const line = contextLine(bytes);
      if (line !== undefined && (behindKey || ALWAYS_FIRST.has(line.type))) context.push(line);
    }
  } catch (error) {
    // A file that ends badly: the second reading meets the same and reports it.
    if (!(error instanceof Error)) throw error;
  }
  return { context, promised };
}

interface Context {
  readonly context: readonly ContextLine[];
  /** The header promises that no such line stands behind a key. */
  readonly promised: boolean;
}

function promisesContextFirst(bytes: Buffer): boolean {
  const header = snapshotLineSchema.safeParse(jsonOf(bytes));
  return header.success && header.data.type === "snapshot" && header.data.order === "context-first";
}

/** A snapshot that was put together or edited by hand: the keys before the line were looked at without it. */
function broken(input: Input, line: ContextLine): KeywardError {
  return new KeywardError({
    what: "a line about more than one key stands behind a key, and the header promises that there is none",
    where: input.name,
    got: `${line.type} ${named(line)}`,
    next: 'take "order" out of the header, and run again: what was said of keys before that line does not count',
  });
}

function named(line: ContextLine): string {
  switch (line.type) {
    case "organization":
    case "account":
      return line.id;
    case "resource-control-policy":
    case "service-control-policy":
      return line.target;
    default:
      return line.arn;
  }
}

const ESCAPED_TYPE = /^\s*\{\s*"type"\s*:\s*"[^"]*\\u/;

function mayHideType(bytes: Buffer): boolean {
  return ESCAPED_TYPE.test(bytes.subarray(0, 256).toString("utf8"));
}

function contextLine(bytes: Buffer): ContextLine | undefined {
  const parsed = snapshotLineSchema.safeParse(jsonOf(bytes));
  if (!parsed.success) return undefined;
  const line: SnapshotLine = parsed.data;
  return isContextLine(line) ? line : undefined;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** What a user is told about a snapshot that could not be read to its end. */
export function unreadableSnapshot(
  error: KeywardError,
  input: Input,
): Extract<SnapshotLine, { type: "incomplete" }> {
  return {
    type: "incomplete",
    where: error.problem.where ?? input.name,
    call: "read",
    code: "UnreadableSnapshot",
    help: `Keys after this place were not read: ${error.problem.what}.`,
  };
}
