import type { AccountCoverage, RegionCoverage } from "../snapshot/lines.js";
import type { AccountOptions, AccountResult } from "./account.js";
import { scanAccount } from "./account.js";
import type { AccountsPort, CallFailure, CloudPort, Identity } from "./ports.js";
import type { Run } from "./run.js";
import { AccountRun } from "./run.js";
import { Workers } from "./workers.js";

/** An account that is to be scanned. */
export interface WantedAccount {
  readonly id: string;
  readonly name?: string | undefined;
  /** `SUSPENDED` and the like; undefined where nobody has said. */
  readonly status?: string | undefined;
}

/** How accounts are reached. */
export interface Reach {
  /** The account of the scan's own credentials, where STS told it. */
  readonly own: Identity | undefined;
  readonly ownCloud: CloudPort;
  readonly accounts: AccountsPort;
  /** Name of the role; undefined: there is none, and only the own account can be scanned. */
  readonly role: string | undefined;
  readonly partition: string;
  /** Of the organization, if one was read. */
  readonly managementAccountId: () => Promise<string | undefined>;
}

/** What became of several accounts. */
export interface AccountsResult {
  readonly accounts: readonly AccountCoverage[];
  readonly regions: readonly RegionCoverage[];
}

/**
 * Scans several accounts as they become known, a bounded number at a time. One that cannot be entered is an `incomplete` line with what to
 * do, and the others go on.
 */
export async function scanAccounts(
  run: Run,
  wanted: AsyncIterable<WantedAccount> | Iterable<WantedAccount>,
  reach: Reach,
  options: AccountOptions & { readonly accountsAtOnce: number },
): Promise<AccountsResult> {
  const coverages: AccountCoverage[] = [];
  const regions: RegionCoverage[] = [];
  const workers = new Workers(options.accountsAtOnce);
  for await (const account of wanted) {
    await workers.start(async () => {
      const entered = await enter(run, account, reach);
      const named = account.name === undefined ? {} : { name: account.name };
      if (entered.kind === "refused") {
        await run.emitIncomplete(account.id, entered.failure);
        coverages.push({ id: account.id, ...named, status: "not-scanned" });
      } else {
        const { account: scope, cloud, through } = entered;
        const result = await scanAccount(scope, cloud, reach.partition, options);
        const { regionsFrom } = result;
        coverages.push({ id: account.id, ...named, status: statusOf(result), through, regionsFrom });
        for (const region of result.regions) regions.push({ account: account.id, ...region });
      }
      run.listener.account?.(account.id);
    });
  }
  await workers.settled();
  return {
    accounts: coverages.sort((a, b) => (a.id < b.id ? -1 : 1)),
    regions: regions.sort((a, b) => (place(a) < place(b) ? -1 : 1)),
  };
}

function place(region: RegionCoverage): string {
  return `${region.account ?? ""}/${region.region}`;
}

function statusOf(result: AccountResult): AccountCoverage["status"] {
  const whole = result.regions.every((r) => r.status === "scanned" || r.status === "not-enabled");
  return whole ? "scanned" : "incomplete";
}

type Entered =
  | { readonly kind: "refused"; readonly failure: CallFailure }
  | {
      readonly kind: "entered";
      readonly account: AccountRun;
      readonly cloud: CloudPort;
      /** ARN of a role, or `own`. */
      readonly through: string;
    };

/** Gets into an account: through the role, or with the scan's own credentials where it is their account. */
async function enter(run: Run, { id, status }: WantedAccount, reach: Reach): Promise<Entered> {
  if (status !== undefined && status !== "ACTIVE") return { kind: "refused", failure: closed(status) };
  const own: Entered = {
    kind: "entered",
    account: new AccountRun(run, id, false),
    cloud: reach.ownCloud,
    through: "own",
  };
  const isOwn = reach.own?.account === id;
  if (reach.role === undefined) return isOwn ? own : { kind: "refused", failure: NO_ROLE };
  // The scan's own credentials ask for the role, so that they are refused ends the scan.
  const asking = new AccountRun(run, id, false);
  const assumed = await asking.ask("sts:AssumeRole", (signal) =>
    reach.accounts.assume(id, reach.partition, signal),
  );
  if (assumed.ok) {
    const { cloud, role } = assumed.value;
    return { kind: "entered", account: new AccountRun(run, id, true), cloud, through: role };
  }
  if (isOwn && run.stopped === undefined) {
    run.listener.note?.(
      `The role ${reach.role} could not be assumed in ${id} (${assumed.error.code}), which is the account of the credentials: it is scanned with the credentials themselves.`,
    );
    return own;
  }
  return { kind: "refused", failure: await refusedRole(assumed.error, id, reach) };
}

async function refusedRole(failure: CallFailure, id: string, reach: Reach): Promise<CallFailure> {
  if (failure.kind !== "denied" || id !== (await reach.managementAccountId())) return failure;
  return {
    ...failure,
    help: "This is the management account, into which stack sets put no role: create the role there by hand, or scan with credentials of the management account.",
  };
}

const NO_ROLE: CallFailure = {
  kind: "other",
  call: "sts:AssumeRole",
  code: "NoRole",
  message: "The credentials belong to another account, and no role was named.",
  help: "Name the role that keyward may assume in each account with --role.",
};

function closed(status: string): CallFailure {
  return {
    kind: "other",
    call: "sts:AssumeRole",
    code: `Account${status
      .toLowerCase()
      .split("_")
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join("")}`,
    message: `Organizations says that the account is ${status}, so nobody can sign in to it. Its keys may still be used by those who could use them.`,
    help: "Reopen the account through AWS Support, or let it be closed for good; then scan again.",
  };
}
