import type { Connection } from "../../aws/connect.js";
import { connect } from "../../aws/connect.js";
import { collect } from "../../collect/collect.js";
import { canBeDisabled } from "../../collect/regions.js";
import { inert } from "../../domain/inert.js";
import { coverageSentence } from "../../snapshot/coverage.js";
import type { SnapshotLine } from "../../snapshot/lines.js";
import { SnapshotWriter } from "../../snapshot/write.js";
import { audit } from "../audit.js";
import type { Io } from "../command.js";
import { loadConfigFile } from "../config-file.js";
import type { ExitCode } from "../exit.js";
import type { CommonOptions } from "../options.js";
import { toolVersion } from "../version.js";
import type { ScanFlags } from "./flags.js";
import { onFirstInterrupt } from "./interrupt.js";
import { startProgress } from "./progress.js";
import type { Tally } from "./tee.js";
import { tee } from "./tee.js";

/**
 * Scans and judges; the exit code is the audit's. The result goes where the audit puts it, the sentences about the
 * scan to stderr. Throws KeywardError where the scan cannot begin.
 */
export async function runScan(flags: ScanFlags, common: CommonOptions, io: Io): Promise<ExitCode> {
  // What can be wrong with the user's files shows before the first call to AWS.
  const config = await loadConfigFile(common.config);
  const connection = await connect({
    profile: flags.profile,
    // Surely in the account's partition; an opt-in Region may be disabled, and then accepts no credentials.
    region: flags.regions.find((region) => !canBeDisabled(region)),
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
  });
  const tally: Tally = { coverage: undefined };
  const writer = flags.snapshot === undefined ? undefined : await SnapshotWriter.create(flags.snapshot);
  try {
    // A report that is streamed to the terminal and a bar would draw over each other.
    const streamed = common.format === "json" && common.output === undefined && io.stdout.isTTY === true;
    const lines = tee(scanLines(connection, flags, io, flags.progress && !streamed), writer, tally);
    const code = await audit(lines, { io, common, config });
    if (tally.coverage !== undefined) {
      io.stderr.write(`${inert(coverageSentence(tally.coverage))}\n`);
      if (writer !== undefined) io.stderr.write(`Snapshot: ${inert(writer.path)}\n`);
    }
    return code;
  } finally {
    connection.close();
  }
}

/** The lines of the scan; while they flow, a bar shows how far it is and Ctrl-C stops it. */
async function* scanLines(
  connection: Connection,
  flags: ScanFlags,
  io: Io,
  withBar: boolean,
): AsyncGenerator<SnapshotLine, void, undefined> {
  const interrupt = new AbortController();
  const progress = startProgress(io, withBar);
  const release = onFirstInterrupt(() => {
    progress.say("Stopping. What was not read is reported as not assessed. Ctrl-C again quits at once.");
    interrupt.abort();
  });
  try {
    yield* collect({
      cloud: connection,
      regions: flags.regions,
      tags: flags.tags,
      tool: `keyward ${toolVersion()}`,
      now: io.now,
      interrupt: interrupt.signal,
      listener: progress.listener,
      ...(flags.concurrency === undefined ? {} : { limits: { keysAtOnce: flags.concurrency } }),
    });
  } finally {
    release();
    progress.stop();
  }
}
