import { pages } from "../collect/paging.js";
import { KeywardError } from "../domain/result.js";
import type { UsageAggregator } from "./aggregate.js";
import { dayOf } from "./days.js";
import { PartBuilder } from "./part.js";
import type { HistoryPort, Wait } from "./ports.js";
import type { EvidenceGap } from "./types.js";

/** CloudTrail keeps events for this long. Source: CloudTrail User Guide, "Working with CloudTrail Event history". */
export const HISTORY_DAYS = 90;
/** Two requests a second, for each account and Region. Source: CloudTrail API reference, LookupEvents. */
const BETWEEN_REQUESTS = 500;

/** What is looked up in one Region. Milliseconds. */
export interface Lookup {
  readonly account: string;
  readonly region: string;
  readonly from: number;
  readonly to: number;
  readonly maxEvents: number;
}

/**
 * Reads the events of KMS from CloudTrail's event history, newest first. It holds management events alone, and calls of
 * KMS are such. What is reached counts as evidence for every day of it, with or without events; a lookup that breaks off
 * or reaches its limit is evidence only for the days after the last event that it saw.
 */
export async function lookUp(
  port: HistoryPort,
  lookup: Lookup,
  aggregator: UsageAggregator,
  tools: { readonly wait: Wait; readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<void> {
  const where = `event history of ${lookup.account}/${lookup.region}`;
  const builder = new PartBuilder();
  let events = 0;
  let requests = 0;
  let oldest = Math.floor(lookup.to / 1000);
  let gap: EvidenceGap | undefined;
  const ask = async (token: string | undefined): ReturnType<HistoryPort["lookup"]> => {
    if (requests > 0) await tools.wait(BETWEEN_REQUESTS, tools.signal);
    requests++;
    return port.lookup(lookup.from, lookup.to, token, tools.signal);
  };
  for await (const page of pages("cloudtrail:LookupEvents", ask)) {
    if (!page.ok) {
      const { code, message, help } = page.error;
      if (requests === 1 && page.error.kind !== "stopped") {
        throw new KeywardError({
          what: "the event history cannot be read",
          where,
          got: `${code}: ${message}`,
          ...(help === undefined ? {} : { next: help }),
        });
      }
      gap = {
        where,
        problem: "incomplete",
        detail: `it broke off after ${events} events: ${code}: ${message}`,
      };
      break;
    }
    for (const json of page.value) {
      events++;
      builder.add(json);
      oldest = Math.min(oldest, timeOf(json) ?? oldest);
    }
    if (builder.full) aggregator.add(builder.take());
    if (requests % 100 === 0) tools.say(`${events} events of ${where} read`);
    if (events >= lookup.maxEvents) {
      gap = {
        where,
        problem: "incomplete",
        detail: `stopped after ${events} events (--max-events); use Athena or the log files for so many`,
      };
      break;
    }
  }
  const gaps: EvidenceGap[] = gap === undefined ? [] : [gap];
  if (builder.malformedRecords > 0) {
    gaps.push({
      where,
      problem: "malformed",
      detail: "events that are not what CloudTrail writes",
      records: builder.malformedRecords,
    });
  }
  aggregator.add({ ...builder.take({ records: events, gaps }), files: requests });
  const first = gap === undefined ? dayOf(Math.floor(lookup.from / 1000)) : dayOf(oldest) + 1;
  const last = dayOf(Math.floor(lookup.to / 1000));
  const days = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  if (days.length > 0) {
    aggregator.addTrail({
      account: lookup.account,
      region: lookup.region,
      days,
      kmsEvents: 0,
      excludedAt: [],
    });
  }
}

function timeOf(json: string): number | undefined {
  const time = /"eventTime"\s*:\s*"([0-9TZ:.-]{1,40})"/.exec(json)?.[1];
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
