import type { StrategyChoice } from "../../repair/plan-file.js";
import type { CheckFlags } from "../check/flags.js";

/** What `keyward plan` takes beside files. */
export interface PlanFlags extends Pick<CheckFlags, "account" | "region" | "keyId"> {
  readonly config: string | undefined;
  readonly usage: string | undefined;
  /** ARN, key id or alias; empty: all keys. */
  readonly keys: readonly string[];
  /** Undefined: as keyward.yaml says for the key, else auto. */
  readonly strategy: StrategyChoice | undefined;
  readonly weak: boolean;
  readonly readd: boolean;
  readonly format: "table" | "yaml" | "json";
  readonly output: string | undefined;
  readonly color: boolean;
}
