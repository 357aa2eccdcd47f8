/**
 * Waits of many calls at once that can all be ended early. A scan sleeps before every other call, so each wait costs a
 * timer and no listener: listeners of one signal are a list that is searched.
 */
export class Sleeper {
  private readonly all = new Set<() => void>();
  private readonly bySignal = new WeakMap<AbortSignal, Set<() => void>>();
  private closed = false;

  /** Waits for milliseconds, or until {@link wake}, or until the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.closed || signal?.aborted === true) return Promise.resolve();
    const group = signal === undefined ? undefined : this.group(signal);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.all.delete(end);
        group?.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.all.add(end);
      group?.add(end);
    });
  }

  /** Ends all waits, and those to come. */
  wake(): void {
    this.closed = true;
    for (const end of [...this.all]) end();
  }

  private group(signal: AbortSignal): Set<() => void> {
    let group = this.bySignal.get(signal);
    if (group === undefined) {
      const made = new Set<() => void>();
      signal.addEventListener("abort", () => {
        for (const end of [...made]) end();
      });
      this.bySignal.set(signal, made);
      group = made;
    }
    return group;
  }
}
