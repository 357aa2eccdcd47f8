import type { CheckFlags } from "../check/flags.js";
import type { Format } from "../options.js";

/** The flags of `keyward diff`. */
export interface DiffFlags extends CheckFlags {
  readonly config: string | undefined;
  readonly format: Format;
  readonly output: string | undefined;
  readonly color: boolean;
}
