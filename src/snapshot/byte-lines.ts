import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

/** One line of a file as bytes. `complete` is false for a last line that no line feed ends. */
export interface ByteLine {
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  readonly complete: boolean;
  /** The line is longer than the reader allows; `bytes` is empty. Only where such lines were asked for. */
  readonly tooLong?: true;
}

/** A line is longer than the reader allows. */
export class LineTooLong extends Error {
  constructor(
    readonly line: number,
    readonly limit: number,
  ) {
    super(`line ${line} is longer than ${limit} bytes`);
  }
}

/**
 * The lines of a stream, without their line feeds; memory holds one line and one chunk. Gzip is recognised by its magic
 * bytes (RFC 1952), not by a file's name, so that it also works from a pipe. Throws {@link LineTooLong} (or, with
 * `long: "mark"`, yields a line that says so and goes on), and whatever the stream or the decompressor throws.
 */
export async function* byteLines(
  source: NodeJS.ReadableStream,
  maxBytes: number,
  long: "throw" | "mark" = "throw",
): AsyncGenerator<ByteLine> {
  let number = 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const line = (tail: Buffer, complete: boolean): ByteLine => {
    if (pendingBytes + tail.length > maxBytes) {
      if (long === "throw") throw new LineTooLong(number, maxBytes);
      return { bytes: Buffer.alloc(0), number, complete, tooLong: true };
    }
    return { bytes: pendingBytes === 0 ? tail : Buffer.concat([...pending, tail]), number, complete };
  };
  for await (const chunk of inflated(source)) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      yield line(chunk.subarray(start, end), true);
      number += 1;
      if (pendingBytes !== 0) {
        pending = [];
        pendingBytes = 0;
      }
      start = end + 1;
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      // Checked here as well: a file without any line feed must not fill the memory.
      if (pendingBytes > maxBytes) {
        if (long === "throw") throw new LineTooLong(number, maxBytes);
        pending = [];
      }
    }
  }
  if (pendingBytes > 0) yield line(Buffer.alloc(0), false);
}

const LF = 0x0a;

/** The stream's bytes, decompressed if they begin like gzip. */
async function* inflated(source: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  const chunks = buffers(source);
  const first: Buffer[] = [];
  let size = 0;
  while (size < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    first.push(next.value);
    size += next.value.length;
  }
  const head = Buffer.concat(first);
  const all = chain(head, chunks);
  if (!(head[0] === 0x1f && head[1] === 0x8b)) {
    yield* all;
    return;
  }
  const input = Readable.from(all, { objectMode: false });
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // The loop below sees every failure of the pipeline as an error of `gunzip`; waiting for it as well only
  // keeps a rejection from going unhandled.
  const done = pipeline(input, gunzip).catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } finally {
    gunzip.destroy();
    input.destroy();
    await done;
  }
}

async function* chain(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

async function* buffers(source: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  for await (const chunk of source) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}
