const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Ends the interception, so that a signal kills the program as usual. */
export type Release = () => void;

/**
 * Calls `stop` at the first SIGINT (Ctrl-C) or SIGTERM, and gives the signals back: the second one kills. A scan then
 * writes what it has, which takes no calls and so no time.
 */
export function onFirstInterrupt(stop: () => void): Release {
  const release: Release = () => {
    for (const signal of SIGNALS) process.removeListener(signal, handler);
  };
  const handler = (): void => {
    release();
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return release;
}
