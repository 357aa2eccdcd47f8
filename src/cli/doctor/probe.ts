import { ok } from "../../domain/result.js";
import { pages } from "../../collect/paging.js";
import type { Asked, CloudPort, KmsPort, ListedAccount, OrganizationPort } from "../../collect/ports.js";

/** One read that was tried in one place. */
export interface Probe {
  readonly action: string;
  readonly outcome: "can" | "cannot" | "not-tried";
  /** Account, `ACCOUNT/REGION`, or what else the call is about. */
  readonly where: string;
  /** AWS's error code, or why it was not tried. */
  readonly detail?: string;
  /** The next step, where it is another one than to permit the action. */
  readonly next?: string;
}

/** The outcome of one read. What is denied is to be permitted; of a role's refusal and of all else the call says what to do. */
export function probeOf(action: string, answer: Asked<unknown>, where: string): Probe {
  if (answer.ok) return { action, outcome: "can", where };
  const { kind, code, help } = answer.error;
  const permit = kind === "denied" && action !== "sts:AssumeRole";
  const next = permit || help === undefined ? {} : { next: help };
  return { action, outcome: "cannot", where, detail: code, ...next };
}

/** Either of the two calls that list Regions does. */
export function isSpare(probe: Probe, all: readonly Probe[]): boolean {
  const other = {
    "ec2:DescribeRegions": "account:ListRegions",
    "account:ListRegions": "ec2:DescribeRegions",
  };
  const instead = new Map(Object.entries(other)).get(probe.action);
  return all.some((p) => p.action === instead && p.where === probe.where && p.outcome === "can");
}

/** Collects the outcomes of reads. */
class Book {
  readonly probes: Probe[] = [];

  put<T>(action: string, answer: Asked<T>, where: string): T | undefined {
    this.probes.push(probeOf(action, answer, where));
    return answer.ok ? answer.value : undefined;
  }

  /** The calls of an action that needs a key, a policy or a parent: not tried where there is none. */
  async with<T>(
    subject: T | undefined,
    why: string,
    where: string,
    calls: readonly (readonly [action: string, ask: (subject: T) => Promise<Asked<unknown>>])[],
  ): Promise<void> {
    for (const [action, ask] of calls) {
      if (subject === undefined) this.probes.push({ action, outcome: "not-tried", where, detail: why });
      else this.put(action, await ask(subject), where);
    }
  }
}

/** Tries the calls that list Regions and read IAM in one account, and says which Regions it has, and which it has not enabled. */
export async function probeAccount(
  cloud: CloudPort,
  account: string,
  signal: AbortSignal,
  /** Also which organization it is in, as a scan without --organization asks. */
  membership = true,
): Promise<{ readonly probes: readonly Probe[]; readonly regions: readonly string[] }> {
  const book = new Book();
  const described = book.put("ec2:DescribeRegions", await cloud.describeRegions(signal), account);
  const listed = book.put("account:ListRegions", await cloud.listRegions(signal), account);
  if (cloud.iam !== undefined) {
    const iam = await cloud.iam();
    const details = await iam.authorizationDetails(undefined, signal);
    book.put("iam:GetAccountAuthorizationDetails", details, account);
  }
  if (membership && cloud.organization !== undefined) {
    const asked = await (await cloud.organization()).describe(signal);
    // An account that is in no organization is told so, which is an answer.
    const none = !asked.ok && asked.error.code === "AWSOrganizationsNotInUseException";
    book.put("organizations:DescribeOrganization", none ? ok(undefined) : asked, account);
  }
  const all = described ?? listed ?? [];
  const closed = all.filter((r) => !r.enabled);
  book.probes.push(
    ...closed.map(
      ({ name }): Probe => ({
        action: "kms:ListKeys",
        outcome: "not-tried",
        where: `${account}/${name}`,
        detail: "the account has not enabled the Region",
      }),
    ),
  );
  return { probes: book.probes, regions: all.filter((r) => r.enabled).map((r) => r.name) };
}

/** Tries the reads of a scan in one Region; those that are about a key, with the first key that is listed. */
export async function probeRegion(
  kms: KmsPort,
  place: string,
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const book = new Book();
  const keys = book.put("kms:ListKeys", await kms.listKeys(undefined, signal), place);
  book.put("kms:ListAliases", await kms.listAliases(undefined, signal), place);
  const why = keys === undefined ? "no key could be listed" : "there is no key to try it with";
  await book.with(keys?.items[0]?.id, why, place, [
    ["kms:DescribeKey", (key) => kms.describeKey(key, signal)],
    ["kms:GetKeyPolicy", (key) => kms.getKeyPolicy(key, signal)],
    ["kms:ListGrants", (key) => kms.listGrants(key, undefined, signal)],
    ["kms:ListResourceTags", (key) => kms.listResourceTags(key, undefined, signal)],
    ["kms:GetKeyRotationStatus", (key) => kms.rotationEnabled(key, signal)],
    ["kms:GetKeyLastUsage", (key) => kms.lastUsage(key, signal)],
  ]);
  return book.probes;
}

/** Tries every call that reads an organization, each with the first thing that the one before has listed. */
export async function probeOrganization(
  port: OrganizationPort,
  signal: AbortSignal,
): Promise<{ readonly probes: readonly Probe[]; readonly accounts: readonly ListedAccount[] }> {
  const book = new Book();
  const described = book.put(
    "organizations:DescribeOrganization",
    await port.describe(signal),
    "the organization",
  );
  const where = described?.id ?? "the organization";
  const accounts: ListedAccount[] = [];
  const listing = pages("organizations:ListAccounts", (marker) => port.accounts(marker, signal));
  for await (const page of listing) {
    accounts.push(...(book.put("organizations:ListAccounts", page, where) ?? []));
  }
  const roots = book.put("organizations:ListRoots", await port.roots(undefined, signal), where);
  await book.with(roots?.items[0]?.id, "no root could be listed", where, [
    ["organizations:ListOrganizationalUnitsForParent", (root) => port.unitsOf(root, undefined, signal)],
    ["organizations:ListAccountsForParent", (root) => port.accountsOf(root, undefined, signal)],
  ]);
  await book.with(accounts[0]?.id, "no account could be listed", where, [
    ["organizations:ListTagsForResource", (account) => port.tagsOf(account, undefined, signal)],
  ]);
  const types = roots?.items[0]?.policyTypes;
  // A type of policies that is not enabled cannot be listed everywhere.
  const type =
    types === undefined || types.includes("SERVICE_CONTROL_POLICY")
      ? "SERVICE_CONTROL_POLICY"
      : "RESOURCE_CONTROL_POLICY";
  const policies = book.put(
    "organizations:ListPolicies",
    await port.policies(type, undefined, signal),
    where,
  );
  await book.with(policies?.items[0]?.id, "no policy could be listed", where, [
    ["organizations:DescribePolicy", (policy) => port.policyText(policy, signal)],
    ["organizations:ListTargetsForPolicy", (policy) => port.targetsOf(policy, undefined, signal)],
  ]);
  return { probes: book.probes, accounts };
}
