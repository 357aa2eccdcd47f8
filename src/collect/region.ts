import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { RegionCoverage } from "../snapshot/lines.js";
import type { AliasesByKey, KeyResult } from "./key.js";
import { readAliases, readKey, writeUnread } from "./key.js";
import { pages } from "./paging.js";
import type { Asked, CallFailure, KmsPort, ListedKey } from "./ports.js";
import { canBeDisabled } from "./regions.js";
import type { Run } from "./run.js";
import { Workers } from "./workers.js";

/** What a Region is scanned with. */
export interface RegionOptions {
  /** Keys that are read at the same time. */
  readonly keysAtOnce: number;
  readonly tags: boolean;
  /** The account has said that the Region is enabled, so a refusal is a failure. */
  readonly surelyEnabled: boolean;
}

/** The outcome of a Region, and the failure of its listing if there was one. */
export interface RegionResult {
  readonly coverage: RegionCoverage;
  readonly failure: CallFailure | undefined;
}

/**
 * Lists the keys of a Region and reads each. Nothing that AWS answers ends the scan of the Region early but a failed
 * listing, and that is written as an `incomplete` line.
 */
export async function readRegion(
  run: Run,
  kms: KmsPort,
  region: string,
  options: RegionOptions,
): Promise<RegionResult> {
  const counts = { listed: 0, written: 0, awsManaged: 0, deleted: 0, gaps: 0 };
  const workers = new Workers(options.keysAtOnce);
  // A key that moves to the next page while the list is read must not be reported twice.
  const seen = new Set<string>();
  let aliases: Promise<Asked<AliasesByKey>> | undefined;
  let failure: CallFailure | undefined;

  const count = ({ outcome, gaps }: KeyResult): void => {
    counts.gaps += gaps;
    if (outcome === "written") counts.written += 1;
    else if (outcome === "deleted") counts.deleted += 1;
    else counts.awsManaged += 1;
    run.listener.key?.(region, outcome);
  };
  const read = async (key: ListedKey, names: Promise<Asked<AliasesByKey>>): Promise<void> => {
    const reason = run.stopped;
    count(
      reason === undefined
        ? await readKey(run, kms, key, names, options.tags)
        : await writeUnread(run, key, reason),
    );
  };

  const listing = pages("kms:ListKeys", (marker) =>
    run.ask("kms:ListKeys", (signal) => kms.listKeys(marker, signal)),
  );
  for await (const page of listing) {
    if (!page.ok) {
      failure = page.error;
      break;
    }
    const fresh = page.value.filter((key) => !seen.has(key.id) && seen.add(key.id));
    counts.listed += fresh.length;
    run.listener.listed?.(region, fresh.length);
    for (const key of fresh) {
      const account = accountOf(key.arn);
      if (account === undefined) {
        counts.gaps += 1;
        await run.emitIncomplete(run.place(region), strangeKey(key.arn));
        continue;
      }
      run.account ??= account;
      // Not before there is a key: most Regions of most accounts are empty.
      const names = (aliases ??= readAliases(run, kms));
      await workers.start(() => read(key, names));
    }
  }
  await workers.settled();
  const names = await aliases;
  if (names?.ok === false && names.error.kind !== "stopped")
    run.missDetail("kms:ListAliases", names.error.code);

  const notEnabled =
    failure?.kind === "region-refused" && !options.surelyEnabled && canBeDisabled(region) && seen.size === 0;
  if (failure !== undefined && !notEnabled) await run.emitIncomplete(run.place(region), failure);
  const { gaps, ...numbers } = counts;
  return {
    coverage: { region, status: status(run, notEnabled, failure, gaps, seen.size), ...numbers },
    failure: notEnabled ? undefined : failure,
  };
}

function status(
  run: Run,
  notEnabled: boolean,
  failure: CallFailure | undefined,
  gaps: number,
  seen: number,
): RegionCoverage["status"] {
  if (notEnabled) return "not-enabled";
  if (failure !== undefined && failure.code === run.stopped?.code && seen === 0) return "not-seen";
  return failure === undefined && gaps === 0 ? "scanned" : "incomplete";
}

function accountOf(keyArn: string): string | undefined {
  const arn = parseKeyArn(keyArn);
  return arn === undefined ? undefined : keyArnParts(arn).account;
}

/** AWS names every key by an ARN; something else answers here. The key is told, since it cannot be judged. */
function strangeKey(arn: string): CallFailure {
  return {
    kind: "other",
    call: "kms:ListKeys",
    code: "UnexpectedAnswer",
    message: `A key was listed by something that is no key ARN: ${JSON.stringify(arn.slice(0, 200))}`,
    help: "Check what answers at the endpoint; AWS does not answer like this.",
  };
}
