import { whenAborted } from "./aborts.js";

/**
 * Waits of many calls at once that can all be ended early. A scan sleeps before every other call, so each wait costs a
 * timer and no listener of its own.
 */
export class Sleeper {
  private readonly all = new Set<() => void>();
  private closed = false;

  /** Waits for milliseconds, or until {@link wake}, or until the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.closed || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.all.delete(end);
        forget?.();
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.all.add(end);
      const forget = signal === undefined ? undefined : whenAborted(signal, end);
    });
  }

  /** Ends all waits, and those to come. */
  wake(): void {
    this.closed = true;
    for (const end of [...this.all]) end();
  }
}
