import { keyArnParts, parseKeyArn } from "../domain/ids.js";
import type { CoverageLine, MissingDetail, SnapshotLine } from "../snapshot/lines.js";
import { snapshotHeader } from "../snapshot/write.js";
import type { AccountOptions } from "./account.js";
import { likelyPartition, scanAccount } from "./account.js";
import type { Reach, WantedAccount } from "./accounts.js";
import { scanAccounts } from "./accounts.js";
import { awsUnreachable, credentialsRefused, noOrganization } from "./cannot-begin.js";
import { Channel } from "./channel.js";
import { checkChosen } from "./chosen.js";
import type { Details } from "./key.js";
import type { Known } from "./known.js";
import { detailNames } from "./known.js";
import type { OrganizationFilter, ReadOrganization } from "./organization.js";
import { readOrganization, readOrganizationPolicies } from "./organization.js";
import type { AccountsPort, Asked, CallFailure, CloudPort, Identity, OrganizationPort } from "./ports.js";
import type { CollectListener, DetailCall } from "./run.js";
import { ABANDONED, AccountRun, DETAILS, Run } from "./run.js";

/** Bounds of a scan. */
export interface Limits {
  readonly accountsAtOnce: number;
  /** Regions of one account. */
  readonly regionsAtOnce: number;
  /** Keys that are read at the same time in each Region. */
  readonly keysAtOnce: number;
  /** Lines that may wait for the consumer. */
  readonly buffer: number;
}

/**
 * All Regions of an account at once: they share no quota. 32 keys at once reach ListGrants' quota of 100 a second in
 * each Region even where a call takes 150 ms; how fast they are really asked is the business of the port. 32 accounts
 * keep some hundred Regions busy, which is more than one processor can serve.
 */
export const DEFAULT_LIMITS: Limits = { accountsAtOnce: 32, regionsAtOnce: 64, keysAtOnce: 32, buffer: 256 };

/** Which accounts are scanned. */
export type Scope =
  /** The account of the credentials. */
  | { readonly kind: "own" }
  | {
      readonly kind: "accounts";
      readonly ids: readonly string[];
      readonly accounts: AccountsPort;
      readonly role: string | undefined;
    }
  | {
      readonly kind: "organization";
      readonly port: OrganizationPort;
      readonly filter: OrganizationFilter;
      readonly accounts: AccountsPort;
      readonly role: string | undefined;
    };

/** What {@link collect} needs. */
export interface CollectOptions {
  /** The account of the credentials. */
  readonly cloud: CloudPort;
  /** Undefined: that account. */
  readonly scope?: Scope;
  /** Empty: all Regions of each account. */
  readonly regions: readonly string[];
  /** What else to read of each key; one more call a key for each of them. */
  readonly details?: Partial<Details>;
  /** What an earlier scan has left and is not asked again. */
  readonly known?: Known | undefined;
  /** False: IAM is not asked. */
  readonly iam?: boolean;
  /** `keyward 0.1.0`. */
  readonly tool: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Aborted: ask nothing more, write what is known, and report the rest as incomplete. */
  readonly interrupt: AbortSignal;
  readonly listener?: CollectListener;
  readonly limits?: Partial<Limits>;
}

/**
 * Scans accounts: yields the lines of a snapshot as AWS answers, header first and coverage last, the others in no
 * particular order (see `snapshot/sorted.ts`). Accounts, Regions and keys do not wait for each other; a slow consumer
 * slows the calls down. What AWS refuses becomes an `incomplete` line. Throws KeywardError where the scan cannot
 * even begin: credentials that AWS does not accept, an AWS that cannot be reached at all, an organization that cannot be
 * read or of which nothing is chosen, a partition without known Regions.
 */
export async function* collect(options: CollectOptions): AsyncGenerator<SnapshotLine, void, undefined> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const channel = new Channel<SnapshotLine>(limits.buffer);
  const run = new Run(channel, options.listener ?? {}, options.interrupt);
  const work = scan(run, options, limits).then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  try {
    yield* channel;
  } finally {
    // After an end of its own this changes nothing; a consumer that left early has no use for more calls.
    run.stop(ABANDONED);
    channel.close();
    await work;
  }
}

