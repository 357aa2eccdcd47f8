/** What ends when a signal is aborted, by signal. */
const GROUPS = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `end` when the signal is aborted, at once if it already is. Returns what takes `end` back. Hundreds of calls at
 * a time wait for one signal, so they share one listener: the listeners of a signal are a list that is searched for
 * each that is added or removed.
 */
export function whenAborted(signal: AbortSignal, end: () => void): () => void {
  if (signal.aborted) {
    end();
    return () => undefined;
  }
  let group = GROUPS.get(signal);
  if (group === undefined) {
    const made = new Set<() => void>();
    signal.addEventListener("abort", () => {
      for (const each of [...made]) each();
    });
    GROUPS.set(signal, made);
    group = made;
  }
  const joined = group;
  joined.add(end);
  return () => void joined.delete(end);
}

/** The promise, unless the signal is aborted before; then an AbortError, whatever becomes of the promise. */
export function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = whenAborted(signal, () => reject(abortError()));
    promise.then(
      (value) => {
        forget();
        resolve(value);
      },
      (error: unknown) => {
        forget();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** As the SDK's own handlers throw it. */
export function abortError(): Error {
  const error = new Error("Request aborted");
  error.name = "AbortError";
  return error;
}
