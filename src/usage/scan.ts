/**
 * Finds the records of a CloudTrail log file, `{"Records":[{…},{…}]}`, without parsing those that are not about KMS.
 *
 * A JSON text cannot hold an unescaped quote inside a string, so brackets that stand outside of strings, counted, give
 * the boundaries of a record exactly, in any order of fields and with any white space. Only records that can matter are
 * handed out for JSON.parse: those that hold the bytes `kms.amazonaws.com`, and those that could spell it with `\u`
 * escapes. What is inside the others is not checked.
 */

/** Where a scan ended, and what was wrong. */
export interface ScanEnd {
  /** Records that were seen whole. */
  readonly records: number;
  /** Records that were passed over because they are larger than the limit. */
  readonly tooLarge: number;
  /** Elements of `Records` that are no objects. */
  readonly notObjects: number;
  readonly problem: ScanProblem | undefined;
}

export interface ScanProblem {
  readonly kind: "malformed" | "truncated";
  readonly detail: string;
}

/** The largest record that is read, in bytes. CloudTrail's own limit is 256 KB (1 MB in event data stores). */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

const NEEDLE = Buffer.from("kms.amazonaws.com");
const MAX_KEY = 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
/** `{` and `[` differ in this bit alone, and so do `}` and `]`. */
const BRACKET_BIT = 0x20;

enum At {
  Start,
  Key,
  InKey,
  Colon,
  Value,
  /** Inside a value of the outer object that is not the list of records, or an element that is no object. */
  Skip,
  Scalar,
  AfterValue,
  Element,
  InRecord,
  AfterElement,
  Done,
  Broken,
}

/**
 * Feed it the bytes of one file with {@link push}, and finish with {@link end}. `onRecord` gets the text of every record
 * that may be about KMS, and of the first record whatever it is about.
 */
export class RecordScanner {
  private at: At = At.Start;
  private inString = false;
  private escaped = false;
  private depth = 0;
  /** Where to go after Skip or Scalar. */
  private after: At = At.AfterValue;
  private key: number[] = [];
  private seenRecords = false;
  private mayElement = true;
  private carry: Buffer[] = [];
  private carried = 0;
  private suspicious = false;
  private oversize = false;
  private records = 0;
  private tooLarge = 0;
  private notObjects = 0;
  private problem: ScanProblem | undefined;
  private offset = 0;

  constructor(
    private readonly onRecord: (json: string) => void,
    private readonly maxRecordBytes: number = MAX_RECORD_BYTES,
  ) {}

  /** True: nothing more of this file can be used. */
  get broken(): boolean {
    return this.at === At.Broken;
  }

  push(chunk: Buffer): void {
    let i = 0;
    let needleAt = -2;
    const n = chunk.length;
    while (i < n && this.at !== At.Broken) {
      if (this.at === At.InRecord) {
        const start = i;
        i = this.record(chunk, i);
        if (this.at === At.InRecord) {
          this.keep(chunk.subarray(start));
          break;
        }
        if (this.carried > 0 || this.oversize) this.carriedRecord(chunk.subarray(start, i));
        else {
          if (needleAt !== -1 && needleAt < start) needleAt = chunk.indexOf(NEEDLE, start);
          const wanted = (needleAt !== -1 && needleAt < i) || this.suspicious || this.records === 0;
          this.finished(wanted, wanted ? chunk.toString("utf8", start, i) : "", i - start);
        }
        continue;
      }
      i = this.outside(chunk, i);
    }
    this.offset += n;
  }

  end(): ScanEnd {
    if (this.problem === undefined && this.at !== At.Done) {
      this.problem =
        this.at === At.Start
          ? { kind: "malformed", detail: "the file is empty" }
          : { kind: "truncated", detail: `it ends within the JSON, after ${this.records} whole records` };
    }
    this.carry = [];
    return {
      records: this.records,
      tooLarge: this.tooLarge,
      notObjects: this.notObjects,
      problem: this.problem,
    };
  }

