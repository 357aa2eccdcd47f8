import { KeywardError } from "../domain/result.js";
import { type Glob, globMatches, parseGlob } from "../semantics/glob.js";
import { ServiceError } from "./errors.js";
import { throttled } from "./quotas.js";

/** What goes wrong. */
export type FaultEffect =
  /** A refusal; nothing is done. */
  | { readonly kind: "error"; readonly error: ServiceError }
  /** The connection is cut; nothing is done. */
  | { readonly kind: "reset" }
  /** No answer comes until the client gives up; nothing is done. */
  | { readonly kind: "hang" }
  /** The operation is done, but an error comes, or the connection is cut, instead of its answer. */
  | { readonly kind: "after"; readonly error: ServiceError | undefined }
  /** The operation is done; of its answer comes only the first half. */
  | { readonly kind: "truncate" }
  /** After the answer, somebody else changes the policy of the key. */
  | { readonly kind: "meddle" }
  /** The answer comes later. */
  | { readonly kind: "slow"; readonly ms: number }
  /** GetKeyPolicy and ListGrants show the state of so long ago. */
  | { readonly kind: "stale"; readonly ms: number };

/** What strikes one request: at most one failure, and any number of delays. */
export interface Struck {
  readonly failure: Exclude<FaultEffect, { kind: "slow" | "stale" }> | undefined;
  /** Milliseconds. */
  readonly slowMs: number;
  readonly staleMs: number;
}

/** A fault on demand. */
export interface Fault {
  /** A pattern over names such as `kms:GetKeyPolicy`. */
  readonly operation: Glob;
  readonly effect: FaultEffect;
  /** From 0 (excluded) to 1. */
  readonly probability: number;
  /** How often it strikes at most. */
  readonly times: number;
  /** A pattern with `*` and `?` over the key ARN, or over `ACCOUNT/REGION` for calls that name no key. */
  readonly target: Glob | undefined;
}

/** AWS's error codes end so; an operation without its effect must not be taken for one. */
const ERROR_CODE = /^[A-Z][A-Za-z0-9]*(Exception|Failure|Error|Denied|Exceeded|Unavailable)$/;
const SPEC = /^(?:([A-Za-z0-9:*]+)=)?([A-Za-z0-9-]+)(?::([0-9.]+))?(?:#([0-9]{1,9}))?(?:@(.+))?$/;

/**
 * Reads one `--fault`: `[OPERATION=]WHAT[:PROBABILITY][#TIMES][@TARGET]`. docs/sandbox.md lists what WHAT can be.
 * @throws KeywardError for anything else.
 */
export function parseFault(text: string): Fault {
  const match = SPEC.exec(text);
  const [, operation = "*", what = "", probability, times, target] = match ?? [];
  const effect = match === null ? undefined : parseEffect(what);
  const p = probability === undefined ? 1 : Number(probability);
  if (effect === undefined || !(p > 0 && p <= 1) || times === "0") {
    throw new KeywardError({
      what: "this is no fault that the sandbox knows",
      where: "--fault",
      expected:
        "[OPERATION=]WHAT[:PROBABILITY][#TIMES][@TARGET], WHAT being throttle, reset, hang, truncate, meddle, slow-MS, stale-MS, a status from 500 to 599, after-500, after-reset, or an error code such as AccessDeniedException",
      got: text,
      next: "for example --fault 'GetKeyPolicy=AccessDeniedException@arn:aws:kms:*:key/1234*' or --fault '*=throttle:0.2'",
    });
  }
  const name = operation === "*" || operation.includes(":") ? operation : `kms:${operation}`;
  return {
    operation: parseGlob(name),
    effect,
    probability: p,
    times: times === undefined ? Number.POSITIVE_INFINITY : Number(times),
    target: target === undefined ? undefined : parseGlob(target),
  };
}

function parseEffect(what: string): FaultEffect | undefined {
  switch (what) {
    case "reset":
    case "hang":
    case "truncate":
    case "meddle":
      return { kind: what };
    case "throttle":
      return { kind: "error", error: throttled() };
    case "after-reset":
      return { kind: "after", error: undefined };
  }
  const timed = /^(slow|stale)-([0-9]{1,7})$/.exec(what);
  if (timed !== null) return { kind: timed[1] === "slow" ? "slow" : "stale", ms: Number(timed[2]) };
  const after = /^after-(5[0-9]{2})$/.exec(what)?.[1];
  if (after !== undefined) return { kind: "after", error: serverError(Number(after)) };
  if (/^5[0-9]{2}$/.test(what)) return { kind: "error", error: serverError(Number(what)) };
  if (ERROR_CODE.test(what)) {
    return { kind: "error", error: new ServiceError(what, `${what} by request of --fault.`) };
  }
  return undefined;
}

function serverError(status: number): ServiceError {
  return status === 503
    ? new ServiceError("ServiceUnavailable", "The service is temporarily unavailable.", 503)
    : new ServiceError("InternalFailure", "The request processing has failed.", status);
}

/** Decides which faults, if any, strike a request. */
export class Faults {
  #faults: { readonly fault: Fault; left: number }[] = [];
  readonly #random: () => number;

  constructor(faults: readonly Fault[], random: () => number) {
    this.#random = random;
    this.replace(faults);
  }

  /** Puts other faults in place of the present ones. */
  replace(faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({ fault, left: fault.times }));
  }

  /**
   * The first failure that strikes, and every delay before it. Chance is drawn once for every fault that fits, in the
   * order given, so that a seed repeats a run whose requests come in the same order.
   */
  strike(operation: string, target: string): Struck {
    let slowMs = 0;
    let staleMs = 0;
    for (const entry of this.#faults) {
      const { effect, probability } = entry.fault;
      if (entry.left <= 0 || !globMatches(entry.fault.operation, operation)) continue;
      if (entry.fault.target !== undefined && !globMatches(entry.fault.target, target)) continue;
      if (probability < 1 && this.#random() >= probability) continue;
      entry.left -= 1;
      if (effect.kind === "slow") slowMs += effect.ms;
      else if (effect.kind === "stale") staleMs = Math.max(staleMs, effect.ms);
      else return { failure: effect, slowMs, staleMs };
    }
    return { failure: undefined, slowMs, staleMs };
  }

  /** How far back any of them lets readers look, in milliseconds. */
  static longestStale(faults: readonly Fault[]): number {
    return Math.max(0, ...faults.map((f) => (f.effect.kind === "stale" ? f.effect.ms : 0)));
  }
}
