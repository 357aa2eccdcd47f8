/** How often an operation was asked, and with what outcome. */
export interface OperationStats {
  readonly requests: number;
  readonly succeeded: number;
  /** Refusals by code; `reset` and `hang` are faults that sent no answer. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Requests of the callers of one account to one Region. */
export interface PlaceStats {
  readonly requests: number;
  /** Refused for exceeding a quota, or by a fault that says so. */
  readonly throttled: number;
  /** Requests by operation. */
  readonly operations: Readonly<Record<string, number>>;
}

/** Answer of `GET /_sandbox/stats`. */
export interface SandboxStats {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly requests: number;
  /** By IAM-style name, e.g. `kms:ListKeys`, `sts:AssumeRole`. */
  readonly operations: Readonly<Record<string, OperationStats>>;
  /** Requests refused with a ThrottlingException. */
  readonly throttled: number;
  /** By the caller's `ACCOUNT/REGION`; requests whose caller is not known are in none. */
  readonly places: Readonly<Record<string, PlaceStats>>;
}

interface Place {
  requests: number;
  throttled: number;
  readonly operations: Map<string, number>;
}

/** What a quota answers, in the words of the JSON protocol. */
const THROTTLED = "ThrottlingException";

/** Counts requests. */
export class StatsBook {
  readonly #operations = new Map<
    string,
    { requests: number; succeeded: number; errors: Map<string, number> }
  >();
  readonly #places = new Map<string, Place>();
  readonly #startedAt: string;
  #requests = 0;
  #throttled = 0;

  constructor(nowMs: number) {
    this.#startedAt = new Date(nowMs).toISOString();
  }

  /** Counts one answered request. `outcome`: `ok` or the code of the refusal. `place`: the caller's `ACCOUNT/REGION`. */
  count(operation: string, outcome: string, place: string | undefined): void {
    this.#requests += 1;
    if (outcome === THROTTLED) this.#throttled += 1;
    if (place !== undefined) this.#countPlace(place, operation, outcome);
    let entry = this.#operations.get(operation);
    if (entry === undefined) {
      entry = { requests: 0, succeeded: 0, errors: new Map() };
      this.#operations.set(operation, entry);
    }
    entry.requests += 1;
    if (outcome === "ok") entry.succeeded += 1;
    else entry.errors.set(outcome, (entry.errors.get(outcome) ?? 0) + 1);
  }

  #countPlace(name: string, operation: string, outcome: string): void {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = { requests: 0, throttled: 0, operations: new Map() };
      this.#places.set(name, place);
    }
    place.requests += 1;
    if (outcome === THROTTLED) place.throttled += 1;
    place.operations.set(operation, (place.operations.get(operation) ?? 0) + 1);
  }

  /** The counts so far, in order of names. */
  read(): SandboxStats {
    const names = [...this.#operations.keys()].sort();
    return {
      startedAt: this.#startedAt,
      requests: this.#requests,
      throttled: this.#throttled,
      places: Object.fromEntries(
        [...this.#places]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, p]) => [name, { ...p, operations: Object.fromEntries([...p.operations].sort()) }]),
      ),
      operations: Object.fromEntries(
        names.flatMap((name) => {
          const e = this.#operations.get(name);
          return e === undefined
            ? []
            : [
                [
                  name,
                  { requests: e.requests, succeeded: e.succeeded, errors: Object.fromEntries(e.errors) },
                ],
              ];
        }),
      ),
    };
  }
}
