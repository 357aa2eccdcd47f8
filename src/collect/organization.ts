import { err, ok } from "../domain/result.js";
import type { OrganizationLine, SnapshotLine } from "../snapshot/lines.js";
import { Channel } from "./channel.js";
import type { Gathered } from "./paging.js";
import { allPages, pages } from "./paging.js";
import type {
  Asked,
  CallFailure,
  ListedAccount,
  ListedRoot,
  OrganizationPolicyType,
  OrganizationPort,
} from "./ports.js";
import type { AccountRun } from "./run.js";
import { Workers } from "./workers.js";

/** Which accounts of the organization to scan. */
export interface OrganizationFilter {
  /** Ids of organizational units or roots; accounts anywhere below one of them. Empty: all. */
  readonly units: readonly string[];
  /** All of these tags; a value of undefined is any value. */
  readonly tags: readonly (readonly [name: string, value: string | undefined])[];
}

/** An organization as read, and the accounts in it that are to be scanned. */
export interface ReadOrganization {
  readonly line: OrganizationLine;
  readonly accounts: readonly ListedAccount[];
  readonly managementAccountId: string | undefined;
  /** What could not be read: where, and why. */
  readonly gaps: readonly (readonly [where: string, failure: CallFailure])[];
}

type Accounts = NonNullable<OrganizationLine["accounts"]>[number];

/** An organization while it is read. */
export interface OrganizationReading {
  /**
   * The accounts to scan, each once. Where their list alone tells which, they come page by page: Organizations permits a
   * few calls a second, and 20 accounts a call. Ends early where the organization cannot be read; see `whole`.
   */
  readonly accounts: AsyncIterable<ListedAccount>;
  readonly managementAccountId: () => Promise<string | undefined>;
  readonly whole: Promise<Asked<ReadOrganization>>;
}

/**
 * Reads the organization: every account, where in the tree it is, and tags where they are asked for. What is missing is
 * a gap. Where the organization cannot be described, the ARN of its root names it; where its accounts cannot all be
 * listed, the tree has them. Fails only where neither does.
 */
export function readOrganization(
  run: AccountRun,
  port: OrganizationPort,
  filter: OrganizationFilter,
): OrganizationReading {
  // Never full: the list is read to its end whoever waits for it.
  const arriving = new Channel<ListedAccount>(Infinity);
  const described = run.ask("organizations:DescribeOrganization", (signal) => port.describe(signal));
  const listed = listAccounts(run, port, arriving);
  const roots = allPages("organizations:ListRoots", (marker) =>
    run.ask("organizations:ListRoots", (signal) => port.roots(marker, signal)),
  );
  const whole = readWhole(run, port, filter, { described, listed, roots });
  const management = async (): Promise<string | undefined> => {
    const organization = await described;
    if (organization.ok) return organization.value.managementAccountId;
    const read = await whole;
    return read.ok ? read.value.managementAccountId : undefined;
  };
  const accounts = wantedAccounts(run, filter, { described, arriving, whole });
  return { accounts, managementAccountId: management, whole };
}

/** The accounts as far as they can be listed; each is put into `arriving` as well, as soon as its page is there. */
async function listAccounts(
  run: AccountRun,
  port: OrganizationPort,
  arriving: Channel<ListedAccount>,
): Promise<Gathered<ListedAccount>> {
  const items: ListedAccount[] = [];
  try {
    for await (const page of pages("organizations:ListAccounts", (marker) =>
      run.ask("organizations:ListAccounts", (signal) => port.accounts(marker, signal)),
    )) {
      if (!page.ok) return { items, failure: page.error };
      for (const account of page.value) {
        items.push(account);
        await arriving.push(account);
      }
    }
    return { items, failure: undefined };
  } finally {
    arriving.end();
  }
}

interface Arriving {
  readonly described: ReturnType<OrganizationPort["describe"]>;
  readonly arriving: Channel<ListedAccount>;
  readonly whole: Promise<Asked<ReadOrganization>>;
}

