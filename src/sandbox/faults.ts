import { KeywardError } from "../domain/result.js";
import { type Glob, globMatches, parseGlob } from "../semantics/glob.js";
import { ServiceError } from "./errors.js";
import { throttled } from "./quotas.js";

/** What goes wrong instead of an answer. */
export type FaultEffect =
  | { readonly kind: "error"; readonly error: ServiceError }
  /** The connection is cut. */
  | { readonly kind: "reset" }
  /** No answer comes until the client gives up. */
  | { readonly kind: "hang" };

/** A fault on demand. */
export interface Fault {
  /** `kms:GetKeyPolicy`, or `*`. */
  readonly operation: string;
  readonly effect: FaultEffect;
  /** From 0 (excluded) to 1. */
  readonly probability: number;
  /** A pattern with `*` and `?` over the key ARN, or over `ACCOUNT/REGION` for calls that name no key. */
  readonly target: Glob | undefined;
}

/** AWS's error codes end so; an operation without its effect must not be taken for one. */
const ERROR_CODE = /^[A-Z][A-Za-z0-9]*(Exception|Failure|Error|Denied|Exceeded|Unavailable)$/;
const SPEC = /^(?:([A-Za-z0-9:*]+)=)?([A-Za-z0-9]+)(?::([0-9.]+))?(?:@(.+))?$/;

/**
 * Reads one `--fault`: `[OPERATION=]WHAT[:PROBABILITY][@TARGET]`. OPERATION is a KMS operation, another one with its
 * prefix (`sts:AssumeRole`) or `*`; WHAT is `throttle`, `reset`, `hang`, an HTTP status from 500, or an error code.
 * @throws KeywardError for anything else.
 */
export function parseFault(text: string): Fault {
  const match = SPEC.exec(text);
  const [, operation = "*", what = "", probability, target] = match ?? [];
  const effect = match === null ? undefined : parseEffect(what);
  const p = probability === undefined ? 1 : Number(probability);
  if (effect === undefined || !(p > 0 && p <= 1)) {
    throw new KeywardError({
      what: "this is no fault that the sandbox knows",
      where: "--fault",
      expected:
        "[OPERATION=]WHAT[:PROBABILITY][@TARGET], WHAT being throttle, reset, hang, a status from 500 to 599 or an error code such as AccessDeniedException",
      got: text,
      next: "for example --fault 'GetKeyPolicy=AccessDeniedException@arn:aws:kms:*:key/1234*' or --fault '*=throttle:0.2'",
    });
  }
  const name = operation === "*" || operation.includes(":") ? operation : `kms:${operation}`;
  return {
    operation: name,
    effect,
    probability: p,
    target: target === undefined ? undefined : parseGlob(target),
  };
}

function parseEffect(what: string): FaultEffect | undefined {
  if (what === "reset" || what === "hang") return { kind: what };
  if (what === "throttle") return { kind: "error", error: throttled() };
  if (/^5[0-9]{2}$/.test(what)) {
    return {
      kind: "error",
      error:
        what === "503"
          ? new ServiceError("ServiceUnavailable", "The service is temporarily unavailable.", 503)
          : new ServiceError("InternalFailure", "The request processing has failed.", Number(what)),
    };
  }
  if (ERROR_CODE.test(what)) {
    return { kind: "error", error: new ServiceError(what, `${what} by request of --fault.`) };
  }
  return undefined;
}

/** Decides which fault, if any, strikes a request. */
export class Faults {
  readonly #faults: readonly Fault[];
  readonly #random: () => number;

  constructor(faults: readonly Fault[], random: () => number) {
    this.#faults = faults;
    this.#random = random;
  }

  /**
   * The first fault that strikes. Chance is drawn once for every fault that fits, in the order given, so that a seed
   * repeats a run whose requests come in the same order.
   */
  strike(operation: string, target: string): FaultEffect | undefined {
    for (const fault of this.#faults) {
      if (fault.operation !== "*" && fault.operation !== operation) continue;
      if (fault.target !== undefined && !globMatches(fault.target, target)) continue;
      if (fault.probability >= 1 || this.#random() < fault.probability) return fault.effect;
    }
    return undefined;
  }
}
