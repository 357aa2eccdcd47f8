import { createReadStream } from "node:fs";
import type { KeyArn } from "../../domain/ids.js";
import { KeywardError } from "../../domain/result.js";
import { keyCoverage } from "../../usage/coverage.js";
import { openUsage } from "../../usage/read.js";
import type { ObservedKeyUsage } from "../../usage/types.js";

/** Observed use by key. A key that stands nowhere in the file was not seen, which is an answer with a coverage. */
export type Evidence = (key: KeyArn) => ObservedKeyUsage | undefined;

/** Reads a usage file; undefined: there is none. */
export async function readEvidence(path: string | undefined): Promise<Evidence> {
  if (path === undefined) return () => undefined;
  const stream = createReadStream(path);
  try {
    const file = await openUsage(stream, path);
    const found = new Map<string, ObservedKeyUsage>();
    for await (const usage of file.keys) found.set(usage.key, usage);
    return (key) =>
      found.get(key) ?? { key, entries: [], omitted: 0, coverage: keyCoverage(file.coverage, key, 0) };
  } catch (error) {
    if (error instanceof KeywardError || !(error instanceof Error) || !("code" in error)) throw error;
    throw new KeywardError({
      what: "the usage file cannot be read",
      where: path,
      got: error.message,
      next: "make one with: keyward usage --output FILE",
    });
  } finally {
    stream.destroy();
  }
}
