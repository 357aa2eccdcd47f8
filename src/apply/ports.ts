import type { CallFailure, CloudPort } from "../collect/ports.js";
import type { Grant } from "../domain/grant.js";
import type { Result } from "../domain/result.js";

/** A call that would have changed something, and failed. */
export interface WriteFailure extends CallFailure {
  /**
   * `none`: AWS has answered that it refuses, so nothing was changed. `unknown`: no answer, or an error of the service
   * (status 500 and above): it may have been done all the same, and only reading tells.
   */
  readonly effect: "none" | "unknown";
}

/** The outcome of a call that changes something. */
export type Written<T> = Result<T, WriteFailure>;

/** The calls that change keys, in one Region. Each is sent once; only throttling is waited out. */
export interface KmsWritePort {
  /** kms:PutKeyPolicy, with AWS's lockout safety check: there is no way around it here. */
  putKeyPolicy(key: string, policy: string, signal: AbortSignal): Promise<Written<void>>;
  /** kms:RevokeGrant. */
  revokeGrant(key: string, grantId: string, signal: AbortSignal): Promise<Written<void>>;
  /** kms:CreateGrant with the terms of a former grant; the id of the new one. */
  createGrant(key: string, terms: Grant, signal: AbortSignal): Promise<Written<string>>;
}

/** An account in AWS whose keys can be changed. */
export interface WritableCloud extends CloudPort {
  kmsWriter(region: string): KmsWritePort;
}
