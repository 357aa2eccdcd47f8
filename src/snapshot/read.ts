import { isUtf8 } from "node:buffer";
import type { z } from "zod";
import { inert } from "../domain/inert.js";
import { KeywardError } from "../domain/result.js";
import type { ByteLine } from "./byte-lines.js";
import { LineTooLong, byteLines } from "./byte-lines.js";
import { plainKeyLine } from "./key-line.js";
import type { KeyLine, SnapshotLine } from "./lines.js";
import { SNAPSHOT_SCHEMA } from "./lines.js";
import { LINE_TYPES, snapshotLineSchema } from "./schema.js";

/**
 * The longest line that is read, in bytes. A key line holds the key's grants; 50,000 of them (the default quota) take
 * about 40 MB.
 */
export const MAX_LINE_BYTES = 128 * 1024 * 1024;

/** Bounds of {@link readSnapshot}. */
export interface ReadOptions {
  readonly maxLineBytes?: number;
}

/**
 * Reads a snapshot as a stream, gzipped or not. The first line must be the header. Every line is checked strictly: what
 * is not known (a field, a line type, a schema version) is a {@link KeywardError} that names the file, the line and the
 * field, because something that keyward does not understand could change a verdict.
 *
 * A snapshot whose header promises a last line (`ends`) and that stops before it was cut off: what could be read is
 * returned, and an `incomplete` line says the rest.
 *
 * @param where how messages name the source, usually the path of the file
 */
export async function* readSnapshot(
  source: NodeJS.ReadableStream,
  where: string,
  options: ReadOptions = {},
): AsyncGenerator<SnapshotLine, void, undefined> {
  for await (const item of readSnapshotItems(source, where, options)) {
    yield item.type === "raw-key" ? keyLineOf(item.raw, where) : item;
  }
}

/** A line that is a key and has not been looked at further: {@link keyLineOf} does, in whatever thread. */
export interface RawKeyLine {
  readonly type: "raw-key";
  readonly raw: ByteLine;
}

/** The key that a raw line holds. Throws like {@link readSnapshot}. */
export function keyLineOf(raw: ByteLine, where: string): KeyLine {
  const json = parseJson(utf8(raw, where), raw, where);
  const line = plainKeyLine(json) ?? parseLine(json, raw, where);
  if (line.type !== "key") throw new Error(`line ${raw.number} was taken for a key and is none`);
  return line;
}

/**
 * Like {@link readSnapshot}, but lines that can only be keys are left as they are, so that reading them can be left to
 * others.
 */
export async function* readSnapshotItems(
  source: NodeJS.ReadableStream,
  where: string,
  options: ReadOptions = {},
): AsyncGenerator<SnapshotLine | RawKeyLine, void, undefined> {
  let header = false;
  let promised = false;
  let lineNumber = 0;
  try {
    for await (const raw of byteLines(source, options.maxLineBytes ?? MAX_LINE_BYTES)) {
      lineNumber = raw.number;
      if (header && isCertainlyKey(raw)) {
        yield { type: "raw-key", raw };
        continue;
      }
      const text = utf8(raw, where);
      if (text.trim() === "") continue;
      const json = parseJson(text, raw, where);
      // A last line that ends within its JSON, in a file that promised more: the writer was killed.
      if (json === TORN) {
        if (promised) break;
        throw tornLine(raw, where);
      }
      if (!header) checkHeader(json, raw, where);
      const line = parseLine(json, raw, where);
      if (line.type === "snapshot") {
        if (header) throw problem(raw, where, "a second snapshot header", "one header, in the first line");
        header = true;
        promised = line.ends !== undefined;
      } else if (line.type === "coverage") promised = false;
      yield line;
    }
  } catch (error) {
    if (error instanceof LineTooLong) {
      throw new KeywardError({
        what: "a line is too long to be read",
        where: `${where}:${error.line}`,
        expected: `at most ${error.limit} bytes`,
        next: "check that the file is a keyward snapshot: one JSON object a line",
      });
    }
    if (!(promised && isCutOff(error))) throw readFailure(error, where, lineNumber);
  }
  if (!header) {
    throw new KeywardError({
      what: "the file is empty",
      where,
      expected: `a snapshot, whose first line is {"type":"snapshot","schema":"${SNAPSHOT_SCHEMA}",…}`,
      next: "write one with: keyward scan --snapshot FILE",
    });
  }
  if (promised) {
    yield {
      type: "incomplete",
      where,
      call: "read",
      code: "SnapshotCutOff",
      message: `The snapshot ends after line ${lineNumber}, before its last line was written: the scan was killed. Keys that it had not written are missing.`,
    };
  }
}

const KEY_START = Buffer.from('{"type":"key",');
const TYPE = Buffer.from('"type"');
const ESCAPE = Buffer.from("\\u");