type Looked = Pick<CoverageLine, "accountId" | "regionsFrom" | "regions" | "accounts" | "chosenFrom">;

async function scan(run: Run, options: CollectOptions, limits: Limits): Promise<void> {
  const { cloud } = options;
  const startedAt = options.now();
  const details: Details = { tags: false, rotation: false, lastUsage: false, ...options.details };
  // What an earlier scan has read is as old as that scan, so the snapshot does not claim to be younger.
  const begun = Date.parse(options.known?.createdAt ?? "");
  const createdAt = Number.isNaN(begun) ? startedAt : Math.min(begun, startedAt);
  await run.emit(snapshotHeader(createdAt, options.tool, detailNames(details)));
  const own = new AccountRun(run, undefined, false);
  const identity = await own.ask("sts:GetCallerIdentity", (signal) => cloud.identity(signal));
  if (identity.ok) own.account = identity.value.account;
  else if (identity.error.kind === "credentials") throw credentialsRefused(identity.error);
  const partition = identity.ok ? identity.value.partition : likelyPartition(cloud, options.regions);
  const accountOptions = {
    ...limits,
    regions: options.regions,
    details,
    iam: options.iam !== false,
    // With an organization its own tree says more, in fewer calls.
    membership: options.scope?.kind !== "organization",
    known: options.known,
  };
  const looked =
    options.scope === undefined || options.scope.kind === "own"
      ? await scanOwn(own, identity, partition, options, accountOptions)
      : await scanOthers(own, identity, partition, options, options.scope, {
          ...accountOptions,
          accountsAtOnce: limits.accountsAtOnce,
        });
  await writeLeftovers(run, options, looked);
  const last: CoverageLine = {
    type: "coverage",
    ...looked,
    partition,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(options.now()).toISOString(),
    interrupted: run.stopped !== undefined,
    missingDetails: missingDetails(looked.regions),
    calls: run.calls,
  };
  await run.emit(last);
}

/**
 * Keys of which an earlier scan had read a part, in Regions that this one could not list to the end. Their lines are
 * written as they were: what is known of a key is not forgotten because the next scan did not get to it.
 */
async function writeLeftovers(run: Run, { known, regions }: CollectOptions, looked: Looked): Promise<void> {
  const { accountId, accounts } = looked;
  const ids = accounts?.map((a) => a.id) ?? (accountId === undefined ? undefined : [accountId]);
  for (const line of known?.leftovers() ?? []) {
    const arn = parseKeyArn(line.arn);
    if (arn === undefined) continue;
    const place = keyArnParts(arn);
    if (ids?.includes(place.account) === false) continue;
    if (regions.length > 0 && !regions.includes(place.region)) continue;
    await run.emit(line);
    await run.emitIncomplete(
      line.arn,
      run.stopped === undefined ? UNLISTED : { ...run.stopped, call: UNLISTED.call },
    );
  }
}

const UNLISTED: CallFailure = {
  kind: "other",
  call: "kms:ListKeys",
  code: "NotListed",
  message: "The scan before had read a part of this key; this one could not list the keys of its Region.",
  help: "Look at what is said of its account or Region, and go on with --resume.",
};

/** The account of the credentials, whether or not STS has named it. */
async function scanOwn(
  own: AccountRun,
  identity: Asked<Identity>,
  partition: string,
  options: CollectOptions,
  accountOptions: AccountOptions,
): Promise<Looked> {
  const { regionsFrom, regions, failures } = await scanAccount(own, options.cloud, partition, accountOptions);
  if (!identity.ok && identity.error.kind === "unreachable") {
    const first = failures[0];
    if (first !== undefined && failures.every((f) => f?.kind === "unreachable")) throw awsUnreachable(first);
  }
  return { ...(own.account === undefined ? {} : { accountId: own.account }), regionsFrom, regions };
}

