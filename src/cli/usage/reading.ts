import type { UsageAggregator } from "../../usage/aggregate.js";
import type { TimeSpan } from "../../usage/part.js";
import type { UsageFlags } from "./flags.js";

/** What reading the evidence needs, whatever the evidence is. */
export interface Reading {
  readonly flags: UsageFlags;
  readonly aggregator: UsageAggregator;
  readonly span: TimeSpan;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}
