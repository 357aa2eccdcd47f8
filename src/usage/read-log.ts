import type { Bytes } from "./inflate.js";
import { Bomb, inflated } from "./inflate.js";
import { parseLogName } from "./log-name.js";
import type { LogPart, TimeSpan } from "./part.js";
import { PartBuilder } from "./part.js";
import { RecordScanner } from "./scan.js";
import type { EvidenceGap } from "./types.js";

/** One log file, wherever it lies. */
export interface LogFile {
  /** How messages and gaps name it; also the order in which files are added up. */
  readonly path: string;
  readonly open: () => Promise<Bytes>;
}

/**
 * Reads one log file: what it says, and what of it could not be used. Never throws for what a file or its source does;
 * memory holds one record and one part.
 */
export async function* readLog(file: LogFile, span: TimeSpan): AsyncGenerator<LogPart, void, undefined> {
  const builder = new PartBuilder(span);
  builder.named(parseLogName(file.path));
  const scanner = new RecordScanner((json) => builder.add(json));
  let failure: Pick<EvidenceGap, "problem" | "detail"> | undefined;
  try {
    for await (const chunk of inflated(await file.open())) {
      scanner.push(chunk);
      if (scanner.broken) break;
      if (builder.full) yield builder.take();
    }
  } catch (error) {
    failure = readFailure(error);
  }
  const end = scanner.end();
  const gaps: EvidenceGap[] = [];
  const gap = (problem: EvidenceGap["problem"], detail: string, records?: number): void => {
    gaps.push({ where: file.path, problem, detail, ...(records === undefined ? {} : { records }) });
  };
  const found =
    failure ?? (end.problem === undefined ? undefined : { ...end.problem, problem: end.problem.kind });
  if (found !== undefined)
    gap(found.problem, `${found.detail}; ${end.records} whole records before that were used`);
  const bad = builder.malformedRecords + end.notObjects;
  if (bad > 0) gap("malformed", "records that are not what CloudTrail writes", bad);
  if (end.tooLarge > 0) gap("too-large", "records larger than keyward reads", end.tooLarge);
  yield builder.take({ records: end.records, gaps });
}

/** What the file system, the network or zlib say. Anything else is a bug and goes on. */
function readFailure(error: unknown): Pick<EvidenceGap, "problem" | "detail"> {
  if (error instanceof Bomb) return { problem: "too-large", detail: error.message };
  if (!(error instanceof Error)) throw error;
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
    throw error;
  if (code === "Z_BUF_ERROR") return { problem: "truncated", detail: "the gzip data ends too early" };
  if (code.startsWith("Z_")) return { problem: "malformed", detail: `the gzip data is damaged (${code})` };
  return { problem: "unreadable", detail: `${code}: ${error.message}` };
}
