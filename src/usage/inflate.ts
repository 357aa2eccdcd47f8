import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

/** Bytes of a file, wherever it lies. */
export type Bytes = AsyncIterable<Uint8Array>;

/** Gzip that grows far more than any log does. */
export class Bomb extends Error {
  override readonly name = "Bomb";
}

/**
 * A log grows about tenfold; a file that has grown more than this, and is larger than {@link BOMB_BYTES}, is given up.
 * Deflate allows about 1,030.
 */
export const BOMB_RATIO = 250;
export const BOMB_BYTES = 64 * 1024 * 1024;

/** Large pieces: the time goes into inflating, not into calls. */
const CHUNK = 256 * 1024;

/**
 * The bytes of a file, decompressed if they begin like gzip (RFC 1952), whatever the file is called. Throws what the
 * source or the decompressor throws, and {@link Bomb}.
 */
export async function* inflated(source: Bytes): AsyncGenerator<Buffer, void, undefined> {
  const chunks = buffers(source);
  const head: Buffer[] = [];
  let size = 0;
  while (size < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    size += next.value.length;
  }
  const first = Buffer.concat(head);
  if (!(first[0] === 0x1f && first[1] === 0x8b)) {
    if (first.length > 0) yield first;
    yield* chunks;
    return;
  }
  let read = 0;
  async function* counted(): AsyncGenerator<Buffer, void, undefined> {
    read += first.length;
    yield first;
    for await (const chunk of chunks) {
      read += chunk.length;
      yield chunk;
    }
  }
  const input = Readable.from(counted(), { objectMode: false });
  const gunzip = createGunzip({ chunkSize: CHUNK });
  // The loop below sees every failure as one of `gunzip`.
  const done = pipeline(input, gunzip).catch(() => undefined);
  let written = 0;
  try {
    for await (const chunk of gunzip) {
      const piece = chunk as Buffer;
      written += piece.length;
      if (written > BOMB_BYTES && written > read * BOMB_RATIO) {
        throw new Bomb(`it grew to ${written} bytes from ${read}, which no log does`);
      }
      yield piece;
    }
  } finally {
    gunzip.destroy();
    input.destroy();
    await done;
  }
}

async function* buffers(source: Bytes): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    if (chunk.length > 0) {
      yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  }
}