async function* wantedAccounts(
  run: AccountRun,
  filter: OrganizationFilter,
  { described, arriving, whole }: Arriving,
): AsyncGenerator<ListedAccount, void, undefined> {
  const { listener } = run.run;
  const seen = new Set<string>();
  const all = filter.units.length === 0 && filter.tags.length === 0;
  // Where nobody can say which organization it is, it must not be scanned.
  if (all && (await described).ok) {
    for await (const account of arriving) {
      if (seen.has(account.id)) continue;
      seen.add(account.id);
      listener.accounts?.(seen.size);
      yield account;
    }
  }
  const read = await whole;
  if (!read.ok) return;
  listener.accounts?.(read.value.accounts.length);
  for (const account of read.value.accounts) if (!seen.has(account.id)) yield account;
}

interface Asking {
  readonly described: ReturnType<OrganizationPort["describe"]>;
  readonly listed: Promise<Gathered<ListedAccount>>;
  readonly roots: Promise<Asked<readonly ListedRoot[]>>;
}

async function readWhole(
  run: AccountRun,
  port: OrganizationPort,
  filter: OrganizationFilter,
  asking: Asking,
): Promise<Asked<ReadOrganization>> {
  const [described, roots] = await Promise.all([asking.described, asking.roots]);
  const named = described.ok ? described.value : roots.ok ? roots.value[0]?.organization : undefined;
  if (named === undefined) return described.ok ? err(NO_ROOT) : described;
  const { id, managementAccountId } = named;
  // The tree does not wait for the list of accounts: each has a quota of its own.
  const [tree, listed] = await Promise.all([
    roots.ok && roots.value.length > 0
      ? readTree(run, port, id, roots.value)
      : emptyTree([roots.ok ? { ...NO_ROOT, call: "organizations:ListRoots" } : roots.error]),
    asking.listed,
  ]);
  const { failure } = listed;
  // Of two sources the list comes last: the tree lacks what only the list tells.
  const seen = byId(failure === undefined ? listed.items : [...tree.accounts, ...listed.items]);
  if (failure !== undefined && seen.length === 0) return err(failure);
  const tags = await readTags(run, port, filter.tags.length > 0 ? seen : []);
  const failures = [...(described.ok ? [] : [described.error]), ...(failure === undefined ? [] : [failure])];
  const gaps = [
    ...[...failures, ...tree.gaps].map((gap) => [id, gap] as [string, CallFailure]),
    ...tags.gaps,
  ];
  const accounts = seen.map((a): Accounts => {
    const path = tree.pathOf.get(a.id);
    const own = tags.of.get(a.id);
    return {
      id: a.id,
      ...(a.name === undefined ? {} : { name: a.name }),
      ...(path === undefined ? {} : { path }),
      ...(a.status === undefined ? {} : { status: a.status }),
      ...(own === undefined ? {} : { tags: own }),
    };
  });
  const line: OrganizationLine = {
    type: "organization",
    id,
    ...(managementAccountId === undefined ? {} : { managementAccountId }),
    accounts,
    ...(failure === undefined || tree.gaps.length === 0 ? {} : { partial: true }),
    ...(tree.gaps.length > 0 ? {} : { units: tree.units }),
    ...(tree.policyTypes === undefined ? {} : { policyTypes: tree.policyTypes }),
  };
  const wanted = new Set(accounts.filter((a) => matches(a, filter)).map((a) => a.id));
  return ok({ line, accounts: seen.filter((a) => wanted.has(a.id)), managementAccountId, gaps });
}

