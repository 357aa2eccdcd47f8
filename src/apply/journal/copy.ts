import type { Asked, CallFailure, Page } from "../../collect/ports.js";
import { pages } from "../../collect/paging.js";
import { KeywardError } from "../../domain/result.js";
import { sha256 } from "./chain.js";

/** A bucket with a prefix, or whatever else keeps files away from this machine. Names are relative to the prefix. */
export interface CopyPort {
  /** Where it is, in words: `s3://BUCKET/PREFIX`. */
  readonly where: string;
  /** Stores a file that is not there yet. `exists`: there is one of this name, and it was left alone. */
  put(name: string, content: Buffer): Promise<Asked<"stored" | "exists">>;
  /** Undefined: there is no such file. */
  get(name: string): Promise<Asked<Buffer | undefined>>;
  list(prefix: string, token: string | undefined): Promise<Asked<Page<string>>>;
  /** What the bucket does against loss. */
  protection(): Promise<Asked<Protection>>;
}

/** Whether versions are kept, and whether new objects are locked against deletion by default. */
export interface Protection {
  readonly versions: boolean;
  readonly locked: boolean;
}

/**
 * A copy of the journal: the same objects; and of each run's log the pieces as they came, each a file that is never
 * written again (`runs/RUN/log/00000007.ndjson` begins with line 7), so that it suits buckets with object lock.
 * Whatever is stored was read back and compared before `store` returns; what fails throws KeywardError.
 */
export class JournalCopy {
  constructor(readonly port: CopyPort) {}

  /** Stores a file, reads it back and compares. One of the same name must have the same bytes. */
  async store(name: string, text: string): Promise<void> {
    const content = Buffer.from(text, "utf8");
    const put = await this.port.put(name, content);
    if (!put.ok) throw this.failure(name, put.error);
    const back = await this.read(name);
    if (back?.equals(content) === true) return;
    throw new KeywardError({
      what: `the copy of the journal holds something else${REFUSED}`,
      where: `${this.port.where}${name}`,
      expected: `content with the SHA-256 ${sha256(content)}`,
      got: back === undefined ? "no such object" : `content with the SHA-256 ${sha256(back)}`,
      next: "name another prefix with --journal-copy, and keep this one: it may be needed",
    });
  }

  /** A file; undefined: there is none. */
  async read(name: string): Promise<Buffer | undefined> {
    const got = await this.port.get(name);
    if (!got.ok) throw this.failure(name, got.error);
    return got.value;
  }

  /** Names of all files below a prefix, sorted. */
  async names(prefix: string): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const page of pages("s3:ListBucket", (token) => this.port.list(prefix, token))) {
      if (!page.ok) throw this.failure(prefix, page.error);
      found.push(...page.value);
    }
    return found.sort();
  }

  /** The log of a run as far as it was copied. */
  async log(run: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (const name of await this.names(`runs/${run}/log/`)) {
      const piece = await this.read(name);
      if (piece !== undefined) pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  private failure(name: string, { call, code, message, help }: CallFailure): KeywardError {
    return new KeywardError({
      what: `the copy of the journal cannot be used${REFUSED}`,
      where: `${this.port.where}${name}`,
      got: `${call}: ${code}: ${message}`,
      next: help ?? "correct the bucket, its policy or the credentials; or leave --journal-copy out",
    });
  }
}

const REFUSED = ", so nothing (more) is sent to AWS KMS";

/** The place in a log of a piece that begins with this line, counted from 0. */
export function pieceName(run: string, line: number): string {
  return `runs/${run}/log/${String(line).padStart(8, "0")}.ndjson`;
}
