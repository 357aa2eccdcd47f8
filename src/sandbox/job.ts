import type { Callers } from "./callers.js";
import type { CallersFile } from "./callers-file.js";
import type { Faults } from "./faults.js";
import type { Identity } from "./identity.js";
import type { Services } from "./operations/operation.js";
import type { Quotas } from "./quotas.js";
import type { Regions } from "./regions.js";
import type { Protocol, Reply } from "./reply.js";
import type { Scope } from "./signature.js";
import type { Trail } from "./trail.js";

/** Everything that answers requests of AWS clients. */
export interface Desk {
  readonly services: Services;
  readonly callers: Callers;
  readonly rules: CallersFile;
  readonly regions: Regions;
  /** Undefined: sessions last as long as was asked for. */
  readonly sessionSeconds: number | undefined;
  readonly faults: Faults;
  /** The event history of all accounts. */
  readonly trail: Trail;
  /** Undefined: no request is too many. */
  readonly quotas: Quotas | undefined;
  /** How long GetKeyPolicy and ListGrants show the former state, in milliseconds. */
  readonly staleMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A request whose service and operation are known, before anybody has looked at who sent it. */
export interface Job {
  readonly protocol: Protocol;
  readonly operation: string;
  /** What faults are aimed at. */
  readonly target: (identity: Identity, scope: Scope) => string;
  /** Undefined: the service has no such operation. */
  readonly run: ((identity: Identity, scope: Scope, now: number, staleMs: number) => Reply) | undefined;
  /** A request that nobody signs: what faults are aimed at, and the operation. */
  readonly unsigned?: { readonly target: string; readonly run: (now: number) => Reply };
}

/** The `ACCOUNT/REGION` that a caller signs for. */
export function place(identity: Identity, scope: Scope): string {
  return `${identity.account ?? identity.arn}/${scope.region}`;
}
