import { resolve } from "node:path";
import type { Connection } from "../../aws/connect.js";
import { connect } from "../../aws/connect.js";
import type { Scope } from "../../collect/collect.js";
import { collect } from "../../collect/collect.js";
import type { Details } from "../../collect/key.js";
import { canBeDisabled } from "../../collect/regions.js";
import { inert } from "../../domain/inert.js";
import { KeywardError } from "../../domain/result.js";
import { coverageSentence } from "../../snapshot/coverage.js";
import { Journal } from "../../snapshot/journal.js";
import type { CoverageLine, SnapshotLine } from "../../snapshot/lines.js";
import { SnapshotWriter } from "../../snapshot/write.js";
import { audit } from "../audit.js";
import type { Io } from "../command.js";
import { limitHeapGrowth } from "../heap.js";
import { loadConfigFile } from "../config-file.js";
import type { ExitCode } from "../exit.js";
import type { CommonOptions } from "../options.js";
import { toolVersion } from "../version.js";
import { finished } from "./finished.js";
import type { ScanFlags } from "./flags.js";
import { onFirstInterrupt } from "./interrupt.js";
import { startProgress } from "./progress.js";
import type { Resumed } from "./resume.js";
import { openResumed } from "./resume.js";
import { resolveScope, scopeOf } from "./scope.js";
import type { Tally } from "./tee.js";
import { tee } from "./tee.js";

/**
 * Scans and judges; the exit code is the audit's. First everything is read into a journal, as fast as AWS's quotas
 * permit; then the journal is put in order, and judged. So the result does not depend on the order in which AWS answers,
 * and no analysis slows the calls down. The result goes where the audit puts it, the sentences about the scan to stderr.
 * Throws KeywardError where the scan cannot begin.
 */
export async function runScan(flags: ScanFlags, common: CommonOptions, io: Io): Promise<ExitCode> {
  // What can be wrong with the user's files shows before the first call to AWS.
  if (flags.snapshot !== undefined && common.output !== undefined) {
    if (resolve(flags.snapshot) === resolve(common.output)) {
      throw new KeywardError({
        what: "the snapshot and the result cannot go to the same file",
        where: common.output,
        next: "name another file with --snapshot or with --output",
      });
    }
  }
  const config = await loadConfigFile(common.config);
  const wanted = await resolveScope(flags.scope);
  const details: Details = { tags: flags.tags, rotation: flags.rotation, lastUsage: flags.lastUsage };
  const resumed =
    flags.resume === undefined ? undefined : await openResumed(flags.resume, details, flags.iam);
  if (resumed !== undefined) {
    io.stderr.write(
      `Going on from ${inert(resumed.path)}, begun ${inert(resumed.known.createdAt ?? "at a time that it does not say")}: what it holds is not read again.\n`,
    );
  }
  const connection = await connect({
    profile: flags.profile,
    // Surely in the account's partition; an opt-in Region may be disabled, and then accepts no credentials.
    region: flags.regions.find((region) => !canBeDisabled(region)),
    endpointUrl: flags.endpointUrl,
    version: toolVersion(),
    env: io.env,
    quotaShare: flags.quotaShare,
    role: flags.role,
    externalId: flags.externalId,
    sessionName: flags.sessionName,
    via: flags.via,
  });
  try {
    const journal = await Journal.create(flags.snapshot);
    const reading: Reading = { connection, flags, details, resumed, io };
    let keep = false;
    try {
      const coverage = await read(journal, reading, await scopeOf(wanted, flags, connection), () => {
        keep = true;
      });
      connection.close();
      const code = await judge(journal, coverage, reading, (lines) => audit(lines, { io, common, config }));
      keep = false;
      return code;
    } finally {
      await journal.close(keep);
      if (keep && journal.path !== undefined) {
        io.stderr.write(`What was read is kept: --resume ${inert(journal.path)}\n`);
      }
    }
  } finally {
    connection.close();
  }
}

interface Reading {
  readonly connection: Connection;
  readonly flags: ScanFlags;
  readonly details: Details;
  readonly resumed: Resumed | undefined;
  readonly io: Io;
}

/**
 * Reads everything into the journal; meanwhile a bar shows how far it is and Ctrl-C stops it.
 * @param onKey something worth keeping was written
 */
async function read(
  journal: Journal,
  { connection, flags, details, resumed, io }: Reading,
  scope: Scope,
  onKey: () => void,
): Promise<CoverageLine | undefined> {
  const interrupt = new AbortController();
  const progress = startProgress(io, flags.progress);
  const release = onFirstInterrupt(() => {
    progress.say("Stopping. What was not read is reported as not assessed. Ctrl-C again quits at once.");
    interrupt.abort();
  });
  let coverage: CoverageLine | undefined;
  try {
    const lines = collect({
      cloud: connection,
      scope,
      regions: flags.regions,
      details,
      iam: flags.iam,
      known: resumed?.known,
      tool: `keyward ${toolVersion()}`,
      now: io.now,
      interrupt: interrupt.signal,
      listener: progress.listener,
      ...(flags.concurrency === undefined ? {} : { limits: { keysAtOnce: flags.concurrency } }),
    });
    for await (const line of lines) {
      await journal.write(line);
      if (line.type === "key") onKey();
      if (line.type === "coverage") coverage = line;
      // The header comes first in every snapshot, then what the earlier scan has left.
      if (line.type === "snapshot" && resumed !== undefined) {
        for await (const kept of resumed.lines()) await journal.write(kept);
      }
    }
    return coverage;
  } finally {
    release();
    progress.stop();
  }
}

/** Puts the journal in order, writes it as the snapshot if there is to be one, and has it judged. */
async function judge(
  journal: Journal,
  coverage: CoverageLine | undefined,
  { flags, io }: Reading,
  auditing: (lines: AsyncIterable<SnapshotLine>) => Promise<ExitCode>,
): Promise<ExitCode> {
  // IAM of all accounts is in memory together, and read policies take many times their text.
  limitHeapGrowth();
  const writer =
    flags.snapshot === undefined ? undefined : await SnapshotWriter.create(flags.snapshot, "sorted");
  const tally: Tally = { coverage: undefined };
  const code = await auditing(tee(finished(journal.sorted(), coverage, flags.regions), writer, tally));
  if (tally.coverage !== undefined) {
    io.stderr.write(`${inert(coverageSentence(tally.coverage))}\n`);
    if (writer !== undefined) io.stderr.write(`Snapshot: ${inert(writer.path)}\n`);
  }
  return code;
}
