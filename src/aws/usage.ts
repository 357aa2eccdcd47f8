import { AthenaClient } from "@aws-sdk/client-athena";
import {
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from "@aws-sdk/client-athena";
import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { Asked, Identity } from "../collect/ports.js";
import type { Bytes } from "../usage/inflate.js";
import type { BucketPort, HistoryPort, QueryPort, QueryState } from "../usage/ports.js";
import type { Ask } from "./ask.js";
import { UnexpectedAnswer, asker, page } from "./ask.js";
import { identity } from "./identity.js";
import type { ClientConfig, SessionOptions } from "./session.js";
import { Session } from "./session.js";

/** The commands that reading CloudTrail sends, each beside the action that permits it. */
export const USAGE_COMMANDS = {
  "s3:ListBucket": ListObjectsV2Command,
  "s3:GetObject": GetObjectCommand,
  "cloudtrail:LookupEvents": LookupEventsCommand,
  "athena:StartQueryExecution": StartQueryExecutionCommand,
  "athena:GetQueryExecution": GetQueryExecutionCommand,
  "athena:GetQueryResults": GetQueryResultsCommand,
  "athena:StopQueryExecution": StopQueryExecutionCommand,
} as const;

/** Largest pages. Sources: S3, CloudTrail and Athena API references. */
const PAGE = { objects: 1000, events: 50, rows: 1000 } as const;

/**
 * Objects up to this many bytes are fetched at once: a file that waits for its turn while others are read would
 * otherwise keep a connection open without reading from it, until it times out.
 */
const FETCH_WHOLE = 32 * 1024 * 1024;

type Clients = Pick<Session, "clientConfig">;

/** What reading CloudTrail needs of AWS. */
export interface UsageConnection {
  readonly homeRegion: string;
  identity(signal: AbortSignal): Promise<Asked<Identity>>;
  buckets(): BucketPort;
  history(region: string): HistoryPort;
  queries(region: string): QueryPort;
  /** Ends open connections and waiting retries. */
  close(): void;
}

/** Connects with the credentials that the user's environment names. Throws KeywardError where there are none. */
export async function connectUsage(options: SessionOptions): Promise<UsageConnection> {
  const session = await Session.open(options);
  const ask = asker(options.profile);
  return {
    homeRegion: session.homeRegion,
    identity: (signal) => identity(session, ask, signal),
    buckets: () => bucketPort(session, session.homeRegion, ask),
    history: (region) => historyPort(session, region, ask),
    queries: (region) => queryPort(session, region, ask),
    close: () => session.close(),
  };
}

/** S3, in whatever Region a bucket is. */
export function bucketPort(session: Clients, region: string, ask: Ask): BucketPort {
  const config: ClientConfig = session.clientConfig(region);
  const client = new S3Client({
    ...config,
    followRegionRedirects: true,
    // An endpoint of one's own rarely answers to BUCKET.HOST.
    ...(config.endpoint === undefined ? {} : { forcePathStyle: true }),
  });
  return {
    list: (bucket, prefix, token, signal) =>
      ask("s3:ListBucket", signal, async (options) => {
        const answer = await client.send(
          new USAGE_COMMANDS["s3:ListBucket"]({
            Bucket: bucket,
            Prefix: prefix,
            MaxKeys: PAGE.objects,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
          options,
        );
        // S3 leaves an empty list out.
        return page(
          answer.Contents ?? [],
          answer.IsTruncated === true,
          answer.NextContinuationToken,
          (o) => ({
            key: o.Key ?? "",
            size: o.Size ?? 0,
          }),
        );
      }),
    get: (bucket, object, signal) =>
      ask("s3:GetObject", signal, async (options): Promise<Bytes> => {
        const input = { Bucket: bucket, Key: object.key };
        const { Body: body } = await client.send(new USAGE_COMMANDS["s3:GetObject"](input), options);
        if (body === undefined) throw new UnexpectedAnswer("S3 gave no content.");
        if (object.size <= FETCH_WHOLE) return once(await body.transformToByteArray());
        if (!(Symbol.asyncIterator in body)) throw new UnexpectedAnswer("S3 gave no stream.");
        return body as Bytes; // Node's streams of bytes
      }),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  await Promise.resolve();
  yield bytes;
}

/** CloudTrail's event history in one Region. */
export function historyPort(session: Clients, region: string, ask: Ask): HistoryPort {
  const client = new CloudTrailClient(session.clientConfig(region));
  return {
    lookup: (from, to, token, signal, event) =>
      ask("cloudtrail:LookupEvents", signal, async (options) => {
        const answer = await client.send(
          new USAGE_COMMANDS["cloudtrail:LookupEvents"]({
            LookupAttributes: [
              event === undefined
                ? { AttributeKey: "EventSource", AttributeValue: "kms.amazonaws.com" }
                : { AttributeKey: "EventName", AttributeValue: event },
            ],
            StartTime: new Date(from),
            EndTime: new Date(to),
            MaxResults: PAGE.events,
            ...(token === undefined ? {} : { NextToken: token }),
          }),
          options,
        );
        const next = answer.NextToken === "" ? undefined : answer.NextToken;
        return page(answer.Events, next !== undefined, next, (e) => e.CloudTrailEvent ?? "");
      }),
  };
}

/** Athena in one Region. */
export function queryPort(session: Clients, region: string, ask: Ask): QueryPort {
  const client = new AthenaClient(session.clientConfig(region));
  return {
    start: (sql, { workgroup, output }, signal) =>
      ask("athena:StartQueryExecution", signal, async (options) => {
        const answer = await client.send(
          new USAGE_COMMANDS["athena:StartQueryExecution"]({
            QueryString: sql,
            ...(workgroup === undefined ? {} : { WorkGroup: workgroup }),
            ...(output === undefined ? {} : { ResultConfiguration: { OutputLocation: output } }),
          }),
          options,
        );
        if (answer.QueryExecutionId === undefined) throw new UnexpectedAnswer("Athena named no query.");
        return answer.QueryExecutionId;
      }),
    state: (id, signal) =>
      ask("athena:GetQueryExecution", signal, async (options): Promise<QueryState> => {
        const answer = await client.send(
          new USAGE_COMMANDS["athena:GetQueryExecution"]({ QueryExecutionId: id }),
          options,
        );
        const execution = answer.QueryExecution;
        return {
          state: STATES.get(execution?.Status?.State ?? "") ?? "running",
          reason: execution?.Status?.StateChangeReason,
          scanned: execution?.Statistics?.DataScannedInBytes,
        };
      }),
    rows: (id, token, signal) =>
      ask("athena:GetQueryResults", signal, async (options) => {
        const answer = await client.send(
          new USAGE_COMMANDS["athena:GetQueryResults"]({
            QueryExecutionId: id,
            MaxResults: PAGE.rows,
            ...(token === undefined ? {} : { NextToken: token }),
          }),
          options,
        );
        const next = answer.NextToken === "" ? undefined : answer.NextToken;
        return page(answer.ResultSet?.Rows ?? [], next !== undefined, next, (r) =>
          (r.Data ?? []).map((d) => d.VarCharValue),
        );
      }),
    stop: (id, signal) =>
      ask("athena:StopQueryExecution", signal, async (options) => {
        await client.send(new USAGE_COMMANDS["athena:StopQueryExecution"]({ QueryExecutionId: id }), options);
        return undefined;
      }),
  };
}

/** QUEUED and RUNNING are both "running". */
const STATES: ReadonlyMap<string, QueryState["state"]> = new Map([
  ["SUCCEEDED", "succeeded"],
  ["FAILED", "failed"],
  ["CANCELLED", "cancelled"],
]);