/** Whether a line begins as a key does that keyward wrote. */
export function beginsLikeKey({ bytes }: ByteLine): boolean {
  return (
    bytes.length > KEY_START.length &&
    bytes.compare(KEY_START, 0, KEY_START.length, 0, KEY_START.length) === 0
  );
}

/** The type stands first, as keyward writes it, and nothing after it could be another one. */
function isCertainlyKey(line: ByteLine): boolean {
  const { bytes, complete } = line;
  return (
    complete &&
    beginsLikeKey(line) &&
    bytes.indexOf(TYPE, KEY_START.length) === -1 &&
    bytes.indexOf(ESCAPE) === -1
  );
}

/** What JSON.parse refused in a last line that no line feed ends. */
const TORN = Symbol("torn");

/** The text of a line. A character may be cut in two where a writer was killed; JSON.parse then decides. */
function utf8(raw: ByteLine, where: string): string {
  if (raw.complete && !isUtf8(raw.bytes)) throw problem(raw, where, "not UTF-8 text", "UTF-8");
  return raw.bytes.toString("utf8");
}

function parseJson(text: string, raw: ByteLine, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!raw.complete) return TORN;
    throw problem(raw, where, "not JSON", "one JSON object on one line");
  }
}

function tornLine(raw: ByteLine, where: string): KeywardError {
  return problem(raw, where, "not JSON, or cut off", "one JSON object on one line, ended by a line feed");
}

/** Before the strict check, so that a wrong file or a newer schema gets a message of its own. */
function checkHeader(json: unknown, raw: ByteLine, where: string): void {
  const header = typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  if (header["type"] !== "snapshot") {
    throw problem(
      raw,
      where,
      "no snapshot header",
      `a first line {"type":"snapshot","schema":"${SNAPSHOT_SCHEMA}",…}`,
      show(header["type"]),
    );
  }
  if (header["schema"] !== SNAPSHOT_SCHEMA) {
    throw problem(
      raw,
      where,
      "a snapshot schema that this keyward does not know",
      `"${SNAPSHOT_SCHEMA}"`,
      show(header["schema"]),
      "read it with the keyward version that wrote it, or upgrade keyward",
    );
  }
}

function parseLine(json: unknown, raw: ByteLine, where: string): SnapshotLine {
  const parsed = snapshotLineSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue === undefined) throw new Error("zod refused a line without saying why");
  throw issueProblem(deepest(issue), json, raw, where);
}

/** Unions hide the issue that matters one level down. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const inner = issue.errors[0]?.[0];
  return inner === undefined ? issue : deepest({ ...inner, path: [...issue.path, ...inner.path] });
}

function issueProblem(issue: z.core.$ZodIssue, json: unknown, raw: ByteLine, where: string): KeywardError {
  const field = issue.path.map((p) => (typeof p === "number" ? `[${p}]` : `.${inert(String(p))}`)).join("");
  const name = field.replace(/^\./, "");
  if (issue.code === "unrecognized_keys") {
    const unknown = issue.keys.map((k) => JSON.stringify(inert(k))).join(", ");
    return problem(
      raw,
      where,
      `unknown field ${unknown}${name === "" ? "" : ` in ${name}`}`,
      undefined,
      undefined,
      "remove it, or upgrade keyward if a newer version wrote the file",
    );
  }
  if (name === "type") {
    return problem(raw, where, "unknown line type", LINE_TYPES.join(", "), show(at(json, issue.path)));
  }
  const value = at(json, issue.path);
  if (value === undefined) return problem(raw, where, `field ${name} is missing`, issue.message);
  return problem(
    raw,
    where,
    name === "" ? "not a snapshot line" : `field ${name} is wrong`,
    issue.message,
    show(value),
  );
}

function at(json: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = json;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/** A value in a message: JSON, shortened, and without characters that a terminal would act on. */
function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return inert(text, { max: 80 });
}

function problem(
  raw: ByteLine,
  where: string,
  what: string,
  expected?: string,
  got?: string,
  next?: string,
): KeywardError {
  return new KeywardError({
    what,
    where: `${where}:${raw.number}`,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    ...(next === undefined ? {} : { next }),
  });
}

/** Gzip data that stops before its trailer. */
function isCutOff(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "Z_BUF_ERROR";
}

/** Failures of the file become messages; bugs stay what they are. */
function readFailure(error: unknown, where: string, lineNumber: number): unknown {
  if (error instanceof KeywardError || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  if (!/^[EZ][A-Z_]+$/.test(code)) return error;
  return new KeywardError({
    what: code.startsWith("Z_") ? "the gzip data is damaged" : "cannot be read",
    where: lineNumber === 0 ? where : `${where}, after line ${lineNumber}`,
    got: code === "Z_BUF_ERROR" ? "the data ends too early" : error.message,
  });
}
