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

/** Key lines of a snapshot, not read yet. */
export interface RawKeys {
  /** How messages name the source. */
  readonly where: string;
  /** Their numbers in the file. */
  readonly lines: readonly number[];
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
  readonly multiRegion: readonly (MultiRegionKey & InFile)[];
  readonly disagreements: readonly ({ readonly arn: string; readonly texts: readonly string[] } & InFile)[];
  readonly met: Met;
}

interface InFile {
  readonly line: number;
}

/** What one judge says about its keys, which need not follow each other. */
export interface JudgedPart extends JudgedKeys {
  /** For each key the place in `members` where what is said about it ends. */
  readonly ends: Uint32Array;
  /** A line is wrong; what follows it was not read. */
  readonly problem: { readonly line: number; readonly problem: Problem } | undefined;
}

const LF = 0x0a;

/** Reads and judges keys, in whatever thread. */
export function judgeKeys({ where, lines, bytes }: RawKeys, judge: KeyJudge, failOn: FailOn): JudgedPart {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const counter = new Counter();
  const multiRegion: (MultiRegionKey & InFile)[] = [];
  const disagreements: ({ arn: string; texts: readonly string[] } & InFile)[] = [];
  const members = new Members(lines.length);
  let failed = false;
  let unknown = false;
  let problem: JudgedPart["problem"];
  let start = 0;
  for (const number of lines) {
    const end = buffer.indexOf(LF, start);
    try {
      const line = keyLineOf({ bytes: buffer.subarray(start, end), number, complete: true }, where);
      const key = judge.key(line);
      const { arn, text, outline } = key;
      if (key.disagreements.length > 0) disagreements.push({ arn, texts: key.disagreements, line: number });
      if (isMultiRegion(arn)) {
        const related = line.relatedKeys ?? [];
        multiRegion.push({ arn, text, outline, file: undefined, related, line: number });
        members.add("");
      } else {
        counter.addOutline(outline);
        failed ||= failsOn(outline, failOn);
        unknown ||= outline.openVerdict === "not-assessed";
        members.add(keyMember(text));
      }
    } catch (error) {
      if (!(error instanceof KeywardError)) throw error;
      problem = { line: number, problem: error.problem };
      break;
    }
    start = end + 1;
  }
  return {
    ...members.encoded(),
    counts: counter.counts(),
    failed,
    unknown,
    multiRegion,
    disagreements,
    met: judge.met(),
    problem,
  };
}

/** Texts as UTF-8, one behind the other. */
class Members {
  private text = "";
  private readonly ends: Uint32Array;
  private count = 0;
  private bytes = 0;

  constructor(count: number) {
    this.ends = new Uint32Array(count);
  }

  add(text: string): void {
    this.text += text;
    this.bytes += Buffer.byteLength(text);
    this.ends[this.count++] = this.bytes;
  }

  encoded(): { readonly members: Uint8Array; readonly ends: Uint32Array } {
    return { members: new TextEncoder().encode(this.text), ends: this.ends };
  }
}