  /** Walks through a record; the index behind its last byte, or the end of the chunk. */
  private record(chunk: Buffer, from: number): number {
    const n = chunk.length;
    let i = from;
    let depth = this.depth;
    let inString = this.inString;
    if (this.escaped && i < n) {
      this.escaped = false;
      i++;
    }
    for (;;) {
      if (inString) {
        for (;;) {
          if (i >= n) return this.suspend(n, depth, true);
          const c = chunk[i];
          i++;
          if (c === QUOTE) break;
          if (c === BACKSLASH) {
            if (i >= n) {
              this.escaped = true;
              this.suspicious = true;
              return this.suspend(n, depth, true);
            }
            if (chunk[i] === 0x75) this.escape(chunk, i);
            i++;
          }
        }
        inString = false;
      }
      for (;;) {
        if (i >= n) return this.suspend(n, depth, false);
        // Reading within the bounds of a Buffer gives a number.
        const c = chunk[i] as number;
        i++;
        if (c === QUOTE) {
          inString = true;
          break;
        }
        const bracket = c | BRACKET_BIT;
        if (bracket === OPEN_BRACE) depth++;
        else if (bracket === CLOSE_BRACE && --depth === 0) {
          this.at = At.AfterElement;
          return i;
        }
      }
    }
  }

  private suspend(n: number, depth: number, inString: boolean): number {
    this.depth = depth;
    this.inString = inString;
    return n;
  }

  /** `at` is the `u` of an escape. Could it be a letter of the name of KMS, or is it cut off by the chunk's end? */
  private escape(chunk: Buffer, at: number): void {
    if (at + 4 >= chunk.length) this.suspicious = true;
    else if (chunk[at + 1] === 0x30 && chunk[at + 2] === 0x30) {
      const high = chunk[at + 3];
      const low = chunk[at + 4];
      if (high === 0x36 || high === 0x37 || (high === 0x32 && (low === 0x65 || low === 0x45))) {
        this.suspicious = true;
      }
    }
  }

  private keep(part: Buffer): void {
    if (this.oversize) return;
    this.carried += part.length;
    if (this.carried > this.maxRecordBytes) {
      this.oversize = true;
      this.carry = [];
      return;
    }
    // A copy: the chunk's memory may be used again.
    this.carry.push(Buffer.from(part));
  }

  private carriedRecord(tail: Buffer): void {
    const size = this.carried + tail.length;
    if (this.oversize || size > this.maxRecordBytes) this.finished(false, "", this.maxRecordBytes + 1);
    else {
      const whole = Buffer.concat([...this.carry, tail], size);
      const wanted = this.suspicious || this.records === 0 || whole.includes(NEEDLE);
      this.finished(wanted, wanted ? whole.toString("utf8") : "", size);
    }
    this.carry = [];
    this.carried = 0;
    this.oversize = false;
  }

  private finished(wanted: boolean, json: string, size: number): void {
    this.suspicious = false;
    if (size > this.maxRecordBytes) {
      this.tooLarge++;
      this.records++;
      return;
    }
    this.records++;
    if (wanted) this.onRecord(json);
  }

  /** One byte outside of the records (or a run of bytes that is passed over); the next index. */
  private outside(chunk: Buffer, i: number): number {
    const c = chunk[i] as number;
    switch (this.at) {
      case At.Skip:
        return this.skip(chunk, i);
      case At.InKey:
        if (this.key.length > MAX_KEY) return this.broke("a name in the outer object is too long", i);
        if (this.escaped) this.escaped = false;
        else if (c === BACKSLASH) this.escaped = true;
        else if (c === QUOTE) {
          this.at = At.Colon;
          return i + 1;
        }
        this.key.push(c);
        return i + 1;
      case At.Scalar:
        if (c !== COMMA && c !== CLOSE_BRACE && c !== CLOSE_BRACKET && !isSpace(c)) return i + 1;
        this.at = this.after;
        return i;
      default:
        if (isSpace(c)) return i + 1;
        return this.token(c, i);
    }
  }

