import { pages } from "../collect/paging.js";
import type { Asked, CallFailure } from "../collect/ports.js";
import { KeywardError } from "../domain/result.js";
import type { UsageAggregator } from "./aggregate.js";
import type { AthenaTarget, CoverageColumn, QueryDays, UsageColumn } from "./athena-sql.js";
import { COVERAGE_COLUMNS, USAGE_COLUMNS, coverageSql, usageSql } from "./athena-sql.js";
import { readRecord, seconds } from "./calls.js";
import { parseDay } from "./days.js";
import type { QueryPort, Wait } from "./ports.js";

/** A row, by the names of its columns. */
type Row<C extends string> = Readonly<Partial<Record<C, string>>>;

/** How Athena is used. */
export interface AthenaRun {
  readonly target: AthenaTarget;
  readonly days: QueryDays;
  readonly workgroup: string | undefined;
  readonly output: string | undefined;
}

interface Tools {
  readonly wait: Wait;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5_000;

/**
 * Lets Athena add up the use of keys, and reads the rows of the result. Throws KeywardError where a query does not
 * succeed: without it there is no evidence.
 */
export async function queryUsage(
  port: QueryPort,
  run: AthenaRun,
  aggregator: UsageAggregator,
  tools: Tools,
): Promise<void> {
  let rows = 0;
  for await (const row of query(port, usageSql(run.target, run.days), USAGE_COLUMNS, run, tools)) {
    rows++;
    addUsageRow(row, aggregator);
  }
  for await (const row of query(port, coverageSql(run.target, run.days), COVERAGE_COLUMNS, run, tools)) {
    rows++;
    addCoverageRow(row, aggregator);
  }
  aggregator.counted({ files: rows });
}

/** A row of {@link usageSql}: read as the record that it stands for. */
export function addUsageRow(row: Row<UsageColumn>, aggregator: UsageAggregator): void {
  const reading = readRecord(recordOf(row));
  const count = Number(row.calls);
  const first = seconds(row.first_seen);
  const last = seconds(row.last_seen);
  if (
    reading.kind === "malformed" ||
    !Number.isSafeInteger(count) ||
    count < 1 ||
    first === undefined ||
    last === undefined
  ) {
    aggregator.gap({
      where: "Athena",
      problem: "malformed",
      detail: "a row of the result is not what the query asks for",
      ...(Number.isSafeInteger(count) && count > 0 ? { records: count } : {}),
    });
    return;
  }
  if (reading.kind === "other") return;
  for (const call of reading.calls) aggregator.addCounted(call, count, first, last);
}

/** A row of {@link coverageSql}. */
export function addCoverageRow(row: Row<CoverageColumn>, aggregator: UsageAggregator): void {
  const day = parseDay(row.day ?? "");
  const records = Number(row.events);
  const kmsEvents = Number(row.kms_events);
  if (row.account === undefined || row.region === undefined || day === undefined) return;
  const excluded = seconds(row.excluded_at);
  aggregator.addTrail({
    account: row.account,
    region: row.region,
    days: [day],
    kmsEvents: Number.isSafeInteger(kmsEvents) ? kmsEvents : 0,
    excludedAt: excluded === undefined ? [] : [excluded],
  });
  aggregator.counted({
    records: Number.isSafeInteger(records) ? records : 0,
    kmsEvents: Number.isSafeInteger(kmsEvents) ? kmsEvents : 0,
  });
}

function recordOf(row: Row<UsageColumn>): object {
  return {
    userIdentity: {
      type: row.type,
      principalId: row.principal_id,
      arn: row.arn,
      accountId: row.account_id,
      invokedBy: row.invoked_by,
      sessionContext: {
        sessionIssuer: {
          type: row.issuer_type,
          principalId: row.issuer_id,
          arn: row.issuer_arn,
          accountId: row.issuer_account,
        },
      },
    },
    eventTime: row.first_seen,
    eventSource: "kms.amazonaws.com",
    eventName: row.event_name,
    awsRegion: row.region,
    sourceIPAddress: row.source,
    vpcEndpointId: row.endpoint,
    errorCode: row.error_code,
    errorMessage: denial(row),
    eventType: row.event_type,
    eventID: "row",
    recipientAccountId: row.recipient,
    requestParameters: {
      keyId: row.key_id,
      sourceKeyId: row.source_key_id,
      destinationKeyId: row.destination_key_id,
      encryptionContext: names(row.context),
      sourceEncryptionContext: names(row.source_context),
      destinationEncryptionContext: names(row.destination_context),
    },
    resources: strings(row.resources).map((ARN) => ({ ARN })),
  };
}

/** The parts of a message of denial that keyward reads, as AWS words them. */
function denial(row: Row<UsageColumn>): string | undefined {
  if (row.error_code === undefined) return undefined;
  const action = row.denied_action === undefined ? "" : ` to perform: ${row.denied_action}`;
  const resource = row.denied_resource === undefined ? "" : ` on resource: ${row.denied_resource}`;
  return `${action}${resource} ${row.denied_effect ?? ""} ${row.denied_policy ?? ""}`;
}

function names(json: string | undefined): object {
  return Object.fromEntries(strings(json).map((name) => [name, ""]));
}

function strings(json: string | undefined): readonly string[] {
  if (json === undefined) return [];
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
  } catch {
    return []; // no list: nothing that could be attributed
  }
}

async function* query<C extends string>(
  port: QueryPort,
  sql: string,
  columns: readonly C[],
  run: AthenaRun,
  tools: Tools,
): AsyncGenerator<Row<C>, void, undefined> {
  const where = `Athena, ${run.target.database}.${run.target.table}`;
  const id = good(await port.start(sql, run, tools.signal), where);
  await finished(port, id, where, tools);
  let header = true;
  for await (const page of pages("athena:GetQueryResults", (token) => port.rows(id, token, tools.signal))) {
    for (const values of good(page, where)) {
      if (header) {
        header = false;
        if (values.join() !== columns.join()) throw failed(where, `columns ${values.join(", ")}`);
        continue;
      }
      const pairs = columns.flatMap((name, i) => {
        const value = values[i];
        return value === undefined ? [] : [[name, value] as const];
      });
      // The names are those of `columns`.
      yield Object.fromEntries(pairs) as Row<C>;
    }
  }
}

async function finished(port: QueryPort, id: string, where: string, tools: Tools): Promise<void> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    const answer = await port.state(id, tools.signal);
    if (tools.signal.aborted || !answer.ok) {
      // What still runs is billed. The signal is spent, so this call has its own.
      await port.stop(id, new AbortController().signal);
      if (tools.signal.aborted) throw failed(where, "it was stopped");
    }
    const state = good(answer, where);
    switch (state.state) {
      case "succeeded":
        if (state.scanned !== undefined) tools.say(`Athena read ${state.scanned} bytes.`);
        return;
      case "failed":
      case "cancelled":
        throw failed(where, state.reason ?? `the query was ${state.state}`);
      case "running":
        await tools.wait(wait, tools.signal);
    }
  }
}

function good<T>(answer: Asked<T>, where: string): T {
  if (answer.ok) return answer.value;
  const failure: CallFailure = answer.error;
  throw failed(where, `${failure.call}: ${failure.code}: ${failure.message}`, failure.help);
}

function failed(where: string, got: string, help?: string): KeywardError {
  return new KeywardError({
    what: "Athena did not answer the query",
    where,
    got,
    next:
      help ?? "try the query by hand: keyward usage --print-sql; docs/usage.md says what the table must hold",
  });
}
