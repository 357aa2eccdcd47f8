/** How often an operation was asked, and with what outcome. */
export interface OperationStats {
  readonly requests: number;
  readonly succeeded: number;
  /** Refusals by code; `reset` and `hang` are faults that sent no answer. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Answer of `GET /_sandbox/stats`. */
export interface SandboxStats {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly requests: number;
  /** By IAM-style name, e.g. `kms:ListKeys`, `sts:AssumeRole`. */
  readonly operations: Readonly<Record<string, OperationStats>>;
}

/** Counts requests. */
export class StatsBook {
  readonly #operations = new Map<
    string,
    { requests: number; succeeded: number; errors: Map<string, number> }
  >();
  readonly #startedAt: string;
  #requests = 0;

  constructor(nowMs: number) {
    this.#startedAt = new Date(nowMs).toISOString();
  }

  /** Counts one answered request. `outcome`: `ok` or the code of the refusal. */
  count(operation: string, outcome: string): void {
    this.#requests += 1;
    let entry = this.#operations.get(operation);
    if (entry === undefined) {
      entry = { requests: 0, succeeded: 0, errors: new Map() };
      this.#operations.set(operation, entry);
    }
    entry.requests += 1;
    if (outcome === "ok") entry.succeeded += 1;
    else entry.errors.set(outcome, (entry.errors.get(outcome) ?? 0) + 1);
  }

  /** The counts so far, in order of names. */
  read(): SandboxStats {
    const names = [...this.#operations.keys()].sort();
    return {
      startedAt: this.#startedAt,
      requests: this.#requests,
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
