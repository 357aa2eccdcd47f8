import type { Asked, Page } from "../collect/ports.js";
import type { Bytes } from "./inflate.js";

/**
 * What reading CloudTrail needs from AWS. `src/aws` implements it; tests implement it in memory. Nothing here throws for
 * what AWS answers, but reading the bytes of an object can.
 */

export interface StoredObject {
  readonly key: string;
  /** Bytes, as stored. */
  readonly size: number;
}

/** Buckets. */
export interface BucketPort {
  /** s3:ListBucket: the objects below a prefix, in the order of their names. */
  list(
    bucket: string,
    prefix: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<StoredObject>>>;
  /** s3:GetObject. */
  get(bucket: string, object: StoredObject, signal: AbortSignal): Promise<Asked<Bytes>>;
}

/** CloudTrail's event history in one Region. */
export interface HistoryPort {
  /**
   * cloudtrail:LookupEvents: events of KMS, newest first, each as the JSON text of its record. Milliseconds.
   * @param event those of this name, of whatever service, instead: CloudTrail looks up by one attribute
   */
  lookup(
    from: number,
    to: number,
    token: string | undefined,
    signal: AbortSignal,
    event?: string,
  ): Promise<Asked<Page<string>>>;
}

/** How a query stands. */
export interface QueryState {
  readonly state: "running" | "succeeded" | "failed" | "cancelled";
  readonly reason: string | undefined;
  /** Bytes that Athena read, which is what it bills; undefined while it does not know. */
  readonly scanned: number | undefined;
}

/** Athena in one Region. */
export interface QueryPort {
  /** athena:StartQueryExecution; the id of the query. */
  start(
    sql: string,
    options: { readonly workgroup: string | undefined; readonly output: string | undefined },
    signal: AbortSignal,
  ): Promise<Asked<string>>;
  /** athena:GetQueryExecution. */
  state(id: string, signal: AbortSignal): Promise<Asked<QueryState>>;
  /** athena:GetQueryResults; the first row of the first page holds the names of the columns. */
  rows(
    id: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<Asked<Page<readonly (string | undefined)[]>>>;
  /** athena:StopQueryExecution. */
  stop(id: string, signal: AbortSignal): Promise<Asked<undefined>>;
}

/** Waits; ends early when the signal is aborted. Milliseconds. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;
