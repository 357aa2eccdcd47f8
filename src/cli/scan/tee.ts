import type { CoverageLine, SnapshotLine } from "../../snapshot/lines.js";
import type { SnapshotWriter } from "../../snapshot/write.js";

/** What passed by. */
export interface Tally {
  coverage: CoverageLine | undefined;
}

/**
 * Passes lines on, after writing them to the snapshot if there is one. The snapshot gets its name when the last line
 * is written, so a failure of what reads the lines afterwards does not cost it; if the lines end in any other way, the
 * file that the user named stays as it was.
 */
export async function* tee(
  lines: AsyncIterable<SnapshotLine>,
  writer: SnapshotWriter | undefined,
  tally: Tally,
): AsyncGenerator<SnapshotLine, void, undefined> {
  let whole = false;
  try {
    for await (const line of lines) {
      if (line.type === "coverage") tally.coverage = line;
      await writer?.write(line);
      yield line;
    }
    await writer?.finish();
    whole = true;
  } finally {
    if (!whole) await writer?.abandon();
  }
}