/** Each once. */
function byId(accounts: readonly ListedAccount[]): readonly ListedAccount[] {
  const unique = new Map(accounts.map((a) => [a.id, a]));
  return [...unique.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function matches(account: Accounts, filter: OrganizationFilter): boolean {
  const steps = account.path?.split("/") ?? [];
  // An account whose place or tags are not known is scanned: rather one too many than one unseen.
  const inUnit =
    filter.units.length === 0 || account.path === undefined || filter.units.some((u) => steps.includes(u));
  const tagged =
    account.tags === undefined ||
    filter.tags.every(([name, value]) =>
      value === undefined ? Object.hasOwn(account.tags ?? {}, name) : account.tags?.[name] === value,
    );
  return inUnit && tagged;
}

/** An organization that was described always has a root; only what is not AWS answers so. */
const NO_ROOT: CallFailure = {
  kind: "other",
  call: "organizations:DescribeOrganization",
  code: "NoOrganization",
  message: "Organizations did not name an organization.",
};

interface Tree {
  /** Those that were met in the tree. */
  readonly accounts: readonly ListedAccount[];
  /** `o-…/r-…/ou-…/` of each account. */
  readonly pathOf: ReadonlyMap<string, string>;
  readonly units: NonNullable<OrganizationLine["units"]>;
  readonly policyTypes: readonly string[] | undefined;
  readonly gaps: readonly CallFailure[];
}

/** Organizational units are at most five deep, and Organizations is slow: a few at once. */
const UNITS_AT_ONCE = 4;

function emptyTree(gaps: readonly CallFailure[]): Tree {
  return { accounts: [], pathOf: new Map(), units: [], policyTypes: undefined, gaps };
}

async function readTree(
  run: AccountRun,
  port: OrganizationPort,
  organization: string,
  roots: readonly ListedRoot[],
): Promise<Tree> {
  const pathOf = new Map<string, string>();
  const met: ListedAccount[] = [];
  const units: { id: string; name?: string; path: string }[] = [];
  const gaps: CallFailure[] = [];
  const seen = new Set(roots.map((root) => root.id));
  let level = roots.map((root) => ({ id: root.id, path: `${organization}/${root.id}/` }));
  while (level.length > 0) {
    const workers = new Workers(UNITS_AT_ONCE);
    const next: typeof level = [];
    for (const { id, path } of level) {
      await workers.start(async () => {
        const [below, accounts] = await Promise.all([
          allPages("organizations:ListOrganizationalUnitsForParent", (marker) =>
            run.ask("organizations:ListOrganizationalUnitsForParent", (s) => port.unitsOf(id, marker, s)),
          ),
          allPages("organizations:ListAccountsForParent", (marker) =>
            run.ask("organizations:ListAccountsForParent", (s) => port.accountsOf(id, marker, s)),
          ),
        ]);
        if (below.ok) {
          for (const unit of below.value) {
            if (seen.has(unit.id)) {
              gaps.push(twice("organizations:ListOrganizationalUnitsForParent", `unit ${unit.id}`));
              continue;
            }
            seen.add(unit.id);
            const down = `${path}${unit.id}/`;
            next.push({ id: unit.id, path: down });
            units.push({ id: unit.id, ...(unit.name === undefined ? {} : { name: unit.name }), path: down });
          }
        } else gaps.push(below.error);
        if (!accounts.ok) {
          gaps.push(accounts.error);
          return;
        }
        for (const account of accounts.value) {
          if (seen.has(account.id)) {
            // Of two places neither is sure, and a policy that may not be above it must not close a key.
            if (pathOf.get(account.id) !== path) {
              pathOf.delete(account.id);
              gaps.push(twice("organizations:ListAccountsForParent", `account ${account.id}`));
            }
            continue;
          }
          seen.add(account.id);
          pathOf.set(account.id, path);
          met.push(account);
        }
      });
    }
    await workers.settled();
    level = next;
  }
  units.sort((a, b) => (a.path < b.path ? -1 : 1));
  const policyTypes = [...new Set(roots.flatMap((root) => root.policyTypes))].sort();
  return { accounts: met, pathOf, units, policyTypes, gaps };
}

/** A tree has each once; while the organization is changed, a walk can meet one again in its new place. */
function twice(call: string, what: string): CallFailure {
  return {
    kind: "other",
    call,
    code: "MetTwice",
    message: `The ${what.slice(0, 80)} stands in two places of the organization's tree, perhaps because it was moved just now. Scan again.`,
  };
}

async function readTags(
  run: AccountRun,
  port: OrganizationPort,
  accounts: readonly ListedAccount[],
): Promise<{
  readonly of: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly gaps: readonly [string, CallFailure][];
}> {
  const of = new Map<string, Readonly<Record<string, string>>>();
  const gaps: [string, CallFailure][] = [];
  const workers = new Workers(UNITS_AT_ONCE);
  for (const { id } of accounts) {
    await workers.start(async () => {
      const tags = await allPages("organizations:ListTagsForResource", (marker) =>
        run.ask("organizations:ListTagsForResource", (signal) => port.tagsOf(id, marker, signal)),
      );
      if (tags.ok) of.set(id, Object.fromEntries(tags.value));
      else gaps.push([id, tags.error]);
    });
  }
  await workers.settled();
  return { of, gaps };
}

const LINE_OF_TYPE = {
  RESOURCE_CONTROL_POLICY: "resource-control-policy",
  SERVICE_CONTROL_POLICY: "service-control-policy",
} as const satisfies Readonly<Record<OrganizationPolicyType, SnapshotLine["type"]>>;

/**
 * The resource and service control policies of the organization, a line for each place where one is attached. A kind
 * of policies that the organization has not enabled is not asked for.
 */
export async function readOrganizationPolicies(
  run: AccountRun,
  port: OrganizationPort,
  organization: OrganizationLine,
): Promise<Pick<ReadOrganization, "gaps"> & { readonly lines: readonly SnapshotLine[] }> {
  const gaps: [string, CallFailure][] = [];
  const lines: PolicyLine[] = [];
  const workers = new Workers(UNITS_AT_ONCE);
  const unread = { everywhere: false, targets: new Set<string>() };
  const missed = (type: OrganizationPolicyType, targets: Asked<readonly string[]>): void => {
    if (type !== "SERVICE_CONTROL_POLICY") return;
    if (targets.ok) for (const target of targets.value) unread.targets.add(target);
    else unread.everywhere = true;
  };
  for (const type of ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"] as const) {
    if (organization.policyTypes !== undefined && !organization.policyTypes.includes(type)) continue;
    const policies = await allPages("organizations:ListPolicies", (marker) =>
      run.ask("organizations:ListPolicies", (signal) => port.policies(type, marker, signal)),
    );
    if (!policies.ok) {
      gaps.push([organization.id, policies.error]);
      continue;
    }
    for (const { id, name } of policies.value) {
      await workers.start(async () => {
        const [text, targets] = await Promise.all([
          run.ask("organizations:DescribePolicy", (signal) => port.policyText(id, signal)),
          allPages("organizations:ListTargetsForPolicy", (marker) =>
            run.ask("organizations:ListTargetsForPolicy", (signal) => port.targetsOf(id, marker, signal)),
          ),
        ]);
        if (!text.ok) gaps.push([id, text.error]);
        if (!targets.ok) gaps.push([id, targets.error]);
        if (!text.ok || !targets.ok) missed(type, targets);
        else {
          for (const target of targets.value) {
            const named = name === undefined ? {} : { name };
            lines.push({ type: LINE_OF_TYPE[type], target, text: text.value, id, ...named });
          }
        }
      });
    }
  }
  await workers.settled();
  return { lines: lines.filter((line) => !isPartOfLevel(line, unread)), gaps };
}

type PolicyLine = Extract<SnapshotLine, { type: (typeof LINE_OF_TYPE)[OrganizationPolicyType] }>;

/**
 * Of the service control policies of a place one has to allow. Where one of them was not read, it may be that one: the
 * others must not be taken for all, and a place without any counts as not read.
 */
function isPartOfLevel(
  line: PolicyLine,
  unread: { readonly everywhere: boolean; readonly targets: ReadonlySet<string> },
): boolean {
  return line.type === "service-control-policy" && (unread.everywhere || unread.targets.has(line.target));
}
