import { type Problem, KeywardError } from "../../domain/result.js";
import { byteLines } from "../../snapshot/byte-lines.js";
import { firstDuplicate } from "./json-path.js";
import { idOf, type Prepared, prepareRequest } from "./request.js";

/** One line of a file of requests: a request, or why it is none. */
export type RequestLine =
  | { readonly kind: "request"; readonly line: number; readonly prepared: Prepared }
  | {
      readonly kind: "broken";
      readonly line: number;
      readonly id: string | undefined;
      readonly problem: Problem;
    };

/** Larger than a request with every policy in it at the longest that AWS stores. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/**
 * The requests of a file, gzipped or not, a line at a time. A line that is no request is reported as such and does not
 * end the file; empty lines are passed over. Throws a {@link KeywardError} where the file itself cannot be read.
 */
export async function* requestLines(
  source: NodeJS.ReadableStream,
  name: string,
  now: number,
): AsyncGenerator<RequestLine> {
  const lines = byteLines(source, MAX_LINE_BYTES, "mark");
  for (;;) {
    let next: Awaited<ReturnType<typeof lines.next>>;
    try {
      next = await lines.next();
    } catch (error) {
      throw new KeywardError({
        what: "cannot be read",
        where: name,
        got: error instanceof Error ? error.message : String(error),
        next: "check the path and that the file is whole",
      });
    }
    if (next.done === true) return;
    const { bytes, number, tooLong } = next.value;
    const where = `${name}:${number}`;
    if (tooLong === true) {
      yield broken(number, undefined, {
        what: "the line is too long",
        where,
        expected: `at most ${MAX_LINE_BYTES} bytes`,
        next: "write one request as JSON on each line",
      });
      continue;
    }
    const text = decoded(bytes, number);
    if (text?.trim() === "") continue;
    yield text === undefined
      ? broken(number, undefined, { what: "not UTF-8 text", where, next: "save the file as UTF-8" })
      : requestLine(text, number, where, now);
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes: Buffer, number: number): string | undefined {
  try {
    const text = UTF8.decode(bytes);
    return number === 1 ? text.replace(/^\uFEFF/, "") : text;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function requestLine(text: string, line: number, where: string, now: number): RequestLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return broken(line, undefined, {
      what: "not JSON",
      where,
      expected: "one request as JSON on each line",
      got: error instanceof Error ? error.message : String(error),
      next: 'write for example {"principal":"arn:aws:iam::111122223333:role/App","action":"kms:Decrypt"}',
    });
  }
  const twice = firstDuplicate(text);
  if (twice !== undefined) {
    return broken(line, idOf(value), {
      what: "a member stands twice, and the last would silently win",
      where,
      expected: "every member of an object once",
      got: twice,
      next: "leave one of them",
    });
  }
  try {
    return { kind: "request", line, prepared: prepareRequest(value, where, now) };
  } catch (error) {
    if (error instanceof KeywardError) return broken(line, idOf(value), error.problem);
    throw error;
  }
}

function broken(line: number, id: string | undefined, problem: Problem): RequestLine {
  return { kind: "broken", line, id, problem };
}