/** The accounts of a list or of an organization. */
async function scanOthers(
  own: AccountRun,
  identity: Asked<Identity>,
  partition: string,
  options: CollectOptions,
  scope: Exclude<Scope, { kind: "own" }>,
  accountOptions: AccountOptions & { readonly accountsAtOnce: number },
): Promise<Looked> {
  if (!identity.ok && identity.error.kind === "unreachable") throw awsUnreachable(identity.error);
  const chosen = chooseAccounts(own, scope);
  // Lines about the organization need not be there before keys: the snapshot is put in order at the end.
  const reach: Reach = {
    own: identity.ok ? identity.value : undefined,
    ownCloud: options.cloud,
    accounts: scope.accounts,
    role: scope.role,
    partition,
    managementAccountId: chosen.managementAccountId,
  };
  const [{ accounts, regions }, { chosenFrom }] = await Promise.all([
    scanAccounts(own.run, chosen.accounts, reach, accountOptions),
    chosen.rest(),
  ]);
  const sources = new Set(accounts.map((a) => a.regionsFrom));
  // The least that can be said of all of them.
  const order = ["command-line", "built-in", "account:ListRegions", "ec2:DescribeRegions"] as const;
  return {
    regionsFrom: order.find((from) => sources.has(from)) ?? "built-in",
    regions,
    accounts,
    ...(chosenFrom === undefined ? {} : { chosenFrom }),
  };
}

interface Chosen {
  readonly accounts: AsyncIterable<WantedAccount> | Iterable<WantedAccount>;
  readonly managementAccountId: () => Promise<string | undefined>;
  /** What is still read of the organization while its accounts are scanned. */
  readonly rest: () => Promise<Pick<CoverageLine, "chosenFrom">>;
}

function chooseAccounts(own: AccountRun, scope: Exclude<Scope, { kind: "own" }>): Chosen {
  if (scope.kind === "accounts") {
    const ids = [...new Set(scope.ids)].sort();
    own.run.listener.accounts?.(ids.length);
    return {
      accounts: ids.map((id) => ({ id })),
      managementAccountId: () => Promise.resolve(undefined),
      rest: () => Promise.resolve({}),
    };
  }
  const { accounts, managementAccountId, whole } = readOrganization(own, scope.port, scope.filter);
  return {
    accounts,
    managementAccountId,
    rest: async () => {
      const read = await whole;
      if (!read.ok) throw noOrganization(read.error);
      if (own.stopped === undefined) checkChosen(scope.filter, read.value);
      await writeOrganization(own, scope.port, read.value);
      const { units, tags } = scope.filter;
      const all = read.value.line.accounts?.length;
      return all === undefined || units.length + tags.length === 0 ? {} : { chosenFrom: all };
    },
  };
}

/** Writes the organization's lines and its policies, which it reads. */
async function writeOrganization(
  own: AccountRun,
  port: OrganizationPort,
  { line, gaps }: ReadOrganization,
): Promise<void> {
  await own.run.emit(line);
  const policies = await readOrganizationPolicies(own, port, line);
  for (const policy of policies.lines) await own.run.emit(policy);
  for (const [where, failure] of [...gaps, ...policies.gaps]) await own.run.emitIncomplete(where, failure);
}

/** The sums over all Regions. */
function missingDetails(regions: CoverageLine["regions"]): readonly MissingDetail[] {
  const sums = new Map<string, MissingDetail>();
  for (const { call, code, count } of regions.flatMap((r) => r.missing ?? [])) {
    const id = `${call} ${code}`;
    const effect = isDetail(call) ? DETAILS[call] : "";
    sums.set(id, { call, code, count: (sums.get(id)?.count ?? 0) + count, effect });
  }
  return [...sums.keys()].sort().flatMap((id) => sums.get(id) ?? []);
}

function isDetail(call: string): call is DetailCall {
  return Object.hasOwn(DETAILS, call);
}
