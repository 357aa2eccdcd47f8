import type { CheckFlags } from "../check/flags.js";

/** The flags of `keyward simulate`, as commander gives them. */
export interface SimulateFlags extends CheckFlags {
  readonly key?: string;
  readonly principal?: string;
  readonly action?: string;
  readonly identity?: string;
  readonly identityPolicy: readonly string[];
  readonly boundary?: string;
  readonly sessionPolicy?: string;
  readonly scp: readonly string[];
  readonly rcp: readonly string[];
  readonly managementAccount?: boolean;
  readonly grants?: string;
  readonly context: readonly string[];
  readonly encryptionContext: readonly string[];
  readonly keyState?: string;
  readonly time?: string;
  readonly request?: string;
  readonly requests?: string;
  readonly format: string;
  readonly output?: string;
}
