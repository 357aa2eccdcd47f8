import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { RegionCoverage } from "../snapshot/lines.js";
import type { AliasesByKey, Details, KeyReading, KeyResult } from "./key.js";
import { readAliases, readKey } from "./key.js";
import type { Known } from "./known.js";
import { pages } from "./paging.js";
import type { Asked, CallFailure, KmsPort, ListedKey } from "./ports.js";
import { canBeDisabled } from "./regions.js";
import type { AccountRun } from "./run.js";
import { RegionRun } from "./run.js";
import { Workers } from "./workers.js";

/** What a Region is scanned with. */
export interface RegionOptions {
  /** Keys that are read at the same time. */
  readonly keysAtOnce: number;
  readonly details: Details;
  /** The account has said that the Region is enabled, or the user has named it: a refusal is a failure. */
  readonly wanted: boolean;
  readonly known: Known | undefined;
}

/** The outcome of a Region, and the failure of its listing if there was one. */
export interface RegionResult {
  readonly coverage: RegionCoverage;
  readonly failure: CallFailure | undefined;
}

/**
 * Lists the keys of a Region and reads each, the first ones while the list goes on. Nothing that AWS answers ends the
 * scan of the Region early but a failed listing, and that is written as an `incomplete` line.
 */
export async function readRegion(
  account: AccountRun,
  kms: KmsPort,
  region: string,
  options: RegionOptions,
): Promise<RegionResult> {
  const before = await doneBefore(account, region, options.known);
  if (before !== undefined) return { coverage: before, failure: undefined };
  const result = await new RegionScan(account, kms, region, options).all();
  if (result.coverage.status === "scanned") await emitDone(account, result.coverage);
  return result;
}

/** Takes over a Region that an earlier scan has done. */
async function doneBefore(
  account: AccountRun,
  region: string,
  known: Known | undefined,
): Promise<RegionCoverage | undefined> {
  const id = account.account;
  const done = id === undefined ? undefined : known?.doneRegion(id, region);
  if (id === undefined || done === undefined || known === undefined) return undefined;
  // Whole keys stand in the new snapshot already; these lack details that nobody may read.
  for (const line of known.partsOf(id, region)) await account.run.emit(line);
  known.metRegion(id, region);
  const { region: name, status, listed, written, awsManaged, deleted, missing } = done;
  const numbers = { listed, written, awsManaged, deleted };
  const coverage = { region: name, status, ...numbers, ...(missing === undefined ? {} : { missing }) };
  await emitDone(account, coverage);
  account.run.listener.listed?.(region, coverage.listed);
  for (let i = 0; i < coverage.listed; i++) account.run.listener.key?.(region, "written");
  return coverage;
}

async function emitDone(account: AccountRun, coverage: RegionCoverage): Promise<void> {
  const id = account.account === undefined ? {} : { account: account.account };
  await account.run.emit({ type: "region", ...id, ...coverage });
}

class RegionScan {
  private readonly run: RegionRun;
  private readonly counts = { listed: 0, written: 0, awsManaged: 0, deleted: 0, gaps: 0 };
  /** A key that moves to the next page while the list is read must not be reported twice. */
  private readonly seen = new Set<string>();
  private aliases: Promise<Asked<AliasesByKey>> | undefined;
  private failure: CallFailure | undefined;
  private readonly reading: KeyReading;

  constructor(
    private readonly account: AccountRun,
    private readonly kms: KmsPort,
    private readonly region: string,
    private readonly options: RegionOptions,
  ) {
    this.run = new RegionRun(account, region);
    this.reading = {
      kms,
      // Not before there is a key: most Regions of most accounts are empty.
      aliases: () => (this.aliases ??= readAliases(this.run, kms)),
      details: options.details,
    };
  }

  async all(): Promise<RegionResult> {
    const { run, region, counts, seen, account } = this;
    const workers = new Workers(this.options.keysAtOnce);
    const listing = pages("kms:ListKeys", (marker) =>
      run.ask("kms:ListKeys", (signal) => this.kms.listKeys(marker, signal)),
    );
    for await (const page of listing) {
      if (!page.ok) {
        this.failure = page.error;
        break;
      }
      const fresh = page.value.filter((key) => !seen.has(key.arn) && seen.add(key.arn));
      counts.listed += fresh.length;
      run.listener.listed?.(region, fresh.length);
      for (const key of fresh) await this.start(workers, key);
    }
    if (this.failure === undefined) this.options.known?.metRegion(account.account, region);
    await workers.settled();
    const names = await this.aliases;
    if (names?.ok === false && names.error.kind !== "stopped") {
      run.missDetail("kms:ListAliases", names.error.code);
    }
    const { failure } = this;
    const notEnabled =
      failure?.kind === "region-refused" && !this.options.wanted && canBeDisabled(region) && seen.size === 0;
    if (failure !== undefined && !notEnabled) await run.emitIncomplete(run.place, failure);
    const { gaps, ...numbers } = counts;
    const { missing } = run;
    return {
      coverage: {
        region,
        status: this.status(notEnabled, gaps),
        ...numbers,
        ...(missing.length === 0 ? {} : { missing }),
      },
      failure: notEnabled ? undefined : failure,
    };
  }

  private async start(workers: Workers, key: ListedKey): Promise<void> {
    const { run, region, account } = this;
    const owner = this.ownerOf(key);
    if (owner === undefined) {
      this.counts.gaps += 1;
      await run.emitIncomplete(run.place, strangeKey(key, run.place));
      return;
    }
    account.account ??= owner;
    const { known } = this.options;
    if (known?.isWholeKey(owner, region, key.id) === true) {
      this.count({ outcome: "written", gaps: 0 });
      return;
    }
    const part = known?.part(owner, region, key.arn);
    known?.met(key.arn);
    // After a stop as well: nothing is asked any more, and what is known of the key is written.
    await workers.start(async () => this.count(await readKey(run, this.reading, key, part)));
  }

  /** The account of a key; undefined unless its ARN is one of this account and Region, and the id is that of the ARN. */
  private ownerOf({ id, arn }: ListedKey): string | undefined {
    const parsed = parseKeyArn(arn);
    if (parsed === undefined) return undefined;
    const { account, region, keyId } = keyArnParts(parsed);
    const here = region === this.region && account === (this.account.account ?? account);
    return here && keyId === id ? account : undefined;
  }

  private count({ outcome, gaps }: KeyResult): void {
    const { counts } = this;
    counts.gaps += gaps;
    if (outcome === "written") counts.written += 1;
    else if (outcome === "deleted") counts.deleted += 1;
    else counts.awsManaged += 1;
    this.run.listener.key?.(this.region, outcome);
  }

  private status(notEnabled: boolean, gaps: number): RegionCoverage["status"] {
    const { failure } = this;
    if (notEnabled) return "not-enabled";
    if (failure !== undefined && failure.code === this.run.stopped?.code && this.seen.size === 0) {
      return "not-seen";
    }
    return failure === undefined && gaps === 0 ? "scanned" : "incomplete";
  }
}

/**
 * AWS names every key by an ARN of the account and Region that was asked; something else answers here, or the
 * credentials are those of another account. The key is told, since nothing can be said about it.
 */
function strangeKey({ id, arn }: ListedKey, place: string): CallFailure {
  return {
    kind: "other",
    call: "kms:ListKeys",
    code: "UnexpectedAnswer",
    message: `A key was listed that is not one of ${place}: ${JSON.stringify(arn.slice(0, 200))}, id ${JSON.stringify(id.slice(0, 100))}. Check which credentials are used and what answers at the endpoint; AWS does not answer like this.`,
  };
}
