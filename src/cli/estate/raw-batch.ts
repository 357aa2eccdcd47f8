import type { RawKeys } from "./batch.js";

/** Bytes of key lines that are handed over together. */
const FULL = 256 * 1024;

/** The keys of a batch that go to one judge. */
export interface Share {
  readonly which: number;
  readonly keys: RawKeys;
}

/** Key lines that follow each other, collected for several judges. */
export class Batch {
  private readonly lines: Buffer[] = [];
  /** For each line, in the order of the file, the judge that it goes to. */
  readonly order: number[] = [];
  private firstLine = 0;
  private size = 0;

  constructor(private readonly judges: number) {}

  get empty(): boolean {
    return this.lines.length === 0;
  }

  get full(): boolean {
    return this.size >= FULL;
  }

  isFollowedBy(number: number): boolean {
    return this.empty || number === this.firstLine + this.lines.length;
  }

  add(line: Buffer, number: number): void {
    if (this.empty) this.firstLine = number;
    this.lines.push(line);
    this.order.push(this.judges === 1 ? 0 : judgeOf(line, this.judges));
    this.size += line.length + 1;
  }

  /** The lines before this one. */
  before(number: number): Batch {
    const batch = new Batch(this.judges);
    for (const [i, line] of this.lines.slice(0, number - this.firstLine).entries()) {
      batch.add(line, this.firstLine + i);
    }
    return batch;
  }

  shares(where: string): Share[] {
    return Array.from({ length: this.judges }, (_, which) => ({
      which,
      keys: this.keys(where, which),
    })).filter(({ keys }) => keys.lines.length > 0);
  }

  private keys(where: string, which: number): RawKeys {
    const mine = this.lines.flatMap((line, i) => (this.order[i] === which ? [{ line, i }] : []));
    const bytes = Buffer.from(new ArrayBuffer(mine.reduce((sum, { line }) => sum + line.length + 1, 0)));
    let at = 0;
    for (const { line } of mine) {
      line.copy(bytes, at);
      bytes[at + line.length] = 0x0a;
      at += line.length + 1;
    }
    return { where, lines: mine.map(({ i }) => this.firstLine + i), bytes };
  }
}

const POLICY = Buffer.from('"policy":');
const GRANTS = Buffer.from('"grants":');

/**
 * Which judge a key goes to. Keys whose documents are the same but for names that can stand for each other (ids of
 * accounts, words of one length: docs/decisions/shared-reports.md) have documents of the same length. It decides
 * nothing but who remembers what.
 */
function judgeOf(line: Buffer, judges: number): number {
  const start = Math.max(0, line.indexOf(POLICY));
  const end = line.indexOf(GRANTS, start);
  const length = (end === -1 ? line.length : end) - start;
  // Lengths that lie side by side go to different ones (the fraction of multiples of the golden ratio).
  return Math.floor((((length * 0x9e3779b1) >>> 0) / 0x100000000) * judges);
}