  private token(c: number, i: number): number {
    switch (this.at) {
      case At.Start:
        // A byte order mark is passed over.
        if (this.offset + i < 3 && (c === 0xef || c === 0xbb || c === 0xbf)) return i + 1;
        if (c !== OPEN_BRACE) return this.broke("it does not begin like a CloudTrail log file", i);
        this.at = At.Key;
        return i + 1;
      case At.Key:
        if (c === CLOSE_BRACE && this.key.length === 0) return this.close(i);
        if (c !== QUOTE) return this.broke("a name was expected", i);
        this.key = [];
        this.at = At.InKey;
        return i + 1;
      case At.Colon:
        if (c !== COLON) return this.broke("a colon was expected", i);
        this.at = At.Value;
        return i + 1;
      case At.Value:
        if (c === OPEN_BRACKET && this.isRecords()) {
          this.seenRecords = true;
          this.mayElement = true;
          this.at = At.Element;
          return i + 1;
        }
        return this.value(c, i, At.AfterValue);
      case At.AfterValue:
        if (c === COMMA) {
          this.at = At.Key;
          return i + 1;
        }
        if (c === CLOSE_BRACE) return this.close(i);
        return this.broke("a comma or the end of the outer object was expected", i);
      case At.Element:
        if (c === OPEN_BRACE) {
          this.at = At.InRecord;
          this.depth = 0;
          this.inString = false;
          this.suspicious = false;
          return i; // the brace belongs to the record
        }
        if (c === CLOSE_BRACKET && this.mayElement) {
          this.at = At.AfterValue;
          return i + 1;
        }
        this.notObjects++;
        return this.value(c, i, At.AfterElement);
      case At.AfterElement:
        if (c === COMMA) {
          this.mayElement = false;
          this.at = At.Element;
          return i + 1;
        }
        if (c === CLOSE_BRACKET) {
          this.at = At.AfterValue;
          return i + 1;
        }
        return this.broke("a comma or the end of the records was expected", i);
      default:
        return this.broke("there is text behind the end of the JSON", i);
    }
  }

  private value(c: number, i: number, after: At): number {
    this.after = after;
    if (c === QUOTE || c === OPEN_BRACE || c === OPEN_BRACKET) {
      this.at = At.Skip;
      this.depth = 0;
      this.inString = false;
      this.escaped = false;
      return i;
    }
    if (c === COMMA || c === COLON || c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      return this.broke("a value was expected", i);
    }
    this.at = At.Scalar;
    return i;
  }

  private skip(chunk: Buffer, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const c = chunk[i] as number;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (c === BACKSLASH) this.escaped = true;
        else if (c === QUOTE) {
          this.inString = false;
          if (this.depth === 0) return this.leave(i);
        }
      } else if (c === QUOTE) this.inString = true;
      else if ((c | BRACKET_BIT) === OPEN_BRACE) this.depth++;
      else if ((c | BRACKET_BIT) === CLOSE_BRACE && --this.depth === 0) return this.leave(i);
    }
    return chunk.length;
  }

  private leave(i: number): number {
    this.at = this.after;
    return i + 1;
  }

  private isRecords(): boolean {
    const raw = Buffer.from(this.key).toString("utf8");
    if (raw === "Records") return true;
    if (!raw.includes("\\")) return false;
    try {
      return JSON.parse(`"${raw}"`) === "Records";
    } catch {
      return false;
    }
  }

  private close(i: number): number {
    if (!this.seenRecords) return this.broke("it holds no list of records", i);
    this.at = At.Done;
    return i + 1;
  }

  private broke(what: string, i: number): number {
    this.problem = { kind: "malformed", detail: `${what}, at byte ${this.offset + i}` };
    this.at = At.Broken;
    return i;
  }
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
