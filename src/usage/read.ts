import { inert } from "../domain/inert.js";
import { KeywardError } from "../domain/result.js";
import { LineTooLong, byteLines } from "../snapshot/byte-lines.js";
import { keyCoverage } from "./coverage.js";
import type { UsageFileLine } from "./schema.js";
import { USAGE_SCHEMA, usageFileLineSchema } from "./schema.js";
import type { ObservedKeyUsage, UsageCoverage } from "./types.js";

/** The longest line that is read, in bytes. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** A usage file that is open: the coverage, and the keys as they come. */
export interface UsageFile {
  readonly coverage: UsageCoverage;
  /** Can be read once. Throws {@link KeywardError} where the file is damaged or was cut off. */
  readonly keys: AsyncIterable<ObservedKeyUsage>;
}

/**
 * Opens a usage file, gzipped or not. Every line is checked strictly; what does not fit is a {@link KeywardError} that
 * names file, line and field. The stream is read only as far as the keys are asked for.
 *
 * @param where how messages name the source, usually the path of the file
 */
export async function openUsage(source: NodeJS.ReadableStream, where: string): Promise<UsageFile> {
  const lines = usageLines(source, where);
  const header = await lines.next();
  if (header.done === true || header.value.type !== "usage-file") throw noUsageFile(where);
  const second = await lines.next();
  if (second.done === true || second.value.type !== "usage-coverage") throw cutOff(where);
  const { coverage } = second.value;
  return { coverage, keys: keys(lines, coverage, where) };
}

async function* keys(
  lines: AsyncGenerator<UsageFileLine, void, undefined>,
  coverage: UsageCoverage,
  where: string,
): AsyncGenerator<ObservedKeyUsage, void, undefined> {
  let seen = 0;
  let last = "";
  for await (const line of lines) {
    switch (line.type) {
      case "usage":
        if (line.key <= last) throw damaged(where, `the key ${line.key} stands out of order or twice`);
        last = line.key;
        seen++;
        yield {
          key: line.key,
          entries: line.entries,
          omitted: line.omitted,
          coverage: keyCoverage(coverage, line.key, line.omitted),
        };
        break;
      case "usage-end":
        if (line.keys !== seen) throw damaged(where, `it says ${line.keys} keys and holds ${seen}`);
        if ((await lines.next()).done !== true) throw damaged(where, "there are lines behind its last line");
        return;
      case "usage-file":
      case "usage-coverage":
        throw damaged(where, `a second line of type ${line.type}`);
    }
  }
  throw cutOff(where);
}

async function* usageLines(
  source: NodeJS.ReadableStream,
  where: string,
): AsyncGenerator<UsageFileLine, void, undefined> {
  let number = 0;
  try {
    for await (const raw of byteLines(source, MAX_LINE_BYTES)) {
      number = raw.number;
      const text = raw.bytes.toString("utf8");
      if (text.trim() !== "") yield parseLine(text, number, where);
    }
  } catch (error) {
    if (error instanceof LineTooLong) throw damaged(`${where}:${error.line}`, error.message);
    if (error instanceof KeywardError || !(error instanceof Error) || !("code" in error)) throw error;
    throw new KeywardError({
      what: "the usage file cannot be read",
      where: number === 0 ? where : `${where}, after line ${number}`,
      got: error.message,
      next: NEXT,
    });
  }
}

function parseLine(text: string, number: number, where: string): UsageFileLine {
  const at = `${where}:${number}`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw number === 1 ? noUsageFile(where) : damaged(at, "a line that is not JSON");
  }
  if (number === 1) {
    const schema = typeof json === "object" && json !== null && "schema" in json ? json.schema : undefined;
    if (schema !== USAGE_SCHEMA) throw noUsageFile(where);
  }
  const parsed = usageFileLineSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = (issue?.path ?? []).map(String).join(".");
  const why = issue?.code === "unrecognized_keys" ? `unknown field ${issue.keys.join(", ")}` : issue?.message;
  throw damaged(
    at,
    inert(`${path === "" ? "" : `${path}: `}${why ?? "not a line of a usage file"}`, { max: 300 }),
  );
}

const NEXT = "write it again with: keyward usage --output FILE";

function noUsageFile(where: string): KeywardError {
  return new KeywardError({
    what: "this is no usage file of a kind that this keyward knows",
    where,
    expected: `a first line {"type":"usage-file","schema":"${USAGE_SCHEMA}",…}`,
    next: NEXT,
  });
}

function cutOff(where: string): KeywardError {
  return damaged(where, "it ends before its last line");
}

function damaged(where: string, got: string): KeywardError {
  return new KeywardError({ what: "the usage file is damaged", where, got, next: NEXT });
}
