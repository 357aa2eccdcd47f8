import type { Problem } from "../../domain/result.js";
import { KeywardError } from "../../domain/result.js";
import { keyMember } from "../../report/json.js";
import type { Counts } from "../../report/summary.js";
import { Counter } from "../../report/summary.js";
import { isMultiRegion } from "../../rules/sibling-open.js";
import { keyLineOf } from "../../snapshot/read.js";
import type { FailOn } from "../options.js";
import { failsOn } from "./fails.js";
import type { KeyJudge, Met } from "./key-judge.js";
import type { MultiRegionKey } from "./multi-region.js";

/** Key lines of a snapshot that follow each other, not read yet. */
export interface RawKeys {
  /** How messages name the source. */
  readonly where: string;
  readonly firstLine: number;
  /** The lines, each ended by a line feed. */
  readonly bytes: Uint8Array;
}

/** What is said about keys that follow each other. */
export interface JudgedKeys {
  /** UTF-8 of `keyMember` of each key, multi-Region keys left out. */
  readonly members: Uint8Array;
  /** Of the same keys. */
  readonly counts: Counts;
  /** Some of them fail the run. */
  readonly failed: boolean;
  /** Some of them could not be assessed. */
  readonly unknown: boolean;
  readonly multiRegion: readonly MultiRegionKey[];
  readonly disagreements: readonly { readonly arn: string; readonly texts: readonly string[] }[];
  readonly met: Met;
  /** The line after the last of them is wrong; what follows it was not read. */
  readonly problem: Problem | undefined;
}

const LF = 0x0a;

/** Reads and judges keys, in whatever thread. */
export function judgeKeys({ where, firstLine, bytes }: RawKeys, judge: KeyJudge, failOn: FailOn): JudgedKeys {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const counter = new Counter();
  const multiRegion: MultiRegionKey[] = [];
  const disagreements: { arn: string; texts: readonly string[] }[] = [];
  let members = "";
  let failed = false;
  let unknown = false;
  let problem: Problem | undefined;
  let number = firstLine;
  let start = 0;
  for (let end = buffer.indexOf(LF); end !== -1; end = buffer.indexOf(LF, start)) {
    try {
      const line = keyLineOf({ bytes: buffer.subarray(start, end), number, complete: true }, where);
      const key = judge.key(line);
      const { arn, text, outline } = key;
      if (key.disagreements.length > 0) disagreements.push({ arn, texts: key.disagreements });
      if (isMultiRegion(arn)) {
        multiRegion.push({ arn, text, outline, file: undefined, related: line.relatedKeys ?? [] });
      } else {
        counter.addOutline(outline);
        failed ||= failsOn(outline, failOn);
        unknown ||= outline.openVerdict === "not-assessed";
        members += keyMember(text);
      }
    } catch (error) {
      if (!(error instanceof KeywardError)) throw error;
      problem = error.problem;
      break;
    }
    number++;
    start = end + 1;
  }
  return {
    members: new TextEncoder().encode(members),
    counts: counter.counts(),
    failed,
    unknown,
    multiRegion,
    disagreements,
    met: judge.met(),
    problem,
  };
}
